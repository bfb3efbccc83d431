"""The orders of the lines as a map: a tile per loop, colored and lettered by outcome.

The map of all five lines has a row for the order of forward, loss and backward among themselves, and
a column for the places of zero_grad and step. That of fewer lines has a row for what is left out.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import permutations
from typing import Any

import altair as alt
import pandas as pd

from core.charts import without_data
from core.lines import LINES, USUAL
from core.traps.orders import OUTCOMES, Tried

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
LABELS, TITLES = 76, 90  # pixels that the labels take, beside the tiles and below them


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
    """Width and height in pixels, and whether rows and columns change places: on a phone."""
    rows, columns = (6, 20) if whole else (30, 24)
    turned = whole and width < 600
    across, down = (rows, columns) if turned else (columns, rows)
    tile = max(min(TILE, (width - LABELS) // across), 8)
    height = min(max(tile, 14), TALL if whole else 20) * down
    return tile * across + LABELS, height + TITLES, turned


def orders_spec(whole: bool, width: int) -> dict[str, Any]:
    """Spec of a map for a frame of `orders_frame`. whole: of all five lines, or of fewer.

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
    """The labels in their order, and what they say."""
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
    """Every way to place Z and S among five lines: the usual ones first."""
    places = []
    for z in range(5):
        for s in range(5):
            if z != s:
                pattern = ["·"] * 5
                pattern[z], pattern[s] = "Z", "S"
                places.append("".join(pattern))
    return places
