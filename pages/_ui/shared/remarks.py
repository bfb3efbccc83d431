"""Sentences about the last choice or link, drawn as text: nothing in them is Markdown."""

import streamlit as st

from pages._ui.shared import session
from pages._ui.shared.badges import plain


def draw() -> None:
    """All that the session has to say; until the next change."""
    for sentence in session.notes():
        warn(sentence)


def warn(sentence: str) -> None:
    """One sentence."""
    st.warning(plain(sentence), icon=":material/info:")
