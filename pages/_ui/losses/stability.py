"""BCE of a sigmoid against BCE with logits, far from 0."""

import numpy as np
import pandas as pd
import streamlit as st
import torch

from core.loss_lessons import stability
from core.losses import LOSSES
from core.words import number
from pages._ui.losses import pair
from pages._ui.shared import address_fields

FIELDS = ("z", "label", "dtype")
OUTPUTS = address_fields.numbers(range(-stability.REACH, stability.REACH + 1, 5))
DTYPES = {"float32": torch.float32, "float64": torch.float64}
TITLES = {"logits": LOSSES["bce"].title, "sigmoid": "BCE of a sigmoid", "hand": "written out"}


def draw(given: dict[str, str]) -> dict[str, str]:
    """An output to choose, and three ways to the same loss."""
    one, two, three = st.columns([3, 1, 1.4])
    with one:
        z = address_fields.one(st.select_slider, "Output z", "z", OUTPUTS, given, "200")
    with two:
        label = address_fields.one(
            st.segmented_control, "Target y", "label", ["0", "1"], given, required=True
        )
    with three:
        dtype = address_fields.one(
            st.segmented_control, "Precision", "dtype", list(DTYPES), given, required=True
        )
    _table(float(z), float(label), DTYPES[dtype])
    frame = stability.sweep(float(label), float(z), DTYPES[dtype])
    names = [TITLES[way] for way in stability.DRAWN]
    pair.draw(frame, names, ("Loss", "Gradient"), "output z", "stability")
    _why(float(z), DTYPES[dtype])
    return {"z": z, "label": label, "dtype": dtype}


def _table(z: float, y: float, dtype: torch.dtype) -> None:
    rows = []
    for way, (code, _) in stability.WAYS.items():
        loss, grad = stability.at(way, np.array([z]), y, dtype)
        rows.append((TITLES[way], f"`{code}`", number(loss.item()), number(grad.item())))
    st.table(
        pd.DataFrame(rows, columns=["way", "code", "loss", "gradient"]), hide_index=True, border="horizontal"
    )


def _why(z: float, dtype: torch.dtype) -> None:
    p = torch.tensor(z, dtype=dtype).sigmoid().item()
    name = str(dtype).removeprefix("torch.")
    st.markdown(
        f"In {name}, sigmoid({z:g}) is {p!r}. Where it is exactly 1 or 0, the formula takes the logarithm of "
        "0; just before that, 1 − sigmoid(z) has hardly any correct digits left. BCELoss clamps the "
        "logarithm at −100. Its backward divides by p (1 − p), p = sigmoid(z), but never by less than 1e−12; "
        "then comes the sigmoid's slope, p (1 − p) again, which fades to 0: a model that is confidently "
        "wrong gets next to no gradient, or none. BCEWithLogitsLoss never computes the sigmoid by itself: "
        "max(z, 0) − z y + log(1 + exp(−|z|)) is the same and stays finite."
    )
