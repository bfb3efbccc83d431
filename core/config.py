"""What decides a run? Config: every choice, with its label, help and limits at the field.

The check, the widget, the address of the page and the exported script derive from the field.
Values come from Python (`Config(lr=0.5)`) or as text from a link (`Config.from_params`);
both go through the same check, whose errors name the field, the limit and the value.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from core.data import DATASETS
from core.lines import LINES, USUAL, from_letters, letters
from core.losses import LOSSES, fitting
from core.losses import form as target_form
from core.models import ACTIVATIONS, MODELS
from core.optimizers import OPTIMIZERS
from core.streams import MAX_SEED

MAX_LAYERS, MAX_WIDTH = 3, 256
NO_LINES = "none"  # a loop without lines, in links


@dataclass(frozen=True)
class Knob:
    """What a field says about itself.

    parse: text -> value, raises ValueError or KeyError. check: value -> the value in its
    proper type, raises ValueError with the limit in words. text: value -> text for links.
    usual: the other values -> the default, where it depends on them.
    """

    label: str
    help: str
    parse: Callable[[str], Any]
    check: Callable[[Any], Any]
    text: Callable[[Any], str]
    between: tuple[float, float] | None = None
    choices: dict[str, str] | None = None  # name -> title
    usual: "Usual | None" = None


def shown(value: object) -> str:
    """A visitor's value for a message: short, and with nothing that could be markup."""
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits has no text
        text = "a very long number"
    return re.sub(r"[^\w.+\- '(),]", "?", text[:40], flags=re.ASCII)


def _number(between: tuple[float, float], whole: bool) -> Callable[[Any], Any]:
    low, high = between

    def check(value: Any) -> Any:
        kind = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
            sort = "a whole number" if whole else "a number"
            raise ValueError(f"must be {sort} from {low:g} to {high:g}; got {shown(value)}")
        return value if whole else float(value)

    return check


