"""Runs jobs on the workers of a Dask cluster, through its scheduler.

Set LOOPLAB_SCHEDULER to the scheduler's address, such as tcp://127.0.0.1:8786; `distributed` is imported
only then (requirements-dask.txt). Canceling a Dask future does not end a job under way, so each asks an
Event of its sweep whether to go on; how far it is goes to a topic that the client listens to. The
scheduler gives a job whose worker has died to another one.

Any call to a scheduler may hang: one that is frozen still accepts connections, and the timeout of Dask's
client does not cover the handshake. So a thread of its own makes all calls, and nobody waits for it.
"""

import asyncio
import math
import os
import pickle
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

from core.jobs.executors import Gone
from core.stacked.blocks import Tell

VARIABLE = "LOOPLAB_SCHEDULER"
TOPIC = "loop-lab-steps"
CONNECT_S = 2.0  # Dask tries again for so long
ANSWER_S = 6.0  # for one answer of the scheduler
AGAIN_S = 1.0  # for a connection to one that had no answer before
SILENT_S = 8.0  # without a word from the thread, or from any worker
ASK_S = 1.0  # between two questions which workers are there
RETRY_S = 30.0  # after a scheduler that did not answer
HEARD_S = 60.0  # until every job under way has heard that it is to stop
NO_WORKER = "No worker of the cluster answers any more"
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
    """A connection to a scheduler, for all sweeps of this process, from the first attempt until it is lost.

    Its methods never wait. patience: seconds until `check` gives up on an attempt, which goes on meanwhile.
    threads: of all workers. told: sweep that may be under way -> job -> steps. ended: the thread is over.
    """

    def __init__(self, scheduler: str, patience: float):
        if find_spec("distributed") is None:
            raise Gone(f"{VARIABLE} is set, but distributed is not installed")
        self.threads, self.told = 0, dict[str, dict[int, int]]()
        self.lost_at = math.inf
        self._lost = f"The scheduler that {VARIABLE} names does not answer"
        self._begun = self._heard = time.monotonic()
        self._patience = patience
        self._beats: dict[str, float] = {}  # worker -> when the scheduler last heard from it, by its clock
        self._manned = -math.inf
        self._loop, self._settled = asyncio.new_event_loop(), asyncio.Event()  # connected, or lost before
        self._door, self._closed = threading.Lock(), False  # for work, once the loop is about to end
        self._client: Any = None
        self._thread = threading.Thread(target=self._run, args=(scheduler,), daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raises Gone if there is no answer, or no worker."""
        now = time.monotonic()
        if now - self._heard > SILENT_S:
            self._lose()
        late = self._client is None and now - self._begun > self._patience
        if late or self.lost_at < math.inf:
            raise Gone(self._lost)
        if self._client is not None and now - self._manned > SILENT_S:
            never = self._manned == -math.inf
            raise Gone(f"The scheduler that {VARIABLE} names has no workers" if never else NO_WORKER)

    def start(self, work: Coroutine[Any, Any, Any]) -> Future:
        """Have the thread do it, once it is connected. Raises Gone if the thread is over, or about to be."""
        with self._door:
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise Gone(self._lost)

    async def do(self, work: Callable[[], Any]) -> Any:
        """What it returns on a worker. Raises Gone if the connection is lost meanwhile."""

        def call(pickled: bytes) -> Any:  # being local, it is sent by value
            return pickle.loads(pickled)()

        # As bytes: a scheduler that unpickled our work would import PyTorch, and answer nobody meanwhile.
        pickled = pickle.dumps(work)
        await self._settled.wait()
        if self._client is None:
            raise Gone(self._lost)
        try:
            return await self._client.submit(call, pickled, pure=False)
        except CancelledError:
            if self._client.status == "running":
                raise
            self._lose()
            raise Gone(self._lost) from None

    async def stop(self, sweep: str) -> None:
        """Tell every job of it to return what it has."""
        from distributed import Event

        await self._settled.wait()
        if self._client is None:
            return
        event = Event(sweep, client=self._client)
        await event.set()
        self.told.pop(sweep, None)
        await asyncio.sleep(HEARD_S)
        await event.clear()

    def _lose(self) -> None:
        self.lost_at = min(self.lost_at, time.monotonic())

    def _run(self, scheduler: str) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve(scheduler))
            finally:
                with self._door:
                    self._closed = True
                runner.run(asyncio.sleep(0))  # what was handed over becomes a task, and is canceled

    async def _serve(self, scheduler: str) -> None:
        from distributed import Client

        client = Client(scheduler, timeout=CONNECT_S, asynchronous=True, set_as_default=False)
        try:
            async with asyncio.timeout(ANSWER_S):
                await client
            await self._ask(client)
        except Exception:  # noqa: BLE001  (who speaks something else than Dask can cause any)
            self._lose()
        self._settled.set()
        await self._leave(client)

    async def _ask(self, client: Any) -> None:
        """Which workers are there, again and again, until there is no answer or it comes too late."""
        while self.lost_at == math.inf:
            client.subscribe_topic(TOPIC, self._hear)  # each time: a client that has reconnected has not
            async with asyncio.timeout(ANSWER_S):
                self._count(await client.scheduler.identity(n_workers=-1))
            self._client, self._lost = client, "The scheduler does not answer any more"
            self._settled.set()
            await asyncio.sleep(ASK_S)

    def _count(self, found: dict[str, Any]) -> None:
        beats = {worker: about["last_seen"] for worker, about in found["workers"].items()}
        self._heard = time.monotonic()
        if beats.items() - self._beats.items():  # one that is frozen is still on the list
            self._manned = self._heard
        self._beats, self.threads = beats, found["total_threads"]

    def _hear(self, event: tuple[float, Any]) -> None:
        sweep, job, steps = event[1]
        if sweep in self.told:
            self.told[sweep][job] = steps

    async def _leave(self, client: Any) -> None:
        """A scheduler that wakes up in time is told to stop what is under way."""
        from distributed import Event

        sweeps = list(self.told) if self._client is not None else []
        with suppress(Exception):
            async with asyncio.timeout(RETRY_S):
                await asyncio.gather(*(Event(sweep, client=client).set() for sweep in sweeps))
            self.told.clear()  # a stop that has not come so far need not any more
        with suppress(Exception):
            async with asyncio.timeout(ANSWER_S):
                await client.close()


class Connection:
    """The cluster of an address, connected to when it is first asked for, and anew when it was lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cluster: Cluster | None = None

    def cluster(self, scheduler: str) -> Cluster:
        """Does not wait. Raises Gone if there was no answer, and for a while after that without asking again.

        There is one attempt at a time: while the thread of one that is lost still hangs, there is no other.
        """
        with self._lock:
            found = self._cluster
            if found is None:
                found = Cluster(scheduler, ANSWER_S)
            elif found.ended and time.monotonic() - found.lost_at > RETRY_S:
                found = Cluster(scheduler, AGAIN_S)
            self._cluster = found
        found.check()
        return found


class Workers(Executor):
    """Of a cluster. Submitting does not wait for it."""

    def __init__(self, cluster: Cluster):
        self._cluster = cluster

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        return self._cluster.start(self._cluster.do(partial(fn, *args, **kwargs)))


class OnCluster:
    """A sweep's place on a cluster (see `core.jobs.executors.Place`). Raises Gone where `Cluster.check`
    does."""

    losses = (Exception,)  # no worker, or one without this folder: a job raises nothing of its own

    def __init__(self, cluster: Cluster, look: Callable[[int], bool]):
        cluster.check()
        self.executor = Workers(cluster)
        self._cluster, self._look = cluster, look
        self._sweep = f"loop-lab-{uuid.uuid4().hex}"
        self._told = cluster.told[self._sweep] = {}

    @property
    def room(self) -> int:
        return JOBS_PER_THREAD * max(self._cluster.threads, 1)

    def tell(self, job: int) -> Tell:
        return TellScheduler(self._sweep, job)

    def look(self) -> bool:
        self._cluster.check()
        return self._look(sum(self._told.values()))

    def stop(self) -> None:
        with suppress(Gone):  # who is gone need not be stopped
            self._cluster.start(self._cluster.stop(self._sweep))

    def end(self, under_way: bool) -> None:
        if under_way:
            self.stop()
        else:
            self._cluster.told.pop(self._sweep, None)
