"""That freed memory goes back to the system, where the C library keeps it."""

import re
from pathlib import Path

import numpy as np
import pytest

from pages._ui.shared import memory

KEPT = 100  # one of so many blocks is still in use


@pytest.mark.skipif(memory._LIBRARY is None, reason="the C library of this system is not glibc")
def test_what_lies_between_things_in_use_is_given_back():
    blocks = [np.ones(8000) for _ in range(30 * KEPT)]  # 64 kB each
    blocks = blocks[::KEPT] + blocks[-1:]
    before = _resident_mb()
    memory.give_back()
    assert before - _resident_mb() > 100  # of 190 MB
    assert all(block.sum() == 8000 for block in blocks)


def _resident_mb():
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024
