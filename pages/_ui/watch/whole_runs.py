"""Runs to compare the watched one with: itself to its end, and its loop with or without zero_grad."""

from dataclasses import replace

import streamlit as st

from core import Config, Run
from core.lines import USUAL, without_zero_grad
from pages._ui.shared import slices
from pages._ui.watch import player

KEPT = 3  # whole runs per session


def whole(config: Config, device: str, until: int | None = None) -> Run:
    """A run of this Config, trained to its end or up to a step; kept for the next panel."""
    kept: dict[tuple[Config, str], Run] = st.session_state.setdefault("whole_runs", {})
    run = kept.pop((config, device), None) or player.players().run(config, device)
    kept[config, device] = run  # most recently used last
    for key in list(kept)[:-KEPT]:
        del kept[key]
    return slices.advance(run, config.steps if until is None else until, "Training the whole run")


def other_loop(config: Config) -> Config:
    """The same without zero_grad, or with it if it was missing."""
    loop = config.loop
    without = without_zero_grad(loop)
    return replace(config, loop=without if without != loop else (USUAL[0], *loop))
