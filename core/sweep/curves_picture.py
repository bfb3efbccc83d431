"""Charts of losses: the runs of a sweep's row or column over their steps, and a range test over its rates."""

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts import (
    DASHES,
    DOT,
    MARK_HEIGHT,
    TIP,
    alike,
    axis_top,
    goes_beyond,
    number_axis,
    thin,
    without_data,
)
from core.compare.curves import MAX_ROWS
from core.config import KNOBS
from core.run_summary import Brief
from core.sweep.axes import Axis
from core.sweep.map_picture import round_rates

VISIBLE = [0.1, 0.85]  # part of the viridis scale that stands out on white and on black
TALL, LEGEND_COLUMNS, LEGEND_ROW = 280, 3, 22  # pixels of the chart, and of each row of its legend


def family_frame(
    briefs: Sequence[Brief], axis: Axis, places: Sequence[int], chosen: int, log: bool
) -> tuple[pd.DataFrame, float | None]:
    """Rows of all lines, and where the loss axis ends (None: at the data).

    places: index of each run's value on the axis. Columns: place, value (the axis's, if that is a log scale),
    name, word, step, loss, beyond and ended (1 or nan), chosen (1 or 0). Losses that the axis cannot show
    (inf, and zero on a log axis) are gaps.
    """
    shown = [_shown(brief.losses.astype(float), log) for brief in briefs]
    top = axis_top(shown, log, [brief.word == "diverged" for brief in briefs])
    each = MAX_ROWS // max(len(briefs), 1)
    parts = [
        _part(brief, losses, top, each).assign(
            place=place,
            value=axis.values[place] if axis.is_log else place,
            name=axis.labels[place],
            word=brief.word,
            chosen=float(place == chosen),
        )
        for brief, losses, place in zip(briefs, shown, places, strict=True)
    ]
    return pd.concat(parts, ignore_index=True), top


def _shown(losses: np.ndarray, log: bool) -> np.ndarray:
    return np.where(np.isfinite(losses) & (losses > 0 if log else True), losses, np.nan)


def _part(brief: Brief, losses: np.ndarray, top: float | None, rows: int) -> pd.DataFrame:
    """The rows of one line: the highest and lowest loss of every few steps, and where it ends."""
    bad = np.flatnonzero(~np.isfinite(brief.losses))
    ended = np.full(len(losses), np.nan)
    ended[bad[:1]] = 1.0
    kept = np.union1d(thin(losses[:, None], max(rows - 1, 2)), bad[:1]) if len(losses) else []
    kept = np.asarray(kept, dtype=int)
    columns = {"step": brief.steps.astype(float), "loss": losses, "beyond": goes_beyond(losses, top)}
    return pd.DataFrame({name: column[kept] for name, column in (columns | {"ended": ended}).items()})


@lru_cache(maxsize=64)
def family_spec(axis: Axis, log: bool, top: float | None) -> dict[str, Any]:
    """Spec for a frame of `family_frame`."""
    scale: dict[str, Any] = {"type": "log"} if log else {"type": "linear", "zero": False}
    scale |= {} if top is None else {"domainMax": top}
    x = alt.X("step:Q").title("step").scale(nice=False).axis(grid=False, tickMinStep=1, tickCount=6)
    y = alt.Y("loss:Q").title("loss").scale(**scale).axis(number_axis(log))
    tips = [alt.Tooltip("name:N", title=KNOBS[axis.field].label), alt.Tooltip("word:N", title="verdict")]
    base = alt.Chart().encode(x, *_looks(axis), tooltip=tips)
    lines = [
        base.transform_filter(f"datum.chosen == {chosen}")
        .mark_line(strokeWidth=wide, clip=True)
        .encode(y, detail="place:N")
        for chosen, wide in ((0, 1.2), (1, 4))
    ]
    marks = [  # outlines, as lines are: only then the legend is a gradient
        base.transform_filter(f"isValid(datum.{name})")
        .mark_point(shape=shape, angle=angle, filled=False, strokeWidth=2, size=size, opacity=1, aria=False)
        .encode(y=alt.value(MARK_HEIGHT))
        for name, shape, angle, size in (("beyond", "triangle-up", 0, 50), ("ended", "cross", 45, 110))
    ]
    rows = 0 if axis.is_log else math.ceil(len(axis.values) / LEGEND_COLUMNS)
    chart = alt.layer(*lines, *marks).properties(height=TALL + LEGEND_ROW * rows)
    return without_data(chart.configure_view(strokeWidth=0))


