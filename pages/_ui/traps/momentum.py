"""Skipping zero_grad is momentum 1: two overlaid runs, and the stability limits of three loops."""

from dataclasses import dataclass, replace

import streamlit as st

from core import Config
from core import curvature as theory
from core.compare.comparison import Comparison, Variant
from core.config import parse
from core.lines import USUAL, letters, without_zero_grad
from core.result import Result, result
from core.traps import pictures
from core.traps.momentum import ORDERS, at_rate, twins
from core.verdict import verdict
from core.words import number
from pages._ui.shared import explain, links, pair, remarks, session, widgets
from pages._ui.shared.badges import badge
from pages._ui.shared.locks import SLOT
from pages._ui.traps import runs

FIELDS = ("on", "lr")
SETTINGS = {  # name in the address -> title, what is trained
    "linear": (
        "Linear model, all rows",
        Config(dataset="deliveries", model="linear", start=(0.0,), steps=100),
    ),
    "mlp": (
        "MLP, mini-batches",
        Config(dataset="xor", hidden=(16,), activation="tanh", batch_size=32, steps=100),
    ),
}
DEFAULT = 0.2  # on the deliveries the right loop dies and the wrong one lives: the surprise comes first
ROUND = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.13, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
WHY = (
    "Plain SGD without zero_grad steps along the sum of all gradients so far: "
    r"$w_{t+1} = w_t - \eta\,(g_0 + g_1 + \dots + g_t)$. "
    r"SGD with momentum $\mu$ keeps $v_t = \mu\, v_{t-1} + g_t$ and steps along $v_t$; with $\mu = 1$ "
    "that is the same sum, added up in the same order. Nothing ever fades, so nothing damps the swings: the "
    r"weights swing around their goal. On a quadratic of curvature $\lambda$ they stay bounded up to "
    r"$\eta = 4/\lambda$, twice the limit of the usual loop."
)


@dataclass(frozen=True)
class Laid:
    """Both runs as plain data, their counts of losses and weights, and how many of these differ."""

    skipped: Result
    momentum: Result
    losses: int
    weights: int
    differ: int


def draw(given: dict[str, str], device: str) -> dict[str, str]:
    """The learning rate on its axis, what three loops do at this rate, and the two runs that are one."""
    _take(given)
    on = widgets.kept(
        st.segmented_control,
        "Trained",
        "momentum_on",
        list(SETTINGS),
        format_func=lambda name: SETTINGS[name][0],
        required=True,
    )
    config = SETTINGS[on][1]
    curvature = _curvature(config)
    limits = theory.limits(curvature)
    lr = _rate(limits)
    config = replace(config, lr=lr)
    _limits(on, curvature, limits, lr)
    _three(config, limits, device)
    st.header("Skipping zero_grad is momentum 1")
    _twins(_laid(config, device))
    st.markdown(WHY, help=explain.words("update_ratio"))
    _links(config)
    return {"on": on, "lr": f"{lr:g}" if float(f"{lr:g}") == lr else repr(lr)}


def _take(given: dict[str, str]) -> None:
    """Take the setting and the rate from a link."""
    if given.get("on", "linear") not in SETTINGS:
        remarks.warn("The setting must be linear or mlp; linear is taken.")
    elif "on" in given:
        session.choose("momentum_on", given["on"])
    if "lr" in given:
        try:
            st.session_state.momentum_rate = parse("lr", given["lr"])
        except ValueError as error:
            remarks.warn(f"{error}.")


@st.cache_data(max_entries=8, show_spinner=False)
def _curvature(config: Config) -> float:
    return theory.starting_curvature(config)


def _rate(limits: dict[str, float]) -> float:
    """The slider: round rates, and for each limit one just below and one just above it."""
    near = [float(f"{limit * side:.3g}") for limit in limits.values() for side in (0.99, 1.01)]
    chosen = st.session_state.get("momentum_rate", DEFAULT)
    widgets.shown(
        st.select_slider,
        "Learning rate",
        "momentum_lr",
        chosen,
        options=sorted({*ROUND, *near, chosen}),
        format_func=lambda lr: f"{lr:g}",
        on_change=_slid,
    )
    return chosen


def _slid() -> None:
    st.session_state.momentum_rate = widgets.chosen("momentum_lr")


@st.cache_data(max_entries=64, show_spinner=False)
def _laid(config: Config, device: str) -> Laid:
    with SLOT:
        both = twins(config, device)
    entries = sum(weights.size for weights in both.skipped.history.weights.values())
    counts = len(both.skipped.history.losses), entries, both.losses + both.weights
    return Laid(result(both.skipped), result(both.momentum), *counts)


def _twins(laid: Laid) -> None:
    """Draw both curves in one chart, and say whether they are equal."""
    if laid.differ:
        st.warning(f"{laid.differ:,} of {laid.losses + laid.weights:,} losses and weights differ.")
    else:
        st.success(
            f"All {laid.losses:,} losses and {laid.weights:,} weights on the way are equal, to the last bit: "
            "the loop without zero_grad, and SGD(momentum=1.0) with it.",
            icon=":material/equal:",
        )
    pair.draw([("no zero_grad", laid.skipped), ("momentum 1", laid.momentum)], "twins", "update_ratio")


def _limits(on: str, curvature: float, limits: dict[str, float], lr: float) -> None:
    said = f"The largest curvature of this loss is λ = {number(curvature)}."
    if not theory.is_quadratic(SETTINGS[on][1]):
        st.markdown(
            f"{said} That is on all rows at the start; it changes, so no rate is a limit for the run."
        )
        return
    st.markdown(
        f"{said} It is the same everywhere. Each bar ends at the largest learning rate at which that loop "
        "is stable; the line is yours. Without zero_grad, stable means bounded: nothing damps the swings.",
        help=explain.words("curvature", "limit"),
    )
    spec = pictures.limits_spec(*pictures.limits_span(limits, lr))
    said = "Largest stable learning rate of three loops, and the chosen one"
    frame = pictures.limits_frame(limits, lr)
    st.vega_lite_chart(frame, spec, width="stretch", key="limits", alt=said)


def _three(config: Config, limits: dict[str, float], device: str) -> None:
    """What each of the three loops does at this rate, and on which side of its limit it is."""
    columns = st.columns(3)
    for column, (name, one) in zip(columns, at_rate(config, config.lr).items(), strict=True):
        done = runs.trained(one, device)
        said = verdict(done)
        with column, st.container(border=True, height="stretch", key=f"loop_{name}"):
            st.markdown(f"**{ORDERS[name][0]}** {badge(said.word)}", help=explain.words(said.word))
            if theory.is_quadratic(config):
                side = "above" if config.lr > limits[name] else "below"
                multiple = pictures.MULTIPLES[name]
                st.markdown(f"{number(config.lr)} is {side} its limit, {multiple} = {number(limits[name])}.")
            st.markdown(said.because)


def _links(config: Config) -> None:
    usual = replace(config, loop=USUAL)
    runs = (Variant((("loop", letters(without_zero_grad(USUAL))),)), Variant((("momentum", "1.0"),)))
    with st.container(horizontal=True):
        links.compare("Compare all three", Comparison(usual, runs))
        links.watch("Watch it without zero_grad", replace(config, loop=without_zero_grad(USUAL)))
