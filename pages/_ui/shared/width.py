"""The width of a container, as the browser reports it: linked charts cannot stretch by themselves."""

import streamlit as st

DEFAULT = 1000  # until a browser answers

_RULER = """
export default function({ parentElement, setStateValue }) {
  const tell = () => {
    const width = Math.floor(parentElement.host?.clientWidth ?? parentElement.clientWidth);
    if (width > 0 && Math.abs(width - (parentElement.told ?? 0)) > 8) {
      parentElement.told = width;
      setStateValue("width", width);
    }
  };
  const observer = new ResizeObserver(tell);
  observer.observe(parentElement.host ?? parentElement);
  tell();
  return () => observer.disconnect();
}
"""


def of_container(key: str) -> int:
    """Width in pixels of the container that this is called in."""
    ruler = st.components.v2.component("ruler", html="<div></div>", js=_RULER)
    answer = ruler(key=key, on_width_change=lambda: None, height=1)
    return int(answer.width or DEFAULT) if answer is not None else DEFAULT
