"""The ledger of .grad as bars of this batch and the leftover, and their sum.

For a frame of `core.watch.ledger.joined`. Each part has a color of the theme and a form of its own:
this batch is a full bar, the leftover a hollow one, .grad a ring, and a cross at the top marks a
step where the leftover overrules the fresh sign.
"""

import json
from functools import lru_cache
from typing import Any

import altair as alt

from core.charts import MARK_HEIGHT, SPACING, STACK_BELOW, TIP, with_scales, without_data
from core.watch.ledger import MAX_BARS

HEIGHT = 240  # pixels of one panel
AXIS_WIDTH = 76  # of an axis with its title
MIN_BAR = 5  # pixels of a step, at least
ZERO_COLOR = "#808A9C"  # reads on white and on dark
FULL, CROSS = "M-.9,-.9H.9V.9H-.9Z", "M-.8,-.8L.8,.8M.8,-.8L-.8,.8"
HOLLOW = FULL + "M-.7,-.7V.7H.7V-.7Z"  # the inner outline runs the other way: a hole
RING = "M-1,0A1,1,0,1,1,1,0A1,1,0,1,1,-1,0ZM-.6,0A.6,.6,0,1,0,.6,0A.6,.6,0,1,0,-.6,0Z"
# Part -> its form and words. Colors of the theme go by place; the first two stand for runs.
PARTS = {
    "0": (FULL, ""),
    "1": (FULL, ""),
    "leftover": (HOLLOW, "leftover"),
    "fresh": (FULL, "this batch (fresh)"),
    "grad": (RING, ".grad = fresh + leftover"),
    "overruled": (CROSS, "leftover overrules the fresh sign"),
}
SHOWN = ("fresh", "leftover", "grad", "overruled")
OF_NORMS = {
    "fresh": "norm of this batch",
    "leftover": "norm of the leftover",
    "grad": "norm of .grad, their sum",
    "overruled": "overruled in most entries",
}


def panel_width(width: int, runs: int) -> int:
    """Pixels of one run's panel, in a picture as wide as `width` pixels."""
    if runs == 1 or width < STACK_BELOW:
        return width - AXIS_WIDTH
    return (width - runs * AXIS_WIDTH - (runs - 1) * SPACING) // runs


