"""What zero_grad, backward and step did: .grad cleared, added to, and used to move the weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from core.graph.tensor_state import same
from core.watch.line_effect import (
    ALL_TERMS,
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
from core.watch.optimizer_rules import update, why_no_rule
from core.words import digits_apart, factor, grad_in_words, norm, number


def zero_grad_account(done: Executed) -> Said:
    """Which .grad were cleared, and to what: None and zeros are different."""
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
    """The .grad of some of the `count` parameters, as the subject of a sentence."""
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
        """Fresh, leftover and sum, entry by entry if there are few; else their norms."""
        parts = (self.fresh, self.leftover, self.grad)
        if self.grad is None:
            return [(f"{self.name}.grad", "nothing", "nothing", "None")]
        size = self.grad.numel()
        if size > FEW:
            norms = ("nothing" if g is None else number(norm(g)) for g in parts)
            return [(f"{self.name}.grad (norm)", *norms)]
        columns = (["nothing"] * size if g is None else map(number, numbers_of(g)) for g in parts)
        names = (entry_name(f"{self.name}.grad", self.grad, i) for i in range(size))
        return list(zip(names, *columns, strict=True))


def backward_account(done: Executed) -> Said:
    """Each .grad as fresh + leftover, and the errors and inputs that make up the fresh one.

    Raises ValueError if a fresh gradient is unknown where .grad was not None: a difference of two sums
    would be rounded wrongly.
    """
    arrived = [Arrived(n, _fresh(done, n), one.grad, two.grad) for n, (one, two) in done.pairs.items()]
    rows = [row for one in arrived for row in one.rows()]
    numbers = pd.DataFrame(rows, columns=["gradient", "this batch", "leftover", ".grad"])
    if all(one.fresh is None for one in arrived):
        return "No gradient arrived: every .grad is as before.", [], numbers
    formulas = _sources(done, {one.name: one.fresh for one in arrived})
    if not done.few_numbers:
        return _norms_in_words(arrived, done.config.loop), formulas, numbers
    clauses = (f"{name} is {grad} = {new} fresh + {factor(left)} left over" for name, new, left, grad in rows)
    return "; ".join(clauses) + ".", formulas, numbers


def _fresh(done: Executed, name: str) -> Tensor | None:
    """The gradient of this backward alone; None if no gradient arrived."""
    if done.details.fresh:
        return done.details.fresh[name]
    before, after = done.pairs[name]
    if before.grad is not None:
        raise ValueError(f"details must hold fresh gradients, since {name}.grad was not None; got none")
    return after.grad


ADDS = {  # line -> what it adds, where that is not the gradient of the batch itself
    "backward_divided": "a k-th of this batch's gradient",
    "backward_by_rows": "this batch's share of the gradient",
    "backward_scaled": "this batch's gradient times the scale",
    "backward_scaled_divided": "a k-th of this batch's gradient times the scale",
}


def _norms_in_words(arrived: Sequence[Arrived], loop: Sequence[str]) -> str:
    fresh, leftover, grad = (
        total_norm(getattr(one, part) for one in arrived) for part in ("fresh", "leftover", "grad")
    )
    what = next((ADDS[name] for name in loop if name in ADDS), "this batch's gradient")
    got = f"{_grads([one.name for one in arrived if one.fresh is not None], len(arrived))} got {what}"
    if all(one.leftover is None for one in arrived):
        return f"{got}, norm {fresh}; nothing was left over."
    return f"{got}, norm {fresh}, on top of what was left over, norm {leftover}: now norm {grad}."


def _sources(done: Executed, fresh: Mapping[str, Tensor | None]) -> list[str]:
    """The gradient of a Linear(1, 1) under MSE, from errors and inputs.

    Empty where it is not that sum, as for another model with the same two parameters.
    """
    tensors = [done.before.tensors.get(name) for name in ("inputs", "outputs", "targets")]
    shapes = {None if held is None else held.shape for held in tensors}
    if done.config.loss != "mse" or weight_and_bias(done.before) is None or None in shapes or len(shapes) > 1:
        return []
    inputs, outputs, targets = (numbers_of(held.values) for held in tensors if held is not None)
    errors, count = [z - y for z, y in zip(outputs, targets, strict=True)], len(outputs)
    pairs = list(zip(errors, inputs, strict=True))
    sums = {
        "weight": ([e * x for e, x in pairs], [f"{number(e)} × {factor(number(x))}" for e, x in pairs]),
        "bias": (errors, [number(e) for e in errors]),
    }
    formulas = []
    for name, (terms, texts) in sums.items():
        grad = fresh[name]
        if grad is None or not is_sum(grad.item(), [2 / count * term for term in terms]):
            return []
        formulas.append(f"∂loss/∂{name} = (2/{count}) × ({sum_text(texts, count)}) = {number(grad.item())}")
    return formulas


def step_account(done: Executed) -> Said:
    """The weights before and after, and the optimizer's arithmetic for the entries shown."""
    changes = {
        name: two.values.cpu().double() - one.values.cpu().double() for name, (one, two) in done.pairs.items()
    }
    moved = [name for name, (one, two) in done.pairs.items() if not same(one.values, two.values)]
    if not moved:
        return f"No weight changed: {_why_unmoved(done)}.", [], None
    few = done.entries <= ALL_TERMS
    most = {name: int(changes[name].abs().argmax()) for name in moved}
    if few:
        worked = [(name, i) for name in moved for i in range(changes[name].numel())]
    else:
        name = max(moved, key=lambda n: float(changes[n].abs().max()))
        worked = [(name, most[name])]
    rows = [(*_moved(done, name, i), number(norm(changes[name]))) for name, i in most.items()]
    columns = ["the entry that moved most", "before", "after", "change of the tensor (norm)"]
    numbers = None if few else pd.DataFrame(rows, columns=columns)
    return _moves_in_words(done, changes, moved), _workings(done, worked), numbers


