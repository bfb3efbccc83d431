"""The loop itself: Run executes the five lines literally and records around them.

The lines of `Config.loop` are compiled from the table in `core.lines` and executed one by one
in a namespace that holds model, loss_fn, optimizer, inputs and targets; nothing stands between
them. What is recorded is read before or after a line. Those of `Config.before` run once, when the
run is made.
"""

import copy
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import CodeType
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from core import build, devices, evaluation, torch_warnings
from core.config import Config
from core.gradients import Gradients
from core.history import CHUNK_STEPS, FULL_BYTES, History, Row, evaluation_steps
from core.lines import BEFORE, LINES, part, parts, plain, uses
from core.models import dropout_layers
from core.optimizers import OPTIMIZERS, SCHEDULERS, rate
from core.seeds import stream


@dataclass(frozen=True)
class RaisedAt:
    """The exception that ended a run: in which step (from 0), at which line, and itself."""

    step: int
    line: str
    exception: Exception


@dataclass(frozen=True)
class Warned:
    """A warning of PyTorch's: in which step (from 0) and at which line it came first, and its text."""

    step: int
    line: str
    text: str


class Steps(Protocol):
    """What goes on by steps: one run, or a stack of many."""

    step: int

    @property
    def done(self) -> bool: ...

    def iterate(self) -> None:
        """One step."""
        ...


def iterate(run: Steps, max_steps: int | None, budget_s: float | None) -> None:
    """Step a run on: to its end, by `max_steps` at most, or until `budget_s` seconds are over."""
    until = None if max_steps is None else run.step + max_steps
    deadline = None if budget_s is None else time.monotonic() + budget_s
    while not run.done and (until is None or run.step < until):
        run.iterate()
        if deadline is not None and time.monotonic() >= deadline:
            break


MAX_WARNINGS = 10  # of one run, each text once


