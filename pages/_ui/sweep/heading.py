"""The top of the page Sweep: what it is, how many runs it takes, its link."""

import streamlit as st

from core.sweep.sweep import Sweep, runs
from pages._ui.shared import explain, session

QUESTION = "Up to which learning rate does the loop learn, and what moves that limit?"


def draw(sweep: Sweep) -> None:
    """Title, the number of runs before they start, and the address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Sweep", width="stretch")
        with st.popover("Share", icon=":material/link:"):
            st.caption("This address restores the whole sweep.")
            st.code(session.link("sweep", sweep.to_params()), language=None, wrap_lines=True)
    st.caption(QUESTION, help=explain.words("limit", "curvature", "standardized"))


def count(sweep: Sweep) -> None:
    """How much it is, in one line."""
    across, down = len(sweep.x.values), len(sweep.y.values)
    seeds = f" × {sweep.seeds} seeds" if sweep.seeds > 1 else ""
    steps = sweep.baseline.steps
    st.caption(
        f"Each cell is the baseline with two choices changed: {across} × {down}{seeds} = "
        f"**{runs(sweep)} runs** of {steps:,} steps."
    )
