"""Which loss goes with a task: three questions, and what the tables answer."""

from functools import partial

import streamlit as st

from core.data import FORMS, FORMS_OF_TASK
from core.loss_lessons.choice import NO_LAYER, TASKS, candidates, last_layers, made_for
from core.loss_lessons.targets import example
from core.losses import LOSSES
from pages._ui.losses import train
from pages._ui.shared import address_fields, session, views

FIELDS = ("task", "form", "last")


def draw(given: dict[str, str]) -> dict[str, str]:
    """Task, targets and last layer; then the losses that go with them."""
    segments = partial(address_fields.one, st.segmented_control, given=given, required=True)
    task = segments("What is to be predicted?", "task", list(TASKS), format_func=TASKS.get)
    forms = list(FORMS_OF_TASK[task])
    form = segments("What are the targets?", "form", forms, format_func=lambda name: FORMS[name].about)
    layers = last_layers(task, form)
    last = segments("What does the model end in?", "last", layers, format_func=_layer)
    _answer(task, candidates(task, form, last))
    return {"task": task, "form": form, "last": last}


def _layer(name: str) -> str:
    return "a linear layer" if name == NO_LAYER else name


def _answer(task: str, names: list[str]) -> None:
    """A card for each loss that is made for such a task; the others by name."""
    meant = [name for name in names if (made_for(name) == "regression") == (task == "regression")]
    for start in range(0, len(meant), 3):
        for column, name in zip(st.columns(3), meant[start : start + 3], strict=False):
            with column:
                _card(task, name)
    rest = [LOSSES[name].title for name in names if name not in meant]
    if rest:
        st.caption(f"{', '.join(rest)} accept these targets, too, though they are meant for regression.")


def _card(task: str, name: str) -> None:
    row = LOSSES[name]
    with st.container(border=True, height="stretch", key=f"card_{name}"):
        st.header(row.title)
        st.code(row.expression(example(name)[0].shape[1]), language=None, wrap_lines=True)
        st.markdown(row.when)
        with st.container(horizontal=True, vertical_alignment="center"):
            train.draw("Train with it", name, task)
            st.button(
                "Look at it",
                icon=":material/search:",
                key=f"look_{name}",
                on_click=_look,
                args=(name,),
            )


def _look(name: str) -> None:
    views.show("losses", "one")
    session.choose("losses_loss", name)
