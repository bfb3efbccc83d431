"""What goes wrong in a training loop, and how does one tell? Mistakes, each as a real run."""

import streamlit as st

from pages._ui import guard

guard.through_app()

from pages._ui import (  # noqa: E402  (the guard comes first)
    controls,
    diagnosis_panel,
    momentum_panel,
    orders_panel,
    state,
    trap_panel,
)

VIEWS = {  # name in the address -> title, panel
    "traps": ("Mistakes", trap_panel),
    "orders": ("All orders", orders_panel),
    "momentum": ("Skipping zero_grad", momentum_panel),
    "diagnosis": ("Diagnosis", diagnosis_panel),
}

given = state.own("traps", ["view", *(field for _, panel in VIEWS.values() for field in panel.FIELDS)])
if given.get("view", "") in VIEWS:
    state.choose("view", given["view"])
elif "view" in given:
    state.note("Ignored in this link: its view.")
st.title("Break the loop")
for sentence in state.notes():
    st.warning(sentence, icon=":material/info:")
view = st.segmented_control(
    "View",
    list(VIEWS),
    format_func=lambda name: VIEWS[name][0],
    required=True,
    label_visibility="collapsed",
    **state.kept("view", list(VIEWS)),
)
with st.sidebar:
    device = controls.device()
with st.container(key="drawn"):
    fields = VIEWS[view][1].draw(given, device)
state.write_address({name: [text] for name, text in ({"view": view} | fields).items()})
