"""What is the loss of many runs at once? The sum of the losses of all, so that each keeps its own gradient.

Since no run's loss depends on another's weights, backward through the sum gives every run just what its own
loss would have given it.
"""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor

from core.losses import LOSSES, right


class StackedLoss:
    """loss_fn of many runs: outputs (runs, outputs, rows), targets the same or (runs, rows) -> ().

    names: the loss of each run, equal ones side by side. losses: (runs,) of the last call.
    """

    def __init__(self, names: Sequence[str]):
        self._counts = [len(list(group)) for _, group in groupby(names)]
        self._modules = [LOSSES[name].module(reduction="none") for name, _ in groupby(names)]
        self._thresholds = [LOSSES[name].threshold for name in names]
        self.losses = torch.empty(0)

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        self.losses = self.each(outputs, targets)
        return self.losses.sum()

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(runs,): the mean of its terms for each run, by the loss's own module."""
        if len(self._modules) == 1:
            return _per_run(self._modules[0](outputs, targets))
        parts = zip(self._modules, outputs.split(self._counts), targets.split(self._counts), strict=True)
        return torch.cat([_per_run(module(z, y)) for module, z, y in parts])

    def accuracies(self, outputs: Tensor, targets: Tensor, target_form: str) -> Tensor:
        """(runs,): the share of right answers of each."""
        thresholds = outputs.new_tensor(self._thresholds).view(-1, 1, 1)
        return right(outputs, targets, target_form, thresholds).float().flatten(1).mean(1)


def _per_run(terms: Tensor) -> Tensor:
    """(runs, ...) -> (runs,)"""
    return terms.mean(tuple(range(1, terms.ndim)))
