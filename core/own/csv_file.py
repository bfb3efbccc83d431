"""Reads a CSV that somebody brings: bounded first, then by pandas, each column with what became of it.

What is wrong is said in one sentence with what to do about it; nothing is guessed around.
"""

import csv
import io
import re
from typing import Any

import numpy as np
import pandas as pd
import torch

from core.data import TABLES
from core.fields import MAX_COLUMNS
from core.own.table import LEFT_OUT, MAX_CLASSES, NUMBERS, TEXT, Column, Table, frame

MAX_BYTES, MAX_ROWS = 5 * 2**20, 20_000
MAX_NAME = 100  # characters of a column's name
ALL_BYTES = 128 * 2**20  # of the tables of all sessions together
FIRST, SHOWN = 5, 40  # rows shown, and characters of a cell in them
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
LIMITS = (
    f"CSV with column names in the first line: at most {MAX_BYTES // 2**20} MB, {MAX_ROWS:,} rows, "
    f"{MAX_COLUMNS} columns; separated by commas, semicolons or tabs; in UTF-8."
)
LARGEST = torch.finfo(torch.float32).max


class Refused(ValueError):  # noqa: N818  (as in "the file is refused")
    """A file that is not taken; the text is a sentence that says what to do."""


def read(name: str, content: bytes) -> Table:
    """A file as a Table. Raises Refused.

    name: of the file, which is shown and stands in links where they can hold it.
    """
    text = _text(content)
    separator = _separator(text)
    names, count = _shape(text, separator)
    decimal, found = _frame(content, separator, len(names), count)
    columns = [_column(called, found[place]) for place, called in enumerate(names)]
    _check_pairs(columns)
    table = Table(name, content, separator, decimal, count, columns)
    if table.nbytes + sum(other.nbytes for other in list(TABLES.values())) > ALL_BYTES:
        raise Refused("The app holds as many files as it has room for: try a smaller one, or try later.")
    TABLES[table.token] = table
    return table


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        limit = f"at most {MAX_BYTES // 2**20} MB"
        raise Refused(f"A file must have {limit}; this has {len(content) / 2**20:.1f} MB: take fewer rows.")
    if content.startswith(b"PK"):
        raise Refused("This is a workbook or an archive: save the sheet as CSV (UTF-8) and upload that.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("The file is not text in UTF-8: save it as CSV (UTF-8) and upload that.") from None
    if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text):
        raise Refused("The file has control characters, as binary files do: save it as CSV (UTF-8).")
    if not text.strip():
        raise Refused("The file is empty: it needs a line of column names and rows below.")
    return text


def _separator(text: str) -> str:
    """The one that the line of names has most of, outside quotation marks; from a fixed list."""
    line = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    bare = re.sub(r'"[^"]*"?', "", line)
    found = max(SEPARATORS, key=bare.count)
    if not bare.count(found):
        raise Refused("The file has one column only: separate cells by commas, semicolons or tabs.")
    if bare.count(found) >= MAX_COLUMNS:
        raise _too_wide(bare.count(found) + 1)
    return found


def _too_wide(columns: int) -> Refused:
    return Refused(f"A file must have at most {MAX_COLUMNS} columns; this has {columns:,}: leave some out.")


