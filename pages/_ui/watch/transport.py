"""The buttons under the title: forward, back, play; the pace and the learning rate."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.fields import RATES
from core.watch.tape import Tape
from core.words import number
from pages._ui.shared import widgets
from pages._ui.watch import player

BACK = [  # label, icon, shortcut, what it does
    ("Restart", ":material/restart_alt:", "0", Tape.restart, "Back to the starting weights."),
    ("Back one step", ":material/skip_previous:", "Shift+B", Tape.back_step, "To the start of the step."),
    ("Back one line", ":material/undo:", "B", Tape.back_line, "Undo the previous line."),
]
NEXT = [
    ("Next line", ":material/arrow_forward:", "N", Tape.line, "Execute one line."),
    ("Next step", ":material/skip_next:", "S", Tape.next_step, "Execute the remaining lines of this step."),
]


def draw(held: Tape) -> None:
    """Draw buttons and settings; not `progress`, which moves while the run plays."""
    playing = player.playing()
    with st.container(horizontal=True, key="transport"):
        for label, icon, shortcut, move, about in BACK:
            _button(label, icon, shortcut, move, about, playing or held.at_start)
        for label, icon, shortcut, move, about in NEXT:
            _button(label, icon, shortcut, move, about, playing or held.run.done)
        _play(playing, held.run.done)
    with st.container(horizontal=True, vertical_alignment="bottom", key="pace_row"):
        widgets.kept(st.select_slider, "Pace of Play, steps per redraw", "pace", player.PACES, width=210)
        if not playing:
            _rate(held)
    changes = ", ".join(f"{number(lr)} from step {step}" for step, lr in held.run.config.schedule)
    if changes:
        st.caption(f"Learning rate {number(held.run.config.lr)} at first, {changes}.")


def _play(playing: bool, done: bool) -> None:
    word, icon = ("Pause", ":material/pause:") if playing else ("Play", ":material/play_arrow:")
    st.button(
        word,
        icon=icon,
        key="play",
        shortcut="P",
        on_click=player.play,
        args=(not playing,),
        disabled=done and not playing,
        help="Keep training, and draw the curves five times a second; the pace is steps per redraw.",
    )


def _button(label, icon, shortcut, move, about, disabled) -> None:  # type: ignore[no-untyped-def]
    st.button(
        label,
        icon=icon,
        key=f"do_{label}",
        shortcut=shortcut,
        on_click=player.moves().append,
        args=(move,),
        disabled=disabled,
        help=about,
    )


def progress(held: Tape, place: DeltaGenerator) -> None:
    """Draw how far the run is."""
    run = held.run
    steps = run.config.steps
    where = f"Step {run.step} of {steps}"
    if run.next_line:
        where += f", line {run.next_line + 1} of {len(run.config.loop)} is next"
    place.progress(min(run.step / steps, 1.0), text=where)


def _rate(held: Tape) -> None:
    """Draw the field for the learning rate from here on."""
    rate = float(held.looks[-1].lr)
    key = f"new_lr_{held.place}_{rate!r}"
    st.number_input(
        "Learning rate from here",
        *RATES,
        value=rate,
        step=rate / 10 or 0.01,
        format="%g",
        key=key,
        on_change=player.take_lr,
        args=(key, rate, player.moves()),
        disabled=held.run.done,
        help="The run continues with it; link and script contain the change.",
        width=190,
    )
