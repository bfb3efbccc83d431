"""Loss and gradients side by side: hover reads all runs, a click pins, dragging zooms."""

from collections.abc import Sequence

import streamlit as st

from core import charts
from core.compare import curves
from pages._ui.shared import widgets, width
from pages._ui.shared.badges import dot
from pages._ui.shared.training import Trained


@st.fragment
def draw(trained: Sequence[Trained]) -> None:
    """Loss and gradients side by side: hover reads all runs, a click pins, dragging zooms."""
    results = [one.result for one in trained]
    with st.container(border=True):
        loss, quantity, parameter, logs = _curve_controls(trained)
        pixels = width.of_container("curves_width")
        between, pinned = st.session_state.get("between"), _pinned(trained)
        frame, tops = curves.curves_frame(results, quantity, parameter, loss, logs, between, pinned)
        with_val = bool(frame[[f"v{i}" for i in range(len(results))]].notna().any().any())
        titles = (_loss_title(loss, with_val), _gradient_title(quantity, parameter))
        names = tuple(one.name for one in trained)
        span = between or (0.0, float(max(one.config.steps for one in trained)))
        spec = charts.curves_spec(names, titles, logs, tops, span, pixels, with_val)
        st.vega_lite_chart(
            frame,
            spec,
            key="curves",
            on_select=_selected,
            selection_mode=["pin", "zoom"],
            alt="Loss and gradient of each run over the steps; the table below has the numbers.",
        )
        if any(tops):
            st.caption("▲ a run goes beyond the scale here; pointing at it reads its value.")
        if frame[[f"m{i}" for i in range(len(results))]].notna().any().any():
            st.caption("✖ a run diverged (its loss is no longer finite) or raised here.")
        _reading(trained, pinned, quantity, parameter, loss)


LOSS_COLUMNS = {"loss": "each step", "train_loss": "training set", "val_loss": "validation"}


def _curve_controls(trained: Sequence[Trained]) -> tuple[str, str, str, tuple[bool, bool]]:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="curve_controls"):
        loss = widgets.kept(
            st.segmented_control,
            "Loss",
            "loss_column",
            list(LOSS_COLUMNS),
            format_func=LOSS_COLUMNS.__getitem__,
            required=True,
            label_visibility="collapsed",
        )
        quantity = widgets.kept(
            st.selectbox,
            "Gradient",
            "quantity",
            list(curves.QUANTITIES),
            format_func=curves.QUANTITIES.__getitem__,
            width=220,
            label_visibility="collapsed",
        )
        names = list(
            dict.fromkeys(n for one in trained for n in one.result.parameters["parameter"].cat.categories)
        )
        parameters = [curves.ALL_PARAMETERS, *names]
        parameter = widgets.kept(
            st.selectbox,
            "of",
            "parameter",
            parameters,
            format_func=lambda name: name or "all parameters",
            width=160,
            label_visibility="collapsed",
        )
        scales = ["log", "linear"]
        scale = widgets.kept(st.segmented_control, "Scale", "scale", scales, required=True, label_visibility="collapsed")
        if st.session_state.get("between"):
            st.button("Whole run", icon=":material/zoom_out_map:", on_click=_zoom_out)
    return loss, quantity, parameter, (scale == "log", scale == "log")


def _loss_title(column: str, with_val: bool) -> str:
    title = {
        "loss": "Training loss, each step",
        "train_loss": "Training loss, whole set",
        "val_loss": "Validation loss",
    }[column]
    return f"{title} (dots: validation)" if with_val and column != "val_loss" else title


def _gradient_title(quantity: str, parameter: str) -> str:
    return f"{curves.QUANTITIES[quantity]} ({parameter or 'all parameters'})"


def _selected() -> None:
    """Keep a pinned step and a zoomed range; the chart itself forgets them when it is redrawn."""
    selection = st.session_state["curves"]["selection"]
    pins = selection.get("pin") or []
    if pins and "step" in pins[0]:
        st.session_state.pinned = int(pins[0]["step"])
    span = (selection.get("zoom") or {}).get("step")
    if span and span[1] - span[0] >= 2:
        st.session_state.between = (float(span[0]), float(span[1]))


def _zoom_out() -> None:
    st.session_state.between = None


def _pinned(trained: Sequence[Trained]) -> int | None:
    step = st.session_state.get("pinned")
    last = max(one.config.steps for one in trained)
    return None if step is None else min(step, last)


def _reading(trained: Sequence[Trained], step: int | None, quantity: str, parameter: str, loss: str) -> None:
    """All runs at the pinned step, in words."""
    if step is None:
        return
    parts = [f"**Step {step}**"]
    for i, one in enumerate(trained):
        value = curves.value_at(one.result, loss, curves.ALL_PARAMETERS, step)
        gradient = curves.value_at(one.result, quantity, parameter, step)
        short = "ratio" if quantity == "update_ratio" else "gradient"
        parts.append(f"{dot(i)} loss {value}, {short} {gradient}")
    st.markdown(" · ".join(parts))
