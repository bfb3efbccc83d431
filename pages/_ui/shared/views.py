"""Draws a page of several views, the one chosen by hand or by the address."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.words import counted
from pages._ui.shared import remarks, session, widgets

Views = Mapping[str, tuple[str, Any]]  # name in the address -> title, panel


def draw(name: str, title: str, views: Views, *more: Any, question: str = "") -> None:
    """Draw the page. A panel gets the fields of a new address, and `more`; it returns its own fields."""
    found = _given(name, views)
    view = _choose(name, title, views, question)
    with st.container(key="drawn"):
        fields = views[view][1].draw(found, *more)
    session.write_address({field: [text] for field, text in ({"view": view} | fields).items()})


def _given(page: str, views: Views) -> dict[str, str]:
    """The fields a new address gives, once. Each panel names its own in FIELDS."""
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
        session.note(f"Ignored in this link: {counted(len(others), 'field')} of another view.")
    return found


def _choose(page: str, title: str, views: Views, question: str) -> str:
    """Draw title, the question the page answers, notes and the choice of views; returns the chosen one."""
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


def show(page: str, view: str) -> None:
    """Go to a view, from a callback."""
    session.choose(_key(page), view)


def _key(page: str) -> str:
    return f"{page}_view"