def _shape(text: str, separator: str) -> tuple[list[str], int]:
    """Names of the columns and the number of rows, every row as long as the first line."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    names: list[str] = []
    count = 0
    try:
        for row in lines:
            if not "".join(row[:2]).strip() and len(row) < 2:  # a blank line, which pandas skips too
                continue
            if not names:
                names = _names(row)
            elif len(row) != len(names):
                said = f"Line {lines.line_num:,} has {len(row):,} cells, and the first line has {len(names)}"
                raise Refused(f"{said}: give every row as many, in quotation marks if they hold separators.")
            else:
                count += 1
            if count > MAX_ROWS:
                raise Refused(f"A file must have at most {MAX_ROWS:,} rows; this has more: take fewer.")
    except csv.Error:
        raise Refused(
            f"Line {lines.line_num:,} cannot be read: a cell is too long, or quotation marks do not match."
        ) from None
    if count < 2:
        raise Refused("The file has fewer than two rows below the line of column names: add some.")
    return names, count


def _names(row: list[str]) -> list[str]:
    """The first line; repeated and empty names are numbered, since columns go by their place."""
    if len(row) > MAX_COLUMNS:
        raise Refused(
            f"A file must have at most {MAX_COLUMNS} columns; this has {len(row):,}: leave some out."
        )
    long = next((name for name in row if len(name) > MAX_NAME), None)
    if long is not None:
        said = f"A column's name must have at most {MAX_NAME} characters; one has {len(long):,}"
        raise Refused(f"{said}: shorten it.")
    if all(_is_number(name) for name in row):
        raise Refused("The first line must hold the names of the columns, and has numbers: put names above.")
    found: list[str] = []
    for place, name in enumerate(row):
        name = " ".join(name.split()) or f"column {place + 1}"
        found.append(f"{name} ({place + 1})" if name in found else name)
    return found


def _is_number(text: str, marks: str = ".,") -> bool:
    return bool(re.fullmatch(rf"[-+]?[0-9]*[{marks}]?[0-9]+([eE][-+]?[0-9]+)?", text.strip()))


def _frame(content: bytes, separator: str, width: int, count: int) -> tuple[str, Any]:
    """The decimal mark by which more columns are numbers; all columns as a run will read them.

    They are floats where every filled cell is a number, else text.
    """
    numbers: dict[str, list[bool]] = {}
    try:
        for decimal in ".," if separator != "," else ".":
            guess: Any = frame(content, separator, decimal, width)
            if guess.shape != (count, width):
                raise Refused("The file has quotation marks that can be read in two ways: remove them.")
            numbers[decimal] = [_are_numbers(guess[column]) for column in range(width)]
        decimal = max(numbers, key=lambda mark: sum(numbers[mark]))
        kinds = {place: "float64" if one else "str" for place, one in enumerate(numbers[decimal])}
        return decimal, frame(content, separator, decimal, width, dtype=kinds)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OverflowError, UnicodeError):
        raise Refused("pandas cannot read this file: save it as plain CSV (UTF-8) again.") from None


def _are_numbers(cells: Any) -> bool:
    if pd.api.types.is_bool_dtype(cells):  # the words True and False
        return False
    if pd.api.types.is_numeric_dtype(cells):
        return True
    filled = cells.dropna().astype("str")  # whole numbers of any length
    return bool(len(filled)) and all(_is_number(text, marks=".") for text in filled)


def _column(name: str, cells: Any) -> Column:
    missing, different = int(cells.isna().sum()), cells.nunique()
    filled = cells.dropna()
    first = tuple("" if pd.isna(cell) else _cell(cell) for cell in cells.head(FIRST))
    empty = f", {missing:,} empty" if missing else ""
    more = {"missing": missing, "different": different, "first": first}
    if not len(filled):
        return Column(name, LEFT_OUT, "left out: every cell is empty", **more)
    if pd.api.types.is_float_dtype(cells):
        _check_size(name, cells)
        if different == 1:
            return Column(name, LEFT_OUT, "left out: one value in every row", **more)
        whole = bool((filled == np.floor(filled)).all())
        return Column(name, NUMBERS, f"numbers, {different:,} different{empty}", whole=whole, **more)
    if different == 1:
        return Column(name, LEFT_OUT, "left out: one text in every row", **more)
    if different > MAX_CLASSES:
        said = f"left out: text of {different:,} kinds, neither numbers nor at most {MAX_CLASSES} classes"
        return Column(name, LEFT_OUT, said, **more)
    return Column(name, TEXT, f"text, {different} classes{empty}; as a target only", **more)


def _cell(cell: object) -> str:
    """A cell to look at."""
    text = f"{cell:.6g}" if isinstance(cell, float) else str(cell)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _check_size(name: str, cells: Any) -> None:
    beyond = cells.abs() > LARGEST
    if beyond.any():
        row = int(np.flatnonzero(beyond)[0]) + 1
        raise Refused(
            f"Row {row:,} of the column {name} has a number beyond {LARGEST:.2g}, more than float32 holds: "
            "correct it, or leave the cell empty."
        )


def _check_pairs(columns: list[Column]) -> None:
    """There is something to learn from, and something else to learn."""
    numbers = sum(column.kind == NUMBERS for column in columns)
    others = sum(column.kind == TEXT for column in columns)
    if numbers < 1 or numbers + others < 2:
        raise Refused(
            "The file needs a column of numbers to learn from, and another one to learn: numbers, or text "
            f"of 2 to {MAX_CLASSES} classes; a column with one value throughout is neither."
        )
