"""A range test: the loss against the learning rate that grew, and the spread at each rate."""

from functools import lru_cache
from typing import Any

import altair as alt

from core.charts import MARK_HEIGHT, number_axis, without_data


@lru_cache(maxsize=2)
def range_spec(log: bool) -> dict[str, Any]:
    """Spec for a frame of `core.sweep.range_test.range_frame`, with a cross at each rate without a finite
    loss.

    log: whether all losses are above 0.
    """
    x = alt.X("rate:Q").title("Learning rate, growing").scale(type="log", nice=False)
    scale: dict[str, Any] = {"type": "log"} if log else {"type": "linear", "zero": False}
    y = alt.Y("loss:Q").title("loss").scale(**scale).axis(number_axis(log))
    every = alt.Chart().encode(x.axis(format="~g", grid=False, tickCount=5, labelOverlap=True))
    base = every.transform_filter("isValid(datum.loss)")
    band = base.mark_area(opacity=0.25, aria=False).encode(
        alt.Y("low:Q").scale(**scale).axis(number_axis(log)).title("loss"), alt.Y2("high:Q")
    )
    tips = [
        alt.Tooltip("rate:Q", title="learning rate", format=".4~g"),
        alt.Tooltip("loss:Q", title="mean loss", format=".4~g"),
        alt.Tooltip("low:Q", title="lowest", format=".4~g"),
        alt.Tooltip("high:Q", title="highest", format=".4~g"),
    ]
    line = base.mark_line(point=alt.OverlayMarkDef(filled=True, size=40), strokeWidth=2).encode(
        y, tooltip=tips
    )
    gone = (
        every.transform_filter("!isValid(datum.loss)")
        .mark_point(shape="cross", angle=45, filled=True, size=110, aria=False)
        .encode(y=alt.value(MARK_HEIGHT), tooltip=tips[:1])
    )
    return without_data(alt.layer(band, line, gone).properties(height=280).configure_view(strokeWidth=0))
