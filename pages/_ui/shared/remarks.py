"""Draws sentences about the last choice or link, as plain text: nothing in them is Markdown."""

from collections.abc import Callable
from typing import NoReturn

import streamlit as st

from core import budget
from core.words import counted
from pages._ui.shared import session
from pages._ui.shared.badges import plain


def draw() -> None:
    """Every note of the session, over the page in its corner: nothing moves when they come and go."""
    if not session.notes():
        return
    with st.container(horizontal=True, wrap=False, key="notes"):
        with st.container(gap="small"):
            for sentence in session.notes():
                warn(sentence)
        label, icon = "Close", ":material/close:"
        st.button(label, icon=icon, type="tertiary", key="close_notes", on_click=session.forget_notes)


def warn(sentence: str) -> None:
    """Draw one sentence."""
    st.warning(plain(sentence), icon=":material/info:")


def refuse(sentence: str, refusal: Callable[[int], str | None]) -> NoReturn:
    """Say that this is too much work, offer the steps of the baseline that are not, and end here.

    refusal: the baseline's steps -> the sentence about them, or None, as `core.budget.too_much`.
    """
    most = budget.most_steps(refusal)
    advice = f" With {counted(most, 'step')} it fits." if most else ""
    st.error(sentence + advice, icon=":material/block:")
    if most:
        label, args = f"Take {counted(most, 'step')}", ("steps", most)
        st.button(label, icon=":material/step:", on_click=session.change, args=args)
    st.stop()
