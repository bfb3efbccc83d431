"""Who may work now: one visitor at a time trains (SLOT), one run of a page at a time per session (alone).

After a click Streamlit starts the next run of the page at once, in another thread, and ends the previous
one at its next call of Streamlit; until then that one may still be training.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st


class Turns:
    """A lock that goes by turns to whoever has used it least and to whoever has waited longest.

    So a click or a short training waits for about two slices, however many long ones there are; and behind
    any number of short ones, a long one in a line of n waits for 2n slices at most. The threading module's
    own locks go to whoever asks next: in a loop, mostly the thread that has just released it.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.taken = self._to_first = False
        self._line: list[tuple[float, threading.Lock]] = []  # seconds used, and a closed gate: who waits

    def acquire(self, used_s: float = 0.0) -> None:
        """Wait for our turn. used_s: how long this work has held it so far."""
        with self._guard:
            if not self.taken:
                self.taken = True
                return
            gate = threading.Lock()
            gate.acquire()
            self._line.append((used_s, gate))
        gate.acquire()  # until `release` opens it; `taken` has stayed true meanwhile

    def release(self) -> None:
        """Hand it on: of those who used it equally long, to the first in line."""
        with self._guard:
            if not self._line:
                self.taken = self._to_first = False
                return
            least = min(range(len(self._line)), key=lambda place: self._line[place][0])
            _, gate = self._line.pop(0 if self._to_first else least)
            self._to_first = not self._to_first
            gate.release()

    @property
    def waiting(self) -> int:
        """How many are in line."""
        return len(self._line)

    @contextmanager
    def after(self, used_s: float) -> Iterator[None]:
        """Hold it as `with` the lock itself does, for work that has held it for so long before."""
        self.acquire(used_s)
        try:
            yield
        finally:
            self.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


SLOT = Turns()  # of the whole server: hold it for one slice of work, never while drawing


@contextmanager
def alone() -> Iterator[None]:
    """Keep other runs of a page away from what belongs to the session: half-trained runs, the watched tape.

    Not for callbacks: while they run, Streamlit locks the session's state, and the run they wait for may
    need it.
    """
    with st.session_state.setdefault("alone", threading.RLock()):
        st.session_state.get("alone")  # whoever was ended while waiting leaves here
        yield
