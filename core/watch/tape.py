"""Moves forward and back through a run, by lines and by steps, to the same bits.

Going back restores a checkpoint of some steps before and executes the lines again. Everything a
step depends on is in it, so the bits are those of the first time: weights and their version
counters, .grad, the optimizer's state; batches come from the seed. Lines of other kinds may make
things that no checkpoint knows (a scheduler, say): then the run begins anew.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from core.graph.flow import Flow
from core.graph.graph import Graph, graph
from core.graph.nodes import operations
from core.lines import part, parts
from core.loop import Run
from core.torch_internals import set_versions, version
from core.watch.snapshot import FLOWING, Look, look

SPACING = 25  # steps between two checkpoints, at first
KEPT_BYTES = 16 * 2**20  # of all checkpoints; beyond it every second one is dropped


@dataclass(frozen=True)
class Checkpoint:
    """Copies of what a run needs to continue from the start of a step."""

    weights: list[Tensor]
    versions: tuple[int, ...]
    grads: list[Tensor | None]
    state: list[dict[str, Any]]

    @property
    def nbytes(self) -> int:
        held = [v for state in self.state for v in state.values() if isinstance(v, Tensor)]
        return sum(t.nbytes for t in (*self.weights, *self.grads, *held) if t is not None)


def _copied(values: dict[str, Any]) -> dict[str, Any]:
    return {key: v.clone() if isinstance(v, Tensor) else v for key, v in values.items()}


def checkpoint(run: Run) -> Checkpoint:
    """What the run holds now, between two steps."""
    held, state = _mutable(run), getattr(run.namespace["optimizer"], "state", {})
    return Checkpoint(
        [t.detach().clone() for t in held],
        tuple(version(t) for t in held),
        [None if p.grad is None else p.grad.clone() for p in run.parameters],
        [_copied(state.get(p, {})) for p in run.parameters],
    )


def restore(run: Run, kept: Checkpoint) -> None:
    """The inverse of checkpoint, in the tensors that the run has."""
    held, state = _mutable(run), getattr(run.namespace["optimizer"], "state", None)
    with torch.no_grad():
        for tensor, weights in zip(held, kept.weights, strict=True):
            tensor.copy_(weights)
    # Copying counts as a write; the counters are part of what a learner compares.
    set_versions(held, kept.versions)
    run.gradients.restore(kept.grads)
    if state is not None:
        state.clear()
        state.update({p: _copied(s) for p, s in zip(run.parameters, kept.state, strict=True) if s})


def _mutable(run: Run) -> list[Tensor]:
    return [*run.parameters, *run.model.buffers()]


@dataclass(frozen=True)
class Details:
    """Operations that forward or loss recorded, in order; the gradients of one backward alone."""

    operations: list[str] = field(default_factory=list)
    fresh: dict[str, Tensor | None] = field(default_factory=dict)


class Tape:
    """A run with a place in it.

    looks: what was held before the first line of the step shown and after each line executed in
    it, that of the step under way, or of the last one where the next line begins a step. Empty
    after `play`, until `settle`. details: what a look does not hold, for each line executed in it.
    """

    def __init__(self, run: Run):
        self.run = run
        self.spacing = SPACING
        self.checkpoints = {0: checkpoint(run)}
        self.looks: list[Look] = [look(run)]
        self.details: list[Details] = []
        self._flow: Flow | None = None  # of the last backward, for the graph of the loss

    @property
    def place(self) -> tuple[int, int]:
        """Step, and number of the next line in it; from 0."""
        return self.run.step, self.run.next_line

    @property
    def at_start(self) -> bool:
        return self.place == (0, 0) and self.run.error is None

    def line(self) -> None:
        """Executes the next line, unless the run is over."""
        run = self.run
        if run.done:
            return
        if run.next_line == 0:
            self._keep()
            run.history.flush()
            run.begin()
            self.looks, self.details = [look(run)], []
        self._watched_line()
        self.looks.append(look(run))
        if run.next_line == 0:
            run.history.flush()

    def _watched_line(self) -> None:
        """Executes a line; before backward, with hooks that only observe the gradients."""
        run, loop = self.run, self.run.config.loop
        name = part(loop[run.next_line]) if loop else ""
        loss = run.namespace.get("loss")
        flow = Flow(loss) if name == "backward" and loss is not None else None
        run.line()
        if flow is not None:
            flow.remove()
        if name in ("forward", "loss", "backward"):
            self._flow = flow
        self.details.append(self._detail(name))

    def _detail(self, name: str) -> "Details":
        if self.run.error is not None:
            return Details()
        names = self.run.namespace
        if name == "forward":
            return Details(operations=operations(names["outputs"]))
        if name == "loss":
            before = len(operations(names["outputs"]))
            return Details(operations=operations(names["loss"])[before:])
        fresh = self.run.gradients.fresh if name == "backward" else None
        names = dict(self.run.model.named_parameters())
        return Details(
            fresh={n: None if g is None else g.clone() for n, g in zip(names, fresh or (), strict=False)}
        )

    @property
    def root(self) -> str | None:
        """The tensor whose graph to show: the loss, or the outputs it will be computed from."""
        executed = parts(self.run.config.loop[: self.run.next_line])
        if executed and executed[-1] == "forward":
            return "outputs"
        return next((name for name in ("loss", "outputs") if name in self.run.namespace), None)

    def graph(self) -> Graph:
        """What autograd holds now, with the gradients that have flowed if backward was the last to look.

        Raises ValueError with one sentence if there is no graph to show.
        """
        if self.root is None:
            raise ValueError("Nothing was recorded yet: the graph begins with the forward line.")
        known = dict(self.run.model.named_parameters())
        known |= {name: self.run.namespace[name] for name in FLOWING if name in self.run.namespace}
        return graph(self.run.namespace[self.root], known, self._flow if self.root == "loss" else None)

    def next_step(self) -> None:
        """Executes the remaining lines of this step."""
        step = self.run.step
        while not self.run.done and self.run.step == step:
            self.line()

    def play(self, steps: int, budget_s: float) -> None:
        """Trains on by up to `steps` steps, as many as fit the time budget, at least one."""
        run, until = self.run, self.run.step + steps
        deadline = time.monotonic() + budget_s
        self.looks, self.details, self._flow = [], [], None
        while not run.done and run.step < until:
            if run.next_line == 0:
                self._keep()
            next_kept = (run.step // self.spacing + 1) * self.spacing
            run.advance(min(until, next_kept) - run.step, max(deadline - time.monotonic(), 0.0))
            if time.monotonic() >= deadline:
                break

    def settle(self) -> None:
        """After `play`: takes the looks of the lines that led here, by executing them again."""
        if not self.looks:
            raised = self.run.error is not None
            self.go(*self.place)
            if raised:
                self.line()

    def back_line(self) -> None:
        """Undoes the last line; a line that raised counts as one."""
        step, line = self.place
        if self.run.error is not None:
            self.go(step, line)
        elif line:
            self.go(step, line - 1)
        elif step:
            self.go(step - 1, max(len(self.run.config.loop) - 1, 0))

    def back_step(self) -> None:
        """Goes to the start of this step, or of the previous one if already there."""
        step, line = self.place
        self.go(step if line or self.run.error is not None else max(step - 1, 0), 0)

    def restart(self) -> None:
        self.go(0, 0)

    def change_lr(self, lr: float) -> None:
        """Another learning rate from the next update on; raises ValueError over its limits."""
        self.run.change_lr(lr)
        self.checkpoints = {s: kept for s, kept in self.checkpoints.items() if s <= self.run.step}
        if self.looks:
            self.looks[-1] = look(self.run)

    def go(self, step: int, line: int) -> None:
        """Go back, or on, to the place before a line; looks are of the step that led there."""
        first = step if line else max(step - 1, 0)  # the step whose lines are looked at
        before = max(first - 1, 0)  # and outputs and loss of the one before it are still there
        self._restore(before)
        while self.run.step < first and not self.run.done:
            self.line()
        self.looks, self.details = [look(self.run)], []
        while self.place < (step, line) and not self.run.done:
            self.line()

    def _restore(self, step: int) -> None:
        run = self.run
        if (self.place > (step, 0) or run.error is not None) and not self.at_start:
            if run.goes_only_forward:
                run = self.run = run.again()
            else:
                start = max(s for s in self.checkpoints if s <= step)
                run.go_on_from(start)
                restore(run, self.checkpoints[start])
        run.advance(step - run.step)  # on, too: of what lies between, the history needs every step

    def _keep(self) -> None:
        """A checkpoint here, if one is due; fewer of them once they take too much memory."""
        step = self.run.step
        if step % self.spacing or step in self.checkpoints:
            return
        self.checkpoints[step] = checkpoint(self.run)
        while len(self.checkpoints) > 2 and self._nbytes() > KEPT_BYTES:
            self.spacing *= 2
            self.checkpoints = {s: k for s, k in self.checkpoints.items() if s % self.spacing == 0}

    def _nbytes(self) -> int:
        return sum(kept.nbytes for kept in self.checkpoints.values())
