"""One card per run, which is also the legend: name, verdict, last loss, accuracy, and why."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.results import loss_path
from core.verdict import number
from pages._ui.training import Trained
from pages._ui.words import badge, dot

PER_ROW = 3
LAST = -1


def draw(trained: Sequence[Trained]) -> None:
    """One card per run."""
    for start in range(0, len(trained), PER_ROW):
        row = trained[start : start + PER_ROW]
        columns = st.columns(min(len(trained), PER_ROW), gap="small")
        for offset, one in enumerate(row):
            with columns[offset], st.container(border=True, height="stretch", key=f"card_{start + offset}", gap=None):
                _card(start + offset, one, len(trained))


def _card(index: int, one: Trained, count: int) -> None:
    path = loss_path(one.result)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small", wrap=False):
        st.markdown(f"{dot(index)} **{one.name}**", width="stretch", wrap=False)
        st.markdown(badge(one.verdict.word), width="content")
    last = path["loss"].iloc[LAST] if len(path) else float("nan")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small", wrap=False):
        st.markdown(f"**{number(last) if len(path) else 'none'}** :gray[last loss]{_accuracy(one)}", width="stretch", wrap=False)
        st.menu_button("", ["Hide", "Watch", "Rename", "Remove"], key=f"menu_{index}", icon=":material/more_vert:", type="tertiary")
    st.caption(one.verdict.because, wrap=False)


def _accuracy(one: Trained) -> str:
    """Accuracy where there are classes, else the loss on the validation rows, if there are any."""
    frame = one.result.evaluations
    if frame[["train_accuracy", "val_loss"]].isna().all(axis=None):
        return ""
    scores = frame.iloc[LAST]
    if np.isnan(scores["train_accuracy"]):
        return f" · {number(scores['val_loss'])} :gray[validation]"
    text = f" · **{scores['train_accuracy']:.0%}** :gray[accuracy]"
    if not np.isnan(scores["val_accuracy"]):
        text += f", **{scores['val_accuracy']:.0%}** :gray[validation]"
    return text
