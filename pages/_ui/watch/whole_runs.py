"""Runs beside the watched one: itself to its end, and the same loop with or without zero_grad."""

import time
from dataclasses import replace

import streamlit as st

from core import Config, Run, budget
from core.lines import USUAL, without_zero_grad
from pages._ui.shared.cache import cache
from pages._ui.watch import player

SLICE_S = 0.05
QUIET_S = 0.3  # progress is shown after so long
KEPT = 3  # whole runs per session


def whole(config: Config, device: str, until: int | None = None) -> Run:
    """A run of this Config, trained to its end or to a step; kept for the next panel."""
    kept: dict[tuple[Config, str], Run] = st.session_state.setdefault("whole_runs", {})
    run = kept.pop((config, device), None) or player.players().run(config, device)
    kept[config, device] = run  # the last used one last
    for key in list(kept)[:-KEPT]:
        del kept[key]
    place, begun = st.empty(), time.monotonic()
    steps = config.steps if until is None else until
    while not run.done and run.step < steps and time.monotonic() - begun < budget.TIME_LIMIT_S:
        with cache().slot:
            run.advance(steps - run.step, budget_s=SLICE_S)
        if time.monotonic() - begun > QUIET_S:
            place.progress(run.step / steps, text=f"Training the whole run: {run.step:,} of {steps:,} steps")
    place.empty()
    return run


def other_loop(config: Config) -> Config:
    """The same without zero_grad, or with it where it was left out."""
    loop = config.loop
    without = without_zero_grad(loop)
    return replace(config, loop=without if without != loop else (USUAL[0], *loop))
