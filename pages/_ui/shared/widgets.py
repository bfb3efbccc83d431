"""Widgets that show what the session has chosen, and lose nothing that is pressed while the page is drawn.

With every click the browser sends the values of all widgets, as it knows them. A widget whose value was set
from elsewhere may send the old one along, which reads as a choice; and one that is told to take a value over
drops what was pressed in the meantime. So no widget is told anything: what was chosen elsewhere is shown by a
new widget, in the place of the old one, and whatever the browser still sends of that one is nobody's choice.
A widget stays the same as long as it is the one that chooses.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages._ui.shared import session

BEGINS = dict.fromkeys(("pills", "segmented_control", "multiselect"), "default")
BEGINS["selectbox"] = "index"  # widget of Streamlit -> its name for the first value; of others, "value"


def shown(draw: Callable[..., Any], label: str, key: str, value: Any, **more: Any) -> Any:
    """A widget of Streamlit that shows this value. more: its other arguments; options by name."""
    begins = BEGINS.get(draw.__name__, "value")
    if st.session_state.get(_own(key), value) != value:
        _numbers()[key] = _numbers().get(key, 0) + 1
    more[begins] = more["options"].index(value) if begins == "index" else value
    return draw(label, key=_own(key), **more)


def chosen(key: str) -> Any:
    """What is chosen in the widget that was shown last under this key; for callbacks."""
    return st.session_state[_own(key)]


def keep(key: str) -> None:
    """Take over the choice that was just made in the widget of this key."""
    session.choose(key, chosen(key))


def _own(key: str) -> str:
    """The key by which Streamlit knows the present widget."""
    number = _numbers().get(key)
    return f"{key}.{number}" if number else key


def _numbers() -> dict[str, int]:
    """How often a widget was replaced, by its key."""
    return st.session_state.setdefault("replaced", {})


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
    value = session.choice(key, options, default)
    return shown(draw, label, key, value, options=options, on_change=keep, args=(key,), **more)
