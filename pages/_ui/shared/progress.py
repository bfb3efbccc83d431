"""How far a session's training has come, and how the page shows it: a bar with Stop, then Go on."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import Config, budget
from pages._ui.shared.streamlit_internals import whole


@dataclass
class Progress:
    """One training: what it trains, whether it was stopped, and the seconds it has taken.

    where: a sentence on where it runs, if that needs saying. partial: results of unfinished runs, by Config.
    jobs: by the Configs they train; stopped jobs resume from here.
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
        """Add training time; over the limit, training stops."""
        self.spent_s += seconds
        self.stopped = self.stopped or self.over_limit

    def set_stopped(self, value: bool) -> None:
        self.stopped, self.spent_s = value, 0.0


def bar(place: DeltaGenerator, progress: Progress) -> DeltaGenerator:
    """Draw Stop, and return the place for the progress bar beside it; over the page, where nothing moves."""
    with place.container(horizontal=True, vertical_alignment="center", key="training"):
        bar = st.empty()
        st.button(
            "Stop", icon=":material/stop:", key="stop", on_click=whole(progress.set_stopped), args=(True,)
        )
    return bar


def stopped(place: DeltaGenerator, progress: Progress, what: str) -> None:
    """Say why training stopped and what is there, and offer Go on."""
    limit = f"The limit of {budget.TIME_LIMIT_S:g} s of training is reached"
    with place.container(horizontal=True, vertical_alignment="center"):
        why = limit if progress.over_limit else "Training stopped"
        st.info(f"{why}: {what}", icon=":material/stop_circle:")
        st.button("Go on", icon=":material/play_arrow:", on_click=whole(progress.set_stopped), args=(False,))


def tell_where(place: DeltaGenerator, progress: Progress) -> None:
    """Say where it trains, if that is not where it was meant to."""
    if progress.where:
        place.info(progress.where, icon=":material/lan:")
