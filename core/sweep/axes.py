"""Axis: a field that a sweep can vary and its values, as text in links.

`loss~bce~mse` are two values, `lr~0.001..100..16` sixteen learning rates with equal ratios, and `loss`
alone is all that fit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from core.compare.comparison import SEPARATOR
from core.config import KNOBS, Config, parse, with_changes
from core.data import data_set
from core.fields import Arguments, Signature, arguments_in_words, kind
from core.lines import USUAL, loop_label, without_zero_grad
from core.losses import fitting
from core.models import ACTIVATIONS, STARTS
from core.optimizers import OPTIMIZERS, SCHEDULERS
from core.words import shown

MAX_VALUES = 64  # of one axis
MAX_TEXT = 20_000  # characters of one axis; the longest that this module writes is shorter
LEAST_RATE = 1e-30  # on an axis: from there down a number loses its digits, and a log scale with it
SPREAD = ".."  # between lowest, highest and how many


def spread(low: float, high: float, count: int) -> tuple[float, ...]:
    """`count` numbers with equal ratios, rounded to three digits between the ends."""
    if not (0 < low < high and 2 <= count <= MAX_VALUES):
        raise ValueError(f"must start above 0 and rise, in 2 to {MAX_VALUES} values")
    inner = {float(f"{value:.3g}") for value in np.geomspace(low, high, count)[1:-1]}
    return (low, *sorted(value for value in inner if low < value < high), high)


def _loops(baseline: Config) -> tuple[tuple[str, ...], ...]:
    """The baseline's loop with zero_grad, and without."""
    without = without_zero_grad(baseline.loop)
    return (baseline.loop if without != baseline.loop else (USUAL[0], *without), without)


def _losses(baseline: Config) -> tuple[str, ...]:
    return fitting(baseline.dataset, baseline.own)


def _noises(baseline: Config) -> tuple[float, ...]:
    return (0.0, 0.1, 0.2, 0.4) if data_set(baseline.dataset).noisy else (baseline.noise,)


def _switches(offered: Signature) -> tuple[Arguments, ...]:
    """The usual arguments, and each that is on or off put the other way."""
    switches = [(name, not p.default) for name, p in offered.items() if kind(p) == "switch"]
    return ((), *((switch,) for switch in switches))


# Name of a field -> the values that it is offered with, given the baseline.
FIELDS: dict[str, Callable[[Config], tuple[Any, ...]]] = {
    "lr": lambda baseline: spread(0.001, 100.0, 16),
    "loop": _loops,
    "loss": _losses,
    "optimizer": lambda baseline: tuple(OPTIMIZERS),
    "momentum": lambda baseline: (0.0, 0.5, 0.9, 0.99),
    "optimizer_arguments": lambda baseline: _switches(OPTIMIZERS[baseline.optimizer].offered),
    "loss_arguments": lambda baseline: ((), (("reduction", "sum"),)),
    "weight_decay": lambda baseline: (0.0, 0.001, 0.01, 0.1),
    "batch_size": lambda baseline: (0, 8, 32, 128),
    "hidden": lambda baseline: ((4,), (16,), (64,), (16, 16)),
    "activation": lambda baseline: tuple(ACTIVATIONS),
    "start": lambda baseline: ((), *((name,) for name in STARTS)),
    "noise": _noises,
    "seed": lambda baseline: (0, 1, 2, 3, 4),
    "max_norm": lambda baseline: (0.1, 0.3, 1.0, 3.0, 10.0),
    "accumulate": lambda baseline: (1, 2, 4, 8),
    "scheduler": lambda baseline: tuple(SCHEDULERS),
    "dropout": lambda baseline: (0.0, 0.2, 0.5, 0.8),
}


