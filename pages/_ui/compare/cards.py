"""One card per run: verdict, last loss, accuracy, a small curve."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import charts
from core.result import loss_path
from core.words import number
from pages._ui.shared.badges import badge, dot, plain
from pages._ui.shared.training import Trained

PER_ROW = 4
LAST = -1


def draw(trained: Sequence[Trained]) -> None:
    """One card per run: verdict, last loss, accuracy, a small curve."""
    per_row = len(trained) if len(trained) <= PER_ROW else (len(trained) + 1) // 2
    for start in range(0, len(trained), per_row):
        columns = st.columns(per_row)
        for offset, one in enumerate(trained[start : start + per_row]):
            with columns[offset], st.container(border=True, height="stretch", key=f"card_{start + offset}"):
                _card(start + offset, one, len(trained))


def _card(index: int, one: Trained, count: int) -> None:
    path = loss_path(one.result)
    st.markdown(f"{dot(index)} **{plain(one.name)}**")
    st.markdown(badge(one.verdict.word))
    last = path["loss"].iloc[LAST] if len(path) else float("nan")
    st.metric(
        "last loss",
        number(last) if len(path) else "none",
        help="The last point of its curve: on all training rows, normally after the last step.",
    )
    st.markdown(_accuracy(one))
    losses = path["loss"].where(np.isfinite(path["loss"]) & (path["loss"] > 0))
    shown = path.assign(loss=losses.clip(upper=charts.axis_top([losses.to_numpy()], log=True)))
    st.vega_lite_chart(
        shown.iloc[charts.thin(shown[["loss"]].to_numpy(), 120)],
        charts.sparkline_spec(index, count),
        width="stretch",
        alt=f"Loss of {one.name} over the steps, on a log scale",
    )
    st.page_link(
        "pages/watch.py",
        label="Watch this run",
        icon=":material/visibility:",
        query_params={**one.config.to_params(), "at": "0.0"},  # never empty: that would keep the baseline
    )


def _accuracy(one: Trained) -> str:
    """Accuracy where there are classes, else the loss on the validation rows, if there are any."""
    frame = one.result.evaluations
    if frame[["train_accuracy", "val_loss"]].isna().all(axis=None):
        return ":gray-badge[no validation rows]"
    scores = frame.iloc[LAST]
    if np.isnan(scores["train_accuracy"]):
        return f":gray-badge[validation loss {number(scores['val_loss'])}]"
    text = f"{scores['train_accuracy']:.0%} accuracy"
    if not np.isnan(scores["val_accuracy"]):
        text += f", {scores['val_accuracy']:.0%} validation"
    return f":gray-badge[{text}]"
