"""Runs jobs in this session's own thread or on the cluster, and keeps drawing the page meanwhile.

A click or a closed tab ends them at the next report, a twentieth of a second later; results that exist by
then are kept.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import streamlit as st

from core.jobs import cluster
from core.jobs.executors import Gone, Here, Place, finished
from core.jobs.jobs import Block, Whole
from pages._ui.shared.locks import SLOT
from pages._ui.shared.progress import Progress
from pages._ui.shared.streamlit_internals import ENDED, Ended

Draw = Callable[[int], None]  # called with the steps that all jobs have done
Take = Callable[[int, Any], None]  # called with a job's number and what it returned
CONNECTION = (
    cluster.Connection()
)  # shared by all visitors; not in a Streamlit cache, which any of them can clear


class Slot:
    """The right to train, one slice at a time; lent to others while the page is drawn."""

    def __init__(self, progress: Progress) -> None:
        self._slot, self._held, self._progress = SLOT, False, progress

    def __enter__(self) -> "Slot":
        self._take()
        return self

    def __exit__(self, *_: object) -> None:
        if self._held:
            self._slot.release()

    def _take(self) -> None:
        self._slot.acquire(self._progress.spent_s)
        self._held = True

    @contextmanager
    def lent(self) -> Iterator[None]:
        self._slot.release()
        self._held = False
        yield  # an exception skips the next line: whoever leaves that way does not want it back
        self._take()


class Watch:
    """What jobs report to: draws, counts the time they train here, and says whether to continue.

    ended: the exception with which Streamlit ends this run of the page, after a click or when the tab is
    closed. Jobs return what they have before it is raised again; until then nothing may touch the page or
    its state.
    """

    def __init__(self, progress: Progress, draw: Draw, slot: Slot | None = None):
        self.progress, self._draw, self._slot = progress, draw, slot
        self._since = time.monotonic()
        self.ended: Ended | None = None

    def look(self, steps: int) -> bool:
        if self._slot is None:
            self._draws(steps)
        else:
            self.progress.spend(time.monotonic() - self._since)
            with self._slot.lent():
                self._draws(steps)
            self._since = time.monotonic()
        return self.ended is None and not self.progress.stopped

    def _draws(self, steps: int) -> None:
        if self.ended is not None:
            return
        try:
            st.session_state.get("page")  # touching it lets Streamlit end this run of the page
            self._draw(steps)
        except ENDED as ended:
            self.ended = ended


def run(jobs: Sequence[Block | Whole], device: str, progress: Progress, draw: Draw, take: Take) -> None:
    """Run jobs on the cluster if there is one, and here whatever it leaves."""
    left = dict(enumerate(jobs))
    if on_cluster(left, device, progress, draw, take):
        return
    with Slot(progress) as slot:
        watch = Watch(progress, draw, slot)
        _finish(Here(watch.look), watch, left, take)


def on_cluster(
    left: dict[int, Block | Whole], device: str, progress: Progress, draw: Draw, take: Take
) -> bool:
    """Run jobs on the cluster; returns whether it could. Finished jobs are removed from `left`."""
    scheduler, progress.where = cluster.address(), ""
    if scheduler is None or device != "cpu" or any(job.stays for job in left.values()):
        return False
    watch = Watch(progress, draw)
    try:
        _finish(cluster.OnCluster(CONNECTION.cluster(scheduler), watch.look), watch, left, take)
    except Gone as gone:
        if watch.ended is not None:  # Streamlit says it once
            raise watch.ended from None
        progress.where = f"{gone}: this runs here."
        return False
    return True


def _finish(place: Place, watch: Watch, left: dict[int, Block | Whole], take: Take) -> None:
    numbers = list(left)
    with closing(finished(place, list(left.values()))) as results:
        for number, found in results:
            take(numbers[number], found)
            del left[numbers[number]]
    if watch.ended is not None:
        raise watch.ended
