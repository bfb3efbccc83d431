"""What is shared by all visitors: results that are there already, and the right to train for a moment.

Kept is plain data only, by Config and device, in a bounded cache. It is the module's own: any browser may
ask Streamlit to clear its caches, and what bounds memory must not be forgotten by that.
"""

import threading
from collections import OrderedDict
from typing import TypeVar

from core import Config
from pages._ui.shared.turns import Turns

CACHED_BYTES = 48 * 2**20  # of all visitors together
SMALL_BYTES = 2000  # of what is no array, roughly

T = TypeVar("T")


class Cache:
    """What came of a Config on a device, by its kind; the least recently used dropped beyond CACHED_BYTES."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[type, Config, str], object] = OrderedDict()
        self._bytes = 0
        self.slot = Turns()  # one slice at a time, and then the next one in line

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
    """Bytes of plain data: what it says of its arrays and frames, and its Config, texts and numbers."""
    return getattr(kept, "nbytes", 0) + SMALL_BYTES


_CACHE = Cache()


def cache() -> Cache:
    """The one of this process."""
    return _CACHE
