"""Controls for what varies across and down, over which values, and for the seeds per cell."""

from typing import Any

import streamlit as st

from core import Config
from core.config import KNOBS, parse
from core.data import data_set
from core.fields import RATES
from core.lines import from_letters, uses
from core.losses import fitting
from core.models import MODELS
from core.optimizers import OPTIMIZERS
from core.sweep.axes import FIELDS, LEAST_RATE, MAX_VALUES, Axis, spread, usual
from core.sweep.sweep import SEEDS, Sweep
from pages._ui.shared import session, widgets
from pages._ui.shared.badges import plain
from pages._ui.sweep import session as sweep_session

STALE = from_letters("FLSZB")  # an order that steps on the gradient of the step before
SHORT = 22  # characters
NAMES = {"x": "Across", "y": "Down"}


def draw(sweep: Sweep) -> None:
    """Both axes and the seeds, in one row."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="axes"):
        for name in NAMES:
            _field(sweep, name)
            _values(sweep, name)
        _seeds(sweep)


def _field(sweep: Sweep, name: str) -> None:
    axis: Axis = getattr(sweep, name)
    key = f"axis_{name}"
    fields = [field for field in FIELDS if _applies(field, sweep.baseline) or field == axis.field]
    widgets.shown(
        st.selectbox,
        NAMES[name],
        key,
        axis.field,
        options=fields,
        format_func=lambda field: KNOBS[field].label,
        width=165,
        on_change=lambda: sweep_session.change_field(sweep, name, widgets.chosen(key)),
    )


def _applies(field: str, config: Config) -> bool:
    """Whether the field makes a difference to runs of this baseline."""
    if field in ("hidden", "activation"):
        return MODELS[config.model].layers
    if field == "noise":
        return data_set(config.dataset).noisy
    if field in ("momentum", "weight_decay"):
        return field in OPTIMIZERS[config.optimizer].uses
    if field in ("max_norm", "accumulate", "scheduler"):
        return field in uses(config.loop)
    return field != "dropout" or MODELS[config.model].draws


def _values(sweep: Sweep, name: str) -> None:
    axis: Axis = getattr(sweep, name)
    with st.popover(plain(_short(axis)), width=175):
        if axis.is_log:
            _spread(sweep, name)
        elif KNOBS[axis.field].choices or axis.field == "loop":
            _choices(sweep, name)
        else:
            _texts(sweep, name)


def _short(axis: Axis) -> str:
    """Values in a few words; of many, the ends and how many there are."""
    labels = axis.labels
    if len(labels) > 3:
        return (
            f"{labels[0]} to {labels[-1]}, {len(labels)} values" if axis.is_log else f"{len(labels)} values"
        )
    return ", ".join(labels)


def _spread(sweep: Sweep, name: str) -> None:
    """Lowest, highest and how many, with equal ratios between."""
    axis: Axis = getattr(sweep, name)
    ends = {"low": axis.values[0], "high": axis.values[-1]}
    changed = {"on_change": _set_spread, "args": (sweep, name)}
    for end, title in (("low", "Lowest"), ("high", "Highest")):
        key = f"{end}_{name}"
        value = float(ends[end])
        limits = {"min_value": LEAST_RATE, "max_value": RATES[1], "step": value / 2, "format": "%g"}
        widgets.shown(st.number_input, title, key, value, **limits, **changed)
    count = max(len(axis.values), 2)
    limits = {"min_value": 2, "max_value": MAX_VALUES}
    widgets.shown(st.number_input, "How many", f"count_{name}", count, **limits, **changed)
    st.caption("Equal ratios between neighbors, rounded to three digits.")


def _set_spread(sweep: Sweep, name: str) -> None:
    low, high, count = (widgets.chosen(f"{part}_{name}") for part in ("low", "high", "count"))
    try:
        sweep_session.change(sweep, **{name: Axis("lr", spread(low, high, count))})
    except ValueError as error:
        session.note(f"lr {error}.")


def _choices(sweep: Sweep, name: str) -> None:
    """Values of a table, each on or off."""
    axis: Axis = getattr(sweep, name)
    offered = dict.fromkeys([*_offered(axis.field, sweep.baseline), *axis.values])
    labels = dict(zip(offered, Axis(axis.field, tuple(offered)).labels, strict=True))
    texts = {KNOBS[axis.field].text(value): value for value in offered}
    key = f"values_{name}"
    widgets.shown(
        st.pills,
        KNOBS[axis.field].label,
        key,
        [KNOBS[axis.field].text(value) for value in axis.values],
        options=list(texts),
        selection_mode="multi",
        format_func=lambda text: plain(labels[texts[text]]),
        on_change=lambda: _set_values(sweep, name, [texts[t] for t in texts if t in widgets.chosen(key)]),
    )


def _offered(field: str, baseline: Config) -> tuple[Any, ...]:
    if field == "loop":
        return (*usual(field, baseline).values, STALE)
    return fitting(baseline.dataset, baseline.own) if field == "loss" else tuple(KNOBS[field].choices or ())


def _texts(sweep: Sweep, name: str) -> None:
    """Values as text, with commas between."""
    axis: Axis = getattr(sweep, name)
    key = f"texts_{name}"
    widgets.shown(
        st.text_input,
        f"{KNOBS[axis.field].label}: values, separated by commas",
        key,
        ", ".join(KNOBS[axis.field].text(value) for value in axis.values),
        max_chars=400,
        help=KNOBS[axis.field].help,
        on_change=lambda: _read_texts(sweep, name, widgets.chosen(key)),
    )


def _read_texts(sweep: Sweep, name: str, text: str) -> None:
    axis: Axis = getattr(sweep, name)
    try:
        values = [parse(axis.field, part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as error:
        session.note(f"{error}.")
        return
    _set_values(sweep, name, values)


def _set_values(sweep: Sweep, name: str, values: list[Any]) -> None:
    axis: Axis = getattr(sweep, name)
    try:
        sweep_session.change(sweep, **{name: Axis(axis.field, tuple(values))})
    except ValueError as error:
        session.note(f"{error}.")


def _seeds(sweep: Sweep) -> None:
    fixed = "seed" in (sweep.x.field, sweep.y.field)
    widgets.shown(
        st.selectbox,
        "Seeds per cell",
        "sweep_seeds",
        sweep.seeds,
        options=SEEDS,
        width=120,
        disabled=fixed,
        help=(
            "With several, a cell shows their median. Each seed has its own starting weights and batches, "
            "and its own generated data and split."
        ),
        on_change=lambda: sweep_session.change(sweep, seeds=widgets.chosen("sweep_seeds")),
    )
