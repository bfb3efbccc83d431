"""How far a session's training is, and what the page shows of it: progress with Stop, then Go on."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import Config, budget


@dataclass
class Progress:
    """What is trained; whether it was stopped; seconds of training; where it runs, if that needs saying.

    partial: what unfinished runs have come to, by Config. jobs: by what they train, so that those which were
    stopped go on.
    """

    thing: Any
    stopped: bool = False
    spent_s: float = 0.0
    where: str = ""
    partial: dict[Config, Any] = field(default_factory=dict)
    jobs: dict[tuple[Config, ...], Any] = field(default_factory=dict)

    @property
    def over_limit(self) -> bool:
        return self.spent_s > budget.TIME_LIMIT_S

    def spend(self, seconds: float) -> None:
        """Count time of training; at its limit it is stopped."""
        self.spent_s += seconds
        self.stopped = self.stopped or self.over_limit

    def set_stopped(self, value: bool) -> None:
        self.stopped, self.spent_s = value, 0.0


def bar(place: DeltaGenerator, progress: Progress) -> DeltaGenerator:
    """A place for the progress bar, with Stop beside it."""
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.empty()
        st.button("Stop", icon=":material/stop:", key="stop", on_click=progress.set_stopped, args=(True,))
    return bar


def stopped(place: DeltaGenerator, progress: Progress, what: str) -> None:
    """Why it does not go on, what is there, and Go on."""
    limit = f"The limit of {budget.TIME_LIMIT_S:g} s of training is reached"
    with place.container(horizontal=True, vertical_alignment="center"):
        why = limit if progress.over_limit else "Training stopped"
        st.info(f"{why}: {what}", icon=":material/stop_circle:")
        st.button("Go on", icon=":material/play_arrow:", on_click=progress.set_stopped, args=(False,))


def tell_where(place: DeltaGenerator, progress: Progress) -> None:
    """Say where it is trained, if that is not where it was meant to be."""
    if progress.where:
        place.info(progress.where, icon=":material/lan:")
