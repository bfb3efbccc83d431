"""Work in short slices, each in its turn among all visitors, with progress where it takes a while."""

import math
import time
from collections.abc import Callable

import streamlit as st

from core import Config, Run, budget
from pages._ui.shared.cache import cache

SLICE_S = 0.05
SHOW_PROGRESS_AFTER_S = 0.3


def work(
    done: Callable[[], bool],
    advance: Callable[[float], object],
    progress: Callable[[], tuple[float, str]] | None = None,
    limit_s: float = math.inf,
) -> None:
    """Advance until done, or for limit_s seconds.

    advance: gets the seconds that it may take. progress: the share that is done, and what to say about it.
    """
    place, begun = st.empty() if progress else None, time.monotonic()
    while not done() and time.monotonic() - begun < limit_s:
        st.session_state.get("page")  # any look at the state lets Streamlit end this run of the page
        with cache().slot:
            advance(SLICE_S)
        if place and progress and time.monotonic() - begun > SHOW_PROGRESS_AFTER_S:
            place.progress(*progress())
    if place:
        place.empty()


def advance(run: Run, steps: int, text: str) -> Run:
    """Train the run until it has done so many steps, or until the limit of training time."""
    work(
        lambda: run.done or run.step >= steps,
        lambda seconds: run.advance(steps - run.step, budget_s=seconds),
        lambda: (run.step / steps, f"{text}: {run.step:,} of {steps:,} steps"),
        budget.TIME_LIMIT_S,
    )
    return run


def trained(config: Config, device: str, text: str) -> Run:
    """The run, trained to its end, or until the limit of training time."""
    return advance(Run(config, device, full=False), config.steps, text)