def steps_that_fit(width: int, runs: int) -> int:
    """How many steps a picture of this width can show, at most MAX_BARS."""
    return max(1, min(MAX_BARS, panel_width(width, runs) // MIN_BAR))


def ledger_spec(
    names: tuple[str, ...], title: str, width: int, end: float | None = None, norms: bool = False
) -> dict[str, Any]:
    """Spec of the ledgers of these runs on one scale, side by side or, where narrow, stacked.

    title: of the vertical axis, such as "weight[0, 3]". end: of `core.watch.ledger.axis_end`.
    norms: whether the bars are norms of a whole parameter; then the ring is at the top of the
    stack where both point the same way, and below it where they cancel.
    """
    y = {} if end is None else {"domain": [0.0 if norms else -end, end], "clamp": True}
    return with_scales(_spec(names, title, width, norms), {"y": y})


@lru_cache(maxsize=64)
def _spec(names: tuple[str, ...], title: str, width: int, norms: bool) -> dict[str, Any]:
    stacked = width < STACK_BELOW
    size = {"width": panel_width(width, len(names)), "height": HEIGHT}
    panels = [
        _panel(str(i), title, norms, columns=1 if stacked else 4).properties(
            **size, title=alt.Title(name, anchor="start")
        )
        for i, name in enumerate(names)
    ]
    joined: Any = alt.vconcat if stacked else alt.hconcat
    shared = {channel: "shared" for channel in ("x", "y", "color", "stroke", "shape")}
    chart = joined(*panels, spacing=SPACING).resolve_scale(**shared)
    return without_data(chart.configure_view(strokeWidth=0))


def _panel(run: str, title: str, norms: bool, columns: int) -> Any:
    """One run: two bars per step, their sum, the marks, and the numbers under the pointer."""
    base = (
        alt.Chart()
        .transform_filter(f"datum.run == '{run}'")
        .transform_calculate(left="datum.step - 0.4", right="datum.step + 0.4")
    )
    across = {"x": _x("left:Q"), "x2": "right:Q"}
    zero = base.mark_rule(color=ZERO_COLOR, aria=False).encode(y=alt.YDatum(0))
    pointer = base.mark_rect(opacity=0, aria=False).encode(**across, tooltip=_tips(norms))
    look = _look(norms, columns)
    return alt.layer(*_bars(base, across, title, look), zero, *_points(base, title, look), pointer)


def _bars(base: Any, across: dict[str, Any], title: str, look: dict[str, Any]) -> list[Any]:
    """The leftover from zero, and the fresh gradient from where `core.watch.ledger.joined` starts it.

    Not read out one by one: a group without bars would have no text, and the table has the numbers.
    """
    leftover = _part(base, "leftover", "datum.leftover != 0")
    fresh = _part(base, "fresh", "datum.fresh != 0")
    from_zero = {"y": _y("leftover:Q", title), "y2": alt.Y2Datum(0)}
    on_top = {"y": _y("start:Q", title), "y2": "end:Q"}
    colors = {"color": look["color"], "stroke": look["stroke"]}
    bar = {"strokeWidth": 1, "aria": False}
    return [
        leftover.mark_rect(fillOpacity=0.2, **bar).encode(**across, **from_zero, **colors),
        fresh.mark_rect(fillOpacity=0.95, **bar).encode(**across, **on_top, **colors),
    ]


def _points(base: Any, title: str, look: dict[str, Any]) -> list[Any]:
    """Rings at .grad, crosses in a row at the top."""
    grad, overruled = _part(base, "grad", "true"), _part(base, "overruled", "datum.mark == 1")
    rings = grad.mark_point(size=38, filled=True, opacity=1, aria=False)
    crosses = overruled.mark_point(size=36, strokeWidth=1.75, opacity=1, aria=False)
    shape = look["shape"]
    return [
        rings.encode(_x("step:Q"), _y("grad:Q", title), shape, color=look["color"]),
        crosses.encode(_x("step:Q"), shape, y=alt.value(MARK_HEIGHT), stroke=look["stroke"]),
    ]


def _part(base: Any, name: str, where: str) -> Any:
    """The rows of a part: those that have numbers, and for which it is something to draw."""
    known = base.transform_filter(f"isValid(datum.grad) && {where}")
    return known.transform_calculate(part=f"'{name}'")


def _x(field: str) -> Any:
    x = alt.X(field).title("step").scale(nice=False, zero=False)
    return x.axis(grid=False, tickMinStep=1, tickCount=6)


def _y(field: str, title: str) -> Any:
    axis = alt.Axis(format=".4~g", tickCount=5)
    return alt.Y(field).title(title).scale(zero=True, padding=2 * MARK_HEIGHT).axis(axis)


def _look(norms: bool, columns: int) -> dict[str, Any]:
    """Color of a part, and its form where it is a point, with one legend for both."""
    words = {part: text for part, (_, text) in PARTS.items()} | (OF_NORMS if norms else {})
    label = f"{json.dumps(words)}[datum.label]"
    legend = alt.Legend(
        title=None,
        orient="bottom",
        columns=columns,
        values=list(SHOWN),
        labelExpr=label,
        labelLimit=260,
        symbolStrokeWidth=1,
    )
    domain, forms = list(PARTS), [form for form, _ in PARTS.values()]
    return {
        "color": alt.Color("part:N").scale(domain=domain).legend(legend),
        "stroke": alt.Stroke("part:N").scale(domain=domain).legend(legend),
        "shape": alt.Shape("part:N").scale(domain=domain, range=forms).legend(legend),
    }


def _tips(norms: bool) -> list[Any]:
    numbers = {"loss": "loss", "fresh": "this batch", "leftover": "leftover", "grad": ".grad"}
    if norms:
        numbers |= {part: OF_NORMS[part] for part in ("fresh", "leftover")} | {"grad": "norm of .grad"}
    tips = [alt.Tooltip("step:Q", title="step", format="d")]
    tips += [alt.Tooltip(f"{name}:Q", title=title, format=TIP) for name, title in numbers.items()]
    return [*tips, alt.Tooltip("answer:N", title="leftover overrules")]
