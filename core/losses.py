"""Which number shrinks? Losses by name: the torch class, its target form, formula, when to use it.

A loss fits a data set if the data set offers a form of target that the loss takes (see
`core.data.FORMS`). Two losses can then be compared on one classification task.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.data import DATASETS, FORMS_OF_TASK


@dataclass(frozen=True)
class Loss:
    """One row of LOSSES.

    takes: forms of target, keys of `core.data.FORMS`. threshold: the output above which a
    single output means class 1. formula: LaTeX, z = outputs, y = targets, N = all entries.
    term: one output (cross-entropy: one row of them) and its target -> the text of that term of
    the sum, in which {z} and {y} stand for the two numbers.
    """

    title: str
    module: type[nn.Module]
    takes: tuple[str, ...]
    formula: str
    when: str
    unit: str
    threshold: float = 0.5
    term: Callable[[Any, float], str] | None = None


def _huber(z: float, y: float) -> str:
    return "½ × ({z} − {y})²" if abs(z - y) < 1 else "(|{z} − {y}| − ½)"


def _bce(z: float, y: float) -> str:
    usual = {1.0: "−log σ({z})", 0.0: "−log(1 − σ({z}))"}
    return usual.get(y, "−({y} × log σ({z}) + (1 − {y}) × log(1 − σ({z})))")


FLOATS = ("values", "zero_one", "one_hot")

LOSSES = {
    "mse": Loss(
        "MSE",
        nn.MSELoss,
        FLOATS,
        r"\frac{1}{N}\sum_i (z_i - y_i)^2",
        "Regression. Large errors count most, so a few outliers can decide the fit.",
        "target units squared",
        term=lambda z, y: "({z} − {y})²",
    ),
    "l1": Loss(
        "L1",
        nn.L1Loss,
        FLOATS,
        r"\frac{1}{N}\sum_i |z_i - y_i|",
        "Regression with outliers. The gradient keeps its size however small the error is.",
        "target units",
        term=lambda z, y: "|{z} − {y}|",
    ),
    "huber": Loss(
        "Huber",
        nn.HuberLoss,
        FLOATS,
        r"\frac{1}{N}\sum_i \begin{cases}\frac12 (z_i - y_i)^2 & |z_i - y_i| < 1 \\"
        r" |z_i - y_i| - \frac12 & \text{else}\end{cases}",
        "Regression. Squared near zero, linear for outliers.",
        "target units squared near zero",
        term=_huber,
    ),
    "cross_entropy": Loss(
        "Cross-entropy",
        nn.CrossEntropyLoss,
        ("class_index",),
        r"-\frac{1}{N}\sum_i \log \operatorname{softmax}(z_i)_{y_i}",
        "One class of several. Takes logits; a softmax before it would be applied twice.",
        "nats per example",
        term=lambda z, y: "−log softmax({z})[{y}]",
    ),
    "bce": Loss(
        "BCE with logits",
        nn.BCEWithLogitsLoss,
        ("zero_one", "one_hot"),
        r"-\frac{1}{N}\sum_i y_i \log \sigma(z_i) + (1 - y_i) \log(1 - \sigma(z_i))",
        "Two classes, or several yes-or-no questions. Takes logits; the sigmoid is inside.",
        "nats per output",
        threshold=0.0,
        term=_bce,
    ),
}


def form(loss: str, dataset: str) -> str | None:
    """The form of target that this loss gets from this data set; None if they do not fit."""
    offered = FORMS_OF_TASK[DATASETS[dataset].task]
    return next((name for name in offered if name in LOSSES[loss].takes), None)


def fitting(dataset: str) -> tuple[str, ...]:
    """Names of the losses that fit a data set; the task's usual one first."""
    usual = {"regression": "mse", "binary": "bce", "classes": "cross_entropy"}
    first = usual[DATASETS[dataset].task]
    rest = (name for name in LOSSES if name != first and form(name, dataset))
    return (first, *rest)


def accuracy(outputs: Tensor, targets: Tensor, target_form: str, threshold: float) -> Tensor:
    """Share of right answers, (), from 0 to 1; see `right`."""
    return right(outputs, targets, target_form, threshold).float().mean()


def right(outputs: Tensor, targets: Tensor, target_form: str, threshold: float | Tensor) -> Tensor:
    """Which answers are right: (rows, 1) or (rows,) of True and False.

    One output: it is right on the target's side of `threshold`. Several: the largest one, along dim 1,
    names the class. Raises ValueError for regression targets, which have no classes.
    """
    if target_form == "values":
        raise ValueError("targets must be classes for an accuracy; got values")
    if target_form == "zero_one":
        return (outputs > threshold) == (targets > 0.5)
    largest = outputs.max(dim=1).indices  # the first, as argmax, which is slower where dim 1 is not the last
    return largest == (targets.argmax(1) if target_form == "one_hot" else targets)


def terms(loss: str, outputs: Tensor, targets: Tensor) -> Tensor | None:
    """The terms whose mean the loss is, one per entry or (cross-entropy) per row, by its own module.

    None if the module takes no mean. Shapes that differ are broadcast, as the module does.
    """
    make = LOSSES[loss].module
    if getattr(make(), "reduction", None) != "mean":
        return None
    return make(reduction="none")(*paired(loss, outputs, targets))


def paired(loss: str, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs and targets, entry by entry where the loss compares values; broadcast if need be."""
    if "values" not in LOSSES[loss].takes or outputs.shape == targets.shape:
        return outputs, targets
    one, other = torch.broadcast_tensors(outputs, targets)  # torch does so too, with a warning
    return one, other
