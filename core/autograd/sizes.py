"""The sizes of results, asked before anything typed is computed.

Every tensor of the notebook has at most MAX_ENTRIES entries and MAX_DIMS dimensions, every list and tuple
MAX_PARTS parts, every whole number a size that takes no time, and all other kinds of values have one size.
So what one line can cost is bounded by its length. Bounds that are too careful are no harm: nobody explores
autograd with thousands of entries.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

import torch
from torch import Tensor

MAX_ENTRIES, MAX_DIMS = 400, 6
MAX_PARTS = 2 * MAX_ENTRIES  # a column of numbers is a list of lists of one
MAX_BASE, MAX_POWER = 10**6, 64  # of a power of plain numbers
MAX_WHOLE = 10**15


class NotAllowedError(Exception):
    """What was typed is refused; the text is a sentence that says what is allowed."""


@dataclass(frozen=True)
class ReprOnly:
    """A value that can only be looked at: its text is never made of other values, so it cannot grow."""

    text: str

    def __repr__(self) -> str:
        return self.text


OF_ONE_SIZE = (float, slice, torch.dtype, type, type(None), ReprOnly)


def fits(shape: Iterable[int]) -> None:
    """Raise NotAllowedError if such a tensor is over the bound; -1 stands for a size that follows."""
    sizes = list(shape)
    if len(sizes) > MAX_DIMS or math.prod(max(abs(size), 1) for size in sizes) > MAX_ENTRIES:
        limit = f"at most {MAX_ENTRIES} entries in {MAX_DIMS} dimensions"
        raise NotAllowedError(f"A tensor may have {limit}; this one would have more.")


# What is asked before a call: each takes the tensor of a method, and all positional arguments.


def together(given: Sequence[Any]) -> None:
    """Of what broadcasting makes of these; shapes that do not fit are PyTorch's to refuse."""
    fits(_broadcast(value.shape for value in given if isinstance(value, Tensor)))


def _broadcast(shapes: Iterable[Sequence[int]]) -> list[int]:
    """The sizes, last one first."""
    return list(map(max, zip_longest(*map(reversed, shapes), fillvalue=1)))


def product(given: Sequence[Any]) -> None:
    """Of a matrix product, and of both operands, which PyTorch copies for every entry of a batch."""
    if len(given) == 2 and all(isinstance(value, Tensor) for value in given):
        one, other = (value.shape for value in given)
        batch = math.prod(_broadcast([one[:-2], other[:-2]]))
        rows, columns = one[-2] if len(one) > 1 else 1, other[-1] if len(other) > 1 else 1
        for size in (rows * columns, math.prod(one[-2:]), math.prod(other[-2:])):
            fits([batch, size])


def shape(given: Sequence[Any]) -> None:
    """Of a new tensor: its sizes one by one, or as one tuple or list."""
    fits(math.ceil(abs(size)) for size in _numbers(given))


def ranged(given: Sequence[Any]) -> None:
    """Of arange: its end, or its start and end."""
    numbers = _numbers(given)
    fits([math.ceil(abs(numbers[-1] - numbers[0] * (len(numbers) > 1)))] if numbers else [])


def other_shape(given: Sequence[Any]) -> None:
    """Of view and reshape: the sizes after the tensor."""
    shape(given[1:])


def expanded(given: Sequence[Any]) -> None:
    """Of expand: the new sizes after the tensor, with -1 for those that stay."""
    sizes = [math.ceil(size) for size in _numbers(given[1:])]
    old = [1] * (len(sizes) - given[0].ndim) + list(given[0].shape)
    fits(before if size == -1 else size for size, before in zip(sizes, old, strict=False))


def power(base: float, exponent: float) -> None:
    """Refuses a power of plain numbers that would be huge."""
    if not (abs(base) <= MAX_BASE and abs(exponent) <= MAX_POWER):
        limit = f"a base up to {MAX_BASE:,} and an exponent up to {MAX_POWER}"
        raise NotAllowedError(f"A power of numbers may have {limit}.")


def _numbers(given: Sequence[Any]) -> list[float]:
    """The numbers of a shape given one by one or as tuples or lists; raises NotAllowedError for others."""
    numbers = [n for one in given for n in (one if isinstance(one, (tuple, list)) else (one,))]
    if not all(isinstance(n, (int, float)) and abs(n) <= MAX_ENTRIES for n in numbers):
        raise NotAllowedError(f"Sizes here are plain numbers, at most {MAX_ENTRIES}.")
    return numbers


# Checks of every value before it is used.


def checked(value: Any) -> Any:
    """Returns the value if its kind and size are allowed; raises NotAllowedError if not."""
    if isinstance(value, Tensor):
        fits(value.shape)
    elif isinstance(value, (list, tuple)):
        if entries(value) > MAX_PARTS:
            raise NotAllowedError(f"A list may have at most {MAX_PARTS} parts, with those of its lists.")
    elif isinstance(value, int):
        if abs(value) > MAX_WHOLE:
            raise NotAllowedError(f"A whole number may be at most {MAX_WHOLE:,}.")
    elif not isinstance(value, OF_ONE_SIZE):
        raise NotAllowedError("Values here are tensors, real numbers, lists of them, and shapes.")
    return value


def entries(value: Any) -> int:
    """Of a tensor, or parts of a list; at least 1. A list can be huge: counting ends over MAX_PARTS."""
    if isinstance(value, Tensor):
        return max(value.numel(), 1)
    parts = _parts(value) if isinstance(value, (list, tuple)) else ()
    return max(sum(1 for _ in islice(parts, MAX_PARTS + 1)), 1)


def _parts(value: Sequence[Any], depth: int = 1) -> Iterator[Any]:
    """All that is in a list of lists; one made of the same list again and again grows fast."""
    fits([1] * depth)
    for one in value:
        yield one
        if isinstance(one, (list, tuple)):
            yield from _parts(one, depth + 1)