@dataclass(frozen=True)
class Axis:
    """A field and its values, each once; numbers in ascending order.

    Raises ValueError that names field, limit and value.
    """

    field: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        _check_field(self.field)
        knob = KNOBS[self.field]
        try:
            values = tuple(dict.fromkeys(knob.check(value) for value in self.values))
        except ValueError as error:
            raise ValueError(f"{self.field} {error}") from None
        if not 1 <= len(values) <= MAX_VALUES:
            raise ValueError(f"{self.field} must have 1 to {MAX_VALUES} values; got {len(values)}")
        values = tuple(sorted(values)) if knob.between else values
        if self.is_log and values[0] < LEAST_RATE:
            raise ValueError(f"{self.field} must be at least {LEAST_RATE:g} on an axis; got {values[0]:g}")
        object.__setattr__(self, "values", values)

    @property
    def is_log(self) -> bool:
        """Whether its values stand on a log scale."""
        return self.field == "lr"

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A short name for each value, in the words of the page."""
        return tuple(value_label(self.field, value) for value in self.values)

    def text(self) -> str:
        """As in a link."""
        texts = [KNOBS[self.field].text(value) for value in self.values]
        if self.is_log and len(texts) > 2 and self.values == _again(self.values):
            texts = [SPREAD.join((texts[0], texts[-1], str(len(texts))))]
        return SEPARATOR.join([self.field, *texts])


def _again(values: tuple[float, ...]) -> tuple[float, ...]:
    return spread(values[0], values[-1], len(values))


def _check_field(field: str) -> None:
    if field not in FIELDS:
        raise ValueError(f"an axis must be one of {', '.join(FIELDS)}; got {shown(field)}")


@lru_cache(maxsize=256)
def usual(field: str, baseline: Config) -> Axis:
    """A field's default axis: those of its values that fit the baseline. Raises ValueError if it is none."""
    _check_field(field)
    fit = [value for value in FIELDS[field](baseline) if misfit(field, value, baseline) is None]
    return Axis(field, tuple(fit) or (getattr(baseline, field),))


def misfit(field: str, value: Any, baseline: Config) -> str | None:
    """One sentence if a value does not fit the baseline's other choices, else None."""
    given_way = with_changes(baseline, {field: value})[1]
    return given_way[0].split("; ")[0] if given_way else None


def axis_text(axis: Axis, baseline: Config) -> str:
    """As in a link; only the field's name if the values are the usual ones."""
    return axis.field if axis == usual(axis.field, baseline) else axis.text()


def read_axis(text: str, baseline: Config) -> Axis:
    """The inverse of axis_text; raises ValueError that names field, limit and value."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"must be at most {MAX_TEXT:,} characters; got {len(text):,}")
    field, *texts = text.split(SEPARATOR)
    if field not in FIELDS:
        raise ValueError(f"must be one of {', '.join(FIELDS)}, and values; got {shown(field)}")
    if not texts:
        return usual(field, baseline)
    if field == "lr" and len(texts) == 1 and SPREAD in texts[0]:
        return Axis(field, _read_spread(texts[0]))
    if len(texts) > MAX_VALUES:
        raise ValueError(f"{field} must have 1 to {MAX_VALUES} values; got {len(texts)}")
    return Axis(field, tuple(parse(field, value) for value in texts))


def _read_spread(text: str) -> tuple[float, ...]:
    try:
        low, high, count = text.split(SPREAD)
        return spread(parse("lr", low), parse("lr", high), KNOBS["steps"].parse(count))
    except ValueError:
        sentence = f"lr must be lowest{SPREAD}highest{SPREAD}count, above 0, 2 to {MAX_VALUES} values"
        raise ValueError(f"{sentence}; got {shown(text)}") from None


def value_label(field: str, value: Any) -> str:
    """A value in the words of the page."""
    knob = KNOBS[field]
    if field == "loop":
        return loop_label(value)
    if field == "batch_size" and value == 0:
        return "all rows"
    if knob.choices:
        return knob.choices[value]
    if field in ("optimizer_arguments", "loss_arguments"):
        return arguments_in_words(value)
    return f"{value:g}" if isinstance(value, float) else knob.text(value)
