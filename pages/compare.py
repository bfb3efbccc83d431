"""The page Compare: several runs side by side, each with one change."""

import streamlit as st

from pages._ui import guard

guard.through_app()

from pages._ui import (  # noqa: E402  (the guard comes first)
    cards,
    code_panel,
    controls,
    curve_panel,
    fit_panel,
    heading,
    state,
    table,
    training,
)

comparison = state.comparison("compare")
device = controls.sidebar(comparison.baseline, "Baseline loop", runs=True)
state.write_address(comparison.to_params())

left, right = st.columns([4, 1], vertical_alignment="bottom")
with left:
    heading.draw(comparison)
buttons = right.container(horizontal=True, horizontal_alignment="right")
for note in state.notes():
    st.warning(note, icon=":material/info:")
trained = training.train(comparison.named(), device)
with buttons:
    heading.take_away(comparison, trained)

cards.draw(trained)
curve_panel.draw(trained)
fit_panel.draw(trained)
code_panel.draw(trained, device)
table.draw(trained)
