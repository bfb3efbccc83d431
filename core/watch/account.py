"""What a line changed: one sentence, with the arithmetic behind it and the numbers.

Accounts compare the looks before and after the line. Only the terms of the loss are computed again, by the
loss's own module. A line that raised has no account.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature

import numpy as np
import pandas as pd
from torch import Tensor

from core.config import Config
from core.graph.tensor_state import TensorState, same
from core.graph.tensor_table import LOSS_DIGITS
from core.lines import LINES, part
from core.losses import LOSSES, Terms, paired, terms
from core.watch.everyday_account import EVERYDAY_ACCOUNTS
from core.watch.gradient_account import backward_account, step_account, zero_grad_account
from core.watch.line_effect import (
    ALL_TERMS,
    CLOSE,
    FEW,
    Executed,
    Said,
    is_sum,
    listed,
    numbers_of,
    recorded_in_words,
    sum_text,
    weight_and_bias,
)
from core.watch.optimizer_rules import why_no_rule
from core.watch.snapshot import Look
from core.watch.tape import Details
from core.words import counted, digits_apart, factor, grad_in_words, in_words, number


@dataclass(frozen=True)
class Account:
    """line: its name. headline: one sentence. formulas: lines of plain text. numbers: a frame of text."""

    line: str
    headline: str
    formulas: tuple[str, ...] = ()
    numbers: pd.DataFrame | None = None


def account(name: str, before: Look, after: Look, config: Config, details: Details | None = None) -> Account:
    """Describes what an executed line changed.

    name: a key of LINES. details: what the looks do not hold. Raises ValueError if they lack the fresh
    gradients of a backward that found something in .grad: a difference of two sums would be rounded wrongly.
    """
    own = ACCOUNTS.get(name) or ACCOUNTS.get(part(name)) if _known(name, config) else None
    say = own or other_account
    headline, formulas, numbers = say(Executed(before, after, config, details or Details()))
    return Account(name, headline, tuple(formulas), numbers)


def _known(name: str, config: Config) -> bool:
    """Whether it is known what the line does, and so its arithmetic."""
    replaced = config.before and part(name) in (
        "zero_grad",
        "step",
    )  # perhaps by an optimizer of other weights
    return bool(LINES[name].letter) and not replaced


def forward_account(done: Executed) -> Said:
    """The outputs, worked out row by row if there are few, and the operations that autograd recorded."""
    outputs, earlier = done.after.tensors.get("outputs"), done.before.tensors.get("outputs")
    if outputs is None:
        return "The model's outputs are not a tensor.", [], None
    few = outputs.values.numel() <= FEW
    values = listed(numbers_of(outputs.values)) if few else in_words(outputs.values)
    formulas = [*_rows_of_line(done, outputs), f"outputs {outputs.shape}: {values}"]
    if earlier is not None and same(earlier.values, outputs.values):
        formulas.append("The same outputs as before, to the last bit.")
    return recorded_in_words(done.details.operations, outputs), formulas, None


def _rows_of_line(done: Executed, outputs: TensorState) -> list[str]:
    """weight × input + bias = output, row by row if there are few and the model computes just that."""
    line, inputs = weight_and_bias(done.before), done.before.tensors["inputs"]
    if line is None or inputs.shape != outputs.shape or len(inputs.values) > FEW:
        return []
    weight, bias = line
    rows = list(zip(numbers_of(inputs.values), numbers_of(outputs.values), strict=True))
    if not all(is_sum(z, (weight * x, bias)) for x, z in rows):
        return []
    w, b = number(weight), factor(number(bias))
    return [f"{w} × {factor(number(x))} + {b} = {number(z)}" for x, z in rows]


ROWS = 10  # of a table of terms


def loss_account(done: Executed) -> Said:
    """The loss, its formula with numbers if that gives the loss, and what autograd recorded."""
    tensors, earlier = done.after.tensors, done.before.tensors.get("loss")
    loss, outputs, targets = tensors["loss"], tensors["outputs"].values.cpu(), tensors["targets"].values.cpu()
    value = in_words(loss.values, LOSS_DIGITS)
    still = earlier is not None and same(earlier.values, loss.values)
    headline = f"The loss is {value}{', as before to the last bit' * still}."
    recorded = [recorded_in_words(done.details.operations, loss)]
    found = terms(done.config.loss, outputs, targets, done.config.loss_arguments)
    if found is None or not _are_terms_of(loss.values.cpu(), found):
        return headline, recorded, None
    texts = _term_texts(done.config, outputs, targets)
    results = [number(term) for term in numbers_of(found.values)[:ROWS]]
    count = found.values.numel()
    formulas = [_mean(texts, count, found.divisor, value)] if texts else []
    formulas += [_mean(results, count, found.divisor, value)] if count > 1 else []
    numbers = pd.DataFrame({"term": texts or results, "is": results}) if count > ALL_TERMS else None
    return headline, formulas + recorded, numbers


def _are_terms_of(loss: Tensor, found: Terms) -> bool:
    total = found.values.double().sum() / found.divisor
    return bool(np.isclose(total, loss, CLOSE, 0.0, equal_nan=True))


def _term_texts(config: Config, outputs: Tensor, targets: Tensor) -> list[str]:
    """The first ROWS terms with their numbers; empty if the loss has no text for its terms."""
    row, by_row = LOSSES[config.loss], "class_index" in LOSSES[config.loss].takes
    z, y = paired(config.loss, outputs, targets)
    if row.term is None or (by_row and y.is_floating_point()):  # shares of classes, of one's own data
        return []
    z = z if by_row else z.flatten()
    given, takes = row.all_arguments(outputs.shape[-1], config.loss_arguments), signature(row.term).parameters
    ignored = by_row and y.eq(given.pop("ignore_index", -100)).any()
    if ignored or not given.keys() <= takes.keys() | {"reduction"}:  # the text is that of usual arguments
        return []
    write = partial(row.term, **{name: value for name, value in given.items() if name in takes})
    pairs = zip(z[:ROWS].tolist(), y.flatten()[:ROWS].tolist(), strict=True)
    return [_term(write, *pair) for pair in pairs]


def _term(write: Callable[..., str], z: float | list[float], y: float) -> str:
    if isinstance(z, list):
        return write(z, y).format(z=_logits(z, int(y)), y=y)
    digits = digits_apart(z, y)
    return write(z, y).format(z=number(z, digits), y=factor(number(y, digits)))


def _logits(row: list[float], chosen: int) -> str:
    """All logits if there are few; else only that of the class, between dots."""
    if len(row) <= ALL_TERMS:
        return listed(row)
    return "…, " * (chosen > 0) + number(row[chosen]) + ", …" * (chosen < len(row) - 1)


def _mean(terms: Sequence[str], count: int, divisor: float, value: str) -> str:
    total = f"({sum_text(terms, count)})" if count > 1 else terms[0]
    return f"{total} / {divisor:g} = {value}" if divisor != 1 else f"{total} = {value}"


def other_account(done: Executed) -> Said:
    """For a line that is none of the five: tensors that are new or whose values, version or .grad changed."""
    changes = []
    for name, now in done.after.tensors.items():
        earlier = done.before.tensors.get(name)
        changes += _changes(name, earlier, now, done)
    names = list(dict.fromkeys(change.split(":")[0] for change in changes))
    calls = [_calls(look) for look in (done.before, done.after)]
    if calls[1] > calls[0]:
        said = f"The closure evaluated the loss {counted(calls[1] - calls[0], 'time')}, {calls[1]:,} in all."
        changes = [said, *filter(None, [why_no_rule(done.config)]), *changes]
    headline = f"Changed: {', '.join(names)}." if names else "Nothing shown here has changed."
    return headline, changes, None


def _calls(look: Look) -> int:
    """How often the optimizer has called its closure."""
    return int(sum(float(state.get("func_evals", 0)) for state in look.state.values()))


def _changes(name: str, earlier: TensorState | None, now: TensorState, done: Executed) -> list[str]:
    if earlier is None or earlier.version != now.version or not same(earlier.values, now.values):
        operations = done.details.operations if name in ("outputs", "loss") else []
        recorded = f" {recorded_in_words(operations, now)}" if name in ("outputs", "loss") else ""
        return [f"{name}: {now.shape}, {in_words(now.values)}.{recorded}"]
    if not same(earlier.grad, now.grad):
        return [f".grad of {name}: {grad_in_words(now.grad)}"]
    return []


ACCOUNTS = {
    "zero_grad": zero_grad_account,
    "forward": forward_account,
    "loss": loss_account,
    "backward": backward_account,
    "step": step_account,
} | EVERYDAY_ACCOUNTS
