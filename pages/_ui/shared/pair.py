"""A linked pair of charts, loss and gradient, of a few runs; no controls."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import charts
from core.compare import curves
from core.result import Result
from pages._ui.shared import style, width


def draw(named: Sequence[tuple[str, Result]], key: str, quantity: str = "grad_norm") -> None:
    """Draw loss and one of QUANTITIES for each run, on scales that fit all of them."""
    results = [result for _, result in named]
    loss_log, gradient_log = _positive(results, "loss"), _positive(results, quantity)
    logs = (loss_log, gradient_log)
    frame, tops = curves.curves_frame(results, quantity, curves.ALL_PARAMETERS, "loss", logs, None, None)
    titles = ("Loss, each step", curves.QUANTITIES[quantity])
    last = float(max(max(len(result.steps) for result in results), 1))
    names = tuple(name for name, _ in named)
    pixels = width.of_container(f"{key}_width")
    style.tips(key, range(len(named)))
    spec = charts.curves_spec(names, titles, logs, tops, (0.0, last), pixels, False)
    said = "Loss and gradient over the steps: " + ", ".join(names)
    st.vega_lite_chart(charts.compact(frame), spec, key=key, alt=said)
    if any(tops):
        st.caption("▲ a run goes beyond the scale here; point at it to read its value.")
    if frame[[f"m{i}" for i in range(len(named))]].notna().any().any():
        st.caption("✖ here the loss of a run is no longer finite, or a line raised.")


def _positive(results: Sequence[Result], column: str) -> bool:
    """Whether there are finite values, and all of them fit on a log axis."""
    values = np.concatenate([result.steps[column].to_numpy() for result in results])
    finite = values[np.isfinite(values)]
    return bool(len(finite)) and bool((finite > 0).all())
