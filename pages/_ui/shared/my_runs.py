"""The comparisons that this session has saved, until they are taken away in a file."""

from collections.abc import Sequence

import streamlit as st

from core.start import my_runs
from core.start.my_runs import Entry

NAME = "My runs"


def entries() -> tuple[Entry, ...]:
    """Newest first."""
    return st.session_state.get("my_runs", ())


def add(more: Sequence[Entry]) -> None:
    """Save these, too. Raises ValueError with one sentence, and what was there stays."""
    st.session_state.my_runs = my_runs.added(entries(), more)


def remove(entry: Entry) -> None:
    """Forget it."""
    st.session_state.my_runs = tuple(one for one in entries() if one is not entry)
