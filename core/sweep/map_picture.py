"""A sweep as a heat map: a cell per place, with its number or sign, and limits as lines.

Learning rates stand on a log axis, so that a limit of the theory has its place between two of them.
"""

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts import TIP, alike, with_scales, without_data
from core.config import KNOBS
from core.sweep.axes import Axis
from core.sweep.grid import LETTERS, STATES
from core.sweep.measures import LOSS, MEASURES, SHARE, STEP, WORD, Measure
from core.sweep.rate_limits import Limit
from core.words import number, percent

COLORS = {  # verdict -> color on which white reads
    "learns": "#0B7285",
    "slow": "#3B5BDB",
    "rebounds": "#C2410C",
    "oscillates": "#9C36B5",
    "stuck": "#7A5C00",
    "diverged": "#343A40",
    "raised": "#343A40",
}
DIVERGED, NO_NUMBER = COLORS["diverged"], "#6B7280"
CHOSEN, LINE = "#F76707", "#F03E3E"
DARK_INK, LIGHT_INK = "#10182B", "#FFFFFF"
BRIGHT = 0.55  # of the scale viridis; above it dark text reads
INSET = 0.04  # of a cell's width, on each side
TALL, LOW, ALL_ROWS = 52, 18, 420  # pixels: of a row at most and at least, and of all rows
FEW = 500.0  # ratio of two learning rates, up to which 2 and 5 are on the axis too
ROOM = 36  # pixels of a cell that a number fits into
GAP = 12  # pixels of a limit's line that are left open, as high as the text of a cell


def edges(values: Sequence[float]) -> np.ndarray:
    """(n + 1,): where cells around these values end on a log axis, half way to their neighbors."""
    logs = np.log(np.array(values))
    half = np.diff(logs) / 2 if len(logs) > 1 else np.array([0.5])
    inner = (logs[1:] + logs[:-1]) / 2
    return np.exp([logs[0] - half[0], *inner, logs[-1] + half[-1]])


def map_frame(
    grid: pd.DataFrame, x: Axis, measure: str, chosen: int | None, limits: Sequence[Limit], width: int
) -> pd.DataFrame:
    """The rows of `core.sweep.grid.grid` as drawn, and one more per limit. chosen: a row number. width: in
    pixels.

    Further columns: left, middle, right (on a log axis), text, bright and
    chosen (1 or 0), limit.
    """
    frame, how = grid.copy(), MEASURES[measure]
    if x.is_log:
        ends, columns = edges(x.values), frame["column"].to_numpy()
        inset = (ends[1:] / ends[:-1]) ** INSET
        frame["left"], frame["right"] = (ends[:-1] * inset)[columns], (ends[1:] / inset)[columns]
        frame["middle"] = np.sqrt(frame["left"] * frame["right"])
    roomy = width / len(x.values) >= ROOM
    signs = zip(frame["state"], frame["value"], frame["sign"], strict=True)
    frame["text"] = [short(value, how) * (roomy and state == "value") + sign for state, value, sign in signs]
    frame["bright"] = _is_bright(frame["value"].to_numpy(dtype=float), how).astype(float)
    frame["chosen"] = (np.arange(len(frame)) == (-1 if chosen is None else chosen)).astype(float)
    frame["limit"] = np.nan
    if not limits:
        return frame
    lines = pd.DataFrame({"row": [one.row for one in limits], "limit": [one.rate for one in limits]})
    return pd.concat([frame, lines], ignore_index=True)


def short(value: float, how: Measure) -> str:
    """A number that fits into a cell."""
    if how.kind == WORD:
        return ""
    if how.kind == SHARE:
        return percent(value).replace("under ", "<").replace("over ", ">")
    whole = how.kind == STEP or 100 <= abs(value) < 10_000
    return f"{value:.0f}" if whole else number(value, 2).replace("e+", "e")


def is_log(values: np.ndarray, how: Measure) -> bool:
    """Whether the colors of these numbers go by their ratios."""
    known = values[np.isfinite(values)]
    return how.kind == LOSS and bool(len(known)) and bool((known > 0).all())


