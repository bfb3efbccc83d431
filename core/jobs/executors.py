"""Runs jobs behind `concurrent.futures.Executor`: in this process, or anywhere else.

A job gets a function `tell`: it calls it with the steps done so far, and the answer says whether to go on.
`Here` runs jobs one after another in the caller's thread; `core.jobs.cluster`, in other processes or on other
machines.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from typing import Any, Protocol

from core.stacked.blocks import Tell

LOOK_S = 0.1  # between two looks at jobs elsewhere
PATIENCE_S = 0.8  # for partial results after a stop: whoever clicks Stop waits a second at most

Job = Callable[[Tell], Any]


class Gone(Exception):  # noqa: N818  (not an error of ours)
    """The place where jobs ran is no longer usable; the text says why."""


class InCaller(Executor):
    """Runs jobs immediately, in the caller's thread, so nothing keeps running once the caller is gone."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  (it is raised where the result is asked for)
            future.set_exception(error)
        return future


class Place(Protocol):
    """An executor, and how to hear from its jobs and stop them.

    room: how many jobs to hand over at a time. losses: what a future raises if its job is lost. No method
    blocks; the executor's submit blocks only if it runs jobs in the caller's thread.
    """

    executor: Executor
    losses: tuple[type[Exception], ...]

    @property
    def room(self) -> int: ...

    def tell(self, job: int) -> Tell:
        """The function that job number `job` calls, wherever it runs."""
        ...

    def look(self) -> bool:
        """Reports the progress of all jobs; returns whether to go on."""
        ...

    def stop(self) -> None:
        """Makes every job return what it has so far."""
        ...

    def end(self, under_way: bool) -> None:
        """Called when nobody waits any longer; jobs under way are stopped."""
        ...


class Here:
    """This process. look: called with the steps done by all jobs; False stops them."""

    def __init__(self, look: Callable[[int], bool]):
        self.executor, self.room, self.losses = InCaller(), 1, ()
        self._look, self._told, self._stopped = look, {}, False

    def tell(self, job: int) -> Tell:
        def tell(steps: int) -> bool:
            self._told[job] = steps
            return self.look()

        return tell

    def look(self) -> bool:
        self._stopped = self._stopped or not self._look(sum(self._told.values()))
        return not self._stopped

    def stop(self) -> None:
        self._stopped = True

    def end(self, under_way: bool) -> None:
        self._stopped = True


def finished(place: Place, jobs: Sequence[Job]) -> Iterator[tuple[int, Any]]:
    """(number of a job, what it returned), in the order in which they finish.

    After a stop, jobs under way return what they have, and jobs not begun are skipped. Raises what a job
    raised, and Gone if the place is gone. No job outlives the iteration, however it ends.
    """
    queue = iter(enumerate(jobs))
    waiting: dict[Future, int] = {}
    try:
        while place.look():
            for number, job in islice(queue, max(place.room - len(waiting), 0)):
                waiting[place.executor.submit(begin, job, place.tell(number))] = number
            if not waiting:
                return
            yield from _done(place, waiting)
        place.stop()
        give_up = time.monotonic() + PATIENCE_S
        while waiting and time.monotonic() < give_up:
            yield from _done(place, waiting)
    finally:
        place.end(bool(waiting))
        for future in waiting:
            future.cancel()


def begin(job: Job, tell: Tell) -> Any:
    """What a job returns; None if it is no longer wanted when its turn comes."""
    return job(tell) if tell(0) else None


def _done(place: Place, waiting: dict[Future, int]) -> Iterator[tuple[int, Any]]:
    for future in wait(waiting, LOOK_S, FIRST_COMPLETED).done:
        number = waiting.pop(future)
        try:
            found = future.result()
        except Gone:
            raise
        except place.losses as error:
            raise Gone(f"The cluster could not do a job ({type(error).__name__})") from error
        if found is not None:
            yield number, found
