"""Charts: the map of the orders of the lines, limits of the learning rate, a matrix of errors.

The map has a tile per loop, colored and lettered by outcome. With all five lines, a row is an order of
forward, loss and backward, and a column a placement of zero_grad and step; with fewer, a row is what is
left out.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import permutations
from typing import Any

import altair as alt
import pandas as pd

from core.charts import TIP, alike, without_data
from core.lines import LINES, USUAL
from core.traps.orders import OUTCOMES, Tried
from core.words import number

COLORS = {
    "same": "#0C8599",
    "behind": "#3B6EF5",
    "never": "#8F6B00",
    "stale": "#9C36B5",
    "accumulates": "#C2410C",
    "raises": "#6B7280",
}
MIDDLE = ("forward", "loss", "backward")
TILE, TALL = 44, 34  # width and height in pixels, at most
LABELS, TITLES = 76, 90  # pixels of the labels beside and below the tiles


def orders_frame(tried: Sequence[Tried], chosen: str) -> pd.DataFrame:
    """One row per loop: name, row, column, outcome, letter, what, chosen (1 for the loop of that name)."""
    rows = []
    for one in tried:
        row, column = _place(one.loop)
        title = OUTCOMES[one.outcome].title
        what = title if one.message is None else f"{one.message.type}: {one.message.text[:60]}"
        rows.append(
            {
                "name": one.name,
                "row": row,
                "column": column,
                "outcome": one.outcome,
                "letter": OUTCOMES[one.outcome].letter,
                "what": what,
                "chosen": float(one.name == chosen),
            }
        )
    return pd.DataFrame(rows)


def _place(loop: tuple[str, ...]) -> tuple[str, str]:
    """Labels of a tile's row and column."""
    if len(loop) == len(USUAL):
        middle = "".join(LINES[name].letter for name in loop if name in MIDDLE)
        return middle, "".join("·" if name in MIDDLE else LINES[name].letter for name in loop)
    left_out = "".join(LINES[name].letter for name in USUAL if name not in loop)
    kept = [name for name in USUAL if name in loop]
    return f"no {left_out}", str(list(permutations(kept)).index(loop) + 1)


