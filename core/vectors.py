"""How is one vector per step kept? Tensors in, norms per parameter and full arrays out.

A vector is the list of one tensor per parameter: weights, gradients. Rows of a chunk stand in one
buffer on their device, which is used again and again (fresh memory is slow), and leave it for the
CPU once per chunk; a copy per step would make a GPU wait.
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

    def buffer(self, rows: int) -> Tensor:
        """Room for so many rows, (rows, size), of the model's dtype and on its device."""
        return self.parameters[0].detach().new_empty(rows, self.size)

    def columns(self, buffer: Tensor) -> list[Tensor]:
        """The parameters' parts of a buffer, each (rows, *shape): views."""
        parts = zip(self.spans.values(), self.shapes.values(), strict=True)
        return [buffer[:, a:b].unflatten(1, shape or (1,)) for (a, b), shape in parts]

    def fill(self, buffer: Tensor, rows: Sequence[Vector | None], empty: float) -> np.ndarray | None:
        """Copy rows to the top of a buffer; returns (rows, parameters) of what was None, if any.

        Where a gradient was None the buffer holds `empty`.
        """
        parts = self.columns(buffer[: len(rows)])
        try:  # first as if nothing were None, which is nearly always so: looking would cost more
            self._copy(parts, rows)  # type: ignore[arg-type]
            return None
        except TypeError:
            nothing = [None] * len(parts)
            spare = [torch.full_like(p, empty, requires_grad=False) for p in self.parameters]
            full = [row or nothing for row in rows]
            self._copy(parts, [[s if t is None else t for t, s in zip(f, spare, strict=True)] for f in full])
            return np.array([[t is None for t in row] for row in full])

    @staticmethod
    def _copy(parts: list[Tensor], rows: Sequence[Sequence[Tensor]]) -> None:
        for part, column in zip(parts, zip(*rows, strict=True), strict=True):
            part.copy_(torch.stack(column))

    def norms(self, matrix: Tensor) -> np.ndarray:
        """(steps, size) -> (steps, parameters) of lengths, in double."""
        parts = [matrix[:, a:b] for a, b in self.spans.values()]
        lengths = torch.stack([torch.linalg.vector_norm(p, dim=1) for p in parts], dim=1).double()
        unsure = ~((lengths > 1e-15) & (lengths < 1e15))  # squares may have vanished or overflowed
        if unsure.any():
            for column, part in enumerate(parts):
                rows = unsure[:, column]
                lengths[rows, column] = _scaled_lengths(part[rows].double())
        return lengths.numpy()


def _scaled_lengths(rows: Tensor) -> Tensor:
    """(steps, entries) -> (steps,) of lengths, by way of the largest entry of each row."""
    scale = rows.abs().amax(dim=1, keepdim=True) if rows.numel() else rows.new_ones(len(rows), 1)
    scale = scale.where(scale.isfinite() & (scale > 0), 1.0)
    return torch.linalg.vector_norm(rows / scale, dim=1) * scale[:, 0]


class Vectors:
    """One quantity over the steps of a run: its norms, and its full rows while they fit."""

    def __init__(self, layout: Layout, full: bool):
        self.layout = layout
        self.full = full
        self._matrices: list[Tensor] = []
        self._norms: list[np.ndarray] = []
        self._totals: list[np.ndarray] = []

    def take(self, matrix: Tensor, missing: np.ndarray | None = None) -> None:
        """Append a chunk; a None gradient has no norm (nan) and adds nothing to the total."""
        norms = self.layout.norms(matrix)
        if missing is not None:
            totals = np.where(missing.all(axis=1), np.nan, _totals(np.where(missing, 0.0, norms)))
            norms = np.where(missing, np.nan, norms)
        else:
            totals = _totals(norms)
        self._norms.append(norms)
        self._totals.append(totals)
        if self.full:
            self._matrices.append(matrix.clone())

    def take_same(self, other: "Vectors") -> None:
        """Append the last chunk of another quantity, which is this one too."""
        self._norms.append(other._norms[-1])
        self._totals.append(other._totals[-1])
        if self.full:
            self._matrices.append(other._matrices[-1])

    def take_shifted(self, other: "Vectors", first: np.ndarray, row: Tensor) -> None:
        """Append the last chunk of another quantity one step later, after a first row of its own."""
        norms = np.concatenate([first, other._norms[-1][:-1]])
        self._norms.append(norms)
        self._totals.append(np.concatenate([_totals(first), other._totals[-1][:-1]]))
        if self.full:
            self._matrices.append(torch.cat([row, other._matrices[-1][:-1]]))

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


def _totals(norms: np.ndarray) -> np.ndarray:
    """(steps, parameters) -> (steps,), the length of lengths."""
    with np.errstate(over="ignore"):  # a total can be too long for a number: inf
        return np.hypot.reduce(norms, axis=1)  # squares of 1e200 would overflow
