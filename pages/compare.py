"""The page Compare: several runs side by side, each the baseline with changes."""

import streamlit as st

from pages._ui.shared import guard

guard.through_app()

from pages._ui.compare import cards, changes, curves, fit, heading, own, save, table, view  # noqa: E402
from pages._ui.shared import code, own_data, remarks, session, sidebar, training  # noqa: E402

comparison = session.comparison("compare", view.FIELDS)
view.take()
named = comparison.named()
device = sidebar.sidebar(comparison.baseline, "Baseline", named[1:])
view.write_address()

with st.container(horizontal=True, vertical_alignment="center", key="top"):
    heading.draw(comparison.baseline)
    buttons = st.container(horizontal=True, width="content", wrap=False, key="take_away")
remarks.draw()
own_data.require(run.config for run in named)
trained = training.train(named, device)
with buttons:
    heading.take_away(trained)
    save.draw(trained)
save.tell(trained)

cards.draw(comparison, trained)
own.card(trained)
changes.draw()
curves.draw([*trained, *own.drawn(trained)])
own.draw()
fit.draw(trained)
code.draw(trained, device)
table.draw(trained)
training.go_on()
