"""Widgets that show what the session has chosen, and lose no click made while the page is drawn.

With every click the browser sends the values of all widgets as it knows them. If a value was set from
elsewhere, the widget may still send its old one, which looks like a choice; and a widget that is told to take
a new value drops what was pressed meanwhile. So no widget is ever told anything: a choice made elsewhere is
shown by a new widget in its place, and whatever the browser still sends from the old one is ignored. A widget
stays the same as long as choices are made in it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages._ui.shared import session

BEGINS = dict.fromkeys(("pills", "segmented_control", "multiselect"), "default")
BEGINS["selectbox"] = "index"  # widget of Streamlit -> its name for the first value; of others, "value"


def shown(draw: Callable[..., Any], label: str, key: str, value: Any, **more: Any) -> Any:
    """Draw a Streamlit widget that shows this value. more: its other arguments; options by name."""
    begins = BEGINS.get(draw.__name__, "value")
    if st.session_state.get(_own(key), value) != value:
        _numbers()[key] = _numbers().get(key, 0) + 1
    more[begins] = more["options"].index(value) if begins == "index" else value
    return draw(label, key=_own(key), **more)


def chosen(key: str) -> Any:
    """The value of the widget last shown under this key; for callbacks."""
    return st.session_state[_own(key)]


def keep(key: str) -> None:
    """Store the choice just made in the widget of this key."""
    session.choose(key, chosen(key))


def _own(key: str) -> str:
    """The key under which Streamlit knows the current widget."""
    number = _numbers().get(key)
    return f"{key}.{number}" if number else key


def _numbers() -> dict[str, int]:
    """How often each widget was replaced, by key."""
    return st.session_state.setdefault("replaced", {})


def kept(
    draw: Callable[..., Any],
    label: str,
    key: str,
    options: Sequence[Any],
    default: Any = None,
    **more: Any,
) -> Any:
    """A choice among options that survives a run of the page that does not draw it.

    Streamlit forgets such a widget, and a run may be interrupted before it gets there.
    """
    value = session.choice(key, options, default)
    return shown(draw, label, key, value, options=options, on_change=keep, args=(key,), **more)
