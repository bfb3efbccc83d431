"""Fields of Config: what each says about itself, its label, help and limits, and its text in links.

Each maker below gives a dataclass field of one kind of value: a whole number, a real one, a
choice, a list. The check, the widget, the address and the exported script derive from the Knob.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.data import FORMS_OF_TASK, NO_FILE, Own, at_hand
from core.lines import BEFORE, LETTERED, LINES, MAX_LINES, from_letters, letters, part
from core.words import shown

MAX_LAYERS, MAX_WIDTH = 3, 256
MAX_START = 1000.0  # size of a starting weight that is given
MAX_CHANGES = 20  # of the learning rate in one run
RATES, STEPS = (0.0, 100.0), (1, 5000)  # limits of a learning rate, and of how often the loop runs
MAX_TEXT = 800  # characters of one field in a link; the longest that a field writes is shorter
NO_LINES = "none"  # a loop without lines, in links
DRAWN = "drawn"  # starting weights from the seed, in links
NO_CHANGES = "none"  # a learning rate that stays, in links


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
    return tuple(_parse_whole(size) for size in text.split("-"))


def hidden_sizes(default: tuple[int, ...], label: str, about: str) -> Any:
    def text(sizes: tuple[int, ...]) -> str:
        return "-".join(map(str, sizes))

    return field(default=default, metadata={"knob": Knob(label, about, _parse_hidden, _check_hidden, text)})


def _check_loop(value: Any) -> tuple[str, ...]:
    names: tuple[Any, ...] = tuple(value) if isinstance(value, (tuple, list)) else (None,)
    known = all(isinstance(name, str) and name in LINES for name in names)
    if not known or len(names) > MAX_LINES or _twice(names) or _twice(tuple(map(part, names))):
        limit = f"lines of {', '.join(LETTERED)} or known mistakes, each at most once, at most {MAX_LINES}"
        raise ValueError(f"must be {limit}; got {shown(value)}")
    return names  # type: ignore[return-value]  # all are str, checked above


def _twice(names: tuple[Any, ...]) -> bool:
    return len(set(names)) != len(names)


def _parse_loop(text: str) -> tuple[str, ...]:
    if not text:
        raise ValueError
    return () if text == NO_LINES else from_letters(text)


def loop_lines(usual: Usual, label: str, about: str) -> Any:
    def text(names: tuple[str, ...]) -> str:
        return letters(names) or NO_LINES

    knob = Knob(label, about, _parse_loop, _check_loop, text, usual=usual)
    return field(default=None, metadata={"knob": knob})


def _check_before(value: Any) -> tuple[str, ...]:
    names: tuple[Any, ...] = tuple(value) if isinstance(value, (tuple, list)) else (None,)
    if not all(isinstance(name, str) and name in BEFORE for name in names) or _twice(names):
        raise ValueError(f"must be lines of {', '.join(BEFORE)}, each at most once; got {shown(value)}")
    return names


def lines_before(label: str, about: str) -> Any:
    """Names of lines that run once before the loop: scheduler.dead_relu in links."""

    def parse(text: str) -> tuple[str, ...]:
        return () if text == NO_LINES else tuple(text.split("."))

    def text(names: tuple[str, ...]) -> str:
        return ".".join(names) or NO_LINES

    return field(default=(), metadata={"knob": Knob(label, about, parse, _check_before, text)})


def _short(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def starting_weights(label: str, about: str) -> Any:
    """No number, or one for every tensor, or one per tensor: 5_2 in links."""
    check_one = _number((-MAX_START, MAX_START), whole=False)

    def check(value: Any) -> tuple[float, ...]:
        if not isinstance(value, (tuple, list)) or len(value) > 4 * MAX_LAYERS + 2:
            raise ValueError(f"must be numbers, one for all tensors or one for each; got {shown(value)}")
        return tuple(check_one(number) for number in value)

    def parse(text: str) -> tuple[float, ...]:
        return () if text == DRAWN else tuple(_parse_float(part) for part in text.split("_"))

    def text(value: tuple[float, ...]) -> str:
        return "_".join(map(_short, value)) or DRAWN

    return field(default=(), metadata={"knob": Knob(label, about, parse, check, text)})


def _check_schedule(value: Any) -> tuple[tuple[int, float], ...]:
    changes = tuple(map(tuple, value)) if _are_pairs(value) else None
    if changes is None or len(changes) > MAX_CHANGES:
        raise ValueError(f"must be at most {MAX_CHANGES} pairs of step and rate; got {shown(value)}")
    steps = [_number(STEPS, whole=True)(step) for step, _ in changes]
    rates = [_number(RATES, whole=False)(rate) for _, rate in changes]
    if steps != sorted(set(steps)):
        raise ValueError(f"must be steps in their order, each step once; got {shown(value)}")
    return tuple(zip(steps, rates, strict=True))


def _are_pairs(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(
        isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in value
    )


def _parse_schedule(text: str) -> tuple[tuple[int, float], ...]:
    if text == NO_CHANGES:
        return ()
    pairs = [part.split("_") for part in text.split("__")]
    return tuple((_parse_whole(step), _parse_float(rate)) for step, rate in pairs)


def schedule(label: str, about: str) -> Any:
    """(step, learning rate) pairs, each from that step on: 120_0.1__200_0.01 in links."""

    def text(changes: tuple[tuple[int, float], ...]) -> str:
        return "__".join(f"{step}_{_short(rate)}" for step, rate in changes) or NO_CHANGES

    return field(default=(), metadata={"knob": Knob(label, about, _parse_schedule, _check_schedule, text)})


MAX_COLUMNS = 200  # of an own file
NO_OWN = "none"  # in links
OWN_NAME = r"[\w .()+-]{1,80}"  # names of files that a link can hold


def _check_own(value: Any) -> Own:
    if value == NO_FILE:
        return NO_FILE
    good = isinstance(value, Own) and all(map(isinstance, value, (str, str, tuple, int, str, str)))
    if not good or not _is_own(value):
        raise ValueError(f"must be none, or hash_inputs_target_task_name of a file; got {shown(value)}")
    return value


def _is_own(own: Own) -> bool:
    columns = (*own.inputs, own.target)
    numbers = all(type(column) is int and 0 <= column < MAX_COLUMNS for column in columns)
    if not numbers or not own.inputs or own.target in own.inputs or _twice(own.inputs):
        return False
    ascending = list(own.inputs) == sorted(own.inputs)
    texts = re.fullmatch(OWN_NAME, own.name) and re.fullmatch(r"[0-9a-f]{16}", own.digest)
    return bool(ascending and texts and own.task in FORMS_OF_TASK)


def _parse_columns(text: str) -> list[int]:
    """0-2.5 -> 0, 1, 2, 5."""
    ends = [[_parse_whole(end) for end in part.split("-")] for part in text.split(".")]
    if any(len(pair) > 2 or max(pair) >= MAX_COLUMNS for pair in ends):
        raise ValueError
    return [column for pair in ends for column in range(pair[0], pair[-1] + 1)]


def _columns_text(columns: tuple[int, ...]) -> str:
    runs: list[list[int]] = []
    for column in columns:
        if runs and column == runs[-1][-1] + 1:
            runs[-1].append(column)
        else:
            runs.append([column])
    return ".".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def own_file(label: str, about: str) -> Any:
    """What is taken of an own file: 3f0c9d21a4b5e678_0-3_4_classes_iris.csv in links."""

    def parse(text: str) -> Own:
        if text == NO_OWN:
            return NO_FILE
        digest, inputs, target, task, name = text.split("_", 4)
        own = Own(name, digest, tuple(_parse_columns(inputs)), _parse_whole(target), task)
        if not _is_own(own):
            raise ValueError
        return own._replace(token=at_hand(digest))

    def text(own: Own) -> str:
        parts = own.digest, _columns_text(own.inputs), str(own.target), own.task, own.name
        return "_".join(parts) if own.digest else NO_OWN

    return field(default=NO_FILE, metadata={"knob": Knob(label, about, parse, _check_own, text)})
