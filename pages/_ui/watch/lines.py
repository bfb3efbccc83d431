"""The lines of the loop, the next one marked, and what each executed line changed."""

import textwrap
from contextlib import nullcontext

import streamlit as st

from core.compare.curves import axis_words, scale_words
from core.export import lines_before
from core.lines import LINES, text_of
from core.watch.account import Account, account
from core.watch.tape import Tape
from pages._ui.shared import session, style, widgets
from pages._ui.watch import player


def draw(held: Tape, playing: bool) -> None:
    """Draw the code, and below it, unless it plays, what the lines of this step did."""
    with st.container(border=True):
        st.header("The lines")
        with st.container(key="changed_code"):
            _code(held, playing)
    if not playing:
        with st.container(border=True, key="accounts"):
            _accounts(held)


def _code(held: Tape, playing: bool) -> None:
    loop = held.run.config.loop
    texts = [LINES[name].text for name in loop] or ["pass"]
    head = lines_before(held.run.config)
    head.append(f"for step in range({held.run.config.steps}):")
    code = [*head, *(textwrap.indent(text, "    ") for text in texts)]
    running = not held.run.done and bool(loop) and not playing
    style.highlight(_numbers_of(code, len(head) + held.run.next_line) if running else [])
    st.code("\n".join(code), language="python", line_numbers=True)
    _set_to_none(held, playing)
    with st.container(key="next_line"):
        _next(held, playing)
    configs = [held.run.config]
    if said := f"{axis_words(configs)} {scale_words(configs)}".strip():
        st.caption(said)


def _next(held: Tape, playing: bool) -> None:
    text = player.next_line(held)
    if playing:
        st.markdown("All lines, step after step. **Pause** to look at one.")
    elif text:
        first = text.split("\n")[0] + (" …" if "\n" in text else "")
        about = LINES[held.run.config.loop[held.run.next_line]].about
        st.markdown(f":orange[▶] Next: `{first}`, {about}.")
    elif held.run.error is None:
        st.markdown("The run is over. Go back, or restart.")


def _numbers_of(code: list[str], place: int) -> list[int]:
    """Line numbers, from 1, of one piece of code, which may span several lines."""
    before = sum(piece.count("\n") + 1 for piece in code[:place])
    return [before + 1 + number for number in range(code[place].count("\n") + 1)]


def _set_to_none(held: Tape, playing: bool) -> None:
    """A switch for what zero_grad leaves behind: None, or zeros."""
    loop = held.run.config.loop
    if not {"zero_grad", "zero_grad_zeros"} & set(loop):
        return
    st.toggle(
        "`set_to_none`",
        value="zero_grad" in loop,
        key=f"set_to_none_{'zero_grad' in loop}",
        on_change=_toggle_none,
        args=(held,),
        disabled=playing,
        help=(
            "On, as PyTorch does: zero_grad leaves None. Off: it leaves zeros, on which momentum, weight "
            "decay, and Adam's averages still move the weights."
        ),
    )


def _toggle_none(held: Tape) -> None:
    other = {"zero_grad": "zero_grad_zeros", "zero_grad_zeros": "zero_grad"}
    at, look = "{}.{}".format(*held.place), widgets.chosen("look")
    session.change("loop", tuple(other.get(name, name) for name in held.run.config.loop))
    st.session_state.asked = {"at": at, "look": look}


def _accounts(held: Tape) -> None:
    run = held.run
    if len(held.looks) < 2:
        st.markdown("Nothing has been executed yet. **Next line** executes the first one.")
        return
    step = run.step - (run.next_line == 0 and run.error is None)
    st.markdown(f"**Step {step}**: what each line did")
    names = run.config.loop[: len(held.looks) - 1]
    for number, name in enumerate(names):
        if run.error is not None and number == len(names) - 1:
            _raised(held)
            break
        before, after = held.looks[number : number + 2]
        done = account(name, before, after, run.config, held.details[number])
        _account(done, number == len(names) - 1)


def _as_code(text: str) -> str:
    """Lines of code in a sentence; two spaces break the line."""
    return "  \n".join(f"`{line}`" for line in text.split("\n"))


def _account(done: Account, open_: bool) -> None:
    """Draw what one line did; open_: with its arithmetic unfolded."""
    st.markdown(_as_code(LINES[done.line].text))
    st.text(done.headline)
    if not (done.formulas or done.numbers is not None):
        return
    with nullcontext() if open_ else st.expander("Numbers", icon=":material/calculate:"):
        _numbers(done)


def _numbers(done: Account) -> None:
    if done.formulas:
        st.code("\n".join(done.formulas), language=None, wrap_lines=True)
    if done.numbers is not None:
        st.dataframe(done.numbers, hide_index=True)


def _raised(held: Tape) -> None:
    """Draw PyTorch's own message as plain text: it is never interpreted."""
    raised = held.run.error
    assert raised is not None
    st.markdown(f"{_as_code(text_of(raised.line))} raised")
    st.code(f"{type(raised.exception).__name__}: {raised.exception}", language=None, wrap_lines=True)
    st.caption("**Back one line** undoes it; the same line raises the same again.")
