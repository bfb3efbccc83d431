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


def mark_run() -> None:
    """Called by app.py: this run of the page goes through it."""
    st.session_state[MARK] = True


def through_app() -> None:
    """Go on if app.py runs this page; otherwise run it, which does, and stop here."""
    if not st.session_state.pop(MARK, False):
        runpy.run_path(str(APP), run_name="__main__")
        st.stop()
