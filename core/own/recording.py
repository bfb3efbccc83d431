"""Reads run.json, which anybody may have written: bounded plain data, or one sentence that says what is off.

Nothing of it is executed. Its size is checked before it is parsed, every field and every number before it is
used; a field that is not known is refused.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core import recorder
from core.words import shown, size_text

MAX_BYTES = 2**20
MAX_COUNT = 10**12
MAX_MANY = 16  # models, optimizers, dimensions of a shape
MAX_SPARE = 100  # rows beyond the recorder's limit: the last one of each optimizer
NAME = re.compile(r"[\w.:<>\[\]-]{1,300}")
TEXT = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f]{0,300}")
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


@dataclass(frozen=True)
class Recording:
    """A checked file: its fields as `core.recorder.Recording.contents` wrote them, inf and nan as floats."""

    torch: str
    models: list[str]
    loss_fn: str | None
    loss_is_module: bool
    optimizers: list[str]
    mode_matters: bool
    updates: int
    counts: dict[str, int]
    first: dict[str, dict[str, Any]]
    loss_facts: dict[str, Any]
    weights: list[float]
    orders: list[list[Any]]
    parameters: list[dict[str, Any]]
    rows: dict[str, list[Any]]
    details: list[dict[str, Any]]
    error: dict[str, Any] | None
    failure: str

    @property
    def steps_seen(self) -> int:
        """Calls of optimizer.step, those inside of a scaler included."""
        return self.counts["steps"] + self.counts["skipped"]


Check = Callable[[Any, str], Any]  # value and its name in the file -> value; raises ValueError


def read(data: bytes) -> Recording:
    """The recording in a file. Raises ValueError with one sentence."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"The file must be at most {size_text(MAX_BYTES)}; it has {size_text(len(data))}")
    try:
        contents = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_once,
            parse_int=_int,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise ValueError("The file must be text in UTF-8, as recording.save writes it") from None
    except RecursionError:
        raise ValueError("The file is nested too deep for a recording") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"The file must be JSON; it is not from line {error.lineno} on") from None
    if not isinstance(contents, dict) or contents.get("format") != recorder.FORMAT:
        raise ValueError(f"The file must be a recording of loop_recorder.py, format {recorder.FORMAT!r}")
    found = _fields(FILE)({name: value for name, value in contents.items() if name != "format"}, "the file")
    recording = Recording(**found)
    _fits_together(recording)
    return recording


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A field must stand once in an object of the file")
    return found


def _int(text: str) -> int:
    if len(text) > 16:
        raise ValueError(f"A whole number of the file must have at most 16 digits; one has {len(text):,}")
    return int(text)


def _constant(text: str) -> float:
    raise ValueError(f"Numbers of the file must be JSON; {shown(text)} is none")


def _bad(name: str, what: str, value: Any) -> ValueError:
    kinds = {dict: "an object", list: "a list"}
    got = kinds.get(type(value)) or shown(value)
    return ValueError(f"{name} must be {what}; got {got}")


