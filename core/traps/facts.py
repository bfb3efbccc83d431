"""Fact: a number of two runs as text, with the mistake and without it, and what it means."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.loop import Run
from core.words import number


@dataclass(frozen=True)
class Fact:
    """One thing to look at: what it is, the two runs' numbers as text, what that means."""

    what: str
    wrong: str
    right: str
    about: str = ""


def both(what: str, wrong: Run, right: Run, of: Callable[[Run], float], about: str = "") -> list[Fact]:
    """The same number of both runs."""
    return [Fact(what, number(of(wrong)), number(of(right)), about)]


def now(run: Run) -> list[np.ndarray]:
    """The weights as they are, each as shaped."""
    return [p.detach().cpu().numpy() for p in run.parameters]


def grad_length(run: Run, step: int) -> float:
    """Of all parameters together, as step used it."""
    return float(run.history.steps["grad_norm"].iloc[step])


def last_loss(wrong: Run, right: Run) -> list[Fact]:
    return both("last loss", wrong, right, lambda run: float(run.history.losses[-1]))
