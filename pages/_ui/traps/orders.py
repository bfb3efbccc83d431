"""The map of all orders of the five lines, and the loop that is chosen on it."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import streamlit as st

from core import Config, export
from core.compare.comparison import Comparison, Variant
from core.lines import LINES, USUAL, from_letters, letters, without_zero_grad
from core.traps.orders import OUTCOMES, Trials, Tried, all_orders, shorter_loops
from core.traps.pictures import orders_frame, orders_spec
from pages._ui.shared import links, pair, remarks, session, slices, style, widgets, width
from pages._ui.shared.code import changed_lines
from pages._ui.shared.locks import SLOT
from pages._ui.traps import runs

FIELDS = ("model", "loop")
MODELS = {  # name in the address -> title, what the loops are tried on
    "linear": ("Linear", Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01)),
    "mlp": ("MLP", Config(dataset="moons", hidden=(8,), lr=0.5)),
}
MAPS = {"whole": "All 120 orders", "shorter": "Lines left out"}
QUESTION = (
    "Which orders of the five lines train? "
    + ", ".join(f"**{LINES[name].letter}** `{LINES[name].text}`" for name in USUAL)
    + "."
)
SHORT = 50  # characters of a message in the legend


def draw(given: dict[str, str], device: str) -> dict[str, str]:
    """The map, what its letters mean, and the chosen loop."""
    _take(given)
    st.markdown(QUESTION)
    model, whole = _choose()
    loop = _loop()
    tried = _tried(model, whole, device)
    drawn, legend = st.columns([3, 1])
    with drawn:
        _map(tried, whole, letters(loop))
    with legend:
        _counts(tried)
    st.header("The loop you chose")
    left, right = st.columns(2)
    one = next(one for one in tried if one.loop == loop)
    config = runs.with_loop(MODELS[model][1], loop)
    with left:
        _rearrange(loop)
    with right:
        _details(one, config)
    if "loss" in loop and one.message is None:
        results = [runs.trained(c, device) for c in (config, runs.with_loop(config, USUAL))]
        pair.draw(list(zip((one.name, "Usual order"), results, strict=True)), "order_curves")
    return {"model": model, "loop": letters(loop)}


def _take(given: dict[str, str]) -> None:
    """Take model and loop from a link, if they are on a map."""
    if given.get("model", "linear") not in MODELS:
        remarks.warn("The model must be linear or mlp; linear is taken.")
    elif "model" in given:
        session.choose("orders_model", given["model"])
    if "loop" not in given:
        return
    try:
        loop = from_letters(given["loop"])
    except KeyError:
        loop = ()
    if not loop or len(set(loop)) != len(loop) or not set(loop) <= set(USUAL):
        remarks.warn("The loop must be some of the letters Z, F, L, B, S, each once.")
        return
    _put(loop)


def _put(loop: Sequence[str]) -> None:
    """Choose a loop, and the map that it is on."""
    st.session_state.tile = tuple(loop)
    session.choose("orders_map", "whole" if len(loop) == len(USUAL) else "shorter")


def _loop() -> tuple[str, ...]:
    """The chosen loop, always one that is on the map shown."""
    whole = session.choice("orders_map", list(MAPS)) == "whole"
    loop = st.session_state.get("tile", USUAL)
    if whole != (len(loop) == len(USUAL)):
        loop = st.session_state.tile = USUAL if whole else without_zero_grad(USUAL)
    return loop


def _choose() -> tuple[str, bool]:
    with st.container(horizontal=True):
        model = widgets.kept(
            st.segmented_control,
            "Tried on",
            "orders_model",
            list(MODELS),
            format_func=lambda name: MODELS[name][0],
            required=True,
        )
        shown = widgets.kept(
            st.segmented_control,
            "Map",
            "orders_map",
            list(MAPS),
            format_func=MAPS.__getitem__,
            required=True,
        )
    return model, shown == "whole"


@st.cache_resource(max_entries=8, show_spinner=False)
def _trials(model: str, whole: bool, device: str) -> Trials:
    """The loops of a map tried so far, shared by all visitors."""
    with SLOT:
        return Trials(MODELS[model][1], all_orders() if whole else shorter_loops(), device)


def _tried(model: str, whole: bool, device: str) -> list[Tried]:
    """Execute every loop of a map."""
    trials = _trials(model, whole, device)
    tried, loops = trials.done, len(trials.loops)
    slices.work(
        lambda: len(tried) == loops,
        lambda _: next(iter(trials), None),  # one loop, a few milliseconds
        lambda: (len(tried) / loops, f"Executed {len(tried)} of {loops} loops"),
    )
    return tried


def _counts(tried: Sequence[Tried]) -> None:
    """How often each outcome came, with its letter on the map and what it means."""
    counts = Counter(one.outcome for one in tried)
    for name in [name for name in OUTCOMES if counts[name]]:
        row = OUTCOMES[name]
        said = [row.about, *(_messages(tried) if name == "raises" else [])]
        with st.container(gap="xxsmall"):
            st.markdown(f"`{row.letter}` **{counts[name]} {row.title}**")
            st.caption("  \n".join(said))


def _messages(tried: Sequence[Tried]) -> list[str]:
    """Exceptions by their first words, most frequent first."""
    said = [f"{one.message.type}: {one.message.text[:SHORT]}" for one in tried if one.message]
    return [
        f"{count} times {text}{'…' * (len(text) > SHORT)}." for text, count in Counter(said).most_common()
    ]


def _map(tried: Sequence[Tried], every: bool, chosen: str) -> None:
    with st.container(key="orders"):
        pixels = width.of_container("orders_width")
        st.vega_lite_chart(
            orders_frame(tried, chosen),
            orders_spec(every, pixels),
            width="content",
            key=f"map_{every}",
            on_select=partial(_picked, f"map_{every}"),
            selection_mode="tile",
            alt=(
                "A tile for each loop, with the letter of its outcome; the buttons below move from tile to "
                "tile"
            ),
        )


def _picked(key: str) -> None:
    chosen = st.session_state[key]["selection"].get("tile") or []
    if chosen:
        _put(from_letters(chosen[0]["name"]))


def _rearrange(loop: tuple[str, ...]) -> None:
    """The lines in their order, with buttons to move them."""
    last = len(loop) - 1
    for place, name in enumerate(loop):
        with st.container(horizontal=True, vertical_alignment="center", key=f"line_{name}"):
            st.markdown(f"`{LINES[name].text}`", width="stretch")
            _move("Up", "arrow_upward", name, loop, place - 1 if place else None)
            _move("Down", "arrow_downward", name, loop, place + 1 if place < last else None)
            without = tuple(other for other in loop if other != name)
            _button("Leave out", "close", name, without or None)
    for name in USUAL:
        if name not in loop:
            with st.container(horizontal=True, vertical_alignment="center", key=f"line_{name}"):
                st.markdown(f":gray[{LINES[name].text}, left out]", width="stretch")
                _button("Put back", "add", name, (*loop, name))


def _move(label: str, icon: str, name: str, loop: tuple[str, ...], to: int | None) -> None:
    moved = None
    if to is not None:
        moved = [other for other in loop if other != name]
        moved.insert(to, name)
    _button(label, icon, name, moved)


def _button(label: str, icon: str, name: str, becomes: Sequence[str] | None) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{label}_{name}",
        type="tertiary",
        help=f"{label}: {LINES[name].text}",
        disabled=becomes is None,
        on_click=_put,
        args=(becomes,),
    )


def _details(one: Tried, config: Config) -> None:
    """Code, outcome and message of the chosen loop."""
    row = OUTCOMES[one.outcome]
    st.markdown(f"`{row.letter}` **{one.name}: {row.title}.** {row.about}")
    usual, code = (export.listing(c) for c in (runs.with_loop(config, USUAL), config))
    with st.container(key="order_code"):
        style.highlight(changed_lines(usual, code), "order_code")
        st.code("\n".join(code), language="python")
    if one.message is not None:
        said = one.message
        st.code(f"{said.type}: {said.text}", language=None, wrap_lines=True)
        st.caption(f"Raised in step {said.step}, at the line {LINES[said.line].text}.")
    _links(config)


def _links(config: Config) -> None:
    baseline = runs.with_loop(config, USUAL)
    variants = () if config == baseline else (Variant((("loop", letters(config.loop)),)),)
    with st.container(horizontal=True):
        links.compare("Compare with the usual order", Comparison(baseline, variants))
        links.watch("Watch it", config)
