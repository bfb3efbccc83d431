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

# Selectors of Streamlit's own elements, and keys of our containers. Narrow: below 640 pixels.
LAYOUT = [
    "[data-testid=stMain] > [data-testid=stMainBlockContainer] { padding: 4.2rem 1.5rem 3rem; }",
    "[data-testid=stMain] [data-testid=stHeading] h1 { padding: 0; font-size: 1.3rem; }",
    "[data-testid=stSidebarHeader] { height: 2.5rem; margin: 0; padding-block: 0.5rem 0; }",
    "[data-testid=stSidebarUserContent] { padding: 0 0 3rem; }",
    "[data-testid=stSidebar] [data-testid=stHeading] h2 { padding: 0 0 0.6rem; }",
    "[data-testid=stSidebar] [data-testid=stVerticalBlock] { gap: 0.5rem; }",
    "[data-testid=stSidebar] [class*=st-key-group_] { padding-top: 0.6rem; }",
    "[data-testid=stSidebar] [class*=st-key-group_] { border-top: 1px solid var(--st-border-color); }",
    "[data-testid=stSidebar] .st-key-lines { gap: 0; }",
    ".st-key-lines code { font-size: 0.72rem; padding: 0; background: none; }",
    "[class*=st-key-card_] { padding: 0.5rem 0.8rem; }",
    "[class*=st-key-card_], [class*=st-key-card_] [data-testid=stVerticalBlock] { gap: 0.15rem; }",
    "[class*=st-key-card_] button { min-height: 1.5rem; padding: 0 0.2rem; }",
    "[class*=st-key-card_] [data-testid=stMarkdownContainer] p { font-size: 0.93rem; }",
    "[class*=st-key-card_] [data-testid=stCaptionContainer] p { font-size: 0.8rem; }",
    "[class*=st-key-signs_] button [data-testid=stMarkdownContainer] { position: absolute; width: 1px;"
    " overflow: hidden; clip-path: inset(50%); }",
    ".st-key-curve_panel { padding: 0.6rem 0.9rem; gap: 0.4rem; }",
    ".st-key-top { row-gap: 0.3rem; }",
]
# On a phone: buttons beside the title, and the controls of the charts in one row that scrolls.
NARROW = [
    "[data-testid=stMain] > [data-testid=stMainBlockContainer] { padding: 4rem 0.75rem 3rem; }",
    ".st-key-top > :nth-child(2) { order: 1; }",
    ".st-key-curve_controls { flex-wrap: nowrap; overflow-x: auto; }",
    ".st-key-curve_controls > * { flex-shrink: 0; }",
]


def draw() -> None:
    """The colours, on every page."""
    rules = [f"{what} {{ color: light-dark({light}, {dark}); }}" for what, (light, dark) in COLOURS.items()]
    narrow = f"@media (max-width: 640px) {{ {' '.join(NARROW)} }}"
    st.html(f"<style>{' '.join([*rules, *LAYOUT, narrow])}</style>")
