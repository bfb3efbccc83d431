"""The page Break: mistakes in a training loop, each as a real run."""

import streamlit as st

from pages._ui import guard

guard.through_app()

from pages._ui import (  # noqa: E402  (the guard comes first)
    controls,
    diagnosis_panel,
    momentum_panel,
    orders_panel,
    trap_panel,
    views,
)

VIEWS = {  # name in the address -> title, panel
    "traps": ("Mistakes", trap_panel),
    "orders": ("All orders", orders_panel),
    "momentum": ("Skipping zero_grad", momentum_panel),
    "diagnosis": ("Diagnosis", diagnosis_panel),
}

given = views.given("traps", VIEWS)
view = views.choose("traps", "Break the loop", VIEWS)
with st.sidebar:
    device = controls.device()
with st.container(key="drawn"):
    fields = VIEWS[view][1].draw(given, device)
views.write_address(view, fields)
