"""Sizes of gradients as a heat map: steps across, powers of two up, share as color.

For frames of `core.histograms`, one per run, on one scale of sizes and one of colors. Exact zeros
have a row of their own below the axis, what is not finite one above it.
"""

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts import SPACING, STACK_BELOW, without_data
from core.histograms import BINS, HIGH, LOW, LOWS
from core.watch.ledger_picture import panel_width
from core.words import number

MAX_CELLS = 4000  # of one picture, all runs together
HEIGHT = 260  # pixels of one panel
ROUND_TO = 5  # the axis of sizes ends at multiples of this exponent, so that it seldom changes
ROW, GAP = 2, 1  # height of the rows outside the axis and distance from it, in exponents
LEAST_SHARE = 1e-4  # rarer entries are colored as this
# Viridis without its darkest part, which would vanish in dark mode.
COLORS = alt.SchemeParams(name="viridis", extent=[0.2, 1.0])
NOTHING = (-10, 0)  # exponents of an axis without a single size
MAX_LABELS, MARGIN = 6, 1.5  # labels of the axis, and exponents between them and its ends


def heat_frame(frames: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, tuple[int, int]]:
    """The cells of a picture, and the exponents at which its axis of sizes ends.

    frames: of `Histograms.frame`, one per run. Where there are more than MAX_CELLS cells,
    neighboring columns are added up, in all runs alike.
    Columns: run ("0", "1"); step, step_end; low, high: the cell's height as exponents of 2;
    size: the same in words; count; share of the entries of these steps.
    """
    widths = [f["step_end"].to_numpy() - f["step"].to_numpy() for f in frames]
    width = int(np.concatenate(widths).max(initial=1))
    cells = [_merged(frame, width) for frame in frames]
    while sum(map(len, cells)) > MAX_CELLS:
        width *= 2
        cells = [_merged(frame, width) for frame in frames]
    runs = [one.assign(run=str(i)) for i, one in enumerate(cells)]
    frame = pd.concat(runs, ignore_index=True)
    ends = _ends(frame["low"].to_numpy())
    return _placed(frame, ends), ends


def _merged(frame: pd.DataFrame, width: int) -> pd.DataFrame:
    """Counts and shares of columns of `width` steps each."""
    column, found = frame["step"].to_numpy() // width, np.searchsorted(LOWS, frame["low"])
    columns = int(column.max(initial=-1)) + 1
    counts = np.bincount(column * BINS + found, weights=frame["count"], minlength=columns * BINS)
    counts = counts.reshape(columns, BINS)
    column, found = np.nonzero(counts)
    count, step = counts[column, found].astype(np.int64), column * width
    last = frame["step_end"].max() if len(frame) else 0
    merged = {"step": step, "step_end": np.minimum(step + width, last), "low": LOWS[found]}
    return pd.DataFrame(merged | {"count": count, "share": count / counts.sum(axis=1)[column]})


def _ends(low: np.ndarray) -> tuple[int, int]:
    sizes = low[np.isfinite(low)]
    if not len(sizes):
        return NOTHING
    floor, top = math.floor(sizes.min() / ROUND_TO), math.floor(sizes.max() / ROUND_TO) + 1
    return floor * ROUND_TO, top * ROUND_TO


def _placed(frame: pd.DataFrame, ends: tuple[int, int]) -> pd.DataFrame:
    """With the height of each cell, zeros below the axis and what is not finite above it."""
    floor, top = ends
    low = frame["low"].to_numpy()
    words = pd.Categorical.from_codes(np.searchsorted(LOWS, low), categories=SIZES)
    low = np.where(np.isneginf(low), floor - GAP - ROW, np.where(np.isposinf(low), top + GAP, low))
    high = low + np.where(np.isfinite(frame["low"]), 1, ROW)
    return frame.assign(low=low, high=high, size=words)


