"""Many runs as one: the same lines, over weights with a leading run axis.

Runs whose models, rows and loops have one shape train together; learning rate, scheduler, limits of clips,
momentum, weight decay, seed, loss and whether zero_grad is called may differ. Autograd sees one graph in
which no run touches another, so each gets its own gradients, and a run that diverges leaves its neighbors
alone.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import pandas as pd
import torch
from torch import Tensor, nn

from core import build, devices
from core.config import Config
from core.history import Scores, evaluation_steps
from core.lines import part, uses
from core.loop import iterate
from core.losses import LOSSES, form
from core.models import MODELS
from core.result import Result
from core.stacked.data import StackedData
from core.stacked.history import StackedHistory
from core.stacked.lines import TEXTS, together
from core.stacked.loss import StackedLoss
from core.stacked.model import StackedModel, covers
from core.stacked.optimizers import UPDATES, StackedOptimizer
from core.stacked.schedulers import StackedSchedulers

ROWS_AT_ONCE = 256  # of whole sets: hidden layers of more rows do not fit a CPU's cache


def shape(config: Config) -> tuple[Any, ...] | None:
    """What runs that train together have in common; None if a run has to train alone.

    Alone go other lines and orders, lines before the loop, models that StackedModel cannot hold, optimizers
    without an update for many, and arguments of optimizer or loss.
    """
    loop = together(config.loop)
    alone = config.before or config.optimizer_arguments or config.loss_arguments
    if loop is None or alone or config.optimizer not in UPDATES or not _covered(config.model, config.hidden):
        return None
    same = (config.dataset, config.own, config.val_share, config.model, config.hidden, config.activation)
    same += (config.steps, config.batch_size, config.dtype, config.optimizer)
    same += (loop, config.accumulate if "accumulate" in uses(loop) else None)
    same += (LOSSES[config.loss].last, config.momentum > 0, config.weight_decay > 0)
    return (*same, form(config.loss, config.dataset, config.own))


@lru_cache(maxsize=64)
def _covered(model: str, hidden: tuple[int, ...]) -> bool:
    with torch.device("meta"):
        return covers(MODELS[model].make(1, 1, hidden, "tanh"))


class Stack:
    """Training runs of one `shape`, resumable in slices with the same bits as in one go.

    Args:
        configs: what to train. device: where.
        full: whether to keep every step's weights and gradients.
        evaluate: whether to score the whole sets: at the steps at which `Run` does, or at the "ends" only,
            before the first step and after the last.
    Attributes: step (steps done, of every run), history, namespace (the names that the lines see).
    Raises ValueError if the configs have no common shape.
    """

    def __init__(
        self,
        configs: Sequence[Config],
        device: str | torch.device = "cpu",
        *,
        full: bool = False,
        evaluate: bool | Literal["ends"] = True,
    ):
        shapes = {shape(config) for config in configs}
        if len(shapes) != 1 or None in shapes:
            raise ValueError(f"configs must have one shape that can be stacked; got {len(shapes)} shapes")
        self.configs = list(configs)
        self._order = sorted(range(len(configs)), key=lambda run: configs[run].loss)  # equal ones together
        self._runs = [configs[run] for run in self._order]
        first = self._runs[0]
        self.device = devices.check(device, first.dtype)
        self.step = 0
        self.data = StackedData(self._runs, self.device)
        self.model = StackedModel(_models(self._runs), self.device)
        outputs = build.sizes(first, build.make_data(first))[1]
        self.loss_fn = StackedLoss([config.loss for config in self._runs], outputs, self.model.weights)
        self.optimizer = StackedOptimizer(self._runs, self.model.weights)
        self.scheduler = StackedSchedulers(self._runs)
        self.optimizer.rates.set_lr(self.scheduler.rates)
        self.namespace: dict[str, Any] = self._names()
        self.history = StackedHistory(self._runs, self.model.weights, full)
        loop = together(first.loop) or ()
        self._lines = [(part(name), compile(TEXTS[name], f"<{name}>", "exec")) for name in loop]
        self._rates = _rates(self._runs)
        self._rated = bool(self.history.rated.any())
        steps = self._evaluation_steps() if evaluate else []
        self._evaluate_at = set(steps[-1:] if evaluate == "ends" else steps)
        if evaluate:
            self.evaluate()

    @property
    def done(self) -> bool:
        return self.step == self._runs[0].steps

    def advance(self, max_steps: int | None = None, budget_s: float | None = None) -> "Stack":
        """Train on: to the end, by `max_steps` at most, or until `budget_s` seconds are over."""
        iterate(self, max_steps, budget_s)
        self.history.flush()
        return self

    def iterate(self) -> None:
        """One step of all runs: every line of the loop, with a look around some of them."""
        if self.step in self._rates:
            for run, lr in self._rates[self.step]:
                self.scheduler.set_rate(run, lr)
            self.optimizer.rates.set_lr(self.scheduler.rates)
        names = self.namespace
        names["step"] = self.step
        names["inputs"], names["targets"] = self.data.batch()
        fresh, used, losses = self.history.begin()
        if self._rated:
            self.history.take_rates(self.scheduler.rates)
        for kind, code in self._lines:
            exec(code, names)  # noqa: S102  (only the fixed table of lines)
            if kind == "loss":
                losses.copy_(self.loss_fn.losses)
            elif kind == "backward":
                self.model.take_grads(fresh)
                self.optimizer.add_grads(fresh, used)
            elif kind == "scheduler_step":
                self.optimizer.rates.set_lr(self.scheduler.rates)
        self.step += 1
        if self.step in self._evaluate_at:
            self.evaluate()

    def _names(self) -> dict[str, Any]:
        """What the lines see; of a field that may differ between runs, a column (runs, 1)."""
        objects = {"model": self.model, "loss_fn": self.loss_fn, "optimizer": self.optimizer}
        limits = {
            name: self.model.weights.new_tensor([[getattr(config, name)] for config in self._runs])
            for name in ("max_norm", "clip_value")
        }
        counts = {"accumulate": self._runs[0].accumulate, "sizes": self.data.sizes(self._runs[0].steps)}
        return objects | {"scheduler": self.scheduler} | limits | counts

    def _evaluation_steps(self) -> list[int]:
        config, rows = self._runs[0], self.data.inputs.shape[2]
        batch_rows = build.batch_rows(config, rows)
        return evaluation_steps(config.steps, batch_rows, rows, self.model.weights.shape[1])

    @torch.no_grad()
    def evaluate(self) -> None:
        """Score the whole sets now."""
        data = self.data
        train = self._score(data.inputs, data.targets)
        val = (None, None) if data.val_inputs is None else self._score(data.val_inputs, data.val_targets)
        self.history.evaluate(self.step, Scores(train[0], val[0], train[1], val[1]))

    def _score(self, inputs: Tensor, targets: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Losses and accuracies (runs,); values have no accuracy."""
        assert targets is not None  # where there are inputs
        parts = [self.model(part) for part in inputs.split(ROWS_AT_ONCE, dim=2)]
        outputs, form = torch.cat(parts, dim=2), self.data.target_form
        accuracies = None if form == "values" else self.loss_fn.accuracies(outputs, targets, form)
        return self.loss_fn.each(outputs, targets), accuracies

    def results(self) -> list[Result]:
        """What each run has so far, in the order of `configs`; without norms of single parameters."""
        nothing = pd.DataFrame()
        frames = zip(self._runs, self.history.steps(), self.history.evaluations(), strict=True)
        found = [
            Result(config, self.step, steps, nothing, evaluations, nothing.to_numpy(), None)
            for config, steps, evaluations in frames
        ]
        return [found[self._order.index(run)] for run in range(len(found))]


def _models(configs: Sequence[Config]) -> list[nn.Module]:
    """The starting model of each run; runs with the same seed and start share one."""
    made: dict[tuple[Any, ...], nn.Module] = {}
    for config in configs:
        if (config.seed, config.start) not in made:
            made[config.seed, config.start] = build.make_model(config, build.make_data(config))
    return [made[config.seed, config.start] for config in configs]


def _rates(configs: Sequence[Config]) -> dict[int, list[tuple[int, float]]]:
    """Step -> numbers of runs, each with the learning rate that it has from there on."""
    changes: dict[int, list[tuple[int, float]]] = {}
    for run, config in enumerate(configs):
        for step, lr in config.schedule:
            changes.setdefault(step, []).append((run, lr))
    return changes
