"""Which loss is it, and what does it do? Values, gradients and refusals, by PyTorch's own modules."""

import streamlit as st

from pages._ui.shared import guard

guard.through_app()

from pages._ui.losses import cross_entropy, one, outlier, softmax_twice, stability, which  # noqa: E402
from pages._ui.shared import views  # noqa: E402

VIEWS = {  # name in the address -> title, panel
    "one": ("One loss", one),
    "cross_entropy": ("Cross-entropy", cross_entropy),
    "softmax": ("Softmax twice", softmax_twice),
    "outlier": ("Outlier", outlier),
    "stability": ("Stability", stability),
    "which": ("Which loss?", which),
}
QUESTION = "Which loss goes with these targets, and how hard does it push where the model is wrong?"

given = views.given("losses", VIEWS)
view = views.choose("losses", "Losses", VIEWS, QUESTION)
with st.container(key="drawn"):
    fields = VIEWS[view][1].draw(given)
views.write_address(view, fields)
