"""What keeping losses keeps alive: bytes and graph nodes for several ways of keeping them."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st

from core import Config
from core.lines import USUAL
from core.watch import memory, memory_picture
from core.watch.memory import WAYS
from core.watch.tape import Tape
from core.words import counted
from pages._ui.shared import slices, widgets, width
from pages._ui.shared.locks import SLOT

COLUMNS = {
    "way": "what is kept",
    "saved": "saved bytes",
    "per_loss": "per loss",
    "nodes": "nodes",
    "keeps": "by the line",
    "own": "bytes of the losses",
}


@dataclass(frozen=True)
class Measured:
    """Measurements for one Config as plain data, or a sentence on why there are none."""

    config: Config
    device: str
    steps: int = 0
    rows: Sequence[memory.KeptLosses] = ()
    table: pd.DataFrame | None = None
    words: str = ""
    limit: str | None = None
    problem: str | None = None


def draw(held: Tape, device: str) -> None:
    """Draw what each way holds, in words, a picture and a table, and its lines."""
    computed = _computed(held.run.config, device)
    if computed.problem is not None or computed.table is None:
        st.info(f"Nothing to count here: {computed.problem}")
        return
    st.markdown(computed.words)
    if computed.limit:
        st.caption(computed.limit)
    _picture(computed)
    numbers = {
        name: st.column_config.NumberColumn(format="localized") for name in ("saved bytes", "per loss")
    }
    st.dataframe(computed.table.rename(columns=COLUMNS), hide_index=True, column_config=numbers)
    st.caption(
        f"Each way ran {counted(computed.steps, 'step')} on its own copy of the model. Counted are the "
        "tensors that autograd saved and still holds, except the weights and the data set."
        + (" A mini-batch is a copy of its rows, so it counts." if computed.config.batch_size else "")
    )
    with st.expander("The lines of each way", icon=":material/code:"):
        for way in WAYS.values():
            st.markdown(f"**{way.title}**: {way.about}")
            loop = f"for step in range({computed.steps}):\n{textwrap.indent(way.text, '    ')}"
            st.code(f"{way.before}\n{loop}", language="python")


def _picture(computed: Measured) -> None:
    titles = memory_picture.QUANTITIES
    chosen = widgets.kept(
        st.segmented_control,
        "Count",
        "memory_of",
        list(titles),
        format_func=lambda name: titles[name],
        required=True,
    )
    frame, title = memory_picture.memory_frame(computed.rows, chosen)
    pixels = width.of_container("memory_width")
    spec = memory_picture.memory_spec(title, computed.steps, max(frame["value"]), pixels)
    st.vega_lite_chart(
        frame, spec, key="memory", alt=f"{titles[chosen]} held over the losses kept, a panel for each way"
    )


def _computed(config: Config, device: str) -> Measured:
    """The measurements, repeated only when something that affects them changes."""
    # What is kept does not depend on the optimizer, and L-BFGS takes no step without a closure.
    usual: dict[str, Any] = {"loop": USUAL, "optimizer": "sgd", "optimizer_arguments": ()}
    config = replace(config, **usual, before=(), schedule=(), steps=1)
    held: Measured | None = st.session_state.get("memory_held")
    if held is None or (held.config, held.device) != (config, device):
        held = st.session_state.memory_held = _measure(config, device)
    return held


def _measure(config: Config, device: str) -> Measured:
    try:
        with SLOT:
            watch = memory.MemoryRun(config, device)
        slices.work(
            lambda: watch.done,
            lambda seconds: watch.advance(budget_s=seconds),
            lambda: (watch.share_done, "Six ways to keep losses"),
        )
    except ValueError as error:
        return Measured(config, device, problem=str(error))
    table, words = memory_picture.memory_table(watch.rows), memory_picture.memory_words(watch)
    limit = memory_picture.limit_words(watch)
    return Measured(config, device, watch.steps, tuple(watch.rows), table, words, limit)
