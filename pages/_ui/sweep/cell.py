"""The chosen cell: what came out, in numbers and words, and the ways to look at it closer."""

from collections.abc import Mapping
from functools import partial

import pandas as pd
import streamlit as st

from core import Config, export
from core.compare.comparison import Comparison, kept
from core.config import KNOBS
from core.run_summary import Brief
from core.sweep.grid import STATES
from core.sweep.measures import MEASURES
from core.sweep.sweep import Cell, Sweep
from pages._ui.shared import widgets
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
        st.page_link(
            "pages/compare.py",
            label="Compare with the baseline",
            icon=":material/stacked_line_chart:",
            query_params=Comparison(config, variants).to_params(),
        )
        st.page_link(
            "pages/watch.py",
            label="Watch it",
            icon=":material/visibility:",
            query_params={**config.to_params(), "at": "0.0"},
        )
        st.download_button(
            "Script",
            data=partial(export.script, config, device),
            file_name="loop.py",
            mime="text/x-python",
            icon=":material/download:",
            on_click="ignore",
            help="Plain PyTorch that trains this cell's run by the plain loop.",
        )
