"""Facts about everyday lines: gradients as updates used them, learning rates, training and eval mode."""

import copy

import numpy as np
import torch

from core.config import Config
from core.lines import waits
from core.loop import Run
from core.result import learning_rates, result
from core.traps.facts import Fact, both, grad_length
from core.words import number


def first_update(config: Config) -> int:
    """The pass in which weights first move."""
    return config.accumulate - 1 if waits(config.loop) else 0


def used(wrong: Run, right: Run) -> list[Fact]:
    """How long .grad was where `step` used it."""
    longest = "longest .grad that an update used"
    return [
        *both(
            "length of .grad at the first update",
            wrong,
            right,
            lambda r: grad_length(r, first_update(r.config)),
        ),
        *both(longest, wrong, right, lambda run: float(np.max(run.history.steps["grad_norm"].to_numpy()))),
    ]


def update_gradient(wrong: Run, right: Run) -> list[Fact]:
    """One entry of .grad at the first update."""
    name = next(iter(right.history.grads))

    def entry(run: Run) -> float:
        return float(run.history.grads[name][first_update(run.config)].flat[0])

    return both(f"{name}.grad at the first update, first entry", wrong, right, entry)


def rates(wrong: Run, right: Run) -> list[Fact]:
    """The learning rate along the way."""
    steps = [right.step * quarter // 4 for quarter in range(4)] + [right.step - 1]

    def said(run: Run) -> str:
        found = learning_rates(result(run))
        return ", ".join(number(float(found[step])) for step in steps)

    return [Fact(f"learning rate at steps {', '.join(map(str, steps))}", said(wrong), said(right))]


def after_a_hand(wrong: Run, right: Run) -> list[Fact]:
    """The learning rate where it was set by hand, and one step later."""
    step = right.config.schedule[0][0]

    def said(run: Run) -> str:
        found = learning_rates(result(run))
        return ", ".join(number(float(rate)) for rate in found[step : step + 2])

    return [Fact(f"learning rate at steps {step} and {step + 1}", said(wrong), said(right))]


def mode(wrong: Run, right: Run) -> list[Fact]:
    """In which mode the model was trained, and how well it does in eval mode."""

    def said(run: Run) -> str:
        again = Run(run.config, run.device, full=False, evaluate=False)
        again.advance(1)
        while run.config.loop[again.next_line] != "forward":
            again.line()
        return str(again.model.training)

    return [
        Fact("model.training at the second forward", said(wrong), said(right)),
        *both("last loss in the loop", wrong, right, lambda run: float(run.history.losses[-1])),
        *both("loss in eval mode, at the end", wrong, right, _evaluated),
    ]


def _evaluated(run: Run) -> float:
    return float(run.history.evaluations["train_loss"].to_numpy()[-1])


def asked_again(wrong: Run, right: Run) -> list[Fact]:
    """The answer to one row, asked three times; of the trained model, in either mode."""

    def answers(run: Run, training: bool) -> str:
        model = copy.deepcopy(run.model).train(training)
        with torch.no_grad():
            return ", ".join(number(float(model(run.data.inputs[:1])[0, 0])) for _ in range(3))

    about = "Dropout draws anew at every call."
    return [
        Fact("outputs for one row, asked three times", answers(wrong, True), answers(right, False), about)
    ]
