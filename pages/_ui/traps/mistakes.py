"""The gallery: one mistake at a time, guessed first, then run beside its repair."""

import random
from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from core import export
from core.autograd.examples import EXAMPLES
from core.compare.comparison import Comparison, kept
from core.traps import pictures
from core.traps.export import trap_test
from core.traps.facts import Fact
from core.traps.outcomes import OUTCOMES
from core.traps.table import TRAPS
from core.traps.trap import GROUPS, PLACES, Trap
from core.words import counted
from pages._ui.shared import explain, links, pair, remarks, session, widgets
from pages._ui.shared.badges import badge, dot
from pages._ui.shared.code import beside, words_of_pytorch
from pages._ui.shared.training import Trained
from pages._ui.traps.runs import Shown, shown

FIELDS = ("trap",)
ALL, FIRST = "all", "first"
STAR = "★"
NAMES = ("With the mistake", "Repaired")
IN_ORDER = [name for place in PLACES for name, trap in TRAPS.items() if trap.place == place]
IN_FEW_LINES = {one.trap: example for example, one in EXAMPLES.items() if one.trap}  # mistake -> example


def draw(given: dict[str, str], device: str) -> dict[str, str]:
    """Choose a mistake, say what it will do, and see it."""
    if given.get("trap", "") in TRAPS:
        session.choose("group", ALL)
        session.choose("place", ALL)
        session.choose("trap", given["trap"])
    elif "trap" in given:
        remarks.warn("There is no trap of that name; this is the first one.")
    name, group = _choose()
    trap = TRAPS[name]
    st.header(trap.title)
    beside(NAMES, (export.listing(trap.wrong), export.listing(trap.right)))
    if group == ALL and not _guessed(name, trap):
        return {"trap": name}
    _result(name, trap, shown(name, device))
    return {"trap": name}


def _choose() -> tuple[str, str]:
    groups = [ALL, *GROUPS]
    group = widgets.kept(
        st.pills,
        "What do you see?",
        "group",
        groups,
        format_func=lambda key: {ALL: "All: guess first", **GROUPS}[key],
        required=True,
    )
    place = _place(group)
    names = [name for name in IN_ORDER if _within(TRAPS[name], group, place)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = widgets.kept(
            st.selectbox,
            counted(len(names), "mistake"),
            "trap",
            names,
            format_func=lambda key: _label(TRAPS[key], place),
            width="stretch",
        )
        here = names.index(name)
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            on_click=_go,
            args=(names[(here + 1) % len(names)],),
        )
        st.button("Any", icon=":material/casino:", on_click=_any, args=(names,), help="A random one.")
    return name, group


def _place(group: str) -> str:
    """Of those with this symptom: which line is wrong; or the few to begin with."""
    there = [trap for trap in TRAPS.values() if group in (ALL, trap.group)]
    firsts = [FIRST] * any(trap.first for trap in there)
    titles = {ALL: "Any line", FIRST: f"{STAR} Begin here", **PLACES}
    return widgets.kept(
        st.pills,
        "Which line is wrong?",
        "place",
        [ALL, *firsts, *(place for place in PLACES if place in {trap.place for trap in there})],
        format_func=titles.__getitem__,
        required=True,
    )


def _within(trap: Trap, group: str, place: str) -> bool:
    return group in (ALL, trap.group) and (place in (ALL, trap.place) or (place == FIRST and trap.first))


def _label(trap: Trap, place: str) -> str:
    """Its title; the line in front of it, where those of several lines stand together."""
    title = f"{trap.title} {STAR}" if trap.first else trap.title
    return title if place in PLACES else f"{PLACES[trap.place]}: {title}"


def _go(name: str) -> None:
    session.choose("trap", name)


def _any(names: Sequence[str]) -> None:
    session.choose("trap", random.choice(names))


def _guessed(name: str, trap: Trap) -> bool:
    """Ask what the mistake will do; whether that was answered, now or earlier."""
    guesses: dict[str, str] = st.session_state.setdefault("guesses", {})
    if name in guesses:
        return True
    with st.form(f"guess_{name}", border=True):
        guess = st.radio(
            "**What will happen with the mistake?**",
            trap.offers,
            format_func=OUTCOMES.__getitem__,
            index=None,
        )
        if st.form_submit_button("Run both", icon=":material/play_arrow:", type="primary"):
            guesses[name] = guess or ""
            st.rerun()
    return False


def _result(name: str, trap: Trap, done: Shown) -> None:
    guess = st.session_state.get("guesses", {}).get(name)
    happened = OUTCOMES[done.outcome]
    if guess:
        right = guess == done.outcome
        (st.success if right else st.info)(f"{'Right' if right else 'Not this time'}. {happened}.")
    else:
        st.markdown(f"**{happened}.**")
    columns = st.columns(2)
    for number, (column, result) in enumerate(zip(columns, (done.wrong, done.right), strict=True)):
        with column, st.container(border=True, height="stretch"):
            one = Trained(NAMES[number], result, done.verdicts[number])
            word = one.verdict.word
            st.markdown(f"{dot(number)} **{one.name}** {badge(word)}", help=explain.words(word))
            st.markdown(one.verdict.because)
            words_of_pytorch(one)
    st.markdown(trap.why)
    st.markdown(f"**How you would notice.** {trap.notice}")
    pair.draw(list(zip(NAMES, (done.wrong, done.right), strict=True)), "trap_curves")
    _facts(done.facts)
    _errors(done)
    _away(name, trap, done)


def _facts(found: Sequence[Fact]) -> None:
    if not found:
        return
    rows = [(fact.what, fact.wrong, fact.right, fact.about) for fact in dict.fromkeys(found)]
    st.subheader("What the numbers say")
    st.table(
        pd.DataFrame(rows, columns=["what", *NAMES, "what it means"]), hide_index=True, border="horizontal"
    )


def _errors(done: Shown) -> None:
    if done.errors is None:
        return
    st.markdown("**Every output minus every target**: the loss is the mean of the squares of all of these.")
    count = int(done.errors["output"].max()) + 1
    said = f"{count} by {count} errors, an output in each row and a target in each column"
    spec = pictures.errors_spec(count)
    st.vega_lite_chart(done.errors, spec, width="content", key="errors", alt=said)


def _away(name: str, trap: Trap, done: Shown) -> None:
    with st.container(horizontal=True):
        links.compare("Compare both", Comparison(trap.right, (kept(trap.wrong),)))
        for title, config in (("mistake", trap.wrong), ("repair", trap.right)):
            links.watch(f"Watch the {title}", config)
        if name in IN_FEW_LINES:
            st.page_link(
                "pages/autograd.py",
                label="In a few lines",
                icon=":material/account_tree:",
                query_params={"example": IN_FEW_LINES[name]},
            )
        for title, config in (("mistake", trap.wrong), ("repair", trap.right)):
            links.download(f"Script: {title}", f"{name}_{title}.py", partial(export.script, config))
        about = "Passes on the repaired loop, fails on the mistake."
        links.download("Test", f"test_{name}.py", partial(trap_test, trap, done.wrong, done.right), about)