def _why_unmoved(done: Executed) -> str:
    looked = done.before.parameters.values()
    kinds = dict.fromkeys(grad_in_words(held.grad) for held in looked)
    if kinds.keys() <= {"None", "zeros"}:
        return f"every .grad is {' or '.join(kinds)}"
    if done.config.optimizer == "rprop" and _all_turned(done):
        return "the sign of every gradient has turned, and Rprop then waits for one step"
    if done.before.lr == 0:
        return "the learning rate is 0"
    if not all(held.values.isfinite().all() for held in looked):
        return "weights that are not finite stay that way"
    return "every update is too small for the precision of its weight"


def _all_turned(done: Executed) -> bool:
    """Whether every gradient has another sign than the one before: Rprop then remembers 0 in its place."""
    kept = (state.get("prev") for state in done.after.state.values())
    return not any(prev.any() for prev in kept if isinstance(prev, Tensor))


def _moved(done: Executed, name: str, index: int) -> tuple[str, str, str]:
    """Name, old value and new value of an entry, with enough digits to differ."""
    one, two = (float(held.values.flatten()[index]) for held in done.pairs[name])
    digits = digits_apart(one, two)
    return entry_name(name, done.pairs[name][0].values, index), number(one, digits), number(two, digits)


def _moves_in_words(done: Executed, changes: Mapping[str, Tensor], moved: Sequence[str]) -> str:
    skipped = [name for name, (one, _) in done.pairs.items() if one.grad is None]
    who = " and ".join(skipped) if len(skipped) <= 2 else f"{len(skipped)} parameters"
    rest = f"; {who} stayed, since .grad is None there" if skipped else ""
    if done.few_numbers:
        entries = [_moved(done, name, 0) for name in moved]
        went = ", ".join(f"{name} from {one} to {two}" for name, one, two in entries)
        return f"{went.replace(' from', ' went from', 1)}{rest}."
    total = total_norm(changes.values())
    return f"{len(moved)} of {len(changes)} parameters moved; the norm of the whole change is {total}{rest}."


def _workings(done: Executed, worked: Sequence[tuple[str, int]]) -> list[str]:
    """The optimizer's rule, then its arithmetic for these entries; the last number is the actual weight."""
    rule = tuple(filter(None, [why_no_rule(done.config)]))
    formulas = []
    for parameter, index in worked:
        found = update(done.before, parameter, index, done.config)
        name, old, new = _moved(done, parameter, index)
        if found is None:
            formulas.append(f"{name}: {old} → {new}")
            continue
        rule = found.rule
        value = float(done.pairs[parameter][1].values.flatten()[index])
        formulas += [f"{name}: {working}" for working in found.workings]
        formulas.append(f"{name}: {found.change} = {number(value, found.digits)}")
    return [*rule, *formulas]
