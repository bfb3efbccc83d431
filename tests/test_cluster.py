"""Jobs on a Dask cluster of this machine: a real scheduler, two worker processes, one of them killed."""

import json
import os
import shlex
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

pytest.importorskip("distributed", reason="distributed is not installed (requirements-dask.txt)")

from core import Config
from core.cluster import VARIABLE, Cluster, Connection, OnCluster, address
from core.executors import Gone, Here, finished
from core.jobs import Block, Whole
from pages._ui import job_runs, training

ROOT = Path(__file__).parents[1]
USUAL = "tcp://127.0.0.1:8786"  # the scheduler's address in the README
PATIENCE_S = 60.0
CONFIGS = [Config(steps=200, lr=0.1 * (i + 1)) for i in range(4)]
LONG = [Config(steps=5000, seed=i) for i in range(3)]


def start(name, *options, where=""):
    """A command of the README, in its environment; options come after its own, and overrule them."""
    line = next(one for one in (ROOT / "README.md").read_text().splitlines() if f"dask {name}" in one)
    words = shlex.split(line.split("&&")[-1].replace(USUAL, where))
    place, out = words.index("dask"), subprocess.DEVNULL
    command = [str(Path(sys.executable).with_name("dask")), *words[place + 1 :], *options]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= dict(word.split("=", 1) for word in words[:place])
    return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=environment)


def until(true):
    give_up = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < give_up, "the cluster did not start"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """Address of a scheduler on a free port, its process, and those of two workers."""
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    scheduler = start("scheduler", "--port", "0", "--scheduler-file", str(file))
    workers = []
    try:
        until(lambda: file.exists() and file.read_text().endswith("}"))
        where = json.loads(file.read_text())["address"]
        alone = ("--nworkers", "1", "--no-nanny", "--local-directory", str(folder))
        workers += [start("worker", *alone, where=where) for _ in range(2)]
        yield where, scheduler, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait(timeout=20)


@pytest.fixture(scope="module")
def cluster(processes):
    connection = Connection()
    cluster = connection.cluster(processes[0])
    assert connection.cluster(processes[0]) is cluster  # one connection for all
    until(lambda: cluster.threads() == 2)
    yield cluster
    cluster.close()


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


def test_the_pages_train_there(cluster, processes, monkeypatch):
    monkeypatch.setenv(VARIABLE, processes[0])
    monkeypatch.setattr(job_runs, "_connection", lambda: Connected(cluster))
    monkeypatch.setattr(training, "_here", None)
    monkeypatch.setattr(job_runs, "Here", None)
    for page, params in {
        "compare": {"steps": "31", "run": "none"},
        "sweep": {"steps": "31", "x": "lr~0.1~1"},
    }.items():
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.switch_page(f"pages/{page}.py")
        for name, value in {"steps": "31", **params}.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception and not app.info and not app.error
        assert app.get("vega_lite_chart")


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


def test_a_scheduler_that_goes_away_is_told_in_a_sentence(cluster, processes):
    """The last test with this cluster."""

    def look(steps):
        if steps and processes[1].poll() is None:
            processes[1].kill()
        return True

    with pytest.raises(Gone):
        list(finished(OnCluster(cluster, look), blocks(LONG)))
    with pytest.raises(Gone):
        OnCluster(cluster, go_on)


def test_a_scheduler_that_is_not_there_is_told_once_and_not_asked_again_at_once(monkeypatch):
    connection, asked = Connection(), []
    monkeypatch.setattr("core.cluster.CONNECT_S", 0.2)
    real = Cluster.__init__
    monkeypatch.setattr(Cluster, "__init__", lambda self, where: asked.append(where) or real(self, where))
    for _ in range(2):
        with pytest.raises(Gone, match=f"The scheduler that {VARIABLE} names does not answer"):
            connection.cluster("tcp://127.0.0.1:1")
    assert asked == ["tcp://127.0.0.1:1"]


def test_an_address_that_is_none_is_told():
    with pytest.raises(Gone, match="does not answer"):
        Connection().cluster("nonsense")


def test_where_there_is_no_variable_there_is_no_cluster(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert address() is None
    monkeypatch.setenv(VARIABLE, "tcp://127.0.0.1:8786")
    assert address() == "tcp://127.0.0.1:8786"
