"""Where the run is on its loss surface: contours of the real loss, and the path so far."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from core import Config, Run
from core import curvature as theory
from core.lines import part
from core.watch import plane, surface, surface_picture
from core.watch.tape import Tape
from core.words import number
from pages._ui.shared import explain, slices
from pages._ui.watch import whole_runs


@dataclass(frozen=True)
class Computed:
    """The picture of one run, computed once: contours, path, window and description."""

    config: Config
    contours: pd.DataFrame
    path: plane.WeightPath
    window: surface.Window
    minimum: tuple[float, float] | None
    words: str


def draw(held: Tape, device: str) -> None:
    """The contours, the path up to this step, and what the picture says in words."""
    if not {"forward", "loss"} >= set(_makers(held.run.config)):
        st.info("The surface is that of loss_fn(model(inputs), targets); this loop has other lines for it.")
        return
    computed = _computed(held.run.config, device)
    if computed is None:
        st.info("A surface needs at least two weights that are finite.")
        return
    step = held.run.step
    frame = surface_picture.picture_frame(
        computed.contours, computed.path, computed.window, step, computed.minimum
    )
    spec = surface_picture.surface_spec(
        computed.path.plane.titles, computed.window, computed.minimum is not None
    )
    st.vega_lite_chart(
        frame, spec, width="stretch", key="surface", alt="Contours of the loss with the path of the run"
    )
    st.markdown(computed.words)
    if said := surface.losses_words(held.run.config):
        st.caption(said)
    if computed.path.plane.size == 2:
        _limits(held.run.config)


def _makers(config: Config) -> list[str]:
    """The lines that make the loss."""
    return [name for name in config.loop if part(name) in ("forward", "loss")]


def _computed(config: Config, device: str) -> Computed | None:
    held: Computed | None = st.session_state.get("surface_of")
    if held is not None and held.config == config:
        return held
    run = whole_runs.whole(config, device)
    path = _path(run)
    if path is None:
        return None
    minimum = _minimum(run)
    window = surface.window(path, minimum)
    grid = surface.Surface(
        run.model, run.namespace["loss_fn"], run.data.inputs, run.data.targets, path.plane, window
    )
    slices.work(
        lambda: grid.done,
        lambda seconds: grid.advance(budget_s=seconds),
        lambda: (grid.share_done, "Computing the loss around the path"),
    )
    words = surface.surface_words(grid, path, minimum)
    computed = Computed(config, surface_picture.contour_frame(grid, path), path, window, minimum, words)
    st.session_state.surface_of = computed
    return computed


def _path(run: Run) -> plane.WeightPath | None:
    """The path through all recorded weights: of every step, or of the evaluated ones."""
    history = run.history
    if history.full and not run.config.batch_size and run.error is None:
        weights = np.concatenate([plane.flat(history.weights), plane.flat(_now(run))])
        losses = np.append(history.losses, history.evaluations["train_loss"].iloc[-1])
        steps = np.arange(len(weights))
    else:
        weights, evaluated = history.snapshots, history.evaluations
        losses, steps = evaluated["train_loss"].to_numpy(), evaluated["step"].to_numpy()
    try:
        return plane.path_of(weights, losses, steps)
    except ValueError:  # fewer than two parameters, or none finite
        return None


def _now(run: Run) -> dict[str, np.ndarray]:
    return {name: p.detach().cpu().numpy()[None] for name, p in run.model.named_parameters()}


def _minimum(run: Run) -> tuple[float, float] | None:
    """Where the squared error of a line is smallest; None for anything else."""
    if run.config.loss != "mse" or len(run.parameters) != 2 or run.data.inputs.shape[1] != 1:
        return None
    weight, bias = surface.least_squares(run.data.inputs, run.data.targets)
    return float(weight), float(bias)


def _limits(config: Config) -> None:
    """Compare the learning rate with the limits that follow from the curvature, where these hold."""
    if not theory.is_quadratic(config):
        return
    curvature = theory.starting_curvature(config)
    if not curvature > 0:
        return
    limits = theory.limits(curvature)
    st.markdown(
        f"The largest curvature at the starting weights is {number(curvature)}. With steps on all rows and a "
        "curvature that stays as it is, plain gradient descent is stable up to a learning rate of "
        f"2 / {number(curvature)} = {number(limits['usual'])}; with the previous step's gradient, up to "
        f"1 / {number(curvature)} = {number(limits['stale'])}; without zero_grad it stays bounded up to "
        f"4 / {number(curvature)} = {number(limits['skipped'])}.",
        help=explain.words("curvature", "limit"),
    )
    own = theory.stability_limit(replace(config, schedule=()), curvature)
    if own is not None:
        rates = [config.lr, *(lr for _, lr in config.schedule)]
        sides = [f"{number(lr)} is {'above' if lr > own else 'below'} it" for lr in dict.fromkeys(rates)]
        st.markdown(f"This loop's limit is {number(own)}: {'; '.join(sides)}.")
