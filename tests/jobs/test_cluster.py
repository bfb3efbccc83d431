"""Jobs on a Dask cluster of this machine: a real scheduler, workers, all frozen or killed at some time."""

import asyncio
import gc
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest

pytest.importorskip("distributed", reason="distributed is not installed (requirements-dask.txt)")

from core import Config
from core.jobs import cluster as module
from core.jobs.cluster import NO_WORKER, VARIABLE, Cluster, Connection, OnCluster, address
from core.jobs.executors import LOOK_S, Gone, Here, finished
from core.jobs.executors import PATIENCE_S as STOP_S
from core.jobs.jobs import Block, Whole
from pages._ui.shared import job_runs, training
from pages._ui.shared.progress import Progress

ROOT = Path(__file__).parents[2]
USUAL = "tcp://127.0.0.1:8786"  # the scheduler's address in docs/cluster.md
PATIENCE_S = 180.0  # workers import PyTorch first, on a machine that may have much to do
CONFIGS = [Config(steps=200, lr=0.1 * (i + 1)) for i in range(4)]
LONG = [Config(steps=5000, seed=i) for i in range(3)]
SILENT = f"The scheduler that {VARIABLE} names does not answer"
SILENT_SINCE = "The scheduler does not answer any more"


def start(name, *options, where=""):
    """A command of docs/cluster.md, in its environment; options come after its own, and overrule them."""
    line = next(one for one in (ROOT / "docs/cluster.md").read_text().splitlines() if f"dask {name}" in one)
    words = shlex.split(line.split("&&")[-1].replace(USUAL, where))
    place, out = words.index("dask"), subprocess.DEVNULL
    command = [str(Path(sys.executable).with_name("dask")), *words[place + 1 :], *options]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= dict(word.split("=", 1) for word in words[:place])
    return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=environment)


def until(true):
    give_up = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < give_up, "it did not come to that"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """Address of a scheduler on a free port, its process, those of two workers, and what starts another."""
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    scheduler = start("scheduler", "--port", "0", "--scheduler-file", str(file))
    workers = []
    try:
        until(lambda: file.exists() and file.read_text().endswith("}"))
        where = json.loads(file.read_text())["address"]
        alone = ("--nworkers", "1", "--no-nanny", "--local-directory", str(folder))

        def work():
            workers.append(start("worker", *alone, where=where))

        work()
        work()
        cluster = Connection().cluster(where)
        until(lambda: cluster.threads == 2)
        yield where, scheduler, workers, work
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait(timeout=20)


@pytest.fixture
def cluster(processes):
    """A connection of its own for each test; all end with the scheduler."""
    return Connection().cluster(processes[0])


def blocks(configs):
    return [Block((config,), "cpu") for config in configs]


def go_on(steps):
    return True


def test_results_are_the_same_bits_as_here(cluster):
    seen = []
    there = dict(finished(OnCluster(cluster, lambda s: seen.append(s) or True), blocks(CONFIGS)))
    here = dict(finished(Here(go_on), blocks(CONFIGS)))
    for number in range(len(CONFIGS)):
        (one,), (other,) = there[number], here[number]
        assert one.config == other.config and one.word == other.word and one.scores == other.scores
        np.testing.assert_array_equal(one.losses, other.losses)
    assert seen[0] == 0 and max(seen) <= 800
    assert cluster.told == {}  # nothing is kept of a sweep that is over


def test_stop_reaches_the_workers(cluster):
    place = OnCluster(cluster, lambda steps: steps == 0)
    found = dict(finished(place, blocks(LONG)))
    assert all(0 < one.done < 5000 for (one,) in found.values())
    # Both are free again: others need not wait for what was stopped.
    assert len(dict(finished(OnCluster(cluster, go_on), blocks(CONFIGS[:2])))) == 2


