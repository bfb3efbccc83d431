"""One card per run, which is also the legend: name, verdict, last loss, accuracy, and why, in three lines."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from core.result import loss_path
from core.verdict import RULES
from core.words import number
from pages._ui.compare import view
from pages._ui.shared import links, session
from pages._ui.shared.badges import badge, dot, plain
from pages._ui.shared.streamlit_internals import whole
from pages._ui.shared.training import Trained

PER_ROW = 3
LAST = -1


def draw(trained: Sequence[Trained]) -> None:
    """Cards in rows of three."""
    for start in range(0, len(trained), PER_ROW):
        columns = st.columns(min(len(trained), PER_ROW), gap="small")
        for column, one in zip(columns, trained[start : start + PER_ROW], strict=False):
            with column, st.container(border=True, height="stretch", key=f"card_{one.place}"):
                _card(one, [other.place for other in trained])


def _card(one: Trained, places: Sequence[int]) -> None:
    seen = one.place not in view.hidden()
    row = {"horizontal": True, "vertical_alignment": "center", "gap": "small", "wrap": False}
    with st.container(**row):
        name = f"{dot(one.place)} **{plain(one.name)}**"
        st.markdown(name if seen else f"{name} :gray[hidden]", width="stretch", wrap=False)
        st.markdown(badge(one.verdict.word), width="content")
    with st.container(**row, key=f"numbers_{one.place}"):
        st.markdown(_numbers(one), width="stretch", wrap=False)
        _buttons(one, places, seen)
    why, word = one.verdict.because, one.verdict.word
    st.caption(why, help=f"{why}\n\n**{word.capitalize()}:** {RULES[word]}", wrap=False)


def _buttons(one: Trained, places: Sequence[int], seen: bool) -> None:
    """Hide or show, watch, remove: signs; their labels are for those who listen, or point at them."""
    with st.container(horizontal=True, gap=None, width="content", wrap=False, key=f"signs_{one.place}"):
        icon, word = ("visibility", "Hide") if seen else ("visibility_off", "Show")
        last = seen and not {*places} - {one.place, *view.hidden()}  # some run is always drawn
        _sign(icon, f"{word} {one.name} in the charts", f"hide_{one.place}", _toggle, one.place, last)
        links.watch(plain(f"Watch {one.name} line by line"), one.config, "steps")
        if one.place:
            _sign("close", f"Remove {one.name}", f"remove_{one.place}", _remove, one.place)


def _sign(
    icon: str, says: str, key: str, act: Callable[[Any], None], of: Any, disabled: bool = False
) -> None:
    more: dict[str, Any] = {"on_click": whole(act), "args": (of,), "disabled": disabled}
    st.button(plain(says), icon=f":material/{icon}:", help=plain(says), key=key, type="tertiary", **more)


def _toggle(place: int) -> None:
    hidden = set(view.hidden())
    view.put("hide", tuple(sorted(hidden ^ {place})))


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
    text += f" · **{scores['train_accuracy']:.0%}** {_small('right')}"
    if not np.isnan(scores["val_accuracy"]):
        text += f" · **{scores['val_accuracy']:.0%}** {_small('val.')}"
    return text


def _small(word: str) -> str:
    return f":small[:gray[{word}]]"
