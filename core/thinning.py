"""Thins curves to the rows that a chart needs, and says where its axis ends.

A chart of a thousand points per line draws as slowly as it reads; what counts is that no spike
is lost, and that one exploding run does not flatten the others.
"""

import math
from collections.abc import Sequence

import numpy as np

HEADROOM = {True: 100.0, False: 3.0}  # on a log or linear axis: how far above the usual it reaches


def thin(columns: np.ndarray, limit: int) -> np.ndarray:
    """Row numbers, at most `limit`, that keep each column's lowest and highest value per bin.

    (rows, columns) -> (kept,), ascending. Every spike stays where it was; the same rows serve
    all columns, so that one look reads all runs at one step.
    """
    rows, count = columns.shape
    if rows <= limit:
        return np.arange(rows)
    bins = max(1, (limit - 2) // (2 * count))
    kept = [np.array([0, rows - 1])]
    for part in np.array_split(np.arange(rows), bins):
        values = columns[part]
        low, high = (
            np.where(np.isfinite(values), values, np.inf),
            np.where(np.isfinite(values), values, -np.inf),
        )
        kept += [part[low.argmin(axis=0)], part[high.argmax(axis=0)]]
    return np.unique(np.concatenate(kept))


def axis_top(
    series: Sequence[np.ndarray], log: bool, exploding: Sequence[bool] | None = None
) -> float | None:
    """Where an axis ends so that one exploding run does not flatten the others; None: at the data.

    Far above what every run begins with, and above the middle of each run that stays finite (or is not
    exploding, where that is known); rounded to a power of ten, so that the spec stays the same while a
    run goes on.
    """
    finite = [values[np.isfinite(values)] for values in series]
    usual = [values[0] for values in finite if len(values)]
    if exploding is None:
        exploding = [len(f) < max(len(v) - 1, 1) for f, v in zip(finite, series, strict=True)]
    whole = [f for f, explodes in zip(finite, exploding, strict=True) if len(f) and not explodes]
    usual += [float(np.quantile(values, 0.5, method="lower")) for values in whole]  # a sum could overflow
    highest = max((values.max() for values in finite if len(values)), default=0.0)
    top = HEADROOM[log] * float(max(usual, default=0.0))
    if highest <= top or top <= 0:
        return None
    return 10.0 ** min(math.ceil(math.log10(top)), 308)  # the largest power that is a number


def goes_beyond(values: np.ndarray, top: float | None) -> np.ndarray:
    """1 at each step where the values leave the axis, nan elsewhere."""
    above = np.zeros(len(values), dtype=bool) if top is None else np.nan_to_num(values, nan=0.0) > top
    enters = above & ~np.concatenate([[False], above[:-1]])
    return np.where(enters, 1.0, np.nan)
