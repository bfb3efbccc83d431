"""The top of the page in one row: title, the baseline in badges, and what to take away."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core import export
from core.config import DEFAULTS, KNOBS, Config
from core.data import DATASETS
from core.fields import arguments_in_words
from core.lines import USUAL, loop_label
from core.losses import LOSSES
from core.models import MODELS
from core.optimizers import OPTIMIZERS
from core.words import counted
from pages._ui.compare import view
from pages._ui.compare.report import report
from pages._ui.shared import explain, links, session
from pages._ui.shared.badges import plain
from pages._ui.shared.training import Trained

# Fields that are said only where they are not the default; the others stand in the title row always, or in
# the sidebar and the code below.
WHERE_UNUSUAL = ("momentum", "weight_decay", "batch_size", "hidden", "activation", "noise", "seed", "dtype")
TERMS = explain.words("letters", "logits", "standardized")


def draw(config: Config) -> None:
    """Title, and the baseline in a few badges."""
    st.title("Compare runs", width="content", anchor=False)
    st.markdown(
        " ".join(f":gray-badge[{plain(fact)}]" for fact in facts(config)), width="stretch", help=TERMS
    )


def facts(config: Config) -> list[str]:
    """The choices of a run in short: the main ones always, others where they are not the default."""
    changed = config.to_params()
    said = [
        DATASETS[config.dataset].title,
        LOSSES[config.loss].title,
        OPTIMIZERS[config.optimizer].title,
        f"learning rate {config.lr:g}",
        "zero_grad each step" if config.loop == USUAL else loop_label(config.loop),
        counted(config.steps, "step"),
    ]
    if config.model != DEFAULTS["model"]:
        said.insert(2, MODELS[config.model].title)
    said += [
        arguments_in_words(given) for given in (config.loss_arguments, config.optimizer_arguments) if given
    ]
    return said + [
        f"{KNOBS[name].label.lower()} {changed[name]}" for name in WHERE_UNUSUAL if name in changed
    ]


def take_away(trained: Sequence[Trained]) -> None:
    """The link, and every number."""
    params = st.session_state.comparison.to_params() | view.params()
    with links.share("This address restores the whole comparison.", "", params):
        about = "One HTML file: these runs, their curves to hover and zoom, their code. It opens offline."
        link, log = session.link("", params), view.get("scale") != "linear"
        made = partial(report, trained, facts(trained[0].config), link, log)
        links.download("Report", "loop-lab.html", made, about, "text/html")
    data = partial(export.data_file, {t.name: t.result for t in trained})
    links.download("Data", "loop-lab.csv", data, "Every number of every run, as CSV.", "text/csv")
