"""The runs beside the baseline: ready changes as switches, any change of one's own, and the baseline kept."""

import streamlit as st

from core.compare.comparison import Comparison, Variant, kept, label, ready
from core.config import KNOBS
from core.data import OWN
from pages._ui.shared import session, widgets
from pages._ui.shared.badges import plain

NEW = 0  # in place of a run's place: the baseline's, which has no changes


def draw() -> None:
    """Ready changes and those already chosen, in one row that scrolls where it is too narrow."""
    comparison = st.session_state.comparison
    baseline = comparison.baseline
    offered = {_code(v): v for v in (*ready(baseline), *comparison.variants)}  # a run, with its name
    codes = list(dict.fromkeys([*map(_code, comparison.variants), *offered]))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="changes", wrap=False):
        widgets.shown(
            st.pills,
            "Runs to compare with the baseline",
            "runs",
            list(map(_code, comparison.variants)),
            options=codes,
            selection_mode="multi",
            format_func=lambda code: plain(label(offered[code], baseline)),
            on_change=_choose,
            args=(offered,),
            label_visibility="collapsed",
            wrap=False,
            width="stretch",
        )
        with st.popover("Any change", icon=":material/add:", wrap=False):
            _any_change(comparison)
        st.button(
            "Keep",
            icon=":material/keep:",
            help="Hold the baseline as it is now as one of the runs, while the controls move on.",
            on_click=lambda: session.add(kept(st.session_state.comparison.baseline)),
        )


def _code(variant: Variant) -> str:
    """What a run changes, as text: its name may change while it stays the same run."""
    return variant.unnamed.text()


def _choose(offered: dict[str, Variant]) -> None:
    """Runs keep their places, and so their colors; a new one takes a free place."""
    chosen = widgets.chosen("runs")
    old = [v for v in st.session_state.comparison.variants if _code(v) in chosen]
    known = set(map(_code, old))
    session.set_variants([*old, *(offered[code] for code in chosen if code not in known)])


def _any_change(comparison: Comparison) -> None:
    """Any field with any value, typed or chosen, for a new run or for one that is there."""
    st.caption(
        "Each run is the baseline with changes of its own. Data, starting weights, and batches are the same "
        "for all, except where a change concerns them: another seed, data set, model, or batch size."
    )
    names = {run.place: plain(run.name) for run in comparison.runs()} | {NEW: "A new run"}
    of = st.selectbox("Run", [NEW, *comparison.places], format_func=names.__getitem__, key="any_of")
    fields = [name for name in KNOBS if name != "own"]  # which is not typed: Keep holds one choice of columns
    field = st.selectbox("Field", fields, format_func=lambda name: KNOBS[name].label, key="any_field")
    knob = KNOBS[field]
    if knob.choices:
        has_file = st.session_state.comparison.baseline.own.token
        names = [name for name in knob.choices if has_file or name != OWN]
        st.selectbox("Value", names, format_func=knob.choices.__getitem__, key="any_value_of")
    else:
        st.text_input("Value", max_chars=400, help=_how_to_write(field), key="any_value")
    says = "Add this run" if of == NEW else "Add this change"
    st.button(says, key="any_add", on_click=_add_any, args=(of, field))


def _how_to_write(field: str) -> str:
    knob = KNOBS[field]
    if knob.between:
        low, high = knob.between
        return f"From {low:g} to {high:g}."
    if field == "loop":
        return "Letters of the lines in their order, such as ZFLBS; left out letters are left out lines."
    return knob.help


def _add_any(of: int, field: str) -> None:
    source = "any_value_of" if KNOBS[field].choices else "any_value"
    text = str(st.session_state.get(source, "")).strip()
    if of == NEW:
        session.add(Variant(((field, text),)))
    else:
        session.add_change(of, field, text)
