"""The page Losses: values, gradients, and refusals of each loss, by PyTorch's own modules."""

import streamlit as st

from pages._ui import guard

guard.through_app()

from pages._ui import (  # noqa: E402  (the guard comes first)
    cross_entropy_panel,
    one_loss_panel,
    outlier_panel,
    softmax_panel,
    stability_panel,
    views,
    which_loss_panel,
)

VIEWS = {  # name in the address -> title, panel
    "one": ("One loss", one_loss_panel),
    "cross_entropy": ("Cross-entropy", cross_entropy_panel),
    "softmax": ("Softmax twice", softmax_panel),
    "outlier": ("Outlier", outlier_panel),
    "stability": ("Stability", stability_panel),
    "which": ("Which loss?", which_loss_panel),
}

given = views.given("losses", VIEWS)
view = views.choose("losses", "Losses", VIEWS)
with st.container(key="drawn"):
    fields = VIEWS[view][1].draw(given)
views.write_address(view, fields)
