"""How values are written on the page: numbers, shares, sizes in bytes, tensors, and what a visitor typed."""

import math
import re

import torch
from torch import Tensor

JOINER = "\u2060"  # a character of no width
DIGITS, MOST_DIGITS = 4, 15  # significant ones: of a number on its own; of one that hardly moved
LARGE, SMALL = 100_000, 0.0001  # from the one on, and below the other, a number has an exponent
FEW = 4  # entries of a tensor that are all shown


def number(value: float, digits: int = DIGITS) -> str:
    """As on an axis, but without commas, which part numbers in lists: 0.0254, 12345, 1.5e+8, −1e−8, nan, inf.

    digits: significant ones; zeros at the end are left out. A whole part below LARGE is written out.
    """
    value += 0.0  # -0.0 is 0
    size = float(f"{abs(value):.{digits}g}")
    if not math.isfinite(value):
        text = f"{value}"
    elif size and not SMALL <= size < LARGE:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent):+d}"
    else:
        text = f"{value:.0f}" if size >= 10**digits else f"{value:.{digits}g}"
    return text.replace("-", "−")


def factor(text: str) -> str:
    """A number or a product, in brackets where its sign would read as an operation."""
    return f"({text})" if text.startswith("−") else text


def digits_apart(one: float, other: float) -> int:
    """How many digits show that two numbers differ, and by how much to two digits."""
    gap, size = abs(one - other), max(abs(one), abs(other))
    if not gap or not math.isfinite(gap):
        return DIGITS
    return min(max(math.ceil(math.log10(size) - math.log10(gap)) + 2, DIGITS), MOST_DIGITS)


def percent(share: float, decimals: int = 0) -> str:
    """A share from 0 to 1; only all of it is 100%, and only nothing is 0%."""
    least = 10.0**-decimals
    if 0 < 100 * share < least / 2:
        return f"under {least:g}%"
    if 100 - least / 2 <= 100 * share < 100 * (1 - 1e-9):
        return f"over {100 - least:g}%"
    return f"{100 * share:.{decimals}f}%"


def counted(count: int, what: str) -> str:
    """So many of them: 1 step, 1,000 steps. what: "step"; with another plural, "batch|batches"."""
    one, _, many = what.partition("|")
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def size_text(nbytes: int) -> str:
    """Bytes in the unit that fits: 512 bytes, 4.0 KiB, 4.0 MiB."""
    if nbytes < 2**10:
        return f"{nbytes} bytes"
    return f"{nbytes / 2**10:,.1f} KiB" if nbytes < 2**20 else f"{nbytes / 2**20:,.1f} MiB"


def shown(value: object) -> str:
    """A visitor's value for a message: short, and with nothing that could be markup or an address."""
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits has no text
        text = "a very long number"
    return re.sub(r"[^\w.+\- '(),]|(?<=www)\.", "?", text[:40], flags=re.ASCII | re.IGNORECASE)


def norm(values: Tensor) -> float:
    """Euclidean length of all entries, in double."""
    numbers = values.detach().cpu().double()
    scale = float(numbers.abs().max()) if numbers.numel() else 0.0
    if not 0 < scale < math.inf:
        return scale  # 0, inf or nan
    return scale * float(torch.linalg.vector_norm(numbers / scale))  # squares of 1e200 would overflow


def in_words(values: Tensor, digits: int = DIGITS) -> str:
    """Every entry of a few; the range and the length of many."""
    values = values.detach().cpu()
    numbers = values.double().flatten()
    if len(numbers) <= FEW:
        return ", ".join(number(value, digits) for value in numbers.tolist()) or "no entries"
    finite = numbers[numbers.isfinite()]
    lost = len(numbers) - len(finite)
    gone = f"{lost} of {len(numbers)} not finite" if lost else ""
    if not len(finite):
        return gone
    spread = f"{number(float(finite.min()))} to {number(float(finite.max()))}"
    if lost:
        return f"{gone}, the rest {spread}"
    return f"{spread}, norm {number(norm(values))}" if values.is_floating_point() else spread


def grad_in_words(grad: Tensor | None) -> str:
    """What .grad holds: None, zeros and values are three different things."""
    if grad is None:
        return "None"
    return in_words(grad) if grad.any() else "zeros"
