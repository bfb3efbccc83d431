"""What did this line change? In one sentence, with the arithmetic behind it and the numbers.

Read off two looks, before and after the line; only the terms of the loss are computed again, by its
own module. A line that raised has no account.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import Tensor

from core import losses
from core.config import Config
from core.ledger import element_name
from core.lines import part
from core.looks import Held, Look, same
from core.losses import LOSSES
from core.tape import Details
from core.tensor_table import LOSS_DIGITS, grad_in_words, in_words, norm
from core.updates import digits_apart, factor, signed, update

ALL_TERMS, FIRST_TERMS = 4, 3  # of a sum: all are shown if so many, else the first
FEW = 8  # entries that are shown one by one
ROWS = 10  # of a table of terms
CLOSE = 1e-5  # relative; float32 and another order of adding leave less


@dataclass(frozen=True)
class Account:
    """line: its name. headline: one sentence. formulas: lines of plain text. numbers: a frame of text."""

    line: str
    headline: str
    formulas: tuple[str, ...] = ()
    numbers: pd.DataFrame | None = None


@dataclass(frozen=True)
class Executed:
    """A line, with what was held before and after it."""

    before: Look
    after: Look
    config: Config
    details: Details

    @property
    def pairs(self) -> dict[str, tuple[Held, Held]]:
        """Every parameter before and after."""
        return {name: (held, self.after.parameters[name]) for name, held in self.before.parameters.items()}

    @property
    def entries(self) -> int:
        """Of all parameters together."""
        return sum(held.values.numel() for held in self.before.parameters.values())

    @property
    def few_numbers(self) -> bool:
        """Whether the parameters are one or two single numbers, which fit a sentence."""
        return self.entries == len(self.before.parameters) <= 2


Said = tuple[str, list[str], pd.DataFrame | None]  # headline, formulas, numbers


def account(name: str, before: Look, after: Look, config: Config, details: Details | None = None) -> Account:
    """What an executed line has changed.

    name: of the line, a key of LINES. details: what its looks do not hold. Raises ValueError if they
    lack the fresh gradients of a backward that found something in .grad: the difference of two sums
    would be rounded wrongly.
    """
    headline, formulas, numbers = ACCOUNTS[part(name)](Executed(before, after, config, details or Details()))
    return Account(name, headline, tuple(formulas), numbers)


def _zero_grad(done: Executed) -> Said:
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


def _forward(done: Executed) -> Said:
    outputs, earlier = done.after.tensors.get("outputs"), done.before.tensors.get("outputs")
    if outputs is None:
        return "The model's outputs are not a tensor.", [], None
    few = outputs.values.numel() <= FEW
    values = _listed(_numbers(outputs.values)) if few else in_words(outputs.values)
    formulas = [*_rows_of_line(done, outputs), f"outputs {outputs.shape}: {values}"]
    if earlier is not None and same(earlier.values, outputs.values):
        formulas.append("The same outputs as before, to the last bit.")
    return _recorded(done.details.operations, outputs), formulas, None


def _recorded(operations: Sequence[str], result: Held) -> str:
    """What autograd recorded, in a sentence; the last operation alone if they are not known."""
    if result.grad_fn is None:
        return "Autograd recorded nothing."
    if not operations:
        return f"Autograd recorded how; the last operation is {_operation(result.grad_fn)}."
    kinds = Counter(map(_operation, operations))
    listed = ", ".join(kind if count == 1 else f"{kind} × {count}" for kind, count in kinds.items())
    total = kinds.total()
    return f"Autograd recorded {total} operation{'s' * (total != 1)}: {listed}."


def _operation(grad_fn: str) -> str:
    """Such as Addmm, of AddmmBackward0."""
    return re.sub(r"Backward\d*$", "", grad_fn)


def _numbers(values: Tensor) -> list[float]:
    return values.cpu().double().flatten().tolist()


def _listed(values: Iterable[float]) -> str:
    return ", ".join(map(signed, values))


def _line(look: Look) -> tuple[float, float] | None:
    """Weight and bias of a Linear(1, 1); None for any other model."""
    shapes = {name: held.shape for name, held in look.parameters.items()}
    if shapes != {"weight": (1, 1), "bias": (1,)}:
        return None
    return look.parameters["weight"].values.item(), look.parameters["bias"].values.item()


def _rows_of_line(done: Executed, outputs: Held) -> list[str]:
    """weight × input + bias = output for each of few rows, if that is what the model computes."""
    line, inputs = _line(done.before), done.before.tensors["inputs"]
    if line is None or inputs.shape != outputs.shape or len(inputs.values) > FEW:
        return []
    weight, bias = line
    rows = list(zip(_numbers(inputs.values), _numbers(outputs.values), strict=True))
    if not all(_close(z, (weight * x, bias)) for x, z in rows):
        return []
    w, b = signed(weight), factor(signed(bias))
    return [f"{w} × {factor(signed(x))} + {b} = {signed(z)}" for x, z in rows]


def _close(total: float, terms: Iterable[float]) -> bool:
    """Whether this is the sum of the terms, up to rounding."""
    terms = list(terms)
    return abs(total - sum(terms)) <= CLOSE * sum(map(abs, terms))


def _loss(done: Executed) -> Said:
    tensors, earlier = done.after.tensors, done.before.tensors.get("loss")
    loss, outputs, targets = tensors["loss"], tensors["outputs"].values.cpu(), tensors["targets"].values.cpu()
    value = in_words(loss.values, LOSS_DIGITS)
    still = earlier is not None and same(earlier.values, loss.values)
    headline = f"The loss is {value}{', as before to the last bit' * still}."
    recorded = [_recorded(done.details.operations, loss)]
    terms = losses.terms(done.config.loss, outputs, targets)
    if terms is None or not np.isclose(terms.double().mean(), loss.values.cpu(), CLOSE, 0.0, equal_nan=True):
        return headline, recorded, None
    texts = _term_texts(done.config.loss, outputs, targets)
    results = [signed(term) for term in _numbers(terms)[:ROWS]]
    count = terms.numel()
    formulas = [_mean(texts, count, value)] if texts else []
    formulas += [_mean(results, count, value)] if count > 1 else []
    numbers = pd.DataFrame({"term": texts or results, "is": results}) if count > ALL_TERMS else None
    return headline, formulas + recorded, numbers


def _term_texts(loss: str, outputs: Tensor, targets: Tensor) -> list[str]:
    """The first terms of the loss with their numbers; none if it has no text for them."""
    write, by_row = LOSSES[loss].term, "class_index" in LOSSES[loss].takes
    z, y = losses.paired(loss, outputs, targets)
    if write is None or (by_row and y.is_floating_point()):  # shares of classes, of one's own data
        return []
    z = z if by_row else z.flatten()
    pairs = zip(z[:ROWS].tolist(), y.flatten()[:ROWS].tolist(), strict=True)
    return [_term(write, *pair) for pair in pairs]


def _term(write: Callable[..., str], z: float | list[float], y: float) -> str:
    if isinstance(z, list):
        return write(z, y).format(z=_logits(z, int(y)), y=y)
    digits = digits_apart(z, y)
    return write(z, y).format(z=signed(z, digits), y=factor(signed(y, digits)))


def _logits(row: list[float], chosen: int) -> str:
    """All logits of a few; of many that of the class, the others as dots."""
    if len(row) <= ALL_TERMS:
        return _listed(row)
    return "…, " * (chosen > 0) + signed(row[chosen]) + ", …" * (chosen < len(row) - 1)


def _sum(terms: Sequence[str], count: int) -> str:
    """Such as a + b + … (7 more); minus in place of plus minus."""
    if count > ALL_TERMS:
        terms = [*terms[:FIRST_TERMS], f"… ({count - FIRST_TERMS} more)"]
    return " + ".join(terms).replace("+ −", "− ")


def _mean(terms: Sequence[str], count: int, value: str) -> str:
    return f"({_sum(terms, count)}) / {count} = {value}" if count > 1 else f"{terms[0]} = {value}"


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
        columns = (["nothing"] * size if g is None else map(signed, _numbers(g)) for g in parts)
        names = (_entry_name(f"{self.name}.grad", self.grad, i) for i in range(size))
        return list(zip(names, *columns, strict=True))


def _entry_name(name: str, tensor: Tensor, index: int) -> str:
    return name if tensor.numel() == 1 else element_name(name, tensor.shape, index)


def _backward(done: Executed) -> Said:
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
        _total(getattr(one, part) for one in arrived) for part in ("fresh", "leftover", "grad")
    )
    got = f"{_grads([one.name for one in arrived if one.fresh is not None], len(arrived))} got this batch's"
    if all(one.leftover is None for one in arrived):
        return f"{got} gradient, norm {fresh}; nothing was left over."
    return f"{got} gradient, norm {fresh}, on top of what was left over, norm {leftover}: now norm {grad}."


def _total(parts: Iterable[Tensor | None]) -> str:
    """The norm of several tensors together."""
    return signed(math.hypot(*(norm(one) for one in parts if one is not None)))


def _sources(done: Executed, fresh: Mapping[str, Tensor | None]) -> list[str]:
    """The gradient of a Linear(1, 1) under MSE, from errors and inputs.

    Nothing where it is not that sum, such as that of another model with the same two parameters.
    """
    tensors = [done.before.tensors.get(name) for name in ("inputs", "outputs", "targets")]
    shapes = {None if held is None else held.shape for held in tensors}
    if done.config.loss != "mse" or _line(done.before) is None or None in shapes or len(shapes) > 1:
        return []
    inputs, outputs, targets = (_numbers(held.values) for held in tensors if held is not None)
    errors, count = [z - y for z, y in zip(outputs, targets, strict=True)], len(outputs)
    pairs = list(zip(errors, inputs, strict=True))
    sums = {
        "weight": ([e * x for e, x in pairs], [f"{signed(e)} × {factor(signed(x))}" for e, x in pairs]),
        "bias": (errors, [signed(e) for e in errors]),
    }
    formulas = []
    for name, (terms, texts) in sums.items():
        grad = fresh[name]
        if grad is None or not _close(grad.item(), [2 / count * term for term in terms]):
            return []
        formulas.append(f"∂loss/∂{name} = (2/{count}) × ({_sum(texts, count)}) = {signed(grad.item())}")
    return formulas


def _step(done: Executed) -> Said:
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
    rows = [(*_moved(done, name, i), signed(norm(changes[name]))) for name, i in most.items()]
    columns = ["the entry that moved most", "before", "after", "change of the tensor (norm)"]
    numbers = None if few else pd.DataFrame(rows, columns=columns)
    return _moves_in_words(done, changes, moved), _workings(done, worked), numbers


def _why_unmoved(done: Executed) -> str:
    looked = done.before.parameters.values()
    kinds = dict.fromkeys(grad_in_words(held.grad) for held in looked)
    if kinds.keys() <= {"None", "zeros"}:
        return f"every .grad is {' or '.join(kinds)}"
    if done.before.lr == 0:
        return "the learning rate is 0"
    if not all(held.values.isfinite().all() for held in looked):
        return "what is not finite stays so"
    return "every update is too small for the precision of its weight"


def _moved(done: Executed, name: str, index: int) -> tuple[str, str, str]:
    """Name, old value and new value of an entry, with digits enough to differ."""
    one, two = (float(held.values.flatten()[index]) for held in done.pairs[name])
    digits = digits_apart(one, two)
    return _entry_name(name, done.pairs[name][0].values, index), signed(one, digits), signed(two, digits)


def _moves_in_words(done: Executed, changes: Mapping[str, Tensor], moved: Sequence[str]) -> str:
    skipped = [name for name, (one, _) in done.pairs.items() if one.grad is None]
    who = " and ".join(skipped) if len(skipped) <= 2 else f"{len(skipped)} parameters"
    rest = f"; {who} stayed, since .grad is None there" if skipped else ""
    if done.few_numbers:
        entries = [_moved(done, name, 0) for name in moved]
        went = ", ".join(f"{name} from {one} to {two}" for name, one, two in entries)
        return f"{went.replace(' from', ' went from', 1)}{rest}."
    total = _total(changes.values())
    return f"{len(moved)} of {len(changes)} parameters moved; the norm of the whole change is {total}{rest}."


def _workings(done: Executed, worked: Sequence[tuple[str, int]]) -> list[str]:
    """The optimizer's rule, then its arithmetic for these entries; the last number is the real one."""
    rule: tuple[str, ...] = ()
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
        formulas.append(f"{name}: {found.change} = {signed(value, found.digits)}")
    return [*rule, *formulas]


ACCOUNTS = {
    "zero_grad": _zero_grad,
    "forward": _forward,
    "loss": _loss,
    "backward": _backward,
    "step": _step,
}
