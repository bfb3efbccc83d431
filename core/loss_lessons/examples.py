"""Three rows to try each loss on: outputs and targets as PyTorch takes them, in float32."""

import torch
from torch import Tensor

from core.losses import LOSSES

VALUES = [[2.5], [0.0], [-1.0]], [[1.0], [0.5], [-1.0]]
YES_OR_NO = [[2.0], [-1.0], [0.5]], [[1.0], [0.0], [0.0]]
CLASSES = [[2.0, 0.5, -1.0], [0.0, 1.0, 0.0], [-0.5, 0.5, 1.5]], [0, 2, 2]
SHARES = [[0.8, 0.1, 0.1], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5]]  # of three classes


def raw(loss: str) -> Tensor:
    """What a model computes for the three rows before the layer that the loss asks for: (3, outputs)."""
    takes = LOSSES[loss].takes
    rows = VALUES if "values" in takes else YES_OR_NO if "zero_one" in takes else CLASSES
    return torch.tensor(rows[0])


def example(loss: str) -> tuple[Tensor, Tensor]:
    """Outputs (3, outputs) and targets of a loss."""
    row, outputs = LOSSES[loss], raw(loss)
    outputs = row.last()(outputs) if row.last else outputs
    if "class_index" in row.takes:
        return outputs, torch.tensor(CLASSES[1])
    if row.takes == ("one_hot",):
        return outputs, torch.tensor(SHARES)
    return outputs, torch.tensor(VALUES[1] if "values" in row.takes else YES_OR_NO[1])