def map_size(whole: bool, width: int) -> tuple[int, int, bool]:
    """Width and height in pixels, and whether rows and columns are swapped, as on a phone."""
    rows, columns = (6, 20) if whole else (30, 24)
    turned = whole and width < 600
    across, down = (rows, columns) if turned else (columns, rows)
    tile = max(min(TILE, (width - LABELS) // across), 8)
    height = min(max(tile, 14), TALL if whole else 20) * down
    return tile * across + LABELS, height + TITLES, turned


def orders_spec(whole: bool, width: int) -> dict[str, Any]:
    """Spec for a frame of `orders_frame`. whole: all five lines, or fewer.

    A click on a tile sets the parameter `tile`.
    """
    return _spec(whole, *map_size(whole, width))


@lru_cache(maxsize=32)
def _spec(whole: bool, width: int, height: int, turned: bool) -> dict[str, Any]:
    row, column = _axis("row", whole), _axis("column", whole)
    across, down = (row, column) if turned else (column, row)
    base = alt.Chart().encode(alt.X(**across), alt.Y(**down))
    colors = alt.Scale(domain=list(COLORS), range=list(COLORS.values()))
    tips = [alt.Tooltip("name:N", title="order"), alt.Tooltip("what:N", title="outcome")]
    pick = alt.selection_point(name="tile", fields=["name"], on="click", empty=False, toggle=False)
    tiles = base.mark_rect(cornerRadius=3, cursor="pointer").encode(
        alt.Color("outcome:N", scale=colors, legend=None),
        stroke=alt.condition("datum.chosen == 1", alt.value("#F59F00"), alt.value("transparent")),
        strokeWidth=alt.value(4),
        tooltip=tips,
    )
    letters = base.mark_text(color="white", fontWeight="bold", fontSize=12, aria=False).encode(
        text="letter:N"
    )
    return without_data(
        alt.layer(tiles.add_params(pick), letters)
        .properties(width=width, height=height)
        .configure_view(strokeWidth=0)
        .configure_scale(bandPaddingInner=0.08)
    )


def _axis(field: str, whole: bool) -> dict[str, Any]:
    """An axis with its labels in order."""
    if whole:
        titles = {"row": "order of F, L and B", "column": "places of Z and S"}
        order = {"row": _rows(), "column": _columns()}[field]
        style: dict[str, Any] = {"title": titles[field]}
    else:
        order = None
        style = {"title": {"row": "left out", "column": "order"}[field], "labels": field == "row"}
    style |= {
        "ticks": False,
        "domain": False,
        "labelFont": "monospace",
        "grid": False,
        "labelLimit": 80,
        "labelOverlap": False,
        "labelFlush": False,
    }
    return {"shorthand": f"{field}:N", "sort": order, "axis": alt.Axis(**style)}


def _rows() -> list[str]:
    return ["".join(LINES[name].letter for name in order) for order in permutations(MIDDLE)]


def _columns() -> list[str]:
    """Every placement of Z and S among five lines, the usual one first."""
    places = []
    for z in range(5):
        for s in range(5):
            if z != s:
                pattern = ["·"] * 5
                pattern[z], pattern[s] = "Z", "S"
                places.append("".join(pattern))
    return places


LIMITS_ROOM = 8.0  # factor by which the axis reaches below the smallest rate and above the largest
LIMITS_HEIGHT = 140  # pixels
MULTIPLES = {"stale": "1/λ", "usual": "2/λ", "skipped": "4/λ"}  # key of core.traps.momentum.ORDERS -> limit
SHORT = {"stale": "1/λ  one step old", "usual": "2/λ  usual order", "skipped": "4/λ  no zero_grad"}


def limits_frame(limits: Mapping[str, float], lr: float) -> pd.DataFrame:
    """One row per loop: title, low (where the axis begins), limit, words, lr, kind (the same in all rows).

    limits: from `core.curvature.limits`.
    """
    low, _ = limits_span(limits, lr)
    rows = [(SHORT[name], low, limits[name], number(limits[name]), lr, "limit") for name in MULTIPLES]
    return pd.DataFrame(rows, columns=["title", "low", "limit", "words", "lr", "kind"])


def limits_span(limits: Mapping[str, float], lr: float) -> tuple[float, float]:
    """Ends of an axis that holds all limits and the rate."""
    rates = [*limits.values(), *([lr] if lr > 0 else [])]
    return min(rates) / LIMITS_ROOM, max(rates) * LIMITS_ROOM


@lru_cache(maxsize=64)
def limits_spec(low: float, high: float) -> dict[str, Any]:
    """Spec for a frame of `limits_frame`: a bar up to each limit, a rule at the learning rate."""
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    y = alt.Y("title:N", sort=None, axis=alt.Axis(title=None, ticks=False, domain=False, labelLimit=140))
    labels: dict[str, Any] = {"format": "~g", "labelExpr": alike(True, "x")}
    axis = alt.Axis(title="learning rate", tickCount=5, grid=False, **labels)
    x = alt.X("low:Q", scale=scale, axis=axis)
    bars = alt.Chart().mark_bar(height=20, cornerRadiusEnd=4, opacity=0.45, clip=True)
    tips = [alt.Tooltip("title:N", title="loop"), alt.Tooltip("words:N", title="bounded below")]
    ends = alt.Chart().mark_text(align="left", dx=6, fontSize=12, aria=False)
    theme = alt.Color("kind:N", legend=None)  # the theme's first color, as of the bars; text would be black
    rule = alt.Chart().mark_rule(strokeWidth=2.5, color="#E8590C", clip=True, aria=False)
    return without_data(
        alt.layer(
            bars.encode(x, y, x2="limit:Q", tooltip=tips),
            ends.encode(alt.X("limit:Q", scale=scale), y, text="words:N", color=theme),
            rule.encode(alt.X("lr:Q", scale=scale)),
        )
        .properties(height=LIMITS_HEIGHT)
        .configure_view(strokeWidth=0)
    )


CELL, ERROR_LABELS = 64, 50  # pixels of a cell, and of the labels beside all
NEGATIVE, ZERO, POSITIVE = "#8FB0FF", "#F4F4F5", "#FFB08A"  # dark text reads on all three


@lru_cache(maxsize=8)
def errors_spec(count: int) -> dict[str, Any]:
    """Spec of a heat map for a frame of `core.traps.model_facts.errors` with `count` outputs."""
    size = min(CELL, 256 // count)
    axis = {"ticks": False, "domain": False, "labelAngle": 0}
    base = alt.Chart().encode(
        alt.X("target:O").title("target").axis(orient="top", **axis),
        alt.Y("output:O").title("output").axis(**axis),
    )
    color = (
        alt.Color("error:Q")
        .scale(domainMid=0, range=[NEGATIVE, ZERO, POSITIVE], interpolate="rgb")
        .legend(None)
    )
    tips = [alt.Tooltip("output:O"), alt.Tooltip("target:O"), alt.Tooltip("error:Q", format=TIP)]
    cells = base.mark_rect(cornerRadius=3).encode(color, tooltip=tips)
    numbers = base.mark_text(color="#18181B", aria=False).encode(alt.Text("error:Q", format=".2f"))
    layers = alt.layer(cells, numbers) if size >= CELL // 2 else alt.layer(cells)
    return without_data(
        layers.properties(
            width=size * count + ERROR_LABELS, height=size * count + ERROR_LABELS
        ).configure_view(strokeWidth=0)
    )
