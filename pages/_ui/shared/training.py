"""Trains the runs of a comparison in slices, so that Stop, another click or a closed tab can end it.

Finished runs are plain data, shared by all visitors in a bounded cache. Unfinished ones wait in the session,
and a rerun resumes them. What takes long is drawn while it trains: the page first, with what there is, then
some training, then the page anew. With a cluster, runs train there.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import Config, Run, budget
from core.compare.comparison import Named
from core.jobs.jobs import Whole
from core.result import Result, result
from core.verdict import Verdict, verdict
from pages._ui.shared import job_runs, memory, progress, remarks
from pages._ui.shared.cache import cache
from pages._ui.shared.curvatures import curvature
from pages._ui.shared.locks import SLOT, alone
from pages._ui.shared.progress import Progress
from pages._ui.shared.slices import SHOW_PROGRESS_AFTER_S, SLICE_S

FIRST_S, EACH_S = 1.0, 2.0  # of the clock before the page is drawn for the first time, and between drawings
PER_DRAWING = 4.0  # between two drawings, it also trains for so many times as long as a drawing took


@dataclass(frozen=True)
class Trained:
    """One run of the page: its name, result and verdict. place: decides its color and dash."""

    name: str
    result: Result
    verdict: Verdict
    place: int = 0

    @property
    def config(self) -> Config:
        return self.result.config


def train(named: Sequence[Named], device: str) -> list[Trained]:
    """Results of all runs, complete or not; what is not done by then, `go_on` trains."""
    st.session_state.rest = None
    with alone():
        results = _results(list(dict.fromkeys(one.config for one in named)), device)
    done = [(one, found) for one in named if (found := results[one.config]) is not None]
    return [Trained(one.name, r, verdict(r, curvature), one.place) for one, r in done]


def go_on() -> None:
    """Last on a page: train on for a while and draw the page anew, until there is nothing left to train.

    Stop, which is beside the bar, ends this run of the page as any click does.
    """
    rest: _Rest | None = st.session_state.pop("rest", None)
    if rest is None:
        return
    drawing_s = time.thread_time() - rest.since
    with alone():
        _advance_runs(rest.runs, rest.bar, EACH_S, PER_DRAWING * drawing_s)
    st.rerun()


def _results(configs: list[Config], device: str) -> dict[Config, Result | None]:
    _begin(configs, device)
    results = {c: cache().get(Result, c, device) for c in configs}
    missing = [config for config in configs if results[config] is None]
    # Even if they stay empty: without them, all below would be new to the browser, and be drawn anew.
    place, where = st.empty(), st.container()
    if missing:
        sentence = _refusal(configs, device)
        if sentence:
            remarks.refuse(sentence, lambda steps: _refusal(_with_steps(steps), device))
        there = [one for one in results.values() if one is not None]
        results |= _advance(missing, device, there, place, where)
    return results


def _refusal(configs: list[Config], device: str) -> str | None:
    return budget.too_much(budget.alone(configs), device)


def _with_steps(steps: int) -> list[Config]:
    """All runs of the session, as they are if the baseline takes so many steps."""
    comparison = st.session_state.comparison
    changed = replace(comparison, baseline=replace(comparison.baseline, steps=steps))
    return list(dict.fromkeys(run.config for run in changed.named()))


def _begin(configs: list[Config], device: str) -> None:
    """When the comparison has changed, reset Stop and the time, and drop runs it no longer has."""
    present = (tuple(configs), device)
    if "training" not in st.session_state or st.session_state.training.thing != present:
        kept = st.session_state.get("unfinished", {})
        st.session_state.unfinished = {
            key: run for key, run in kept.items() if key[0] in configs and key[1] == device
        }
        st.session_state.training = Progress(present)


def _advance(
    configs: list[Config],
    device: str,
    there: list[Result],
    place: DeltaGenerator,
    where: DeltaGenerator,
) -> dict[Config, Result]:
    """Train on the cluster if there is one, and here whatever it leaves. there: the runs that are done.

    place, where: for the progress, and for what is said about where it trains.
    """
    now = st.session_state.training
    bar = _Bar(place, now, there)
    results, over = _elsewhere(configs, device, bar, now)
    progress.tell_where(where, now)
    if not over:
        left = [config for config in configs if config not in results]
        results = results | _here(left, device, bar, now)
    done = sum(one.done for one in results.values())
    if all(config in results and _finished(results[config]) for config in configs):
        place.empty()
    elif st.session_state.rest is None:
        steps = sum(config.steps for config in configs)
        progress.stopped(place, now, f"{done:,} of {steps:,} steps are done.")
    if not results:  # stopped before the cluster returned anything
        st.stop()
    return results


def _finished(one: Result) -> bool:
    return one.done == one.config.steps or one.message is not None


@dataclass
class _Bar:
    """The progress bar with Stop, drawn once training has taken a while. there: what was done before."""

    place: DeltaGenerator
    now: Progress
    there: Sequence[Result]
    begun: float = field(default_factory=time.monotonic)
    bar: DeltaGenerator | None = None

    def show(self, configs: Sequence[Config], steps: int, finished: int) -> None:
        if time.monotonic() - self.begun > SHOW_PROGRESS_AFTER_S:
            self.show_now(configs, steps, finished)

    def show_now(self, configs: Sequence[Config], steps: int, finished: int) -> None:
        """The bar, with the runs that were done before among all."""
        before = sum(one.done for one in self.there)
        done, whole = before + steps, before + sum(config.steps for config in configs)
        said = f"{len(self.there) + finished} of {len(self.there) + len(configs)} runs"
        said += f", {done:,} of {whole:,} steps{self.now.time_left(done, whole)}"
        self.bar = self.bar or progress.bar(self.place, self.now)
        self.bar.progress(min(done / whole, 1.0), said)


@dataclass
class _Rest:
    """Runs that are not done while the page is drawn, and the bar that says so; for one run of the page.

    since: when drawing began, by the processor time of its thread.
    """

    runs: list[Run]
    bar: _Bar
    since: float = field(default_factory=time.thread_time)


def _here(configs: list[Config], device: str, bar: _Bar, now: Progress) -> dict[Config, Result]:
    """Results of all, trained for a while before they are drawn for the first time."""
    runs: dict[tuple[Config, str], Run] = st.session_state.unfinished
    for config in configs:
        if (config, device) not in runs:
            runs[config, device] = Run(config, device, full=False)
    wanted = [runs[config, device] for config in configs]
    now.begin(sum(one.done for one in bar.there) + sum(run.step for run in wanted))
    if not all(run.step or run.done for run in wanted):
        _advance_runs(wanted, bar, FIRST_S)
    if not now.stopped and not all(run.done for run in wanted):
        st.session_state.rest = _Rest(wanted, bar)
        _show(wanted, bar)
    results = {run.config: result(run) for run in wanted}
    for run in wanted:
        if run.done:
            cache().put(run.config, device, results[run.config])
            del runs[run.config, device]
    del wanted
    memory.give_back()
    return results


def _advance_runs(runs: list[Run], bar: _Bar, clock_s: float, own_s: float = 0.0) -> None:
    """Train all in turn until they are done, Stop is pressed, or it is time to draw them.

    That is after so long by the clock and so much training of their own: beside many others who train, pages
    would otherwise be drawn most of the time.
    """
    begun, used_s = time.monotonic(), bar.now.spent_s
    while not st.session_state.training.stopped and not all(run.done for run in runs):
        for run in runs:
            _slice(run, bar.now)
        if time.monotonic() - begun > clock_s and bar.now.spent_s - used_s >= own_s:
            return
        if bar.bar:
            _show(runs, bar)


def _show(runs: list[Run], bar: _Bar) -> None:
    done = sum(run.done for run in runs)
    bar.show_now([run.config for run in runs], sum(run.step for run in runs), done)


def _slice(run: Run, now: Progress) -> None:
    if run.done:
        return
    with SLOT.after(now.spent_s):
        begun = time.monotonic()
        run.advance(budget_s=SLICE_S)
    now.spend(time.monotonic() - begun)


def _elsewhere(
    configs: list[Config], device: str, bar: _Bar, now: Progress
) -> tuple[dict[Config, Result], bool]:
    """Results from the cluster, and whether it finished: there may be none, or it may go away halfway.

    Runs that Stop left half done start over.
    """
    results: dict[Config, Result] = now.partial
    store = cache()

    def take(number: int, found: Result) -> None:
        results[found.config] = found
        if _finished(found):
            store.put(found.config, device, found)

    if now.stopped:
        return results, bool(results)
    if any((config, device) in st.session_state.unfinished for config in configs):
        return {}, False  # it has begun here
    results.clear()
    jobs = dict(enumerate(Whole(config, device) for config in configs))
    over = job_runs.on_cluster(jobs, device, now, lambda steps: bar.show(configs, steps, len(results)), take)
    now.partial = results if over else {}
    return results, over
