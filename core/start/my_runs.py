"""My runs: comparisons that a visitor saved, in one file to come back with on another day or machine.

An entry is an address, from which all of it is trained anew, and what each run ended with when it was saved.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.budget import MAX_RUNS
from core.own.checks import count, list_of, load, matching, maybe, number, object_of
from core.own.recording import read as read_recording
from core.result import Result, path
from core.start.address import Address, read_address
from core.verdict import WORDS, Verdict

FORMAT = "loop lab runs 1"
MAX_ENTRIES = 50
MAX_BYTES = 4 * 2**20
PAGE = "compare"  # the page that has runs to keep
LAST = -1


@dataclass(frozen=True)
class Ended:
    """A run when it was saved. verdict: of core.verdict.WORDS. done: its steps.

    loss: the last one, None if none was computed. accuracy: over the training rows, None without classes.
    """

    name: str
    verdict: str
    done: int
    loss: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Entry:
    """day: as 2026-11-28. torch: the version it ran with. recording: a run.json beside it, or ""."""

    address: Address
    day: str
    torch: str
    runs: tuple[Ended, ...]
    recording: str = ""


def ended(name: str, result: Result, verdict: Verdict) -> Ended:
    """What a run ended with."""
    losses = path(result).losses
    scores = result.evaluations["train_accuracy"].dropna()
    return Ended(
        name,
        verdict.word,
        result.done,
        float(losses[LAST]) if len(losses) else None,
        float(scores.iloc[LAST]) if len(scores) else None,
    )


def differing(then: Sequence[Ended], now: Sequence[Ended]) -> list[tuple[Ended, Ended]]:
    """The runs of two trainings of one address that did not end alike, to the last bit."""
    return [(a, b) for a, b in zip(then, now, strict=False) if repr(a) != repr(b)]  # repr: nan is like nan


def added(entries: Sequence[Entry], more: Sequence[Entry]) -> tuple[Entry, ...]:
    """All of them, newest first, one that is there already not again.

    Raises ValueError with one sentence if they would be too many, or too large for a file that is read again.
    """
    every = tuple({repr(entry): entry for entry in (*more, *entries)}.values())
    if len(every) > MAX_ENTRIES:
        raise ValueError(f"My runs must be at most {MAX_ENTRIES}; they would be {len(every)}: remove some")
    if len(text(every).encode()) > MAX_BYTES:
        raise ValueError("The file of my runs would be too large: remove one with a recording")
    return every


def text(entries: Sequence[Entry]) -> str:
    """The file."""
    kept = [
        asdict(entry) | {"address": entry.address.text(), "runs": [_fields(run) for run in entry.runs]}
        for entry in entries
    ]
    return json.dumps({"format": FORMAT, "entries": kept}, indent=1, allow_nan=False)


def _fields(run: Ended) -> dict[str, Any]:
    """A number that JSON does not have, inf or nan, as text."""
    return {
        name: f"{value}" if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(run).items()
    }


def read(data: bytes) -> tuple[tuple[Entry, ...], list[str]]:
    """The entries of a file, and a sentence for each that this app cannot open.

    Raises ValueError with one sentence if it is no such file.
    """
    entries, refused = [], []
    found = load(data, MAX_BYTES, "one that My runs has saved", FORMAT, FILE)["entries"]
    for place, fields in enumerate(found, 1):
        try:
            entries.append(_entry(**fields))
        except ValueError as error:
            refused.append(f"Entry {place} is left out: {error}")
    return tuple(entries), refused


def _entry(address: str, day: str, torch: str, runs: list[dict[str, Any]], recording: str) -> Entry:
    """Raises ValueError with one sentence if the page would not take it."""
    where = read_address(address)
    if where.page != PAGE:
        raise ValueError(f"its page must be {PAGE}; got {where.page}")
    if recording:
        read_recording(recording.encode())
    return Entry(where, day, torch, tuple(Ended(**run) for run in runs), recording)


_text = matching(re.compile(r"[^\x00-\x1f\x7f]{0,4000}"), "a text of at most 4,000 characters")
_RUN = {
    "name": _text,
    "verdict": matching(re.compile("|".join(WORDS)), "a word of the page The words"),
    "done": count,
    "loss": maybe(number),
    "accuracy": maybe(number),
}
FILE = {
    "entries": list_of(
        object_of(
            {
                "address": matching(re.compile(r"[!-~]{1,20000}"), "an address of at most 20,000 characters"),
                "day": matching(re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII), "a day as 2026-11-28"),
                "torch": matching(re.compile(r"[\w.+]{1,40}", re.ASCII), "a version of PyTorch"),
                "runs": list_of(object_of(_RUN), MAX_RUNS, 1),
                "recording": matching(re.compile(r"(?s).{0,1048576}"), "the text of a run.json, or none"),
            }
        ),
        MAX_ENTRIES,
    )
}
