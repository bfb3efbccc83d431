"""A series of hidden mistakes to diagnose, drawn from the traps by a seed.

The same seed gives everybody the same series. A case is a trap, the seed of its run, and the names that
the learner chooses from; what can be seen of it holds no name and no code.
"""

import random
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from torch import Tensor

from core.config import Config
from core.loop import Run
from core.result import Result
from core.traps.table import TRAPS
from core.verdict import Verdict, verdict
from core.watch.snapshot import FLOWING

# What looks alike in all that a learner can see; of each set a case offers one.
ALIKE = (
    {"detached", "no_grad"},
    {"step_uncalled", "step_first"},
    {"rate_too_large", "rate_far_too_large", "clip_after_step", "clip_before_backward"},
    {"scheduler_first", "scheduler_per_pass"},
    {"softmax_twice_2", "softmax_twice_3", "softmax_twice_10"},
)
CASES = 5  # of a series
CHOICES = 4  # titles that a case offers
MAX_SERIES = 9999


@dataclass(frozen=True)
class Case:
    """name: a key of TRAPS. seed: of both runs. choices: keys of TRAPS, the right one among them."""

    name: str
    seed: int
    choices: tuple[str, ...]

    @property
    def wrong(self) -> Config:
        return replace(TRAPS[self.name].wrong, seed=self.seed)

    @property
    def right(self) -> Config:
        return replace(TRAPS[self.name].right, seed=self.seed)


def series(seed: int) -> list[Case]:
    """The cases of a series: different traps, at least one of each group."""
    draw = random.Random(f"diagnosis {seed}")
    groups: dict[str, list[str]] = {}
    for name, trap in TRAPS.items():
        groups.setdefault(trap.group, []).append(name)
    names = [draw.choice(members) for members in groups.values()]
    rest = [name for name in TRAPS if name not in names]
    names += draw.sample(rest, CASES - len(names))
    draw.shuffle(names)
    return [_case(name, draw) for name in names]


def _case(name: str, draw: random.Random) -> Case:
    """A trap among others that can be told apart from it, most of them of its own group."""
    others = [other for other in TRAPS if other != name and not _alike(name, other)]
    kin = [other for other in others if TRAPS[other].group == TRAPS[name].group]
    near = draw.sample(kin, CHOICES - 2)
    far = draw.choice([other for other in others if other not in kin])
    choices = [name, *near, far]
    draw.shuffle(choices)
    return Case(name, draw.randrange(1000), tuple(choices))


def _alike(one: str, other: str) -> bool:
    return any({one, other} <= names for names in ALIKE)


def seen(result: Result) -> Verdict:
    """The verdict on a run from outside: leftovers in .grad and units that are off would name the mistake."""
    outside = result.steps.assign(leftover_norm=0.0)
    return verdict(replace(result, steps=outside, snapshots=np.empty((0, 0))))


SHAPES = ("tensor", "shape", "dtype", "requires_grad", "grad_fn", "grad")


def shapes(run: Run) -> pd.DataFrame:
    """The names of the loop at its end: one row of text per tensor."""
    names = run.namespace
    named = {name: names[name] for name in FLOWING if name in names} | dict(run.model.named_parameters())
    return pd.DataFrame([_row(name, value) for name, value in named.items()], columns=list(SHAPES))


def _row(name: str, value: Tensor) -> tuple[str, ...]:
    grad = value.grad if value.is_leaf else None
    history = "" if value.grad_fn is None else type(value.grad_fn).__name__
    left = "None" if grad is None else "values" if bool(grad.any()) else "zeros"
    kind = str(value.dtype).removeprefix("torch.")
    return (name, str(tuple(value.shape)), kind, str(value.requires_grad), history, left)
