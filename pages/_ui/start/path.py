"""The path of the app: its stops, those that were seen, and the way in."""

import streamlit as st

from core.start.path import THE_PATH
from pages._ui.shared import walk

FIELDS: tuple[str, ...] = ()
ABOUT = (
    "You know the five lines of a training loop, or have just met them? Guess first, then look: "
    f"{len(THE_PATH.stops)} questions, each with one view and one sentence to take away."
)


def draw(given: dict[str, str]) -> dict[str, str]:
    """What it is, the button that begins it, and its stops."""
    seen = walk.told(THE_PATH)
    ahead = next((at for at in range(len(THE_PATH.stops)) if at not in seen), 0)
    st.markdown(ABOUT)
    with st.container(horizontal=True, vertical_alignment="center"):
        word = "Begin" if not ahead else f"Go on with stop {ahead + 1}"
        st.button(
            word if len(seen) < len(THE_PATH.stops) else "Begin again",
            icon=":material/arrow_forward:",
            type="primary",
            shortcut="Shift+N",
            on_click=walk.go,
            args=(THE_PATH, ahead),
        )
        st.markdown(f":gray-badge[{len(seen)} of {len(THE_PATH.stops)} seen]")
    with st.container(border=True, gap="xsmall"):
        for at in range(len(THE_PATH.stops)):
            _stop(at, at in seen)
    return {}


def _stop(at: int, seen: bool) -> None:
    mark = ":green[:material/check_circle:]" if seen else ":gray[:material/circle:]"
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(f"{mark} {at + 1}. {THE_PATH.stops[at].question}", width="stretch")
        st.button("Open", key=f"open_{at}", help=f"Stop {at + 1}", on_click=walk.go, args=(THE_PATH, at))
