"""Mean, sum, and none of the same three rows, by the loss's own module."""

from dataclasses import dataclass

from torch import nn

from core import torch_warnings
from core.loss_lessons.examples import example
from core.losses import LOSSES

REDUCTIONS = ("none", "sum", "mean")


@dataclass(frozen=True)
class Reduced:
    """value: a number, or a list of rows for "none". warning: what PyTorch says to it, "" for nothing."""

    reduction: str
    shape: tuple[int, ...]
    value: float | list[float] | list[list[float]]
    warning: str


def reductions(loss: str) -> list[Reduced]:
    """Each reduction of a loss on its example; that of the table last, if it is another one."""
    own = LOSSES[loss].arguments.get("reduction")
    return [_reduced(loss, name) for name in (*REDUCTIONS, *([own] if own else []))]


def _reduced(loss: str, reduction: str) -> Reduced:
    outputs, targets = example(loss)
    loss_fn: nn.Module = LOSSES[loss].build(outputs.shape[1])
    loss_fn.reduction = reduction  # type: ignore[assignment]  # as the argument of that name
    said: list[str] = []
    with torch_warnings.collecting(said.append):
        value = loss_fn(outputs, targets)
    return Reduced(reduction, tuple(value.shape), value.tolist(), " ".join(said))