def _count(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise _bad(name, "a whole number from 0 on", value)
    return value


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise _bad(name, "true or false", value)
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _bad(name, 'a number, or "inf", "-inf" or "nan"', value)
    return float(value)


def _size(value: Any, name: str) -> float:
    number = _number(value, name)
    if number < 0:
        raise _bad(name, "0 or more", value)
    return number


def _matching(pattern: re.Pattern[str], what: str) -> Check:
    def check(value: Any, name: str) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise _bad(name, what, value)
        return value

    return check


def _maybe(check: Check) -> Check:
    return lambda value, name: None if value is None else check(value, name)


def _list(check: Check, most: int, least: int = 0) -> Check:
    def checked(value: Any, name: str) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            long = f"a list of {least} to {most:,}" if least != most else f"a list of {most:,}"
            raise ValueError(
                f"{name} must be {long}; got {len(value) if isinstance(value, list) else 'none'}"
            )
        return [check(one, name) for one in value]

    return checked


def _fields(checks: Mapping[str, Check], all_of_them: bool = True) -> Check:
    """An object with these fields and no others."""

    def checked(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _bad(name, "an object", value)
        unknown = [key for key in value if key not in checks]
        if unknown:
            raise ValueError(f"{name} has a field that no recording has: {shown(unknown[0])}")
        missing = [key for key in checks if key not in value]
        if missing and all_of_them:
            raise ValueError(f"{name} lacks the field {missing[0]}")
        return {key: check(value[key], key) for key, check in checks.items() if key in value}

    return checked


def _order(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != 4:
        raise _bad(name, "lines with three numbers", value)
    return [_lines(value[0], name), *(_count(one, name) for one in value[1:])]


_name, _text = _matching(NAME, "a name"), _matching(TEXT, "a text of at most 300 characters")
_lines = _matching(
    re.compile(f"other|[{''.join(recorder.LINES)}]{{0,{recorder.MAX_LINES + 1}}}"), "letters of lines"
)
_places = _list(_count, recorder.MAX_PARAMETERS)
_ROWS = recorder.MAX_ROWS + MAX_SPARE
_OF_ROWS: dict[str, Check] = dict.fromkeys(recorder.COLUMNS, _maybe(_size)) | {
    "update": _count,
    "optimizer": _maybe(_count),
    "loss": _maybe(_number),
    "lr": _maybe(_number),
    "batches": _count,
}
_PARAMETER: dict[str, Check] = {
    "name": _name,
    "shared": _count,
    "entries": _count,
    "trained": _flag,
    "in_model": _flag,
    "optimizers": _list(_count, MAX_MANY),
    "gradients": _count,
    "zeros": _count,
}
_CHANGE: dict[str, Check] = {"update": _count, "before": _number, "after": _number}
_FIRST: dict[str, Check] = {
    "grad_changed": _fields(_CHANGE),
    "rate_moved": _fields(_CHANGE),
    "accumulated": _fields({"update": _count, "backwards": _count}),
    "nonfinite": _fields(
        {
            "update": _count,
            "line": _matching(re.compile("|before|forward|loss|backward|between|step"), "a line"),
            "tensor": _name,
        }
    ),
}
_LOSS_FACTS: dict[str, Check] = {
    "shapes": _list(_list(_count, MAX_MANY), 2),
    "dtypes": _list(_name, 2),
    "entries": _count,
    "looks": _count,
    "rows_of_one": _count,
    "low": _number,
    "high": _number,
}
_ERROR: dict[str, Check] = {
    "type": _name,
    "text": _matching(re.compile(r"[^\x00]{0,300}", re.DOTALL), "a text of at most 300 characters"),
    "source": _text,
    "lines": _lines,
    "update": _count,
}
_CELLS = _list(_list(_maybe(_size), recorder.MAX_PARAMETERS), recorder.MAX_CELLS)
_DETAIL: dict[str, Check] = {
    "parameters": _places,
    "update": _list(_count, recorder.MAX_CELLS),
    **dict.fromkeys(recorder.DETAILS, _CELLS),
}
FILE: dict[str, Check] = {
    "torch": _name,
    "models": _list(_name, MAX_MANY),
    "loss_fn": _maybe(_name),
    "loss_is_module": _flag,
    "optimizers": _list(_name, MAX_MANY, 1),
    "mode_matters": _flag,
    "updates": _count,
    "counts": _fields(dict.fromkeys(recorder.COUNTS, _count)),
    "first": _fields(_FIRST, all_of_them=False),
    "loss_facts": _fields(_LOSS_FACTS, all_of_them=False),
    "weights": _list(_size, 2, 2),
    "orders": _list(_order, recorder.MAX_ORDERS + 1),
    "parameters": _list(_fields(_PARAMETER), recorder.MAX_PARAMETERS),
    "rows": _fields({name: _list(check, _ROWS) for name, check in _OF_ROWS.items()}),
    "details": _list(_fields(_DETAIL), MAX_MANY),
    "error": _maybe(_fields(_ERROR)),
    "failure": _text,
}


def _fits_together(found: Recording) -> None:
    """Lengths that belong together, and updates in their order. Raises ValueError."""
    rows, optimizers = found.rows, len(found.optimizers)
    if len({len(column) for column in rows.values()}) > 1:
        raise ValueError("rows must have as many entries in each column")
    _rises(rows["update"], found.updates, "rows")
    if any(one is not None and one >= optimizers for one in rows["optimizer"]):
        raise ValueError(f"optimizer must be less than {optimizers}, the number of optimizers")
    if len(found.details) != optimizers:
        raise ValueError(f"details must be {optimizers}, one of each optimizer; got {len(found.details)}")
    for one in found.details:
        _rises(one["update"], found.updates, "details")
        if any(place >= len(found.parameters) for place in one["parameters"]):
            raise ValueError("details must be of parameters that the file names")
        shape = len(one["update"]), len(one["parameters"])
        for name in recorder.DETAILS:
            if len(one[name]) != shape[0] or any(len(row) != shape[1] for row in one[name]):
                raise ValueError(f"{name} must have {shape[0]} rows of {shape[1]} numbers in details")


def _rises(updates: list[int], count: int, name: str) -> None:
    if any(after <= before for before, after in pairwise(updates)):
        raise ValueError(f"update must rise from row to row in {name}")
    if updates and updates[-1] >= max(count, 1):
        raise ValueError(f"update must be less than {count}, the number of updates, in {name}")
