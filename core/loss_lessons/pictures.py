"""Charts: a loss and its gradient as a linked pair, numbers of classes as bars, a fit with an outlier."""

from functools import lru_cache
from typing import Any

import altair as alt
import pandas as pd

from core.charts import (
    AXIS_WIDTH,
    DASHES,
    DOT,
    OF_PANEL,
    QUIET,
    SPACING,
    STACK_BELOW,
    TIP,
    folded,
    linked,
    run_encodings,
    value_axis,
    with_scales,
    without_data,
)
from core.loss_lessons.outlier import FITTED, REACH
from core.words import number

HEIGHT = 250
Range = tuple[float, float]


def span(frame: pd.DataFrame, letter: str, cap: float) -> Range:
    """Ends of an axis that holds every column of one letter, but goes no further than `cap` from 0."""
    values = frame.filter(regex=rf"^{letter}\d+$")
    low, high = float(values.min().min()), float(values.max().max())
    return max(min(low, 0.0), -cap), min(max(high, 0.0), cap)


def pair_spec(
    names: tuple[str, ...],
    titles: tuple[str, str],
    x_title: str,
    logs: tuple[bool, bool],
    ranges: tuple[Range | None, Range | None],
    width: int,
) -> dict[str, Any]:
    """Spec for a frame of `core.loss_lessons.curves.framed`: values and gradients of the named lines.

    A column `floor` gives a level there. ranges: ends of the two axes, None to follow the data.
    """
    scales = [{"y": {"domain": list(ends)}} if ends else {} for ends in ranges]
    return with_scales(_pair(names, titles, x_title, logs, width), *scales)


@lru_cache(maxsize=64)
def _pair(
    names: tuple[str, ...], titles: tuple[str, str], x_title: str, logs: tuple[bool, bool], width: int
) -> dict[str, Any]:
    hover = alt.selection_point(
        name="hover", fields=["x"], nearest=True, on="pointerover", clear="pointerout", empty=False
    )
    stacked = width < STACK_BELOW
    each = width - AXIS_WIDTH if stacked else (width - 2 * AXIS_WIDTH - SPACING) // 2
    x = alt.X("x:Q").title(x_title).scale(nice=False).axis(grid=False, tickCount=8)
    base = alt.Chart().encode(x)
    panels = [
        _panel(base, letter, names, log, hover).properties(
            width=each, height=HEIGHT, title=alt.Title(title, anchor="start")
        )
        for letter, title, log in zip("lg", titles, logs, strict=True)
    ]
    return linked(panels, [hover], stacked)


def _panel(base: Any, letter: str, names: tuple[str, ...], log: bool, hover: Any) -> Any:
    """Lines, the chosen x, and what hovering shows: dots, a rule and the numbers of all lines."""
    runs = range(len(names))
    color, dash = run_encodings(dict(enumerate(names)))
    y = value_axis(log, OF_PANEL[letter])
    lines = folded(base, letter, runs)
    dots = lines.transform_filter(hover).mark_point(**DOT, size=60, clip=True)
    chosen = base.transform_filter("isValid(datum.marked)").mark_rule(
        strokeDash=[4, 3], color=QUIET, aria=False
    )
    level = alt.Chart().transform_filter("isValid(datum.marked) && isValid(datum.floor)")
    level = level.mark_rule(strokeDash=[2, 2], strokeWidth=1.5, color=QUIET, aria=False).encode(y="floor:Q")
    tips = [alt.Tooltip("x:Q", title="at", format=TIP)]
    tips += [alt.Tooltip(f"{letter}{i}:Q", title=name, format=TIP) for i, name in enumerate(names)]
    rule = base.mark_rule(strokeWidth=1, color=QUIET, aria=False).encode(
        opacity=alt.condition(hover, alt.value(1), alt.value(0)), tooltip=tips
    )
    return alt.layer(
        lines.mark_line(strokeWidth=2, clip=True).encode(y, color, dash),
        chosen.encode(alt.X("marked:Q")),
        *([level] if letter == "l" else []),
        dots.encode(y, color),
        rule.properties(name=f"rules_{letter}"),
    )


def classes_frame(values: list[float], right: int) -> pd.DataFrame:
    """A row for each class: its name, "right" at the right one, and its number; value."""
    names = [f"{i}{', right' if i == right else ''}|{number(value)}" for i, value in enumerate(values)]
    return pd.DataFrame({"class": names, "value": values})


@lru_cache(maxsize=64)
def classes_spec(low: float, high: float) -> dict[str, Any]:
    """Spec for a frame of `classes_frame`; the axis reaches from low to high."""
    labels = alt.Axis(labelAngle=0, ticks=False, labelExpr="split(datum.label, '|')", labelLimit=120)
    base = alt.Chart().encode(
        alt.X("class:N").title(None).sort(None).axis(labels),
        alt.Y("value:Q").title(None).scale(domain=[low, high], nice=False).axis(tickCount=4),
    )
    bars = base.mark_bar(size=30, opacity=0.75).encode(tooltip=[alt.Tooltip("value:Q", format=TIP)])
    return without_data(bars.properties(height=180).configure_view(strokeWidth=0))


ROOM = 2  # of the axis, above and below the outlier


@lru_cache(maxsize=8)
def outlier_spec(number: int) -> dict[str, Any]:
    """Spec for a frame of `core.loss_lessons.outlier.frame`, in the color and dash of line `number`."""
    scale = alt.Scale(domain=[-REACH - ROOM, REACH + ROOM], nice=False)
    base = alt.Chart().encode(
        alt.X("x:Q").title("x").scale(domain=[-2.4, 2.4], nice=False).axis(grid=False, tickCount=5),
        alt.Y("y:Q").title("y").scale(scale).axis(tickCount=5),
    )
    color = alt.Color("run:N").scale(domain=[str(i) for i in range(len(FITTED))]).legend(None)
    home = base.transform_filter("datum.part == 'home'").mark_line(strokeDash=[2, 3], opacity=0.7, clip=True)
    line = base.transform_filter("datum.part == 'line'").transform_calculate(run=f"'{number}'")
    points = base.transform_filter("datum.part == 'point'").mark_point(filled=True, size=36, opacity=0.7)
    moved = base.transform_filter("datum.part == 'outlier'").mark_point(
        shape="diamond", filled=True, size=140, clip=False
    )
    tips = [alt.Tooltip("x:Q", format=TIP), alt.Tooltip("y:Q", format=TIP)]
    gray = alt.value(QUIET)
    layers = alt.layer(
        home.encode(color=gray),
        line.mark_line(strokeWidth=2.5, strokeDash=DASHES[number], clip=True).encode(color),
        points.encode(color=gray, tooltip=tips),
        moved.encode(color=alt.value("#D6336C"), tooltip=tips),
    )
    return without_data(layers.properties(height=280).configure_view(strokeWidth=0))
