"""The top of the page: what is compared, its link and its numbers, in one row."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core import export
from core.comparison import Comparison
from core.config import DEFAULTS, KNOBS, Config
from core.data import DATASETS
from core.lines import USUAL
from core.comparison import loop_label
from core.losses import LOSSES
from core.optimizers import OPTIMIZERS
from core.models import MODELS
from pages._ui import state
from pages._ui.training import Trained

SAID_WHERE_UNUSUAL = ("momentum", "weight_decay", "batch_size", "hidden", "activation", "noise", "seed", "dtype")


def draw(comparison: Comparison) -> None:
    """Title, and the baseline in a few badges."""
    st.title("Compare runs", width="content", anchor=False)
    badges = " ".join(f":gray-badge[{fact}]" for fact in facts(comparison.baseline))
    st.markdown(badges, width="stretch")


def facts(config: Config) -> list[str]:
    """The choices of a run in short: the main ones always, the others where they are not the default."""
    said = [
        DATASETS[config.dataset].title,
        LOSSES[config.loss].title,
        OPTIMIZERS[config.optimizer].title,
        f"learning rate {config.lr:g}",
        "zero_grad each step" if config.loop == USUAL else loop_label(config.loop),
        f"{config.steps:,} steps",
    ]
    if config.model != DEFAULTS["model"]:
        said.append(MODELS[config.model].title)
    changed = config.to_params()
    said += [f"{KNOBS[name].label.lower()} {changed[name]}" for name in SAID_WHERE_UNUSUAL if name in changed]
    return said


def take_away(comparison: Comparison, trained: Sequence[Trained]) -> None:
    """The link, and every number."""
    with st.popover("Share", icon=":material/link:"):
        st.caption("This address restores the whole comparison.")
        st.code(state.link("", comparison.to_params()), language=None, wrap_lines=True)
    st.download_button(
        "Data",
        data=partial(export.data_file, {t.name: t.result for t in trained}),
        file_name="loop-lab.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Every number of every run, as CSV.",
    )
