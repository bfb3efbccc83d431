"""Blind diagnosis: the symptoms of a hidden mistake, a choice of names for it, and its repair."""

import random

import streamlit as st

from core import export
from core.result import Result
from core.traps.diagnosis import CASES, MAX_SERIES, Case, seen, series
from core.traps.table import TRAPS
from core.words import counted
from pages._ui.shared import explain, links, pair, remarks
from pages._ui.shared.badges import badge
from pages._ui.shared.code import beside
from pages._ui.traps import runs

FIELDS = ("series",)


def draw(given: dict[str, str], device: str) -> dict[str, str]:
    """The case at hand: evidence and choices, or, once answered, the mistake and its repair."""
    number = _series(given)
    cases = series(number)
    answers: dict[int, str] = st.session_state.setdefault("diagnoses", {}).setdefault(number, {})
    _head(number, cases, answers)
    if len(answers) == CASES and st.session_state.get("case_shown") is None:
        _score(number, cases, answers)
        return {"series": str(number)}
    place = st.session_state.get("case_shown")
    place = len(answers) if place is None else place
    case = cases[place]
    done = runs.shown(case.name, device, case.seed)
    st.header(f"Case {place + 1} of {CASES}")
    if place in answers:
        _answered(case, done, answers[place])
    else:
        _evidence(done)
        _ask(number, place, case)
    return {"series": str(number)}


def _series(given: dict[str, str]) -> int:
    """The number of the series, from the link or from this session."""
    text = given.get("series", "")
    if text:
        short = len(text) <= len(str(MAX_SERIES))
        if text.isascii() and text.isdigit() and short and int(text) <= MAX_SERIES:
            _open(int(text))
        else:
            remarks.warn(f"A series is a number from 0 to {MAX_SERIES:,}; another one is taken.")
    if "series" not in st.session_state:
        _new()
    return st.session_state.series


def _open(number: int) -> None:
    st.session_state.series, st.session_state.case_shown = number, None


def _new() -> None:
    _open(random.randint(0, MAX_SERIES))


def _head(number: int, cases: list[Case], answers: dict[int, str]) -> None:
    right = sum(cases[place].name == answer for place, answer in answers.items())
    st.markdown(
        "Something is wrong with a training loop. Here is what can be seen from outside, without the code. "
        "What is it?"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":gray-badge[Series {number}] :gray-badge[{right} right of {len(answers)} answered]")
        st.button("Another series", icon=":material/casino:", on_click=_new)
        params = {"view": ["diagnosis"], "series": [str(number)]}
        links.share("This address gives everybody the same cases.", "traps", params)


def _evidence(done: runs.Shown) -> None:
    """Curves, PyTorch messages and tensors of the run with the mistake; no names, no code."""
    verdict = seen(done.wrong)
    st.markdown(badge(verdict.word), help=explain.words(verdict.word))
    _said(done.wrong, verdict.because)
    st.caption(_setting(done.wrong))
    if done.wrong.steps["loss"].notna().any():
        pair.draw([("this run", done.wrong)], "case_curves")
    st.markdown("**State at the end**")
    st.dataframe(done.shapes, hide_index=True)


def _said(result: Result, because: str) -> None:
    """The exception without its line, or else the verdict's numbers; and any warnings."""
    if result.message is None:
        st.markdown(because)
    else:
        st.code(f"{result.message.type}: {result.message.text}", language=None, wrap_lines=True)
        st.caption(f"Raised in step {result.message.step}.")
    for warning in result.warnings:
        st.code(f"Warning: {warning.text}", language=None, wrap_lines=True)


def _setting(result: Result) -> str:
    config = result.config
    data, steps = export.listing(config)[0].removeprefix("# "), counted(config.steps, "step")
    return f"{data}; learning rate {config.lr:g}, {steps}."


def _ask(number: int, place: int, case: Case) -> None:
    with st.form(f"case_{number}_{place}", border=True):
        answer = st.radio(
            "**What is it?**", case.choices, format_func=lambda name: TRAPS[name].title, index=None
        )
        if st.form_submit_button("Repair it", icon=":material/build:", type="primary") and answer:
            st.session_state.diagnoses[number][place] = answer
            st.session_state.case_shown = place
            st.rerun()


def _answered(case: Case, done: runs.Shown, answer: str) -> None:
    """Whether the answer is right, the repaired line, both runs, and why."""
    trap = TRAPS[case.name]
    if answer == case.name:
        st.success(f"Right: {trap.title}.", icon=":material/check:")
    else:
        said = f"You said: {TRAPS[answer].title}. It was: {trap.title}."
        st.info(said, icon=":material/close:")
    beside(("As it was", "Repaired"), (export.listing(case.wrong), export.listing(case.right)))
    pair.draw([("as it was", done.wrong), ("repaired", done.right)], "told_curves")
    st.markdown(trap.why)
    st.markdown(f"**How you would notice.** {trap.notice}")
    st.button("Next", icon=":material/arrow_forward:", type="primary", on_click=_next)


def _next() -> None:
    st.session_state.case_shown = None


def _score(number: int, cases: list[Case], answers: dict[int, str]) -> None:
    right = sum(cases[place].name == answer for place, answer in answers.items())
    st.header(f"{right} of {CASES}")
    for place, case in enumerate(cases):
        mark = ":green[✓]" if answers[place] == case.name else ":red[✗]"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{mark} {TRAPS[case.name].title}", width="stretch")
            st.button("Look again", key=f"again_{place}", on_click=_look, args=(place,))
    st.button("Start this series over", icon=":material/replay:", on_click=_again, args=(number,))


def _look(place: int) -> None:
    st.session_state.case_shown = place


def _again(number: int) -> None:
    st.session_state.diagnoses[number] = {}
    _open(number)
