"""What each model computes, at a step chosen with a slider."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import charts
from core.compare import fit, fit_picture
from core.data import data_set
from pages._ui.compare import view
from pages._ui.shared import widgets
from pages._ui.shared.badges import dot, plain
from pages._ui.shared.training import Trained


@st.fragment
def draw(trained: Sequence[Trained]) -> None:
    """What each model computes, at a step chosen with a slider."""
    view.write_address()  # what was chosen within this fragment
    last = max(one.config.steps for one in trained)
    trained = [one for one in trained if one.place not in view.hidden()] or trained
    with st.container(border=True):
        st.header("Fit")
        chosen = view.get("fit")
        step = last if chosen is None else min(chosen, last)
        widgets.shown(st.slider, "At step", "fit_step", step, min_value=0, max_value=last, on_change=_put)
        per_row = min(len(trained), 3)
        for start in range(0, len(trained), per_row):
            for column, one in zip(st.columns(per_row), trained[start : start + per_row], strict=False):
                with column:
                    _picture(one, step)


def _put() -> None:
    """The last step is the default, whatever it is."""
    step = widgets.chosen("fit_step")
    last = max(one.config.steps for one in st.session_state.comparison.named())
    view.put("fit", None if step == last else step)


def _picture(one: Trained, step: int) -> None:
    steps = one.result.evaluations["step"].to_numpy()
    row = int(np.abs(steps - step).argmin())
    kind, data = fit.kind(one.config), data_set(one.config.dataset)
    st.markdown(f"{dot(one.place)} **{plain(one.name)}**, step {steps[row]}")
    problem = fit.fit_problem(one.result, row)
    if problem:
        st.caption(problem)
        return
    frame = fit.picture(one.result, row)
    titles = ("input 1", "input 2") if kind == "surface" else (data.inputs, data.targets)
    st.vega_lite_chart(
        charts.compact(frame),
        fit_picture.fit_spec(kind, *titles, one.place),
        width="stretch",
        key=f"fit_{one.place}",
        alt=f"{FIT_WORDS[kind]}, {one.name}, step {steps[row]}",
    )
    if kind == "confusion":
        st.caption("Counts of validation rows." if frame["held_out"].iloc[0] else "Counts of training rows.")


FIT_WORDS = {
    "curve": "Fitted curve over the training points",
    "surface": "Decision surface under the training points",
    "scatter": "Outputs against targets on the training rows",
    "confusion": "Confusion matrix",
}
