"""A matrix of errors as a heat map with its numbers, an output per row, a target per column."""

from functools import lru_cache
from typing import Any

import altair as alt

from core.charts import without_data

CELL, LABELS = 64, 50  # pixels of a cell, and of the labels beside all
LOW, MIDDLE, HIGH = "#8FB0FF", "#F4F4F5", "#FFB08A"  # negative, zero, positive; dark text reads on all


@lru_cache(maxsize=8)
def errors_spec(count: int) -> dict[str, Any]:
    """Spec for a frame of `core.traps.model_facts.errors` with so many outputs."""
    size = min(CELL, 256 // count)
    axis = {"ticks": False, "domain": False, "labelAngle": 0}
    base = alt.Chart().encode(
        alt.X("target:O").title("target").axis(orient="top", **axis),
        alt.Y("output:O").title("output").axis(**axis),
    )
    color = alt.Color("error:Q").scale(domainMid=0, range=[LOW, MIDDLE, HIGH], interpolate="rgb").legend(None)
    tips = [alt.Tooltip("output:O"), alt.Tooltip("target:O"), alt.Tooltip("error:Q", format=".4~g")]
    cells = base.mark_rect(cornerRadius=3).encode(color, tooltip=tips)
    numbers = base.mark_text(color="#18181B", aria=False).encode(alt.Text("error:Q", format=".2f"))
    layers = alt.layer(cells, numbers) if size >= CELL // 2 else alt.layer(cells)
    return without_data(
        layers.properties(width=size * count + LABELS, height=size * count + LABELS).configure_view(
            strokeWidth=0
        )
    )
