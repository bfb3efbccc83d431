"""The learning rates of many runs, moved by the schedulers of torch.optim."""

from collections.abc import Sequence
from typing import Any

import torch

from core import build
from core.config import Config
from core.optimizers import SCHEDULERS


class Rates(torch.optim.Optimizer):
    """Learning rates and nothing to train: what a scheduler asks of an optimizer, one group for each run."""

    def __init__(self, rates: Sequence[float]):
        super().__init__([{"params": [], "lr": rate} for rate in rates], {})

    def step(self) -> None:  # a scheduler warns if it is never called
        pass


class StackedSchedulers:
    """scheduler.step() of many runs.

    Runs that differ in their rates alone share a scheduler, as the groups of one optimizer do. One that looks
    at the loss is for a single run.
    """

    def __init__(self, configs: Sequence[Config]):
        alike: dict[tuple[Any, ...], list[int]] = {}
        for run, config in enumerate(configs):
            alike.setdefault(_kind(config, run), []).append(run)
        self._made = [(runs, _make([configs[run] for run in runs])) for runs in alike.values()]
        groups = {
            run: group
            for runs, made in self._made
            for run, group in zip(runs, made["optimizer"].param_groups, strict=True)
        }
        self._groups = [groups[run] for run in range(len(configs))]

    @property
    def rates(self) -> list[float]:
        """The learning rate that each run has now."""
        return [group["lr"] for group in self._groups]

    def set_rate(self, run: int, rate: float) -> None:
        """Another learning rate for one run, from which its scheduler goes on."""
        self._groups[run]["lr"] = rate

    def step(self, losses: Sequence[float] = ()) -> None:
        """losses: of each run, for schedulers that look at it."""
        for (run, *_), made in self._made:
            made["scheduler"].step(*losses[run : run + 1])


def _kind(config: Config, run: int) -> tuple[Any, ...]:
    """What runs that share a scheduler have in common."""
    row, values = SCHEDULERS[config.scheduler], build.loop_values(config)
    return (config.scheduler, *(values[n] for n in row.uses if n != "lr"), run if row.by_loss else None)


def _make(configs: Sequence[Config]) -> dict[str, Any]:
    """The names `optimizer` and, where there is one, `scheduler`, made by the scheduler's own lines."""
    first, rates = configs[0], [config.lr for config in configs]
    names = build.loop_values(first) | {"torch": torch, "lr": rates, "optimizer": Rates(rates)}
    exec(SCHEDULERS[first.scheduler].compiled(), names)  # noqa: S102  (only the fixed table)
    names["optimizer"].step()
    return names
