"""A sequence of views in one link: pasted addresses, checked, to present or to send."""

import streamlit as st

from core.start.address import PAGES, Address
from core.start.path import MAX_STOPS, from_lines
from pages._ui.shared import remarks, session, views, walk, widgets
from pages._ui.shared.badges import plain

FIELDS: tuple[str, ...] = ()
TEXT = "sequence_text"  # of the session: what was typed
ABOUT = (
    "For a lesson: any views, in any order, in one link. Open a view, make it show what you mean, and add "
    "it with the button at its end; or copy its address from the browser, and paste it here, one address a "
    f"line, at most {MAX_STOPS}. The link opens them one after the other without the sidebar; Shift+N leads "
    "on, Shift+P back."
)


def take() -> None:
    """A link that brings a sequence and no stop opens this view, with its addresses."""
    path, at = walk.now()
    if path is not None and at is None and not path.own and TEXT not in st.session_state:
        st.session_state[TEXT] = "\n".join(path.texts)
        views.show("start", "sequence")


def draw(given: dict[str, str]) -> dict[str, str]:
    """The addresses, what is wrong with them, and the link."""
    st.markdown(ABOUT)
    _take_added()
    widgets.shown(
        st.text_area,
        "Addresses, one a line",
        "sequence_lines",
        st.session_state.get(TEXT, ""),
        height=180,
        max_chars=20_000,
        placeholder="losses?view=outlier&y=-10",
        on_change=_typed,
    )
    for sentence in st.session_state.get("sequence_said", []):
        remarks.warn(sentence)
    path, _ = walk.now()
    if path is None or path.own:
        return {}
    st.markdown(f"**{len(path.stops)} views**, in this order:")
    for number, stop in enumerate(path.stops, 1):
        st.markdown(f"{number}. {plain(stop.address.text())}")
    st.button("Present", icon=":material/slideshow:", type="primary", on_click=walk.go, args=(path, 0))
    st.caption("This address opens the first of them, for you or for a class.")
    link = session.link("start", {"path": list(path.texts), "stop": ["1"]})
    st.code(link, language=None, wrap_lines=True)
    return {}


def _take_added() -> None:
    """What was added on other pages since."""
    path, _ = walk.now()
    text = st.session_state.get(TEXT, "")
    if text.strip() and not st.session_state.get("sequence_said") and (path is None or not path.own):
        walk.put(from_lines(text))


def offer(page: str) -> None:
    """A button below each page that adds the view it shows."""
    path, at = walk.now()
    if page in PAGES and not session.bare() and (path is None or at is None):
        st.button(
            "Add this view to a sequence",
            icon=":material/playlist_add:",
            type="tertiary",
            key="add_view",
            help='For a lesson: Start here, "A sequence of yours", has the link to all of them.',
            on_click=_add,
            args=(page, st.session_state.get("address") or {}),
        )


def _add(page: str, fields: dict[str, list[str]]) -> None:
    """One more address, or a sentence that says why not."""
    lines = st.session_state.get(TEXT, "").splitlines()
    try:
        text = "\n".join([*lines, Address(page, fields).text()])
        path = from_lines(text)
    except ValueError as error:
        session.note(f"{error}.")
        return
    st.session_state[TEXT] = text
    st.toast(f"View {len(path.stops)} of at most {MAX_STOPS}.", icon=":material/playlist_add:")


def _typed() -> None:
    """Take the addresses, or say why not; what was typed stays."""
    text = st.session_state[TEXT] = widgets.chosen("sequence_lines")
    st.session_state.sequence_said = []
    walk.put(None)
    if not text.strip():
        return
    try:
        walk.put(from_lines(text))
    except ValueError as error:
        st.session_state.sequence_said = [f"{error}."]
