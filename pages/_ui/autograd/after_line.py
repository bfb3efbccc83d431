"""The state after a chosen line: every named tensor, and the graph behind one of them."""

from dataclasses import dataclass

import streamlit as st

from core.autograd import after_line
from core.autograd.after_line import Inside
from core.autograd.syntax import MAX_LINE
from pages._ui.autograd.line_by_line import Executed
from pages._ui.shared import graph, remarks, session, tensors, widgets
from pages._ui.shared.badges import plain

FIELDS = ("line", "root")
LINE_DIGITS = 4  # at most, in a link


@dataclass(frozen=True)
class Chosen:
    """The chosen line, and its fields for the address."""

    line: int | None
    address: dict[str, str]


def take(given: dict[str, str]) -> None:
    """Take line and tensor from a new address."""
    asked: dict[str, int | str] = {}
    line, root = given.get("line", "1"), given.get("root", "a")
    if not (line.isascii() and line.isdigit() and len(line) <= LINE_DIGITS):
        session.note("A line is a number from 1 to 9,999; the last one is shown.")
    elif "line" in given:
        asked["line"] = int(line)
    if not root.isidentifier() or len(root) > MAX_LINE:
        session.note("root is the name of a tensor; the last one that was recorded is shown.")
    elif "root" in given:
        asked["root"] = root
    if asked:
        st.session_state.inside = asked


def draw(text: str, found: Executed) -> Chosen:
    """Choose a line, and see what PyTorch holds after it."""
    lines = [one.last for one in found.done]
    if not lines:
        return Chosen(None, {})
    with st.container(border=True):
        st.header("Look inside")
        line = _line(lines)
        wanted = _asked().get("root")
        here = _inside(text, lines.index(line) + 1, wanted)
        if here.table is not None:
            tensors.draw(here.table, narrow=False)
        else:
            st.markdown("No tensor has a name yet.")
        _graph(here, wanted)
    address = {"line": str(line)} if line != lines[-1] else {}
    if here.root is not None and here.root == wanted and here.root != here.roots[0]:
        address["root"] = here.root
    return Chosen(line, address)


@st.cache_data(max_entries=64, show_spinner=False)
def _inside(text: str, until: int, root: str | None) -> Inside:
    return after_line.inside(text, until, root)


def _asked() -> dict:
    """What was chosen for these lines: "line" and "root", or either, or neither."""
    return st.session_state.setdefault("inside", {})


def _line(lines: list[int]) -> int:
    """A slider over the lines that were run, and a button on each side of it."""
    line = _asked().get("line", lines[-1])
    if line not in lines:
        remarks.warn(f"No statement that was run ends in line {line}; this is the last.")
        line = lines[-1]
    if len(lines) == 1:
        return line
    here = lines.index(line)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _button("Back", ":material/arrow_back:", lines[max(here - 1, 0)], here == 0)
        widgets.shown(
            st.select_slider,
            "After line",
            "inside_line",
            line,
            options=lines,
            on_change=_keep,
            args=("line", "inside_line"),
            width="stretch",
        )
        _button(
            "Forward", ":material/arrow_forward:", lines[min(here + 1, len(lines) - 1)], line == lines[-1]
        )
    return line


def _button(label: str, icon: str, line: int, disabled: bool) -> None:
    st.button(label, icon=icon, on_click=_set, args=("line", line), disabled=disabled)


def _graph(here: Inside, wanted: str | None) -> None:
    if len(here.roots) > 1:
        widgets.shown(
            st.pills,
            "Graph behind",
            "inside_root",
            here.root,
            options=here.roots,
            format_func=plain,
            required=True,
            on_change=_keep,
            args=("root", "inside_root"),
        )
    if wanted not in (None, here.root):
        st.caption("The tensor that was chosen has no history after this line.")
    if here.graph is None:
        st.info(plain(here.problem or ""))
    else:
        graph.draw(here.graph)


def _keep(field: str, key: str) -> None:
    _set(field, widgets.chosen(key))


def _set(field: str, value: int | str) -> None:
    st.session_state.inside = {**_asked(), field: value}
