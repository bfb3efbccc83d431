"""All below the title of the Watch page: light while it plays, everything when it pauses."""

import re
import time

import streamlit as st

from core.tape import Tape
from core.tensor_table import table
from pages._ui import (
    graph_panel,
    ledger_panel,
    lines_panel,
    live_panel,
    memory_panel,
    player,
    state,
    surface_panel,
    tensors_panel,
    transport,
    widgets,
)


def _tensors(held: Tape, device: str) -> None:
    tensors_panel.draw(table(held.looks[-1], held.looks[-2] if len(held.looks) > 1 else None))


def _graph(held: Tape, device: str) -> None:
    try:
        graph_panel.draw(held.graph())
    except ValueError as error:  # its sentence says why there is none
        st.info(str(error))


PANELS = {
    "tensors": ("Tensors", _tensors),
    "graph": ("Autograd graph", _graph),
    "ledger": ("Gradient ledger", ledger_panel.draw),
    "surface": ("Loss surface", surface_panel.draw),
    "memory": ("Memory", memory_panel.draw),
}


def go_where_asked(held: Tape) -> None:
    """Take the place and the panel that a link or an example names; what is not valid is said."""
    asked = state.asked()
    if "look" in asked and asked["look"] in PANELS:
        state.choose("look", asked["look"])
    if "at" in asked:
        place = _place(held, asked["at"])
        if place is None:
            st.session_state.notes = [
                *state.notes(),
                ("at must be a step and a line of this run, such as 3.2."),
            ]
        else:
            player.bring(held, place)


def _place(held: Tape, text: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d{1,4})\.(\d)", text, re.ASCII)
    if not found:
        return None
    step, line = int(found[1]), int(found[2])
    config = held.run.config
    good = (step < config.steps and line <= max(len(config.loop) - 1, 0)) or (step, line) == (config.steps, 0)
    return (step, line) if good else None


def draw(held: Tape, device: str) -> None:
    """Buttons and curves; and, unless it plays, the lines and one panel."""
    if player.playing():
        transport.draw(held)
        st.fragment(_drawing, run_every=player.every_s())(held, player.every_s())
        st.caption("Pause to look at the lines, the tensors, and the graph of this step.")
        return
    player.act(Tape.settle)
    transport.draw(held)
    transport.progress(held)
    left, right = st.columns([5, 6])
    with left:
        lines_panel.draw(held)
    with right:
        _panel(held, device)
    with st.container(key="so_far"):
        live_panel.draw(held)


def _panel(held: Tape, device: str) -> None:
    """One of PANELS, as chosen; the others are not computed."""
    with st.container(border=True):
        st.header("Look inside")
        chosen = widgets.kept(
            st.segmented_control,
            "Panel",
            "look",
            list(PANELS),
            format_func=lambda name: PANELS[name][0],
            required=True,
            label_visibility="collapsed",
        )
        with st.container(key=f"panel_{chosen}"):
            PANELS[chosen][1](held, device)


def _drawing(held: Tape, every_s: float) -> None:
    """One drawing of a run that plays; at its end, or at another pace, the whole page is drawn again."""
    begun = time.thread_time()
    player.tick(held)
    if not player.playing() or not every_s / 1.5 < player.every_s() < 1.5 * every_s:
        st.rerun()
    transport.progress(held)
    with st.container(key="so_far"):
        live_panel.draw(held)
    player.players().drawn(time.thread_time() - begun)
