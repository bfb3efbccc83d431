"""One big batch beside the same rows in parts whose gradients add up: the same update, unless somebody errs.

The gradient of a mean over all rows is the sum of those of its parts, each weighted by its share of the rows.
That autograd adds to .grad is what makes a batch possible that is too large for memory.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from torch.nn.utils import parameters_to_vector

from core import build
from core.config import Config
from core.lines import from_letters
from core.loop import Run
from core.traps.everyday_facts import first_update
from core.words import number

UPDATES = 20
ROUNDING = 1e-4  # relative; our own: rounding in float32 stays below it over so few updates, mistakes do not


@dataclass(frozen=True)
class Way:
    """How gradients of parts are added up: a loop, as in links. trap: the mistake it is, a key of TRAPS."""

    title: str
    loop: str
    about: str
    trap: str = ""


WAYS = {
    "by_rows": Way(
        "Weighted by rows",
        "zFLws",
        "Each loss counts by its share of the rows: the mean over all of them, however they are cut.",
    ),
    "divided": Way(
        "Divided by k",
        "zFLDs",
        "Each of k losses counts a k-th. Where parts differ in size, rows of a small part count for more.",
        "unequal_divided",
    ),
    "whole": Way(
        "Not divided",
        "zFLBs",
        "k means add up to k times their mean: for SGD, that is like a learning rate k times as large.",
        "undivided",
    ),
    "each": Way(
        "A step on every part",
        "zFLDS",
        "k updates where one was meant; the first uses the gradient of the first part alone.",
        "step_every_batch",
    ),
}


@dataclass(frozen=True)
class Cut:
    """All rows of a run, and how many of them are in a part; the last part holds what remains."""

    big: Config
    rows: int

    @property
    def parts(self) -> list[int]:
        """Rows of each part."""
        whole, rest = divmod(len(build.make_data(self.big).inputs), self.rows)
        return [self.rows] * whole + [rest] * (rest > 0)

    def run_of(self, way: str) -> Config:
        """The run that makes as many updates from the parts."""
        k = len(self.parts)
        loop, steps = from_letters(WAYS[way].loop), k * self.big.steps
        return replace(self.big, loop=loop, batch_size=self.rows, accumulate=k, steps=steps)


# In the linear one the seed puts the last delivery alone, where there are three and one.
_LINEAR = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01, seed=2, steps=UPDATES)
_MOONS = Config(hidden=(8,), steps=UPDATES)
CUTS = {
    "deliveries_1": Cut(_LINEAR, 1),
    "deliveries_2": Cut(_LINEAR, 2),
    "deliveries_3": Cut(_LINEAR, 3),
    "moons_50": Cut(_MOONS, 50),
    "moons_60": Cut(_MOONS, 60),
}


@dataclass(frozen=True)
class Added:
    """One run: the first entry of .grad at the first update, and how far it is from the big batch.

    gradient, weights: relative distance of all entries of .grad then, and of the weights at the end.
    """

    config: Config
    first: float
    gradient: float = 0.0
    weights: float = 0.0


def added(cut: Cut, device: str = "cpu") -> tuple[Added, dict[str, Added]]:
    """The big batch, and each way of adding up its parts."""
    grad, weights = _trained(cut.big, device)
    ways = {}
    for way in WAYS:
        config = cut.run_of(way)
        ours, ends = _trained(config, device)
        ways[way] = Added(config, float(ours[0]), _apart(ours, grad), _apart(ends, weights))
    return Added(cut.big, float(grad[0])), ways


def _trained(config: Config, device: str) -> tuple[np.ndarray, np.ndarray]:
    """All entries of .grad at the first update, and of the weights at the end, in double."""
    run = Run(config, device, evaluate=False).advance()
    grads = [rows[first_update(config)].ravel() for rows in run.history.grads.values()]
    return np.concatenate(grads).astype(float), parameters_to_vector(
        run.parameters
    ).detach().cpu().double().numpy()


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def apart_words(apart: float) -> str:
    """To how many digits two are the same, or by how much they differ."""
    if apart == 0:
        return "the same to the last bit"
    if apart < ROUNDING:
        return f"the same to {math.floor(-math.log10(apart))} digits"
    return f"off by {number(100 * apart, 2)}%"