def opened(page, **params):
    """A page with these parameters, once it is drawn."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    app.switch_page(f"pages/{page}.py")
    for name, value in params.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception and not app.error and app.get("vega_lite_chart")
    return app


def test_the_pages_train_there(cluster, processes, monkeypatch):
    monkeypatch.setenv(VARIABLE, processes[0])
    monkeypatch.setattr(job_runs, "CONNECTION", Connected(cluster))
    monkeypatch.setattr(training, "_here", None)
    monkeypatch.setattr(job_runs, "Here", None)
    assert not opened("compare", steps="31", run="none").info
    assert not opened("sweep", steps="31", x="lr~0.1~1").info


def test_a_cluster_without_this_folder_is_told_in_a_sentence(cluster, monkeypatch):
    monkeypatch.setitem(sys.modules, "elsewhere", types.ModuleType("elsewhere"))
    job = type("Job", (Whole,), {"__module__": "elsewhere"})
    sys.modules["elsewhere"].Job = job
    with pytest.raises(Gone, match=r"^The cluster could not do a job \(\w+\)$"):
        list(finished(OnCluster(cluster, go_on), [job(CONFIGS[0], "cpu")]))
    assert len(dict(finished(OnCluster(cluster, go_on), blocks(CONFIGS[:1])))) == 1


class Connected:
    """A connection that is there already."""

    def __init__(self, cluster):
        self.cluster = lambda where: cluster


@contextmanager
def frozen(*processes):
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


@pytest.fixture
def hurry(monkeypatch):
    """Limits that are short from when it is called; until then a loaded machine has its time."""

    def hurry():
        monkeypatch.setattr(module, "ANSWER_S", 0.5)
        monkeypatch.setattr(module, "SILENT_S", 3.0)

    return hurry


@pytest.fixture
def patient(monkeypatch):
    """No limit ends anything."""
    monkeypatch.setattr(module, "ANSWER_S", 1000.0)
    monkeypatch.setattr(module, "SILENT_S", 1000.0)


def test_a_scheduler_that_freezes_is_told_in_a_sentence_and_left_when_it_wakes_up(processes, hurry):
    connection = Connection()
    cluster = connection.cluster(processes[0])
    results = finished(OnCluster(cluster, go_on), blocks(CONFIGS + LONG))
    next(results)
    with frozen(processes[1]):
        hurry()
        with pytest.raises(Gone, match=f"^{SILENT_SINCE}$"):
            list(results)
        with pytest.raises(Gone, match=SILENT_SINCE):  # at once
            connection.cluster(processes[0])
        assert not cluster.ended  # it would still tell the jobs to stop
    until(lambda: cluster.ended)
    assert cluster.told == {}


def stopping(place, configs, *processes):
    """What comes of jobs that are stopped while these processes are frozen. Ends; that is the test."""
    started = []

    def look(steps):
        if steps and not started:
            started.append(freeze.__enter__())
        return not started

    freeze = frozen(*processes)
    place._look = look
    try:
        return list(finished(place, blocks(configs)))
    finally:
        freeze.__exit__(None, None, None)


@pytest.mark.parametrize("connected", [True, False])
def test_what_is_under_way_is_stopped_when_a_cluster_is_left(connected, monkeypatch):
    stopped, closed = [], []

    class Event:
        def __init__(self, name, client):
            self.name = name

        async def set(self):
            stopped.append(self.name)

    async def close():
        closed.append(True)

    monkeypatch.setattr("distributed.Event", Event)
    left = types.SimpleNamespace(told={"one": {}, "two": {}}, _client=object() if connected else None)
    run = threading.Thread(  # the loop of a browser that tests before it may run in this one
        target=lambda: asyncio.run(Cluster._leave(left, types.SimpleNamespace(close=close)))
    )
    run.start()
    run.join()
    assert (stopped, closed) == (["one", "two"] if connected else [], [True])


def test_stop_does_not_wait_for_a_frozen_scheduler(processes, patient):
    cluster = Connection().cluster(processes[0])
    assert stopping(OnCluster(cluster, go_on), LONG, processes[1]) == []
    until(lambda: cluster.told == {})  # what was said meanwhile has arrived
    assert len(dict(finished(OnCluster(cluster, go_on), blocks(CONFIGS[:2])))) == 2


def test_stop_does_not_wait_for_frozen_workers(cluster, processes, patient):
    assert stopping(OnCluster(cluster, go_on), LONG, *processes[2]) == []
    assert len(dict(finished(OnCluster(cluster, go_on), blocks(CONFIGS[:2])))) == 2


def test_frozen_workers_are_no_workers(cluster, processes, hurry):
    results = finished(OnCluster(cluster, go_on), blocks(CONFIGS + LONG))
    next(results)
    with frozen(*processes[2]):
        hurry()
        with pytest.raises(Gone, match=f"^{NO_WORKER}$"):
            list(results)
    until(lambda: not gone(cluster))  # they are back, for all that come now
    assert len(dict(finished(OnCluster(cluster, go_on), blocks(CONFIGS[:2])))) == 2


def gone(cluster):
    try:
        cluster.check()
    except Gone as gone:
        return str(gone)


@pytest.mark.parametrize(
    ("page", "params"),
    [
        ("compare", {"run": [f"lr~{i / 100}" for i in range(1, 6)]}),
        ("sweep", {"x": "lr~" + "~".join(f"{i / 100}" for i in range(1, 7)), "y": "loop~FLSZB"}),
    ],
)
def test_what_a_frozen_scheduler_has_not_done_is_trained_here(page, params, processes, hurry, monkeypatch):
    here = []

    def freezing(place, jobs):
        """The results, until the first that comes from the cluster is there: then the scheduler freezes."""
        for number, found in finished(place, jobs):
            yield number, found
            if isinstance(place, OnCluster):
                processes[1].send_signal(signal.SIGSTOP)
                hurry()
            else:
                here.append(number)

    monkeypatch.setenv(VARIABLE, processes[0])
    monkeypatch.setattr(job_runs, "CONNECTION", Connection())
    monkeypatch.setattr(job_runs, "finished", freezing)
    real = training.Run
    monkeypatch.setattr(training, "Run", lambda config, *a, **k: here.append(config) or real(config, *a, **k))
    try:
        app = opened(page, steps="701", **params)
    finally:
        processes[1].send_signal(signal.SIGCONT)
    assert [info.value for info in app.info] == [f"{SILENT_SINCE}: this runs here."]
    assert 2 <= len(here) < 6  # of six, four of which were handed over before it froze


def test_a_killed_worker_costs_nothing_but_time(cluster, processes):
    workers = processes[2]

    def look(steps):
        if steps and workers[0].poll() is None:
            workers[0].kill()
        return True

    found = dict(finished(OnCluster(cluster, look), blocks(CONFIGS)))
    assert workers[0].wait(timeout=20) != 0
    here = dict(finished(Here(go_on), blocks(CONFIGS)))
    for number in range(len(CONFIGS)):
        np.testing.assert_array_equal(found[number][0].losses, here[number][0].losses)


def test_when_the_last_worker_is_gone_nobody_waits_for_it(cluster, processes, hurry):
    """Then another one comes, for the last test with this cluster."""
    _, _, workers, work = processes

    def look(steps):
        if steps and workers[-1].poll() is None:
            workers[-1].kill()
            hurry()
        return True

    with pytest.raises(Gone, match=f"^{NO_WORKER}$"):
        list(finished(OnCluster(cluster, look), blocks(LONG)))
    assert gone(cluster) == NO_WORKER
    work()
    until(lambda: gone(cluster) is None)


def test_a_scheduler_that_goes_away_is_told_in_a_sentence(cluster, processes):
    def look(steps):
        if steps and processes[1].poll() is None:
            processes[1].kill()
        return True

    with pytest.raises(Gone, match=f"^{SILENT_SINCE}$"):
        list(finished(OnCluster(cluster, look), blocks(LONG)))
    with pytest.raises(Gone):
        OnCluster(cluster, go_on)
    until(lambda: cluster.ended)


@pytest.fixture
def mute():
    """Address of a listener that accepts and never answers, and the connections that it has."""
    held = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{listener.getsockname()[1]}", held
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in held:
                one.close()


def ask(connection, scheduler, look=go_on):
    return list(finished(OnCluster(connection.cluster(scheduler), look), blocks(CONFIGS)))


def test_a_scheduler_that_never_answers_keeps_no_page_waiting(mute, monkeypatch):
    """With the limits as they are; an AppTest that waits for ever fails."""
    monkeypatch.setenv(VARIABLE, mute[0])
    monkeypatch.setattr(job_runs, "CONNECTION", Connection())
    for page, params in (("sweep", {"x": "lr~0.1~1"}), ("compare", {"run": "none"})):
        app = opened(page, steps="23", **params)
        assert [info.value for info in app.info] == [f"{SILENT}: this runs here."]
    assert len(mute[1]) == 1


def test_there_is_one_attempt_at_a_time_and_none_for_a_while_after_it(mute, monkeypatch):
    scheduler, held = mute
    connection = Connection()
    monkeypatch.setattr(module, "ANSWER_S", 0.5)
    first = connection.cluster(scheduler)
    assert connection.cluster(scheduler) is first  # who comes meanwhile does not make another one
    for _ in range(2):
        with pytest.raises(Gone, match=SILENT):
            ask(connection, scheduler)
    until(lambda: first.ended)
    with pytest.raises(Gone, match=SILENT):
        connection.cluster(scheduler)
    assert len(held) == 1
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    assert connection.cluster(scheduler) is not first


def test_while_an_attempt_that_was_given_up_hangs_there_is_no_other(monkeypatch):
    """Whatever Dask does: here its thread blocks."""
    wake, begun = threading.Event(), []

    async def hang(self, scheduler):
        begun.append(scheduler)
        wake.wait()

    monkeypatch.setattr(Cluster, "_serve", hang)
    monkeypatch.setattr(module, "SILENT_S", 0.2)
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    connection = Connection()
    for _ in range(3):
        with pytest.raises(Gone, match=SILENT):
            ask(connection, "tcp://127.0.0.1:1")
    assert len(begun) == 1
    wake.set()
    until(lambda: connection._cluster.ended)
    connection.cluster("tcp://127.0.0.1:1")
    until(lambda: len(begun) == 2)


def test_stop_does_not_wait_for_a_connection(mute, patient):
    looks = iter([True, True, False])
    assert ask(Connection(), mute[0], lambda steps: next(looks)) == []


@pytest.mark.parametrize("scheduler", ["tcp://127.0.0.1:1", "nonsense", "http://x y", ""])
def test_a_scheduler_that_is_not_there_is_told_once_and_not_asked_again_at_once(scheduler, monkeypatch):
    connection, asked = Connection(), []
    monkeypatch.setattr(module, "CONNECT_S", 0.2)
    real = Cluster.__init__
    monkeypatch.setattr(Cluster, "__init__", lambda self, *a: asked.append(a) or real(self, *a))
    for _ in range(2):
        with pytest.raises(Gone, match=f"^{SILENT}$"):
            ask(connection, scheduler)
    assert len(asked) == 1


def test_work_handed_over_while_the_thread_ends_is_refused(monkeypatch):
    """Between the last step of its loop and the loop's end, too: there it would never be awaited."""
    refused, made, close = [], threading.Event(), asyncio.Runner.close

    def hand_over_and_close(runner):
        made.wait()
        if runner.get_loop() is cluster._loop:  # and not that of a cluster before it
            try:
                cluster.start(asyncio.sleep(0))
            except Gone:
                refused.append(runner)
        close(runner)

    monkeypatch.setattr(asyncio.Runner, "close", hand_over_and_close)
    monkeypatch.setattr(module, "CONNECT_S", 0.2)
    cluster = Cluster("nonsense", 1.0)
    made.set()
    until(lambda: cluster.ended)
    gc.collect()  # a coroutine that was never awaited is reported when it is collected
    assert len(refused) == 1


def test_a_click_is_not_lost_with_the_cluster(monkeypatch):
    def lose(place, watch, left, take):
        watch.ended = StopException()
        raise Gone(SILENT_SINCE)

    monkeypatch.setenv(VARIABLE, USUAL)
    monkeypatch.setattr(job_runs, "CONNECTION", Connected(None))
    monkeypatch.setattr(module, "OnCluster", lambda cluster, look: None)
    monkeypatch.setattr(job_runs, "_finish", lose)
    with pytest.raises(StopException):
        job_runs.on_cluster({}, "cpu", Progress(None), go_on, go_on)


def test_the_limits_are_what_is_promised():
    assert LOOK_S + STOP_S <= 1  # Stop answers within a second
    assert module.ASK_S + max(module.ANSWER_S, module.SILENT_S) + LOOK_S < 10  # of the README


def test_where_distributed_is_not_installed_that_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(Gone, match=f"^{VARIABLE} is set, but distributed is not installed$"):
        Connection().cluster(USUAL)


def test_where_there_is_no_variable_there_is_no_cluster(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert address() is None
    monkeypatch.setenv(VARIABLE, "tcp://127.0.0.1:8786")
    assert address() == "tcp://127.0.0.1:8786"
