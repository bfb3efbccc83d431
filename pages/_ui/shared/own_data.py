"""A file of the visitor's own: where it comes in, what is taken of it, what is said while it is missing.

Tables live in the session and end with it. What was uploaded is taken from Streamlit, which would keep a
second copy, and the next uploader is a new one.
"""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd
import streamlit as st

from core import Config
from core.compare.comparison import Comparison
from core.data import NO_FILE, OWN, TASKS, Own, Unusable, look_up_with, own_table
from core.own import columns
from core.own.csv_file import LIMITS, MAX_BYTES, Refused, read
from core.own.table import Table, tasks
from pages._ui.shared import session, widgets
from pages._ui.shared.badges import plain
from pages._ui.shared.streamlit_internals import taken

MAX_FILES = 2  # of one session; the one that came first goes
NAME = 40  # characters of a column's name in a list


def _files() -> dict[str, Table]:
    """Digest -> table of this session."""
    return st.session_state.get("own_tables", {})


def _token(digest: str) -> str:
    table = _files().get(digest)
    return table.token if table else ""


look_up_with(_token)


def chosen() -> Own:
    """What this session takes of its file, whatever it trains on now; NO_FILE if it has none."""
    comparison: Comparison | None = st.session_state.get("comparison")
    own = comparison.baseline.own if comparison else NO_FILE
    return own if own.digest in _files() else NO_FILE


def shown_data_set(config: Config) -> str:
    """What the control of the data set shows: an own file also before there is one."""
    return OWN if st.session_state.get("own_data_wanted_on") == config.dataset else config.dataset


def choose_data_set(name: str) -> None:
    """Change to a data set; to an own file once there is one. Until then what is on the screen stays."""
    baseline: Config = st.session_state.comparison.baseline
    st.session_state.own_data_wanted_on = None
    if name == OWN and baseline.own.digest not in _files():
        st.session_state.own_data_wanted_on = baseline.dataset
    else:
        session.change("dataset", name, own=baseline.own._replace(token=_token(baseline.own.digest)))


# -- a file comes in -----------------------------------------------------------------------


def _upload(place: str, label: str) -> None:
    key = f"own_data_upload_{place}.{st.session_state.get('own_data_uploads', 0)}"
    most = MAX_BYTES // 2**20
    st.file_uploader(label, key=key, max_upload_size=most, on_change=_take, args=(key,))
    st.caption(
        f"{LIMITS} It stays in this session's memory: it is never written to disk, and nobody else sees it."
    )


def _take(key: str) -> None:
    """Read what was uploaded. What cannot be read is said, and nothing else changes."""
    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state.own_data_uploads = st.session_state.get("own_data_uploads", 0) + 1
    session.forget_notes()
    try:
        table = read(file.name, taken(file))
    except Refused as refused:
        session.note(str(refused))
        return
    _accept(table)


def _accept(table: Table) -> None:
    """Keep it in the session, and train on it unless the runs wait for another file."""
    waited, files = _waited_for(), dict(_files())
    table = files.setdefault(table.digest, table)
    st.session_state.own_tables = dict([*files.items()][-MAX_FILES:])
    if table.digest in waited:
        own: Own = st.session_state.comparison.baseline.own
        if own.digest == table.digest:
            session.change("own", own._replace(token=table.token))
    elif waited:
        sentence = "This is a different file: its hash is {}, and these runs need {}."
        session.note(sentence.format(table.digest, next(iter(waited))))
    else:
        _use(table)


def _waited_for() -> dict[str, str]:
    """Digest -> name of each file that runs of this session need and it does not have."""
    owns = [config.own for _, _, config in st.session_state.comparison.named() if config.dataset == OWN]
    return {own.digest: own.name for own in owns if own.digest and not _files().get(own.digest)}


def _use(table: Table) -> None:
    """Train on this file, as it proposes; runs that need one that is missing are left out."""
    st.session_state.own_data_wanted_on = None
    own: Own = st.session_state.comparison.baseline.own
    same = own.digest == table.digest
    own = own._replace(token=table.token) if same else columns.proposal(table)
    session.change("dataset", OWN, own=own)
    _leave_out()


def _leave_out() -> None:
    """Drop the runs that cannot be built."""
    old = st.session_state.comparison
    runs = [variant for variant in old.variants if not problem(variant.config(old.baseline)[0])]
    st.session_state.comparison = old.with_runs(runs)


def _missing(config: Config) -> bool:
    return config.dataset == OWN and config.own.digest not in _files()


# -- what the page says while it cannot train ----------------------------------------------


