"""A softmax before cross-entropy: a floor under the loss, and a gradient that fades.

CrossEntropyLoss applies log-softmax itself. A softmax before it leaves it only values from 0 to 1.
"""

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from core.loss_lessons.curves import framed

REACH = 12  # logits from -REACH to REACH
GRID = np.arange(-10 * REACH, 10 * REACH + 1) / 10


def floor(classes: int) -> float:
    """The loss of a perfect answer: 1 for the right class and 0 for the others, taken as logits.

    ln(1 + (C - 1) / e), here by the module itself.
    """
    perfect = torch.zeros(1, classes, dtype=torch.float64)
    perfect[0, 0] = 1.0
    return nn.CrossEntropyLoss()(perfect, torch.tensor([0])).item()


def of_logits(logits: Tensor, twice: bool) -> tuple[Tensor, Tensor]:
    """Losses (rows,) and their gradients (rows, classes) at logits (rows, classes), class 0 being right."""
    z = logits.detach().clone().requires_grad_()
    outputs = z.softmax(dim=1) if twice else z
    right = torch.zeros(len(z), dtype=torch.long)
    losses = nn.CrossEntropyLoss(reduction="none")(outputs, right)
    (grads,) = torch.autograd.grad(losses.sum(), z)
    return losses.detach(), grads


def logits(right: float | np.ndarray, rival: float, classes: int) -> Tensor:
    """(rows, classes) in double: class 0, the right one; class 1, its rival; zeros."""
    first = torch.as_tensor(right, dtype=torch.float64).reshape(-1, 1)
    others = torch.zeros(len(first), classes - 1, dtype=torch.float64)
    others[:, 0] = rival
    return torch.cat([first, others], dim=1)


def sweep(rival: float, classes: int, chosen: float) -> pd.DataFrame:
    """Loss and length of the gradient over the right class's logit, without the softmax and with it.

    A frame as of `core.loss_lessons.curves.framed`.
    """
    z = logits(GRID, rival, classes)
    pairs = [of_logits(z, twice) for twice in (False, True)]
    return framed(GRID, [(losses, grads.norm(dim=1)) for losses, grads in pairs], chosen)
