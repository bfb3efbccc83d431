"""Loop Lab: the frame around all pages. Start it with `streamlit run app.py`."""

import streamlit as st

st.set_page_config(page_title="Loop Lab", page_icon="🔁", layout="wide")

with st.spinner("Loading PyTorch…"):  # shown to the first visitor after a start only: later it takes no time
    from pages._ui.shared import warm

    warm.up()
    from pages._ui.shared import changed, frame, guard, session, style, walk
    from pages._ui.start import sequence
changed.tell()

PAGES = [
    st.Page("pages/compare.py", title="Compare", icon=":material/stacked_line_chart:", default=True),
    st.Page("pages/start.py", title="Start here", icon=":material/flag:"),
    st.Page("pages/watch.py", title="Watch", icon=":material/visibility:"),
    st.Page("pages/traps.py", title="Break", icon=":material/bug_report:"),
    st.Page("pages/sweep.py", title="Sweep", icon=":material/grid_on:"),
    st.Page("pages/losses.py", title="Losses", icon=":material/trending_down:"),
    st.Page("pages/autograd.py", title="Autograd", icon=":material/account_tree:"),
    st.Page("pages/notes.py", title="Notes", icon=":material/fact_check:"),
]
WITH_SIDEBAR = ("", "watch", "sweep")
page = st.navigation(PAGES, position="hidden" if st.context.is_embedded else "top")
style.draw(
    sidebar=page.url_path in WITH_SIDEBAR and not session.bare(), embedded=bool(st.context.is_embedded)
)
if frame.ready() and walk.draw(page.url_path):
    guard.mark_run()
    page.run()
    sequence.offer(page.url_path or "compare")
