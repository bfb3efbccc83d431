"""A lock that is handed on in the order in which it was asked for.

The threading module's own locks go to whoever asks next, which in a loop is mostly the thread that has just
given it back: others wait for many turns of it.
"""

import threading
from collections import deque


class Turns:
    """First come, first served. Whoever gives it back and asks again is the last in line."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.taken = False
        self._line: deque[threading.Lock] = deque()  # a closed gate for each that waits

    def acquire(self) -> None:
        """Wait for one's turn."""
        with self._guard:
            if not self.taken:
                self.taken = True
                return
            gate = threading.Lock()
            gate.acquire()
            self._line.append(gate)
        gate.acquire()  # until `release` opens it; meanwhile it has stayed taken

    def release(self) -> None:
        """Hand it to the first in line."""
        with self._guard:
            if self._line:
                self._line.popleft().release()
            else:
                self.taken = False

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
