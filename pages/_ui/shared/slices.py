"""Work done in short slices, taking turns with other visitors; slow work shows its progress."""

import math
import time
from collections.abc import Callable

import streamlit as st

from core import Config, Run, budget
from pages._ui.shared.locks import SLOT

SLICE_S = 0.05
SHOW_PROGRESS_AFTER_S = 0.3


def work(
    done: Callable[[], bool],
    advance: Callable[[float], object],
    progress: Callable[[], tuple[float, str]] | None = None,
    limit_s: float = math.inf,
) -> None:
    """Call `advance` until `done`, or for limit_s seconds.

    advance: gets the seconds it may take. progress: returns the share done, and the text beside the bar.
    """
    place, begun, used_s = st.empty() if progress else None, time.monotonic(), 0.0
    while not done() and time.monotonic() - begun < limit_s:
        st.session_state.get("page")  # touching the state lets Streamlit end this run of the page
        with SLOT.after(used_s):
            advance(SLICE_S)
        used_s += SLICE_S
        if place and progress and time.monotonic() - begun > SHOW_PROGRESS_AFTER_S:
            place.progress(*progress())
    if place:
        place.empty()


def advance(run: Run, steps: int, text: str) -> Run:
    """Train the run up to a step, or to the limit on training time."""
    work(
        lambda: run.done or run.step >= steps,
        lambda seconds: run.advance(steps - run.step, budget_s=seconds),
        lambda: (run.step / steps, f"{text}: {run.step:,} of {steps:,} steps"),
        budget.TIME_LIMIT_S,
    )
    return run


def trained(config: Config, device: str, text: str) -> Run:
    """A new run, trained to its end, or to the limit on training time."""
    return advance(Run(config, device, full=False), config.steps, text)
