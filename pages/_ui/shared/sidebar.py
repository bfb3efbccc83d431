"""The sidebar: one widget per field of Config, made from what the field says about itself."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core import devices
from core.compare.comparison import Variant, kept, label, ready
from core.config import KNOBS, Config
from core.data import DATASETS
from core.lines import BEFORE, LETTERED, LINES, parts, without_zero_grad
from core.losses import fitting
from core.models import MODELS
from core.optimizers import OPTIMIZERS
from pages._ui.shared import session, widgets
from pages._ui.shared.badges import plain

LEARNING_RATES = [m * 10.0**e for e in range(-4, 2) for m in (1, 2, 5)] + [100.0]
NUMBER_STEPS = {"noise": 0.05, "val_share": 0.05, "momentum": 0.1, "weight_decay": 0.001}
MANY = 4  # choices that fit beside each other


def sidebar(baseline: Config, title: str, runs: bool) -> str:
    """Draw all controls, those of other runs only where there are some; returns the device."""
    with st.sidebar:
        st.header(title)
        _baseline(baseline)
        with st.expander("Data, model and seed", icon=":material/tune:"):
            _more(baseline)
        if runs:
            st.header("Compare it with")
            _runs()
        return device()


def _changed(field: str, convert: Callable[[Any], Any] = lambda value: value) -> None:
    value = convert(widgets.chosen(field))
    if value is not None:  # None: a chosen segment was clicked again
        session.change(field, value)


def _widget(
    draw: Callable[..., Any],
    field: str,
    value: Any,
    convert: Callable[[Any], Any] = lambda value: value,
    **more: Any,
) -> None:
    """A widget of a field; a choice is converted before the field takes it."""
    knob = KNOBS[field]
    more |= {"help": knob.help, "on_change": _changed, "args": (field, convert)}
    widgets.shown(draw, knob.label, field, value, **more)


def _choice(field: str, config: Config, options: list[str] | None = None) -> None:
    titles = KNOBS[field].choices or {}
    names = options or list(titles)
    draw = st.segmented_control if len(names) <= MANY else st.selectbox
    _widget(draw, field, getattr(config, field), options=names, format_func=lambda name: titles[name])


def _number(field: str, config: Config) -> None:
    knob, value = KNOBS[field], getattr(config, field)
    assert knob.between is not None  # a field that is a number has limits
    low, high = (type(value)(limit) for limit in knob.between)
    step = NUMBER_STEPS.get(field, 1)
    shape = {"format": "%g"} if isinstance(value, float) else {}
    limits = {"min_value": low, "max_value": high, "step": type(value)(step)}
    _widget(st.number_input, field, value, **limits, **shape)


def _text(field: str, config: Config) -> None:
    """A field without a widget of its own kind: its text, as in a link."""
    knob = KNOBS[field]

    def parsed(text: str) -> Any:
        try:
            return knob.parse(text.strip())
        except (ValueError, KeyError):
            return text  # refused by the field's check, with its sentence

    _widget(st.text_input, field, knob.text(getattr(config, field)), parsed, max_chars=400)


def _baseline(config: Config) -> None:
    _choice("dataset", config)
    st.caption(DATASETS[config.dataset].about)
    _choice("loss", config, list(fitting(config.dataset)))
    rates = sorted({*LEARNING_RATES, config.lr})
    _widget(st.select_slider, "lr", config.lr, options=rates, format_func=lambda lr: f"{lr:g}")
    _choice("optimizer", config)
    _zero_grad(config)
    low, high = KNOBS["steps"].between or (1, 1)
    _widget(st.slider, "steps", config.steps, min_value=int(low), max_value=int(high))


def _zero_grad(config: Config) -> None:
    """The most instructive line of the loop has a switch of its own."""
    widgets.shown(
        st.toggle,
        "Call `optimizer.zero_grad()` each step",
        "zero_grad",
        "zero_grad" in parts(config.loop),
        help="Off leaves the line out: gradients of all steps add up.",
        on_change=_toggle_zero_grad,
    )


def _toggle_zero_grad() -> None:
    loop = st.session_state.comparison.baseline.loop
    without = without_zero_grad(loop)
    session.change("loop", ("zero_grad", *without) if widgets.chosen("zero_grad") else without)


def _more(config: Config) -> None:
    if DATASETS[config.dataset].noisy:
        _number("noise", config)
    _number("val_share", config)
    models = [name for name, row in MODELS.items() if row.only_for in (None, config.dataset)]
    _choice("model", config, models)
    if MODELS[config.model].layers:
        _text("hidden", config)
        _choice("activation", config)
    _text("start", config)
    for field in OPTIMIZERS[config.optimizer].uses:
        _number(field, config)
    _exact_rate(config)
    _text("schedule", config)
    _number("batch_size", config)
    _number("seed", config)
    _choice("dtype", config)
    _loop(config)


def _exact_rate(config: Config) -> None:
    """A learning rate to the digit, for the slider above to stand at; what was typed is taken, and gone."""
    widgets.shown(
        st.text_input,
        "Learning rate, exactly",
        "exact_lr",
        "",
        max_chars=40,
        placeholder=f"now {config.lr!r}",
        on_change=_set_rate,
    )


def _set_rate() -> None:
    if text := widgets.chosen("exact_lr").strip():
        session.change("lr", _float(text))


def _float(text: str) -> Any:
    try:
        return KNOBS["lr"].parse(text)
    except ValueError:
        return text


def _loop(config: Config) -> None:
    _widget(
        st.multiselect,
        "loop",
        list(config.loop),
        tuple,
        options=[*LETTERED, *(name for name in config.loop if name not in LETTERED)],
        format_func=lambda name: LINES[name].text,
    )
    _widget(
        st.multiselect,
        "before",
        list(config.before),
        tuple,
        options=list(BEFORE),
        format_func=lambda name: BEFORE[name].about,
    )


def _runs() -> None:
    """Ready changes and those already chosen, as one row of switches."""
    comparison = st.session_state.comparison
    baseline = comparison.baseline
    offered = {Variant.text(v): v for v in (*ready(baseline), *comparison.variants)}
    widgets.shown(
        st.pills,
        "One change each",
        "runs",
        [Variant.text(v) for v in comparison.variants],
        options=list(offered),
        selection_mode="multi",
        format_func=lambda code: plain(label(offered[code], baseline)),
        help="Each run is the baseline with one change: same data, weights and batches.",
        on_change=_choose,
        args=(offered,),
    )
    with st.container(horizontal=True):
        with st.popover("Any change", icon=":material/add:"):
            _any_change(baseline)
        st.button(
            "Keep",
            icon=":material/keep:",
            help="Hold the baseline as it is now as one of the runs, while the controls move on.",
            on_click=lambda: session.add(kept(st.session_state.comparison.baseline)),
        )


def _choose(offered: dict[str, Variant]) -> None:
    """Runs keep their places, and so their colours; a new one comes last."""
    chosen = widgets.chosen("runs")
    old = [v for v in st.session_state.comparison.variants if Variant.text(v) in chosen]
    session.set_variants([*old, *(offered[code] for code in chosen if offered[code] not in old)])


def _any_change(baseline: Config) -> None:
    """Any field with any value, typed or chosen."""
    field = st.selectbox("Field", list(KNOBS), format_func=lambda name: KNOBS[name].label, key="any_field")
    knob = KNOBS[field]
    if knob.choices:
        st.selectbox("Value", list(knob.choices), format_func=knob.choices.__getitem__, key="any_value_of")
    else:
        st.text_input("Value", max_chars=40, help=_how_to_write(field), key="any_value")
    st.button("Add this run", on_click=_add_any, args=(field,))


def _how_to_write(field: str) -> str:
    knob = KNOBS[field]
    if knob.between:
        low, high = knob.between
        return f"From {low:g} to {high:g}."
    if field == "loop":
        return "Letters of the lines in their order, such as ZFLBS; left out letters are left out lines."
    return knob.help


def _add_any(field: str) -> None:
    source = "any_value_of" if KNOBS[field].choices else "any_value"
    session.add(Variant(((field, str(st.session_state.get(source, "")).strip()),)))


def device() -> str:
    """Where to compute; asked only where there is a choice."""
    names = devices.available()
    if len(names) == 1:
        return "cpu"
    return st.selectbox("Device", list(names), format_func=names.__getitem__, key="device")