def _size(low: int) -> str:
    """The bounds of a bin, as a tooltip says them."""
    least, below = (number(2.0**power, 2) for power in (low, low + 1))
    if low == LOW:
        return f"below {below}, not 0"
    return f"{least} or more" if low == HIGH - 1 else f"{least} to {below}"


SIZES = ["exactly 0", *map(_size, range(LOW, HIGH)), "inf or nan"]


@lru_cache(maxsize=64)
def heat_spec(names: tuple[str, ...], width: int, ends: tuple[int, int], beyond: bool) -> dict[str, Any]:
    """Spec of the heat maps of these runs, side by side or, where narrow, stacked.

    ends: as `heat_frame` gives them. beyond: whether there is anything that is not finite.
    """
    size = {"width": panel_width(width, len(names)), "height": HEIGHT}
    panels = [
        _panel(str(i), ends, beyond).properties(**size, title=alt.Title(name, anchor="start"))
        for i, name in enumerate(names)
    ]
    joined: Any = alt.vconcat if width < STACK_BELOW else alt.hconcat
    chart = joined(*panels, spacing=SPACING)
    chart = chart.resolve_scale(x="shared", y="shared", color="shared", stroke="shared")
    return without_data(chart.configure_view(strokeWidth=0))


def _panel(run: str, ends: tuple[int, int], beyond: bool) -> Any:
    cells = alt.Chart().transform_filter(f"datum.run == '{run}'").mark_rect(strokeWidth=0.5)
    scale: dict[str, Any] = {"type": "log", "domain": [LEAST_SHARE, 1], "clamp": True, "scheme": COLORS}
    values = [1e-4, 1e-3, 1e-2, 0.1, 1]
    legend = alt.Legend(title="Share of the entries", orient="bottom", format="~%", values=values)
    x = alt.X("step:Q").title("step").scale(nice=False, zero=False)
    return cells.encode(
        x.axis(grid=False, tickMinStep=1, tickCount=6),
        _y(ends, beyond),
        alt.Color("share:Q").scale(**scale).legend(legend),
        alt.Stroke("share:Q").scale(**scale).legend(None),  # closes the seams between cells
        x2="step_end:Q",
        y2="high:Q",
        tooltip=_tips(),
    )


def _y(ends: tuple[int, int], beyond: bool) -> Any:
    """The axis of sizes, labeled by powers of ten, with 0 below and inf, nan above."""
    floor, top = ends
    labels = {power * math.log2(10): f"1e{power}" for power in _decades(floor, top)}
    labels[floor - GAP - ROW / 2] = "0"
    if beyond:
        labels[top + GAP + ROW / 2] = "inf, nan"
    domain = [floor - GAP - ROW, top + (GAP + ROW) * beyond]
    words = json.dumps({str(round(100 * place)): text for place, text in labels.items()})
    axis = alt.Axis(
        values=list(labels),
        labelExpr=f"{words}[toString(round(100 * datum.value))]",
        labelOverlap=False,
        grid=False,
    )
    return alt.Y("low:Q").title("|gradient|").scale(domain=domain, nice=False, zero=False).axis(axis)


def _decades(floor: int, top: int) -> range:
    """Powers of ten between 2^floor and 2^top, few enough to read, and clear of the other rows."""
    low, high = (floor + MARGIN) / math.log2(10), (top - MARGIN) / math.log2(10)
    first, last = math.ceil(low), math.floor(high)
    by = max(1, math.ceil((last - first + 1) / MAX_LABELS))
    return range(-(-first // by) * by, last + 1, by)


def _tips() -> list[Any]:
    return [
        alt.Tooltip("step:Q", title="from step", format="d"),
        alt.Tooltip("step_end:Q", title="to before step", format="d"),
        alt.Tooltip("size:N", title="|gradient|"),
        alt.Tooltip("share:Q", title="share of the entries", format=".3~p"),
        alt.Tooltip("count:Q", title="entries", format="d"),
    ]
