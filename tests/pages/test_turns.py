"""The right to train goes round in order; what bounds memory is no matter of Streamlit's caches."""

import contextlib
import gc
import threading

import pytest
import streamlit as st

from core import Config
from pages._ui.shared import warm
from pages._ui.shared.cache import cache
from pages._ui.shared.job_runs import CONNECTION
from pages._ui.shared.locks import SLOT, Turns
from pages._ui.watch import player

PATIENCE_S = 60.0


def until(happens):
    """Wait for something that another thread will bring about."""
    done = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if happens():
            return
        done.wait(0.01)
    raise AssertionError("it does not happen")


def in_line(turns, told, names):
    """One thread for each name, which stand in line in this order; each tells its name at its turn."""

    def take(name):
        with turns:
            told.append(name)

    threads = [threading.Thread(target=take, args=(name,)) for name in names]
    for number, thread in enumerate(threads, turns.waiting + 1):
        thread.start()
        until(lambda number=number: turns.waiting == number)
    return threads


def test_turns_come_in_the_order_in_which_they_were_asked_for():
    turns, told = Turns(), []
    with turns:
        threads = in_line(turns, told, "abcde")
    for thread in threads:
        thread.join(PATIENCE_S)
    assert told == list("abcde")


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
