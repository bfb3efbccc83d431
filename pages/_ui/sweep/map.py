"""The map of a sweep: a cell for each place, the limits of the theory as lines, what the signs mean."""

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import Config, charts
from core.config import KNOBS
from core.run_summary import Brief
from core.start.glossary import VERDICTS
from core.sweep import map_picture, rate_limits
from core.sweep.grid import best, grid
from core.sweep.measures import MEASURES, WORD, offered
from core.sweep.rate_limits import Limit
from core.sweep.sweep import Sweep
from pages._ui.shared import widgets
from pages._ui.shared.badges import plain
from pages._ui.shared.explain import words
from pages._ui.sweep import session


def choose_measure(sweep: Sweep) -> str:
    """Choose the measure that cells show; for steps to a loss, also which loss."""
    names = offered(sweep.baseline)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = widgets.kept(
            st.selectbox,
            "Each cell shows",
            "sweep_measure",
            names,
            format_func=lambda name: MEASURES[name].title,
            width=230,
        )
        if measure == "reached":
            goal = float(st.session_state.setdefault("sweep_goal", session.GOAL))
            look = {"step": 0.01, "format": "%g", "width": 160}
            widgets.shown(
                st.number_input, "Loss to reach", "sweep_goal_of", goal, on_change=_set_goal, **look
            )
        rules = words(*VERDICTS) if MEASURES[measure].kind == WORD else None
        st.caption(MEASURES[measure].about, width="stretch", help=rules)
    return measure


def _set_goal() -> None:
    st.session_state.sweep_goal = widgets.chosen("sweep_goal_of")


def frame(sweep: Sweep, briefs: Mapping[Config, Brief], measure: str) -> pd.DataFrame:
    """The value of this measure in each cell."""
    return grid(sweep, briefs, measure, st.session_state.get("sweep_goal", session.GOAL))


def chosen_row(sweep: Sweep, briefs: Mapping[Config, Brief], cells: pd.DataFrame, measure: str) -> int:
    """Row number of the chosen cell; by default the best one, or else the first.

    cells: by this measure; words have no best, so the lowest loss counts.
    """
    place = session.place(sweep)
    if place is not None:
        column, row = place
        return row * len(sweep.x.values) + column
    if MEASURES[measure].kind == WORD:
        return best(frame(sweep, briefs, "loss"), "loss") or 0
    return best(cells, measure) or 0


def draw(
    place: DeltaGenerator,
    sweep: Sweep,
    cells: pd.DataFrame,
    measure: str,
    limits: Sequence[Limit],
    width: int,
    chosen: int | None = None,
    listens: bool = False,
) -> None:
    """Draw the map. listens: whether a click chooses a cell; only once all runs are there."""
    values = cells["value"].to_numpy(dtype=float)
    rows = map_picture.map_frame(cells, sweep.x, measure, chosen, limits, width)
    clicks = {"key": "sweep_map", "on_select": partial(_picked, sweep), "selection_mode": "cell"}
    place.vega_lite_chart(
        charts.compact(rows),
        map_picture.map_spec(sweep.x, sweep.y, measure, values),
        width="stretch",
        alt=f"{MEASURES[measure].title} for each {KNOBS[sweep.x.field].label} across and each "
        f"{KNOBS[sweep.y.field].label} down; the two lists below choose a cell",
        **(clicks if listens else {}),
    )


def _picked(sweep: Sweep) -> None:
    chosen = st.session_state["sweep_map"]["selection"].get("cell") or []
    if chosen and {"column", "row"} <= set(chosen[0]):
        column, row = int(chosen[0]["column"]), int(chosen[0]["row"])
        if column < len(sweep.x.values) and row < len(sweep.y.values):
            session.choose_cell(sweep, column, row)


def explain(cells: pd.DataFrame, measure: str, limits: Sequence[Limit]) -> None:
    """Explain the signs and the lines."""
    signs = ", ".join(f"**{sign}** {meaning}" for sign, meaning in map_picture.signs(cells, measure).items())
    if signs:
        st.caption(f"{signs}.")
    if limits:
        st.caption(plain(rate_limits.rate_limit_words(limits)), help=words("curvature", "limit"))
