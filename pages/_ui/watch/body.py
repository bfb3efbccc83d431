"""Everything below the title of the Watch page. While it plays, each thing stays where it is."""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.watch.place import read_place
from core.watch.snapshot import table
from core.watch.tape import Tape
from pages._ui.shared import graph, links, session, tensors, widgets
from pages._ui.shared.badges import plain
from pages._ui.shared.locks import SLOT, alone
from pages._ui.watch import ledger, lines, live, memory, player, surface, transport


def _tensors(held: Tape, device: str) -> None:
    tensors.draw(table(held.looks[-1], held.looks[-2] if len(held.looks) > 1 else None))


def _graph(held: Tape, device: str) -> None:
    try:
        graph.draw(held.graph())
    except ValueError as error:  # its sentence says why there is none
        st.info(plain(str(error)))


def _curves(held: Tape, device: str) -> None:
    live.draw(held)


PANELS = {
    "tensors": ("Tensors", _tensors),
    "graph": ("Graph", _graph),
    "ledger": ("Gradient ledger", ledger.draw),
    "surface": ("Loss surface", surface.draw),
    "memory": ("Memory", memory.draw),
    player.CURVES: ("Curves", _curves),
}


def go_where_asked(held: Tape) -> None:
    """Go to the place and panel that a new address or an example names; a sentence says what is invalid.

    Without them, the first ones. If a click interrupts on the way to a distant place, the next run of the
    page continues.
    """
    if "asked" not in st.session_state:
        return
    asked = {"at": links.START, "look": next(iter(PANELS))} | st.session_state.asked
    if asked["look"] in PANELS:
        session.choose("look", asked["look"])
    else:
        session.note(f"look must be one of {', '.join(PANELS)}.")
    place = read_place(asked["at"], held.run.config)
    if place is None:
        session.note("at must be a step and a line of this run, such as 3.2.")
    elif place != held.place:
        player.bring(held, place)
    session.asked()


def address(held: Tape) -> dict[str, list[str]]:
    """The address of this run, place and panel; defaults are left out."""
    here = {"at": "{}.{}".format(*held.place), "look": session.choice("look", list(PANELS))}
    first = {"at": links.START, "look": next(iter(PANELS))}
    changed = {name: text for name, text in here.items() if text != first[name]}
    return {name: [text] for name, text in {**held.run.config.to_params(), **changed}.items()}


def draw(held: Tape, device: str) -> None:
    """Draw buttons, the lines and one panel; while it plays, only the curves and the bar go on."""
    playing = player.playing()
    if not playing:
        with SLOT:
            held.settle()
    transport.draw(held)
    bar = st.container(key="step_bar")
    if not playing:
        transport.progress(held, bar)
    with st.container(key="look_row"):
        left, right = st.columns([5, 6])
    with left:
        lines.draw(held, playing)
    with right, st.container(border=True):
        st.header("Look inside")
        chosen = _choose(playing)
        with st.container(key=f"panel_{chosen}"):
            if playing:
                st.fragment(_drawing, run_every=player.every_s())(held, player.every_s(), bar)
            else:
                _panel(held, device)


def _panel(held: Tape, device: str) -> None:
    """Draw the chosen one of PANELS; the others are not computed."""
    PANELS[session.choice("look", list(PANELS))][1](held, device)


def _choose(playing: bool) -> str:
    """Draw the choice among PANELS."""
    return widgets.kept(
        st.segmented_control,
        "Panel",
        "look",
        list(PANELS),
        format_func=lambda name: PANELS[name][0],
        required=True,
        label_visibility="collapsed",
        disabled=playing,
    )


def _drawing(held: Tape, every_s: float, bar: DeltaGenerator) -> None:
    """Draw a playing run once; redraw the whole page at its end, or when the interval has changed."""
    begun = time.thread_time()
    with alone():
        player.tick(held)
        if not player.playing() or not every_s / 1.5 < player.every_s() < 1.5 * every_s:
            st.rerun()
        transport.progress(held, bar)
        live.draw(held)
    player.players().drawn(time.thread_time() - begun)
