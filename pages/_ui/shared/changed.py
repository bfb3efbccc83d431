"""Notices that the code on the disk is newer than what this process has imported.

After a push, a host that watches no files runs new pages on old modules until the app is restarted.
"""

import logging
import time
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).parents[3]
FOLDERS = ("core", "pages/_ui")  # what is imported; app.py and the pages are read anew each time
AGAIN_S = 10.0
SENTENCE = (
    "The code of this app has changed since it was started, and the pages may not fit it: restart the app."
)


def stamp() -> int:
    """Of the files as they are on the disk now: another one if any was changed, added or removed."""
    files = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))
    return hash(tuple((str(path), path.stat().st_mtime_ns) for path in files if path.exists()))


_begun, _looked, _changed = stamp(), time.monotonic(), False


def tell() -> None:
    """Say so on the page, and once in the log."""
    if _is():
        st.warning(SENTENCE, icon=":material/restart_alt:")


def _is() -> bool:
    """Looked up at most every AGAIN_S, and no more once it has changed."""
    global _looked, _changed
    if not _changed and time.monotonic() - _looked > AGAIN_S:
        _looked, _changed = time.monotonic(), stamp() != _begun
        if _changed:
            logging.getLogger("looplab").warning(SENTENCE)
    return _changed
