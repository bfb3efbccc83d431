"""How is one vector per step kept? Tensors in, norms per parameter and full arrays out.

A vector is the list of one tensor per parameter: weights, gradients. Rows of a chunk are
stacked on their device and copied to the CPU once; a copy per step would make a GPU wait.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

Vector = Sequence[Tensor | None]  # one entry per parameter; None where there is no gradient


class Layout:
    """Names and shapes of a model's parameters, and where each lies in a flat row."""

    def __init__(self, model: nn.Module):
        named = dict(model.named_parameters())
        self.parameters = list(named.values())
        self.shapes = {name: tuple(p.shape) for name, p in named.items()}
        edges = np.cumsum([0] + [p.numel() for p in self.parameters]).tolist()
        self.spans = dict(zip(named, pairwise(edges), strict=True))
        self.size: int = edges[-1]

    def stack(self, rows: Sequence[Vector | None], fill: float) -> tuple[Tensor, np.ndarray]:
        """Rows of a chunk as (steps, size) on the CPU, and (steps, parameters) of what was None.

        Where a gradient was None the row holds `fill`.
        """
        nothing = [None] * len(self.parameters)
        full = [row or nothing for row in rows]
        missing = np.array([[t is None for t in row] for row in full])
        if missing.any():
            spare = [torch.full_like(p, fill, requires_grad=False) for p in self.parameters]
            full = [[s if t is None else t for t, s in zip(row, spare, strict=True)] for row in full]
        columns = [torch.stack(column).flatten(1) for column in zip(*full, strict=True)]  # type: ignore[arg-type]
        return torch.cat(columns, dim=1).cpu(), missing

    def norms(self, matrix: Tensor) -> np.ndarray:
        """(steps, size) -> (steps, parameters) of lengths, in double."""
        parts = (matrix[:, a:b] for a, b in self.spans.values())
        return torch.stack([_lengths(part) for part in parts], dim=1).numpy()


def _lengths(part: Tensor) -> Tensor:
    """(steps, entries) -> (steps,) of lengths, in double; exact to the precision of `part`."""
    lengths = torch.linalg.vector_norm(part, dim=1).double()
    unsure = ~((lengths > 1e-15) & (lengths < 1e15))  # squares may have vanished or overflowed
    if unsure.any():
        rows = part[unsure].double()
        scale = rows.abs().amax(dim=1, keepdim=True)
        scale = scale.where(scale.isfinite() & (scale > 0), 1.0)
        lengths[unsure] = torch.linalg.vector_norm(rows / scale, dim=1) * scale[:, 0]
    return lengths


class Vectors:
    """One quantity over the steps of a run: its norms, and its full rows while they fit."""

    def __init__(self, layout: Layout, full: bool):
        self.layout = layout
        self.full = full
        self._matrices: list[Tensor] = []
        self._norms: list[np.ndarray] = []
        self._totals: list[np.ndarray] = []

    def take(self, matrix: Tensor, missing: np.ndarray) -> None:
        """Append a chunk; a None gradient has no norm (nan) and adds nothing to the total."""
        norms = np.where(missing, 0.0, self.layout.norms(matrix))
        with np.errstate(over="ignore"):  # a total can be too long for a number: inf
            total = np.hypot.reduce(norms, axis=1)  # squares of 1e200 would overflow
        self._norms.append(np.where(missing, np.nan, norms))
        self._totals.append(np.where(missing.all(axis=1), np.nan, total))
        if self.full:
            self._matrices.append(matrix)

    def take_zeros(self, steps: int, dtype: torch.dtype) -> None:
        """Append a chunk of zeros, which take no memory of their own."""
        self._norms.append(np.zeros((steps, len(self.layout.spans))))
        self._totals.append(np.zeros(steps))
        if self.full:
            self._matrices.append(torch.zeros((), dtype=dtype).expand(steps, self.layout.size))

    @property
    def norms(self) -> np.ndarray:
        """(steps, parameters)."""
        return np.concatenate(self._norms or [np.empty((0, len(self.layout.spans)))])

    @property
    def totals(self) -> np.ndarray:
        """(steps,): the length of all parameters' entries taken together."""
        return np.concatenate(self._totals or [np.empty(0)])

    def arrays(self) -> dict[str, np.ndarray]:
        """Parameter -> (steps, *shape); raises ValueError if the rows were too large to keep."""
        if not self.full:
            raise ValueError("full vectors must fit the limit of core.history.FULL_BYTES; these did not")
        empty = torch.empty(0, self.layout.size)
        matrix = torch.cat(self._matrices).numpy() if self._matrices else empty.numpy()
        return {
            name: matrix[:, a:b].reshape(len(matrix), *self.layout.shapes[name])
            for name, (a, b) in self.layout.spans.items()
        }
