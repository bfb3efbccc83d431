"""What was held before a line and after it, and the half-sentences that accounts share."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from core.config import Config
from core.graph.tensor_state import TensorState
from core.watch.ledger import element_name
from core.watch.snapshot import Look
from core.watch.tape import Details
from core.words import counted, norm, number

ALL_TERMS, FIRST_TERMS = 4, 3  # of a sum: up to 4 terms are all shown, of more the first 3
FEW = 8  # up to this many entries are shown one by one
CLOSE = 1e-5  # relative; float32 and a different order of addition differ by less

Said = tuple[str, list[str], pd.DataFrame | None]  # headline, formulas, numbers


@dataclass(frozen=True)
class Executed:
    """A line, with what was held before and after it."""

    before: Look
    after: Look
    config: Config
    details: Details

    @property
    def pairs(self) -> dict[str, tuple[TensorState, TensorState]]:
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


def recorded_in_words(operations: Sequence[str], result: TensorState) -> str:
    """What autograd recorded, in a sentence; only the last operation if the others are unknown."""
    if result.grad_fn is None:
        return "Autograd recorded nothing."
    if not operations:
        return f"Autograd recorded how; the last operation is {_operation(result.grad_fn)}."
    kinds = Counter(map(_operation, operations))
    names = ", ".join(kind if count == 1 else f"{kind} × {count}" for kind, count in kinds.items())
    total = kinds.total()
    return f"Autograd recorded {counted(total, 'operation')}: {names}."


def _operation(grad_fn: str) -> str:
    """Such as Addmm, of AddmmBackward0."""
    return re.sub(r"Backward\d*$", "", grad_fn)


def weight_and_bias(look: Look) -> tuple[float, float] | None:
    """Weight and bias of a Linear(1, 1); None for any other model."""
    shapes = {name: held.shape for name, held in look.parameters.items()}
    if shapes != {"weight": (1, 1), "bias": (1,)}:
        return None
    return look.parameters["weight"].values.item(), look.parameters["bias"].values.item()


def numbers_of(values: Tensor) -> list[float]:
    """All entries, row by row."""
    return values.cpu().double().flatten().tolist()


def listed(values: Iterable[float]) -> str:
    """Numbers, with commas between them."""
    return ", ".join(map(number, values))


def sum_text(terms: Sequence[str], count: int) -> str:
    """Such as a + b + … (7 more), with a minus for plus minus."""
    if count > ALL_TERMS:
        terms = [*terms[:FIRST_TERMS], f"… ({count - FIRST_TERMS} more)"]
    return " + ".join(terms).replace("+ −", "− ")


def is_sum(total: float, terms: Iterable[float]) -> bool:
    """Whether this is the sum of the terms, up to rounding."""
    terms = list(terms)
    return abs(total - sum(terms)) <= CLOSE * sum(map(abs, terms))


def total_norm(parts: Iterable[Tensor | None]) -> str:
    """The norm of several tensors together, as text."""
    return number(math.hypot(*(norm(one) for one in parts if one is not None)))


def entry_name(name: str, tensor: Tensor, index: int) -> str:
    """Such as weight[0, 4]; the tensor's own name where it has one entry."""
    return name if tensor.numel() == 1 else element_name(name, tensor.shape, index)
