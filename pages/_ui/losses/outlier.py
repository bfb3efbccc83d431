"""One outlier, dragged, and the lines that three losses fit."""

import streamlit as st

from core import Config
from core.compare.comparison import Comparison, Variant
from core.loss_lessons import outlier
from core.loss_lessons.pictures import outlier_spec
from core.losses import LOSSES
from core.words import number
from pages._ui.shared import address_fields, links
from pages._ui.shared.badges import dot
from pages._ui.shared.locks import SLOT

FIELDS = ("y",)
PLACES = address_fields.numbers(range(-outlier.REACH, outlier.REACH + 1))
HOME = outlier.Y[outlier.MOVED]
MORE = {
    "mse": "The error is squared, so the pull grows with the distance.",
    "l1": "The pull is its row's share, 1/9, however far away it is.",
    "huber": "Far out it pulls like L1; within 1 of the line, like half of MSE.",
}


def draw(given: dict[str, str]) -> dict[str, str]:
    """The slider, and three fits side by side."""
    y = address_fields.one(st.select_slider, "Where the outlier is", "y", PLACES, given, "-10")
    for number_, (column, loss) in enumerate(zip(st.columns(3), outlier.FITTED, strict=True)):
        with column:
            _fit(number_, loss, float(y))
    st.caption(
        f"Each line was trained by the real loop, {outlier.config('mse').steps} steps from weight 0 "
        f"and bias 0. Dashed: the line of the same loss with the point at its original place, {HOME:g}."
    )
    losses = tuple(Variant((("loss", loss),)) for loss in outlier.FITTED[1:])
    baseline = Config(dataset="line", model="linear", lr=0.1)
    links.compare("Train all three on a line with outliers", Comparison(baseline, losses))
    return {"y": y}


@st.cache_data(max_entries=256, show_spinner=False)
def _fitted(loss: str, y: float) -> outlier.Fit:
    with SLOT:
        return outlier.fit(loss, y)


def _fit(number_: int, loss: str, y: float) -> None:
    one, home = _fitted(loss, y), _fitted(loss, HOME)
    with st.container(border=True, height="stretch", key=f"fit_{loss}"):
        st.markdown(f"{dot(number_)} **{LOSSES[loss].title}**")
        said = f"Line of {LOSSES[loss].title}, weight {number(one.weight)}, bias {number(one.bias)}"
        frame = outlier.frame(y, one, home)
        st.vega_lite_chart(frame, outlier_spec(number_), width="stretch", key=f"line_{loss}", alt=said)
        st.markdown(
            f"y = **{_line(one)}**; with the point in its original place, {_line(home)}. "
            f"Gradient with respect to the outlier's prediction: **{number(one.pull)}**. {MORE[loss]}"
        )


def _line(one: outlier.Fit) -> str:
    """The fitted line as text, such as 2 x − 1."""
    sign = "−" if one.bias < 0 else "+"
    return f"{number(one.weight)} x {sign} {number(abs(one.bias))}"
