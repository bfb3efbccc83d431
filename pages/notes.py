"""The page Notes: every claim of five course notes, and the lines that check it."""

import streamlit as st

from pages._ui import guard

guard.through_app()

from pages._ui import claims_panel, state  # noqa: E402  (the guard comes first)

given = state.own("notes", claims_panel.FIELDS)
st.title("The notes, checked")
st.markdown(claims_panel.ABOUT)
with st.container(key="drawn"):
    fields = claims_panel.draw(given)
state.write_address({name: [text] for name, text in fields.items()})
