"""BCE with logits: the same formula in three ways, at outputs far from 0.

A float32 sigmoid is exactly 1 from an output of about 17 on, and the logarithm of 1 - 1 is minus
infinity. BCELoss cuts it off at -100, and the gradient is gone; BCEWithLogitsLoss never takes it.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from core.loss_lessons.curves import framed

REACH = 200  # outputs from -REACH to REACH
GRID = np.arange(-REACH, REACH + 1, dtype=np.float64)


def _by_hand(z: Tensor, y: Tensor) -> Tensor:
    p = z.sigmoid()
    return -(y * p.log() + (1 - y) * (1 - p).log())


WAYS: dict[str, tuple[str, Callable[[Tensor, Tensor], Tensor]]] = {  # name -> code, how; each term by itself
    "logits": ("nn.BCEWithLogitsLoss()(z, y)", nn.BCEWithLogitsLoss(reduction="none")),
    "sigmoid": ("nn.BCELoss()(z.sigmoid(), y)", lambda z, y: nn.BCELoss(reduction="none")(z.sigmoid(), y)),
    "hand": ("-(y * p.log() + (1 - y) * (1 - p).log())", _by_hand),
}
DRAWN = ("logits", "sigmoid")  # the third is infinite where it differs


def at(way: str, outputs: np.ndarray, target: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Losses and gradients, each (n,), of outputs (n,) that have the same target, by a key of WAYS."""
    z = torch.tensor(outputs, dtype=dtype, requires_grad=True)
    losses = WAYS[way][1](z, torch.full_like(z, target))
    (grads,) = torch.autograd.grad(losses.sum(), z)
    return losses.detach(), grads


def sweep(target: float, chosen: float, dtype: torch.dtype) -> pd.DataFrame:
    """Loss and gradient over the output, by each way of DRAWN: a frame as of
    `core.loss_lessons.curves.framed`."""
    pairs = [at(way, GRID, target, dtype) for way in DRAWN]
    return framed(GRID, [(one.double(), other.double()) for one, other in pairs], chosen)
