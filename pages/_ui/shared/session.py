"""What a session has chosen: one Comparison, mirrored in each page's address.

Widgets read it, their callbacks replace it, and every change is written to the address. An address this
session did not write (a link, the Back button) is read; a page opened from the navigation, without one, keeps
what the session has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from core import Config
from core.budget import MAX_RUNS
from core.compare.comparison import Comparison, Variant, first_runs, one_line, read
from core.config import checked, suiting, with_changes
from core.start.path import FIELDS as AROUND
from core.start.path import FIRST
from core.words import counted
from pages._ui.shared.streamlit_internals import is_history_navigation

MAX_BEHIND = 50  # recent addresses that the browser may still send


def comparison(page: str, extra: Sequence[str] = ()) -> Comparison:
    """The session's comparison, after reading the address if it is new.

    extra: this page's own fields; after a new address `asked` returns them once.
    """
    given = _given()
    if _is_new(given, page) or "comparison" not in st.session_state:
        st.session_state.address = dict(given)
        own, twice = _firsts(given, extra)
        given = {name: texts for name, texts in given.items() if name not in extra}
        st.session_state.comparison, ignored = read(given)
        ignored = twice + ignored
        st.session_state.notes = [one_line(ignored)] if ignored else []
        if extra:
            st.session_state.asked = own
        st.session_state.runs_unchosen = "run" not in given
    if page == "compare" and st.session_state.pop("runs_unchosen", False):
        _take_first_runs()
    return st.session_state.comparison


def _take_first_runs() -> None:
    """Add the first runs here, on the page that shows them: other pages have nothing to say about them."""
    old = st.session_state.comparison
    variants, sentences = first_runs(old.baseline)
    st.session_state.comparison = Comparison(old.baseline, variants)
    st.session_state.notes = [*notes(), *sentences]


def own(page: str, names: Sequence[str]) -> dict[str, str]:
    """For pages without a comparison: the fields a new address gives, once; otherwise nothing."""
    given = _given()
    if not _is_new(given, page):
        return {}
    st.session_state.address = given
    found, ignored = _firsts(given, names)
    unknown = [name for name in given if name not in names]
    if unknown:
        ignored.append(counted(len(unknown), "unknown field"))
    st.session_state.notes = [one_line(ignored)] if ignored else []
    return found


def _firsts(given: dict[str, list[str]], names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The first value of each field, and a sentence for each field given more than once."""
    found = {name: given[name] for name in names if name in given}
    twice = [
        f"{name} was given {len(texts)} times; the first counts"
        for name, texts in found.items()
        if len(texts) > 1
    ]
    return {name: texts[0] for name, texts in found.items()}, twice


def read_anew(fields: Mapping[str, list[str]] | None = None) -> None:
    """The next address is a link, even if it is one that this session wrote, or has no fields.

    fields: to read in its place.
    """
    st.session_state.anew, st.session_state.instead = True, fields


def _is_new(given: dict[str, list[str]], page: str) -> bool:
    """Whether to read the address: it is from a link or from the Back button.

    The browser sends the address it has. When choices come faster than the page is drawn, that is one this
    session wrote a few choices ago, and reading it would undo those made since. The navigation sends none.
    """
    moved, st.session_state.page = st.session_state.get("page", page) != page, page
    if moved:
        st.session_state.behind = []
    linked = st.session_state.pop("anew", False) or is_history_navigation()
    known = [st.session_state.get("address"), *st.session_state.get("behind", [])]
    return linked or bool(given and given not in known)


def note(sentence: str) -> None:
    """Add a sentence about the last choice or link; it stays until the next change."""
    st.session_state.notes = [*notes(), sentence]


def forget_notes() -> None:
    """Drop all notes: the next change has come."""
    st.session_state.notes = []


def asked() -> dict[str, str]:
    """The page's own fields from a new address; returned once."""
    return st.session_state.pop("asked", {})


def _address() -> dict[str, list[str]]:
    """What the page itself is to read."""
    return {name: st.query_params.get_all(name) for name in st.query_params if name not in AROUND}


def _given() -> dict[str, list[str]]:
    """The same, unless the path leads elsewhere."""
    instead = st.session_state.pop("instead", None)
    return _address() if instead is None else dict(instead)


def bare() -> bool:
    """Whether the view has the whole window: in another page's frame, or in a sequence that is presented."""
    frame = st.session_state.get("around") or around()
    presented = "stop" in frame and frame.get("path", [FIRST]) != [FIRST]
    return bool(st.context.is_embedded) or presented


