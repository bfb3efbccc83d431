"""The loss of many runs at once: the sum of all their losses, so that each keeps its own gradient.

Since no run's loss depends on another's weights, backward through the sum gives every run just what its own
loss would have given it.
"""

from collections.abc import Callable, Sequence
from itertools import groupby

import torch
from torch import Tensor, nn

from core.evaluation import right
from core.losses import LOSSES, unreduced, weights


class StackedLoss:
    """loss_fn of many runs: outputs (runs, outputs, rows), targets the same or (runs, rows) -> ().

    names: the loss of each run, equal ones side by side. outputs: of a model. like: a tensor of the
    device and type that the models have. losses: (runs,) of the last call.
    """

    def __init__(self, names: Sequence[str], outputs: int, like: Tensor):
        self._counts = [len(list(group)) for _, group in groupby(names)]
        built = [LOSSES[name].build(outputs).to(like) for name, _ in groupby(names)]
        self._each = [_per_run(loss_fn) for loss_fn in built]
        self._shares = [LOSSES[name].share for name, _ in groupby(names)]
        self.losses = torch.empty(0)

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        losses = self.each(outputs, targets)
        self.losses = losses.detach()
        return losses.sum()

    def each(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(runs,): the loss of each run, from the terms of the loss's own module."""
        if len(self._each) == 1:
            return self._each[0](outputs, targets)
        parts = zip(self._each, outputs.split(self._counts), targets.split(self._counts), strict=True)
        return torch.cat([losses(z, y) for losses, z, y in parts])

    def accuracies(self, outputs: Tensor, targets: Tensor, target_form: str) -> Tensor:
        """(runs,): the share of right answers of each."""
        return right(outputs, targets, target_form, self._share).float().flatten(1).mean(1)

    def _share(self, outputs: Tensor) -> Tensor:
        """Probabilities of class 1, of each run as its loss reads them."""
        parts = zip(self._shares, outputs.split(self._counts), strict=True)
        return torch.cat([share(z) for share, z in parts if share])


def _per_run(loss_fn: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
    """(runs, ...) -> (runs,): the terms of each run, summed and divided as loss_fn does it."""
    terms_of, mean = unreduced(loss_fn), loss_fn.reduction == "mean"

    def losses(outputs: Tensor, targets: Tensor) -> Tensor:
        terms, each = terms_of(outputs, targets), weights(loss_fn, targets)
        of_run = tuple(range(1, terms.ndim))
        if mean and each is None:
            return terms.mean(of_run)
        return terms.sum(of_run) / (targets.shape[-1] if each is None else each.sum(1))

    return losses
