"""What does keeping losses keep alive? Ways to keep them, and the bytes and graph nodes each holds.

A loss that has a grad_fn holds its graph; a graph that backward has not freed holds the tensors
saved for it. Both are counted exactly, by running the lines: the process's own memory would show
neither, since allocators keep what is freed. Weights and the data set are not counted, since they
stay anyway; a mini-batch is a copy of its rows, so it is.
"""

import copy
import itertools
import math
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from core import devices, graph, task
from core.config import Config
from core.knobs import shown
from core.lines import LINES, USUAL
from core.streams import stream

STEPS, MAX_STEPS = 20, 100  # losses that are kept, of each way
MAX_BYTES = 64 * 2**20  # that one way may hold

PREDICT = (LINES["forward"].text, LINES["loss"].text)
TRAIN = tuple(LINES[name].text for name in USUAL)
NO_GRAD = ("with torch.no_grad():", *("    " + line for line in PREDICT))
LIST, SUM = "losses = []", "total = 0"


@dataclass(frozen=True)
class Way:
    """A loop that keeps its losses: the line before it, its own lines, and the one that keeps.

    title: short, for a panel of a picture. about: what stays alive, and why.
    """

    title: str
    before: str
    lines: tuple[str, ...]
    keeps: str
    about: str

    @property
    def text(self) -> str:
        """The lines of one step, as they are executed and shown."""
        return "\n".join((*self.lines, self.keeps))


# With backward, and beside it the same without.
WAYS = {
    "item": Way(
        "loss.item()",
        LIST,
        TRAIN,
        "losses.append(loss.item())",
        "A plain number has no grad_fn: the graph goes as soon as the next step replaces the loss.",
    ),
    "no_grad": Way(
        "loss, no_grad",
        LIST,
        NO_GRAD,
        "losses.append(loss)",
        "Under no_grad nothing is recorded: the loss is a tensor without a grad_fn.",
    ),
    "after": Way(
        "loss, after backward",
        LIST,
        TRAIN,
        "losses.append(loss)",
        "Backward frees the saved tensors, but the loss still holds every node of its graph.",
    ),
    "without": Way(
        "loss, no backward",
        LIST,
        PREDICT,
        "losses.append(loss)",
        "An evaluation that forgot no_grad: the saved tensors wait for a backward that never comes.",
    ),
    "sum_after": Way(
        "sum, after backward",
        SUM,
        TRAIN,
        "total += loss",
        "Every addition is recorded too: one chain that reaches back to the first step.",
    ),
    "sum_without": Way(
        "sum, no backward",
        SUM,
        PREDICT,
        "total += loss",
        "The one number at the end of the chain holds the saved tensors of all steps.",
    ),
}


@dataclass(frozen=True)
class Held:
    """What a way holds when it has kept so many losses.

    saved: bytes of tensors saved for backward. nodes: of the graphs behind what is kept.
    own: bytes of the kept tensors themselves.
    """

    way: str
    kept: int
    saved: int
    nodes: int
    own: int


