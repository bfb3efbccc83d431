"""The top of the Watch page: title, examples to open, link and script."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.watch.examples import PRESETS, Preset
from core.watch.tape import Tape
from pages._ui.shared import links, session
from pages._ui.watch import body, player


def draw(held: Tape) -> None:
    """Draw title, examples, link and script."""
    with title():
        with st.popover("Examples", icon=":material/lightbulb:"):
            for name, preset in PRESETS.items():
                _example(name, preset)
        _take_away(held)


def title() -> DeltaGenerator:
    """What the page is; returns the place for buttons beside it."""
    with st.container(horizontal=True, vertical_alignment="center", key="top"):
        st.title("Watch the loop", width="stretch", anchor=False)
        buttons = st.container(horizontal=True, width="content", wrap=False)
    st.caption(
        "Execute one line at a time and see what it does to every tensor. Going back restores every bit."
    )
    return buttons


def _example(name: str, preset: Preset) -> None:
    st.button(preset.title, key=f"preset_{name}", on_click=_open, args=(preset,), width="stretch")
    st.caption(preset.about)


def _open(preset: Preset) -> None:
    player.play(False)
    session.replace_baseline(preset.config)
    st.session_state.asked = {"at": "{}.{}".format(*preset.place), "look": preset.panel}


def _take_away(held: Tape) -> None:
    config = held.run.config
    about = "This address opens the same run at this place."
    with links.share(about, "watch", body.address(held)):
        st.page_link(
            "pages/compare.py", label="Compare this run with others", query_params=config.to_params()
        )
    about = "Plain PyTorch that repeats this run, including every change of the learning rate."
    links.script(config, str(held.run.device), about)
