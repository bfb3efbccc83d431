"""The page Compare: several runs side by side, each with one change."""

import streamlit as st

from pages._ui.shared import guard

guard.through_app()

from pages._ui.compare import cards, changes, curves, fit, heading, table, view  # noqa: E402
from pages._ui.shared import code, own_file, remarks, session, sidebar, training  # noqa: E402

comparison = session.comparison("compare", view.FIELDS)
view.take()
runs = comparison.named()
device = sidebar.sidebar(comparison.baseline, "Baseline", runs[1:])
view.write_address()

with st.container(horizontal=True, vertical_alignment="center", key="top"):
    heading.draw(comparison.baseline)
    buttons = st.container(horizontal=True, width="content", wrap=False)
remarks.draw()
own_file.require(run.config for run in runs)
trained = training.train(runs, device)
with buttons:
    heading.take_away(trained)

cards.draw(trained)
changes.draw()
curves.draw(trained)
fit.draw(trained)
code.draw(trained, device)
table.draw(trained)
training.go_on()
