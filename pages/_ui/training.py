"""Train the runs of a comparison in slices, so that Stop, another click or a closed tab end it.

Finished runs are plain data, shared by all visitors in a bounded cache. Unfinished ones wait in
the session: a rerun goes on where the last one was interrupted.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import Config, Run, work
from core.results import Result, result
from core.theory import start_of, starting_curvature
from core.verdict import Verdict, verdict

SLICE_S = 0.05
SHOW_PROGRESS_AFTER_S = 0.3
CACHED_BYTES = 48 * 2**20  # of all visitors together
CURVATURE_UP_TO = 10_000  # parameters; above, Lanczos takes longer than the training


class Cache:
    """Results by Config and device, the least recently used ones dropped beyond CACHED_BYTES."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: OrderedDict[tuple[Config, str], Result] = OrderedDict()
        self._bytes = 0
        self.slot = threading.Semaphore(1)  # one slice at a time: other visitors' clicks come first

    def get(self, config: Config, device: str) -> Result | None:
        with self._lock:
            found = self._results.get((config, device))
            if found is not None:
                self._results.move_to_end((config, device))
            return found

    def put(self, config: Config, device: str, trained: Result) -> None:
        with self._lock:
            if (config, device) in self._results:  # another visitor was first
                return
            self._results[config, device] = trained
            self._bytes += _size(trained)
            while self._bytes > CACHED_BYTES and len(self._results) > 1:
                self._bytes -= _size(self._results.popitem(last=False)[1])


def _size(trained: Result) -> int:
    frames = (trained.steps, trained.parameters, trained.evaluations)
    return trained.snapshots.nbytes + sum(int(f.memory_usage().sum()) for f in frames)


@st.cache_resource(show_spinner=False)
def cache() -> Cache:
    return Cache()


@dataclass(frozen=True)
class Trained:
    """One run of the page: its name, result and verdict."""

    name: str
    result: Result
    verdict: Verdict

    @property
    def config(self) -> Config:
        return self.result.config


def train(named: Sequence[tuple[str, Config]], device: str) -> list[Trained]:
    """Results of all runs, as far as they go, with progress and Stop while it lasts."""
    configs = list(dict.fromkeys(config for _, config in named))
    _begin(configs, device)
    results = {c: cache().get(c, device) for c in configs}
    missing = [config for config in configs if results[config] is None]
    if missing:
        sentence = work.too_much(configs)
        if sentence:
            st.error(sentence, icon=":material/block:")
            st.stop()
        results |= _advance(missing, device)
    done = [(name, results[config]) for name, config in named]
    return [Trained(name, r, verdict(r, _curvature(r.config))) for name, r in done if r is not None]


def _begin(configs: list[Config], device: str) -> None:
    """Forget unfinished runs, Stop and time spent, when the comparison is another one."""
    present = (tuple(configs), device)
    if st.session_state.get("training") != present:
        kept = st.session_state.get("unfinished", {})
        st.session_state.unfinished = {
            key: run for key, run in kept.items() if key[0] in configs and key[1] == device
        }
        st.session_state.training, st.session_state.stopped = present, False
        st.session_state.spent_s = 0.0


def _advance(configs: list[Config], device: str) -> dict[Config, Result]:
    runs: dict[tuple[Config, str], Run] = st.session_state.unfinished
    place = st.empty()
    for config in configs:
        if (config, device) not in runs:
            runs[config, device] = Run(config, device, full=False)
    wanted = [runs[config, device] for config in configs]
    begun, bar = time.monotonic(), None
    while not st.session_state.stopped and not all(run.done for run in wanted):
        for run in wanted:
            _slice(run)
        if time.monotonic() - begun > SHOW_PROGRESS_AFTER_S:
            bar = bar or _bar(place)
            bar.progress(*_progress(wanted))
    results = {run.config: result(run) for run in wanted}
    for run in wanted:
        if run.done:
            cache().put(run.config, device, results[run.config])
            del runs[run.config, device]
    if not all(run.done for run in wanted):
        _stopped(place, wanted)
    else:
        place.empty()
    return results


def _slice(run: Run) -> None:
    if run.done:
        return
    with cache().slot:
        begun = time.monotonic()
        run.advance(budget_s=SLICE_S)
        st.session_state.spent_s += time.monotonic() - begun
    if st.session_state.spent_s > work.TIME_LIMIT_S:
        st.session_state.stopped = True


def _bar(place: DeltaGenerator) -> DeltaGenerator:
    """A place for the progress bar, with Stop beside it."""
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.empty()
        st.button("Stop", icon=":material/stop:", key="stop", on_click=_set_stopped, args=(True,))
    return bar


def _progress(runs: Sequence[Run]) -> tuple[float, str]:
    steps, done = sum(run.config.steps for run in runs), sum(run.step for run in runs)
    finished = sum(run.done for run in runs)
    return min(done / steps, 1.0), f"{finished} of {len(runs)} runs, {done:,} of {steps:,} steps"


def _set_stopped(value: bool) -> None:
    st.session_state.stopped = value
    st.session_state.spent_s = 0.0


def _stopped(place: DeltaGenerator, runs: Sequence[Run]) -> None:
    limit = st.session_state.spent_s > work.TIME_LIMIT_S
    why = f"the limit of {work.TIME_LIMIT_S:g} s of training is reached" if limit else "stopped"
    steps, done = sum(run.config.steps for run in runs), sum(run.step for run in runs)
    with place.container(horizontal=True, vertical_alignment="center"):
        st.info(f"Training {why}: {done:,} of {steps:,} steps are here.", icon=":material/stop_circle:")
        st.button("Go on", icon=":material/play_arrow:", on_click=_set_stopped, args=(False,))


def _curvature(config: Config) -> float | None:
    """Curvature at the starting weights; None for a model too large to ask."""
    if work.parameter_count(config) > CURVATURE_UP_TO:
        return None
    return _curvature_of(start_of(config))


@st.cache_data(max_entries=256, show_spinner=False)
def _curvature_of(config: Config) -> float:
    return starting_curvature(config)
