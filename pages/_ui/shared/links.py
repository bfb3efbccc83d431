"""Ways out of a page: links to other pages, its address to share, files to download."""

from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import Config, export
from core.compare.comparison import Comparison
from core.report.notebook import notebook
from pages._ui.shared import session

START = "0.0"  # on the Watch page: before the first line of the first step


def watch(label: str, config: Config, icon: str = "visibility") -> None:
    """A link to this run on the Watch page, at its start."""
    # Of the usual Config the address would be empty without "at", and then that page keeps what it has.
    params = {**config.to_params(), "at": START}
    st.page_link("pages/watch.py", label=label, icon=f":material/{icon}:", query_params=params)


def compare(label: str, comparison: Comparison) -> None:
    """A link to these runs on the Compare page."""
    params = comparison.to_params()
    st.page_link("pages/compare.py", label=label, icon=":material/stacked_line_chart:", query_params=params)


def share(about: str, page: str, params: dict[str, list[str]]) -> DeltaGenerator:
    """The address of a page ("" for the first one), and what it brings back; more can be drawn below."""
    box = st.popover("Share", icon=":material/link:")
    box.caption(about)
    box.code(session.link(page, params), language=None, wrap_lines=True)
    return box


def download(
    label: str, file_name: str, text: Callable[[], str], about: str | None = None, mime: str = "text/x-python"
) -> None:
    """A file that is made when it is asked for."""
    st.download_button(
        label,
        data=text,
        file_name=file_name,
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
        help=about,
    )


def script(config: Config, device: str, about: str, name: str = "") -> None:
    """The run as a script, and as a notebook."""
    with st.container(horizontal=True, wrap=False):
        download("Script", "loop.py", partial(export.script, config, device, name), about)
        cells = partial(notebook, config, device)
        about = "The same in cells, with its loss as a chart, for Jupyter."
        download("Notebook", "loop.ipynb", cells, about, "application/x-ipynb+json")
