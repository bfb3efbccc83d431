"""A fit with an outlier: points, the line, and the line without the outlier, on fixed axes."""

from functools import lru_cache
from typing import Any

import altair as alt

from core.charts import DASHES, without_data
from core.loss_lessons.outlier import FITTED, REACH
from core.loss_lessons.pictures import QUIET

ROOM = 2  # above and below the outlier


@lru_cache(maxsize=8)
def outlier_spec(number: int) -> dict[str, Any]:
    """Spec for a frame of `core.loss_lessons.outlier.frame`, in the colour and dash of line `number`."""
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
    tips = [alt.Tooltip("x:Q", format=".3~g"), alt.Tooltip("y:Q", format=".4~g")]
    grey = alt.value(QUIET)
    layers = alt.layer(
        home.encode(color=grey),
        line.mark_line(strokeWidth=2.5, strokeDash=DASHES[number], clip=True).encode(color),
        points.encode(color=grey, tooltip=tips),
        moved.encode(color=alt.value("#D6336C"), tooltip=tips),
    )
    return without_data(layers.properties(height=280).configure_view(strokeWidth=0))
