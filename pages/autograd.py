"""The page Autograd: a few typed lines, one by one, and what autograd records of them."""

import streamlit as st

from pages._ui.shared import guard

guard.through_app()

from pages._ui.autograd import after_line, editor, line_by_line  # noqa: E402  (the guard comes first)
from pages._ui.shared import remarks, session  # noqa: E402  (the guard comes first)

given = session.own("autograd", (*editor.FIELDS, *after_line.FIELDS))
editor.take(given)
after_line.take(given)
buttons = editor.heading()
remarks.draw()
editor.draw()
address = editor.address()
with st.container(key="drawn"):
    if editor.answered():
        text = editor.text()
        found = line_by_line.executed(text)
        left, right = st.columns([5, 6])
        with right:
            chosen = after_line.draw(text, found)
        with left:
            line_by_line.draw(text, found, chosen.line)
        address |= chosen.address
    else:
        st.caption("Choose an answer, or just press Run: then each line is shown with what it did.")
params = {name: [value] for name, value in address.items()}
with buttons:
    editor.share(params)
session.write_address(params)
