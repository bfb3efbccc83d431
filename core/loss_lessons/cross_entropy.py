"""Cross-entropy from logits to one number and its gradient, and targets as classes, probabilities, smoothed.

All in float64. Against probabilities q, cross-entropy is the sum of -q log softmax over the classes. One-hot
probabilities pick one entry, as a class number does; smoothed ones mix in all the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# More rows of a batch, beside the one on screen: logits of three classes, and the class.
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
    """Computes each step with PyTorch's own functions, and the loss with its module."""
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
    """The steps of one row of three logits, filled up to `size` rows from OTHERS."""
    others = OTHERS[: size - 1]
    return steps([row, *(logits for logits, _ in others)], [chosen, *(number for _, number in others)])


@dataclass(frozen=True)
class Ways:
    """Code -> loss: ways of writing the same plain loss, and of the same smoothed one.

    mixed: the smoothed probabilities (classes,). lowest: the loss that no logits go below.
    """

    plain: dict[str, float]
    smoothed: dict[str, float]
    mixed: list[float]
    lowest: float


def ways(logits: Sequence[float], chosen: int, smoothing: float) -> Ways:
    """The loss of one row, by class number, by probabilities, and smoothed, in double."""
    z, y = torch.tensor([list(logits)], dtype=torch.float64), torch.tensor([chosen])
    classes = z.shape[1]
    one_hot = nn.functional.one_hot(y, classes).double()
    mixed = (1 - smoothing) * one_hot + smoothing / classes
    plain, every = nn.CrossEntropyLoss(), torch.arange(classes)
    to_all = plain(z.expand(classes, -1), every)  # the mean over all classes, as if each were right
    return Ways(
        {
            "nn.CrossEntropyLoss()(z, y)": plain(z, y).item(),
            "nn.CrossEntropyLoss()(z, one_hot)": plain(z, one_hot).item(),
        },
        {
            f"nn.CrossEntropyLoss(label_smoothing={smoothing:g})(z, y)": nn.CrossEntropyLoss(
                label_smoothing=smoothing
            )(z, y).item(),
            f"nn.CrossEntropyLoss()(z, {1 - smoothing:g} * one_hot + {smoothing:g} / {classes})": plain(
                z, mixed
            ).item(),
            f"{1 - smoothing:g} * loss of the class + {smoothing:g} * mean loss of all classes": (
                (1 - smoothing) * plain(z, y) + smoothing * to_all
            ).item(),
        },
        mixed[0].tolist(),
        torch.special.entr(mixed).sum().item(),
    )
