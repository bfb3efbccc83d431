"""Brief: what a sweep keeps of each run, in few bytes: losses to the last bit, last scores, verdict."""

from dataclasses import dataclass

import numpy as np

from core.config import Config
from core.history import SCORES
from core.result import Result, path
from core.verdict import verdict


@dataclass(frozen=True)
class Brief:
    """One run in short.

    done: steps done. steps, losses: (n,) each, as `core.result.path`, the losses in the run's own
    dtype. scores: of `core.history.SCORES`, on the whole sets at the last evaluated step; nan where
    there is none. word, because: the verdict. raised: the words of what ended it, if a line raised.
    """

    config: Config
    done: int
    steps: np.ndarray
    losses: np.ndarray
    scores: dict[str, float]
    word: str
    because: str
    raised: str | None = None

    @property
    def finished(self) -> bool:
        """Whether the run came to its end, or to a line that raised."""
        return self.done == self.config.steps or self.raised is not None

    @property
    def last(self) -> float:
        """The last loss; nan if none was computed."""
        return float(self.losses[-1]) if len(self.losses) else float("nan")

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self.steps.nbytes + self.losses.nbytes

    def reached(self, loss: float) -> float:
        """The first step whose loss is at most this; inf if there is none."""
        with np.errstate(invalid="ignore"):
            found = np.flatnonzero(self.losses <= loss)
        return float(self.steps[found[0]]) if len(found) else float("inf")


def brief(result: Result) -> Brief:
    """A result in short."""
    steps, losses = path(result)
    evaluated, said = result.evaluations, verdict(result)
    message = result.message
    return Brief(
        result.config,
        result.done,
        steps.astype(np.int16),  # a run has at most 20,000 steps
        losses.astype(result.config.dtype),  # exact: that is what they were computed in
        {name: float(evaluated[name].iloc[-1]) if len(evaluated) else float("nan") for name in SCORES},
        said.word,
        said.because,
        f"{message.type}: {message.text}" if message else None,
    )
