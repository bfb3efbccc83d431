"""A loss and its gradient as functions of the prediction, by the loss's own module and autograd.

The prediction x is what a model computes before the layer that its loss asks for. A loss of classes sees
the two logits 0 and x, so that x speaks for class 1, as a single logit does.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.losses import LOSSES, unreduced

REACH = 4  # predictions from -REACH to REACH
GRID = np.arange(-100 * REACH, 100 * REACH + 1, 2) / 100
VALUES = tuple(step / 4 for step in range(-12, 13))  # targets of losses that take any value
SHARES = tuple(step / 20 for step in range(21))  # of losses that take probabilities
CLASSES = (0.0, 1.0)  # of losses that take class numbers


def targets_for(losses: Sequence[str]) -> tuple[float, ...]:
    """The targets that all of these losses take."""
    takes = [LOSSES[loss].takes for loss in losses]
    if all("values" in forms for forms in takes):
        return VALUES
    return SHARES if all("one_hot" in forms for forms in takes) else CLASSES


def at(loss: str, predictions: Tensor, target: float) -> tuple[Tensor, Tensor]:
    """What each prediction adds to the sum, and the derivative of that: (n,) -> (n,) and (n,).

    target: one of `targets_for`; of classes the number, or the share of class 1.
    """
    row, x = LOSSES[loss], predictions.detach().requires_grad_()
    single = "zero_one" in row.takes
    outputs = x[:, None] if single else torch.stack([torch.zeros_like(x), x], dim=1)
    outputs = row.last()(outputs) if row.last else outputs
    loss_fn = unreduced(row.build(outputs.shape[1]).to(x))
    terms = loss_fn(outputs, _targets(loss, x.detach(), target)).reshape(len(x), -1).sum(1)
    (grads,) = torch.autograd.grad(terms.sum(), x)
    return terms.detach(), grads


def _targets(loss: str, like: Tensor, target: float) -> Tensor:
    """The same target for every prediction, in the loss's form."""
    takes = LOSSES[loss].takes
    if "zero_one" in takes:
        return torch.full_like(like, target)[:, None]
    if "class_index" in takes and target in CLASSES:
        return torch.full_like(like, target, dtype=torch.long)
    return like.new_tensor([1 - target, target]).expand(len(like), 2)


def curves(losses: Sequence[str], target: float, prediction: float) -> pd.DataFrame:
    """The losses over GRID, in double: a frame as `framed` gives it."""
    x = torch.from_numpy(GRID)
    return framed(GRID, [at(loss, x, target) for loss in losses], prediction)


def framed(x: np.ndarray, pairs: Sequence[tuple[Tensor, Tensor]], chosen: float) -> pd.DataFrame:
    """Rows of x, with l0, l1, ... and g0, g1, ... from pairs of values and gradients, each (n,).

    marked: the chosen x in the row nearest to it, else nan.
    """
    columns = {"x": x, "marked": np.where(np.arange(len(x)) == np.abs(x - chosen).argmin(), chosen, np.nan)}
    for number, (values, grads) in enumerate(pairs):
        columns |= {f"l{number}": values.numpy(), f"g{number}": grads.numpy()}
    return pd.DataFrame(columns)


def readings(losses: Sequence[str], target: float, prediction: float) -> list[tuple[float, float]]:
    """Value and gradient of each loss at one prediction."""
    x = torch.tensor([prediction], dtype=torch.float64)
    pairs = (at(loss, x, target) for loss in losses)
    return [(value.item(), grad.item()) for value, grad in pairs]
