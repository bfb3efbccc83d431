"""The sidebar: one widget per field of Config, made from what the field says about itself."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import Parameter
from typing import Any

import streamlit as st

from core import devices
from core.compare.comparison import Named
from core.config import KNOBS, Config
from core.data import OWN, data_set
from core.fields import DRAWN, WORDS, Signature, argument_text, kind
from core.lines import (
    BEFORE,
    PRACTICES,
    USUAL,
    first_line,
    parts,
    plain,
    practices_in,
    put_in,
    uses,
    with_practice,
)
from core.losses import LOSSES, fitting
from core.models import MODELS, STARTS
from core.optimizers import OPTIMIZERS, SCHEDULERS
from pages._ui.shared import own_data, session, widgets
from pages._ui.shared.badges import dot

LEARNING_RATES = [m * 10.0**e for e in range(-4, 2) for m in (1, 2, 5)] + [100.0]
NUMBER_STEPS = {"steps": 100, "noise": 0.05, "val_share": 0.05, "momentum": 0.1, "weight_decay": 0.001}
NUMBER_STEPS |= {"dropout": 0.1}
MANY = 4  # choices that fit beside each other
ORDERS = ("ZFLBS", "FLBSZ", "FZLBS", "ZFLSB", "FLSZB", "ZBFLS")  # to choose from; the usual one first


def sidebar(baseline: Config, title: str, others: Sequence[Named] = ()) -> str:
    """Draw all controls; what the other runs change is marked with their dots. Returns the device."""
    if session.bare():
        return device()
    marks = _marks(baseline, others)
    with st.sidebar:
        st.header(title, anchor=False)
        for number, group in enumerate((_loop, _optimizer, _data, _model)):
            with st.container(key=f"group_{number}"):
                group(baseline, marks)
        with st.expander("Batches, seed and precision", icon=":material/tune:"):
            for draw, field in MORE:
                draw(field, baseline, marks)
        return device()


Marks = Mapping[str, str]  # field of Config, or line of the loop -> dots of the runs that change it


def _marks(baseline: Config, others: Sequence[Named]) -> Marks:
    found: dict[str, str] = {}
    for place, _, config in others:
        changed = [name for name in KNOBS if getattr(config, name) != getattr(baseline, name)]
        lines = {*config.loop} ^ {*baseline.loop}
        if "loop" in changed and lines:  # the lines say it
            changed.remove("loop")
        for name in [*changed, *(f"line_{line}" for line in lines)]:
            found[name] = f"{found.get(name, '')} {dot(place)}"
    return found


def _changed(field: str, convert: Callable[[Any], Any] = lambda value: value) -> None:
    value = convert(widgets.chosen(field))
    if value is not None:  # None: a chosen segment was clicked again
        session.change(field, value)


def _widget(
    draw: Callable[..., Any],
    field: str,
    value: Any,
    marks: Marks,
    convert: Callable[[Any], Any] = lambda value: value,
    **more: Any,
) -> None:
    """A widget of a field; a choice is converted before the field takes it."""
    knob = KNOBS[field]
    more |= {"help": knob.help, "on_change": _changed, "args": (field, convert)}
    title = more.pop("title", knob.label)
    widgets.shown(draw, title + marks.get(field, ""), field, value, **more)


def _choice(field: str, config: Config, marks: Marks, options: list[str] | None = None) -> None:
    titles = KNOBS[field].choices or {}
    names = options or list(titles)
    draw = st.segmented_control if len(names) <= MANY else st.selectbox
    shape = {"options": names, "format_func": lambda name: titles[name]}
    _widget(draw, field, getattr(config, field), marks, **shape)


def _number(field: str, config: Config, marks: Marks) -> None:
    knob, value = KNOBS[field], getattr(config, field)
    assert knob.between is not None  # a field that is a number has limits
    low, high = (type(value)(limit) for limit in knob.between)
    step = NUMBER_STEPS.get(field, 1)
    shape = {"format": "%g"} if isinstance(value, float) else {}
    limits = {"min_value": low, "max_value": high, "step": type(value)(step)}
    _widget(st.number_input, field, value, marks, **limits, **shape)


def _text(field: str, config: Config, marks: Marks) -> None:
    """A field without a widget of its own kind: its text, as in a link."""
    text = KNOBS[field].text(getattr(config, field))
    _widget(st.text_input, field, text, marks, partial(_read, field), max_chars=400)


def _loop(config: Config, marks: Marks) -> None:
    """The lines as code, each with a switch that leaves it out; their order, and how often they run."""
    shown = [*config.loop]
    for place, name in enumerate(USUAL):  # what is left out, in its usual place
        if name not in parts(config.loop):
            shown.insert(place, name)
    with st.container(key="lines", gap=None):
        for name in shown:
            widgets.shown(
                st.toggle,
                f"`{first_line(name)}`{marks.get(f'line_{name}', '')}",
                f"line_{name}",
                name in config.loop,
                on_change=_toggle,
                args=(name,),
            )
    _practices(config, marks)
    left, right = st.columns(2, gap="small")
    with left:
        _order(config, marks)
    with right:
        _number("steps", config, marks)
    if config.before:
        _before(config, marks)


def _toggle(name: str) -> None:
    """Put a line in at its usual place among those that are there, or leave it out."""
    loop = st.session_state.comparison.baseline.loop
    if not widgets.chosen(f"line_{name}"):
        session.change("loop", tuple(other for other in loop if other != name))
    else:
        session.change("loop", put_in(loop, name))


def _practices(config: Config, marks: Marks) -> None:
    """What scripts do by more lines, as switches; below them the fields that these lines call by name."""
    widgets.shown(
        st.pills,
        "More lines",
        "practices",
        list(practices_in(config.loop)),
        options=list(PRACTICES),
        selection_mode="multi",
        format_func=lambda name: PRACTICES[name].label,
        on_change=_switch,
        help="  \n".join(f"{row.label}: {row.about}" for row in PRACTICES.values()),
    )
    called = dict.fromkeys([*uses(config.loop), *SCHEDULERS[config.scheduler].uses])
    if config.scheduler != "none":
        called = {"scheduler": None, **called}
    used = [name for name in called if name in KNOBS and name != "lr"]  # that has its own
    for column, field in zip(st.columns(max(len(used), 1), gap="small"), used, strict=False):
        with column:
            draw = _choice if KNOBS[field].choices else _number
            draw(field, config, marks)


def _switch() -> None:
    """Put the lines of what was switched on in, and take those of what was switched off out."""
    loop, chosen = st.session_state.comparison.baseline.loop, widgets.chosen("practices")
    now = practices_in(loop)
    for name in [*(n for n in now if n not in chosen), *(n for n in chosen if n not in now)]:
        loop = with_practice(loop, name, name in chosen)
    scheduler = {} if "schedule" in chosen or "schedule" not in now else {"scheduler": "none"}
    session.change("loop", loop, **scheduler)


def _order(config: Config, marks: Marks) -> None:
    """Letters of the lines: some orders to choose from, and any other to type."""
    text = KNOBS["loop"].text(config.loop)
    fewer = ["".join(letter for letter in order if letter in text) for order in ORDERS]
    options = [text, *dict.fromkeys(order for order in fewer if order and plain(config.loop))]

    more = {"options": list(dict.fromkeys(options)), "accept_new_options": True}
    more |= {"format_func": " ".join, "title": "Order"}
    _widget(st.selectbox, "loop", text, marks, partial(_read, "loop"), **more)


def _before(config: Config, marks: Marks) -> None:
    about = {"options": list(BEFORE), "format_func": lambda name: BEFORE[name].about}
    _widget(st.multiselect, "before", list(config.before), marks, tuple, **about)


def _optimizer(config: Config, marks: Marks) -> None:
    _choice("optimizer", config, marks)
    if note := OPTIMIZERS[config.optimizer].note:
        st.caption(note)
    rates = sorted({*LEARNING_RATES, config.lr})
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        _widget(st.select_slider, "lr", config.lr, marks, options=rates, format_func=lambda lr: f"{lr:g}")
        with st.popover("", icon=":material/edit:", type="tertiary", help="A learning rate to the digit"):
            _exact_rate(config)
    uses = OPTIMIZERS[config.optimizer].uses
    for column, field in zip(st.columns(max(len(uses), 1), gap="small"), uses, strict=False):
        with column:
            _number(field, config, marks)
    _arguments("optimizer_arguments", OPTIMIZERS[config.optimizer].offered, config, marks)


def _arguments(field: str, offered: Signature, config: Config, marks: Marks) -> None:
    """Arguments without a field of their own, behind one control; its label counts those that are given."""
    if not offered:
        return
    given = dict(getattr(config, field))
    count = f" ({len(given)})" if given else ""
    with st.popover(f"Arguments{count}{marks.get(field, '')}", type="tertiary", help=KNOBS[field].help):
        for name, parameter in offered.items():
            _argument(field, parameter, given.get(name, parameter.default))


def _argument(field: str, parameter: Parameter, value: Any) -> None:
    name = parameter.name
    change = {"on_change": _set_argument, "args": (field, parameter)}
    key = f"{field}_{name}"
    if kind(parameter) == "switch":
        widgets.shown(st.toggle, f"`{name}`", key, bool(value), **change)
    elif kind(parameter) == "word":
        words = list(dict.fromkeys([parameter.default, *WORDS[name]]))
        widgets.shown(st.selectbox, f"`{name}`", key, value, options=words, format_func=str, **change)
    else:
        widgets.shown(st.text_input, f"`{name}`", key, _typed(value), max_chars=400, **change)


def _typed(value: Any) -> str:
    """The value of an argument as one types it: 0.9, 0.999."""
    return argument_text(value).replace("_", ", ")


def _set_argument(field: str, parameter: Parameter) -> None:
    """Give the argument, or no longer if it is the default or empty."""
    name, value = parameter.name, widgets.chosen(f"{field}_{parameter.name}")
    others = tuple(pair for pair in getattr(st.session_state.comparison.baseline, field) if pair[0] != name)
    if value in (parameter.default, "", _typed(parameter.default)):
        session.change(field, others)
        return
    text = (
        "_".join(re.split(r"[,\s]+", value.strip(" ()"))) if isinstance(value, str) else argument_text(value)
    )
    try:
        given = KNOBS[field].parse(f"{name}_{text}")
    except (ValueError, KeyError):
        given = ((name, value),)  # refused by the field's check, with its sentence
    session.change(field, (*others, *given), exactly=True)


def _data(config: Config, marks: Marks) -> None:
    shown, titles = own_data.shown_data_set(config), KNOBS["dataset"].choices or {}
    more = {"options": list(titles), "format_func": titles.__getitem__, "help": KNOBS["dataset"].help}
    title = KNOBS["dataset"].label + marks.get("dataset", "")
    widgets.shown(st.selectbox, title, "dataset", shown, on_change=_choose_data_set, **more)
    st.caption(data_set(shown).about)
    if shown == OWN:
        own_data.controls(config, marks.get("own", ""))
    if data_set(config.dataset).noisy:
        _number("noise", config, marks)
    _choice("loss", config, marks, list(fitting(config.dataset, config.own)))
    _arguments("loss_arguments", LOSSES[config.loss].offered, config, marks)
    if ("reduction", "sum") in config.loss_arguments:
        st.caption("Sums over rows: training set, validation set and batches have different numbers of them.")


def _choose_data_set() -> None:
    own_data.choose_data_set(widgets.chosen("dataset"))


def _model(config: Config, marks: Marks) -> None:
    models = [name for name, row in MODELS.items() if row.only_for in (None, config.dataset)]
    _choice("model", config, marks, models)
    if MODELS[config.model].layers:
        _text("hidden", config, marks)
        _choice("activation", config, marks)
    if MODELS[config.model].draws:
        _number("dropout", config, marks)
    _start(config, marks)


def _start(config: Config, marks: Marks) -> None:
    """How the weights are drawn, by name, and any numbers to type."""
    text = KNOBS["start"].text(config.start)
    titles = {DRAWN: "PyTorch's default", "0": "Zeros"} | {name: row.title for name, row in STARTS.items()}
    more = {"options": list(dict.fromkeys([*titles, text])), "accept_new_options": True}
    more |= {"format_func": lambda option: titles.get(option, option)}
    _widget(st.selectbox, "start", text, marks, partial(_read, "start"), **more)
    if config.start and config.start[0] in STARTS:
        st.caption(STARTS[str(config.start[0])].about)


def _read(field: str, text: str) -> Any:
    """The value of a text, as in a link; the text itself if it is none, which the field's check refuses."""
    try:
        return KNOBS[field].parse(text.strip())
    except (ValueError, KeyError):
        return text


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
        session.change("lr", _read("lr", text))


def _lines_before(field: str, config: Config, marks: Marks) -> None:
    if not config.before:  # else they stand with the loop
        _before(config, marks)


MORE = (
    (_number, "batch_size"),
    (_text, "schedule"),
    (_number, "val_share"),
    (_text, "seed"),  # a browser's numbers end at 53 bits
    (_choice, "dtype"),
    (_lines_before, "before"),
)


def device(named: bool = True) -> str:
    """Where to compute: asked where there is a choice, else named, beside other controls."""
    names = devices.available()
    if session.bare():
        return next(iter(names))
    if len(names) == 1:
        if named:
            st.caption("Device: CPU, the only one here.")
        return "cpu"
    return st.selectbox("Device", list(names), format_func=names.__getitem__, key="device")
