"""Specs of a fit: curve, decision surface, scatter, and confusion matrix.

Each is for the frame that `core.compare.fit.picture` gives for its kind.
"""

from functools import lru_cache
from typing import Any

import altair as alt

from core.charts import DASHES, QUIET, without_data

# A thousand cells are one picture. As elements of the page they take twice as long to draw, and a screen
# reader reads out each. Curves stay elements: a canvas is drawn anew at each move of the pointer.
ON_CANVAS = {"usermeta": {"embedOptions": {"renderer": "canvas"}}}


@lru_cache(maxsize=16)
def fit_spec(kind: str, x_title: str, y_title: str, place: int = 0) -> dict[str, Any]:
    """Spec of a picture of `core.compare.fit`, for the frame of that kind. place: of the run."""
    make = {"curve": _curve, "surface": _surface, "scatter": _scatter, "confusion": _confusion}[kind]
    chart = make(x_title, y_title).properties(height=220)
    if kind in ("curve", "scatter"):
        chart = chart.transform_calculate(run=f"'{place}'")
    spec = without_data(chart.configure_view(strokeWidth=0))
    return spec | ON_CANVAS if kind == "surface" else spec


def _of_run() -> Any:
    """The color that the run's losses have."""
    scale = alt.Scale(domain=[str(place) for place in range(len(DASHES))])
    return alt.Color("run:N", scale=scale, legend=None)


def _curve(x_title: str, y_title: str) -> Any:
    """The curve in the color that the run's losses have; the data are of no run."""
    base = alt.Chart().encode(
        alt.X("x:Q").title(x_title).scale(zero=False), alt.Y("y:Q").title(y_title).scale(zero=False)
    )
    points = base.transform_filter("datum.part == 'data'").mark_point(
        filled=True, size=32, opacity=0.6, color=QUIET
    )
    line = base.transform_filter("datum.part == 'model'").mark_line(strokeWidth=2.5)
    return points + line.encode(_of_run())


def _surface(x_title: str, y_title: str) -> Any:
    axes = {
        "x": alt.X("x:Q").title(x_title).scale(nice=False, zero=False).axis(grid=False),
        "y": alt.Y("y:Q").title(y_title).scale(nice=False, zero=False).axis(grid=False),
    }
    share = (
        alt.Color("value:Q")
        .scale(scheme="blueorange", domain=[0, 1], reverse=True)
        .title("class 1")
        .legend(None)
    )
    cells = alt.Chart().transform_filter("isValid(datum.value)").mark_rect(strokeWidth=0.5, aria=False)
    points = (
        alt.Chart()
        .transform_filter("isValid(datum.label)")
        .mark_point(filled=True, size=28, stroke="#10182B", strokeWidth=0.7, opacity=1, aria=False)
    )
    fill = alt.Color("label:N").scale(domain=[0, 1], range=["#FFD9B0", "#BFE0FF"]).legend(None)
    shape = alt.Shape("label:N").scale(domain=[0, 1], range=["circle", "triangle-up"]).legend(None)
    seams = alt.Stroke("value:Q").scale(scheme="blueorange", domain=[0, 1], reverse=True).legend(None)
    layers = alt.layer(
        cells.encode(share, seams, x2="x2", y2="y2", **axes), points.encode(fill, shape, **axes)
    )
    return layers.resolve_scale(color="independent", stroke="independent")


def _scatter(x_title: str, y_title: str) -> Any:
    points = alt.Chart().mark_point(filled=True, size=32, opacity=0.6)
    points = points.encode(_of_run(), alt.X("truth:Q").title("truth"), alt.Y("model:Q").title("model"))
    right = alt.Chart().mark_line(strokeDash=[4, 3], color=QUIET).encode(x="truth:Q", y="truth:Q")
    return right + points


def _confusion(x_title: str, y_title: str) -> Any:
    base = alt.Chart().encode(
        alt.X("model:O").title("model").axis(labelAngle=0), alt.Y("truth:O").title("truth")
    )
    cells = base.mark_rect().encode(alt.Color("count:Q").scale(scheme="blues").legend(None))
    shown = base.transform_filter("datum.count > 0").mark_text(fontSize=11)
    dark = alt.condition("datum.count > 20", alt.value("white"), alt.value("#10182B"))
    return cells + shown.encode(alt.Text("count:Q"), color=dark)
