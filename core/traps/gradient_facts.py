"""Facts about .grad, and about how far the weights moved."""

import math

import numpy as np
import torch
from torch import Tensor

from core import torch_internals
from core.loop import Run
from core.traps.facts import Fact, both, grad_length, now
from core.words import number


def moved(wrong: Run, right: Run) -> list[Fact]:
    return both("largest change of any weight", wrong, right, _moved, "0 means that no weight moved.")


def _moved(run: Run) -> float:
    """Largest change of any weight from the first step to the end."""
    first = [weights[0] for weights in run.history.weights.values()]
    return max(float(np.abs(now - then).max()) for now, then in zip(now(run), first, strict=True))


def grad_grows(wrong: Run, right: Run) -> list[Fact]:
    about = "zero_grad clears the gradients of the optimizer's own parameters, and no others."
    return [
        *both("length of .grad at the first step", wrong, right, lambda run: grad_length(run, 0)),
        *both("length of .grad at the last step", wrong, right, lambda run: grad_length(run, -1), about),
    ]


def first_gradient(wrong: Run, right: Run) -> list[Fact]:
    return both(
        "length of the first gradient",
        wrong,
        right,
        lambda run: grad_length(run, 0),
        ("Exactly 0: nothing can be learned."),
    )


def grad_missing(wrong: Run, right: Run) -> list[Fact]:
    def said(run: Run) -> str:
        return ", ".join("None" if p.grad is None else "values" for p in run.parameters)

    return [Fact(".grad of the parameters at the end", said(wrong), said(right))]


def leftover(wrong: Run, right: Run) -> list[Fact]:
    about = "What is left over from earlier steps outweighs the batch's own gradient."
    found = both("largest leftover gradient", wrong, right, lambda run: _largest(run, "leftover_norm"))
    found += both(
        "largest fresh gradient",
        wrong,
        right,
        lambda run: _largest(run, "fresh_norm"),
        about,
    )
    return found + both("lowest loss on the way", wrong, right, lambda run: float(run.history.losses.min()))


def _largest(run: Run, norm: str) -> float:
    return float(run.history.steps[norm].to_numpy().max())


def grad_ratio(wrong: Run, right: Run) -> list[Fact]:
    """First gradient as used by step, of the two runs, entry by entry."""
    ratios = [
        one[0] / other[0]
        for one, other in zip(wrong.history.grads.values(), right.history.grads.values(), strict=True)
    ]
    values = np.unique(np.concatenate([r.ravel() for r in ratios]))
    about = (
        "For every entry of the first gradient, exactly."
        if len(values) == 1
        else "For the entries of the first gradient."
    )
    found = [Fact("times the repaired gradient", ", ".join(map(number, values[:3])), "1", about)]
    if len(values) > 1:
        return found
    lr = wrong.config.lr
    about = "The effect is that of a learning rate this much larger."
    return [*found, Fact("learning rate times that", number(lr * float(values[0])), number(lr), about)]


def second_step(wrong: Run, right: Run) -> list[Fact]:
    """How far the step after zero_grad moves the weights in the first iteration."""

    def length(run: Run) -> float:
        again = Run(run.config, run.device, full=False, evaluate=False)
        while run.config.loop[again.next_line] != "step_again":
            again.line()
        before = _now_copied(again)
        again.line()
        return math.hypot(*(float(np.linalg.norm(a - b)) for a, b in zip(now(again), before, strict=True)))

    return both(
        "length of the first step after zero_grad",
        wrong,
        right,
        length,
        ("A parameter whose .grad is None is skipped; zeros are not."),
    )


def _now_copied(run: Run) -> list[np.ndarray]:
    return [values.copy() for values in now(run)]


def first_rate(wrong: Run, right: Run) -> list[Fact]:
    """The learning rate of the first update: the distance the weights moved over the gradient's length."""

    def rate(run: Run) -> float:
        return _first_move(run) / grad_length(run, 0)

    meant = f"{number(wrong.config.lr)} was meant to be used."
    return both("learning rate of the first update", wrong, right, rate, meant)


def first_move(wrong: Run, right: Run) -> list[Fact]:
    """How far the first update moved the weights: a scaler may divide .grad within its step, unseen."""
    about = f"{number(_first_move(wrong) / _first_move(right))} times as long with the mistake."
    return both("length of the first update", wrong, right, _first_move, about)


def _first_move(run: Run) -> float:
    before, after = (np.concatenate([w[i].ravel() for w in run.history.weights.values()]) for i in (0, 1))
    return float(np.linalg.norm(after - before))


def data_gradient(wrong: Run, right: Run) -> list[Fact]:
    """b = exp(a), written over or not, and the gradient of its sum at a = 1, 2; and the counter of b."""

    def small(write: bool) -> tuple[Tensor, int]:
        a = torch.tensor([1.0, 2.0], requires_grad=True)
        b = a.exp()
        if write:
            b.data.zero_()
        b.sum().backward()
        assert a.grad is not None
        return a.grad, torch_internals.version(b)

    (cut, version), (true, untouched) = small(True), small(False)
    at_cut, at_true = (", ".join(number(float(g)) for g in grad) for grad in (cut, true))
    return [
        *both("length of the first gradient", wrong, right, lambda run: grad_length(run, 0)),
        Fact(
            "gradient of exp(a) at 1 and 2",
            at_cut,
            at_true,
            "Of the sum of b = a.exp(), with b overwritten by zeros or not.",
        ),
        Fact("_version of b", str(version), str(untouched), "A write through .data is not counted."),
    ]


def saves_nothing(wrong: Run, right: Run) -> list[Fact]:
    """Adding keeps no tensor for backward: walked twice, its graph does not raise."""

    def after(times: int) -> str:
        a = torch.zeros(1, requires_grad=True)
        total = (a + 3).sum()
        for _ in range(times):
            total.backward()
        assert a.grad is not None
        return number(a.grad.item())

    about = (
        "After two calls of backward, and after one. Nothing had to be saved for backward, so the "
        "second call does not raise."
    )
    return [Fact("gradient of (a + 3).sum()", after(2), after(1), about)]
