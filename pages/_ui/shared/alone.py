"""One run of a page at a time moves what belongs to the session: runs half trained, and the watched tape.

After a click Streamlit begins the next run of the page at once, in another thread, and ends the one before at
its next call of Streamlit; in between, that one may still be training.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st


@contextmanager
def alone() -> Iterator[None]:
    """Wait until the run of the page before has put away what it has; then no other comes in.

    Not for callbacks: while these run, Streamlit keeps the session's state from the run that they wait for.
    """
    with st.session_state.setdefault("alone", threading.RLock()):
        st.session_state.get("alone")  # who was ended while waiting leaves here
        yield
