"""The run this session watches: its tape, and the moves that buttons make on it.

The tape belongs to the session and holds real tensors; none of it is shared. While it plays, a fragment asks
for a slice five times a second, so Pause, a closed tab or another click ends it.
"""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st

from core import Config, Run, budget
from core.lines import LINES
from core.watch.tape import Tape
from pages._ui.shared import remarks, session, slices
from pages._ui.shared.locks import SLOT

EVERY_S = 0.2  # between two drawings of a lone session
DRAWING_S = 0.012  # of processor time for a drawing, until some have been measured
REMEMBERED = 20  # drawings, over about which that is averaged
ROOM = 2.0  # times that, from one drawing of any session to the next: so there is room for other visitors
CHUNK_STEPS = 10  # that a run holds as single tensors; the garbage collector looks at each of them
SHORTEST_S = 0.005
SEEN_S = 2.0  # a session that has not drawn for so long no longer plays
Move = Callable[[Tape], None]
CURVES = "curves"  # the panel that goes on while a run plays
PACES = [1, 2, 5, 10, 20, 50, 100, 500]  # steps per update
FULL_BYTES, ALL_FULL_BYTES = 32 * 2**20, 256 * 2**20  # of every step's vectors: one run, the whole server


class Players:
    """All sessions that watch: memory their runs may hold, who is playing now, and what drawing costs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: weakref.WeakKeyDictionary[Run, int] = weakref.WeakKeyDictionary()
        self._ticks: dict[str, float] = {}
        self._drawing_s = DRAWING_S

    def run(self, config: Config, device: str) -> Run:
        """A new run that keeps every step's vectors, if the server has room for them."""
        need = budget.vector_bytes(config)
        with self._lock:
            full = need <= FULL_BYTES and need + self.held <= ALL_FULL_BYTES
            run = Run(config, device, full=full, histograms=True, chunk_steps=CHUNK_STEPS)
            self._held[run] = need if full else 0
        return run

    @property
    def held(self) -> int:
        """Bytes of every step's vectors, over all runs still alive."""
        return sum(self._held.values())

    def count(self, session: str) -> int:
        """How many sessions play now, this one among them."""
        now = time.monotonic()
        with self._lock:
            self._ticks[session] = now
            self._ticks = {one: at for one, at in self._ticks.items() if now - at < SEEN_S}
            return len(self._ticks)

    def drawn(self, seconds: float) -> None:
        """Report a drawing, with the processor time of its thread."""
        with self._lock:
            self._drawing_s += (seconds - self._drawing_s) / REMEMBERED

    def every_s(self, session: str) -> float:
        """How long between two drawings: the more play at once and the slower the machine, the longer."""
        return max(EVERY_S, ROOM * self._drawing_s * self.count(session))


_PLAYERS = Players()  # not in a cache of Streamlit, which any browser may clear


def players() -> Players:
    """The players of this process."""
    return _PLAYERS


def tape(config: Config, device: str) -> Tape:
    """The session's tape, at its place; a new one if the Config has changed."""
    held: Tape | None = st.session_state.get("tape")
    if held is None or held.run.config != config or st.session_state.tape_device != device:
        sentence = _refusal(config, device)
        if sentence:
            session.write_address({name: [text] for name, text in config.to_params().items()})
            remarks.refuse(sentence, lambda steps: _refusal(replace(config, steps=steps), device))
        with SLOT:
            held = st.session_state.tape = Tape(players().run(config, device))
        st.session_state.tape_device, st.session_state.playing = device, False
        moves().clear()  # of the tape before
    return held


def _refusal(config: Config, device: str) -> str | None:
    return budget.too_much(budget.alone([config]), device)


def bring(held: Tape, place: tuple[int, int]) -> None:
    """Take a tape to the place a link or a preset names, and pause there."""
    play(False)
    with st.spinner(f"Training to step {place[0]}"):
        slices.work(
            lambda: held.run.step >= place[0] or held.run.done,
            lambda seconds: held.play(place[0] - held.run.step, seconds),
            limit_s=budget.TIME_LIMIT_S,
        )
        with SLOT:
            if held.run.error is None:
                held.go(*min(place, held.place) if held.run.step < place[0] else place)


def playing() -> bool:
    return bool(st.session_state.get("playing"))


def moves() -> deque[Move]:
    """Moves that were clicked but not made yet. Callbacks get this as an argument and only append to it.

    A callback that touches the session's state can be ended there by the next click, and its own click is
    lost; one that waits for another run of the page can deadlock with it over the state.
    """
    return st.session_state.setdefault("moves", deque())


def make_moves() -> None:
    """Make the moves that were clicked; from then on, the place a link asked for no longer counts."""
    waiting = moves()
    while waiting:
        held = st.session_state.tape
        if held.run.config != st.session_state.comparison.baseline:  # changed since, perhaps on another page
            waiting.clear()
            return
        st.session_state.pop("asked", None)
        with SLOT:
            move = waiting.popleft()
            move(held)


def play(on: bool) -> None:
    """Play, with the curves in the panel, where they stay after Pause."""
    st.session_state.playing = on
    if on:
        session.choose("look", CURVES)


def every_s() -> float:
    """How long between two drawings of this session."""
    return players().every_s(_session())


def budget_s(playing: int) -> float:
    """How long one session's slice may take: all that play share one slice."""
    return max(slices.SLICE_S / playing, SHORTEST_S)


def tick(held: Tape) -> None:
    """One slice of playing."""
    pace, seconds = session.choice("pace", PACES), budget_s(players().count(_session()))
    with SLOT:
        held.play(pace, seconds)
    if held.run.done:
        play(False)


def _session() -> str:
    return str(id(st.session_state.tape))


def take_lr(key: str, drawn: float, waiting: deque[Move]) -> None:
    """Queue the typed learning rate, for the next update on.

    drawn: what the field was drawn with, which a browser may send as if it were typed.
    """
    rate = float(st.session_state[key])
    if rate != drawn:
        waiting.append(partial(_change_lr, rate=rate))


def _change_lr(held: Tape, rate: float) -> None:
    try:
        held.change_lr(rate)
    except ValueError as error:
        st.session_state.notes = [f"{error}."]
        return
    session.replace_baseline(held.run.config)


def next_line(held: Tape) -> str | None:
    """The text of the line that "Next line" would execute."""
    loop = held.run.config.loop
    if held.run.done or not loop:
        return None
    return LINES[loop[held.run.next_line]].text
