"""Claims of course notes, by judgement and note: their words, what PyTorch gives, the lines that ask it."""

import inspect
from collections import Counter
from typing import Any

import streamlit as st
import torch

from core.notes import claim as core_claim
from core.notes.claim import JUDGEMENTS, Answer, Claim, Link, answer
from core.notes.notes import CLAIMS, NOTES
from pages._ui.shared import remarks, session, widgets
from pages._ui.shared.badges import judgement, judgement_icon
from pages._ui.shared.locks import SLOT

FIELDS = ("judgement", "note", "upto", "lines")
ALL, OPEN, SHOWN = "all", "open", "shown"
WORDS, KEYS = (ALL, *JUDGEMENTS, OPEN), (ALL, *NOTES)
AT_ONCE = 20  # claims drawn first, and with every click for more; all would keep a browser busy
LINKS = {  # page of a link -> what it is called, its icon
    "compare": ("Compare it", "stacked_line_chart"),
    "watch": ("Watch it", "visibility"),
    "traps": ("Break it", "bug_report"),
    "losses": ("See the loss", "trending_down"),
    "autograd": ("Ask autograd", "account_tree"),
}
ABOUT = (
    "Loop Lab began with five course notes on the training loop. The notes themselves are not part of the "
    "app; here is every claim they make, in their words and their order, with what PyTorch "
    f"{torch.__version__.split('+')[0]} gives, computed on this server."
)
HELPERS = (core_claim.neuron, core_claim.deliveries, core_claim.said)


def draw(given: dict[str, str]) -> dict[str, str]:
    """The filter, and the claims that pass it, some at a time; the fields of the address."""
    found = _answers()
    _take(given, found)
    remarks.draw()
    lines = _controls(found)
    word, note = _filter()
    chosen = _chosen(found, word, note)
    upto = session.choice(_upto_key(word, note), _counts(chosen))
    _claims(chosen[:upto], found, lines)
    if upto < len(chosen):
        _more(_upto_key(word, note), upto, len(chosen))
    fields = {"judgement": word, "note": note, "upto": str(upto), "lines": SHOWN if lines else ALL}
    return {field: text for field, text in fields.items() if text not in (ALL, str(AT_ONCE))}


def _take(given: dict[str, str], found: dict[str, Answer]) -> None:
    """Take choices from a link; a sentence names the invalid ones."""
    offered = {"judgement": {word: word for word in WORDS}, "note": {key: key for key in KEYS}}
    offered["lines"] = {SHOWN: True}
    for field, options in offered.items():
        _take_one(given, field, f"claims_{field}", options)
    counts = _counts(_chosen(found, *_filter()))
    _take_one(given, "upto", _upto_key(*_filter()), {str(count): count for count in counts})


def _take_one(given: dict[str, str], field: str, key: str, options: dict[str, Any]) -> None:
    if given.get(field) in options:
        session.choose(key, options[given[field]])
    elif field in given:
        session.note(f"Ignored in this link: its {field}.")


@st.cache_data(max_entries=1, show_spinner="Asking PyTorch")
def _answers() -> dict[str, Answer]:
    """Check every claim, one at a time, so that other visitors' clicks come first."""
    found = {}
    for name, claim in CLAIMS.items():
        with SLOT:
            found[name] = answer(claim)
    return found


def _word(name: str, found: dict[str, Answer]) -> str:
    """The judgement on a claim, as long as the values it rests on hold."""
    return CLAIMS[name].judgement if found[name].stands else OPEN


def _filter() -> tuple[str, str]:
    """The judgement and the note that are asked for."""
    return session.choice("claims_judgement", WORDS), session.choice("claims_note", KEYS)


def _chosen(found: dict[str, Answer], word: str, note: str) -> list[tuple[str, str]]:
    """Note and id of the claims that pass the filter, in the notes' order."""
    keys = NOTES if note == ALL else (note,)
    every = [(key, name) for key in keys for name in NOTES[key].claims]
    return [(key, name) for key, name in every if word in (ALL, _word(name, found))]