def _looks(axis: Axis) -> list[Any]:
    """Color by value if the axis is a log scale; else color and dash by place."""
    title, scheme = KNOBS[axis.field].label, alt.SchemeParams(name="viridis", extent=VISIBLE)
    if axis.is_log:
        # Without a domain the legend of a log scale fails while there are no rows yet.
        scale = alt.Scale(type="log", scheme=scheme, domain=[axis.values[0], axis.values[-1]])
        rates = round_rates(axis.values[0], axis.values[-1])
        legend = alt.Legend(
            type="gradient",
            title=title,
            orient="top",
            gradientLength=240,
            values=rates,
            format="~g",
            labelExpr=alike(True, "color"),
        )
        return [alt.Color("value:Q", scale=scale, legend=legend)]
    places, words = list(range(len(axis.values))), json.dumps(dict(enumerate(axis.labels)))
    names = {"labelExpr": f"{words}[datum.value]", "columns": LEGEND_COLUMNS}
    legend = alt.Legend(title=None, orient="bottom", symbolType="stroke", symbolSize=300, **names)
    # With more values than dashes, each round starts one dash later, so no two lines look alike.
    dashes = [DASHES[(place + place // len(DASHES)) % len(DASHES)] for place in places]
    ordered = KNOBS[axis.field].between is not None
    colors = alt.Scale(domain=places, scheme=scheme) if ordered else alt.Scale(domain=places)
    place = "place:O" if ordered else "place:N"
    return [
        alt.Color(place, scale=colors, legend=legend),
        alt.StrokeDash(place, scale=alt.Scale(domain=places, range=dashes), legend=legend),
    ]


@lru_cache(maxsize=2)
def range_spec(log: bool) -> dict[str, Any]:
    """Spec for a frame of `core.sweep.range_test.range_frame`; a cross marks a rate whose loss is not finite.

    log: whether all losses are above 0.
    """
    x = alt.X("rate:Q").title("Learning rate, growing").scale(type="log", nice=False)
    scale: dict[str, Any] = {"type": "log"} if log else {"type": "linear", "zero": False}
    y = alt.Y("loss:Q").title("loss").scale(**scale).axis(number_axis(log))
    labels: dict[str, Any] = {"format": "~g", "labelExpr": alike(True, "x"), "labelOverlap": True}
    every = alt.Chart().encode(x.axis(grid=False, tickCount=5, **labels))
    base = every.transform_filter("isValid(datum.loss)")
    band = base.mark_area(opacity=0.25, aria=False).encode(
        alt.Y("low:Q").scale(**scale).axis(number_axis(log)).title("loss"), alt.Y2("high:Q")
    )
    tips = [
        alt.Tooltip("rate:Q", title="learning rate", format=TIP),
        alt.Tooltip("loss:Q", title="mean loss", format=TIP),
        alt.Tooltip("low:Q", title="lowest", format=TIP),
        alt.Tooltip("high:Q", title="highest", format=TIP),
    ]
    line = base.mark_line(point=alt.OverlayMarkDef(filled=True, size=40), strokeWidth=2).encode(
        y, tooltip=tips
    )
    gone = (
        every.transform_filter("!isValid(datum.loss)")
        .mark_point(**DOT, shape="cross", angle=45, size=110)
        .encode(y=alt.value(MARK_HEIGHT), tooltip=tips[:1])
    )
    return without_data(alt.layer(band, line, gone).properties(height=280).configure_view(strokeWidth=0))
