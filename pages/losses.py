"""Which loss is it, and what does it do? Values, gradients and refusals, by PyTorch's own modules."""

import streamlit as st

from pages._ui import guard

guard.through_app()

from pages._ui import (  # noqa: E402  (the guard comes first)
    cross_entropy_panel,
    one_loss_panel,
    outlier_panel,
    softmax_panel,
    stability_panel,
    state,
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

given = state.own("losses", ["view", *(field for _, panel in VIEWS.values() for field in panel.FIELDS)])
if given.get("view", "") in VIEWS:
    state.choose("losses_view", given["view"])
elif "view" in given:
    state.note("Ignored in this link: its view.")
st.title("Losses")
for sentence in state.notes():
    st.warning(sentence, icon=":material/info:")
view = st.segmented_control(
    "View",
    list(VIEWS),
    format_func=lambda name: VIEWS[name][0],
    required=True,
    label_visibility="collapsed",
    **state.kept("losses_view", list(VIEWS)),
)
with st.container(key="drawn"):
    fields = VIEWS[view][1].draw(given)
state.write_address({name: [text] for name, text in ({"view": view} | fields).items()})
