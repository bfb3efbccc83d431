"""All CSS of the app: stronger colors where Streamlit's are too pale to read, and marks in code.

Selectors match Streamlit's HTML: its classes, and `st-key-...` for the key of a container or widget.
"""

from collections.abc import Sequence

import streamlit as st

from pages._ui.shared.badges import RUNS

# On a light page, on a dark one. Each has a contrast of 4.5 or more, on marked lines too (WCAG 2.2, 1.4.3).
GRAY, BLUE, TEAL = ("#566076", "#9AA3B8"), ("#1B56B5", "#7FB0FF"), ("#07626F", "#3BC9DB")
ORANGE, GREEN = ("#A03E00", "#FF922B"), ("#256B2B", "#8CE99A")
COLORS = {
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

# Where there is room for a sidebar, the page waits for it: it would jump aside. Not forever.
UNTIL_SIDEBAR = [
    "@keyframes shown { to { visibility: visible; } }",
    "@media (min-width: 769px) { [data-testid=stAppViewContainer]:not(:has([data-testid=stSidebar])) >"
    " div:has([data-testid=stMain]) { visibility: hidden; animation: shown 0s 3s forwards; } }",
]
# Other pages wait for what Streamlit loads when it is first needed: until then it is a bar of one line.
# What is focused stays so. Not forever.
UNTIL_WIDGETS = [
    "@keyframes seen { to { opacity: 1; } }",
    "[data-testid=stMainBlockContainer]:has([data-testid=stSkeleton])"
    " { opacity: 0; animation: seen 0s 3s forwards; }",
]

# Selectors of Streamlit's own elements, and keys of our containers. Narrow: below 640 pixels.
LAYOUT = [
    ":root { --loop-lab: 1; }",  # what `frame` waits for
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
    "[class*=st-key-rename_] [data-testid=stPopoverButton] [aria-hidden=true]:last-child:not(span)"
    " { display: none; }",  # a sign among signs: its arrow takes the room of a number
    "[class*=st-key-numbers_] { gap: 0.3rem; }",
    ".st-key-curve_panel { padding: 0.6rem 0.9rem; gap: 0.4rem; }",
    ".st-key-top { row-gap: 0.3rem; }",
    ".st-key-take_away { min-width: 278px; }",  # of its buttons, which come once runs are trained
    ".st-key-look_row [data-testid=stButtonGroup] button { padding-inline: 0.5rem; }",  # all in one row
    ".st-key-view_curve { min-width: 262px; }",
    ".st-key-view_scale { min-width: 112px; }",
    "[data-testid=stVegaLiteChart] { max-width: 100%; overflow: clip; }",  # until its room is known
    # Over the page, so that nothing moves when they come and go; notes above what tells of training.
    "[data-testid=stLayoutWrapper]:has(> :is(.st-key-training, .st-key-notes)) { position: absolute; }",
    ":is(.st-key-training, .st-key-notes, [data-testid=stElementContainer]:has(> [data-testid=stProgress])"
    ":not(.st-key-step_bar *, .st-key-training *)) { position: fixed; right: 1rem; bottom: 1rem; z-index: 90;"
    " width: min(34rem, calc(100vw - 2rem)); padding: 0.5rem 0.8rem; border-radius: 0.6rem;"
    " background: light-dark(#FFFFFF, #182031); border: 1px solid light-dark(#E1E6F0, #2A344A);"
    " box-shadow: 0 4px 16px #0003; }",
    ".st-key-notes { bottom: 5.5rem; max-height: 60vh; overflow-y: auto; }",
]
# The same navigation in the same place on every page, whether it has a sidebar or not.
WIDE = [
    "[data-testid=stHeader] { position: fixed; left: 0; right: 0; width: auto; z-index: 999995; }",
    "[data-testid=stSidebar] { margin-top: 3.75rem; max-height: calc(100dvh - 3.75rem); }",
]
EMBEDDED = ["[data-testid=stMain] > [data-testid=stMainBlockContainer] { padding: 0.75rem 0.75rem 1rem; }"]
# Room for what comes a little later, so that nothing below it jumps. What Streamlit loads when it is first
# needed stands as a gray bar of one line until then. Pixels, on a wide page and on a narrow one; as drawn.
BARS = {"[class*=st-key-group_]": 64, ".st-key-lines.st-key-lines": 26, "[class*=st-key-card_]": 24}
BARS |= {".st-key-changed_code": 153, ".st-key-step_bar": 32, ".st-key-panel_tensors": 358}
BARS |= dict.fromkeys((".st-key-axes", ".st-key-pace_row"), 64)
BUTTONS = {"Restart": 101, "Back-one-step": 177, "Back-one-line": 135, "Next-line": 112, "Next-step": 112}
ROOM = {
    "[class*=st-key-card_]": (92, 94),
    ".st-key-curve_notes": (72, 110),
    ".st-key-sweep_map": (262, 262),
    ".st-key-transport": (38, 91),
    ".st-key-step_bar": (32, 32),
    ".st-key-pace_row": (64, 64),
    ".st-key-next_line": (48, 48),
    "[class*=st-key-panel_]": (422, 464),
    ".st-key-axes": (64, 221),
    ".st-key-sweep": (537, 699),
}

# On a phone: buttons beside the title, and the controls of the charts in one row that scrolls.
NARROW = [
    "[data-testid=stExpandSidebarButton] { width: auto; padding-inline: 0.5rem; gap: 0.3rem; }",
    "[data-testid=stExpandSidebarButton]::after { content: 'Menu'; font-size: 0.95rem; }",
    "[data-testid=stMain] > [data-testid=stMainBlockContainer] { padding: 4rem 0.75rem 3rem; }",
    ".st-key-top > :nth-child(2) { order: 1; }",
    ".st-key-top [data-testid=stHorizontalBlock] { gap: 0.4rem; }",
    ".st-key-top button { padding-inline: 0.4rem; }",
    ".st-key-curve_controls { flex-wrap: nowrap; overflow-x: auto; }",
    ".st-key-curve_controls > * { flex-shrink: 0; }",
    "[data-testid=stMain] button kbd { display: none; }",  # there are no keys
    "[class*=st-key-do_] { min-width: 0; }",
    ".st-key-transport { gap: 0.4rem; }",
    ".st-key-transport button { padding-inline: 0.5rem; }",
    ".st-key-pace_row { flex-wrap: nowrap; }",
    ".st-key-pace_row > * { flex: 0 1 50%; min-width: 0; }",
    # On Watch: the lines, the panel, then what each line did, whose length changes.
    ".st-key-look_row [data-testid=stColumn]:has(.st-key-changed_code), .st-key-look_row"
    " [data-testid=stColumn]:has(.st-key-changed_code) > [data-testid=stVerticalBlock]"
    " { display: contents; }",
    ".st-key-look_row [data-testid=stLayoutWrapper]:has(> .st-key-accounts) { order: 1; }",
]


def draw(sidebar: bool, embedded: bool) -> None:
    """The rules for every page. sidebar: whether it has one. embedded: in a frame, whose edge is near."""
    rules = [f"{what} {{ {rule}; }}" for what, rule in RULES.items()]
    rules += [f"{what} {{ color: light-dark({light}, {dark}); }}" for what, (light, dark) in COLORS.items()]
    rules += UNTIL_SIDEBAR if sidebar else UNTIL_WIDGETS
    rules += [_dot(*colors) for colors in RUNS]
    rules += [f"{what} [data-testid=stSkeleton] {{ height: {bar}px; }}" for what, bar in BARS.items()]
    rules += [f".st-key-do_{name} {{ min-width: {least}px; }}" for name, least in BUTTONS.items()]
    rules += [f"{what} {{ min-height: {wide}px; }}" for what, (wide, _) in ROOM.items()]
    narrow = [*NARROW, *(f"{what} {{ min-height: {least}px; }}" for what, (_, least) in ROOM.items())]
    wide = f"@media (min-width: 769px) {{ {' '.join(WIDE)} }}"
    _write(*rules, *LAYOUT, wide, f"@media (max-width: 640px) {{ {' '.join(narrow)} }}", *EMBEDDED * embedded)


def _dot(light: str, dark: str) -> str:
    """On a dark page a run's dot, which has its color on a light one, takes the other."""
    written = f"rgb({', '.join(str(int(light[at : at + 2], 16)) for at in (1, 3, 5))})"
    return f'.stMarkdownColoredText[style*="{written}"] {{ color: light-dark({light}, {dark}) !important; }}'


def tips(key: str, places: Sequence[int], hidden: Sequence[int] = ()) -> None:
    """In the tooltip of this chart: before each run's name, below the step, a dot of its color.

    Tooltips of Vega hold text only, and stand outside of what Streamlit makes dark. key: of the chart; only
    fixed names and numbers go into the style. hidden: places of runs that have no row.
    """
    dark = st.context.theme.type == "dark"
    row = f"body:has(.st-key-{key}:hover) #vg-tooltip-element tr:nth-child({{}})"
    rules = (
        f"{row.format(at + 2)} {{ display: none; }}"
        if place in hidden
        else f"{row.format(at + 2)} .key::before {{ content: '● '; color: {RUNS[place][dark]}; }}"
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
