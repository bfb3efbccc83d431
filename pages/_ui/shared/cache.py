"""Results that all visitors share: plain data, by Config and device, in a bounded cache.

It is not one of Streamlit's caches: any browser may ask Streamlit to clear those, and a bound on memory must
not be forgotten that way.
"""

import threading
from collections import OrderedDict
from typing import TypeVar

from core import Config

CACHED_BYTES = 48 * 2**20  # of all visitors together
SMALL_BYTES = 2000  # for everything that is not an array, roughly

T = TypeVar("T")


class Cache:
    """Results by type, Config and device; beyond CACHED_BYTES the least recently used are dropped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[type, Config, str], object] = OrderedDict()
        self._bytes = 0

    def get(self, kind: type[T], config: Config, device: str) -> T | None:
        with self._lock:
            found = self._kept.get((kind, config, device))
            if found is not None:
                self._kept.move_to_end((kind, config, device))
            return found  # type: ignore[return-value]  # put under its own type

    def put(self, config: Config, device: str, kept: object) -> None:
        key = type(kept), config, device
        with self._lock:
            if key in self._kept:  # another visitor was first
                return
            self._kept[key] = kept
            self._bytes += _size(kept)
            while self._bytes > CACHED_BYTES and len(self._kept) > 1:
                self._bytes -= _size(self._kept.popitem(last=False)[1])


def _size(kept: object) -> int:
    """Bytes of a result: those it reports for its arrays and frames, and a flat rate for the rest."""
    return getattr(kept, "nbytes", 0) + SMALL_BYTES


_CACHE = Cache()


def cache() -> Cache:
    """The cache of this process."""
    return _CACHE
