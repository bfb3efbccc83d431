"""The recording of a visitor's own loop that this session has: nothing of it is stored or in the address."""

import streamlit as st

from core.own.recording import read
from core.own.run import OwnRun, own_run


def run() -> OwnRun | None:
    """It, as a run."""
    return st.session_state.get("own_run")


def text() -> str:
    """Its file as it came, "" if there is none."""
    return st.session_state.get("own_text", "")


def put(data: bytes) -> None:
    """Take a file in its place. Raises ValueError with one sentence, and what was there stays."""
    st.session_state.own_run, st.session_state.own_text = own_run(read(data)), data.decode()


def drop() -> None:
    """Forget it."""
    st.session_state.own_run, st.session_state.own_text = None, ""
