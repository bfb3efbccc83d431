"""How do jobs run on other machines? On the workers of a Dask cluster, by way of its scheduler.

Set LOOPLAB_SCHEDULER to the scheduler's address, such as tcp://127.0.0.1:8786; `distributed` is imported
only then (requirements-dask.txt). Cancelling a Dask future does not end a job under way, so each asks an
Event of its sweep whether to go on; how far it is goes to a topic that the client listens to. The
scheduler gives a job whose worker has died to another one.
"""

import os
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from core.blocks import Tell
from core.executors import Gone

VARIABLE = "LOOPLAB_SCHEDULER"
TOPIC = "loop-lab-steps"
CONNECT_S = 2.0
RETRY_S = 30.0  # after a scheduler that did not answer
JOBS_PER_THREAD = 2  # handed over at one time: no worker waits, and other sweeps come in between


def address() -> str | None:
    """Of the scheduler; None where there is none."""
    return os.environ.get(VARIABLE) or None


@dataclass(frozen=True)
class TellScheduler:
    """Called on a worker: sends the steps done to the topic, and asks the Event whether to go on."""

    sweep: str
    job: int

    def __call__(self, steps: int) -> bool:
        from distributed import Event, get_worker

        get_worker().log_event(TOPIC, [self.sweep, self.job, steps])
        return not Event(self.sweep).is_set()


class Cluster:
    """A connection to a scheduler, for all sweeps of this process. Raises Gone if it has no answer."""

    def __init__(self, scheduler: str):
        try:
            from distributed import Client
        except ImportError:
            raise Gone(f"{VARIABLE} is set, but distributed is not installed") from None
        try:
            self.client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError):
            raise Gone(f"The scheduler that {VARIABLE} names does not answer") from None
        self.told: dict[str, dict[int, int]] = {}  # sweep -> job -> steps
        self.client.subscribe_topic(TOPIC, self._hear)

    def _hear(self, event: tuple[float, Any]) -> None:
        sweep, job, steps = event[1]
        if sweep in self.told:
            self.told[sweep][job] = steps

    @property
    def alive(self) -> bool:
        return self.client.status == "running"

    def threads(self) -> int:
        """Of all workers together."""
        with suppress(OSError):
            return sum(dict(self.client.nthreads()).values())  # type: ignore[arg-type]  # not a coroutine here
        return 0

    def close(self) -> None:
        self.client.close()


class Connection:
    """The cluster of an address, connected to when it is first asked for, and anew when it was lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cluster: Cluster | None = None
        self._failed: tuple[float, str] = (-RETRY_S, "")

    def cluster(self, scheduler: str) -> Cluster:
        """Raises Gone if there is no answer, and for a while after that without asking again."""
        with self._lock:
            if self._cluster is not None and self._cluster.alive:
                return self._cluster
            at, said = self._failed
            if time.monotonic() - at < RETRY_S:
                raise Gone(said)
            try:
                self._cluster = Cluster(scheduler)
            except Gone as gone:
                self._failed = time.monotonic(), str(gone)
                raise
            return self._cluster


class OnCluster:
    """A sweep's place on a cluster (see `core.executors.Place`). Raises Gone if no worker is there."""

    def __init__(self, cluster: Cluster, look: Callable[[int], bool]):
        threads = cluster.threads() if cluster.alive else 0
        if not threads:
            raise Gone(f"The scheduler that {VARIABLE} names has no workers")
        self.executor, self.room = cluster.client.get_executor(pure=False), JOBS_PER_THREAD * threads
        self.losses = (Exception,)  # no worker, or one without this folder: a job raises nothing of its own
        self._cluster, self._look = cluster, look
        self._sweep = f"loop-lab-{uuid.uuid4().hex}"
        self._told = cluster.told[self._sweep] = {}

    def tell(self, job: int) -> Tell:
        return TellScheduler(self._sweep, job)

    def look(self) -> bool:
        if not self._cluster.alive:
            raise Gone("The scheduler does not answer any more")
        return self._look(sum(self._told.values()))

    def stop(self) -> None:
        from distributed import Event

        with suppress(OSError, RuntimeError):  # who is gone need not be stopped
            Event(self._sweep, client=self._cluster.client).set()

    def end(self, under_way: bool) -> None:
        from distributed import Event

        self._cluster.told.pop(self._sweep, None)
        if under_way:
            self.stop()
            return
        with suppress(OSError, RuntimeError):
            Event(self._sweep, client=self._cluster.client).clear()
