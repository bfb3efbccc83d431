"""The numbers that show a mistake, read off two trained runs, by the names a trap gives.

Floors and limits come from closed forms, all else from what the runs recorded or hold.
"""

from collections.abc import Callable

from core.loop import Run
from core.traps import everyday_facts, gradient_facts, loss_facts, model_facts
from core.traps.facts import Fact

Find = Callable[[Run, Run], list[Fact]]  # the run with the mistake, the repaired one

EVIDENCE: dict[str, Find] = {
    "moved": gradient_facts.moved,
    "grad_grows": gradient_facts.grad_grows,
    "first_gradient": gradient_facts.first_gradient,
    "grad_missing": gradient_facts.grad_missing,
    "leftover": gradient_facts.leftover,
    "grad_ratio": gradient_facts.grad_ratio,
    "second_step": gradient_facts.second_step,
    "first_rate": gradient_facts.first_rate,
    "first_move": gradient_facts.first_move,
    "data_gradient": gradient_facts.data_gradient,
    "saves_nothing": gradient_facts.saves_nothing,
    "variance": loss_facts.variance,
    "lowest": loss_facts.lowest,
    "softmax_floor": loss_facts.softmax_floor,
    "sigmoid_floor": loss_facts.sigmoid_floor,
    "faded_sigmoid": loss_facts.faded_sigmoid,
    "saturated_row": loss_facts.saturated_row,
    "accuracy": loss_facts.accuracy,
    "limits": loss_facts.limits,
    "whole_targets": loss_facts.whole_targets,
    "weights": model_facts.weights,
    "dead": model_facts.dead,
    "company": model_facts.company,
    "averages": model_facts.averages,
    "used": everyday_facts.used,
    "update_gradient": everyday_facts.update_gradient,
    "rates": everyday_facts.rates,
    "after_a_hand": everyday_facts.after_a_hand,
    "mode": everyday_facts.mode,
    "asked_again": everyday_facts.asked_again,
}


def facts(names: tuple[str, ...], wrong: Run, right: Run) -> list[Fact]:
    """The facts that the named entries of EVIDENCE find in two finished runs."""
    return [fact for name in names for fact in EVIDENCE[name](wrong, right)]