def require(configs: Iterable[Config]) -> None:
    """Go on if all of these can be built; otherwise say what is missing, offer an uploader, and stop here."""
    configs = list(configs)
    sentence = next((said for config in configs if (said := problem(config))), None)
    if sentence is None:
        return
    st.info(plain(sentence), icon=":material/upload_file:")
    if not problem(configs[0]):
        st.button("Leave out the runs that need it", on_click=_leave_out)
    if any(map(_missing, configs)):
        _upload("main", "CSV file")
        for digest, table in _files().items():
            st.button(f"Use {plain(table.name)} instead", key=f"use_{digest}", on_click=_use, args=(table,))
    st.stop()


def problem(config: Config) -> str | None:
    """Why this run cannot be built, in one sentence; None if it can."""
    own = config.own
    if config.dataset != OWN:
        return None
    if own == NO_FILE:
        return "This needs a CSV file of your own: upload one here, or choose another data set."
    if own.digest not in _files():
        said = f"These runs use the file {own.name} (hash {own.digest}), which a link does not include"
        return f"{said}: upload it here, or choose another data set."
    try:
        own_table(own).rows(own)
    except Unusable as unusable:
        return f"{unusable}."
    return None


# -- the controls of the sidebar -----------------------------------------------------------


def controls(config: Config, marks: str) -> None:
    """Inputs, target and task of the file, how it was read, and another file in its place."""
    own = config.own
    table = _files().get(own.digest) if config.dataset == OWN else None
    if table is None:
        if config.dataset != OWN:  # else the page has the uploader
            _upload("side", "CSV file")
        return
    st.caption(plain(f"{table.name}: {table.count:,} rows, {len(table.columns)} columns"))
    _select(
        st.multiselect, f"Inputs{marks}", "inputs", list(own.inputs), _names(table, columns.inputs(table))
    )
    _select(st.selectbox, "Target", "target", own.target, _names(table, columns.targets(table)))
    possible = tasks(table.columns[own.target]) if own.target < len(table.columns) else []
    if own.task in possible:
        _select(
            st.segmented_control, "To predict", "task", own.task, {name: TASKS[name] for name in possible}
        )
    _say_rows(table, own)
    if st.button("Columns and first rows", icon=":material/table:"):
        _show_columns(table)
    with st.popover("Another file", icon=":material/upload_file:"):
        _upload("side", "CSV file in its place")


def _names(table: Table, places: Sequence[int]) -> dict[int, str]:
    """Names as lists show them, which is as plain text."""
    names = {place: table.columns[place].name for place in places}
    return {place: name if len(name) <= NAME else f"{name[:NAME]}…" for place, name in names.items()}


def _select(draw: Callable, label: str, part: str, value: object, titles: dict) -> None:
    if isinstance(value, list):
        value = [one for one in value if one in titles]
    if not isinstance(value, list) and value not in titles:  # of a link that was changed by hand
        titles = {value: "no such column", **titles}
    more = {"options": list(titles), "format_func": titles.__getitem__}
    widgets.shown(draw, label, f"own_{part}", value, on_change=_choose, args=(part,), **more)


def _choose(part: str) -> None:
    """Take the choice just made in a widget."""
    own: Own = st.session_state.comparison.baseline.own
    table, value = _files().get(own.digest), widgets.chosen(f"own_{part}")
    if table is None or value is None:  # None: a chosen segment was clicked again
        return
    if part == "inputs" and not set(value) - {own.target}:
        session.forget_notes()
        session.note("Inputs must be at least one column, other than the target.")
    elif part == "inputs":
        session.change("own", own._replace(inputs=tuple(sorted(set(value) - {own.target}))))
    elif part == "target":
        session.change("own", columns.with_target(own, table, value))
    else:
        session.change("own", own._replace(task=value))


def _say_rows(table: Table, own: Own) -> None:
    """Rows used, rows dropped, and which class has which number."""
    try:
        rows = table.read(own)
    except Unusable:  # the page says it
        return
    dropped = table.count - len(rows.inputs)
    said = f"All {table.count:,} rows are used."
    if dropped:
        said = f"{dropped:,} of {table.count:,} rows dropped: a chosen column is empty."
    if rows.classes:
        listed = [f"{number} = {name}" for number, name in enumerate(rows.classes[:6])]
        said += f" Classes: {', '.join(listed)}{', …' if len(rows.classes) > 6 else ''}."
    st.caption(plain(said))


@st.dialog("Columns and first rows", width="large")
def _show_columns(table: Table) -> None:
    """A line for each column. Names are cells here: as names of columns some would break the table."""
    rows = zip(*(column.first for column in table.columns), strict=True)
    reading = {
        "Column": range(1, len(table.columns) + 1),
        "Name": [column.name for column in table.columns],
        "Read as": [column.about for column in table.columns],
        **{f"Row {number}": row for number, row in enumerate(rows, 1)},
    }
    st.dataframe(pd.DataFrame(reading), hide_index=True)
