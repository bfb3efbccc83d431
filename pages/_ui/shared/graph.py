"""Draws the current autograd graph: operations, leaves, tensors kept for backward, gradients."""

import pandas as pd
import streamlit as st

from core.graph import picture
from core.graph.graph import Graph
from core.words import size_text


def draw(found: Graph) -> None:
    """The picture, the bytes, and a table of what is kept."""
    kept = found.kept
    with st.container(horizontal=True):
        st.metric("nodes", kept.nodes, width=80)
        st.metric("kept for backward", size_text(kept.nbytes), width=160)
        st.metric("of parameters", size_text(kept.parameter_nbytes), width=140)
    st.caption(
        "Read from the real grad_fn chain. Operations keep tensors for backward, which goes up the arrows "
        "and frees them."
    )
    dark = st.context.theme.type == "dark"
    st.graphviz_chart(picture.dot(found, dark), alt=picture.words(found))
    with st.expander("Kept tensors", icon=":material/table:"):
        st.dataframe(_kept(found), hide_index=True)


def _kept(found: Graph) -> pd.DataFrame:
    """One row per tensor that an operation keeps."""
    rows = [
        {
            "operation": node.name,
            "keeps": saved.name,
            "state": saved.state,
            "shape": "" if saved.shape is None else str(saved.shape),
            "dtype": saved.dtype or "",
            "bytes": saved.nbytes,
            "which is": saved.tensor or "",
        }
        for node in found.nodes
        for saved in node.saved
    ]
    return pd.DataFrame(rows)
