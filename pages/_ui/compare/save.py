"""Saves the comparison among my runs, and says where one that was saved now ends otherwise."""

from collections.abc import Sequence
from datetime import date

import streamlit as st
import torch

from core.compare.looks import READ
from core.start.address import Address
from core.start.my_runs import PAGE, Ended, Entry, differing, ended
from core.words import DIGITS, digits_apart, number
from pages._ui.compare import view
from pages._ui.shared import my_runs, own_loop, session
from pages._ui.shared.remarks import warn
from pages._ui.shared.training import Trained

WHERE = f"“{my_runs.NAME}” of Start here opens it again; take the file away there before you close this tab."


def tell(trained: Sequence[Trained]) -> None:
    """The runs that do not end as they did when they were saved."""
    entry = _entry()
    if entry is None or not _done(trained):
        return
    for then, now in differing(entry.runs, _ended(trained)):
        digits = DIGITS if then.loss is None or now.loss is None else digits_apart(then.loss, now.loss)
        warn(
            f"{now.name} ends otherwise than when it was saved on {entry.day} (PyTorch {entry.torch}): "
            f"{_end(then, digits)} then, {_end(now, digits)} now (PyTorch {torch.__version__})."
        )


def draw(trained: Sequence[Trained]) -> None:
    """The button."""
    entry = _entry()
    saved = entry is not None and not differing(entry.runs, _ended(trained))
    saved = saved and entry.recording == own_loop.text()
    st.button(
        "Saved" if saved else "Save",
        icon=":material/bookmark_added:" if saved else ":material/bookmark_add:",
        disabled=saved or not _done(trained),
        help=f"Saved on {entry.day}; it ends the same, to the last bit. {WHERE}" if saved else WHERE,
        on_click=_save,
        args=(trained,),
    )


def _entry() -> Entry | None:
    """The newest one of these settings."""
    params = st.session_state.comparison.to_params()
    return next((one for one in my_runs.entries() if _settings(one) == params), None)


def _settings(entry: Entry) -> dict[str, list[str]]:
    return {name: texts for name, texts in entry.address.fields.items() if name not in READ}


def _ended(trained: Sequence[Trained]) -> tuple[Ended, ...]:
    return tuple(ended(one.name, one.result, one.verdict) for one in trained)


def _done(trained: Sequence[Trained]) -> bool:
    return all(one.result.done == one.config.steps or one.result.message for one in trained)


def _end(run: Ended, digits: int) -> str:
    return run.verdict if run.loss is None else f"{run.verdict}, loss {number(run.loss, digits)}"


def _save(trained: Sequence[Trained]) -> None:
    runs = _ended(trained)
    try:
        address = Address(PAGE, st.session_state.comparison.to_params() | view.params())
        my_runs.add([Entry(address, f"{date.today()}", torch.__version__, runs, own_loop.text())])
    except ValueError as error:
        session.note(f"{error}.")
