"""A tensor in short: its shape, its norm, and its entries if they are few."""

from dataclasses import dataclass

import torch
from torch import Tensor

FEW = 8  # entries; so many are shown one by one


@dataclass(frozen=True)
class Summary:
    """A tensor in short: shape, Euclidean norm in double, and its entries row by row if they are few."""

    shape: tuple[int, ...]
    norm: float
    values: tuple[float, ...] | None

    @property
    def zeros(self) -> bool:
        return self.norm == 0.0


def summary(tensor: Tensor) -> Summary:
    """Of a tensor on any device, dense or sparse; changes nothing."""
    entries = tensor.detach()
    if entries.layout != torch.strided:  # the gradient of a sparse embedding
        entries = entries.to_dense()
    values = tuple(entries.flatten().tolist()) if entries.numel() <= FEW else None
    return Summary(tuple(entries.shape), _norm(entries), values)


def _norm(entries: Tensor) -> float:
    """By way of the largest entry: the squares of 1e-200 would vanish."""
    sizes = entries.abs().cpu().double()
    largest = float(sizes.max()) if sizes.numel() else 0.0
    if not 0.0 < largest < torch.inf:
        return float(sizes.sum())  # 0, inf or nan
    return float(torch.linalg.vector_norm(sizes / largest)) * largest
