"""The chosen cell: what came out, ways to look closer, and the curves of its row or column."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from core import Config, charts
from core.compare.comparison import Comparison, kept
from core.config import KNOBS
from core.run_summary import Brief
from core.sweep import curves_picture
from core.sweep.grid import STATES
from core.sweep.measures import MEASURES
from core.sweep.sweep import Cell, Sweep
from pages._ui.shared import links, widgets
from pages._ui.shared.badges import badge, plain
from pages._ui.sweep import session


def draw(
    sweep: Sweep, cells: pd.DataFrame, briefs: Mapping[Config, Brief], chosen: int, measure: str, device: str
) -> None:
    """The cell of row number `chosen` of `core.sweep.grid.grid`."""
    cell, row = sweep.cells[chosen], cells.iloc[chosen]
    st.header("One cell")
    with st.container(horizontal=True):
        _choose(sweep, "x", cell.column)
        _choose(sweep, "y", cell.row)
    if row["state"] in ("refused", "waiting"):
        st.markdown(f"**{STATES[row['state']][0]}** {plain(row['words'])}.")
        return
    known = [briefs[config] for config in cell.configs if config in briefs]
    _said(row, known, measure)
    _ways(sweep, cell, device)


def _choose(sweep: Sweep, name: str, place: int) -> None:
    """A list to choose the cell by, without a pointer."""
    axis = getattr(sweep, name)
    key = f"cell_{name}"
    widgets.shown(
        st.selectbox,
        KNOBS[axis.field].label,
        key,
        place,
        options=range(len(axis.values)),
        format_func=lambda index: axis.labels[index],
        width=170,
        on_change=lambda: session.choose_cell(sweep, widgets.chosen("cell_x"), widgets.chosen("cell_y")),
    )


def _said(row: pd.Series, known: list[Brief], measure: str) -> None:
    """The verdict of the first seed with its numbers, and the range over all."""
    first = known[0]
    st.markdown(badge(first.word))
    if first.raised is not None:
        st.code(first.raised, language=None, wrap_lines=True)
    st.markdown(first.because)
    if not first.finished:
        st.caption(f"Stopped at step {first.done:,} of {first.config.steps:,}.")
    if len(known) > 1:
        shown = f"{MEASURES[measure].title}: {row['range']}. " if row["range"] else ""
        st.caption(
            f"{shown}Verdicts of its {len(known)} seeds: {row['words']}. Above, seed {first.config.seed}."
        )


def _ways(sweep: Sweep, cell: Cell, device: str) -> None:
    config = cell.configs[0]
    variants = () if config == sweep.baseline else (kept(sweep.baseline),)
    with st.container(horizontal=True):
        links.compare("Compare with the baseline", Comparison(config, variants))
        links.watch("Watch it", config)
        links.script(config, device, "Plain PyTorch that trains this cell's run by the plain loop.")


def draw_neighbors(sweep: Sweep, briefs: Mapping[Config, Brief], chosen: int) -> None:
    """The losses of all runs in the chosen cell's row or column."""
    cell = sweep.cells[chosen]
    st.header("Its neighbors")
    along = widgets.kept(
        st.segmented_control,
        "Curves of",
        "sweep_along",
        list(session.ALONG),
        format_func=session.ALONG.__getitem__,
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
        charts.compact(frame),
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
