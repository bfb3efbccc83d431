"""Gives memory that was freed back to the system: glibc keeps what lies between things still in use.

A hosted app has some 700 MB. The C library of other systems has no such calls, and needs none.
"""

import ctypes
import sys

M_ARENA_MAX = -8  # of <malloc.h>
ARENAS = 2  # else up to eight for each core, each with gaps of its own


def _glibc() -> ctypes.CDLL | None:
    found = ctypes.CDLL(None) if sys.platform == "linux" else None
    return found if hasattr(found, "mallopt") and hasattr(found, "malloc_trim") else None


_LIBRARY = _glibc()


def few_arenas() -> None:
    """For all threads that begin after this."""
    if _LIBRARY is not None:
        _LIBRARY.mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Some 10 ms where there is much to give."""
    if _LIBRARY is not None:
        _LIBRARY.malloc_trim(0)
