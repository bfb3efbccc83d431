"""All orders of the five lines, executed, each next to the usual one.

There are 120 orders of the five lines, and 205 ways to leave some of them out. What came of an order
is read off its run: its losses and weights, bit by bit, and what its steps used.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations

import numpy as np

from core.config import Config
from core.lines import USUAL, letters
from core.loop import Run
from core.result import Message, message

STEPS = 12  # of each run: enough to tell the outcomes apart


@dataclass(frozen=True)
class Outcome:
    """letter: as on the map. title: in few words. about: what it looks like to a learner."""

    letter: str
    title: str
    about: str


OUTCOMES = {
    "same": Outcome("=", "same", "Same losses and weights as the usual order, to the last bit."),
    "behind": Outcome(
        "1",
        "one step behind",
        "Same losses; each update comes at the top of the next step, so the last one is missing.",
    ),
    "never": Outcome("0", "never trains", "No weight moves: step finds no gradient, or there is no step."),
    "stale": Outcome("S", "stale gradient", "Trains, but each step uses the gradient of the step before."),
    "accumulates": Outcome(
        "+", "gradients add up", "Nothing clears .grad, so each step uses the sum of all gradients."
    ),
    "raises": Outcome("!", "raises", "PyTorch or Python raises an error."),
}


@dataclass(frozen=True)
class Tried:
    """One loop and what came of it. outcome: a key of OUTCOMES. losses: (steps done,), float64."""

    loop: tuple[str, ...]
    outcome: str
    losses: np.ndarray
    message: Message | None

    @property
    def name(self) -> str:
        return letters(self.loop)


def all_orders() -> list[tuple[str, ...]]:
    """The 120 orders of the five lines."""
    return list(permutations(USUAL))


def shorter_loops() -> list[tuple[str, ...]]:
    """The 205 loops of one to four of the lines, in every order; most lines first."""
    return [
        order
        for count in range(len(USUAL) - 1, 0, -1)
        for kept in combinations(USUAL, count)
        for order in permutations(kept)
    ]


class Trials:
    """Tries loops on the data, model and optimizer of a Config, resumable between two of them.

    Attributes: config (with few steps and one learning rate), done (what was tried so far).
    """

    def __init__(self, config: Config, loops: Sequence[tuple[str, ...]], device: str = "cpu"):
        self.config = replace(config, steps=STEPS, schedule=(), loop=USUAL, before=())
        self.device = device
        self.loops = loops
        self.done: list[Tried] = []
        self._usual = self._run(USUAL)

    def __iter__(self) -> Iterator[Tried]:
        """Tries the remaining loops, one after the other."""
        for loop in self.loops[len(self.done) :]:
            self.done.append(self.tried(loop))
            yield self.done[-1]

    def tried(self, loop: tuple[str, ...]) -> Tried:
        run = self._run(loop)
        return Tried(loop, outcome(run, self._usual), run.history.losses, message(run))

    def _run(self, loop: tuple[str, ...]) -> Run:
        return Run(replace(self.config, loop=loop), self.device, evaluate=False).advance()


def outcome(run: Run, usual: Run) -> str:
    """What came of a run, compared with the usual order: a key of OUTCOMES."""
    if run.error is not None:
        return "raises"
    if not _moved(run):
        return "never"
    if np.array_equal(run.history.losses, usual.history.losses, equal_nan=True):
        return "same" if _equal(_last(run), _last(usual)) else "behind"
    # A step that finds a gradient which no backward has added to, and does other than the usual
    # order, can only have found that of the step before.
    return "accumulates" if _adds_up(run) else "stale"


def _last(run: Run) -> list[np.ndarray]:
    return [p.detach().cpu().numpy() for p in run.parameters]


def _equal(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


def _moved(run: Run) -> bool:
    """Whether any weight changed."""
    first = [weights[0] for weights in run.history.weights.values()]
    return not _equal(first, _last(run))


def _adds_up(run: Run) -> bool:
    """Whether any backward found something in .grad."""
    return bool((run.history.steps["leftover_norm"] > 0).any())