def around() -> dict[str, list[str]]:
    """What stands in the address for the frame around the page: the path that the session is on."""
    return {name: st.query_params.get_all(name) for name in AROUND if name in st.query_params}


def write_address(params: dict[str, list[str]]) -> None:
    """Make this the address of the page.

    Even if the browser has just sent this very address: another one, written since, may still be on its way.
    """
    given, last = _address(), st.session_state.get("address")
    frame = st.session_state.get("around", {})
    if params == given == last and around() == frame:
        return
    # A click can interrupt the writing: by then it is known what the browser may send.
    behind = [one for one in st.session_state.get("behind", []) if one not in (given, last, params)]
    st.session_state.behind = [*behind, given, last, params][-MAX_BEHIND:]
    st.query_params.from_dict(params | frame)
    st.session_state.address = params


def link(page: str, params: dict[str, list[str]]) -> str:
    """The whole address of a page ("" for the first one) with these parameters."""
    here = (st.context.url or "").split("?")[0].rstrip("/")
    base = here.removesuffix(f"/{st.session_state.page}") + f"/{page}"
    return f"{base}?{urlencode(params, doseq=True)}" if params else base


def choice(key: str, options: Sequence[Any], default: Any = None) -> Any:
    """The choice stored under this key; if it is not an option, the default, or else the first option."""
    chosen = st.session_state.setdefault("choices", {}).get(key)
    return chosen if chosen in options else options[0] if default is None else default


def choose(key: str, value: Any) -> None:
    """Store a choice."""
    st.session_state.setdefault("choices", {})[key] = value


def notes() -> list[str]:
    """Sentences about the last choice or link; shown until the next change."""
    return st.session_state.get("notes", [])


def change(field: str, value: Any, exactly: bool = False, **more: Any) -> None:
    """Set a field of the baseline, or several; choices that no longer fit are reset, with a sentence.

    exactly: the values themselves, or none; not the nearest that fit. A data set brings the learning rate
    and the model that suit it.
    """
    old = st.session_state.comparison.baseline
    try:
        changes = {name: checked(name, one) for name, one in ({field: value} | more).items()}
        if field == "dataset":
            changes = suiting(old, value) | changes
        if exactly:
            replace(old, **changes)
        baseline, sentences = with_changes(old, changes)
    except ValueError as error:
        st.session_state.notes = [f"{error}."]
        return
    replace_baseline(baseline, sentences)


def replace_baseline(baseline: Config, sentences: Sequence[str] = ()) -> None:
    """Replace the baseline; a run whose change is not possible with it waits until it is."""
    st.session_state.notes = [f"{sentence}." for sentence in sentences]
    st.session_state.comparison = replace(st.session_state.comparison, baseline=baseline)


def set_variants(variants: Sequence[Variant]) -> None:
    """Choose the runs beside the baseline; those over the limit are refused with a sentence."""
    st.session_state.notes = []
    if len(variants) > MAX_RUNS - 1:
        st.session_state.notes = [f"Runs must be at most {MAX_RUNS}, with the baseline."]
        variants = variants[: MAX_RUNS - 1]
    st.session_state.comparison = st.session_state.comparison.with_runs(variants)


def add(variant: Variant) -> None:
    """Add one run; a change that is not possible is refused with a sentence."""
    old = st.session_state.comparison
    try:
        _, sentences = variant.config(old.baseline)
    except ValueError as error:
        st.session_state.notes = [f"{error}."]
        return
    known = variant.unnamed in {one.unnamed for one in old.variants}
    set_variants([*old.variants, *([] if known else [variant])])
    st.session_state.notes = st.session_state.notes + [f"{sentence}." for sentence in sentences]


def rename(place: int, name: str) -> None:
    """Give a run a name of its own, or with "" the derived one; one that is too long is refused."""
    _put(place, lambda variant: replace(variant, name=name))


def add_change(place: int, field: str, text: str) -> None:
    """One more change of a run; one that is not possible is refused with a sentence."""
    baseline = st.session_state.comparison.baseline

    def changed(variant: Variant) -> Variant:
        more = replace(variant, changes=tuple((dict(variant.changes) | {field: text}).items()))
        more.config(baseline)
        return more

    _put(place, changed)


def _put(place: int, change: Callable[[Variant], Variant]) -> None:
    old: Comparison = st.session_state.comparison
    st.session_state.notes = []
    try:
        changed = change(old.variants[old.places.index(place)])
        st.session_state.comparison = old.with_run(place, changed)
    except ValueError as error:
        st.session_state.notes = [f"{error}."]
