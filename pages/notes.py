"""The page Notes: every claim of five course notes, and the lines that check it."""

import streamlit as st

from pages._ui.shared import guard

guard.through_app()

from pages._ui.notes import claims  # noqa: E402  (the guard comes first)
from pages._ui.shared import session  # noqa: E402  (the guard comes first)

given = session.own("notes", claims.FIELDS)
st.title("The notes, checked")
st.markdown(claims.ABOUT)
with st.container(key="drawn"):
    fields = claims.draw(given)
session.write_address({name: [text] for name, text in fields.items()})
