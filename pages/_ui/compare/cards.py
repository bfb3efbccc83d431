"""One card per run, which is also the legend: name, verdict, last loss, accuracy, and why, in three lines."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.compare.comparison import MAX_NAME, Comparison, Waiting, label
from core.result import loss_path
from core.verdict import RULES
from core.words import number, percent
from pages._ui.compare import view
from pages._ui.shared import links, session, widgets
from pages._ui.shared.badges import badge, dot, plain
from pages._ui.shared.training import Trained

PER_ROW = 3
ROW: dict[str, Any] = {"horizontal": True, "vertical_alignment": "center", "gap": "small", "wrap": False}
LAST = -1


def draw(comparison: Comparison, trained: Sequence[Trained]) -> None:
    """Cards in rows of three, in the order of their places."""
    waiting = [run for run in comparison.runs() if isinstance(run, Waiting)]
    runs = sorted([*trained, *waiting], key=lambda run: run.place)
    for start in range(0, len(runs), PER_ROW):
        columns = st.columns(min(len(runs), PER_ROW), gap="small")
        for column, run in zip(columns, runs[start : start + PER_ROW], strict=False):
            with column, st.container(border=True, height="stretch", key=f"card_{run.place}"):
                if isinstance(run, Waiting):
                    _waiting(run)
                else:
                    _card(run, trained)


def _card(one: Trained, trained: Sequence[Trained]) -> None:
    seen = one.place not in view.hidden()
    with st.container(**ROW):
        name = f"{dot(one.place)} **{plain(one.name)}**"
        st.markdown(name if seen else f"{name} :gray[hidden]", width="stretch", wrap=False)
        st.markdown(badge(one.verdict.word), width="content")
    with st.container(**ROW, key=f"numbers_{one.place}"):
        st.markdown(_numbers(one), width="stretch", wrap=False)
        with _signs(one.place):
            _look(one, [other.place for other in trained], seen)
            _own(one)
    why, word = one.verdict.because, one.verdict.word
    twin = next(other for other in trained if other.config == one.config)
    if twin is not one:
        why = f"Same as {plain(twin.name) if twin.place else 'the baseline'} now. {why}"
    st.caption(why, help=f"{why}\n\n**{word.capitalize()}:** {RULES[word]}", wrap=False)


def _waiting(run: Waiting) -> None:
    """A run without numbers: the same three lines, in gray, with the reason."""
    with st.container(**ROW):
        st.markdown(f"{dot(run.place)} :gray[**{plain(run.name)}**]", width="stretch", wrap=False)
        st.markdown(":gray-badge[:material/hourglass_empty: Waits]", width="content")
    with st.container(**ROW, key=f"numbers_{run.place}"):
        st.markdown(_small("not possible with this baseline"), width="stretch", wrap=False)
        with _signs(run.place):
            _own(run)
    why = plain(run.reason)
    st.caption(why, help=f"{why} It comes back by itself when it is possible again.", wrap=False)


def _signs(place: int) -> DeltaGenerator:
    """Where the buttons are: signs; their labels are for those who listen, or point at them."""
    return st.container(horizontal=True, gap=None, width="content", wrap=False, key=f"signs_{place}")


def _look(one: Trained, places: Sequence[int], seen: bool) -> None:
    """Hide or show, watch."""
    icon, word = ("visibility", "Hide") if seen else ("visibility_off", "Show")
    last = seen and not {*places} - {one.place, *view.hidden()}  # some run is always drawn
    _sign(icon, f"{word} {one.name} in the charts", f"hide_{one.place}", _toggle, one.place, last)
    links.watch(plain(f"Watch {one.name} line by line"), one.config, "steps")


def _own(run: Trained | Waiting) -> None:
    """Rename, remove; the baseline is what it is."""
    if not run.place:
        return
    says = plain(f"Rename {run.name}")
    with st.popover(says, icon=":material/edit:", type="tertiary", help=says, key=f"rename_{run.place}"):
        old = st.session_state.comparison
        variant = old.variants[old.places.index(run.place)]
        derived = label(variant.unnamed, old.baseline)
        more = {
            "placeholder": derived,
            "help": f"At most {MAX_NAME} characters; none for “{plain(derived)}”.",
        }
        more |= {"on_change": _rename, "args": (run.place,)}  # no limit: the browser would cut
        widgets.shown(st.text_input, "Name", f"name_{run.place}", variant.name, **more)
    _sign("close", f"Remove {run.name}", f"remove_{run.place}", _remove, run.place)


def _sign(
    icon: str, says: str, key: str, act: Callable[[Any], None], of: Any, disabled: bool = False
) -> None:
    more: dict[str, Any] = {"on_click": act, "args": (of,), "disabled": disabled}
    st.button(plain(says), icon=f":material/{icon}:", help=plain(says), key=key, type="tertiary", **more)


def _toggle(place: int) -> None:
    hidden = set(view.hidden())
    view.put("hide", tuple(sorted(hidden ^ {place})))


def _rename(place: int) -> None:
    session.rename(place, widgets.chosen(f"name_{place}"))


def _remove(place: int) -> None:
    old = st.session_state.comparison
    session.set_variants([v for v, at in zip(old.variants, old.places, strict=True) if at != place])
    view.put("hide", tuple(p for p in view.hidden() if p != place))


def _numbers(one: Trained) -> str:
    """Last loss; accuracy where there are classes, else the loss on the validation rows, if there are any."""
    path = loss_path(one.result)
    text = f"**{number(path['loss'].iloc[LAST]) if len(path) else 'none'}** {_small('loss')}"
    frame = one.result.evaluations
    if frame[["train_accuracy", "val_loss"]].isna().all(axis=None):
        return text
    scores = frame.iloc[LAST]
    if np.isnan(scores["train_accuracy"]):
        return f"{text} · **{number(scores['val_loss'])}** {_small('validation')}"
    text += f" · **{percent(scores['train_accuracy'])}** {_small('right')}"
    if not np.isnan(scores["val_accuracy"]):
        text += f" · **{percent(scores['val_accuracy'])}** {_small('val.')}"
    return text


def _small(word: str) -> str:
    return f":small[:gray[{word}]]"
