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

LAYOUT = [
    "[data-testid=stMain] > [data-testid=stMainBlockContainer] { padding: 4.2rem 1.5rem 3rem; }",
    "[data-testid=stMain] [data-testid=stVerticalBlock] { gap: 0.6rem; }",
    "[class*=st-key-card_] { padding: 0.55rem 0.8rem; }",
    "[class*=st-key-card_] [data-testid=stVerticalBlock] { gap: 0.1rem; }",
    "[class*=st-key-card_] button { min-height: 1.4rem; padding: 0 0.2rem; }",
    "[data-testid=stMain] [data-testid=stHeading] h1 { padding: 0; font-size: 1.3rem; }",
]


def draw() -> None:
    """The colours, on every page."""
    rules = [f"{what} {{ color: light-dark({light}, {dark}); }}" for what, (light, dark) in COLOURS.items()]
    st.html(f"<style>{' '.join([*rules, *LAYOUT])}</style>")