def _parse_whole(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise ValueError
    return int(text)


def _parse_float(text: str) -> float:
    if not re.fullmatch(r"[-+]?[0-9]{0,40}\.?[0-9]{1,40}(e[-+]?[0-9]{1,3})?", text, re.IGNORECASE):
        raise ValueError
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def whole(default: int, label: str, between: tuple[int, int], about: str) -> Any:
    knob = Knob(label, about, _parse_whole, _number(between, True), str, between)
    return field(default=default, metadata={"knob": knob})


Usual = Callable[[Mapping[str, Any]], Any]  # the other values -> a default


def real(default: float | Usual, label: str, between: tuple[float, float], about: str) -> Any:
    fixed, usual = (None, default) if callable(default) else (default, None)
    knob = Knob(label, about, _parse_float, _number(between, False), repr, between, usual=usual)
    return field(default=fixed, metadata={"knob": knob})


def choice(default: str | Usual, label: str, titles: dict[str, str], about: str) -> Any:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in titles:
            raise ValueError(f"must be one of {', '.join(titles)}; got {shown(value)}")
        return value

    fixed, usual = (None, default) if callable(default) else (default, None)
    knob = Knob(label, about, str, check, str, choices=titles, usual=usual)
    return field(default=fixed, metadata={"knob": knob})


def _check_hidden(value: Any) -> tuple[int, ...]:
    sizes = tuple(value) if isinstance(value, (tuple, list)) else ()
    good = all(type(size) is int and 1 <= size <= MAX_WIDTH for size in sizes)
    if not (good and 1 <= len(sizes) <= MAX_LAYERS):
        raise ValueError(f"must be 1 to {MAX_LAYERS} layers of 1 to {MAX_WIDTH} units; got {shown(value)}")
    return sizes


def _parse_hidden(text: str) -> tuple[int, ...]:
    return tuple(_parse_whole(size) for size in text[:100].split("-"))


def hidden_sizes(default: tuple[int, ...], label: str, about: str) -> Any:
    def text(sizes: tuple[int, ...]) -> str:
        return "-".join(map(str, sizes))

    return field(default=default, metadata={"knob": Knob(label, about, _parse_hidden, _check_hidden, text)})


def _check_loop(value: Any) -> tuple[str, ...]:
    names = tuple(value) if isinstance(value, (tuple, list)) else (None,)
    known = all(isinstance(name, str) and name in LINES for name in names)
    if not known or len(set(names)) != len(names):
        raise ValueError(f"must be lines of {', '.join(LINES)}, each at most once; got {shown(value)}")
    return names  # type: ignore[return-value]  # all are str, checked above


def _parse_loop(text: str) -> tuple[str, ...]:
    if not text:
        raise ValueError
    return () if text == NO_LINES else from_letters(text[:100])


def loop_lines(default: tuple[str, ...], label: str, about: str) -> Any:
    def text(names: tuple[str, ...]) -> str:
        return letters(names) or NO_LINES

    return field(default=default, metadata={"knob": Knob(label, about, _parse_loop, _check_loop, text)})


def _titles(table: Mapping[str, Any]) -> dict[str, str]:
    return {name: row.title for name, row in table.items()}


@dataclass(frozen=True)
class Config:
    """Everything that decides a run, and so its every bit on one machine."""

    dataset: str = choice("moons", "Data set", _titles(DATASETS), "What is learned from.")
    noise: float = real(0.2, "Noise", (0.0, 1.0), "Spread of the made data sets.")
    val_share: float = real(
        0.2, "Validation share", (0.0, 0.5), "Share of the rows held out; 0 trains on all."
    )
    model: str = choice("mlp", "Model", _titles(MODELS), "What is trained.")
    hidden: tuple[int, ...] = hidden_sizes(
        (16, 16), "Hidden sizes", "Units of each hidden layer of the MLP, such as 16-16."
    )
    activation: str = choice(
        "relu",
        "Activation",
        {name: module.__name__ for name, module in ACTIVATIONS.items()},
        "The function after each hidden layer of the MLP.",
    )
    loss: str = choice(
        lambda values: fitting(values["dataset"])[0],
        "Loss",
        _titles(LOSSES),
        "The number that training makes small.",
    )
    optimizer: str = choice("sgd", "Optimizer", _titles(OPTIMIZERS), "How gradients move the weights.")
    lr: float = real(0.5, "Learning rate", (0.0, 100.0), "How far one step goes.")
    momentum: float = real(
        lambda values: 0.9 if values["optimizer"] == "nesterov" else 0.0,
        "Momentum",
        (0.0, 1.0),
        "Share of the last step that goes into the next one.",
    )
    weight_decay: float = real(
        0.0, "Weight decay", (0.0, 1.0), "Pull of every weight towards 0, at every step."
    )
    batch_size: int = whole(0, "Batch size", (0, 1024), "Rows per step; 0 takes all rows at every step.")
    steps: int = whole(300, "Steps", (1, 5000), "How often the loop runs.")
    seed: int = whole(0, "Seed", (0, MAX_SEED), "Decides made data, split, starting weights and batches.")
    dtype: str = choice(
        "float32",
        "Precision",
        {"float32": "float32", "float64": "float64"},
        "The number format of weights and data.",
    )
    loop: tuple[str, ...] = loop_lines(
        USUAL, "Loop", "The lines in their order; leave letters out to leave lines out."
    )

    def __post_init__(self) -> None:
        for name, knob in KNOBS.items():
            given = getattr(self, name)
            try:
                value = usual(name, vars(self)) if given is None else knob.check(given)
                object.__setattr__(self, name, value)
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None
        for conflict in conflicts(vars(self)):
            raise ValueError(f"{conflict.field} {conflict.sentence}")

    def to_params(self) -> dict[str, str]:
        """The choices that differ from the defaults, as text: the address of this run."""
        return {
            name: knob.text(getattr(self, name))
            for name, knob in KNOBS.items()
            if getattr(self, name) != usual(name, vars(self))
        }

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> "Config":
        """The inverse of to_params; raises ValueError that names the field and its limit."""
        unknown = [name for name in params if name not in KNOBS]
        if unknown:
            raise ValueError(f"field must be one of {', '.join(KNOBS)}; got {shown(unknown[0])}")
        return cls(**{name: parse(name, text) for name, text in params.items()})


KNOBS: dict[str, Knob] = {f.name: f.metadata["knob"] for f in fields(Config)}
DEFAULTS: dict[str, Any] = {f.name: f.default for f in fields(Config)}


def usual(name: str, values: Mapping[str, Any]) -> Any:
    """The default of a field, given the other values."""
    knob = KNOBS[name]
    return knob.usual(values) if knob.usual else DEFAULTS[name]


def parse(name: str, text: str) -> Any:
    """The value of a field from text; raises ValueError that names field, limit and value."""
    knob = KNOBS[name]
    try:
        value = knob.parse(text)
    except (ValueError, KeyError):
        value = text  # not readable: the check refuses it in words
    try:
        return knob.check(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


@dataclass(frozen=True)
class Conflict:
    """Two choices that do not go together: the field to change, why, and to what."""

    field: str
    sentence: str
    nearest: Any


def conflicts(values: Mapping[str, Any]) -> Iterable[Conflict]:
    """Every pair of choices that does not fit, each with the nearest choice that does."""
    dataset, model, loss = values["dataset"], values["model"], values["loss"]
    only_for = MODELS[model].only_for
    if only_for not in (None, dataset):
        yield Conflict("model", f"must fit the data set: {model} is for {only_for}; got {dataset}", "mlp")
    if target_form(loss, dataset) is None:
        offered = fitting(dataset)
        yield Conflict("loss", f"must be one of {', '.join(offered)} for {dataset}; got {loss}", offered[0])
    if values["optimizer"] == "nesterov" and values["momentum"] == 0:
        yield Conflict("momentum", "must be above 0 for nesterov; got 0.0", usual("momentum", values))


def with_changes(config: Config, changes: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """A Config with some fields changed, and a sentence for each choice that had to give way.

    What stood at its default keeps to the default, which may be another one now.
    """
    values = vars(config)
    follow = {n: None for n, knob in KNOBS.items() if knob.usual and values[n] == usual(n, values)}
    return nearest({**values, **follow, **changes})


def nearest(values: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """The Config of these values, and a sentence for each that had to change to fit the others.

    None stands for a default that depends on the other values.
    """
    given: dict[str, Any] = {}
    for name, value in values.items():
        given[name] = usual(name, given) if value is None else value
    sentences = []
    while conflict := next(iter(conflicts(given)), None):
        given[conflict.field] = conflict.nearest
        text = KNOBS[conflict.field].text(conflict.nearest)
        sentences.append(f"{conflict.field} {conflict.sentence}; {text} is taken")
    return Config(**given), sentences