def _counts(chosen: list[tuple[str, str]]) -> range:
    """How many of them can be drawn: some, some more, up to all."""
    return range(AT_ONCE, max(len(chosen), 1) + AT_ONCE, AT_ONCE)


def _upto_key(word: str, note: str) -> str:
    """Every filter has a count of its own."""
    return f"claims_upto_{word}_{note}"


def _more(key: str, upto: int, count: int) -> None:
    label = f"{min(AT_ONCE, count - upto)} more of {count}"
    st.button(label, icon=":material/expand_more:", on_click=session.choose, args=(key, upto + AT_ONCE))


def _controls(found: dict[str, Answer]) -> bool:
    """Judgement with its counts, note, and whether all lines are open."""
    note = _filter()[1]
    counts = Counter(_word(name, found) for _, name in _chosen(found, ALL, note))
    words = [ALL, *JUDGEMENTS, *([OPEN] if counts[OPEN] else [])]
    widgets.kept(
        st.pills,
        "Judgment",
        "claims_judgement",
        words,
        format_func=lambda word: f"All {counts.total()}" if word == ALL else _with_count(word, counts[word]),
        required=True,
        help=" ".join(f"{word.capitalize()}: {about}" for word, about in JUDGEMENTS.items()),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        widgets.kept(
            st.selectbox,
            "Note",
            "claims_note",
            KEYS,
            format_func=lambda key: "All five notes" if key == ALL else NOTES[key].title,
        )
        lines = widgets.shown(
            st.toggle,
            "Open all lines",
            "claims_lines",
            session.choice("claims_lines", [False, True]),
            on_change=widgets.keep,
            args=("claims_lines",),
        )
        with st.popover("Helpers", icon=":material/function:"):
            st.caption(
                "The lines are plain PyTorch, with torch, nn, and these functions imported. Where they "
                "train, Config and Run are those of core."
            )
            st.code("\n\n".join(map(inspect.getsource, HELPERS)), language="python")
    return lines


def _with_count(word: str, count: int) -> str:
    return f":material/{judgement_icon(word)}: {word.capitalize()} {count}"


def _claims(chosen: list[tuple[str, str]], found: dict[str, Answer], lines: bool) -> None:
    """These claims, under the titles of their notes."""
    heading = ""
    for key, name in chosen:
        if key != heading:
            st.header(NOTES[key].title, anchor=key)
            heading = key
        _claim(name, CLAIMS[name], found[name], lines)
    if not chosen:
        st.info("No claim here was judged this way.", icon=":material/filter_alt:")


def _claim(name: str, claim: Claim, found: Answer, lines: bool) -> None:
    """One claim: words and judgement, and beside it what PyTorch gives."""
    with st.container(border=True, key=f"claim_{name}"):
        left, right = st.columns(2)
        with left:
            st.subheader(f"“{claim.words}”", anchor=name)
            st.markdown(_judged(claim, found))
            _elsewhere(claim)
        with right:
            st.code("\n".join(f"{label}: {value}" for label, value in found.values), None, wrap_lines=True)
            with st.expander("The lines", icon=":material/code:", expanded=lines):
                st.code(claim.source, language="python")
                st.caption(f"From {claim.lines.__module__.replace('.', '/')}.py")


def _judged(claim: Claim, found: Answer) -> str:
    if found.stands:
        return f"{judgement(claim.judgement)} {claim.why}"
    return (
        f"{judgement(OPEN)} Judged {claim.judgement} earlier, but this PyTorch does not give the "
        "values that the judgment rests on."
    )


def _elsewhere(claim: Claim) -> None:
    """Where one can play with it, and which notes say the same."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if claim.link is not None:
            _link(claim.link)
        if claim.also:
            st.caption(f"Also in: {'; '.join(NOTES[key].title for key in claim.also)}.")


def _link(link: Link) -> None:
    label, icon = LINKS[link.page]
    params = dict(link.params)
    st.page_link(f"pages/{link.page}.py", label=label, icon=f":material/{icon}:", query_params=params)
