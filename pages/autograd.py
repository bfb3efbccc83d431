"""The page Autograd: a few typed lines, one by one, and what autograd records of them."""

import streamlit as st

from pages._ui import guard

guard.through_app()

from pages._ui import inside_panel, notebook_panel, state, told_panel  # noqa: E402  (the guard comes first)

given = state.own("autograd", (*notebook_panel.FIELDS, *inside_panel.FIELDS))
notebook_panel.take(given)
inside_panel.take(given)
buttons = notebook_panel.heading()
for sentence in state.notes():
    st.warning(sentence, icon=":material/info:")
notebook_panel.draw()
address = notebook_panel.address()
with st.container(key="drawn"):
    if notebook_panel.answered():
        text = notebook_panel.text()
        found = told_panel.told(text)
        left, right = st.columns([5, 6])
        with right:
            chosen = inside_panel.draw(text, found)
        with left:
            told_panel.draw(text, found, chosen.line)
        address |= chosen.address
    else:
        st.caption("Choose an answer, or just press Run: then each line is shown with what it did.")
params = {name: [value] for name, value in address.items()}
with buttons:
    notebook_panel.share(params)
state.write_address(params)
