"""The page Sweep: a grid of runs, as a map."""

import streamlit as st

from pages._ui import guard

guard.through_app()

from core.rate_limits import rate_limits  # noqa: E402  (the guard comes first)
from pages._ui import (  # noqa: E402
    axis_pickers,
    controls,
    range_panel,
    recheck_panel,
    state,
    sweep_cell,
    sweep_curves,
    sweep_heading,
    sweep_map,
    sweep_runs,
    sweep_state,
    sweep_table,
    width,
)
from pages._ui.curvatures import curvature  # noqa: E402

comparison = state.comparison("sweep", sweep_state.FIELDS)
sweep = sweep_state.sweep(comparison.baseline)
device = controls.sidebar(sweep.baseline, "Baseline loop", runs=False)
sweep_state.write_address(sweep)

sweep_heading.draw(sweep)
axis_pickers.draw(sweep)
for note in state.notes():
    st.warning(note, icon=":material/info:")
sweep_heading.count(sweep)
progress = st.empty()
with st.container(border=True, key="sweep"):
    measure = sweep_map.choose_measure(sweep)
    pixels = width.of_container("sweep_width")
    place, said = st.empty(), st.container()
limits = rate_limits(sweep, curvature)


def fill(briefs):  # type: ignore[no-untyped-def]
    """The map as far as its runs are there."""
    sweep_map.draw(place, sweep, sweep_map.frame(sweep, briefs, measure), measure, limits, pixels)


briefs = sweep_runs.train(sweep, device, progress, fill)
cells = sweep_map.frame(sweep, briefs, measure)
chosen = sweep_map.chosen_row(sweep, briefs, cells, measure)
sweep_map.draw(place, sweep, cells, measure, limits, pixels, chosen, listens=True)
with said:
    sweep_map.explain(cells, measure, limits)
    rechecked = st.container()
left, right = st.columns([2, 3])
with left.container(border=True, height="stretch"):
    sweep_cell.draw(sweep, cells, briefs, chosen, measure, device)
with right.container(border=True, height="stretch"):
    sweep_curves.draw(sweep, briefs, chosen)
with st.container(border=True):
    range_panel.draw(sweep, device)
sweep_table.draw(sweep, briefs)
with rechecked:
    recheck_panel.draw(sweep, briefs, device)
