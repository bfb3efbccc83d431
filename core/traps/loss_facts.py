"""Facts about losses: their floors, and the limits of the learning rate."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from core import curvature as theory
from core.loop import Run
from core.loss_lessons import softmax_twice, stability
from core.traps.facts import Fact, both, last_loss
from core.words import number, percent


def variance(wrong: Run, right: Run) -> list[Fact]:
    y = wrong.data.targets.double()
    found = [
        Fact(
            "mean of the targets",
            number(float(y.mean())),
            "",
            ("What a model that ignores its inputs would predict."),
        )
    ]
    spread = number(float(y.var(correction=0)))
    found.append(Fact("variance of the targets", spread, "", "That model's loss (MSE)."))
    return found + last_loss(wrong, right)


def lowest(wrong: Run, right: Run) -> list[Fact]:
    about = "For log-probabilities this loss is never below 0."
    return both("lowest loss", wrong, right, lambda run: float(run.history.losses.min()), about)


def softmax_floor(wrong: Run, right: Run) -> list[Fact]:
    """ln(1 + (C - 1) / e): the right class at 1, all others at 0, taken as logits."""
    with torch.no_grad():
        classes = wrong.model(wrong.data.inputs[:1]).shape[1]
    return [
        Fact(
            "loss of a perfect answer",
            number(softmax_twice.floor(classes)),
            "0",
            f"ln(1 + ({classes} - 1)/e), or as low as you like.",
        ),
        *last_loss(wrong, right),
        *_faded(classes),
    ]


def _faded(classes: int) -> list[Fact]:
    """The gradient at a confident wrong answer, through two softmaxes and through one."""
    logits = softmax_twice.logits(-10.0, 10.0, classes)
    grads = [softmax_twice.of_logits(logits, twice)[1] for twice in (True, False)]
    others = "".join([", 0" * (classes > 2), ", …" * (classes > 3)])
    about = f"Logits -10, 10{others}, where class 0 is right."
    found = [number(float(grad.norm())) for grad in grads]
    return [Fact("gradient at a confident wrong answer", found[0], found[1], about)]


def sigmoid_floor(wrong: Run, right: Run) -> list[Fact]:
    """Outputs of a sigmoid, taken as logits: at best 1 for class 1 and 0 for class 0."""
    share = float(wrong.data.targets.double().mean())
    floor = share * math.log(1 + 1 / math.e) + (1 - share) * math.log(2)
    about = f"{percent(share, 1)} of class 1 at ln(1 + 1/e), the others at ln 2; or as low as you like."
    return [Fact("loss of a perfect answer", number(floor), "0", about), *last_loss(wrong, right)]


def faded_sigmoid(wrong: Run, right: Run) -> list[Fact]:
    """The gradient at two confident wrong answers, through two sigmoids and through one."""

    def largest(twice: bool) -> str:
        z = torch.tensor([-8.0, 8.0], dtype=torch.float64, requires_grad=True)
        outputs = z.sigmoid() if twice else z
        nn.functional.binary_cross_entropy_with_logits(outputs, z.new_tensor([1.0, 0.0])).backward()
        assert z.grad is not None
        return number(float(z.grad.abs().max()))

    about = "Logits -8 and 8, where classes 1 and 0 are right; the larger of the two gradients."
    return [Fact("gradient at confident wrong answers", largest(True), largest(False), about)]


def saturated_row(wrong: Run, right: Run) -> list[Fact]:
    """Loss and gradient of one row with the logit 200, where class 0 is right, in float32."""
    row = np.array([200.0])
    wrong_way, right_way = (stability.at(way, row, 0.0, torch.float32) for way in ("sigmoid", "logits"))
    losses, grads = zip(wrong_way, right_way, strict=True)
    about = "Class 0 is right."
    return [
        Fact("loss of a row with the logit 200", number(losses[0].item()), number(losses[1].item()), about),
        Fact("its gradient", number(grads[0].item()), number(grads[1].item())),
    ]


def accuracy(wrong: Run, right: Run) -> list[Fact]:
    def share(run: Run) -> float:
        return float(run.history.evaluations["train_accuracy"].iloc[-1])

    return [Fact("accuracy at the end", percent(share(wrong), 1), percent(share(right), 1))]


def limits(wrong: Run, right: Run) -> list[Fact]:
    """Learning rates against the limits that follow from the curvature."""
    curvature = theory.starting_curvature(right.config)
    known = theory.limits(curvature)
    found = [
        Fact("learning rate", number(wrong.config.lr), number(right.config.lr)),
        Fact(
            "limit of the usual loop",
            number(known["usual"]),
            number(known["usual"]),
            f"2 / {number(curvature)}.",
        ),
    ]
    if theory.stability_limit(wrong.config, curvature) == known["stale"]:
        about = f"1 / {number(curvature)}, with the previous step's gradient."
        found.append(Fact("limit of this loop", number(known["stale"]), number(known["usual"]), about))
    return found


def whole_targets(wrong: Run, right: Run) -> list[Fact]:
    """What the targets became, and what the same line does to targets that are whole numbers."""

    def first(run: Run) -> str:
        return ", ".join(number(float(y)) for y in run.data.targets.flatten())

    cut = ", ".join(str(int(y)) for y in wrong.data.targets.long().flatten())
    exact = [
        Run(replace(run.config, dataset="deliveries_exact"), evaluate=False).advance()
        for run in (wrong, right)
    ]
    differ = int((exact[0].history.losses != exact[1].history.losses).sum())
    about = "With targets 7, 12, 17, 22, which are whole numbers."
    return [
        Fact("targets", cut, first(right)),
        Fact("losses that differ on whole numbers", str(differ), "", about),
    ]
