"""The terms that the loss is the mean of, with the numbers put into its formula.

The terms are computed again by the loss's own module; the formula is shown only if it gives the loss.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from torch import Tensor

from core.graph.tensor_state import same
from core.graph.tensor_table import LOSS_DIGITS
from core.losses import LOSSES
from core.terms import Terms, paired, terms
from core.watch.line_effect import (
    ALL_TERMS,
    CLOSE,
    Executed,
    Said,
    listed,
    numbers_of,
    recorded_in_words,
    sum_text,
)
from core.words import digits_apart, factor, in_words, signed

ROWS = 10  # of a table of terms


def loss_account(done: Executed) -> Said:
    """The loss, its formula with numbers, and the operations that were recorded."""
    tensors, earlier = done.after.tensors, done.before.tensors.get("loss")
    loss, outputs, targets = tensors["loss"], tensors["outputs"].values.cpu(), tensors["targets"].values.cpu()
    value = in_words(loss.values, LOSS_DIGITS)
    still = earlier is not None and same(earlier.values, loss.values)
    headline = f"The loss is {value}{', as before to the last bit' * still}."
    recorded = [recorded_in_words(done.details.operations, loss)]
    found = terms(done.config.loss, outputs, targets)
    if found is None or not _are_terms_of(loss.values.cpu(), found):
        return headline, recorded, None
    texts = _term_texts(done.config.loss, outputs, targets)
    results = [signed(term) for term in numbers_of(found.values)[:ROWS]]
    count = found.values.numel()
    formulas = [_mean(texts, count, found.divisor, value)] if texts else []
    formulas += [_mean(results, count, found.divisor, value)] if count > 1 else []
    numbers = pd.DataFrame({"term": texts or results, "is": results}) if count > ALL_TERMS else None
    return headline, formulas + recorded, numbers


def _are_terms_of(loss: Tensor, found: Terms) -> bool:
    total = found.values.double().sum() / found.divisor
    return bool(np.isclose(total, loss, CLOSE, 0.0, equal_nan=True))


def _term_texts(loss: str, outputs: Tensor, targets: Tensor) -> list[str]:
    """The first terms of the loss with their numbers; none if it has no text for them."""
    row, by_row = LOSSES[loss], "class_index" in LOSSES[loss].takes
    z, y = paired(loss, outputs, targets)
    if row.term is None or (by_row and y.is_floating_point()):  # shares of classes, of one's own data
        return []
    z = z if by_row else z.flatten()
    write = partial(row.term, **row.all_arguments(outputs.shape[-1]))
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
        return listed(row)
    return "…, " * (chosen > 0) + signed(row[chosen]) + ", …" * (chosen < len(row) - 1)


def _mean(terms: Sequence[str], count: int, divisor: float, value: str) -> str:
    total = f"({sum_text(terms, count)})" if count > 1 else terms[0]
    return f"{total} / {divisor:g} = {value}" if divisor != 1 else f"{total} = {value}"
