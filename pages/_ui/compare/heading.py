"""The top of the page: what is compared, its link and its numbers."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core import export
from core.compare.comparison import Comparison
from core.data import DATASETS
from core.lines import parts
from core.losses import LOSSES
from pages._ui.shared import session
from pages._ui.shared.training import Trained


def draw(comparison: Comparison) -> None:
    """Title, and the baseline in a few badges."""
    config = comparison.baseline
    st.title("Compare runs")
    st.caption(
        "Each run is the baseline with a change of its own. Data, starting weights, and batches are the "
        "same for all, except where that change concerns them: another seed, data set, model, or batch size."
    )
    facts = [
        DATASETS[config.dataset].title,
        LOSSES[config.loss].title,
        f"learning rate {config.lr:g}",
        "zero_grad each step" if "zero_grad" in parts(config.loop) else "no zero_grad",
        f"{config.steps} steps",
    ]
    st.markdown(" ".join(f":gray-badge[{fact}]" for fact in facts))


def take_away(comparison: Comparison, trained: Sequence[Trained]) -> None:
    """The link, and every number."""
    with st.popover("Share", icon=":material/link:"):
        st.caption("This address restores the whole comparison.")
        st.code(session.link("", comparison.to_params()), language=None, wrap_lines=True)
    st.download_button(
        "Data",
        data=partial(export.data_file, {t.name: t.result for t in trained}),
        file_name="loop-lab.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Every number of every run, as CSV.",
    )
