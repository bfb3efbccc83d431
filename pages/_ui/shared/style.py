"""All CSS of the app: stronger colours where Streamlit's are too pale to read, and marks in code.

Selectors match Streamlit's HTML: its classes, and `st-key-...` for the key of a container or widget.
"""

from collections.abc import Sequence

import streamlit as st

from pages._ui.shared.badges import RUNS

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
RULES = {  # of the Autograd page: typed lines look as code does; little room around a line that was run
    ".st-key-typed textarea": "font-family: 'Source Code Pro', monospace; font-size: 0.86rem",
    ".st-key-told pre": "padding: 0.4rem 0.75rem",
    "[class*=st-key-shows_] pre": "background: transparent",
    "button[kind^=primary] kbd": "opacity: 1",  # the shortcut
}
MARKED = "var(--st-orange-background-color, #E8590C33)"

# Selectors of Streamlit's own elements, and keys of our containers. Narrow: below 640 pixels.
LAYOUT = [
    "[data-testid=stMain] > [data-testid=stMainBlockContainer] { padding: 4.2rem 1.5rem 3rem; }",
    "[data-testid=stMain] [data-testid=stHeading] h1 { padding: 0 0 0.4rem; font-size: 1.3rem; }",
    "[data-testid=stMain] .st-key-top [data-testid=stHeading] h1 { padding: 0; }",
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
    "[class*=st-key-signs_] :is(button, a) [data-testid=stMarkdownContainer] { position: absolute;"
    " width: 1px; overflow: hidden; clip-path: inset(50%); }",
    "[class*=st-key-signs_] { align-items: center; }",
    "[class*=st-key-signs_] a { height: 1.5rem; margin: 0; padding: 0 0.2rem; line-height: 1; }",
    ".st-key-curve_panel { padding: 0.6rem 0.9rem; gap: 0.4rem; }",
    ".st-key-top { row-gap: 0.3rem; }",
    "[data-testid=stVegaLiteChart] { max-width: 100%; overflow: clip; }",  # until its room is known
    "[data-testid=stLayoutWrapper]:has(> .st-key-training) { position: absolute; }",
    ".st-key-training { position: fixed; right: 1rem; bottom: 1rem; z-index: 90;"
    " width: min(34rem, calc(100vw - 2rem)); padding: 0.5rem 0.8rem; border-radius: 0.6rem;"
    " background: light-dark(#FFFFFF, #182031); border: 1px solid light-dark(#E1E6F0, #2A344A);"
    " box-shadow: 0 4px 16px #0003; }",  # over the page, so that nothing moves when it comes and goes
]
# On a phone: buttons beside the title, and the controls of the charts in one row that scrolls.
NARROW = [
    "[data-testid=stMain] > [data-testid=stMainBlockContainer] { padding: 4rem 0.75rem 3rem; }",
    ".st-key-top > :nth-child(2) { order: 1; }",
    ".st-key-curve_controls { flex-wrap: nowrap; overflow-x: auto; }",
    ".st-key-curve_controls > * { flex-shrink: 0; }",
]


def draw() -> None:
    """The rules for every page."""
    rules = [f"{what} {{ {rule}; }}" for what, rule in RULES.items()]
    rules += [f"{what} {{ color: light-dark({light}, {dark}); }}" for what, (light, dark) in COLOURS.items()]
    rules += [_dot(*colors) for colors in RUNS]
    _write(*rules, *LAYOUT, f"@media (max-width: 640px) {{ {' '.join(NARROW)} }}")


def _dot(light: str, dark: str) -> str:
    """On a dark page a run's dot, which has its colour on a light one, takes the other."""
    written = f"rgb({', '.join(str(int(light[at : at + 2], 16)) for at in (1, 3, 5))})"
    return f'.stMarkdownColoredText[style*="{written}"] {{ color: light-dark({light}, {dark}) !important; }}'


def tips(key: str, places: Sequence[int]) -> None:
    """In the tooltip of this chart: before each run's name, below the step, a dot of its colour.

    Tooltips of Vega hold text only, and stand outside of what Streamlit makes dark. key: of the chart; only
    fixed names and numbers go into the style.
    """
    dark = st.context.theme.type == "dark"
    row = f"body:has(.st-key-{key}:hover) #vg-tooltip-element tr:nth-child({{}}) .key::before"
    rules = (
        f"{row.format(at + 2)} {{ content: '● '; color: {RUNS[place][dark]}; }}"
        for at, place in enumerate(places)
    )
    _write(*rules)


def keep_room(key: str, pixels: int) -> None:
    """The room that this chart will take is there before it is drawn, so that nothing moves."""
    _write(f".st-key-{key} {{ min-height: {pixels}px; }}")


def mark(key: str) -> None:
    """Mark the code block in this container; only a fixed name and a number may be in its key."""
    _write(f".st-key-{key} pre {{ background: {MARKED}; }}")


def highlight(lines: Sequence[int], key: str = "changed_code") -> None:
    """Mark lines of the code block in this container; only numbers and that key go into the style."""
    band = f"linear-gradient({MARKED}, {MARKED}) 0 calc({{:d}} * 1lh) / 100% 1lh no-repeat"
    bands = ", ".join(band.format(line - 1) for line in lines)
    _write(f".st-key-{key} pre code {{ display: block; background: {bands or 'none'}; }}")


def _write(*rules: str) -> None:
    st.html(f"<style>{' '.join(rules)}</style>")
