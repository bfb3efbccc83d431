"""The page Sweep: a grid of runs, as a map."""

import streamlit as st

from pages._ui.shared import guard

guard.through_app()

from core.sweep.rate_limits import rate_limits  # noqa: E402  (the guard comes first)
from pages._ui.shared import own_data, remarks, session, sidebar, width  # noqa: E402
from pages._ui.shared.curvatures import curvature  # noqa: E402
from pages._ui.sweep import axes, cell, heading, range_test, recheck, training  # noqa: E402
from pages._ui.sweep import map as sweep_map  # noqa: E402
from pages._ui.sweep import session as sweep_session  # noqa: E402

comparison = session.comparison("sweep", sweep_session.FIELDS)
sweep = sweep_session.sweep(comparison.baseline)
device = sidebar.sidebar(sweep.baseline, "Baseline loop")
sweep_session.write_address(sweep)

heading.draw(sweep)
axes.draw(sweep)
remarks.draw()
own_data.require([sweep.baseline])
heading.count(sweep)
progress = st.empty()
with st.container(border=True, key="sweep"):
    measure = sweep_map.choose_measure(sweep)
    pixels = width.of_container("sweep_width")
    if width.is_coming("sweep_width"):
        st.stop()
    place, said = st.empty(), st.container()
limits = rate_limits(sweep, curvature)


def fill(briefs):  # type: ignore[no-untyped-def]
    """The map as far as its runs are there."""
    sweep_map.draw(place, sweep, sweep_map.frame(sweep, briefs, measure), measure, limits, pixels)


briefs = training.train(sweep, device, progress, fill)
cells = sweep_map.frame(sweep, briefs, measure)
chosen = sweep_map.chosen_row(sweep, briefs, cells, measure)
sweep_map.draw(place, sweep, cells, measure, limits, pixels, chosen, listens=True)
with said:
    sweep_map.explain(cells, measure, limits)
    rechecked = st.container()
left, right = st.columns([2, 3])
with left.container(border=True, height="stretch"):
    cell.draw(sweep, cells, briefs, chosen, measure, device)
with right.container(border=True, height="stretch"):
    cell.draw_neighbors(sweep, briefs, chosen)
with st.container(border=True):
    range_test.draw(sweep, device)
heading.table(sweep, briefs)
with rechecked:
    recheck.draw(sweep, briefs, device)
