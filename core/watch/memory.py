"""What keeping losses keeps alive: the bytes and graph nodes that each way of keeping them holds, measured.

A loss with a grad_fn holds its graph, and a graph that backward has not freed holds its saved tensors. Both
are counted exactly, by running the lines: the process's memory would show neither, since allocators hold on
to what is freed. Weights and the data set stay anyway, so they do not count; a mini-batch, a copy of its
rows, does.
"""

import copy
import itertools
import math
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core import build, devices
from core.config import Config
from core.graph import nodes
from core.graph.storage import storages
from core.lines import LINES, USUAL
from core.seeds import stream
from core.words import shown, size_text

PREDICT = (LINES["forward"].text, LINES["loss"].text)
TRAIN = tuple(LINES[name].text for name in USUAL)
NO_GRAD = ("with torch.no_grad():", *("    " + line for line in PREDICT))
LIST, SUM = "losses = []", "total = 0"


@dataclass(frozen=True)
class Way:
    """A loop that keeps its losses: the line before it, its own lines, and the line that keeps.

    title: short, for the panel of a chart. about: what stays alive, and why.
    """

    title: str
    before: str
    lines: tuple[str, ...]
    keeps: str
    about: str

    @property
    def text(self) -> str:
        """The lines of one step, as executed and shown."""
        return "\n".join((*self.lines, self.keeps))


# With backward, and beside it the same without.
WAYS = {
    "item": Way(
        "loss.item()",
        LIST,
        TRAIN,
        "losses.append(loss.item())",
        "A plain number has no grad_fn: the graph is freed as soon as the next step replaces the loss.",
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

STEPS, MAX_STEPS = 20, 100  # losses each way keeps
MAX_BYTES = 64 * 2**20  # one way may hold


@dataclass(frozen=True)
class KeptLosses:
    """What one way holds after keeping `kept` losses.

    saved: bytes of tensors saved for backward. nodes: in the graphs behind what is kept. own: bytes of the
    kept tensors themselves.
    """

    way: str
    kept: int
    saved: int
    nodes: int
    own: int


class _Packed:
    """What a node holds in place of a tensor; it dies when the node lets go of it."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: Tensor):
        # Detached: an output knows its own node, and the cycle would outlive both.
        self.tensor = tensor.detach()


class SavedCounter:
    """Counts the bytes that operations executed inside `with hooks()` keep for backward.

    leave_out: tensors whose storages do not count. The hooks bypass PyTorch's check for tensors changed in
    place, so use them only for the usual lines on copies, never for a Run.
    """

    def __init__(self, leave_out: Iterable[Tensor] = ()):
        self._left_out = [tensor.detach() for tensor in leave_out]  # held, so that no address is reused
        self._alive: weakref.WeakSet[_Packed] = weakref.WeakSet()

    def hooks(self) -> Any:
        return torch.autograd.graph.saved_tensors_hooks(self._pack, lambda packed: packed.tensor)

    def _pack(self, tensor: Tensor) -> _Packed:
        packed = _Packed(tensor)
        self._alive.add(packed)
        return packed

    @property
    def nbytes(self) -> int:
        """Bytes held now. Whole storages, since a view keeps all of its own; each counted once."""
        held = storages(packed.tensor for packed in self._alive)
        return sum(held[where] for where in held.keys() - storages(self._left_out).keys())


class MemoryRun:
    """Runs every way for some steps, each on its own copy of the same model; resumable in slices.

    Args:
        config: what to train, with the five usual lines whatever its loop says.
        steps: losses to keep, 1 to MAX_STEPS; fewer if they would hold more than MAX_BYTES.
        data, model: your own, as for `core.loop.Run`.
    Attributes: rows, a KeptLosses for each way at 0, 1, 2, ... kept losses, way by way; steps; per_loss, the
    bytes saved for the first loss.
    Raises ValueError for steps out of range, for a single loss that holds more than MAX_BYTES, and, here and
    in `advance`, in PyTorch's words if a line raises.
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
        on_cpu = build.make_data(config) if data is None else build.own_data(config, data)
        self._model = build.make_model(config, on_cpu) if model is None else model
        self._data = on_cpu.to(self.device)
        self.per_loss = list(itertools.islice(self._keep("without"), 2))[1].saved
        if self.per_loss > MAX_BYTES:
            too_much = f"one kept loss would hold {size_text(self.per_loss)}"
            raise ValueError(f"{too_much}, and the limit is {size_text(MAX_BYTES)}.")
        self.steps = min(steps, MAX_BYTES // max(self.per_loss, 1))
        self.rows: list[KeptLosses] = []
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

    def advance(self, budget_s: float = math.inf) -> "MemoryRun":
        """Continues to the end, or until `budget_s` seconds are over."""
        deadline = time.monotonic() + budget_s
        for row in self._to_come:
            self.rows.append(row)
            if time.monotonic() >= deadline:
                break
        return self

    def _keep(self, name: str) -> Iterator[KeptLosses]:
        """Runs one way without end: what it holds before the first step and after each."""
        way, names = WAYS[name], self._names()
        model: nn.Module = names["model"]
        data = (self._data.inputs, self._data.targets)
        saved = SavedCounter([*model.parameters(), *model.buffers(), *data])
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
            "loss_fn": build.make_loss(self.config, self._data).to(self.device),
            "optimizer": build.make_optimizer(self.config, model),
        }

    def _batches(self) -> Iterator[Tensor | None]:
        """The rows of each step, as in `core.loop.Run`."""
        size = self.config.batch_size
        if not size:
            return itertools.repeat(None)
        order = build.batches(len(self._data.inputs), size, stream(self.config.seed, "batches"))
        return (batch.to(self.device) for batch in order)


def _execute(code: Any, names: dict[str, Any]) -> None:
    try:
        exec(code, names)  # noqa: S102  (only the fixed table of ways)
    except Exception as exception:  # noqa: BLE001  (whatever PyTorch says, the learner sees)
        said = (str(exception).splitlines() or [""])[0]
        raise ValueError(f"the lines raised {type(exception).__name__}: {said}") from None


def _held(name: str, count: int, names: dict[str, Any], saved: SavedCounter) -> KeptLosses:
    values = names["losses"] if "losses" in names else [names["total"]]
    tensors = [value for value in values if isinstance(value, Tensor)]
    return KeptLosses(name, count, saved.nbytes, nodes.count(*tensors), sum(storages(tensors).values()))
