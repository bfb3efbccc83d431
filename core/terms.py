"""What a loss adds up, and what it divides the sum by: its terms, by its own module.

Every loss here is a sum of terms over a divisor: their number, the number of rows ("batchmean"), the
weights of the rows' classes, or 1 ("sum").
"""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.fields import Arguments
from core.losses import LOSSES


@dataclass(frozen=True)
class Terms:
    """The loss is values.sum() / divisor. values: one per entry, or (losses of classes) one per row."""

    values: Tensor
    divisor: float


def unreduced(loss_fn: nn.Module) -> nn.Module:
    """The same loss, which gives its terms as they are."""
    one: Any = copy.copy(loss_fn)
    one.reduction = "none"
    return one


def weights(loss_fn: nn.Module, targets: Tensor) -> Tensor | None:
    """The weight of each row's class, 0 where the row is ignored; None if all weigh alike."""
    weight = getattr(loss_fn, "weight", None)
    if weight is None or targets.is_floating_point():  # weights of shares of classes are in the terms alone
        return None
    ignored = targets.eq(int(loss_fn.ignore_index))  # type: ignore[arg-type]
    return weight[targets.masked_fill(ignored, 0)].masked_fill(ignored, 0)


def terms(loss: str, outputs: Tensor, targets: Tensor, arguments: Arguments = ()) -> Terms | None:
    """The terms of a loss (a key of LOSSES), by its own module; None if it is no sum or mean of terms.

    Shapes that differ are broadcast, as the module does.
    """
    loss_fn = LOSSES[loss].build(outputs.shape[-1], arguments).to(outputs)
    reduction, each = getattr(loss_fn, "reduction", None), weights(loss_fn, targets)
    if reduction not in ("mean", "batchmean", "sum"):
        return None
    values = unreduced(loss_fn)(*paired(loss, outputs, targets))
    if reduction == "sum":
        return Terms(values, 1)
    if reduction == "batchmean":
        return Terms(values, len(targets))
    return Terms(values, values.numel() if each is None else float(each.sum()))


def paired(loss: str, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs and targets, entry by entry where the loss compares values; broadcast if need be."""
    if "values" not in LOSSES[loss].takes or outputs.shape == targets.shape:
        return outputs, targets
    one, other = torch.broadcast_tensors(outputs, targets)  # torch does so too, with a warning
    return one, other
