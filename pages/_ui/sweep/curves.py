"""The curves of the chosen cell's row or column."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from core import Config
from core.config import KNOBS
from core.run_summary import Brief
from core.sweep import curves_picture
from core.sweep.sweep import Sweep
from pages._ui.shared import widgets
from pages._ui.shared.badges import plain
from pages._ui.sweep.session import ALONG


def draw(sweep: Sweep, briefs: Mapping[Config, Brief], chosen: int) -> None:
    """The losses of all runs in the chosen cell's row or column."""
    cell = sweep.cells[chosen]
    st.header("Its neighbors")
    along = widgets.kept(
        st.segmented_control,
        "Curves of",
        "sweep_along",
        list(ALONG),
        format_func=ALONG.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    if along == "row":
        axis, place, same = sweep.x, cell.column, [c for c in sweep.cells if c.row == cell.row]
        fixed, places = f"{KNOBS[sweep.y.field].label}: {sweep.y.labels[cell.row]}", [c.column for c in same]
    else:
        axis, place, same = sweep.y, cell.row, [c for c in sweep.cells if c.column == cell.column]
        fixed, places = f"{KNOBS[sweep.x.field].label}: {sweep.x.labels[cell.column]}", [c.row for c in same]
    known = [
        (briefs[c.configs[0]], at)
        for c, at in zip(same, places, strict=True)
        if c.configs and c.configs[0] in briefs and len(briefs[c.configs[0]].losses)
    ]
    if not known:
        st.caption("None of these runs has been trained yet.")
        return
    found, at = [brief for brief, _ in known], [number for _, number in known]
    losses = np.concatenate([brief.losses for brief in found])
    log = bool((losses[np.isfinite(losses)] > 0).all())
    frame, top = curves_picture.family_frame(found, axis, at, place, log)
    st.vega_lite_chart(
        frame,
        curves_picture.family_spec(axis, log, top),
        width="stretch",
        key="sweep_curves",
        alt=f"Training loss over the steps for each {KNOBS[axis.field].label}; {fixed}",
    )
    seeds = f", seed {found[0].config.seed}" if sweep.seeds > 1 else ""
    st.caption(f"{plain(fixed + seeds)}. The thick line is the chosen cell.{_marks(frame)}")


def _marks(frame) -> str:  # type: ignore[no-untyped-def]
    said = " ▲ goes beyond the scale." if frame["beyond"].notna().any() else ""
    return said + (" ✖ is no longer finite." if frame["ended"].notna().any() else "")
