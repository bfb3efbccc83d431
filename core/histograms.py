"""Counts of gradient entries per power of two, at every tenth step.

The bin of a value is its exponent, taken from `torch.frexp`, so it is exact: a value in the bin of
low exponent e has 2^e <= |value| < 2^(e + 1). Exact zeros have a bin of their own, and so have
inf and nan. The lowest bin also holds everything smaller, denormal numbers among it; the highest
also everything finite that is larger.
"""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.vectors import Layout

EVERY = 10  # steps from one column to the next, as long as the run is short
MAX_COLUMNS = 500  # then every other column is dropped, and the steps between them double
LOW, HIGH = -40, 10  # the bins reach from 2^LOW to 2^HIGH
# The low exponent of each bin: log2(0) for zeros; inf for what is not finite.
LOWS = np.array([-np.inf, *range(LOW, HIGH), np.inf])
BINS = len(LOWS)


def bins(values: Tensor) -> Tensor:
    """The number of each value's bin, an index into LOWS. Any shape, that shape out."""
    low = torch.frexp(values).exponent - 1  # frexp: |value| = m * 2^exponent with 0.5 <= m < 1
    found = low.clamp(LOW, HIGH - 1) - (LOW - 1)
    return found.where(values != 0, 0).where(values.isfinite(), BINS - 1)


def _counts(rows: Tensor) -> np.ndarray:
    """(steps, *shape) of one parameter -> (steps, BINS)."""
    starts = BINS * torch.arange(len(rows)).reshape(-1, *[1] * (rows.ndim - 1))
    numbers = (bins(rows) + starts).flatten()
    return torch.bincount(numbers, minlength=BINS * len(rows)).reshape(-1, BINS).int().numpy()


class Histograms:
    """Counts of gradient entries per parameter and bin, at every `spacing`-th step of a run.

    A run of any length fits: at most MAX_COLUMNS columns are kept, each of exactly one step.
    """

    def __init__(self, layout: Layout):
        self.layout = layout
        self.spacing = EVERY
        self._steps = 0
        self._columns: list[np.ndarray] = []  # of (columns, parameters, BINS)

    def take(self, chunk: list[Tensor], missing: np.ndarray | None = None) -> None:
        """Count in the next steps: (steps, *shape) per parameter, on the CPU.

        missing: (steps, parameters) of where a gradient was None: no entry at all.
        """
        rows = slice(-self._steps % self.spacing, None, self.spacing)
        self._steps += len(chunk[0])
        if not len(chunk[0][rows]):
            return
        counts = np.stack([_counts(part[rows]) for part in chunk], axis=1)
        if missing is not None:
            counts[missing[rows]] = 0
        self._columns.append(counts)
        while sum(map(len, self._columns)) > MAX_COLUMNS:
            self._columns = [self.counts[::2]]
            self.spacing *= 2

    def cut(self, steps: int) -> None:
        """Forget the steps from this number on. Columns that were dropped do not come back."""
        self._steps = min(steps, self._steps)
        self._columns = [self.counts[: -(-self._steps // self.spacing)]]

    @property
    def counts(self) -> np.ndarray:
        """(columns, parameters, BINS); column i is step i * spacing."""
        nothing = np.empty((0, len(self.layout.shapes), BINS), dtype=np.int32)
        return np.concatenate([nothing, *self._columns])

    def frame(self, parameter: str | None = None) -> pd.DataFrame:
        """One row per column and bin that is not empty, of one parameter or of all together.

        Columns: step; step_end, where the next column begins; low, the low exponent of the bin
        (-inf: exact zeros, inf: inf or nan); count; share of the entries of that step.
        Raises ValueError if there is no such parameter.
        """
        names = list(self.layout.shapes)
        if parameter is not None and parameter not in names:
            raise ValueError(f"parameter must be one of {', '.join(names)}; got {parameter!r}")
        counts = self.counts
        counts = counts.sum(axis=1) if parameter is None else counts[:, names.index(parameter)]
        column, found = np.nonzero(counts)
        count = counts[column, found].astype(np.int64)
        step = column * self.spacing
        return pd.DataFrame(
            {
                "step": step,
                "step_end": step + self.spacing,
                "low": LOWS[found],
                "count": count,
                "share": count / counts.sum(axis=1)[column],
            }
        )
