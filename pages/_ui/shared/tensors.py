"""A table of the current tensors, one row each, that marks what the last line changed."""

import pandas as pd
import streamlit as st

from core.graph.tensor_table import Table

NUMBERS = ("values", ".grad")  # the first columns have to fit beside the lines, and no number may be cut off
CHANGED = "new tensor, values"  # room for it at every line: columns that jump are hard to read
LETTER_PX, EDGES_PX = 6, 18


def draw(found: Table, narrow: bool = True) -> None:
    """Mark the cells that the last line changed, and name them beside the tensor.

    narrow: make columns of numbers just as wide as their text, less than they would be.
    """
    widths = {name: max(map(_width, found.cells[name])) for name in NUMBERS}
    widths["changed"] = max(map(_width, (CHANGED, *found.cells["changed"])))
    columns = {name: st.column_config.TextColumn(width=widths[name]) for name in widths if narrow}
    columns["name"] = st.column_config.TextColumn(pinned=True)
    st.dataframe(_marked(found), hide_index=True, column_config=columns)
    st.caption(
        "Marked: changed by the last line. .grad can be None, zeros, or other values: three different "
        "things. The column version, farther right, counts in-place writes to the tensor: that is how "
        "autograd notices one that comes too early."
    )


def _width(text: str) -> int:
    return EDGES_PX + LETTER_PX * len(text)


def _marked(found: Table) -> "pd.io.formats.style.Styler":
    styles = found.marks.map(lambda marked: "background-color: #E8590C40" if marked else "")
    return found.cells.style.apply(lambda _: styles, axis=None)
