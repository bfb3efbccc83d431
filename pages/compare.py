"""The page Compare: several runs side by side, each with one change."""

import streamlit as st

from pages._ui.shared import guard

guard.through_app()

from pages._ui.compare import cards, curves, fit, heading, table  # noqa: E402
from pages._ui.shared import code, remarks, session, sidebar, training  # noqa: E402

comparison = session.comparison("compare")
device = sidebar.sidebar(comparison.baseline, "Baseline loop", runs=True)
session.write_address(comparison.to_params())

left, right = st.columns([4, 1], vertical_alignment="bottom")
with left:
    heading.draw(comparison)
buttons = right.container(horizontal=True, horizontal_alignment="right")
remarks.draw()
trained = training.train(comparison.named(), device)
with buttons:
    heading.take_away(comparison, trained)

cards.draw(trained)
curves.draw(trained)
fit.draw(trained)
code.draw(trained, device)
table.draw(trained)
