"""Fields of Config: what each says about itself, its label, help and limits, and its text in links.

Each maker below gives a dataclass field of one kind of value: a whole number, a real one, a
choice, a list. The check, the widget, the address and the exported script derive from the Knob.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.data import FORMS_OF_TASK, NO_FILE, Own, at_hand
from core.lines import BEFORE, LINES, MAX_LINES, from_letters, letters, part
from core.models import STARTS
from core.words import shown

Signature = Mapping[str, inspect.Parameter]
Arguments = tuple[tuple[str, Any], ...]  # names and values of a call, in the order of the names

MAX_LAYERS, MAX_WIDTH = 6, 256
MAX_START = 1000.0  # size of a starting weight that is given
MAX_CHANGES = 20  # of the learning rate in one run
RATES, STEPS = (0.0, 1e6), (1, 20_000)  # limits of a learning rate, and of how often the loop runs
MAX_ARGUMENTS_TEXT = 500  # characters, of all that are given; a text of one field in a link can have more
MAX_NUMBER, MAX_COUNT, MAX_NUMBERS = 1e9, 100, 10  # in arguments: of a number, of a whole one, of numbers
MAX_TEXT = 800  # characters of one field in a link; the longest that a field writes is shorter
NO_LINES = "none"  # a loop without lines, in links
USUAL_ARGUMENTS = "none"  # nothing but the defaults, in links
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
            limits = f"{low:.15g} to {high:.15g}" if isinstance(high, float) else f"{low} to {high}"
            raise ValueError(f"must be {sort} from {limits}; got {shown(value)}")
        return value if whole else float(value)

    return check


def _parse_whole(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
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
        limit = f"known lines, each at most once, at most {MAX_LINES}, such as ZFLBS or ZFLB.step_again.S"
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
    """Nothing, a name in STARTS, or numbers: one for every tensor, or one for each, 5_2 in links."""
    check_one = _number((-MAX_START, MAX_START), whole=False)

    def check(value: Any) -> tuple[float, ...] | tuple[str]:
        if not isinstance(value, (tuple, list)) or len(value) > 4 * MAX_LAYERS + 2:
            limit = f"{DRAWN}, {', '.join(STARTS)}, or numbers, one for all tensors or one for each"
            raise ValueError(f"must be {limit}; got {shown(value)}")
        if len(value) == 1 and isinstance(value[0], str) and value[0] in STARTS:
            return (value[0],)
        return tuple(check_one(number) for number in value)

    def parse(text: str) -> tuple[float, ...] | tuple[str]:
        if text in STARTS:
            return (text,)
        return () if text == DRAWN else tuple(_parse_float(part) for part in text.split("_"))

    def text(value: tuple[Any, ...]) -> str:
        return "_".join(one if isinstance(one, str) else _short(one) for one in value) or DRAWN

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


def columns_text(columns: Iterable[int]) -> str:
    """0, 1, 2, 5 -> 0-2.5."""
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
        parts = own.digest, columns_text(own.inputs), str(own.target), own.task, own.name
        return "_".join(parts) if own.digest else NO_OWN

    return field(default=NO_FILE, metadata={"knob": Knob(label, about, parse, _check_own, text)})


# Arguments of torch.optim and of losses that make no difference here, and why.
EXCLUDED = {
    **dict.fromkeys(("params", "parameters"), "every run gives its own"),
    **dict.fromkeys(("foreach", "fused"), "the same update, computed in another way"),
    "capturable": "for CUDA graphs, which no run makes",
    "differentiable": "for gradients through the optimizer, which no run takes",
    **dict.fromkeys(("size_average", "reduce"), "deprecated in favor of reduction"),
}
WORDS = {  # arguments that are one of a few words
    "reduction": (
        "mean",
        "sum",
        "batchmean",
    ),  # with "none" a loss is no number; a line of its own shows that
    "adjust_lr_fn": ("original", "match_rms_adamw"),
    "line_search_fn": ("strong_wolfe",),
}


def offered(signature: Signature) -> Signature:
    """The arguments of a call that there is a choice of."""
    return {name: p for name, p in signature.items() if name not in EXCLUDED}


def kind(parameter: inspect.Parameter) -> str:
    """What an argument is by its signature: a "switch", a "word", a "whole" number, "tensor" or "numbers"."""
    annotation = str(parameter.annotation)
    if isinstance(parameter.default, bool):
        return "switch"
    if parameter.name in WORDS:
        return "word"
    if "Tensor" in annotation and parameter.default is None:
        return "tensor"
    return (
        "whole"
        if "int" in annotation.replace("<class ", "").split("'") + annotation.split(" | ")
        else "numbers"
    )


def arguments(label: str, about: str, signatures: Callable[[], Iterable[Signature]]) -> Any:
    """Arguments of any of the calls, plain bounded values: betas_0.9_0.99__amsgrad_1 in links."""

    def kinds() -> dict[str, str]:
        return {name: kind(p) for one in signatures() for name, p in offered(one).items()}

    def parse(text: str) -> Arguments:
        return () if text == USUAL_ARGUMENTS else tuple(_parse_argument(t, kinds()) for t in text.split("__"))

    def check(value: Any) -> Arguments:
        if value == ():
            return ()
        known = kinds()
        pairs = dict(map(tuple, value)) if _are_pairs(value) else {}
        if not pairs or len(pairs) != len(value) or not all(name in known for name in pairs):
            limit = "names of arguments with their values, each once, such as betas_0.9_0.99__amsgrad_1"
            raise ValueError(f"must be {limit}; got {shown(value)}")
        checked = tuple((name, _check_argument(name, known[name], pairs[name])) for name in sorted(pairs))
        if len(arguments_text(checked)) > MAX_ARGUMENTS_TEXT:
            raise ValueError(f"must be at most {MAX_ARGUMENTS_TEXT} characters; got {shown(value)}")
        return checked

    knob = Knob(label, about, parse, check, arguments_text)
    return field(default=(), metadata={"knob": knob})


def _parse_argument(text: str, kinds: Mapping[str, str]) -> tuple[str, Any]:
    name = max((name for name in kinds if text.startswith(f"{name}_")), key=len)
    value = text[len(name) + 1 :]
    if kinds[name] == "switch":
        return name, {"1": True, "0": False}[value]
    if kinds[name] == "word":
        return name, value
    if kinds[name] == "whole":
        return name, _parse_whole(value)
    parts = [None if part == "none" else _parse_float(part) for part in value.split("_")]
    return name, tuple(parts) if len(parts) > 1 or kinds[name] == "tensor" else parts[0]


def _check_argument(name: str, kind: str, value: Any) -> Any:
    """The value in its proper type: a whole number where one is asked for, else floats."""
    several = isinstance(value, (tuple, list))
    parts = list(value) if several else [value]
    if kind == "switch":
        good, what = isinstance(value, bool), "1 or 0"
    elif kind == "word":
        good, what = isinstance(value, str) and value in WORDS[name], f"one of {', '.join(WORDS[name])}"
    elif kind == "whole":
        good = type(value) is int and abs(value) <= MAX_COUNT
        what = f"a whole number up to {MAX_COUNT}"
    else:
        good = 1 <= len(parts) <= MAX_NUMBERS and all(map(_is_argument_number, parts))
        what = f"1 to {MAX_NUMBERS} numbers of at most {MAX_NUMBER:g}"
    if not good:
        raise ValueError(f"must be {what} for {name}; got {shown(value)}")
    if kind not in ("numbers", "tensor"):
        return value
    numbers = tuple(None if part is None else float(part) for part in parts)
    return numbers if several else numbers[0]


def _is_argument_number(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value is None or (number and abs(value) <= MAX_NUMBER)


def arguments_text(given: Arguments) -> str:
    return "__".join(f"{name}_{argument_text(value)}" for name, value in given) or USUAL_ARGUMENTS


def argument_text(value: Any) -> str:
    """One value, as in a link."""
    if isinstance(value, (tuple, list)):
        return "_".join(map(argument_text, value))
    if isinstance(value, str):
        return value
    return "none" if value is None else _short(value)


def arguments_in_words(given: Arguments) -> str:
    """As in a call."""
    return ", ".join(f"{name}={value!r}" for name, value in given) or "usual arguments"
