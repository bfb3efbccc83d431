"""The measures by which a sweep compares runs: what a cell shows, and how it is read."""

from collections.abc import Callable
from dataclasses import dataclass

from core.build import make_data
from core.config import Config
from core.data import Unusable
from core.run_summary import Brief

LOSS, SHARE, STEP, WORD = "loss", "share", "step", "word"


@dataclass(frozen=True)
class Measure:
    """One row of MEASURES.

    kind: LOSS, SHARE (from 0 to 1), STEP or WORD. of: a run, and the loss that is asked for -> the
    number; inf where it never comes, nan where there is none.
    """

    title: str
    kind: str
    of: Callable[[Brief, float], float]
    about: str

    @property
    def lower_is_better(self) -> bool:
        return self.kind != SHARE


def _score(name: str) -> Callable[[Brief, float], float]:
    return lambda brief, loss: brief.scores[name]


MEASURES = {
    "loss": Measure(
        "Last training loss",
        LOSS,
        lambda brief, loss: brief.last,
        "The last training loss on the curve: on all training rows, normally after the last step.",
    ),
    "val_loss": Measure(
        "Last validation loss", LOSS, _score("val_loss"), "On the held-out rows, after the last step."
    ),
    "accuracy": Measure(
        "Accuracy",
        SHARE,
        _score("train_accuracy"),
        ("Share of the training rows classified correctly, after the last step."),
    ),
    "val_accuracy": Measure(
        "Validation accuracy",
        SHARE,
        _score("val_accuracy"),
        ("Share of the held-out rows classified correctly, after the last step."),
    ),
    "reached": Measure(
        "Steps to a loss",
        STEP,
        lambda brief, loss: brief.reached(loss),
        "The first step at which the training loss is no higher than the one asked for. With "
        "mini-batches, the first evaluation of the whole training set that finds it there.",
    ),
    "verdict": Measure(
        "Verdict", WORD, lambda brief, loss: float("nan"), "What the loss did, in one word per run."
    ),
}


def offered(config: Config) -> list[str]:
    """Names of the measures that runs of this data set have a number for."""
    try:
        data = make_data(config)
    except Unusable:  # it is not known yet
        return list(MEASURES)
    missing = {"val_loss", "val_accuracy"} if data.val_inputs is None else set()
    missing |= {"accuracy", "val_accuracy"} if data.target_form == "values" else set()
    return [name for name in MEASURES if name not in missing]
