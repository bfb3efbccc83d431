"""Why autograd adds to .grad: one big batch, and its parts added up in four ways."""

from dataclasses import replace

import streamlit as st

from core import Config
from core.compare.comparison import Comparison, kept
from core.lines import from_letters, text_of
from core.traps import accumulation
from core.traps.accumulation import CUTS, ROUNDING, UPDATES, WAYS, Added, Cut, apart_words
from core.words import number
from pages._ui.shared import links, remarks, session, widgets
from pages._ui.shared.locks import SLOT

FIELDS = ("cut",)
HOME = "deliveries_2"
DIGITS = 6  # of a gradient: float32 has seven
WHY = (
    "`backward` adds to `.grad` instead of writing over it. So a batch that is too large for memory can go "
    "through in parts: each backward frees what forward saved for its part, and the gradients add up. The "
    "gradient of a mean over all rows is the sum of those of its parts, each weighted by its share of the "
    "rows."
)


def draw(given: dict[str, str], device: str) -> dict[str, str]:
    """How the rows are cut, the gradient of all of them, and what each way of adding up makes of it."""
    if given.get("cut", HOME) not in CUTS:
        remarks.warn(f"The cut must be one of {', '.join(CUTS)}; {HOME} is taken.")
    elif "cut" in given:
        session.choose("accumulation_cut", given["cut"])
    st.markdown(WHY)
    name = widgets.kept(
        st.segmented_control,
        "Rows of each part",
        "accumulation_cut",
        list(CUTS),
        HOME,
        format_func=lambda name: _title(CUTS[name]),
        required=True,
    )
    big, ways = _added(name, device)
    parts = CUTS[name].parts
    st.markdown(
        f"**One big batch** of {sum(parts)} rows: the first entry of `.grad` is "
        f"**{number(big.first, DIGITS)}**. Its k = {len(parts)} parts, added up:"
    )
    for row in (list(WAYS)[:2], list(WAYS)[2:]):
        for column, way in zip(st.columns(2), row, strict=True):
            with column, st.container(border=True, height="stretch", key=f"way_{way}"):
                _way(way, ways[way])
    _links(big.config, ways)
    return {"cut": name}


def _title(cut: Cut) -> str:
    return " + ".join(map(str, cut.parts))


@st.cache_data(max_entries=2 * len(CUTS), show_spinner=False)
def _added(name: str, device: str) -> tuple[Added, dict[str, Added]]:
    with SLOT:
        return accumulation.added(CUTS[name], device)


def _way(name: str, found: Added) -> None:
    """The lines, what came of them, and why."""
    way, equal = WAYS[name], found.gradient < ROUNDING
    color, icon, word = ("green", "equal", "Equal") if equal else ("orange", "change_history", "Not equal")
    st.markdown(f"**{way.title}** :{color}-badge[:material/{icon}: {word}]")
    st.code("\n".join(map(text_of, from_letters(way.loop))), language="python")
    st.markdown(
        f"First entry of `.grad` at the first update: **{number(found.first, DIGITS)}**; the whole gradient "
        f"is {apart_words(found.gradient)}. After {UPDATES} passes over all rows, the weights are "
        f"{apart_words(found.weights)}."
    )
    st.caption(way.about)
    if way.trap and not equal:
        params = {"view": "traps", "trap": way.trap}
        st.page_link(
            "pages/traps.py", label="As a mistake", icon=":material/bug_report:", query_params=params
        )


def _links(big: Config, ways: dict[str, Added]) -> None:
    runs = tuple(replace(kept(found.config), name=WAYS[way].title) for way, found in ways.items())
    with st.container(horizontal=True):
        links.compare("Compare all five", Comparison(big, runs))
        links.watch("Watch the gradients add up", ways["by_rows"].config)
