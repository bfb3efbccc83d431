"""Draws sentences about the last choice or link, as plain text: nothing in them is Markdown."""

import streamlit as st

from pages._ui.shared import session
from pages._ui.shared.badges import plain


def draw() -> None:
    """Every note of the session."""
    for sentence in session.notes():
        warn(sentence)


def warn(sentence: str) -> None:
    """Draw one sentence."""
    st.warning(plain(sentence), icon=":material/info:")
