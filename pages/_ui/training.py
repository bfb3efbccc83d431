"""Train the runs of a comparison in slices, so that Stop, another click or a closed tab end it.

Finished runs are plain data, shared by all visitors in a bounded cache. Unfinished ones wait in
the session: a rerun goes on where the last one was interrupted. With a cluster, runs are trained there.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import Config, Run, work
from core.jobs import Whole
from core.results import Result, result
from core.verdict import Verdict, verdict
from pages._ui import going, job_runs
from pages._ui.cache import SLICE_S, cache
from pages._ui.curvatures import curvature
from pages._ui.going import SHOW_PROGRESS_AFTER_S, Going


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
    results = {c: cache().get(Result, c, device) for c in configs}
    missing = [config for config in configs if results[config] is None]
    if missing:
        sentence = work.too_much(configs)
        if sentence:
            st.error(sentence, icon=":material/block:")
            st.stop()
        results |= _advance(missing, device)
    done = [(name, results[config]) for name, config in named]
    return [Trained(name, r, verdict(r, curvature(r.config))) for name, r in done if r is not None]


def _begin(configs: list[Config], device: str) -> None:
    """Forget unfinished runs, Stop and time spent, when the comparison is another one."""
    present = (tuple(configs), device)
    if "training" not in st.session_state or st.session_state.training.thing != present:
        kept = st.session_state.get("unfinished", {})
        st.session_state.unfinished = {
            key: run for key, run in kept.items() if key[0] in configs and key[1] == device
        }
        st.session_state.training = Going(present)


def _advance(configs: list[Config], device: str) -> dict[Config, Result]:
    """Train these runs, on the cluster where there is one."""
    place, now = st.empty(), st.session_state.training
    with now.lock:
        results = _elsewhere(configs, device, place, now)
    going.tell_where(st.container(), now)
    if results is None:
        results = _here(configs, device, place, now)
    done = sum(one.done for one in results.values())
    if all(config in results and _finished(results[config]) for config in configs):
        place.empty()
    else:
        steps = sum(config.steps for config in configs)
        going.stopped(place, now, f"{done:,} of {steps:,} steps are done.")
    if not results:  # stopped before anything came from the cluster
        st.stop()
    return results


def _finished(one: Result) -> bool:
    return one.done == one.config.steps or one.message is not None


def _here(configs: list[Config], device: str, place: DeltaGenerator, now: Going) -> dict[Config, Result]:
    runs: dict[tuple[Config, str], Run] = st.session_state.unfinished
    for config in configs:
        if (config, device) not in runs:
            runs[config, device] = Run(config, device, full=False)
    wanted = [runs[config, device] for config in configs]
    begun, bar = time.monotonic(), None
    while not st.session_state.training.stopped and not all(run.done for run in wanted):
        for run in wanted:
            _slice(run, now)
        if time.monotonic() - begun > SHOW_PROGRESS_AFTER_S:
            bar = bar or going.bar(place, now)
            bar.progress(
                *_progress(configs, sum(run.step for run in wanted), sum(run.done for run in wanted))
            )
    results = {run.config: result(run) for run in wanted}
    for run in wanted:
        if run.done:
            cache().put(run.config, device, results[run.config])
            del runs[run.config, device]
    return results


def _slice(run: Run, now: Going) -> None:
    if run.done:
        return
    with cache().slot:
        begun = time.monotonic()
        run.advance(budget_s=SLICE_S)
    now.spend(time.monotonic() - begun)


def _elsewhere(
    configs: list[Config], device: str, place: DeltaGenerator, now: Going
) -> dict[Config, Result] | None:
    """From the cluster; None where there is none. What Stop has left half done is begun anew."""
    results: dict[Config, Result] = now.partial
    begun, bar, store = time.monotonic(), None, cache()

    def draw(steps: int) -> None:
        nonlocal bar
        if time.monotonic() - begun > SHOW_PROGRESS_AFTER_S:
            bar = bar or going.bar(place, now)
            bar.progress(*_progress(configs, steps, len(results)))

    def take(number: int, found: Result) -> None:
        results[found.config] = found
        if _finished(found):
            store.put(found.config, device, found)

    if now.stopped:
        return results if results else None
    results.clear()
    jobs = dict(enumerate(Whole(config, device) for config in configs))
    return results if job_runs.on_cluster(jobs, device, now, draw, take) else None


def _progress(configs: Sequence[Config], done: int, finished: int) -> tuple[float, str]:
    steps = sum(config.steps for config in configs)
    return min(done / steps, 1.0), f"{finished} of {len(configs)} runs, {done:,} of {steps:,} steps"
