"""What is looked at on Compare, as an address has it: curves, scale, pinned step, zoom, fit, hidden runs."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from core.budget import MAX_RUNS
from core.compare.curves import QUANTITIES
from core.config import KNOBS

LOSS_COLUMNS = {"loss": "each step", "train_loss": "training set", "val_loss": "validation"}
SCALES = ("log", "linear")
SMOOTH = {"0": "not smoothed", **{factor: f"smoothed {factor}" for factor in ("0.6", "0.9", "0.97")}}
LAST_STEP = int((KNOBS["steps"].between or (0, 0))[1])
SHORTEST_ZOOM = 2  # steps
MAX_NAME = 100  # characters of a parameter's name


def _step(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > LAST_STEP:
        raise ValueError
    return int(text)


def _zoom(text: str) -> tuple[float, float]:
    low, high = (_step(end) for end in text.split(".."))
    if high - low < SHORTEST_ZOOM:
        raise ValueError
    return float(low), float(high)


def _hidden(text: str) -> tuple[int, ...]:
    places = tuple(map(_step, text.split(".")))
    if len(places) > MAX_RUNS or max(places) >= MAX_RUNS:
        raise ValueError
    return places


def _one_of(options: Sequence[str]) -> Callable[[str], str]:
    return lambda text: options[options.index(text)]  # raises ValueError where it is none of them


def _name(text: str) -> str:
    if not re.fullmatch(rf"\w[\w.]{{0,{MAX_NAME - 1}}}", text, re.ASCII):
        raise ValueError
    return text


# Field of the address -> how its text is read; raises ValueError.
READ: dict[str, Callable[[str], Any]] = {
    "curve": _one_of(list(LOSS_COLUMNS)),
    "show": _one_of(list(QUANTITIES)),
    "of": _name,
    "scale": _one_of(SCALES),
    "smooth": _one_of(list(SMOOTH)),
    "pin": _step,
    "zoom": _zoom,
    "fit": _step,
    "hide": _hidden,
}
TEXT: dict[str, Callable[[Any], str]] = {
    "zoom": lambda span: f"{span[0]:.0f}..{span[1]:.0f}",
    "hide": lambda places: ".".join(map(str, places)),
}
