"""Every page runs inside app.py, also on the first visit after a start.

Until some session has called st.navigation, Streamlit runs a file of `pages/` alone when its
address is opened. The first statement of every page calls `through_app`, which then runs
app.py instead.
"""

import runpy
from pathlib import Path

import streamlit as st

APP = Path(__file__).parents[3] / "app.py"
MARK = "_through_app"


def mark_session() -> None:
    """Called by app.py: this session has been through it."""
    st.session_state[MARK] = True


def through_app() -> None:
    """Return if app.py has run in this session; otherwise run it and stop here."""
    if MARK not in st.session_state:
        runpy.run_path(str(APP), run_name="__main__")
        st.stop()
