"""Bars for numbers of a few classes, up or down from 0, with the number below each."""

from functools import lru_cache
from typing import Any

import altair as alt
import pandas as pd

from core.charts import without_data
from core.words import signed


def classes_frame(values: list[float], right: int) -> pd.DataFrame:
    """A row for each class: its name, "right" at the right one, and its number; value."""
    names = [f"{i}{', right' if i == right else ''}|{signed(value)}" for i, value in enumerate(values)]
    return pd.DataFrame({"class": names, "value": values})


@lru_cache(maxsize=64)
def classes_spec(low: float, high: float) -> dict[str, Any]:
    """Spec for a frame of `classes_frame`; the axis reaches from low to high."""
    labels = alt.Axis(labelAngle=0, ticks=False, labelExpr="split(datum.label, '|')", labelLimit=120)
    base = alt.Chart().encode(
        alt.X("class:N").title(None).sort(None).axis(labels),
        alt.Y("value:Q").title(None).scale(domain=[low, high], nice=False).axis(tickCount=4),
    )
    bars = base.mark_bar(size=30, opacity=0.75).encode(tooltip=[alt.Tooltip("value:Q", format=".4~g")])
    return without_data(bars.properties(height=180).configure_view(strokeWidth=0))
