"""All runs of a sweep in one table."""

from collections.abc import Mapping

import streamlit as st

from core import Config
from core.run_summary import Brief
from core.sweep.grid import run_table
from core.sweep.sweep import Sweep


def draw(sweep: Sweep, briefs: Mapping[Config, Brief]) -> None:
    """A table with a row per run, which can be taken home from its corner."""
    with st.expander("All numbers", icon=":material/table:"):
        st.dataframe(run_table(sweep, briefs), hide_index=True)
