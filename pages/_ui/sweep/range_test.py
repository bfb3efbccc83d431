"""The learning-rate range test: one run of the baseline whose rate grows."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core import Config
from core.result import result
from core.sweep import range_picture, range_test
from core.sweep.sweep import Sweep
from pages._ui.shared import links, slices
from pages._ui.shared.cache import cache

ENDS = (0.001, 100.0)  # of the rate, where none varies across


@dataclass(frozen=True)
class Tested:
    """The frame of a range test."""

    frame: pd.DataFrame

    @property
    def nbytes(self) -> int:
        return int(self.frame.memory_usage().sum())


def draw(sweep: Sweep, device: str) -> None:
    """The loss against the rate, what it says, and the run itself to watch."""
    rates = next((axis.values for axis in (sweep.x, sweep.y) if axis.field == "lr"), ENDS)
    st.header("Range test")
    if len(rates) < 2:
        st.caption("It needs at least two learning rates.")
        return
    config = range_test.range_test(sweep.baseline, rates[0], rates[-1])
    frame = _tested(config, device).frame
    st.caption(
        "One run of the baseline with a growing learning rate, "
        f"{range_test.STEPS_PER_RATE} steps at each of {len(frame)} rates (Smith 2015)."
    )
    known = frame["low"].dropna()
    spec = range_picture.range_spec(bool(len(known)) and bool((known > 0).all()))
    st.vega_lite_chart(
        frame,
        spec,
        width="stretch",
        key="range_test",
        alt="Loss against a learning rate that grows in one run",
    )
    crosses = " ✖ is not finite." if frame["loss"].isna().any() else ""
    st.caption(range_test.in_words(range_test.found(frame)) + crosses)
    links.watch("Watch this run", config)


def _tested(config: Config, device: str) -> Tested:
    there = cache().get(Tested, config, device)
    if there is None:
        run = slices.trained(config, device, "Range test")
        there = Tested(range_test.range_frame(result(run, whole=False)))
        if run.done:
            cache().put(config, device, there)
    return there