def domain(values: np.ndarray, how: Measure) -> tuple[float, float]:
    """Lowest and highest number of the color scale; never the same."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.1, 1.0
    low, high = float(known.min()), float(known.max())
    if low < high:
        return low, high
    return (low / 2, low * 2) if is_log(values, how) else (low - 0.5, low + 0.5)


def _is_bright(values: np.ndarray, how: Measure) -> np.ndarray:
    """Whether the color of each number is so bright that dark text reads on it."""
    low, high = domain(values, how)
    scaled = (np.log(values), np.log(low), np.log(high)) if is_log(values, how) else (values, low, high)
    place = (scaled[0] - scaled[1]) / (scaled[2] - scaled[1])
    return (1 - place if how.lower_is_better else place) > BRIGHT


def row_height(rows: int) -> int:
    return max(LOW, min(TALL, ALL_ROWS // rows))


def map_spec(x: Axis, y: Axis, measure: str, values: np.ndarray) -> dict[str, Any]:
    """Spec for a frame of `map_frame`. values: all numbers, for the ends of the color scale.

    A click on a cell sets the parameter `cell`: its column and row.
    """
    how = MEASURES[measure]
    color = {} if how.kind == WORD else {"color": {"domain": list(domain(values, how))}}
    spec = with_scales(_spec(x, y, measure, is_log(values, how)), color)
    if not np.isfinite(values).any():
        spec["layer"][0]["encoding"]["color"]["legend"] = None
    return spec


@lru_cache(maxsize=64)
def _spec(x: Axis, y: Axis, measure: str, log: bool) -> dict[str, Any]:
    how, height = MEASURES[measure], row_height(len(y.values))
    rows = alt.Y("row:O").scale(domain=list(range(len(y.values)))).axis(**_labels(y))
    base = alt.Chart().encode(rows)
    cells = base.transform_filter("!isValid(datum.limit)")
    known = cells.transform_filter("datum.state == 'value'")
    other = cells.transform_filter("datum.state != 'value'")
    tips = _tips(x, y, how)
    pick = alt.selection_point(name="cell", fields=["column", "row"], on="click", empty=False, toggle=False)
    shape = {"cornerRadius": 3, "cursor": "pointer"}
    gray = alt.condition("datum.state == 'diverged'", alt.value(DIVERGED), alt.value(NO_NUMBER))
    ink = alt.condition("datum.bright == 1", alt.value(DARK_INK), alt.value(LIGHT_INK))
    text = {"fontWeight": 600, "aria": False}
    layers = [
        known.mark_rect(**shape).encode(*_across(x), _color(how, log), tooltip=tips),
        other.mark_rect(**shape).encode(*_across(x), color=gray, tooltip=tips).add_params(pick),
        cells.transform_filter("datum.chosen == 1")
        .mark_rect(fillOpacity=0, stroke=CHOSEN, strokeWidth=3, cornerRadius=3, aria=False)
        .encode(*_across(x)),
        known.mark_text(fontSize=11, **text).encode(_at(x), text="text:N", color=ink),
        other.mark_text(fontSize=13, color=LIGHT_INK, **text).encode(_at(x), text="text:N"),
        *(_lines(base, x, height) if x.is_log else []),
    ]
    chart = alt.layer(*layers).properties(height=alt.Step(height))
    return without_data(chart.configure_view(strokeWidth=0).configure_scale(bandPaddingInner=0.08))


def _tips(x: Axis, y: Axis, how: Measure) -> list[Any]:
    return [
        alt.Tooltip("x:N", title=KNOBS[x.field].label),
        alt.Tooltip("y:N", title=KNOBS[y.field].label),
        *([] if how.kind == WORD else [alt.Tooltip("range:N", title=how.title)]),
        alt.Tooltip("words:N", title="verdict"),
    ]


def _labels(axis: Axis) -> Any:
    """An axis of places that shows the labels of its values."""
    style = {"ticks": False, "domain": False, "labelAngle": 0, "labelLimit": 130, "labelOverlap": True}
    words = json.dumps(dict(enumerate(axis.labels)))
    return style | {"title": KNOBS[axis.field].label, "labelExpr": f"{words}[datum.value]"}


def _rates(x: Axis) -> dict[str, Any]:
    """Scale and axis of learning rates."""
    low, *_, high = edges(x.values)
    labels: dict[str, Any] = {"format": "~g", "labelExpr": alike(True, "x"), "labelOverlap": True}
    return {
        "scale": alt.Scale(type="log", nice=False, domain=[float(low), float(high)]),
        "axis": alt.Axis(grid=False, values=round_rates(low, high), **labels),
        "title": KNOBS[x.field].label,
    }


def round_rates(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten between two rates; only the powers where those are many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low <= FEW else (1,)
    every = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return [rate for rate in every if low <= rate <= high]


def _across(x: Axis) -> list[Any]:
    """Where a cell lies: between two rates, or at its place."""
    return [alt.X("left:Q", **_rates(x)), alt.X2("right:Q")] if x.is_log else [_at(x)]


def _at(x: Axis) -> Any:
    """Where the middle of a cell lies."""
    if x.is_log:
        return alt.X("middle:Q", **_rates(x))
    return alt.X("column:O").scale(domain=list(range(len(x.values)))).axis(**_labels(x))


def _lines(base: Any, x: Axis, height: int) -> list[Any]:
    """Limits, as lines with a border that tells them from any cell, open where the text of a cell stands."""
    lines = base.transform_filter("isValid(datum.limit)").encode(alt.X("limit:Q", **_rates(x)))
    tip = [alt.Tooltip("limit:Q", title="largest stable learning rate", format=TIP)]
    size = (height - GAP) / 2
    places = (-(height - size) / 2, (height - size) / 2)  # above and below the middle of the row
    return [
        lines.mark_tick(
            orient="vertical", opacity=1, size=size, yOffset=place, thickness=wide, color=color
        ).encode(tooltip=tip)
        for color, wide in ((LIGHT_INK, 6), (LINE, 3))
        for place in places
    ]


def _color(how: Measure, log: bool) -> Any:
    if how.kind == WORD:
        return alt.Color("word:N").scale(domain=list(COLORS), range=list(COLORS.values())).legend(None)
    scale = alt.Scale(type="log" if log else "linear", scheme="viridis", reverse=how.lower_is_better)
    labels: dict[str, Any] = {"format": "~g", "labelExpr": alike(log, "color"), "tickCount": 4}
    legend = alt.Legend(title=how.title, orient="top", gradientLength=240, **labels)
    return alt.Color("value:Q", scale=scale, legend=legend)


def signs(grid: pd.DataFrame, measure: str) -> dict[str, str]:
    """Sign -> what it means, for every sign on the map."""
    there = {STATES[s][0]: STATES[s][1] for s in grid["state"].unique() if s != "value"}
    if MEASURES[measure].kind == WORD:
        return {LETTERS[word]: word for word in LETTERS if word in set(grid["word"])} | there
    if any(sign and state == "value" for sign, state in zip(grid["sign"], grid["state"], strict=True)):
        there.setdefault(LETTERS["diverged"], "some of its runs diverged")
    return there
