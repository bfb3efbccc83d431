"""A loss over the prediction: its value and its gradient as a linked pair of charts.

The frame is one of `core.loss_lessons.curves.framed`.
"""

import copy
from functools import lru_cache
from typing import Any

import altair as alt
import pandas as pd

from core.charts import AXIS_WIDTH, SPACING, STACK_BELOW, folded, linked, run_encodings, value_axis

HEIGHT = 250
QUIET = "#7A869E"  # of rules; it reads on a light and on a dark page
Range = tuple[float, float]


def span(frame: pd.DataFrame, letter: str, cap: float) -> Range:
    """Ends of an axis that holds every column of one letter, but reaches no further than cap from 0."""
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
    """Spec for values and gradients of the named lines; a level at `floor` where the frame has that column.

    ranges: ends of the two axes, None to follow the data. They are set in a copy of the spec that is kept.
    """
    spec = copy.deepcopy(_pair(names, titles, x_title, logs, width))
    for panel, ends in zip(spec.get("vconcat") or spec["hconcat"], ranges, strict=True):
        for layer in panel["layer"]:
            if ends and "scale" in layer["encoding"].get("y", {}):
                layer["encoding"]["y"]["scale"]["domain"] = list(ends)
    return spec


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
    y = value_axis(log)
    lines = folded(base, letter, runs)
    dots = lines.transform_filter(hover).mark_point(filled=True, size=60, clip=True, aria=False)
    chosen = base.transform_filter("isValid(datum.marked)").mark_rule(
        strokeDash=[4, 3], color=QUIET, aria=False
    )
    level = alt.Chart().transform_filter("isValid(datum.marked) && isValid(datum.floor)")
    level = level.mark_rule(strokeDash=[2, 2], strokeWidth=1.5, color=QUIET, aria=False).encode(y="floor:Q")
    tips = [alt.Tooltip("x:Q", title="at", format=".4~g")]
    tips += [alt.Tooltip(f"{letter}{i}:Q", title=name, format=".4~g") for i, name in enumerate(names)]
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
