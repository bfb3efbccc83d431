"""Table: a CSV that was read, with what is known of each column, in the memory of one session."""

import hashlib
import io
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
from torch import Tensor

from core.data import Own, Unusable, own_rows
from core.fields import OWN_NAME

MAX_CLASSES = 50
MIN_ROWS = 2  # with all chosen columns filled
KEPT = 2  # choices of columns whose rows are kept; Compare can show as many of one file at a time
USUAL_NAME = "table.csv"  # of a file whose own name a link cannot hold

NUMBERS, TEXT, LEFT_OUT = "numbers", "text", "left out"


@dataclass(frozen=True)
class Column:
    """One column as it was read.

    kind: NUMBERS, TEXT (of at most MAX_CLASSES classes) or LEFT_OUT. about: that in a sentence. missing: how
    many cells are empty. different: how many values there are. whole: whether all are whole numbers. first:
    some of its cells as text.
    """

    name: str
    kind: str
    about: str
    missing: int = 0
    different: int = 0
    whole: bool = False
    first: tuple[str, ...] = ()


class Rows(NamedTuple):
    """What a run gets: inputs (rows, features), labels as of `own_rows`, and the classes by number."""

    inputs: Tensor
    labels: Tensor
    classes: tuple[str, ...]


class Table:
    """A checked file: its content, how it is read, its columns. It goes nowhere: no disk, no other process.

    count: rows of the file. columns: one Column for each. digest: of the content. token: as
    `core.data.TABLES` has it.
    """

    def __init__(
        self, name: str, content: bytes, separator: str, decimal: str, count: int, columns: Sequence[Column]
    ):
        self.name = name if re.fullmatch(OWN_NAME, name) else USUAL_NAME
        self.digest = digest(content)
        self.count, self.columns = count, tuple(columns)
        self._content, self._separator, self._decimal = content, separator, decimal
        self._kept: dict[tuple, Rows] = {}
        self.token = secrets.token_hex(16)

    @property
    def nbytes(self) -> int:
        """Memory it may come to: the content, and the numbers of some choices of columns."""
        numbers = sum(column.kind == NUMBERS for column in self.columns)
        return len(self._content) + 8 * KEPT * self.count * (numbers + 1)

    def rows(self, own: Own) -> tuple[Tensor, Tensor]:
        """Inputs and labels of these choices; raises Unusable with a sentence."""
        return self.read(own)[:2]

    def read(self, own: Own) -> Rows:
        """The same, with the classes."""
        key = own.inputs, own.target, own.task
        if key not in self._kept:
            self._check(own)
            rows = self._read(own)
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = rows
        return self._kept[key]

    def _read(self, own: Own) -> Rows:
        arguments = self.arguments(own)
        inputs, labels = own_rows(io.BytesIO(self._content), *arguments)
        if len(inputs) < MIN_ROWS:
            raise Unusable(f"Only {len(inputs)} rows have all chosen columns filled: choose fewer columns")
        if bool((labels == labels[0]).all()):
            raise Unusable(f"{self.called(own.target)} has one value in all rows used: choose another target")
        classes = self._classes(own) if own.task != "regression" else ()
        if own.task == "binary" and len(classes) != 2:
            raise Unusable(
                f"{self.called(own.target)} has {len(classes)} classes in the rows used, and not two"
            )
        return Rows(inputs, labels, classes)

    def _classes(self, own: Own) -> tuple[str, ...]:
        """The values that became class numbers, in the order of those."""
        kinds = dict.fromkeys(own.inputs, "float64")
        kinds |= {own.target: "str" if self.columns[own.target].kind == TEXT else "float64"}
        used = self.frame(usecols=list(kinds), dtype=kinds).dropna()
        values = pd.factorize(used[own.target], sort=True)[1]
        return tuple(value if isinstance(value, str) else f"{value:g}" for value in values)

    def frame(self, **more: Any) -> Any:
        """The file as pandas reads it; columns have their numbers as names."""
        return frame(self._content, self._separator, self._decimal, len(self.columns), **more)

    def arguments(self, own: Own) -> tuple:
        """Those of `own_rows` after the file: what the script gives it too."""
        words = self.columns[own.target].kind == TEXT
        layout = self._separator, self._decimal, len(self.columns)
        return (*layout, list(own.inputs), own.target, words, own.task != "regression")

    def called(self, column: int) -> str:
        """Column 3; counted from 1, as people do."""
        return f"Column {column + 1}"

    def _check(self, own: Own) -> None:
        beyond = [column for column in (*own.inputs, own.target) if column >= len(self.columns)]
        if beyond:
            raise Unusable(f"The file has {len(self.columns)} columns, and none with number {beyond[0] + 1}")
        for column in own.inputs:
            if self.columns[column].kind != NUMBERS:
                raise Unusable(f"{self.called(column)} cannot be an input: it does not hold usable numbers")
        if own.task not in tasks(self.columns[own.target]):
            raise Unusable(f"{self.called(own.target)} cannot be a target of this kind: choose another")


def tasks(column: Column) -> list[str]:
    """What can be predicted where this column is the target."""
    found = ["regression"] if column.kind == NUMBERS else []
    if column.kind != LEFT_OUT and column.different == 2:
        found.append("binary")
    if column.kind != LEFT_OUT and 2 <= column.different <= MAX_CLASSES:
        found.append("classes")
    return found


def frame(content: bytes, separator: str, decimal: str, width: int, **more: Any) -> Any:
    """A CSV as pandas reads it, with the numbers of its columns as their names."""
    layout: Any = {"sep": separator, "decimal": decimal, "encoding": "utf-8-sig", "header": 0}
    return pd.read_csv(io.BytesIO(content), names=range(width), low_memory=False, **layout, **more)


def digest(content: bytes) -> str:
    """A short hash, as links have it."""
    return hashlib.sha256(content).hexdigest()[:16]
