"""Cached curvature at the starting weights: computing it takes as long as some runs."""

import streamlit as st

from core import Config, budget
from core.curvature import start_of, starting_curvature
from pages._ui.shared import memory

UP_TO = 10_000  # parameters; above, Lanczos takes longer than the training


def curvature(config: Config) -> float | None:
    """None if the model is too large for it."""
    return None if budget.parameter_count(config) > UP_TO else _of(start_of(config))


@st.cache_data(max_entries=256, show_spinner=False)
def _of(start: Config) -> float:
    found = starting_curvature(start)
    memory.give_back()
    return found
