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
from core.sweep.axes import Axis
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
    axis, place, fixed = _along(sweep, sweep.cells[chosen], along)
    known = _trained(_row_of(sweep, sweep.cells[chosen], along), briefs)
    if not known:
        st.caption("None of these runs has been trained yet.")
        return
    seed = f", seed {known[0][1].config.seed}" if sweep.seeds > 1 else ""
    _draw_family(known, axis, place, fixed + seed)


def _along(sweep: Sweep, cell: Cell, along: str) -> tuple[Axis, int, str]:
    """The axis that the neighbors differ in, the cell's place on it, and what they have in common."""
    axes = (sweep.x, cell.column), (sweep.y, cell.row)
    (axis, place), (other, same) = axes if along == "row" else axes[::-1]
    return axis, place, f"{KNOBS[other.field].label}: {other.labels[same]}"


def _row_of(sweep: Sweep, cell: Cell, along: str) -> list[tuple[int, Cell]]:
    """The cells of its row or column, each with its place there."""
    if along == "row":
        return [(one.column, one) for one in sweep.cells if one.row == cell.row]
    return [(one.row, one) for one in sweep.cells if one.column == cell.column]


def _trained(cells: list[tuple[int, Cell]], briefs: Mapping[Config, Brief]) -> list[tuple[int, Brief]]:
    """The run of each cell's first seed, where it has any losses yet."""
    found = [(place, briefs.get(cell.configs[0])) for place, cell in cells if cell.configs]
    return [(place, brief) for place, brief in found if brief is not None and len(brief.losses)]


def _draw_family(known: list[tuple[int, Brief]], axis: Axis, place: int, fixed: str) -> None:
    """Curves of runs along an axis, the one at this place of it thick."""
    places, briefs = [at for at, _ in known], [brief for _, brief in known]
    losses = np.concatenate([brief.losses for brief in briefs])
    log = bool((losses[np.isfinite(losses)] > 0).all())
    frame, top = curves_picture.family_frame(briefs, axis, places, place, log)
    st.vega_lite_chart(
        charts.compact(frame),
        curves_picture.family_spec(axis, log, top),
        width="stretch",
        key="sweep_curves",
        alt=f"Training loss over the steps for each {KNOBS[axis.field].label}; {fixed}",
    )
    st.caption(f"{plain(fixed)}. The thick line is the chosen cell.{_marks(frame)}")


def _marks(frame) -> str:  # type: ignore[no-untyped-def]
    said = " ▲ goes beyond the scale." if frame["beyond"].notna().any() else ""
    return said + (" ✖ is no longer finite." if frame["ended"].notna().any() else "")
