"""A run as plain data: what caches keep and pages show. No tensor of the run lives on in it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.config import Config
from core.lines import own_loss, parts, plain
from core.loop import Run, Warned
from core.models import MODELS
from core.optimizers import evaluations


@dataclass(frozen=True)
class Message:
    """What PyTorch said: in which step (from 0), at which line, exception type and text."""

    step: int
    line: str
    type: str
    text: str


@dataclass(frozen=True)
class Result:
    """The frames of `core.history`, the weights at each row of evaluations, and how it ended.

    done: steps done, less than config.steps if the run was stopped or raised. closure_calls: how often its
    steps have evaluated the loss themselves.
    """

    config: Config
    done: int
    steps: pd.DataFrame
    parameters: pd.DataFrame
    evaluations: pd.DataFrame
    snapshots: np.ndarray
    message: Message | None
    warnings: tuple[Warned, ...] = ()
    closure_calls: int = 0

    @property
    def nbytes(self) -> int:
        """Memory of the frames and snapshots."""
        frames = (self.steps, self.parameters, self.evaluations)
        return self.snapshots.nbytes + sum(int(frame.memory_usage().sum()) for frame in frames)


def result(run: Run, whole: bool = True) -> Result:
    """What a run has so far. whole: with the norms of each parameter, and the snapshots."""
    history = run.history
    return Result(
        run.config,
        run.step,
        history.steps,
        history.parameters if whole else pd.DataFrame(),
        history.evaluations,
        history.snapshots if whole else np.empty((0, 0)),
        message(run),
        tuple(run.warnings),
        evaluations(run.namespace["optimizer"]),
    )


def message(run: Run) -> Message | None:
    """What ended the run, if a line raised."""
    error = run.error
    if error is None:
        return None
    return Message(error.step, error.line, type(error.exception).__name__, str(error.exception))


class LossPath(NamedTuple):
    """Losses at some steps, both (n,); the steps are whole numbers and rise."""

    steps: np.ndarray
    losses: np.ndarray


def path(result: Result) -> LossPath:
    """The training loss over the run, to its very end.

    Where each step sees all rows, the loss of every step, then that after the last one (unless lines of
    another kind make it). With batches, whose losses jump about, the loss on the whole training set at
    evaluated steps.
    """
    evaluated = result.evaluations
    whole = LossPath(evaluated["step"].to_numpy(), evaluated["train_loss"].to_numpy())
    config = result.config
    if config.batch_size or "loss" not in parts(config.loop):
        return whole
    steps = result.steps
    if result.message is not None and len(steps) and np.isnan(steps["loss"].iloc[-1]):
        steps = steps.iloc[:-1]  # the line that raised left this step without a loss
    every = LossPath(steps["step"].to_numpy(), steps["loss"].to_numpy())
    if not plain(config.loop) or own_loss(config.loop) or MODELS[config.model].two_modes:
        return every  # on the whole set another loss counts: loss_fn(model(inputs), targets), in eval mode
    last = whole.steps >= len(every.steps)
    return LossPath(
        np.concatenate([every.steps, whole.steps[last]]), np.concatenate([every.losses, whole.losses[last]])
    )


def learning_rates(result: Result) -> np.ndarray:
    """(done,): the learning rate of each step; under a scheduler as recorded, else as planned."""
    if "lr" in result.steps:
        return result.steps["lr"].to_numpy()
    rates = np.full(result.done, result.config.lr)
    for step, lr in result.config.schedule:
        rates[step:] = lr
    return rates


def loss_path(result: Result) -> pd.DataFrame:
    """The same with columns step and loss."""
    steps, losses = path(result)
    return pd.DataFrame({"step": steps, "loss": losses})
