"""How the run is going: three numbers and its curves, cheap enough to draw five times a second."""

import math

import numpy as np
import streamlit as st

from core import charts
from core.compare import curves
from core.result import Result, result
from core.watch.tape import Tape
from core.words import number, percent
from pages._ui.shared import explain, style, width

TITLES = ("Loss, each step", "Gradient norm, as used")
DOTS = " (dots: validation)"
TALL, STACK_BELOW = 140, 400  # pixels: beside each other in a column of the page, with room to spare
MAX_ROWS = 500
FIRST_SPAN = 20  # steps the axis always has room for


def draw(held: Tape) -> None:
    """Draw current loss, gradient norm and accuracy, and both curves so far."""
    so_far = result(held.run, whole=False)
    _numbers(so_far)
    if not len(so_far.steps):
        st.caption("The curves begin with the first complete step.")
        return
    room = width.room("watch_width")
    style.keep_room("watch_curves", charts.pair_height(room.width, STACK_BELOW, TALL))
    frame, tops = curves.curves_frame([so_far], max_rows=MAX_ROWS)
    span = (0.0, float(_end(so_far.done, so_far.config.steps)))
    validated = so_far.evaluations["val_loss"].notna().any()
    titles = (TITLES[0] + DOTS * bool(validated), TITLES[1])
    spec = charts.curves_spec(
        ("this run",),
        titles,
        (True, True),
        tops,
        span,
        room.width,
        True,
        legend=False,
        tall=charts.panel_height(*room, STACK_BELOW) if room.height else TALL,
        stack_below=STACK_BELOW,
    )
    st.vega_lite_chart(
        charts.compact(frame),
        spec,
        key="watch_curves",
        alt="Loss and gradient norm of this run over the steps so far",
    )


def _end(done: int, steps: int) -> int:
    """The end of the axis: a round number of steps, so that it rarely moves."""
    room = max(done, FIRST_SPAN)
    decade = 10 ** math.floor(math.log10(room))
    return min(steps, next(m * decade for m in (1, 2, 5, 10) if m * decade >= room))


def _numbers(so_far: Result) -> None:
    steps, evaluated = so_far.steps, so_far.evaluations
    left, middle, right = st.columns(3, gap="small")
    at = f"step {int(steps['step'].iloc[-1])}" if len(steps) else "no step yet"
    loss, norm = (number(steps[name].iloc[-1]) if len(steps) else "none" for name in ("loss", "grad_norm"))
    left.metric(f"loss, {at}", loss, help=explain.words("standardized"))
    middle.metric("gradient norm", norm, help=explain.words("as_used"))
    if len(evaluated):
        last = evaluated.iloc[-1]
        score, name = last["train_accuracy"], "accuracy"
        text = percent(score) if not np.isnan(score) else number(last["train_loss"])
        name = name if not np.isnan(score) else "loss on all rows"
        right.metric(f"{name}, step {int(last['step'])}", text)
