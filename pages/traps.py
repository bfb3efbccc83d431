"""The page Break: mistakes in a training loop, each as a real run."""

import streamlit as st

from pages._ui.shared import guard

guard.through_app()

from pages._ui.shared import sidebar, views  # noqa: E402
from pages._ui.traps import accumulation, diagnosis, mistakes, momentum, orders  # noqa: E402

VIEWS = {  # name in the address -> title, panel
    "traps": ("Mistakes", mistakes),
    "orders": ("All orders", orders),
    "momentum": ("Skipping zero_grad", momentum),
    "accumulation": ("Why gradients add up", accumulation),
    "diagnosis": ("Diagnosis", diagnosis),
}

with st.sidebar:
    device = sidebar.device(named=False)
views.draw("traps", "Break the loop", VIEWS, device)
