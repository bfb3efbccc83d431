"""Limits of the learning rate for each row of a sweep, by the theory: lines on its axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.curvature import Curvature, has_limit, is_quadratic, settles, stability_limit
from core.sweep.sweep import Sweep
from core.words import number


@dataclass(frozen=True)
class Limit:
    """The largest stable learning rate of one row.

    exact: whether the loss is a quadratic; elsewhere the limit is that of the starting weights. settles:
    whether runs below it come to rest.
    """

    row: int
    label: str
    rate: float
    curvature: float
    exact: bool
    settles: bool = True


def rate_limits(sweep: Sweep, curvature: Curvature) -> list[Limit]:
    """The limits of the rows that have one, where the learning rate varies across. Of the first seed."""
    if sweep.x.field != "lr":
        return []
    found = []
    for row, label in enumerate(sweep.y.labels):
        config = next((c.configs[0] for c in sweep.cells if c.row == row and c.configs), None)
        if config is None or not has_limit(config) or (steep := curvature(config)) is None:
            continue
        rate = stability_limit(config, steep)
        if rate is not None:
            found.append(Limit(row, label, rate, steep, is_quadratic(config), settles(config)))
    return found


def rate_limit_words(limits: Sequence[Limit]) -> str:
    """What the lines are: rates, the curvature they follow from, and where they hold."""
    if not limits:
        return ""
    rates = ", ".join(f"{number(limit.rate)} ({limit.label})" for limit in limits[:4])
    rest = f" and {len(limits) - 4} more" if len(limits) > 4 else ""
    steep = {number(limit.curvature) for limit in limits}
    where = f"λ = {steep.pop()}" if len(steep) == 1 else "each row's own largest curvature"
    if all(limit.exact for limit in limits):
        holds = "This loss is a quadratic and each step sees all rows, so they hold at every step."
    else:
        holds = (
            "They follow from the curvature at the starting weights: a guide only, since it changes later."
        )
    undamped = [limit.label for limit in limits if not limit.settles]
    if undamped:
        holds += f" Below its line, {undamped[0]} stays bounded without settling: nothing damps it."
    return f"Lines: the largest stable learning rates, {rates}{rest}, from {where}. {holds}"
