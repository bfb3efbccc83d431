"""What is too pale to read in Streamlit's own colours: tokens of code, and the words on a primary button."""

import streamlit as st

# On a light page, on a dark one. Each has a contrast of 4.5 or more, on marked lines too (WCAG 2.2, 1.4.3).
GRAY, BLUE, TEAL = ("#566076", "#9AA3B8"), ("#1B56B5", "#7FB0FF"), ("#07626F", "#3BC9DB")
ORANGE, GREEN = ("#A03E00", "#FF922B"), ("#256B2B", "#8CE99A")
COLOURS = {
    ".stCode .token.comment": GRAY,
    ".stCode .token.punctuation": GRAY,
    ".stCode .token.keyword": BLUE,
    ".stCode .token.function": BLUE,
    ".stCode .token.number": TEAL,
    ".stCode .token.boolean": TEAL,
    ".stCode .token.operator": ORANGE,
    ".stCode .token.string": GREEN,
    "button[kind^=primary]": ("#FFFFFF", "#0E131F"),
}


def draw() -> None:
    """The colours, on every page."""
    rules = [f"{what} {{ color: light-dark({light}, {dark}); }}" for what, (light, dark) in COLOURS.items()]
    rules.append("button[kind^=primary] kbd { opacity: 1; }")  # the shortcut
    st.html(f"<style>{' '.join(rules)}</style>")
