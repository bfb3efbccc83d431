"""Reads run.json, which anybody may have written: bounded plain data, or one sentence that says what is off.

Nothing of it is executed. Its size is checked before it is parsed, every field and every number before it is
used; a field that is not known is refused.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from core import recorder
from core.own.checks import Check, bad, count, flag, list_of, load, matching, maybe, number, object_of, size

MAX_BYTES = 2**20
MAX_MANY = 16  # models, optimizers, dimensions of a shape
MAX_SPARE = 100  # rows beyond the recorder's limit: the last one of each optimizer
NAME = re.compile(r"[\w .:/+()=,-]{1,300}")
TEXT = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f]{0,300}")


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
    modal: list[str] = field(default_factory=list)  # earlier files have none

    @property
    def steps_seen(self) -> int:
        """Calls of optimizer.step, those inside of a scaler included."""
        return self.counts["steps"] + self.counts["skipped"]


def read(data: bytes) -> Recording:
    """The recording in a file. Raises ValueError with one sentence."""
    what = "a recording of loop_recorder.py"
    recording = Recording(**load(data, MAX_BYTES, what, recorder.FORMAT, FILE, may_lack=("modal",)))
    _fits_together(recording)
    return recording


def _order(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != 4:
        raise bad(name, "lines with three numbers", value)
    return [_lines(value[0], name), *(count(one, name) for one in value[1:])]


_name, _text = matching(NAME, "a name"), matching(TEXT, "a text of at most 300 characters")
_lines = matching(
    re.compile(f"other|[{''.join(recorder.LINES)}]{{0,{recorder.MAX_LINES + 1}}}"), "letters of lines"
)
_places = list_of(count, recorder.MAX_PARAMETERS)
_ROWS = recorder.MAX_ROWS + MAX_SPARE
_OF_ROWS: dict[str, Check] = dict.fromkeys(recorder.COLUMNS, maybe(size)) | {
    "update": count,
    "optimizer": maybe(count),
    "loss": maybe(number),
    "lr": maybe(number),
    "batches": count,
}
_PARAMETER: dict[str, Check] = {
    "name": _name,
    "shared": count,
    "entries": count,
    "trained": flag,
    "in_model": flag,
    "optimizers": list_of(count, MAX_MANY),
    "gradients": count,
    "zeros": count,
}
_CHANGE: dict[str, Check] = {"update": count, "before": number, "after": number}
_FIRST: dict[str, Check] = {
    "grad_changed": object_of(_CHANGE),
    "rate_moved": object_of(_CHANGE),
    "rate_in_update": object_of(_CHANGE | {"times": count}),
    "accumulated": object_of({"update": count, "backwards": count}),
    "unequal": object_of(dict.fromkeys(("update", "backwards", "least", "most"), count)),
    "scaled_written": object_of(dict.fromkeys(("update", "times"), count)),
    "still_scaled": object_of({"update": count, "scale": size, "times": count}),
    "nonfinite": object_of(
        {
            "update": count,
            "line": matching(re.compile("|before|forward|loss|backward|between|step"), "a line"),
            "tensor": _name,
        }
    ),
}
_LOSS_FACTS: dict[str, Check] = {
    "shapes": list_of(list_of(count, MAX_MANY), 2),
    "dtypes": list_of(_name, 2),
    "entries": count,
    "looks": count,
    "rows_of_one": count,
    "low": number,
    "high": number,
}
_ERROR: dict[str, Check] = {
    "type": _name,
    "text": matching(re.compile(r"[^\x00]{0,300}", re.DOTALL), "a text of at most 300 characters"),
    "source": _text,
    "lines": _lines,
    "update": count,
}
_CELLS = list_of(list_of(maybe(size), recorder.MAX_PARAMETERS), recorder.MAX_CELLS)
_DETAIL: dict[str, Check] = {
    "parameters": _places,
    "update": list_of(count, recorder.MAX_CELLS),
    **dict.fromkeys(recorder.DETAILS, _CELLS),
}
FILE: dict[str, Check] = {
    "torch": _name,
    "models": list_of(_name, MAX_MANY),
    "loss_fn": maybe(_name),
    "loss_is_module": flag,
    "optimizers": list_of(_name, MAX_MANY, 1),
    "mode_matters": flag,
    "modal": list_of(_name, recorder.MAX_MODAL),
    "updates": count,
    "counts": object_of(dict.fromkeys(recorder.COUNTS, count)),
    "first": object_of(_FIRST, may_lack=_FIRST),
    "loss_facts": object_of(_LOSS_FACTS, may_lack=_LOSS_FACTS),
    "weights": list_of(size, 2, 2),
    "orders": list_of(_order, recorder.MAX_ORDERS + 1),
    "parameters": list_of(object_of(_PARAMETER), recorder.MAX_PARAMETERS),
    "rows": object_of({name: list_of(check, _ROWS) for name, check in _OF_ROWS.items()}),
    "details": list_of(object_of(_DETAIL), MAX_MANY),
    "error": maybe(object_of(_ERROR)),
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
