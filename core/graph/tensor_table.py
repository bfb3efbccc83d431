"""A table of all tensors, one row each, and what the last line has changed in them.

All cells are text, in PyTorch's own words where it has any.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from core.graph.tensor_state import Held, same
from core.watch.optimizer_rules import DIGITS, signed
from core.watch.snapshot import FLOWING, Look

FEW = 4  # entries of a tensor that are all shown
LOSS_DIGITS = 5  # that matter; small changes of the loss are what one looks for
NOT_KEPT = "not kept: not a leaf"
COLUMNS = ("values", ".grad", "shape", "dtype", "device", "requires_grad", "is_leaf", "grad_fn", "version")


@dataclass(frozen=True)
class Table:
    """Two frames of the same rows and columns.

    cells: text; columns name, values, .grad, changed, the rest of COLUMNS. marks: whether a cell is
    another one than in the look before.
    """

    cells: pd.DataFrame
    marks: pd.DataFrame


def table(now: Look, before: Look | None = None) -> Table:
    """Every parameter, then inputs, targets, outputs and loss; before: the look to compare with."""
    names = (*now.parameters, *FLOWING)
    return rows(names, now.tensors, (before or now).tensors)


def rows(
    names: Sequence[str],
    now: Mapping[str, Held],
    before: Mapping[str, Held],
    columns: Sequence[str] = COLUMNS,
) -> Table:
    """One row for each of these names, with these of COLUMNS."""
    changed = [_changed(now.get(name), before.get(name)) for name in names]
    cells = pd.DataFrame([_row(name, now.get(name)) for name in names], columns=["name", *columns])
    cells.insert(3, "changed", [_in_order(found) for found in changed])
    marks = cells.apply(lambda column: [column.name in found for found in changed])
    return Table(cells, marks.assign(changed=[bool(found) for found in changed]))


def _row(name: str, held: Held | None) -> dict[str, str]:
    if held is None:
        return {"name": name, **dict.fromkeys(COLUMNS, ""), "values": "not defined yet"}
    return {
        "name": name,
        "values": in_words(held.values, LOSS_DIGITS if name == "loss" else DIGITS),
        ".grad": grad_in_words(held.grad) if held.keeps_grad else NOT_KEPT,
        "shape": str(held.shape),
        "dtype": str(held.values.dtype).removeprefix("torch."),
        "device": str(held.values.device),
        "requires_grad": str(held.requires_grad),
        "is_leaf": str(held.is_leaf),
        "grad_fn": str(held.grad_fn),
        "version": str(held.version),
    }


def _changed(held: Held | None, earlier: Held | None) -> set[str]:
    """The columns in which a tensor differs, values to the bit, and "new tensor" or "new"."""
    if held is None or earlier is None:
        return set() if held is None else {"new", *COLUMNS}
    one, other = _row(held.name, held), _row(held.name, earlier)
    exact = {"values": (held.values, earlier.values), ".grad": (held.grad, earlier.grad)}
    changed = {column for column in COLUMNS if column not in exact and one[column] != other[column]}
    changed |= {column for column, pair in exact.items() if not same(*pair)}
    return changed | ({"new tensor"} if held.tensor is not earlier.tensor else set())


def _in_order(changed: set[str]) -> str:
    return "new" if "new" in changed else ", ".join(c for c in ("new tensor", *COLUMNS) if c in changed)


def in_words(values: Tensor, digits: int = DIGITS) -> str:
    """All values of a few; of many, their range and their length."""
    values = values.detach().cpu()
    if values.numel() <= FEW:
        return (
            ", ".join(signed(value, digits) for value in values.double().flatten().tolist()) or "no entries"
        )
    numbers = values.double().flatten()
    finite = numbers[numbers.isfinite()]
    lost = len(numbers) - len(finite)
    gone = f"{lost} of {len(numbers)} not finite" if lost else ""
    if not len(finite):
        return gone
    spread = f"{signed(float(finite.min()))} to {signed(float(finite.max()))}"
    if lost:
        return f"{gone}, the rest {spread}"
    return f"{spread}, norm {signed(norm(values))}" if values.is_floating_point() else spread


def norm(values: Tensor) -> float:
    """Euclidean length of all entries, in double."""
    numbers = values.detach().cpu().double()
    scale = float(numbers.abs().max()) if numbers.numel() else 0.0
    if not 0 < scale < math.inf:
        return scale  # 0, inf or nan
    return scale * float(torch.linalg.vector_norm(numbers / scale))  # squares of 1e200 would overflow


def grad_in_words(grad: Tensor | None) -> str:
    """What is in .grad: None, zeros or values are three different things."""
    if grad is None:
        return "None"
    return in_words(grad) if grad.any() else "zeros"
