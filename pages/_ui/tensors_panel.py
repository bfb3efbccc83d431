"""Tensors as they are now, one row each, and what the last line has changed in them."""

import pandas as pd
import streamlit as st

from core.tensor_table import Table

WIDTHS = {"values": 185, ".grad": 185, "changed": 110}  # pixels; the rest as wide as its text


def draw(found: Table, widths: dict[str, int] = WIDTHS) -> None:
    """Cells that the last line changed are marked, and named beside the tensor."""
    columns = {name: st.column_config.TextColumn(width=width) for name, width in widths.items()}
    columns["name"] = st.column_config.TextColumn(pinned=True)
    st.dataframe(_marked(found), hide_index=True, column_config=columns)
    st.caption(
        "Marked: changed by the last line. .grad can be None, zeros or values: three different things. "
        "The version counts writes into the tensor, by which autograd notices one that comes too early."
    )


def _marked(found: Table) -> "pd.io.formats.style.Styler":
    styles = found.marks.map(lambda marked: "background-color: #E8590C40" if marked else "")
    return found.cells.style.apply(lambda _: styles, axis=None)
