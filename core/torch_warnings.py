"""What PyTorch warned of in a run, as data, not in the server's log.

Python has one list of warning filters for the whole process, and many runs share the process. So there is
one filter for all of them, put in front of the list once: it swallows a warning, and hands its text
over, only in a thread that collects at this moment. All other warnings go on to the filters behind it.
What Python has shown once, outside of any run, it does not hand to any filter again.
"""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Take = Callable[[str], None]


class _Here(threading.local):
    """Where this thread's warnings go; nowhere if nothing collects."""

    take: Take | None = None


_here = _Here()


class _Matcher:
    """Stands where a filter has the pattern of the text it is for; `warnings` calls match with the text."""

    def match(self, text: object) -> bool:
        if _here.take is None:
            return False
        _here.take(str(text))
        return True


# "ignore" leaves no mark in the module that warns: another run is warned of the same again.
FILTER = ("ignore", _Matcher(), Warning, None, 0)


def put_in_front() -> None:
    """Make FILTER the first one, if somebody has put others before it."""
    if not warnings.filters or warnings.filters[0] is not FILTER:
        warnings.filters[:] = [FILTER, *(one for one in warnings.filters if one is not FILTER)]  # type: ignore[index]


@contextmanager
def collecting(take: Take) -> Iterator[None]:
    """Hand the text of every warning of this thread to `take`, while this lasts."""
    put_in_front()
    before, _here.take = _here.take, take
    try:
        yield
    finally:
        _here.take = before


put_in_front()
