"""All words of the pages with their meaning, verdicts first."""

import streamlit as st

from core.start.glossary import TERMS, VERDICTS
from pages._ui.shared.badges import badge

FIELDS: tuple[str, ...] = ()


def draw(given: dict[str, str]) -> dict[str, str]:
    """Verdicts with their rules; then the other words."""
    left, right = st.columns(2)
    with left:
        st.header("Verdicts")
        st.caption("Of a run's losses, or of the error that ended it; with the numbers that are applied.")
        for name in VERDICTS:
            st.markdown(f"{badge(name)} {TERMS[name].text}")
    with right:
        st.header("Words")
        for name, term in TERMS.items():
            if name not in VERDICTS:
                st.markdown(f"**{term.title}**: {term.text}")
    return {}
