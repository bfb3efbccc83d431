"""JSON that anybody may have written, as bounded plain data: checked field by field, or one sentence.

A check takes a value and its name in the file and returns the value; it raises ValueError with the sentence.
A table of checks describes an object; a field that is not in the table is refused.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from core.words import shown, size_text

MAX_COUNT = 10**12
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}

Check = Callable[[Any, str], Any]


def load(
    data: bytes,
    most: int,
    what: str,
    wanted: str,
    fields: Mapping[str, Check],
    may_lack: Collection[str] = (),
) -> dict[str, Any]:
    """The checked fields of a file of at most so many bytes, whose field `format` is the wanted text.

    what: the file is, in words. Raises ValueError with one sentence.
    """
    if len(data) > most:
        raise ValueError(f"The file must be at most {size_text(most)}; it has {size_text(len(data))}")
    try:
        contents = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_once,
            parse_int=_int,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise ValueError("The file must be text in UTF-8, as it was saved") from None
    except RecursionError:
        raise ValueError("The file is nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"The file must be JSON; it is not from line {error.lineno} on") from None
    if not isinstance(contents, dict) or contents.get("format") != wanted:
        raise ValueError(f"The file must be {what}, format {wanted!r}")
    found = {name: value for name, value in contents.items() if name != "format"}
    return object_of(fields, may_lack)(found, "the file")


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


def bad(name: str, what: str, value: Any) -> ValueError:
    """The error to raise: what a field must be, and what it is."""
    kinds = {dict: "an object", list: "a list"}
    got = kinds.get(type(value)) or shown(value)
    return ValueError(f"{name} must be {what}; got {got}")


def count(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise bad(name, "a whole number from 0 on", value)
    return value


def flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise bad(name, "true or false", value)
    return value


def number(value: Any, name: str) -> float:
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise bad(name, 'a number, or "inf", "-inf" or "nan"', value)
    return float(value)


def size(value: Any, name: str) -> float:
    found = number(value, name)
    if found < 0:
        raise bad(name, "0 or more", value)
    return found


def matching(pattern: re.Pattern[str], what: str) -> Check:
    def check(value: Any, name: str) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise bad(name, what, value)
        return value

    return check


def maybe(check: Check) -> Check:
    return lambda value, name: None if value is None else check(value, name)


def list_of(check: Check, most: int, least: int = 0) -> Check:
    def checked(value: Any, name: str) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            long = f"a list of {least} to {most:,}" if least != most else f"a list of {most:,}"
            raise ValueError(
                f"{name} must be {long}; got {len(value) if isinstance(value, list) else 'none'}"
            )
        return [check(one, name) for one in value]

    return checked


def object_of(checks: Mapping[str, Check], may_lack: Collection[str] = ()) -> Check:
    """An object with these fields, of which it may lack some, and no others."""

    def checked(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise bad(name, "an object", value)
        unknown = [key for key in value if key not in checks]
        if unknown:
            raise ValueError(f"{name} has a field that is not known: {shown(unknown[0])}")
        missing = [key for key in checks if key not in value and key not in may_lack]
        if missing:
            raise ValueError(f"{name} lacks the field {missing[0]}")
        return {key: check(value[key], key) for key, check in checks.items() if key in value}

    return checked
