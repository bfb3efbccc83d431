"""One run of a page at a time moves what belongs to the session: runs half trained, and the watched tape.

After a click Streamlit begins the next run of the page at once, in another thread, and ends the one before at
its next call of Streamlit; in between, that one may still be training.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import streamlit as st


def lock() -> AbstractContextManager[bool]:
    """Of this session; for callbacks, which are to be done even where their run of the page was ended."""
    return st.session_state.setdefault("alone", threading.RLock())


@contextmanager
def alone() -> Iterator[None]:
    """Wait until the run of the page before has put away what it has; then no other comes in."""
    with lock():
        st.session_state.get("alone")  # who was ended while waiting leaves here
        yield
