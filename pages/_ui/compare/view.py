"""What is looked at on Compare: among the session's choices as view_FIELD, and in the address."""

from typing import Any

import streamlit as st

from core.compare.comparison import one_line
from core.compare.curves import QUANTITIES
from core.compare.looks import READ, TEXT
from core.words import shown
from pages._ui.shared import session

FIELDS = tuple(READ)


def take() -> None:
    """Take in what a new address says; a field that cannot be read is said, and the default stands."""
    if "asked" not in st.session_state:
        return
    given, ignored = session.asked(), []
    for field, read in READ.items():
        put(field, None)
        try:
            if field in given:
                put(field, read(given[field]))
        except ValueError:
            ignored.append(f"{field}, which cannot be {shown(given[field])}")
    if ignored:
        session.note(one_line(ignored))


def get(field: str) -> Any:
    """What was chosen; None for the default."""
    return st.session_state.setdefault("choices", {}).get(f"view_{field}")


def put(field: str, value: Any) -> None:
    """Choose it; None for the default."""
    session.choose(f"view_{field}", value)


def hidden() -> tuple[int, ...]:
    """Places of the runs that are hidden."""
    return get("hide") or ()


def params() -> dict[str, list[str]]:
    """The fields whose value is not the default."""
    first = {"curve": "loss", "show": next(iter(QUANTITIES)), "scale": "log", "of": "", "smooth": "0"}
    chosen = {field: get(field) for field in FIELDS}
    return {
        field: [TEXT.get(field, str)(value)]
        for field, value in chosen.items()
        if value not in (None, (), first.get(field))
    }


def write_address() -> None:
    """The comparison, and what is looked at; also from a fragment, after a choice within it."""
    session.write_address(st.session_state.comparison.to_params() | params())
