"""A run by the plain loop, in slices, with progress where it takes a while."""

import time

import streamlit as st

from core import Config, Run, budget
from pages._ui.shared.cache import SLICE_S, cache
from pages._ui.shared.progress import SHOW_PROGRESS_AFTER_S


def trained(config: Config, device: str, text: str) -> Run:
    """The run, trained to its end, or until the limit of training time."""
    run = Run(config, device, full=False)
    place, begun = st.empty(), time.monotonic()
    while not run.done and time.monotonic() - begun < budget.TIME_LIMIT_S:
        with cache().slot:
            run.advance(budget_s=SLICE_S)
        if time.monotonic() - begun > SHOW_PROGRESS_AFTER_S:
            place.progress(run.step / config.steps, text=f"{text}: {run.step:,} of {config.steps:,} steps")
    place.empty()
    return run
