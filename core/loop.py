"""The loop itself. Run: executes the five lines literally and records around them.

The lines of `Config.loop` are compiled from the table in `core.lines` and executed one by one
in a namespace that holds model, loss_fn, optimizer, inputs and targets; nothing stands between
them. What is recorded is read before or after a line.
"""

import copy
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core import devices, task
from core.config import Config
from core.history import FULL_BYTES, History, Row, Scores, evaluation_steps
from core.lines import LINES, letters
from core.losses import LOSSES, accuracy
from core.streams import stream
from core.vectors import Vector


@dataclass(frozen=True)
class Raised:
    """The exception that ended a run: in which step (from 0), at which line, and itself."""

    step: int
    line: str
    exception: Exception


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
    Attributes: step (steps done), history, model, error (a Raised, or None), evaluation_error
    (the exception that ended the evaluations on the whole sets, or None).
    """

    def __init__(
        self,
        config: Config,
        device: str | torch.device = "cpu",
        *,
        data: Sequence[Any] | None = None,
        model: nn.Module | None = None,
        batches: Sequence[task.Rows] | None = None,
        full: bool = True,
        evaluate: bool = True,
    ):
        self.config = config
        self.device = devices.check(device, config.dtype)
        on_cpu = task.make_data(config) if data is None else task.own_data(config, data)
        model = task.make_model(config, on_cpu) if model is None else copy.deepcopy(model)
        if self.device.type != "cpu":
            _check_labels(model, on_cpu)
        self.data = on_cpu.to(self.device)
        self.model = model.to(self.device)
        self.step = 0
        self.error: Raised | None = None
        self.evaluation_error: Exception | None = None
        self._batches = self._rows(batches)
        self._parameters = list(self.model.parameters())
        self._lines = [(name, LINES[name].compiled(name)) for name in config.loop]
        self._accumulates = "zero_grad" not in config.loop  # else .grad is None before backward
        self._left: Vector | None = None  # .grad after the last backward
        order = "".join(letter for letter in letters(config.loop) if letter in "ZBS")
        self._steps_on_fresh = order in ("ZBS", "BSZ")  # .grad is just what backward has left
        self._namespace: dict[str, Any] = {
            "inputs": self.data.inputs,
            "targets": self.data.targets,
            "model": self.model,
            "loss_fn": task.make_loss(config).to(self.device),
            "optimizer": task.make_optimizer(config, self.model),
        }
        self.history = History(self.model, full and self._fits_in_full())
        self._evaluate_at = set(self._evaluation_steps() if evaluate else ())
        if evaluate:
            self._evaluate()

    @property
    def done(self) -> bool:
        return self.error is not None or self.step == self.config.steps

    def advance(self, max_steps: int | None = None, budget_s: float | None = None) -> "Run":
        """Train on: to the end, by `max_steps` at most, or until `budget_s` seconds are over."""
        until = self.config.steps if max_steps is None else self.step + max_steps
        deadline = None if budget_s is None else time.monotonic() + budget_s
        while not self.done and self.step < until:
            self._iterate()
            if deadline is not None and time.monotonic() >= deadline:
                break
        self.history.flush()
        return self

    def _iterate(self) -> None:
        """One step: every line of the loop, with a look before or after some of them."""
        row = self.history.begin()
        namespace = self._namespace
        rows = next(self._batches)
        if rows is not None:
            namespace["inputs"], namespace["targets"] = self.data.inputs[rows], self.data.targets[rows]
        name = ""
        try:
            for name, code in self._lines:
                if name == "backward":
                    self._backward(code, row)
                    continue
                if name == "step":
                    row.grads = row.fresh_grads if self._steps_on_fresh else self._grads()
                exec(code, namespace)  # noqa: S102  (only the fixed table of lines)
                if name == "loss":
                    row.loss = namespace["loss"].detach()
        except Exception as exception:  # noqa: BLE001  (whatever PyTorch says, the learner sees)
            self.error = Raised(self.step, name, exception.with_traceback(None))
            return
        self.step += 1
        if self.step in self._evaluate_at:
            self._evaluate()

    def _backward(self, code: Any, row: Row) -> None:
        """Run backward into empty .grads, then add what was there: fresh + leftover.

        The same bits as letting autograd accumulate; subtracting two accumulated buffers
        afterwards would round in most entries.
        """
        leftovers = self._set_aside(row) if self._accumulates else None
        try:
            exec(code, self._namespace)  # noqa: S102  (only the fixed table of lines)
        finally:
            grads = fresh = [p.grad for p in self._parameters]
            if leftovers is not None:
                grads = [
                    left if new is None else new if left is None else left + new
                    for left, new in zip(leftovers, fresh, strict=True)
                ]
                for p, grad in zip(self._parameters, grads, strict=True):
                    p.grad = grad
        row.fresh_grads = self._frozen(fresh)
        self._left = row.fresh_grads if grads is fresh else self._frozen(grads)

    def _set_aside(self, row: Row) -> Sequence[Tensor | None] | None:
        """Take what is in .grad out of it; None if nothing is."""
        if self._left is None:
            return None
        leftovers = [p.grad for p in self._parameters]
        row.leftovers = self._left if self.device.type == "cpu" else self._frozen(leftovers)
        for p in self._parameters:
            p.grad = None
        return leftovers

    def _grads(self) -> Sequence[Tensor | None]:
        """.grad now. Where nothing clears it, that is what the last backward has left."""
        if self._accumulates and self._left is not None and self.device.type == "cpu":
            return self._left
        return self._frozen([p.grad for p in self._parameters])

    def _frozen(self, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
        """Gradients as they are now. On the CPU nothing writes into them later; on other
        devices torch.optim's Nesterov does, so they are copied."""
        if self.device.type == "cpu":
            return grads
        return [None if g is None else g.clone() for g in grads]

    def _rows(self, own: Sequence[task.Rows] | None) -> Iterator[Tensor | None]:
        """Row numbers of each step on the run's device; None for all rows as they are."""
        config, rows = self.config, len(self.data.inputs)
        if own is not None:
            if len(own) < config.steps:
                raise ValueError(f"batches must be {config.steps}, one per step; got {len(own)}")
            return (torch.as_tensor(batch, device=self.device) for batch in own)
        if not config.batch_size:
            return itertools.repeat(None)
        order = task.batches(rows, config.batch_size, stream(config.seed, "batches"))
        return (batch.to(self.device) for batch in order)

    def _fits_in_full(self) -> bool:
        """Whether the vectors of all steps fit in memory, counted from the order of the lines."""
        vectors = 2 + 2 * self._accumulates + (not self._steps_on_fresh)  # fresh, leftover, used apart
        weights = sum(p.numel() * p.element_size() for p in self._parameters)
        return self.config.steps * weights * vectors <= FULL_BYTES

    def _evaluation_steps(self) -> list[int]:
        rows = len(self.data.inputs)
        parameters = sum(p.numel() for p in self._parameters)
        batch_rows = task.batch_rows(self.config, rows)
        return evaluation_steps(self.config.steps, batch_rows, rows, parameters)

    def _evaluate(self) -> None:
        """Score the whole sets now, with layers such as dropout switched off."""
        training = self.model.training
        self.model.eval()
        try:
            self.history.evaluate(self.step, self._scores())
        except Exception as exception:  # noqa: BLE001  (one's own data or model; the lines go on)
            self.evaluation_error, self._evaluate_at = exception.with_traceback(None), set()
        self.model.train(training)

    @torch.no_grad()
    def _scores(self) -> Scores:
        data = self.data
        train = self._score(data.inputs, data.targets)
        if data.val_inputs is None:
            return Scores(train[0], train_accuracy=train[1])
        val = self._score(data.val_inputs, data.val_targets)
        return Scores(train[0], val[0], train[1], val[1])

    def _score(self, inputs: Tensor, targets: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Loss and, for classes, accuracy of the model on these rows."""
        assert targets is not None
        outputs = self.model(inputs)
        loss = self._namespace["loss_fn"](outputs, targets)
        if self.data.target_form == "values":
            return loss, None
        threshold = LOSSES[self.config.loss].threshold
        return loss, accuracy(outputs, targets, self.data.target_form, threshold)


@torch.no_grad()
def _check_labels(model: nn.Module, data: task.Data) -> None:
    """Raise PyTorch's own error for a label out of range on the CPU, before a GPU sees it.

    There it would be a device-side assert, after which nothing works until a restart.
    """
    if data.target_form != "class_index":
        return
    classes = copy.deepcopy(model).eval()(data.inputs[:1]).shape[-1]
    for targets in (data.targets, data.val_targets):
        if targets is not None:
            nn.functional.nll_loss(torch.zeros(len(targets), classes), targets.long())
