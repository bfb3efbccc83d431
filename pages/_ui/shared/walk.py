"""The strip above every page while the session is on a path: question, guess, sentence, Back and Next.

The path and the stop stand in the address of each page (`core.start.path.FIELDS`), beside the page's own
fields. They are taken from it when a session begins and when the browser goes back; from then on the session
knows better: with a click, the browser may send those of the stop before.
"""

import streamlit as st

from core.start.path import Path, read, read_stop
from core.start.stops import Stop
from pages._ui.shared import remarks, session
from pages._ui.shared.streamlit_internals import is_history_navigation

START = "start"  # the page that a path begins and ends at
SHOW_ME = ""  # in place of a guess


def draw(url_path: str) -> bool:
    """Take the path of the address, go where a button leads, draw the strip.

    Returns whether the page is to be drawn: not before there is a guess, where a stop asks for one.
    """
    name = url_path or "compare"
    _take(name)
    if st.session_state.pop("path_due", False):
        _open()
    for sentence in st.session_state.get("path_said", []):
        remarks.warn(sentence)
    path, at = now()
    if path is None or at is None:
        return True
    st.set_page_config(initial_sidebar_state="collapsed")  # the view has the whole window
    stop = path.stops[at]
    here = name == stop.address.page
    if here and not stop.answers:
        told(path).setdefault(at, SHOW_ME)
    with st.container(border=True, key="path", gap="small"):
        _head(path, at, here)
        if here and stop.question:
            _answer(path, at) if at in told(path) else _ask(stop)
    return not here or at in told(path)


def now() -> tuple[Path | None, int | None]:
    """The path of this session, and the number of the stop, from 0; None before it has begun."""
    return st.session_state.get("path"), st.session_state.get("at")


def told(path: Path) -> dict[int, str]:
    """Stop of a path that was opened -> what was guessed there."""
    return st.session_state.setdefault("told", {}).setdefault(path.texts, {})


def go(path: Path | None, at: int | None = 0) -> None:
    """Go to a stop, from a callback; None leads to the end of the path, which is where it began."""
    put(path, at)
    st.session_state.path_due = True


def put(path: Path | None, at: int | None = None) -> None:
    """Be on a path, or on none, and stay where one is."""
    st.session_state.path, st.session_state.at, st.session_state.path_said = path, at, []
    around = {} if path is None else {"path": list(path.texts)}
    st.session_state.around = around | ({} if path is None or at is None else {"stop": [str(at + 1)]})


def _open() -> None:
    path, at = now()
    session.read_anew()
    if path is None or at is None:
        st.switch_page(f"pages/{START}.py")
    address = path.stops[at].address
    st.switch_page(f"pages/{address.page}.py", query_params={**address.fields, **st.session_state.around})


def _take(name: str) -> None:
    """What a link says; anything that cannot be is said, and leads to no path."""
    if "around" in st.session_state and not is_history_navigation():
        return
    given = session.around()
    if given == st.session_state.get("around") and not given:
        return
    put(None)
    said = ["stop was given twice; the first counts."] if len(given.get("stop", [])) > 1 else []
    try:
        if "path" in given:
            path = read(given["path"])
            unbegun = None if name == START else 0
            at = read_stop(given["stop"][0], path) if "stop" in given else unbegun
            put(path, at if at is None or not is_history_navigation() else _came_back(name, path, at))
        elif given:
            said.append("A stop without a path is ignored.")
    except ValueError as error:
        said.append(f"The path of this link is ignored: {error}.")
    st.session_state.path_said = said
    if name == START and now()[1] is not None:
        st.session_state.path_due = True


def _came_back(name: str, path: Path, at: int) -> int:
    """The stop that the browser's Back means.

    On the way to a stop Streamlit leaves an entry in the history that has the address of that stop and the
    page of the one before.
    """
    before = [number for number in range(at) if path.stops[number].address.page == name]
    if name == path.stops[at].address.page or not before:
        return at
    session.read_anew(path.stops[before[-1]].address.fields)
    return before[-1]


def _head(path: Path, at: int, here: bool) -> None:
    """Where one is, and the ways on."""
    stop, last = path.stops[at], len(path.stops) - 1
    with st.container(horizontal=True, vertical_alignment="center"):
        where = f":blue-badge[{at + 1} of {last + 1}]"
        st.markdown(f"{where} **{stop.question}**" if stop.question else where, width="stretch")
        with st.container(horizontal=True, gap="xxsmall", width="content"):
            if not here:
                st.button("Back to this stop", icon=":material/undo:", on_click=go, args=(path, at))
            st.button(
                "Back",
                key="path_back",
                icon=":material/arrow_back:",
                shortcut="Shift+P",
                on_click=_move,
                args=(-1,),
                disabled=not at,
            )
            end = at == last
            st.button(
                "Finish" if end else "Next",
                key="path_next",
                icon=":material/flag:" if end else ":material/arrow_forward:",
                type="primary" if at in told(path) else "secondary",
                shortcut="Shift+N",
                on_click=_move,
                args=(1,),
            )
            st.button(
                "Leave",
                key="path_leave",
                icon=":material/close:",
                type="tertiary",
                on_click=put,
                args=(None,),
            )


def _move(by: int) -> None:
    """On or back from where one is by now: two quick presses come from the same drawing of the button."""
    path, at = now()
    if path is not None and at is not None and at + by >= 0:
        go(path, at + by) if at + by < len(path.stops) else go(None, None)


def _ask(stop: Stop) -> None:
    """The answers, in an order that does not tell which is right."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for answer in sorted(stop.answers):
            st.button(answer, on_click=_guess, args=(answer,))
        st.button("Show me", icon=":material/visibility:", type="tertiary", on_click=_guess, args=(SHOW_ME,))
    st.caption("Your guess opens the view.")


def _guess(answer: str) -> None:
    path, at = now()
    if path is not None and at is not None:
        told(path)[at] = answer


def _answer(path: Path, at: int) -> None:
    """The sentence to take away, and whether the guess was right."""
    stop, guess = path.stops[at], told(path)[at]
    if guess == SHOW_ME:
        st.markdown(stop.sentence)
    elif guess == stop.right:
        st.markdown(f":green[:material/check_circle: **Right.**] {stop.sentence}")
    else:
        st.markdown(f":orange[:material/adjust: **Not this time.**] {stop.sentence}")
