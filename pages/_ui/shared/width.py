"""The room for a chart, as the browser reports it: linked charts cannot stretch by themselves."""

from typing import NamedTuple

import streamlit as st

from pages._ui.shared import frame

FIRST = 900  # pixels, until a browser answers: what is wider than the page is not shown meanwhile

# Streamlit's button enlarges the frame around a chart; it comes and goes with a click or the key Escape.
_RULER = """
export default function({ parentElement, setStateValue }) {
  const host = parentElement.host ?? parentElement;
  const enlarged = () => {
    const frames = host.closest("[data-testid=stVerticalBlock]")
      ?.querySelectorAll("[data-testid=stFullScreenFrame]:has([data-testid=stVegaLiteChart])") ?? [];
    return [...frames].find((frame) => getComputedStyle(frame).position === "fixed");
  };
  const inside = (frame) => {
    const style = getComputedStyle(frame);
    const pixels = (name) => parseFloat(style[name]) || 0;
    return [frame.clientWidth - pixels("paddingLeft") - pixels("paddingRight"),
            frame.clientHeight - pixels("paddingTop") - pixels("paddingBottom")].map(Math.floor);
  };
  const tell = () => {
    const frame = enlarged();
    const [width, height] = frame ? inside(frame) : [Math.floor(host.clientWidth), 0];
    const [before, high] = host.told ?? [0, 0];
    if (width > 0 && (Math.abs(width - before) > 8 || Math.abs(height - high) > 8)) {
      host.told = [width, height];
      setStateValue("room", [width, height]);
    }
  };
  const later = () => setTimeout(tell, 50);
  const observer = new ResizeObserver(tell);
  observer.observe(host);
  document.addEventListener("click", later, true);
  document.addEventListener("keydown", later, true);
  window.addEventListener("resize", later);
  tell();
  return () => {
    observer.disconnect();
    document.removeEventListener("click", later, true);
    document.removeEventListener("keydown", later, true);
    window.removeEventListener("resize", later);
  };
}
"""


class Room(NamedTuple):
    """Pixels. height: of the window, if the chart fills it, else 0."""

    width: int
    height: int


def room(key: str) -> Room:
    """The room in the container that this is called in, or in the window that a chart in it fills."""
    ruler = st.components.v2.component("ruler", html="<div></div>", js=_RULER)
    answer = ruler(key=key, on_room_change=lambda: None, height=1)
    known = st.session_state.setdefault("rooms", {})
    told = getattr(answer, "room", None)
    if told:
        known[key] = told[0] if not told[1] else known.get(key, FIRST)
        return Room(*map(int, told))
    return Room(int(known.get(key, FIRST)), 0)


def of_container(key: str) -> int:
    """Its width."""
    return room(key).width


def is_coming(key: str) -> bool:
    """Whether the browser is about to tell it, and asks for the page again: a chart would be drawn twice."""
    return frame.answers() and key not in st.session_state.rooms
