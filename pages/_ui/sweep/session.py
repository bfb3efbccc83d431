"""The sweep and the cell a session has chosen; both are in the address."""

from collections.abc import Mapping

import streamlit as st

from core import Config
from core.compare.comparison import SEPARATOR, one_line
from core.config import KNOBS
from core.sweep.axes import Axis, usual
from core.sweep.measures import MEASURES, offered
from core.sweep.sweep import OWN, Sweep, read
from pages._ui.shared import session

LOOKS = ("measure", "goal", "cell", "along")  # fields of the address that say what is looked at
FIELDS = (*OWN, *LOOKS)
ALONG = {"row": "Its row", "column": "Its column"}
GOAL = 0.1  # the loss that is asked for, until another one is


def sweep(baseline: Config) -> Sweep:
    """The session's sweep of this baseline, after reading the address if it is new."""
    asked: dict[str, str] = {}
    if "asked" in st.session_state:
        asked = session.asked()
        _take(asked, baseline)
    own: dict[str, str] = st.session_state.setdefault("sweep_own", {})
    found, notes = read(own, baseline)
    if notes:
        session.note(one_line(notes))
        _keep(found)
    if "cell" in asked and place(found) is None:
        session.note("Ignored in this link: its cell.")
    return found


def _take(given: Mapping[str, str], baseline: Config) -> None:
    """Take axes and view from a new address."""
    st.session_state.sweep_own = {name: given[name] for name in OWN if name in given}
    st.session_state.sweep_cell = given.get("cell")
    for name, options in (("measure", offered(baseline)), ("along", ALONG)):
        session.choose(f"sweep_{name}", given.get(name))
        if name in given and given[name] not in options:
            session.note(f"Ignored in this link: its {name}.")
    st.session_state.sweep_goal = GOAL
    if "goal" in given:
        try:
            st.session_state.sweep_goal = KNOBS["lr"].parse(given["goal"])
        except ValueError:
            session.note("Ignored in this link: its goal.")


def _keep(chosen: Sweep) -> None:
    params = chosen.to_params()
    st.session_state.sweep_own = {name: params[name][0] for name in OWN if name in params}


def change(old: Sweep, **changes: object) -> None:
    """Set an axis or the seeds; what is not possible is refused with a sentence."""
    st.session_state.notes = []
    values = {"x": old.x, "y": old.y, "seeds": old.seeds} | changes
    try:
        _keep(Sweep(old.baseline, **values))  # type: ignore[arg-type]
    except ValueError as error:
        session.note(f"{error}.")


def change_field(old: Sweep, name: str, field: str) -> None:
    """Give an axis another field with its usual values; swap the axes if the other one has it."""
    other = {"x": "y", "y": "x"}[name]
    axis: Axis = getattr(old, other)
    changes: dict[str, object] = {name: axis, other: getattr(old, name)}
    if axis.field != field:
        try:
            changes = {name: usual(field, old.baseline)}
        except ValueError as error:
            session.note(f"{error}.")
            return
    if field == "seed":
        changes["seeds"] = 1
    change(old, **changes)


def place(chosen: Sweep) -> tuple[int, int] | None:
    """Column and row of the chosen cell; None if none of this sweep was chosen."""
    text = st.session_state.get("sweep_cell") or ""
    x, _, y = text.partition(SEPARATOR)
    columns, rows = _texts(chosen.x), _texts(chosen.y)
    return (columns.index(x), rows.index(y)) if x in columns and y in rows else None


def choose_cell(chosen: Sweep, column: int, row: int) -> None:
    columns, rows = _texts(chosen.x), _texts(chosen.y)
    if column in range(len(columns)) and row in range(len(rows)):  # a client may send anything
        st.session_state.sweep_cell = SEPARATOR.join((columns[column], rows[row]))


def _texts(axis: Axis) -> list[str]:
    return [KNOBS[axis.field].text(value) for value in axis.values]


def write_address(chosen: Sweep) -> None:
    """Write all choices to the address; defaults are left out."""
    params = chosen.to_params()
    measure = session.choice("sweep_measure", offered(chosen.baseline))
    looks = (("measure", measure, MEASURES), ("along", session.choice("sweep_along", list(ALONG)), ALONG))
    params |= {name: [value] for name, value, options in looks if value != next(iter(options))}
    if measure == "reached":
        params["goal"] = [f"{st.session_state.sweep_goal:g}"]
    if place(chosen) is not None:
        params["cell"] = [st.session_state.sweep_cell]
    session.write_address(params)
