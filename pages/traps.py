"""The page Break: mistakes in a training loop, each as a real run."""

import streamlit as st

from pages._ui.shared import guard

guard.through_app()

from pages._ui.shared import sidebar, views  # noqa: E402
from pages._ui.traps import diagnosis, mistakes, momentum, orders  # noqa: E402

VIEWS = {  # name in the address -> title, panel
    "traps": ("Mistakes", mistakes),
    "orders": ("All orders", orders),
    "momentum": ("Skipping zero_grad", momentum),
    "diagnosis": ("Diagnosis", diagnosis),
}

given = views.given("traps", VIEWS)
view = views.choose("traps", "Break the loop", VIEWS)
with st.sidebar:
    device = sidebar.device()
with st.container(key="drawn"):
    fields = VIEWS[view][1].draw(given, device)
views.write_address(view, fields)
