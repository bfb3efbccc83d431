"""Claim: a sentence from course notes, a judgement, and a few lines that compute what it rests on.

The lines are a plain function: its source is what is shown, and what it returns is what PyTorch gives.
The judgement stands as long as `rests_on` is true of that; a later PyTorch may give something else.
"""

import inspect
import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from core import data, torch_warnings
from core.compare.comparison import Comparison, Variant
from core.config import Config
from core.watch.examples import PRESETS

JUDGEMENTS = {
    "holds": "it is true as stated.",
    "imprecise": "it is true in part, or under a condition that the words leave out.",
    "wrong": "PyTorch does something else.",
}

DIGITS, TINY = 1e-4, 1e-7  # relative and absolute difference of two numbers that count as equal


@dataclass(frozen=True)
class Link:
    """Where one can play with it: a page, and the fields of its address."""

    page: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """One claim of the notes.

    words: theirs, as Markdown; … where some are left out. judgement: a key of JUDGEMENTS. why: one or
    two sentences. lines: the function that computes label -> value. rests_on: what must be true of
    those values for the judgement to stand. also: keys of `core.notes.notes.NOTES` that say the same.
    """

    words: str
    judgement: str
    why: str
    lines: Callable[[], dict[str, Any]]
    rests_on: Callable[[dict[str, Any]], Any]
    link: Link | None = None
    also: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The very lines that are executed."""
        return textwrap.dedent(inspect.getsource(self.lines))

    def stands(self, values: dict[str, Any]) -> bool:
        """Whether the judgement rests on these values; what cannot be compared does not bear it out."""
        try:
            return bool(self.rests_on(values))
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, RuntimeError):
            return False


@dataclass(frozen=True)
class Answer:
    """What PyTorch gives, as text by label, and whether the judgement stands."""

    values: tuple[tuple[str, str], ...]
    stands: bool


def answer(claim: Claim) -> Answer:
    """Execute a claim's lines now. Lines that raise leave the judgement without support."""
    try:
        values = claim.lines()
    except Exception as exception:  # noqa: BLE001  (whatever another PyTorch says, the reader sees)
        raised = _first_sentence(type(exception).__name__, str(exception))
        return Answer((("these lines raise", raised),), False)
    shown = tuple((label, as_text(value)) for label, value in values.items())
    return Answer(shown, claim.stands(values))


def as_text(value: Any) -> str:
    """A value as text: tensors as PyTorch prints them; numbers with nine digits, as many as float32 has."""
    if isinstance(value, Tensor):
        return " ".join(repr(value).split())
    if isinstance(value, float):
        return repr(float(f"{value:.9g}"))
    if isinstance(value, list):
        return f"[{', '.join(as_text(entry) for entry in value)}]"
    return str(value)


def gives(*expected: Any) -> Callable[[dict[str, Any]], bool]:
    """What a judgement may rest on: the values, in their order, are as expected (see `fits`)."""

    def check(values: dict[str, Any]) -> bool:
        return fits(list(values.values()), list(expected))

    return check


def fits(value: Any, expected: Any) -> bool:
    """Whether a value is as expected: numbers to four digits, words if they contain the expected ones.

    Of lists and tensors every entry, in the same shape. A function is asked; all else must be equal.
    """
    if isinstance(value, Tensor):
        value = value.tolist()
    if callable(expected):
        return bool(expected(value))
    if isinstance(expected, list):
        return isinstance(value, list) and len(value) == len(expected) and all(map(fits, value, expected))
    if isinstance(expected, str):
        return isinstance(value, str) and expected in value
    if isinstance(expected, float):
        return isinstance(value, float) and math.isclose(value, expected, rel_tol=DIGITS, abs_tol=TINY)
    return type(value) is type(expected) and value == expected


def said(call: Callable[[], Any]) -> str:
    """What PyTorch says to a call: its error or warning, the first sentence; "nothing" if it is content."""
    words: list[str] = []
    with torch_warnings.collecting(lambda text: words.append(_first_sentence("Warning", text))):
        try:
            call()
        except Exception as exception:  # noqa: BLE001  (the message is what we are after)
            words.append(_first_sentence(type(exception).__name__, str(exception)))
    return words[0] if words else "nothing"


def _first_sentence(kind: str, text: str) -> str:
    sentence, stop, _ = text.partition("\n")[0].partition(". ")
    return f"{kind}: {sentence}{stop and '. …'}"


def neuron(weight: float, bias: float) -> nn.Linear:
    """nn.Linear(1, 1) with these numbers; nothing is drawn from the random state that all share."""
    layer = nn.Linear(1, 1, device="meta").to_empty(device="cpu")
    nn.init.constant_(layer.weight, weight)
    nn.init.constant_(layer.bias, bias)
    return layer


def deliveries(exact: bool = False) -> tuple[Tensor, Tensor]:
    """The notes' distances and times, (4, 1) each, float32. exact: times of 5 x distance + 2."""
    distances, times = data.deliveries_exact() if exact else data.deliveries()
    return distances.float(), times.float()


def trap(name: str) -> Link:
    """A key of core.traps.table.TRAPS, where one guesses first."""
    return Link("traps", {"trap": name})


def moment(name: str) -> Link:
    """A key of core.watch.examples.PRESETS, in Watch."""
    preset = PRESETS[name]
    at = "{}.{}".format(*preset.place)
    return Link("watch", {**preset.config.to_params(), "at": at, "look": preset.panel})


def example(name: str) -> Link:
    """A key of core.autograd.examples.EXAMPLES, lines to type into Autograd."""
    return Link("autograd", {"example": name})


def losses(view: str, **fields: str) -> Link:
    """A view of Losses, and what to show there."""
    return Link("losses", {"view": view, **fields})


def compared(baseline: Config, *changes: tuple[str, str]) -> Link:
    """A baseline beside runs that change one field each, in Compare."""
    return Link("compare", Comparison(baseline, tuple(Variant((one,)) for one in changes)).to_params())


def added_up(cut: str) -> Link:
    """A key of core.traps.accumulation.CUTS: a big batch beside its parts."""
    return Link("traps", {"view": "accumulation", "cut": cut})
