"""Cross-entropy from logits to one number and its gradient, step by step, in float64."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# Other rows of a batch, beside the one that is looked at: logits of three classes, and the class.
OTHERS = (((0.5, 1.5, -1.0), 1), ((3.0, -2.0, 0.0), 2), ((-1.0, 0.0, 2.0), 2))


@dataclass(frozen=True)
class Steps:
    """Rows of a batch on their way to the loss.

    logits, softmax, log_softmax, one_hot, grad, formula: (rows, classes). classes, picked: (rows,).
    grad: by autograd. formula: (softmax - one_hot) / rows.
    """

    logits: Tensor
    classes: Tensor
    softmax: Tensor
    log_softmax: Tensor
    picked: Tensor
    one_hot: Tensor
    loss: float
    grad: Tensor
    formula: Tensor

    @property
    def apart(self) -> float:
        """The largest difference between autograd's gradient and the formula."""
        return float((self.grad - self.formula).abs().max())


def steps(rows: Sequence[Sequence[float]], classes: Sequence[int]) -> Steps:
    """Each step by PyTorch's own functions, the loss by its module."""
    z = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    y = torch.tensor(classes)
    loss = nn.CrossEntropyLoss()(z, y)
    (grad,) = torch.autograd.grad(loss, z)
    logits = z.detach()
    logs, shares = logits.log_softmax(dim=1), logits.softmax(dim=1)
    picked = logs.gather(1, y[:, None]).squeeze(1)
    one_hot = nn.functional.one_hot(y, logits.shape[1]).double()
    return Steps(logits, y, shares, logs, picked, one_hot, loss.item(), grad, (shares - one_hot) / len(y))


def batch(row: Sequence[float], chosen: int, size: int) -> Steps:
    """The steps of one row of three logits, with the first ones of OTHERS up to `size` rows."""
    others = OTHERS[: size - 1]
    return steps([row, *(logits for logits, _ in others)], [chosen, *(number for _, number in others)])
