"""Line by line: what each typed line shows, changes and warns of, and the error at the one that raises."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.autograd import notebook
from core.autograd.examples import EXAMPLES
from core.autograd.notebook import HEAD, Done
from core.autograd.syntax import RefusedError
from core.losses import LOSSES
from pages._ui.autograd import editor
from pages._ui.shared import style


@dataclass(frozen=True)
class Executed:
    """What was done; or, if nothing, the line that was refused (0 for the whole text) and why."""

    done: tuple[Done, ...]
    refused: tuple[int, str] | None = None

    @property
    def allowed(self) -> bool:
        """Whether all of it is on the allowlists, and so harmless in a Python of your own, too."""
        return self.refused is None and not any(one.error and one.error.refused for one in self.done)


@st.cache_data(max_entries=32, show_spinner=False)
def executed(text: str) -> Executed:
    """Run any text."""
    try:
        return Executed(notebook.told(text))
    except RefusedError as error:
        return Executed((), (error.line, str(error)))


def draw(text: str, found: Executed, line: int | None) -> None:
    """One block for each statement; line: the last one of the statement to mark."""
    lines = text.split("\n")
    with st.container(border=True, key="told"):
        st.header("Line by line")
        if found.refused is not None:
            _refused(lines, *found.refused)
        elif not found.done:
            st.markdown("There is nothing to run yet.")
        for one in found.done:
            with st.container(gap="xsmall"):
                _statement("\n".join(lines[one.first - 1 : one.last]), one, one.last == line)
        if found.allowed and found.done:
            with st.expander("In your own Python", icon=":material/code:"):
                st.caption(
                    "With the same PyTorch on the same kind of machine, the same numbers to the last bit."
                )
                st.code(f"{HEAD}\n{text}", language="python")
        _away()


def _statement(code: str, one: Done, marked: bool) -> None:
    """Draw code, then what it did. Typed text and PyTorch messages are never interpreted."""
    with st.container(key=f"line_{one.first}"):
        if marked:
            style.mark(f"line_{one.first}")
        st.code(code, language="python", wrap_lines=True)
    if one.shows is not None:
        with st.container(key=f"shows_{one.first}"):
            st.code(one.shows, language=None, wrap_lines=True)
    for sentence in one.changes:
        st.text(sentence)
    for warning in one.warnings:
        _said(":orange-badge[:material/warning: warns]", warning)
    if one.error is not None:
        badge = ":gray-badge[:material/block: not allowed]" if one.error.refused else RAISES
        _said(badge, one.error.text if one.error.refused else f"{one.error.type}: {one.error.text}")


RAISES = ":red-badge[:material/error: raises]"


def _said(badge: str, text: str) -> None:
    st.markdown(badge)
    st.code(text, language=None, wrap_lines=True)


def _refused(lines: Sequence[str], number: int, sentence: str) -> None:
    st.markdown(f"Nothing was run: line {number} is refused." if number else "Nothing was run.")
    if 0 < number <= len(lines):
        st.code(lines[number - 1], language="python", wrap_lines=True)
    st.code(sentence, language=None, wrap_lines=True)


def _away() -> None:
    """Links to the same mistake in a training loop, and to the loss."""
    example = EXAMPLES.get(editor.example() or "")
    with st.container(horizontal=True):
        if example is not None and example.trap is not None:
            st.page_link(
                "pages/traps.py",
                label="In a training loop",
                icon=":material/bug_report:",
                query_params={"trap": example.trap},
            )
        if example is not None and example.loss is not None:
            st.page_link(
                "pages/losses.py",
                label=f"Loss: {LOSSES[example.loss].title}",
                icon=":material/trending_down:",
                query_params={"view": "one", "loss": example.loss},
            )
        st.page_link("pages/watch.py", label="Watch the loop, line by line", icon=":material/visibility:")
