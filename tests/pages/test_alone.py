"""Two threads run the page of one session: after a click, until Streamlit has ended the one before.

Outside an app, all threads have one and the same session state.
"""

import queue
import threading

import pytest
import streamlit as st

from core import Config, Run
from core.compare.comparison import Comparison, Named
from core.watch.tape import Tape
from pages._ui.shared import training
from pages._ui.shared.locks import alone
from pages._ui.watch import body, player, transport

PATIENCE_S = 60.0
LONG = Config(dataset="digits", model="lenet", batch_size=64, steps=3000, lr=0.1)


class Watched:
    """The session's lock, which tells who has to wait for it."""

    def __init__(self, told):
        self._lock, self._told = threading.RLock(), told

    def __enter__(self):
        if not self._lock.acquire(blocking=False):
            self._told.put("waits")
            self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()


@pytest.fixture
def told():
    """What the threads tell, one after the other, in a session of their own."""
    told = queue.Queue()
    st.session_state.clear()
    st.session_state["alone"], st.session_state.comparison = Watched(told), Comparison(LONG, ())
    yield told
    st.session_state.clear()


@pytest.fixture
def go_on(told, monkeypatch):
    """The first slice of any run is under way, which it tells, until it may go on."""
    go_on, advance, first = threading.Event(), Run.advance, iter([True])

    def slow(run, *args, **more):
        if next(first, False):
            told.put("trains")
            assert go_on.wait(PATIENCE_S)
        return advance(run, *args, **more)

    monkeypatch.setattr(Run, "advance", slow)
    yield go_on
    go_on.set()


@pytest.fixture
def telling(told, monkeypatch):
    """A run that is read is told of."""
    read = training.result

    def result(run):
        told.put("reads")
        return read(run)

    monkeypatch.setattr(training, "result", result)


def both(first, then, told, go_on):
    """What is told when `then` begins in a thread while `first` trains in another."""
    threads = [threading.Thread(target=target) for target in (first, then)]
    threads[0].start()
    assert told.get(timeout=PATIENCE_S) == "trains"
    threads[1].start()
    said = told.get(timeout=PATIENCE_S)
    go_on.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)
    return said


def test_stop_waits_until_the_slice_under_way_is_over(told, go_on, telling):
    """Otherwise it reads a run that changes meanwhile: "All arrays must be of the same length"."""
    trained = []

    def page():
        trained.append(training.train([Named(0, "Baseline", LONG)], "cpu"))

    def stopped():
        st.session_state.training.set_stopped(True)
        page()

    assert both(page, stopped, told, go_on) == "waits"
    assert all(0 < one.result.done < LONG.steps for one in [*trained[0], *trained[1]])


def test_another_comparison_waits_for_the_run_that_both_have(told, go_on, telling, monkeypatch):
    """A changed choice begins another training; what is half trained goes over into it."""
    other = Config(steps=3)

    def page(*configs):
        training.train([Named(0, "", config) for config in configs], "cpu")

    def changed():
        st.session_state.training.set_stopped(True)
        page(LONG, other)

    monkeypatch.setattr(training.budget, "TIME_LIMIT_S", 0.0)
    assert both(lambda: page(LONG), changed, told, go_on) == "waits"
    assert st.session_state.unfinished.keys() == {(LONG, "cpu")}


def test_a_button_of_watch_waits_until_what_plays_is_drawn(told, monkeypatch):
    st.session_state.tape, st.session_state.playing = Tape(player.players().run(LONG, "cpu")), True
    held, drawn, go_on = st.session_state.tape, [], threading.Event()

    def draws(_):
        told.put("trains")
        assert go_on.wait(PATIENCE_S)
        drawn.append(held.place)

    def pressed():
        player.moves().append(Tape.restart)
        with alone():
            player.make_moves()
        told.put("moves")

    monkeypatch.setattr(body.transport, "progress", lambda *_: None)
    monkeypatch.setattr(body.live, "draw", draws)

    assert both(lambda: body._drawing(held, player.every_s(), None), pressed, told, go_on) == "waits"
    assert drawn[0] > (0, 0) and held.place == (0, 0)


class EndedError(BaseException):
    """As Streamlit ends a run of a page: at its next look at the session's state."""


class Ending:
    """A session's state while a click has come: every look at it ends this run of the page."""

    def __getattribute__(self, name):
        raise EndedError

    __getitem__ = __setitem__ = __contains__ = __getattribute__


@pytest.fixture
def buttons(told, monkeypatch):
    """Label -> what a button of the Watch page does; the session's tape is at its start."""
    st.session_state.tape = Tape(player.players().run(LONG, "cpu"))
    found = {}

    def button(label, on_click, args, **_):
        found[label] = lambda: on_click(*args)

    with monkeypatch.context() as patch:
        patch.setattr(st, "button", button)
        transport.draw(st.session_state.tape)
    return found


def test_no_click_is_lost_when_the_next_one_comes_at_once(buttons, monkeypatch):
    """Streamlit ends a callback, too, and then never comes back to it."""
    with monkeypatch.context() as patch:
        patch.setattr(st, "session_state", Ending())
        for _ in range(6):
            buttons["Next line"]()
    player.make_moves()
    assert st.session_state.tape.place == (1, 1)


def test_a_click_that_was_not_done_is_forgotten_when_the_run_is_another_one(buttons):
    """Also a changed learning rate: it would undo what was chosen since, on this page or another."""
    before = st.session_state.tape.place
    player.moves().append(lambda held: player._change_lr(held, 0.5))
    buttons["Next line"]()
    other = st.session_state.comparison = Comparison(Config(steps=3), ())
    player.make_moves()
    assert st.session_state.comparison == other and st.session_state.tape.place == before
    assert not player.moves()


def test_what_a_run_of_the_page_has_not_come_to_is_done_by_the_next_one(buttons, monkeypatch):
    buttons["Next line"]()
    buttons["Next step"]()

    def ends(move):
        monkeypatch.setattr(st, "session_state", Ending())
        line(move)

    state, line = st.session_state, Tape.line
    player.moves()[0] = ends
    with pytest.raises(EndedError):
        player.make_moves()
    monkeypatch.setattr(st, "session_state", state)
    assert st.session_state.tape.place == (0, 1)
    player.make_moves()
    assert st.session_state.tape.place == (1, 0)


def test_who_is_ended_while_waiting_does_nothing_and_lets_the_next_one_in(told, monkeypatch):
    state, looks = st.session_state, iter([None])

    class EndingLater:
        def setdefault(self, name, default):
            return state.setdefault(name, default)

        def get(self, name):
            raise EndedError

    monkeypatch.setattr("pages._ui.shared.locks.st.session_state", EndingLater())
    with pytest.raises(EndedError), alone():
        next(looks)
    monkeypatch.undo()
    with alone():
        assert next(looks) is None
