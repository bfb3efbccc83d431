"""How far a session's training has come, and how the page shows it: a bar with Stop, then Go on.

Both lie over the page, in its corner: nothing moves when they come and go.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import Config, budget


@dataclass
class Progress:
    """One training: what it trains, whether it was stopped, and the seconds it has taken.

    where: a sentence on where it runs, if that needs saying. partial: results of unfinished runs, by Config.
    jobs: by the Configs they train; stopped jobs resume from here. since: when it began or went on, by the
    clock, and the steps that were done by then.
    """

    thing: Any
    stopped: bool = False
    spent_s: float = 0.0
    where: str = ""
    partial: dict[Config, Any] = field(default_factory=dict)
    jobs: dict[tuple[Config, ...], Any] = field(default_factory=dict)
    since: tuple[float, int] | None = None

    @property
    def over_limit(self) -> bool:
        return self.spent_s > budget.TIME_LIMIT_S

    def spend(self, seconds: float) -> None:
        """Add training time; over the limit, training stops."""
        self.spent_s += seconds
        self.stopped = self.stopped or self.over_limit

    def set_stopped(self, value: bool) -> None:
        self.stopped, self.spent_s, self.since = value, 0.0, None

    def begin(self, done: int) -> None:
        """Its clock starts, if it does not run: so many steps are done."""
        self.since = self.since or (time.monotonic(), done)

    def time_left(self, done: int, whole: int) -> str:
        """How long the rest takes at the pace since it began or went on; or that it will not get there."""
        self.begin(done)
        assert self.since is not None
        then, before = self.since
        if self.spent_s * (whole - before) > budget.TIME_LIMIT_S * (done - before) > 0:
            return f", stops after {budget.TIME_LIMIT_S:g} s of training"
        return time_left(time.monotonic() - then, done - before, whole - before)


def time_left(seconds: float, done: int, whole: int) -> str:
    """Such as ", about 12 s left", where `done` steps of `whole` took so many seconds; "" if not known."""
    left = seconds * (whole - done) / done if done > 0 else 0.0
    if left < 1:
        return ""
    return f", about {left:.0f} s left" if left < 90 else f", about {left / 60:.0f} min left"


def bar(place: DeltaGenerator, progress: Progress) -> DeltaGenerator:
    """Draw Stop, and return the place for the progress bar beside it; over the page, where nothing moves."""
    with place.container(horizontal=True, vertical_alignment="center", key="training"):
        bar = st.empty()
        st.button("Stop", icon=":material/stop:", key="stop", on_click=progress.set_stopped, args=(True,))
    return bar


def stopped(place: DeltaGenerator, progress: Progress, what: str) -> None:
    """Say why training stopped and what is there, and offer Go on."""
    limit = f"The limit of {budget.TIME_LIMIT_S:g} s of training is reached"
    with place.container(horizontal=True, vertical_alignment="center", key="training"):
        why = limit if progress.over_limit else "Training stopped"
        st.info(f"{why}: {what}", icon=":material/stop_circle:")
        st.button("Go on", icon=":material/play_arrow:", on_click=progress.set_stopped, args=(False,))


def tell_where(place: DeltaGenerator, progress: Progress) -> None:
    """Say where it trains, if that is not where it was meant to."""
    if progress.where:
        place.info(progress.where, icon=":material/lan:")
