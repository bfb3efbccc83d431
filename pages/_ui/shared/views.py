"""A page of several views: its title, and which one is shown, as chosen by hand or in the address."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages._ui.shared import remarks, session, widgets

Views = Mapping[str, tuple[str, Any]]  # name in the address -> title, panel


def given(page: str, views: Views) -> dict[str, str]:
    """What a new address says of this page, once: fields of all panels, each of which names its FIELDS."""
    found = session.own(page, ["view", *(field for _, panel in views.values() for field in panel.FIELDS)])
    fields = found.keys() - {"view"}
    if found.get("view", "") in views:
        session.choose(_key(page), found["view"])
    elif "view" in found:
        session.note("Ignored in this link: its view.")
    elif fields:  # a link that names none means the one that has its fields
        own = [name for name, (_, panel) in views.items() if fields <= set(panel.FIELDS)]
        session.choose(_key(page), next(iter(own), session.choice(_key(page), list(views))))
    others = fields - set(views[session.choice(_key(page), list(views))][1].FIELDS)
    if others:
        session.note(f"Ignored in this link: {len(others)} field{'s' * (len(others) > 1)} of another view.")
    return found


def choose(page: str, title: str, views: Views, question: str = "") -> str:
    """Title of the page, the question it answers, notes, and its views to choose from; the chosen one."""
    st.title(title)
    if question:
        st.caption(question)
    remarks.draw()
    return widgets.kept(
        st.segmented_control,
        "View",
        _key(page),
        list(views),
        format_func=lambda name: views[name][0],
        required=True,
        label_visibility="collapsed",
    )


def write_address(view: str, fields: Mapping[str, str]) -> None:
    """The view, and what it has chosen."""
    session.write_address({name: [text] for name, text in ({"view": view} | fields).items()})


def show(page: str, view: str) -> None:
    """Go to a view, from a callback."""
    session.choose(_key(page), view)


def _key(page: str) -> str:
    return f"{page}_view"
