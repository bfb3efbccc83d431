"""What each model computes, at a step chosen with a slider."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.compare import fit, fit_picture
from core.data import DATASETS
from pages._ui.shared.badges import dot, plain
from pages._ui.shared.training import Trained


@st.fragment
def draw(trained: Sequence[Trained]) -> None:
    """What each model computes, at a step chosen with a slider."""
    with st.container(border=True):
        st.header("Fit")
        last = max(one.config.steps for one in trained)
        step = st.slider("At step", 0, last, value=last, key=f"fit_step_{last}")
        per_row = min(len(trained), 3)
        for start in range(0, len(trained), per_row):
            columns = st.columns(per_row)
            for offset, one in enumerate(trained[start : start + per_row]):
                with columns[offset]:
                    _picture(start + offset, one, step)


def _picture(index: int, one: Trained, step: int) -> None:
    steps = one.result.evaluations["step"].to_numpy()
    row = int(np.abs(steps - step).argmin())
    kind, data = fit.kind(one.config), DATASETS[one.config.dataset]
    st.markdown(f"{dot(index)} **{plain(one.name)}**, step {steps[row]}")
    problem = fit.fit_problem(one.result, row)
    if problem:
        st.caption(problem)
        return
    frame = fit.picture(one.result, row)
    titles = ("input 1", "input 2") if kind == "surface" else (data.inputs, data.targets)
    st.vega_lite_chart(
        frame,
        fit_picture.fit_spec(kind, *titles),
        width="stretch",
        key=f"fit_{index}",
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
