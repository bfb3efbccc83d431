"""A table of all tensors, one row each, and what the last line has changed in them.

All cells are text, in PyTorch's own words where it has any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from core.graph.tensor_state import TensorState, same
from core.words import DIGITS, grad_in_words, in_words

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


def rows(
    names: Sequence[str],
    now: Mapping[str, TensorState],
    before: Mapping[str, TensorState],
    columns: Sequence[str] = COLUMNS,
) -> Table:
    """One row for each of these names, with these of COLUMNS."""
    changed = [_changed(now.get(name), before.get(name)) for name in names]
    cells = pd.DataFrame([_row(name, now.get(name)) for name in names], columns=["name", *columns])
    cells.insert(3, "changed", [_in_order(found) for found in changed])
    marks = cells.apply(lambda column: [column.name in found for found in changed])
    return Table(cells, marks.assign(changed=[bool(found) for found in changed]))


def _row(name: str, held: TensorState | None) -> dict[str, str]:
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


def _changed(held: TensorState | None, earlier: TensorState | None) -> set[str]:
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