class Run:
    """One training run, resumable in slices of any size with the same bits as in one go.

    Args:
        config: what to train. device: where, such as "cpu" or "cuda:0".
        data: one's own (inputs, targets) or (inputs, targets, val_inputs, val_targets),
            taken as they are, in place of the data set.
        model: one's own module, and so one's own starting weights. The run trains a copy:
            two runs of one module start alike.
        batches: one's own rows for each step, at least `config.steps` of them.
        full: whether to keep every step's weights and gradients, while they fit.
        evaluate: whether to score the whole sets at some steps.
        histograms: whether to count the sizes of gradients at every tenth step.
        chunk_steps: how many steps are reduced at one time; few for a run that is watched.
    Attributes: step (steps done), next_line (of the loop, in the step under way), history, model,
    error (a RaisedAt, or None), evaluation_error (the exception that ended the evaluations on the
    whole sets, or None), warnings (a list of Warned), namespace (the names that the lines see).
    """

    def __init__(
        self,
        config: Config,
        device: str | torch.device = "cpu",
        *,
        data: Sequence[Any] | None = None,
        model: nn.Module | None = None,
        batches: Sequence[build.Rows] | None = None,
        full: bool = True,
        evaluate: bool = True,
        histograms: bool = False,
        chunk_steps: int = CHUNK_STEPS,
    ):
        self._given = {"data": data, "model": model, "batches": batches, "full": full}
        self._given |= {"evaluate": evaluate, "histograms": histograms, "chunk_steps": chunk_steps}
        self.config = config
        self.device = devices.check(device, config.dtype)
        built = build.build(config, self.device, data=data, model=model)
        self.data = built.data
        self.step = self.next_line = 0
        self.error: RaisedAt | None = None
        self.evaluation_error: Exception | None = None
        self.warnings: list[Warned] = []
        self.namespace: dict[str, Any] = _names(built) | build.loop_values(config)
        if "scaler" in uses(config.loop):
            self.namespace["scaler"] = torch.amp.GradScaler(self.device.type)
        exec(SCHEDULERS[config.scheduler].compiled(), self.namespace)  # noqa: S102  (only the fixed table)
        for name in config.before:
            self._prepare(name)
        self.model: nn.Module = self.namespace["model"]
        self.parameters = list(self.model.parameters())
        unknown = bool(config.before) or not plain(config.loop)
        self.gradients = Gradients(self.parameters, config.loop, watched=unknown)
        self._own_batches = batches
        self._batches = self._rows()
        self._counts = "step" in uses(config.loop)
        if "sizes" in uses(config.loop):
            self.namespace["sizes"] = self._sizes()
        self._row: Row | None = None  # of the step under way
        self._rates = dict(config.schedule)
        self._lines = [(name, LINES[name].compiled(name)) for name in config.loop]
        self._parts = {name: part(name) for name in config.loop}
        self._set_lr = compile(OPTIMIZERS[config.optimizer].set_lr, "<set_lr>", "exec")
        self._evaluate_at = set(self._evaluation_steps() if evaluate else ())
        full, looks = full and self._fits_in_full(), len(self._evaluate_at)
        self.history = History(self.model, full, histograms, chunk_steps, looks)
        self.history.rated = config.scheduler != "none"
        self.history.sums = not self.gradients.written
        if evaluate:
            with torch_warnings.collecting(self._warn):
                self._evaluate()

    def _prepare(self, name: str) -> None:
        """Execute a line before the loop, unless one before it has raised."""
        if self.error is not None:
            return
        try:
            with torch_warnings.collecting(partial(self._warn, line=name)):
                exec(BEFORE[name].compiled(name), self.namespace)  # noqa: S102  (only the fixed table of lines)
        except Exception as exception:  # noqa: BLE001  (whatever PyTorch says, the learner sees)
            self._raise(name, exception)

    def again(self) -> "Run":
        """A new run of the same things, at its beginning."""
        return Run(self.config, self.device, **self._given)

    @property
    def goes_only_forward(self) -> bool:
        """Whether lines make things that no checkpoint holds: going back is to begin anew."""
        config, modes = self.config, {"train_mode", "eval_mode"} & set(self.config.loop)
        with_state = config.scheduler != "none" or "scaler" in self.namespace or dropout_layers(self.model)
        return self.gradients.watched or bool(with_state or modes)

    @property
    def done(self) -> bool:
        return self.error is not None or self.step == self.config.steps

    def advance(self, max_steps: int | None = None, budget_s: float | None = None) -> "Run":
        """Train on: to the end, by `max_steps` at most, or until `budget_s` seconds are over.

        A step under way, after `line`, is finished first and counts as one.
        """
        with torch_warnings.collecting(self._warn):
            iterate(self, max_steps, budget_s)
        self.history.flush()
        return self

    def line(self) -> str:
        """Execute the next line alone; its name. A loop without lines goes on by a step: ""."""
        with torch_warnings.collecting(self._warn):
            return self._line()

    def _line(self) -> str:
        row = self.begin()
        if not self._lines:
            self._end()
            return ""
        name, code = self._lines[self.next_line]
        try:
            self._execute(name, code, row)
        except Exception as exception:  # noqa: BLE001  (whatever PyTorch says, the learner sees)
            self._raise(name, exception)
            return name
        self.next_line += 1
        if self.next_line == len(self._lines):
            self._end()
        return name

    def iterate(self) -> None:
        """One step: every line of the loop that is still to come in it."""
        row = self._row or self.begin()
        name = ""
        try:
            for name, code in self._lines[self.next_line :]:
                self._execute(name, code, row)
                self.next_line += 1
        except Exception as exception:  # noqa: BLE001  (whatever PyTorch says, the learner sees)
            self._raise(name, exception)
            return
        self._end()

    def begin(self) -> Row:
        """Get ready for a step, if none is under way: learning rate, batch, row of history."""
        if self._row is not None:
            return self._row
        if self.step in self._rates:
            self._use_lr(self._rates[self.step])
        rows = next(self._batches)
        if rows is not None:
            names = self.namespace
            names["inputs"], names["targets"] = self.data.inputs[rows], self.data.targets[rows]
        if self._counts:
            self.namespace["step"] = self.step
        self._row = self.history.begin()
        if self.history.rated:
            self._row.lr = rate(self.namespace["optimizer"])
        return self._row

    def _execute(self, name: str, code: CodeType, row: Row) -> None:
        """One line, with a look before or after some of them."""
        part = self._parts[name]
        if part == "backward":
            self.gradients.backward(partial(exec, code, self.namespace), row)
            return
        if part == "step":
            self.gradients.before_step(row)
            if self.history.rated:  # the scheduler's line may have come before
                row.lr = rate(self.namespace["optimizer"])
        exec(code, self.namespace)  # noqa: S102  (only the fixed table of lines)
        if part == "loss" and LINES[name].number:
            row.loss = self.namespace["loss"].detach()

    def _warn(self, text: str, line: str = "") -> None:
        """Note a warning, each text once."""
        known = any(warning.text == text for warning in self.warnings)
        if not known and len(self.warnings) < MAX_WARNINGS:
            now = self.config.loop[self.next_line : self.next_line + 1]
            self.warnings.append(Warned(self.step, line or "".join(now), text))

    def _raise(self, name: str, exception: Exception) -> None:
        self.error = RaisedAt(self.step, name, exception.with_traceback(None))

    def _end(self) -> None:
        self._row, self.next_line = None, 0
        self.step += 1
        if self.step in self._evaluate_at:
            self._evaluate()

    def change_lr(self, lr: float) -> None:
        """Another learning rate from the next update on, in place of all changes planned after it.

        The run's Config says so from then on: a new run of it gives the same bits.
        Raises ValueError if the rate, or one change more, is over its limit; and before the first update
        under a scheduler, which has taken its own rates from the first one already.
        """
        updated = "step" in parts(self.config.loop[: self.next_line])
        at = self.step + updated
        if not at and self.config.scheduler != "none":
            raise ValueError("lr can be changed under a scheduler from the second step on")
        planned = tuple(change for change in self.config.schedule if change[0] < at)
        if at:
            self.config = replace(self.config, schedule=(*planned, (at, lr)))
        else:
            self.config = replace(self.config, lr=lr, schedule=())
        self._rates = dict(self.config.schedule)
        if not updated:
            self._use_lr(lr)

    def _use_lr(self, lr: float) -> None:
        exec(self._set_lr, {"optimizer": self.namespace["optimizer"], "lr": lr})  # noqa: S102  (a fixed table)

    def go_on_from(self, step: int) -> None:
        """Forget what came after the beginning of a step, and take it from there.

        Weights, gradients and the optimizer's state are the caller's to restore (`core.watch.tape`).
        """
        self.step, self.next_line, self._row, self.error = step, 0, None, None
        self.history.cut(step)
        self._batches = itertools.islice(self._rows(), step, None)
        whole = {"inputs": self.data.inputs, "targets": self.data.targets}
        kept = {name: v for name, v in self.namespace.items() if name not in ("outputs", "loss")}
        self.namespace = kept | whole
        before = [self.config.lr, *(rate for at, rate in self.config.schedule if at <= step)]
        self._use_lr(before[-1])

    def _rows(self) -> Iterator[Tensor | None]:
        """Row numbers of each step on the run's device; None for all rows as they are."""
        config, rows, own = self.config, len(self.data.inputs), self._own_batches
        if own is not None:
            if len(own) < config.steps:
                raise ValueError(f"batches must be {config.steps}, one per step; got {len(own)}")
            return (torch.as_tensor(batch, device=self.device) for batch in own)
        if not config.batch_size:
            return itertools.repeat(None)
        order = build.batches(rows, config.batch_size, stream(config.seed, "batches"))
        return (batch.to(self.device) for batch in order)

    def _sizes(self) -> list[int]:
        """Rows of the batch of each step."""
        whole = len(self.data.inputs)
        return [
            whole if rows is None else len(rows) for rows in itertools.islice(self._rows(), self.config.steps)
        ]

    def _fits_in_full(self) -> bool:
        """Whether the vectors of all steps fit in memory, counted from the order of the lines."""
        gradients = self.gradients  # weights and fresh; leftover and used where they differ
        vectors = 2 + gradients.accumulates + (not gradients.steps_on_fresh)
        weights = sum(p.numel() * p.element_size() for p in self.parameters)
        return self.config.steps * weights * vectors <= FULL_BYTES

    def _evaluation_steps(self) -> list[int]:
        rows, own = len(self.data.inputs), self._own_batches
        parameters = sum(p.numel() for p in self.parameters)
        batch_rows = sum(map(len, own)) / len(own) if own else build.batch_rows(self.config, rows)
        return evaluation_steps(self.config.steps, batch_rows, rows, parameters)

    def _evaluate(self) -> None:
        """Score the whole sets now."""
        loss_fn: Any = self.namespace["loss_fn"]
        try:
            found = evaluation.scores(self.model, loss_fn, self.data, self.config.loss)
        except Exception as exception:  # noqa: BLE001  (one's own data or model; the lines go on)
            self.evaluation_error, self._evaluate_at = exception.with_traceback(None), set()
            return
        self.history.evaluate(self.step, found)


def _names(built: build.Built) -> dict[str, Any]:
    """What the lines see before the first of them."""
    return {
        "inputs": built.data.inputs,
        "targets": built.data.targets,
        "model": built.model,
        "loss_fn": built.loss_fn,
        "optimizer": built.optimizer,
        "torch": torch,
        "nn": nn,
        "copy": copy,
    }
