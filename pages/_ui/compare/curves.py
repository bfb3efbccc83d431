"""Loss and gradients side by side: hover reads all runs, a click pins, dragging zooms."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from core import charts
from core.compare import curves
from core.compare.looks import LOSS_COLUMNS, SCALES, SHORTEST_ZOOM, SMOOTH
from pages._ui.compare import at_once, view
from pages._ui.shared import explain, style, widgets, width
from pages._ui.shared.badges import dot
from pages._ui.shared.training import Trained

TERMS = explain.words("as_used", "fresh", "leftover", "update_ratio")


class Choices(NamedTuple):
    """What the controls say."""

    loss: str
    quantity: str
    parameter: str
    scale: str
    smooth: float


@st.fragment
def draw(trained: Sequence[Trained]) -> None:
    """Loss and gradients side by side: hover reads all runs, a click pins, dragging zooms."""
    view.write_address()  # what was chosen within this fragment
    with st.container(border=True, key="curve_panel"):
        choices = _controls(trained)
        room = width.room("curves_width")
        _style(trained, room)
        # A fragment writes the same pieces of CSS each time: one more would replace what others wrote.
        if width.is_coming("curves_width"):
            return
        frame, look = _looked_at(trained, choices)
        _charts(trained, choices, room, frame, look)
        at_once.draw(look, _last(trained), _tops(trained, frame, look))
        _notes(trained, choices, frame, look)


def _style(trained: Sequence[Trained], room: width.Room) -> None:
    style.tips("curves", _places(trained), _hidden(trained))
    for key in ("curve_panel", "curves"):  # before there is a chart, and while it is drawn anew
        style.keep_room(key, charts.pair_height(room.width))


def _looked_at(trained: Sequence[Trained], choices: Choices) -> tuple[pd.DataFrame, at_once.Look]:
    """The numbers of the charts, and what of them is shown."""
    last, hidden = _last(trained), _hidden(trained)
    pinned, span, logs = _pinned(last), _span(last), _logs(choices.scale)
    asked = (choices.quantity, choices.parameter, choices.loss, logs, span, pinned)
    more: dict[str, Any] = {"places": _places(trained), "smooth": choices.smooth, "hidden": hidden}
    frame, tops = curves.curves_frame([one.result for one in trained], *asked, **more)
    return frame, at_once.Look(logs, tops, span or (0.0, float(last)), pinned, hidden)


def _logs(scale: str) -> tuple[bool, bool]:
    """Whether the scale of each panel is logarithmic."""
    return (scale == "log",) * 2


def _tops(
    trained: Sequence[Trained], frame: pd.DataFrame, look: at_once.Look
) -> dict[str, tuple[float | None, float | None]]:
    """Where the axes would end on each scale."""
    rows = frame[frame["step"].between(*look.between)]
    seen = [place for place in _places(trained) if place not in look.hidden]
    return {scale: curves.axis_tops(rows, seen, _logs(scale)) for scale in SCALES}


def _charts(
    trained: Sequence[Trained], choices: Choices, room: width.Room, frame: pd.DataFrame, look: at_once.Look
) -> None:
    """The pair, with the spec that it was drawn with first as long as the browser can change the rest."""
    places, with_val = _places(trained), _validated(frame)
    titles = _loss_title(choices.loss, with_val), _gradient_title(choices.quantity, choices.parameter)
    of = (places, titles, room, with_val, choices.smooth, _last(trained))
    first = at_once.first(look, of)
    spec = charts.curves_spec(
        tuple(one.name for one in trained),
        titles,
        first.logs,
        first.tops,
        first.between,
        room.width,
        with_val,
        places,
        legend=bool(room.height),  # else the cards are
        smooth=bool(choices.smooth),
        tall=charts.panel_height(*room) if room.height else charts.TALL,
        pinned=first.pinned,
        hidden=first.hidden,
    )
    said = "Loss and gradient of each run over the steps; the table below has the numbers."
    with st.container(key="curves"):
        st.vega_lite_chart(charts.compact(frame), spec, alt=said)


def _notes(trained: Sequence[Trained], choices: Choices, frame: pd.DataFrame, look: at_once.Look) -> None:
    """The charts in words, below them."""
    seen = [one for one in trained if one.place not in look.hidden]
    with st.container(key="curve_notes", gap=None):
        _reading(seen, look.pinned, choices.quantity, choices.parameter, choices.loss)
        _zoomed(_span(_last(trained)))
        _explained(seen, frame, look.tops, choices.smooth)


def _last(trained: Sequence[Trained]) -> int:
    """The last step that there is."""
    return max(one.config.steps for one in trained)


def _places(trained: Sequence[Trained]) -> tuple[int, ...]:
    return tuple(one.place for one in trained)


def _hidden(trained: Sequence[Trained]) -> tuple[int, ...]:
    """Places of the runs that are hidden: not of all."""
    hidden = tuple(one.place for one in trained if one.place in view.hidden())
    return hidden if len(hidden) < len(trained) else ()


def _validated(frame: pd.DataFrame) -> bool:
    """Whether there are dots of validation."""
    return bool(frame.filter(regex=r"^v\d").notna().any(axis=None))


def _explained(
    seen: Sequence[Trained], frame: pd.DataFrame, tops: tuple[float | None, float | None], smooth: float
) -> None:
    st.caption(_signs(frame, tops, [one.place for one in seen], smooth), help=TERMS)
    configs = [one.config for one in seen]
    if said := f"{curves.axis_words(configs)} {curves.scale_words(configs)}".strip():
        st.caption(said)


def _signs(
    frame: pd.DataFrame, tops: tuple[float | None, float | None], places: Sequence[int], smooth: float
) -> str:
    """How to use the charts, and what the signs in them mean."""
    said = ["Point at a step to read all runs, click to pin it, drag to zoom."]
    if smooth:
        said.append(
            f"Strong lines: moving average, factor {smooth:g}; faint lines and tooltips: true values."
        )
    if any(tops):
        said.append("▲ a run goes beyond the scale here; pointing at it reads its value.")
    if frame[[f"m{i}" for i in places]].notna().any().any():
        said.append("✖ here the loss of a run is no longer finite, or a line raised.")
    return " ".join(said)


def _controls(trained: Sequence[Trained]) -> Choices:
    names = list(
        dict.fromkeys(n for one in trained for n in one.result.parameters["parameter"].cat.categories)
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="curve_controls"):
        loss = _kept(st.segmented_control, "Loss", "curve", LOSS_COLUMNS, required=True)
        quantity = _kept(st.selectbox, "Gradient", "show", curves.QUANTITIES, width=205)
        of = {curves.ALL_PARAMETERS: "all parameters"} | {name: name for name in names}
        parameter = _kept(st.selectbox, "Parameter", "of", of, width=145)
        scale = _kept(st.segmented_control, "Scale", "scale", dict.fromkeys(SCALES, ""), required=True)
        smooth = _kept(st.selectbox, "Smoothing", "smooth", SMOOTH, width=140)
    return Choices(loss, quantity, parameter, scale, float(smooth))


def _zoomed(span: tuple[float, float] | None) -> None:
    """Which steps are shown, and the way back; below the charts, where it moves nothing."""
    if span is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"Steps {span[0]:.0f} to {span[1]:.0f}", width="content")
        _back("Whole run", "zoom_out_map", "zoom")


def _back(says: str, icon: str, field: str) -> None:
    more = {"type": "tertiary", "on_click": view.put, "args": (field, None), "key": f"back_{field}"}
    st.button(says, icon=f":material/{icon}:", **more)


def _kept(draw: Callable[..., Any], label: str, field: str, titles: Mapping[str, str], **more: Any) -> Any:
    """A choice among these; its label is for those who listen, since the choice speaks for itself."""
    more |= {"format_func": lambda name: titles[name] or name, "label_visibility": "collapsed"}
    return widgets.kept(draw, label, f"view_{field}", list(titles), **more)


def _loss_title(column: str, with_val: bool) -> str:
    title = {
        "loss": "Training loss, each step",
        "train_loss": "Training loss, whole set",
        "val_loss": "Validation loss",
    }[column]
    return f"{title} (dots: validation)" if with_val and column != "val_loss" else title


def _gradient_title(quantity: str, parameter: str) -> str:
    if quantity == "lr":
        return curves.QUANTITIES[quantity]
    return f"{curves.QUANTITIES[quantity]} ({parameter or 'all parameters'})"


def _pinned(last: int) -> int | None:
    step = view.get("pin")
    return None if step is None else min(step, last)


def _span(last: int) -> tuple[float, float] | None:
    """The zoom, as far as there are steps."""
    low, high = view.get("zoom") or (0.0, 0.0)
    high = min(high, float(last))
    return (low, high) if high - low >= SHORTEST_ZOOM else None


def _reading(trained: Sequence[Trained], step: int | None, quantity: str, parameter: str, loss: str) -> None:
    """All runs at the pinned step, in words."""
    if step is None:
        return
    parts = [f"**Step {step}**"]
    for one in trained:
        value = curves.value_at(one.result, loss, curves.ALL_PARAMETERS, step)
        gradient = curves.value_at(one.result, quantity, parameter, step)
        short = {"update_ratio": "ratio", "lr": "learning rate"}.get(quantity, "gradient")
        parts.append(f"{dot(one.place)} loss {value}, {short} {gradient}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(" · ".join(parts), width="content")
        _back("Unpin", "close", "pin")
