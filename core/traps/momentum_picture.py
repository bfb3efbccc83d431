"""Limits of the learning rate: a bar per loop on a log axis, up to its limit."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import altair as alt
import pandas as pd

from core.charts import without_data
from core.words import number

ROOM = 8.0  # times the smallest and largest rate: how far the axis reaches
HEIGHT = 140  # pixels


MULTIPLES = {
    "stale": "1/λ",
    "usual": "2/λ",
    "skipped": "4/λ",
}  # a key of core.traps.momentum.ORDERS -> its limit
SHORT = {"stale": "1/λ  one step old", "usual": "2/λ  usual order", "skipped": "4/λ  no zero_grad"}


def limits_frame(limits: Mapping[str, float], lr: float) -> pd.DataFrame:
    """One row per loop: title, low (where the axis begins), limit, words, lr, kind (the same in all).

    limits: as of `core.curvature.limits`.
    """
    low, _ = span(limits, lr)
    rows = [(SHORT[name], low, limits[name], number(limits[name]), lr, "limit") for name in MULTIPLES]
    return pd.DataFrame(rows, columns=["title", "low", "limit", "words", "lr", "kind"])


def span(limits: Mapping[str, float], lr: float) -> tuple[float, float]:
    """Ends of the axis: all limits and the rate are within."""
    rates = [*limits.values(), *([lr] if lr > 0 else [])]
    return min(rates) / ROOM, max(rates) * ROOM


@lru_cache(maxsize=64)
def limits_spec(low: float, high: float) -> dict[str, Any]:
    """Spec for a frame of `limits_frame`: a bar up to each limit, a rule at the learning rate."""
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    y = alt.Y("title:N", sort=None, axis=alt.Axis(title=None, ticks=False, domain=False, labelLimit=140))
    axis = alt.Axis(title="learning rate", format="~g", tickCount=5, grid=False)
    x = alt.X("low:Q", scale=scale, axis=axis)
    bars = alt.Chart().mark_bar(height=20, cornerRadiusEnd=4, opacity=0.45, clip=True)
    tips = [alt.Tooltip("title:N", title="loop"), alt.Tooltip("words:N", title="bounded below")]
    ends = alt.Chart().mark_text(align="left", dx=6, fontSize=12, aria=False)
    theme = alt.Color("kind:N", legend=None)  # the theme's first colour, as of the bars; text would be black
    rule = alt.Chart().mark_rule(strokeWidth=2.5, color="#E8590C", clip=True, aria=False)
    return without_data(
        alt.layer(
            bars.encode(x, y, x2="limit:Q", tooltip=tips),
            ends.encode(alt.X("limit:Q", scale=scale), y, text="words:N", color=theme),
            rule.encode(alt.X("lr:Q", scale=scale)),
        )
        .properties(height=HEIGHT)
        .configure_view(strokeWidth=0)
    )
