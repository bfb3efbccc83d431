"""From a symptom to its possible causes: the number that tells, the repair, the run that shows it."""

import streamlit as st

from core.start.symptoms import SYMPTOMS, Cause
from pages._ui.shared import address_fields
from pages._ui.shared.badges import plain

FIELDS = ("symptom",)
PAGE_LINKS = {  # page -> what its link says, its icon
    "traps": ("See it happen, and the repair", ":material/bug_report:"),
    "watch": ("Watch it happen", ":material/visibility:"),
}
BESIDE = 3  # cards in a row


def draw(given: dict[str, str]) -> dict[str, str]:
    """Choose what you see; then a card for each cause."""
    symptom = address_fields.one(
        st.pills,
        "What do you see?",
        "symptom",
        list(SYMPTOMS),
        given,
        required=True,
        format_func=lambda name: SYMPTOMS[name].title,
    )
    causes = SYMPTOMS[symptom].causes
    for start in range(0, len(causes), BESIDE):
        for number, column in enumerate(st.columns(BESIDE), start):
            if number < len(causes):
                with column:
                    _card(number, causes[number])
    return {"symptom": symptom}


def _card(number: int, cause: Cause) -> None:
    assert cause.shown is not None  # made with the Cause
    with st.container(border=True, height="stretch", key=f"cause_{number}"):
        st.header(cause.what)
        st.markdown(f":material/search: **Look for:** {plain(cause.look)}")
        st.markdown(f":material/build: **Repair:** {plain(cause.repair)}")
        label, icon = PAGE_LINKS[cause.shown.page]
        st.page_link(
            f"pages/{cause.shown.page}.py", label=label, icon=icon, query_params=dict(cause.shown.fields)
        )
