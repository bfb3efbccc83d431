"""Values and gradients of a few lines as a linked pair of charts."""

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.loss_lessons.pictures import pair_spec, span
from core.words import number
from pages._ui.shared import style, width

CAPS = (8.0, 4.0)  # where the axes of several lines end: one steep line would flatten all others


def draw(
    frame: pd.DataFrame,
    names: Sequence[str],
    titles: tuple[str, str],
    x_title: str,
    key: str,
    *,
    log_gradient: bool = False,
    capped: bool = False,
) -> None:
    """A frame of `core.loss_lessons.curves.framed`. capped: whether the axes end at CAPS; what goes on is
    said."""
    caps = CAPS if capped else (math.inf, math.inf)
    ranges = (span(frame, "l", caps[0]), None if log_gradient else span(frame, "g", caps[1]))
    pixels = width.of_container(f"{key}_width")
    style.tips(key, range(len(names)))
    spec = pair_spec(tuple(names), titles, x_title, (False, log_gradient), ranges, pixels)
    said = f"{titles[0]} and {titles[1]} over the {x_title}: {', '.join(names)}"
    st.vega_lite_chart(frame, spec, key=key, alt=said)
    beyond = "; ".join(text for i, name in enumerate(names) if (text := _beyond(frame, i, name, caps)))
    if beyond:
        st.caption(f"Beyond the scales: {beyond}. Point at it to read its value.")


def _beyond(frame: pd.DataFrame, index: int, name: str, caps: tuple[float, float]) -> str:
    """Such as "MSE, loss 0 to 25", for what leaves the axes; "" if nothing does."""
    parts = []
    for letter, title, cap in zip("lg", ("loss", "gradient"), caps, strict=True):
        low, high = frame[f"{letter}{index}"].min(), frame[f"{letter}{index}"].max()
        if max(abs(low), abs(high)) > cap:
            parts.append(f"{title} {number(low)} to {number(high)}")
    return ", ".join([name, *parts]) if parts else ""
