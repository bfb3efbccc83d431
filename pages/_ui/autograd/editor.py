"""The editor: an example or your own lines, and a question before the answer."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.autograd.examples import EXAMPLES, Example
from core.autograd.language import ATTRIBUTES, FUNCTIONS, METHODS
from core.autograd.sizes import MAX_ENTRIES
from core.autograd.syntax import MAX_LINES, MAX_TEXT
from pages._ui.shared import links, session, widgets

FIELDS = ("example", "text")
OWN = "own"  # among the examples: lines that are none of them
STARTER = "a = tensor([3.0], requires_grad=True)\n"
LINE_PX, EDGE_PX, LEAST_LINES = 19, 26, 8


def take(given: dict[str, str]) -> None:
    """Take example or lines from a new address; anything invalid gets a sentence."""
    if given.get("example", "") in EXAMPLES:
        show(EXAMPLES[given["example"]].text)
    elif "example" in given:
        session.note("There is no example of that name.")
    if len(given.get("text", "")) > MAX_TEXT:
        session.note(f"The lines of a link may have at most {MAX_TEXT:,} characters; these are left out.")
    elif "text" in given:
        show(given["text"])
        if "example" in given:
            session.note("A link has an example or lines of its own; these are its lines.")


def show(text: str) -> None:
    """Put these lines into the editor and start over."""
    st.session_state.notebook_text = text
    st.session_state.notebook_editor = st.session_state.get("notebook_editor", 0) + 1
    st.session_state.inside = {}


def text() -> str:
    """The lines to run; what is being typed counts only after Run is pressed."""
    return st.session_state.setdefault("notebook_text", next(iter(EXAMPLES.values())).text)


def example() -> str | None:
    """The name of the example with exactly these lines."""
    return next((name for name, one in EXAMPLES.items() if one.text == text()), None)


def answered() -> bool:
    """Whether no question has to be answered before these lines run."""
    return example() is None or example() in _answers()


def address() -> dict[str, str]:
    """The fields of the address for these lines."""
    name = example()
    return {"text": text()} if name is None else {"example": name}


def heading() -> DeltaGenerator:
    """Draw the title; returns the place for the buttons, which are drawn last."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        st.title("Autograd")
        st.caption(
            "A few lines of PyTorch, run one by one: what autograd records, and what backward leaves behind."
        )
    buttons = right.container(horizontal=True, horizontal_alignment="right")
    with buttons, st.popover("What may be typed", icon=":material/help:"):
        _allowed()
    return buttons


def share(params: dict[str, list[str]]) -> None:
    """The link to what is shown."""
    links.share("This address restores these lines and the one being looked at.", "autograd", params)


def _allowed() -> None:
    st.markdown(
        f"Up to {MAX_LINES} lines, one statement in each: assignments, `+= -= *= /=`, `+ - * / ** @`, "
        "comparisons, indexing, and `with torch.no_grad():`. A tensor has at most "
        f"{MAX_ENTRIES} entries. Random numbers start from seed 0."
    )
    for title, names in (
        ("Functions", FUNCTIONS),
        ("Methods of tensors", METHODS),
        ("Attributes", ATTRIBUTES),
    ):
        st.markdown(f"**{title}**")
        st.code(" ".join(names), language=None, wrap_lines=True)


def draw() -> None:
    """The examples, the editor, and beside it the question or what came of it."""
    _choose()
    editor, name = f"typed_{st.session_state.setdefault('notebook_editor', 0)}", example()
    with st.form("notebook"):
        left, right = st.columns([5, 6])
        lines = max(text().count("\n") + 2, LEAST_LINES)
        with left, st.container(key="typed"):
            # Streamlit cuts what is longer; one more than is allowed, and _run refuses it.
            st.text_area("Lines", text(), LINE_PX * lines + EDGE_PX, MAX_TEXT + 1, key=editor)
        with right:
            if name is not None:
                _question(name, EXAMPLES[name])
            else:
                st.markdown("**Your own lines.** Change anything and run it again, also with Ctrl+Enter.")
            st.form_submit_button(
                "Run", icon=":material/play_arrow:", type="primary", on_click=_run, args=(editor,)
            )


def _choose() -> None:
    names = list(EXAMPLES)
    here = example() or OWN
    following = names[(names.index(here) + 1) % len(names) if here in names else 0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        widgets.shown(
            st.selectbox,
            f"{len(EXAMPLES)} examples",
            "notebook_example",
            here,
            options=[*names, OWN],
            format_func=lambda name: EXAMPLES[name].title if name in EXAMPLES else "Your own lines",
            on_change=_chosen,
            width="stretch",
        )
        st.button("Next", icon=":material/arrow_forward:", on_click=_go, args=(following,))


def _chosen() -> None:
    _go(widgets.chosen("notebook_example"))


def _go(name: str) -> None:
    session.forget_notes()
    show(EXAMPLES[name].text if name in EXAMPLES else st.session_state.get("notebook_own", STARTER))


def _answers() -> dict[str, str]:
    """Example -> what was answered, perhaps nothing."""
    return st.session_state.setdefault("notebook_answers", {})


def _question(name: str, one: Example) -> None:
    """The question with its answers; then whether it was right, and why."""
    if name not in _answers():
        st.radio(f"**{one.question}**", one.offered, index=None, key=f"answer_{name}")
        return
    st.markdown(f"**{one.question}**")
    given = _answers()[name]
    if given == one.answers[0]:
        st.success(f"Right. {given}.", icon=":material/check:")
    elif given:
        st.info(f"Not this time. {one.answers[0]}.", icon=":material/close:")
    else:
        st.info(f"{one.answers[0]}.", icon=":material/lightbulb:")
    st.markdown(one.why)


def _run(editor: str) -> None:
    typed = st.session_state[editor] or ""
    session.forget_notes()
    if len(typed) > MAX_TEXT:
        session.note(
            f"At most {MAX_TEXT:,} characters are run. This is longer: below is what was run before."
        )
        return
    if typed != text():
        st.session_state.inside = {}
    st.session_state.notebook_text = typed
    name = example()
    if name is None:
        st.session_state.notebook_own = typed
    elif name not in _answers():
        _answers()[name] = st.session_state.get(f"answer_{name}") or ""
