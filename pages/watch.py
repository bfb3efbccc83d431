"""The page Watch: one run, line by line, forward and back."""

import streamlit as st

from pages._ui import guard

guard.through_app()

from pages._ui import controls, player, state, watch_body, watch_heading  # noqa: E402  (the guard comes first)

OWN_FIELDS = ("at", "look")  # of the address: place and panel, read once

comparison = state.comparison("watch", OWN_FIELDS)
config = comparison.baseline
device = controls.sidebar(config, "Loop to watch", runs=False)
params = {name: [text] for name, text in config.to_params().items()}
state.write_address(params)

tape = player.tape(config, device)
watch_body.go_where_asked(tape)
watch_heading.draw(tape)
for note in state.notes():
    st.warning(note, icon=":material/info:")
watch_body.draw(tape, device)
