"""Widgets that show what the session has chosen, and lose nothing that is pressed while the page is drawn.

Streamlit tells the browser two things of a widget: the value it begins with, and, in a run that has set it
in the session's state, to take that value over. Told so in every run, a browser drops what was pressed in
the meantime. Told so only in the run that chose it, a browser that comes to draw the widget one run later
would begin with Streamlit's own first value, and send that as a choice. So every run says what a widget
begins with, and only a run that changes it says to take it over.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages._ui import state

BEGINS = dict.fromkeys(("pills", "segmented_control", "multiselect"), "default")
BEGINS["selectbox"] = "index"  # widget of Streamlit -> its name for the first value; of others, "value"


def shown(draw: Callable[..., Any], label: str, key: str, value: Any, **more: Any) -> Any:
    """A widget of Streamlit that shows this value. more: its other arguments; options by name."""
    begins = BEGINS.get(draw.__name__, "value")
    if st.session_state.get(key, value) != value:
        st.session_state[key] = value
    else:
        more[begins] = more["options"].index(value) if begins == "index" else value
    return draw(label, key=key, **more)


def kept(
    draw: Callable[..., Any],
    label: str,
    key: str,
    options: Sequence[Any],
    default: Any = None,
    **more: Any,
) -> Any:
    """A choice among options that outlives a run of the page in which it is not drawn.

    Streamlit forgets the state of such a widget, and a run may be interrupted before it comes to it.
    """
    value = state.choice(key, options, default)
    return shown(draw, label, key, value, options=options, on_change=state.keep, args=(key,), **more)
