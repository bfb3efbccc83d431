"""The top of the page in one row: title, the baseline in badges, and what to take away."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core import Config, export
from core.compare.facts import facts
from pages._ui.compare import view
from pages._ui.compare.report import report
from pages._ui.shared import explain, links, session
from pages._ui.shared.badges import plain
from pages._ui.shared.training import Trained

TERMS = explain.words("letters", "logits", "standardized")


def draw(config: Config) -> None:
    """Title, and the baseline in a few badges."""
    st.title("Compare runs", width="content", anchor=False)
    st.markdown(
        " ".join(f":gray-badge[{plain(fact)}]" for fact in facts(config)), width="stretch", help=TERMS
    )


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
