"""Trains the runs of a sweep in blocks; cells fill in meanwhile, and Stop keeps what is there."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import Config
from core.jobs.jobs import Block
from core.run_summary import Brief
from core.stacked.blocks import blocks
from core.sweep.sweep import MAX_RUNS, Sweep, problem, runs
from pages._ui.shared import job_runs, memory, progress, remarks
from pages._ui.shared.cache import Cache, cache
from pages._ui.shared.locks import alone
from pages._ui.shared.progress import Progress
from pages._ui.shared.slices import SHOW_PROGRESS_AFTER_S

REDRAW_S = 0.4  # between two drawings of the map
Draw = Callable[[Mapping[Config, Brief]], None]


def train(sweep: Sweep, device: str, place: DeltaGenerator, draw: Draw) -> dict[Config, Brief]:
    """A summary of every run, finished or not. place: for progress and Stop. draw: draws the map."""
    sentence = problem(sweep, device)
    if sentence and runs(sweep) > MAX_RUNS:
        st.error(sentence, icon=":material/block:")
        st.stop()
    if sentence:
        remarks.refuse(sentence, lambda steps: problem(_with_steps(sweep, steps), device))
    with alone():
        return _train(sweep, device, _begin(sweep, device), place, draw)


def _with_steps(sweep: Sweep, steps: int) -> Sweep:
    return replace(sweep, baseline=replace(sweep.baseline, steps=steps))


def _begin(sweep: Sweep, device: str) -> Progress:
    """The progress of this sweep; any changed control starts over."""
    if "sweeping" not in st.session_state or st.session_state.sweeping.thing != (sweep, device):
        st.session_state.sweeping = Progress((sweep, device))
    return st.session_state.sweeping


def _train(
    sweep: Sweep, device: str, now: Progress, place: DeltaGenerator, draw: Draw
) -> dict[Config, Brief]:
    there = {config: cache().get(Brief, config, device) for config in sweep.configs}
    found = {config: brief for config, brief in there.items() if brief is not None}
    where = st.empty()
    if len(found) < len(there) and not now.stopped:
        missing = [config for config in there if config not in found]
        now.partial.clear()
        filling = _Filling(device, now, place, where, draw, found, missing, cache())
        groups = [tuple(group) for group in blocks(missing)]
        now.jobs = {group: now.jobs.get(group) or Block(group, device) for group in groups}
        job_runs.run(list(now.jobs.values()), device, now, filling.look, filling.take)
        memory.give_back()
    progress.tell_where(where, now)
    if len(found) == len(there):
        place.empty()
        return found
    progress.stopped(place, now, f"{len(found)} of {len(there)} runs are done.")
    return now.partial | found


@dataclass
class _Filling:
    """A sweep in training: results so far, and what the page shows of them.

    found: finished runs, those that were there before among them. missing: those that were not.
    said: where it runs, as far as it has been told.
    """

    device: str
    now: Progress
    place: DeltaGenerator
    where: DeltaGenerator
    draw: Draw
    found: dict[Config, Brief]
    missing: Sequence[Config]
    store: Cache
    bar: DeltaGenerator | None = None
    begun: float = field(default_factory=time.monotonic)
    said: str = ""
    drawn: tuple[float, int] = (0.0, 0)  # when the map was drawn, and with how many runs; at first with none

    def take(self, number: int, briefs: Sequence[Brief]) -> None:
        """Keep what a block returned: finished runs for everybody, the others for this session."""
        for brief in briefs:
            if brief.finished:
                self.store.put(brief.config, self.device, brief)
                self.found[brief.config] = brief
            elif brief.done:
                self.now.partial[brief.config] = brief

    def look(self, steps: int) -> None:
        """Draw progress, and the map now and then: at once, since another sweep's may still be there."""
        now = time.monotonic()
        if self.said != self.now.where:  # what the cluster has left goes on here, at another pace
            self.said, self.begun = self.now.where, now
            self.missing = [config for config in self.missing if config not in self.found]
            progress.tell_where(self.where, self.now)
        if now - self.begun < SHOW_PROGRESS_AFTER_S:
            return
        if self.bar is None:
            self.bar = progress.bar(self.place, self.now)
        self.bar.progress(*self._progress(steps, now - self.begun))
        if (not self.drawn[0] or len(self.found) > self.drawn[1]) and now - self.drawn[0] > REDRAW_S:
            self.draw(self.found)
            self.drawn = time.monotonic(), len(self.found)

    def _progress(self, steps: int, seconds: float) -> tuple[float, str]:
        """The share of steps done, and a text: finished runs, and time left at this pace."""
        whole = sum(config.steps for config in self.missing)
        there = sum(config in self.found for config in self.missing)
        text = f"{len(self.found)} of {len(self.found) - there + len(self.missing)} runs"
        text += progress.time_left(seconds, steps, whole)
        return min(steps / whole, 1.0), text
