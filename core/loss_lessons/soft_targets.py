"""Class indices and probabilities as targets, and what label smoothing does to them.

Cross-entropy against probabilities q is the sum of -q log softmax over the classes. One-hot
probabilities pick one entry, as a class number does; smoothed ones mix in all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Ways:
    """Code -> loss, the first two and the last three each in other ways of saying the same.

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
