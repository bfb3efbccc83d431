"""Code with changes marked, and the panel that shows it beside a verdict."""

import difflib
from collections.abc import Sequence

import streamlit as st

from core import Config, export
from core.fields import arguments_in_words
from core.lines import first_line
from core.losses import LOSSES
from core.words import counted
from pages._ui.shared import links, style
from pages._ui.shared.badges import badge, dot, plain
from pages._ui.shared.training import Trained

# After the arguments of a loss that adds up where it usually averages.
SUMS = (
    ", so that losses of batches, of the training rows and of the validation rows, which are not equally "
    "many, cannot be compared with each other"
)


@st.fragment
def draw(trained: Sequence[Trained], device: str) -> None:
    """Draw the code of a chosen run, changes marked, and its verdict in sentences."""
    with st.container(border=True):
        st.header("What changed in the loop")
        one = trained[_chosen(trained)]
        left, right = st.columns([3, 2])
        with left, st.container(key="changed_code"):
            _changed(export.listing(trained[0].config), export.listing(one.config))
        with right:
            _verdict(one)
            _script(one, device)
            _loss(one.config)


def _chosen(trained: Sequence[Trained]) -> int:
    """Which run's code is shown: at first the second one that was changed."""
    chosen = st.pills(
        "Run",
        range(len(trained)),
        format_func=lambda i: f"{dot(trained[i].place)} {plain(trained[i].name)}",
        default=min(2, len(trained) - 1),
        key=f"code_of_{len(trained)}",
        label_visibility="collapsed",
        required=True,
    )
    return chosen or 0


def _changed(baseline: Sequence[str], code: Sequence[str]) -> None:
    lines = changed_lines(baseline, code)
    style.highlight(lines)
    st.code("\n".join(code), language="python", line_numbers=True)
    st.caption(f"Changed against the baseline: {_lines_in_words(lines)}.")


def _verdict(one: Trained) -> None:
    st.markdown(badge(one.verdict.word))
    st.markdown(one.verdict.because)
    if calls := one.result.closure_calls:
        steps = counted(one.result.done, "step")
        st.caption(f"The closure evaluated the loss {counted(calls, 'time')} in {steps}.")
    words_of_pytorch(one)


def _script(one: Trained, device: str) -> None:
    about = (
        "Plain PyTorch that repeats this run. With the same PyTorch on the same kind of machine it "
        "prints the same losses, to the last bit."
    )
    links.script(one.config, device, about, one.name)


def _loss(config: Config) -> None:
    """Its formula, and when it is the one to take."""
    loss = LOSSES[config.loss]
    st.markdown(f"{loss.title}: ${loss.formula}$")
    st.caption(loss.when)
    if config.loss_arguments:
        st.caption(f"Formula and text are for the usual arguments; here {_given(config)}.")


def _given(config: Config) -> str:
    """The arguments of the loss, and what sums cannot be compared with."""
    said = f"`{arguments_in_words(config.loss_arguments)}`"
    return said + SUMS * (("reduction", "sum") in config.loss_arguments)


def beside(titles: tuple[str, str], codes: tuple[Sequence[str], Sequence[str]]) -> None:
    """Draw two versions of a loop side by side, differences marked."""
    places = zip(st.columns(2), ("wrong_code", "right_code"), titles, codes, reversed(codes), strict=True)
    for column, key, title, code, other in places:
        with column, st.container(key=key):
            st.markdown(f"**{title}**")
            style.highlight(changed_lines(other, code), key)
            st.code("\n".join(code), language="python")


def words_of_pytorch(one: Trained) -> None:
    """Draw exceptions and warnings as plain text: they are never interpreted."""
    message = one.result.message
    if message is not None:
        st.code(f"{message.type}: {message.text}", language=None, wrap_lines=True)
        st.caption(f"Raised in step {message.step}, at the line {plain(first_line(message.line))}.")
    for warning in one.result.warnings:
        st.code(f"Warning: {warning.text}", language=None, wrap_lines=True)
        st.caption(f"Warned in step {warning.step}, at the line {plain(first_line(warning.line))}.")


def changed_lines(before: Sequence[str], after: Sequence[str]) -> list[int]:
    """Line numbers, from 1, of lines in `after` that `before` does not have in that place."""
    blocks = difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes()
    return [line + 1 for tag, _, _, start, end in blocks if tag != "equal" for line in range(start, end)]


def _lines_in_words(lines: Sequence[int]) -> str:
    if not lines:
        return "nothing"
    return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}"
