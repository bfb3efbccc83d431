"""What was saved of comparisons: to open again, to take away in a file, to bring back from one."""

from functools import partial
from typing import NoReturn

import streamlit as st

from core.compare.comparison import read as read_comparison
from core.compare.facts import facts
from core.start.my_runs import MAX_BYTES, MAX_ENTRIES, Ended, Entry, read, text
from core.words import number, percent, size_text
from pages._ui.shared import links, my_runs, own_loop, remarks, session
from pages._ui.shared.badges import badge, plain
from pages._ui.shared.streamlit_internals import taken

FIELDS: tuple[str, ...] = ()
ABOUT = (
    "**Save** on Compare puts a comparison here: its settings, what its runs ended with, and the recording "
    "of your own loop, if there is one. The server stores none of it, and closing the tab loses it: take the "
    "file with you, and bring it back on another day or machine."
)


def draw(given: dict[str, str]) -> dict[str, str]:
    """The file out and in; then every entry."""
    st.markdown(ABOUT)
    left, right = st.columns(2)
    with right:
        _uploader()
    with left:
        entries = my_runs.entries()
        if not entries:
            st.caption("Nothing is saved yet.")
            st.page_link("pages/compare.py", label="Compare runs", icon=":material/stacked_line_chart:")
        else:
            about = f"All {len(entries)}, newest first, as JSON."
            links.download("my-runs.json", "my-runs.json", partial(text, entries), about, "application/json")
    for at, entry in enumerate(entries):
        with st.container(border=True, key=f"saved_{at}"):
            _entry(at, entry)
    return {}


def _entry(at: int, entry: Entry) -> None:
    comparison, _ = read_comparison(entry.address.fields)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        badges = " ".join(f":gray-badge[{plain(fact)}]" for fact in facts(comparison.baseline))
        st.markdown(f"**{entry.day}** {badges}", width="stretch")
        if st.button(
            "Open",
            icon=":material/open_in_new:",
            key=f"open_{at}",
            help="Compare trains it anew, and says what ends otherwise than then.",
        ):
            _open(entry)
        with st.container(width="content", key=f"signs_saved_{at}"):
            says = f"Remove what was saved on {entry.day}"
            st.button(
                says,
                icon=":material/close:",
                key=f"remove_{at}",
                type="tertiary",
                help=says,
                on_click=my_runs.remove,
                args=(entry,),
            )
    st.markdown("  \n".join(map(_run, entry.runs)))
    beside = ", with the recording of a loop" if entry.recording else ""
    st.caption(plain(f"PyTorch {entry.torch}{beside}"))


def _run(run: Ended) -> str:
    text = f"{badge(run.verdict)} {plain(run.name)}"
    if run.loss is not None:
        text += f" · **{number(run.loss)}** :small[:gray[loss]]"
    if run.accuracy is not None:
        text += f" · **{percent(run.accuracy)}** :small[:gray[right]]"
    return text


def _open(entry: Entry) -> NoReturn:
    session.read_anew()
    if entry.recording:
        own_loop.put(entry.recording.encode())
    st.switch_page("pages/compare.py", query_params=dict(entry.address.fields))


def _uploader() -> None:
    key = f"my_runs_file.{st.session_state.get('my_runs_uploads', 0)}"  # a new one after each file
    st.file_uploader(
        "Bring back (my-runs.json)",
        type=["json"],
        key=key,
        max_upload_size=MAX_BYTES // 2**20,
        on_change=_take,
        args=(key,),
        help=f"JSON of at most {size_text(MAX_BYTES)} and {MAX_ENTRIES} entries, as this page saves it.",
    )
    for sentence in st.session_state.get("my_runs_said", []):
        remarks.warn(f"{sentence}.")


def _take(key: str) -> None:
    """Add what the file has; if it cannot be read, what was there stays."""
    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state.my_runs_uploads = st.session_state.get("my_runs_uploads", 0) + 1
    try:
        entries, st.session_state.my_runs_said = read(taken(file))
        my_runs.add(entries)
    except ValueError as error:
        st.session_state.my_runs_said = [f"{error}"]
