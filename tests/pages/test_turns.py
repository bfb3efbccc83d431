"""Who may train next, whatever that is no number changes; what bounds memory is not in Streamlit's caches."""

import contextlib
import gc
import threading
from functools import partial

import pytest
import streamlit as st

from core import Config, Run
from core.jobs.jobs import Block
from core.stacked import blocks
from pages._ui.shared import job_runs, slices, training, warm
from pages._ui.shared.cache import cache
from pages._ui.shared.job_runs import CONNECTION
from pages._ui.shared.locks import SLOT, Turns
from pages._ui.shared.progress import Progress
from pages._ui.watch import player
from tests.helpers.app import opened

PATIENCE_S = 60.0


def until(happens):
    """Wait for something that another thread will bring about."""
    done = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if happens():
            return
        done.wait(0.01)
    raise AssertionError("it does not happen")


def in_line(turns, told, names, used_s=None):
    """One thread for each name, which stand in line in this order; each tells its name at its turn."""

    def take(name, used):
        with turns.after(used):
            told.append(name)

    each = zip(names, used_s or [0.0] * len(names), strict=True)
    threads = [threading.Thread(target=take, args=one) for one in each]
    for number, thread in enumerate(threads, turns.waiting + 1):
        thread.start()
        until(lambda number=number: turns.waiting == number)
    return threads


@pytest.mark.parametrize(
    ("used_s", "order"),
    [
        ([0, 0, 0, 0, 0], "abcde"),  # first come, first served
        ([9, 9, 9, 0, 1], "daebc"),  # a click and a short training pass by those who have trained for long
        ([5, 0, 0, 0, 0], "bacde"),  # and these come to their turn, however many others there are
        ([1, 5, 4, 3, 2], "abecd"),
    ],
)
def test_turns_go_to_who_used_them_least_and_to_who_waited_longest(used_s, order):
    turns, told = Turns(), []
    with turns:
        threads = in_line(turns, told, "abcde", used_s)
    for thread in threads:
        thread.join(PATIENCE_S)
    assert told == list(order)


def test_who_gives_it_back_and_asks_again_at_once_is_the_last_in_line():
    """A training loop does so; with a plain lock it would get it again before the others wake up."""
    turns, told = Turns(), []
    turns.acquire()
    threads = in_line(turns, told, "abc")
    turns.release()
    with turns:
        told.append("again")
    for thread in threads:
        thread.join(PATIENCE_S)
    assert told == ["a", "b", "c", "again"]


def test_who_leaves_by_an_exception_gives_it_back():
    turns, told = Turns(), []
    with pytest.raises(SystemExit), turns:
        thread = in_line(turns, told, "a")
        raise SystemExit
    thread[0].join(PATIENCE_S)
    with turns:
        assert told == ["a"] and turns.waiting == 0


@pytest.fixture
def step_by_step(monkeypatch):
    """A slice is one step, so that those who train at once take turns after each."""
    for module in (slices, training, blocks):
        monkeypatch.setattr(module, "SLICE_S", 1e-9)


def _swept(group, take):
    job_runs.run([Block(group, "cpu")], "cpu", Progress(group), lambda steps: None, take)


@pytest.mark.parametrize(
    "work",
    [
        partial(opened, "compare", steps="40", run="lr~0.01", seed="33"),
        partial(_swept, (Config(steps=40, lr=0.01), Config(steps=40, lr=0.02)), lambda number, briefs: None),
        partial(slices.trained, Config(steps=40), "cpu", ""),
    ],
    ids=["compare", "sweep", "one run"],
)
def test_who_trains_asks_for_each_turn_with_the_time_he_has_used(work, step_by_step, monkeypatch):
    asked, acquire = [], Turns.acquire

    def ask(turns, used_s=0.0):
        asked.append(used_s)
        acquire(turns, used_s)

    monkeypatch.setattr(Turns, "acquire", ask)
    work()
    assert asked[0] == 0.0 and asked == sorted(asked) and len(set(asked)) > 10


def test_who_train_at_once_get_the_bits_of_one_alone(step_by_step):
    configs = [Config(steps=60, seed=seed, batch_size=16, optimizer="adam") for seed in (51, 52, 53)]
    groups = [tuple(Config(steps=60, seed=seed, lr=lr) for lr in (0.1, 0.2)) for seed in (54, 55)]
    losses = {config: _losses(Run(config, full=False).advance()) for config in configs}
    losses |= {group: _of_all(Block(group, "cpu")(lambda _: True)) for group in groups}
    found = {}

    def train(config):
        found[config] = _losses(slices.trained(config, "cpu", ""))

    def sweep(group):
        def take(number, briefs):
            found[group] = _of_all(briefs)

        _swept(group, take)

    works = [partial(train, config) for config in configs] + [partial(sweep, group) for group in groups]
    threads = [threading.Thread(target=work) for work in works]
    with SLOT:
        for thread in threads:
            thread.start()
        until(lambda: SLOT.waiting == len(threads))
    for thread in threads:
        thread.join(PATIENCE_S)
    assert found == losses


def _losses(run):
    """The bits of each step's loss, the first of which is that of the weights it begins with."""
    return run.history.steps["loss"].to_numpy().tobytes()


def _of_all(briefs):
    return [one.losses.tobytes() for one in briefs]


@pytest.fixture
def cleared():
    """What a browser may ask for at any time."""

    def clear():
        st.cache_resource.clear()
        st.cache_data.clear()

    return clear


def test_clearing_the_caches_of_streamlit_does_not_forget_what_watched_runs_hold(cleared, monkeypatch):
    """Otherwise a visitor who clears them has the whole room again, as often as he likes."""
    config = Config(seed=31)
    gc.collect()  # runs of other tests
    held = player.players().held
    monkeypatch.setattr(player, "ALL_FULL_BYTES", held + player.budget.vector_bytes(config))
    first = player.players().run(config, "cpu")
    cleared()
    assert first.history.full
    assert not player.players().run(config, "cpu").history.full


def test_clearing_the_caches_of_streamlit_keeps_one_slot_one_store_and_one_connection(cleared):
    def ours():
        return [id(one) for one in (cache(), SLOT, player.players(), CONNECTION)]

    before = ours()
    cache().put(Config(seed=32), "cpu", "kept")
    cleared()
    assert ours() == before
    assert cache().get(str, Config(seed=32), "cpu") == "kept"


@pytest.mark.parametrize("fails", [False, True])
def test_the_collector_rests_while_all_is_imported_and_works_afterwards(monkeypatch, fails):
    """Most of what is made meanwhile stays; without it, nothing of any visitor would ever be collected."""
    seen = []

    def importing():
        seen.append(gc.isenabled())
        if fails:
            raise ImportError

    monkeypatch.setattr(warm, "_done", threading.Event())
    monkeypatch.setattr(warm, "_warm", importing)
    monkeypatch.setattr(warm.gc, "freeze", lambda: seen.append("frozen"))
    with pytest.raises(ImportError) if fails else contextlib.nullcontext():
        warm.up()
    assert seen == [False] + ["frozen"] * (not fails) and gc.isenabled()


def test_clearing_the_caches_of_streamlit_does_not_freeze_the_collector_again(cleared, monkeypatch):
    """What visitors hold by then would never be collected."""
    warm.up()
    frozen = []
    monkeypatch.setattr(warm.gc, "freeze", lambda: frozen.append(1))
    cleared()
    warm.up()
    assert frozen == []
