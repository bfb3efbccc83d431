"""The frame of the page Sweep: title, link, how many runs it takes, and all of them in a table."""

from collections.abc import Mapping

import streamlit as st

from core import Config
from core.run_summary import Brief
from core.sweep.grid import run_table
from core.sweep.sweep import Sweep, runs
from core.words import counted
from pages._ui.shared import explain, links

QUESTION = "Up to which learning rate does the loop learn, and what moves that limit?"


def draw(sweep: Sweep) -> None:
    """Title, the number of runs before they start, and the address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Sweep", width="stretch")
        links.share("This address restores the whole sweep.", "sweep", sweep.to_params())
    st.caption(QUESTION, help=explain.words("limit", "curvature", "standardized"))


def count(sweep: Sweep) -> None:
    """How much it is, in one line."""
    across, down = len(sweep.x.values), len(sweep.y.values)
    seeds = f" × {sweep.seeds} seeds" if sweep.seeds > 1 else ""
    steps = sweep.baseline.steps
    st.caption(
        f"Each cell is the baseline with two fields changed: {across} × {down}{seeds} = "
        f"**{counted(runs(sweep), 'run')}** of {counted(steps, 'step')}."
    )


def table(sweep: Sweep, briefs: Mapping[Config, Brief]) -> None:
    """A table with a row per run, which can be taken home from its corner."""
    with st.expander("All numbers", icon=":material/table:"):
        st.dataframe(run_table(sweep, briefs), hide_index=True)
