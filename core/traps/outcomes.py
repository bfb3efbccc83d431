"""What a run with a mistake did: one outcome, from its numbers and those of the repaired run alone."""

import numpy as np

from core.result import Result, loss_path
from core.verdict import verdict

FAR = 1.5  # times the repaired run's loss, and
SHARE = 0.02  # of the first loss above it: too much for two ways to the same place

OUTCOMES = {
    "raises": "PyTorch or Python raises an error",
    "constant": "The loss stays the same, to the last bit",
    "explodes": "The loss explodes",
    "swings": "The loss falls, and swings back up",
    "below": "The loss falls, and keeps falling below 0",
    "same": "The same losses as the repaired run, to the last bit",
    "worse": "The loss falls, but ends clearly above that of the repaired run",
    "close": "The loss falls about as far as that of the repaired run",
}


def outcome(wrong: Result, right: Result) -> str:
    """A key of OUTCOMES: the first that the numbers bear out."""
    if wrong.message is not None:
        return "raises"
    losses = loss_path(wrong)["loss"].to_numpy()
    repaired = loss_path(right)["loss"].to_numpy()
    word = verdict(wrong).word
    if (losses == losses[0]).all():
        return "constant"
    if word == "diverged":
        return "explodes"
    if word in ("oscillates", "rebounds"):
        return "swings"
    if losses[-1] < 0:
        return "below"
    if np.array_equal(losses, repaired, equal_nan=True):
        return "same"
    worse = losses[-1] > FAR * repaired[-1] and losses[-1] - repaired[-1] > SHARE * abs(losses[0])
    return "worse" if worse else "close"
