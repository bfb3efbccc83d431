"""Who may work now: one visitor at a time trains (SLOT), one run of a page at a time per session (alone).

After a click Streamlit starts the next run of the page at once, in another thread, and ends the previous
one at its next call of Streamlit; until then that one may still be training.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st


class Turns:
    """A lock that is handed on in the order in which it was asked for: first come, first served.

    The threading module's own locks go to whoever asks next. In a loop that is mostly the thread that has
    just released it, and everybody else waits for many rounds of that loop.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.taken = False
        self._line: deque[threading.Lock] = deque()  # a closed gate for each thread that waits

    def acquire(self) -> None:
        """Wait for our turn."""
        with self._guard:
            if not self.taken:
                self.taken = True
                return
            gate = threading.Lock()
            gate.acquire()
            self._line.append(gate)
        gate.acquire()  # until `release` opens it; `taken` has stayed true meanwhile

    def release(self) -> None:
        """Hand it to the first in line."""
        with self._guard:
            if self._line:
                self._line.popleft().release()
            else:
                self.taken = False

    @property
    def waiting(self) -> int:
        """How many are in line."""
        return len(self._line)

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
