"""What is in .grad at every step: this batch's gradient plus leftovers, with and without zero_grad."""

import math

import streamlit as st

from core.history import History
from core.lines import parts
from core.watch import histogram_picture, ledger, ledger_picture
from core.watch.tape import Tape
from pages._ui.shared import explain, widgets, width
from pages._ui.watch import whole_runs

KINDS, ALL = ["norm", "one element"], "all parameters"
MOST_ELEMENTS = 10_000  # offered by the element field


def draw(held: Tape, device: str) -> None:
    """The ledger up to this step, of the run and of the same loop with or without zero_grad."""
    run = held.run
    other = whole_runs.other_loop(run.config)
    names = ("With zero_grad", "Without zero_grad")[:: 1 if "zero_grad" in parts(run.config.loop) else -1]
    st.markdown(
        "Each bar is this batch's gradient; the hollow bar is what was left in `.grad` before it. The ring "
        "is `.grad` after backward: their sum.",
        help=explain.words("fresh", "leftover"),
    )
    if not run.step:
        st.info("No step is complete yet: the ledger fills as the run goes on.")
        return
    twin = whole_runs.whole(other, device, run.step)
    histories = (run.history, twin.history)
    parameter, element = _choose(run.history)
    pixels = width.of_container("ledger_width")
    last = run.step - 1
    first = max(0, last - ledger_picture.steps_that_fit(pixels, 2) + 1)
    ledgers = [ledger.ledger(h, parameter, element, (first, last)) for h in histories]
    frame = ledger.joined(ledgers, first, last)
    shape = run.history.layout.shapes[parameter]
    title = parameter if element is None else ledger.element_name(parameter, shape, element)
    spec = ledger_picture.ledger_spec(names, title, pixels, ledger.axis_end(frame), element is None)
    st.vega_lite_chart(
        frame, spec, key="ledger", alt=f".grad of {title} over the steps, this batch and leftover, two runs"
    )
    if first:
        st.caption(f"Steps {first} to {last}, the last that fit; the table has the same.")
    for name, one in zip(names, ledgers, strict=True):
        with st.expander(f"{name}: the numbers", icon=":material/table:", expanded=one is ledgers[0]):
            st.dataframe(ledger.table(one), hide_index=True)
    _histograms(names, histories, parameter, run.step)


def _choose(history: History) -> tuple[str, int | None]:
    """Choose a parameter, and one element of it or its norm."""
    shapes = history.layout.shapes
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(shapes)
        parameter = widgets.kept(st.selectbox, "Parameter", "ledger_of", names, width=220)
        size = math.prod(shapes[parameter])
        why = ledger.why_norms_only(history)
        if why:
            st.caption(why)
            return parameter, None
        if size == 1:
            return parameter, 0
        kind = widgets.kept(st.segmented_control, "Of", "ledger_kind", KINDS, required=True)
        if kind == "norm":
            return parameter, None
        highest = min(size, MOST_ELEMENTS) - 1
        element = st.number_input("Element, from 0", 0, highest, 0, key=f"element_{parameter}", width=150)
        return parameter, int(element)


def _histograms(
    names: tuple[str, ...], histories: tuple[History, History], parameter: str, steps: int
) -> None:
    """Sizes of gradients over time, where there are enough entries for a distribution."""
    if histories[0].layout.size < 10 or any(h.histograms is None for h in histories):
        return
    st.subheader("Sizes of all gradients over time")
    st.caption(
        "Each column is one recorded step, or a few; the color is the share of the entries of .grad in each "
        "power of two."
    )
    options = [ALL, parameter]
    kind = widgets.kept(st.segmented_control, "Entries of", "sizes_of", options, required=True)
    chosen = None if kind == ALL else parameter
    frames = [h.histograms.frame(chosen) for h in histories if h.histograms]
    frame, ends = histogram_picture.heat_frame([f.loc[f["step"] < steps] for f in frames])
    if not len(frame):
        return
    beyond = bool((frame["size"] == "inf or nan").any())
    spec = histogram_picture.heat_spec(names, width.of_container("sizes_width"), ends, beyond)
    st.vega_lite_chart(frame, spec, key="sizes", alt="Sizes of gradients over the steps, two heat maps")
