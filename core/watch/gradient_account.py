"""What zero_grad or backward did to .grad: cleared it, or added what is fresh to what was left over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from core.graph.tensor_state import same
from core.watch.line_effect import (
    FEW,
    Executed,
    Said,
    entry_name,
    is_sum,
    numbers_of,
    sum_text,
    total_norm,
    weight_and_bias,
)
from core.words import factor, grad_in_words, norm, signed


def zero_grad_account(done: Executed) -> Said:
    """Which .grad were cleared, and to what: None and zeros are two things."""
    words = {n: (grad_in_words(one.grad), grad_in_words(two.grad)) for n, (one, two) in done.pairs.items()}
    cleared = [name for name, (one, two) in done.pairs.items() if not same(one.grad, two.grad)]
    kinds = " or ".join(dict.fromkeys(words[name][1] for name in cleared or words))
    if not cleared:
        return f"Nothing to clear: every .grad is {kinds}.", [], None
    headline = f"{_grads(cleared, len(words))} became {kinds}."
    if done.entries <= FEW:
        return headline, [f"{name}.grad: {one} → {two}" for name, (one, two) in words.items()], None
    rows = [(f"{name}.grad", *pair) for name, pair in words.items()]
    return headline, [], pd.DataFrame(rows, columns=["tensor", "before", "after"])


def _grads(names: Sequence[str], count: int) -> str:
    """The .grad of some of `count` parameters, as the subject of a sentence."""
    if len(names) <= 2:
        return " and ".join(f"{name}.grad" for name in names)
    return f"All {count} .grad" if len(names) == count else f"{len(names)} of {count} .grad"


@dataclass(frozen=True)
class Arrived:
    """The gradients of one parameter around backward; None where there is none."""

    name: str
    fresh: Tensor | None
    leftover: Tensor | None
    grad: Tensor | None

    def rows(self) -> list[tuple[str, ...]]:
        """Fresh, leftover and sum of each of few entries; of more, the norms of the three."""
        parts = (self.fresh, self.leftover, self.grad)
        if self.grad is None:
            return [(f"{self.name}.grad", "nothing", "nothing", "None")]
        size = self.grad.numel()
        if size > FEW:
            norms = ("nothing" if g is None else signed(norm(g)) for g in parts)
            return [(f"{self.name}.grad (norm)", *norms)]
        columns = (["nothing"] * size if g is None else map(signed, numbers_of(g)) for g in parts)
        names = (entry_name(f"{self.name}.grad", self.grad, i) for i in range(size))
        return list(zip(names, *columns, strict=True))


def backward_account(done: Executed) -> Said:
    """Each .grad as fresh + leftover, and the errors and inputs that the fresh one is made of.

    Raises: ValueError if a fresh gradient is not known where something was in .grad: the difference
    of two sums would be rounded wrongly.
    """
    arrived = [Arrived(n, _fresh(done, n), one.grad, two.grad) for n, (one, two) in done.pairs.items()]
    rows = [row for one in arrived for row in one.rows()]
    numbers = pd.DataFrame(rows, columns=["gradient", "this batch", "leftover", ".grad"])
    if all(one.fresh is None for one in arrived):
        return "No gradient arrived: every .grad is as before.", [], numbers
    formulas = _sources(done, {one.name: one.fresh for one in arrived})
    if not done.few_numbers:
        return _norms_in_words(arrived), formulas, numbers
    clauses = (f"{name} is {grad} = {new} fresh + {factor(left)} left over" for name, new, left, grad in rows)
    return "; ".join(clauses) + ".", formulas, numbers


def _fresh(done: Executed, name: str) -> Tensor | None:
    """The gradient of this backward alone."""
    if done.details.fresh:
        return done.details.fresh[name]
    before, after = done.pairs[name]
    if before.grad is not None:
        raise ValueError(f"details must hold fresh gradients, since {name}.grad was not None; got none")
    return after.grad


def _norms_in_words(arrived: Sequence[Arrived]) -> str:
    fresh, leftover, grad = (
        total_norm(getattr(one, part) for one in arrived) for part in ("fresh", "leftover", "grad")
    )
    got = f"{_grads([one.name for one in arrived if one.fresh is not None], len(arrived))} got this batch's"
    if all(one.leftover is None for one in arrived):
        return f"{got} gradient, norm {fresh}; nothing was left over."
    return f"{got} gradient, norm {fresh}, on top of what was left over, norm {leftover}: now norm {grad}."


def _sources(done: Executed, fresh: Mapping[str, Tensor | None]) -> list[str]:
    """The gradient of a Linear(1, 1) under MSE, from errors and inputs.

    Nothing where it is not that sum, such as that of another model with the same two parameters.
    """
    tensors = [done.before.tensors.get(name) for name in ("inputs", "outputs", "targets")]
    shapes = {None if held is None else held.shape for held in tensors}
    if done.config.loss != "mse" or weight_and_bias(done.before) is None or None in shapes or len(shapes) > 1:
        return []
    inputs, outputs, targets = (numbers_of(held.values) for held in tensors if held is not None)
    errors, count = [z - y for z, y in zip(outputs, targets, strict=True)], len(outputs)
    pairs = list(zip(errors, inputs, strict=True))
    sums = {
        "weight": ([e * x for e, x in pairs], [f"{signed(e)} × {factor(signed(x))}" for e, x in pairs]),
        "bias": (errors, [signed(e) for e in errors]),
    }
    formulas = []
    for name, (terms, texts) in sums.items():
        grad = fresh[name]
        if grad is None or not is_sum(grad.item(), [2 / count * term for term in terms]):
            return []
        formulas.append(f"∂loss/∂{name} = (2/{count}) × ({sum_text(texts, count)}) = {signed(grad.item())}")
    return formulas