class _Packed:
    """What a node holds in place of a tensor; it dies with the node's claim on it."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: Tensor):
        # Detached, since an output still knows its own node: a cycle that would outlive both.
        self.tensor = tensor.detach()


class Saved:
    """The tensors that operations keep for backward, if they are executed inside `with hooks()`.

    leave_out: tensors whose storages do not count. The hooks switch off PyTorch's check for
    tensors changed in place, so they are for the usual lines on copies only, never for a Run.
    """

    def __init__(self, leave_out: Iterable[Tensor] = ()):
        self._left_out = [tensor.detach() for tensor in leave_out]  # held, so no address is used again
        self._alive: weakref.WeakSet[_Packed] = weakref.WeakSet()

    def hooks(self) -> Any:
        return torch.autograd.graph.saved_tensors_hooks(self._pack, lambda packed: packed.tensor)

    def _pack(self, tensor: Tensor) -> _Packed:
        packed = _Packed(tensor)
        self._alive.add(packed)
        return packed

    @property
    def nbytes(self) -> int:
        """Bytes that are held now. Whole storages, as a view keeps all of its own; each once."""
        held = storages(packed.tensor for packed in self._alive)
        return sum(held[where] for where in held.keys() - storages(self._left_out).keys())


def storages(tensors: Iterable[Tensor]) -> dict[tuple[torch.device, int], int]:
    """Device and address of the storages of these tensors -> their bytes."""
    found = ((tensor.device, tensor.untyped_storage()) for tensor in tensors)
    return {(device, storage.data_ptr()): storage.nbytes() for device, storage in found}


class Watch:
    """Every way for some steps, each on a model of its own that starts alike; in slices of any size.

    Args:
        config: what to train, by the five usual lines whatever its loop says.
        steps: losses to keep, 1 to MAX_STEPS; fewer where they would hold more than MAX_BYTES.
        data, model: one's own, as for `core.loop.Run`.
    Attributes: rows, a Held for each way at 0, 1, 2, ... kept losses, way by way; steps; per_loss,
    bytes saved for the first loss.
    Raises: ValueError for steps out of range, for a loss that alone holds more than MAX_BYTES, and
    where a line raises, with PyTorch's own words; `advance` raises it too.
    """

    def __init__(
        self,
        config: Config,
        device: str | torch.device = "cpu",
        *,
        steps: int = STEPS,
        data: Sequence[Any] | None = None,
        model: nn.Module | None = None,
    ):
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MAX_STEPS:
            raise ValueError(f"steps must be a whole number from 1 to {MAX_STEPS}; got {shown(steps)}")
        self.config, self.device = config, devices.check(device, config.dtype)
        on_cpu = task.make_data(config) if data is None else task.own_data(config, data)
        self._model = task.make_model(config, on_cpu) if model is None else model
        self._data = on_cpu.to(self.device)
        self.per_loss = list(itertools.islice(self._keep("without"), 2))[1].saved
        if self.per_loss > MAX_BYTES:
            too_much = f"one kept loss would hold {size_text(self.per_loss)}"
            raise ValueError(f"{too_much}, and the limit is {size_text(MAX_BYTES)}.")
        self.steps = min(steps, MAX_BYTES // max(self.per_loss, 1))
        self.rows: list[Held] = []
        counts = self.steps + 1
        self._to_come = itertools.chain.from_iterable(
            itertools.islice(self._keep(name), counts) for name in WAYS
        )
        self._all = counts * len(WAYS)

    @property
    def done(self) -> bool:
        return len(self.rows) == self._all

    @property
    def share_done(self) -> float:
        return len(self.rows) / self._all

    def advance(self, budget_s: float = math.inf) -> "Watch":
        """Go on, to the end or until `budget_s` seconds are over."""
        deadline = time.monotonic() + budget_s
        for row in self._to_come:
            self.rows.append(row)
            if time.monotonic() >= deadline:
                break
        return self

    def _keep(self, name: str) -> Iterator[Held]:
        """One way without end: what it holds before the first step and after each."""
        way, names = WAYS[name], self._names()
        model: nn.Module = names["model"]
        data = (self._data.inputs, self._data.targets)
        saved = Saved([*model.parameters(), *model.buffers(), *data])
        code = compile(way.text, f"<{name}>", "exec")
        exec(compile(way.before, f"<{name}>", "exec"), names)  # noqa: S102  (only the fixed table of ways)
        for count, rows in enumerate(self._batches()):
            yield _held(name, count, names, saved)
            if rows is not None:
                names["inputs"], names["targets"] = (tensor[rows] for tensor in data)
            with saved.hooks():  # never open over a yield
                _execute(code, names)

    def _names(self) -> dict[str, Any]:
        model = copy.deepcopy(self._model).to(self.device)
        return {
            "torch": torch,
            "inputs": self._data.inputs,
            "targets": self._data.targets,
            "model": model,
            "loss_fn": task.make_loss(self.config).to(self.device),
            "optimizer": task.make_optimizer(self.config, model),
        }

    def _batches(self) -> Iterator[Tensor | None]:
        """The rows of each step, as `core.loop.Run` takes them."""
        size = self.config.batch_size
        if not size:
            return itertools.repeat(None)
        order = task.batches(len(self._data.inputs), size, stream(self.config.seed, "batches"))
        return (batch.to(self.device) for batch in order)


def _execute(code: Any, names: dict[str, Any]) -> None:
    try:
        exec(code, names)  # noqa: S102  (only the fixed table of ways)
    except Exception as exception:  # noqa: BLE001  (whatever PyTorch says, the learner sees)
        said = (str(exception).splitlines() or [""])[0]
        raise ValueError(f"the lines raised {type(exception).__name__}: {said}") from None


def _held(name: str, count: int, names: dict[str, Any], saved: Saved) -> Held:
    values = names["losses"] if "losses" in names else [names["total"]]
    tensors = [value for value in values if isinstance(value, Tensor)]
    return Held(name, count, saved.nbytes, graph.count(*tensors), sum(storages(tensors).values()))


def table(rows: Iterable[Held]) -> pd.DataFrame:
    """One row per way at its last step: way, saved, per_loss, nodes, keeps, own.

    saved, per_loss and own are bytes; keeps is the line that keeps.
    """
    last = {row.way: row for row in rows}
    return pd.DataFrame(
        {
            "way": WAYS[name].title,
            "saved": row.saved,
            "per_loss": round(row.saved / max(row.kept, 1)),
            "nodes": row.nodes,
            "keeps": WAYS[name].keeps,
            "own": row.own,
        }
        for name, row in last.items()
    )


def words(watch: Watch) -> str:
    """What a finished Watch has found, in sentences with its numbers."""
    last = {row.way: row for row in watch.rows}
    after, without, total = (last[name] for name in ("after", "without", "sum_after"))
    count = "1 loss" if watch.steps == 1 else f"{watch.steps} losses"
    own = last["no_grad"].own // watch.steps
    # nn.MSELoss computes its mean in place of the squared errors, and the storage keeps their size.
    buffer = (
        f" The loss, one number, sits in a storage of {size_text(own)}, even under no_grad."
        if own > 8
        else ""
    )
    return (
        f"Without backward, each kept loss holds the {size_text(watch.per_loss)} saved for it: "
        f"{size_text(without.saved)} for {count}. Backward frees those bytes "
        f"({size_text(after.saved)} left), yet {after.nodes:,} graph nodes stay with the kept losses, and "
        f"{total.nodes:,} with their sum. With `loss.item()`, {last['item'].nodes} nodes stay.{buffer}"
    )


def limit_words(watch: Watch, asked: int = STEPS) -> str | None:
    """Why fewer losses were kept than asked for; None if all were."""
    if watch.steps == asked:
        return None
    return (
        f"{watch.steps} in place of {asked}: at {size_text(watch.per_loss)} per loss, one more "
        f"could pass the limit of {size_text(MAX_BYTES)}."
    )


def size_text(nbytes: int) -> str:
    """Bytes in the unit that fits: 512 bytes, 4.0 KiB, 4.0 MiB."""
    if nbytes < 2**10:
        return f"{nbytes} bytes"
    return f"{nbytes / 2**10:,.1f} KiB" if nbytes < 2**20 else f"{nbytes / 2**20:,.1f} MiB"
