"""One vector per step: tensors in, norms per parameter and full arrays out.

A vector is the list of one tensor per parameter: weights, gradients. The rows of a chunk stand in
buffers on their device, which are used again and again (fresh memory is slow), and leave them for
the CPU once per chunk; a copy per step would make a GPU wait.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

Vector = Sequence[Tensor | None]  # one entry per parameter; None where there is no gradient


class Layout:
    """Names and shapes of a model's parameters; a chunk of vectors is one tensor per parameter."""

    def __init__(self, model: nn.Module):
        named = dict(model.named_parameters())
        self.parameters = list(named.values())
        self.shapes = {name: tuple(p.shape) for name, p in named.items()}
        self.size = sum(p.numel() for p in self.parameters)

    def buffer(self, rows: int) -> list[Tensor]:
        """Room for so many rows, each (rows, *shape), of the parameters' dtype and device."""
        return [p.detach().new_empty(rows, *p.shape) for p in self.parameters]

    def fill(
        self, buffer: list[Tensor], rows: Sequence[Vector | None], empty: float
    ) -> tuple[list[Tensor], np.ndarray | None]:
        """Copy rows to the top of a buffer; returns that part of it, on the CPU, and, if
        anything was None, (rows, parameters) of what was.

        Where a gradient was None the buffer holds `empty`.
        """
        missing = None
        try:  # first as if nothing were None, which is nearly always so: looking would cost more
            chunk = self._stacked(buffer, rows)  # type: ignore[arg-type]
        except TypeError:
            nothing = [None] * len(self.parameters)
            spare = [torch.full_like(p, empty, requires_grad=False) for p in self.parameters]
            full = [row or nothing for row in rows]
            missing = np.array([[t is None for t in row] for row in full])
            chunk = self._stacked(
                buffer, [[s if t is None else t for t, s in zip(f, spare, strict=True)] for f in full]
            )
        return [part.cpu() for part in chunk], missing

    @staticmethod
    def _stacked(buffer: list[Tensor], rows: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        columns = zip(*rows, strict=True)
        return [
            torch.stack(column, out=part[: len(rows)]) for part, column in zip(buffer, columns, strict=True)
        ]

    def norms(self, chunk: list[Tensor]) -> np.ndarray:
        """One (steps, *shape) per parameter -> (steps, parameters) of lengths, in double."""
        parts = [part.flatten(1) if part.ndim > 1 else part[:, None] for part in chunk]
        found = torch.stack([torch.linalg.vector_norm(part, dim=1) for part in parts], dim=1).double()
        unsure = _unsure(found)
        if unsure.any():
            for column, part in enumerate(parts):
                rows = unsure[:, column]
                found[rows, column] = _scaled_lengths(part[rows].double())
        return found.numpy()


def lengths(vectors: Tensor) -> Tensor:
    """(..., entries) -> (...): the length of each vector, in double."""
    found = torch.linalg.vector_norm(vectors, dim=-1).double()
    unsure = _unsure(found)
    if unsure.any():
        found[unsure] = _scaled_lengths(vectors[unsure].double())
    return found


def _unsure(found: Tensor) -> Tensor:
    """Where squares may have vanished or overflowed on the way to a length."""
    return ~((found > 1e-15) & (found < 1e15))


def _scaled_lengths(rows: Tensor) -> Tensor:
    """(rows, entries) -> (rows,) of lengths, by way of the largest entry of each row."""
    scale = rows.abs().amax(dim=1, keepdim=True) if rows.numel() else rows.new_ones(len(rows), 1)
    scale = scale.where(scale.isfinite() & (scale > 0), 1.0)
    return torch.linalg.vector_norm(rows / scale, dim=1) * scale[:, 0]


class Vectors:
    """One quantity over the steps of a run: its norms, and its full rows while they fit."""

    def __init__(self, layout: Layout, full: bool):
        self.layout = layout
        self.full = full
        self._chunks: list[list[Tensor]] = []
        self._norms: list[np.ndarray] = []
        self._totals: list[np.ndarray] = []

    def take(self, chunk: list[Tensor], missing: np.ndarray | None = None) -> None:
        """Append a chunk; a None gradient has no norm (nan) and adds nothing to the total."""
        norms = self.layout.norms(chunk)
        if missing is not None:
            totals = np.where(missing.all(axis=1), np.nan, _totals(np.where(missing, 0.0, norms)))
            norms = np.where(missing, np.nan, norms)
        else:
            totals = _totals(norms)
        self._norms.append(norms)
        self._totals.append(totals)
        if self.full:
            self._chunks.append([part.clone() for part in chunk])

    def take_same(self, other: "Vectors") -> None:
        """Append the last chunk of another quantity, which is this one too."""
        self._norms.append(other._norms[-1])
        self._totals.append(other._totals[-1])
        if self.full:
            self._chunks.append(other._chunks[-1])

    def take_shifted(self, other: "Vectors", row: list[Tensor]) -> None:
        """Append the last chunk of another quantity one step later, after a first row of its own."""
        first = self.layout.norms(row)
        self._norms.append(np.concatenate([first, other._norms[-1][:-1]]))
        self._totals.append(np.concatenate([_totals(first), other._totals[-1][:-1]]))
        if self.full:
            pairs = zip(row, other._chunks[-1], strict=True)
            self._chunks.append([torch.cat([one, used[:-1]]) for one, used in pairs])

    def take_zeros(self, steps: int) -> None:
        """Append a chunk of zeros, which take no memory of their own."""
        self._norms.append(np.zeros((steps, len(self.layout.shapes))))
        self._totals.append(np.zeros(steps))
        if self.full:
            parameters = self.layout.parameters
            self._chunks.append([torch.zeros((), dtype=p.dtype).expand(steps, *p.shape) for p in parameters])

    def join(self, joined: dict[tuple[int, ...], list[Tensor]]) -> None:
        """Make one chunk of all. joined: chunks of other quantities, which this one may share."""
        self._norms, self._totals = [self.norms], [self.totals]
        if not self._chunks:
            return
        key = tuple(id(part) for chunk in self._chunks for part in chunk)
        if key not in joined:
            joined[key] = [_joined(parts) for parts in zip(*self._chunks, strict=True)]
        self._chunks = [joined[key]]

    def cut(self, steps: int) -> None:
        """Keep the first steps only."""
        self._norms, self._totals = [self.norms[:steps]], [self.totals[:steps]]
        kept: list[list[Tensor]] = []
        for chunk in self._chunks:
            kept.append([part[:steps] for part in chunk])
            steps -= len(chunk[0])
            if steps <= 0:
                break
        self._chunks = kept if self._chunks and len(kept[0][0]) else []

    @property
    def norms(self) -> np.ndarray:
        """(steps, parameters)."""
        return np.concatenate(self._norms or [np.empty((0, len(self.layout.shapes)))])

    @property
    def totals(self) -> np.ndarray:
        """(steps,): the length of all parameters' entries taken together."""
        return np.concatenate(self._totals or [np.empty(0)])

    def arrays(self) -> dict[str, np.ndarray]:
        """Parameter -> (steps, *shape); raises ValueError if the rows were too large to keep."""
        if not self.full:
            raise ValueError("full vectors must fit the limit of core.history.FULL_BYTES; these did not")
        parts = (
            zip(*self._chunks, strict=True)
            if self._chunks
            else ([part.cpu()] for part in self.layout.buffer(0))
        )
        return {
            name: torch.cat(list(part)).numpy() for name, part in zip(self.layout.shapes, parts, strict=True)
        }


def _joined(parts: tuple[Tensor, ...]) -> Tensor:
    """One after another; zeros that take no memory stay such."""
    if all(part.stride(0) == 0 for part in parts):
        return parts[0][:1].expand(sum(map(len, parts)), *parts[0].shape[1:])
    return torch.cat(parts)


def _totals(norms: np.ndarray) -> np.ndarray:
    """(steps, parameters) -> (steps,), the length of lengths."""
    with np.errstate(over="ignore"):  # a total can be too long for a number: inf
        return np.hypot.reduce(norms, axis=1)  # squares of 1e200 would overflow
