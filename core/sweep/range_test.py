"""The range test of Smith (2015): one run whose learning rate grows.

L. N. Smith, "Cyclical Learning Rates for Training Neural Networks": train while the rate grows, and
look where the loss falls and where it begins to rise. Here it grows in steps of equal ratio, as changes
that a Config can hold: the test is a run like any other, which can be watched and taken home.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.config import Config
from core.fields import MAX_CHANGES
from core.result import Result
from core.sweep.axes import spread
from core.words import number

RATES = MAX_CHANGES + 1
STEPS_PER_RATE = 10


def range_test(baseline: Config, low: float, high: float) -> Config:
    """The baseline with a learning rate that grows from low to high, above 0 both."""
    first, *later = spread(low, high, RATES)
    changes = tuple(((number + 1) * STEPS_PER_RATE, rate) for number, rate in enumerate(later))
    steps = (len(later) + 1) * STEPS_PER_RATE + 1  # one more, which shows what the last update did
    return replace(baseline, lr=first, schedule=changes, steps=steps)


def range_frame(result: Result) -> pd.DataFrame:
    """One row per learning rate: `rate`; `loss`, the mean of the losses after its updates; `low`, `high`.

    nan where one of these losses is not finite.
    """
    config = result.config
    losses = result.steps["loss"].to_numpy()[1:]  # each after the update of the step before
    rates = [config.lr, *(rate for _, rate in config.schedule)]
    rows = []
    for place, rate in enumerate(rates):
        part = losses[place * STEPS_PER_RATE : (place + 1) * STEPS_PER_RATE]
        finite = len(part) == STEPS_PER_RATE and np.isfinite(part).all()
        rows.append((rate, *((part.mean(), part.min(), part.max()) if finite else (np.nan,) * 3)))
    return pd.DataFrame(rows, columns=["rate", "loss", "low", "high"])


@dataclass(frozen=True)
class Found:
    """Rates of a range test: where the mean loss fell most, and where it was lowest; all rates where it is
    above that at the first one, or not finite, and the one from which on it is."""

    falls: float | None
    lowest: float | None
    rises: float | None
    above: tuple[float, ...] = ()


def found(frame: pd.DataFrame) -> Found:
    """What a range test shows.

    falls: the loss fell by the largest factor from the rate before. rises: the first rate after the lowest
    loss from which on it is above the first one, or not finite; None if there is none.
    """
    losses, rates = frame["loss"].to_numpy(), frame["rate"].to_numpy()
    known = np.flatnonzero(np.isfinite(losses))
    if not len(known):
        return Found(None, None, float(rates[0]), tuple(rates.tolist()))
    lowest = int(np.nanargmin(losses))
    falls = None
    if lowest > 0 and (losses[: lowest + 1] > 0).all():
        falls = float(rates[np.diff(np.log(losses[: lowest + 1])).argmin() + 1])
    above = ~(losses <= losses[0])  # nan is above
    below = np.flatnonzero(~above)
    rises = below[-1] + 1 if len(below) else 0
    rising = float(rates[rises]) if rises < len(rates) else None
    return Found(falls, float(rates[lowest]), rising, tuple(rates[above].tolist()))


def range_test_words(seen: Found) -> str:
    """The same in one or two sentences."""
    if seen.lowest is None:
        return "The loss is not finite at any of these rates."
    said = f"Lowest mean loss at {number(seen.lowest)}"
    said += f", steepest fall at {number(seen.falls)}." if seen.falls is not None else "."
    start = "above that at the first rate"
    if seen.rises is not None:
        return f"{said} From {number(seen.rises)} on it is {start}, or not finite."
    if seen.above:
        others = len(seen.above) - 1
        more = f" and {others} more rate{'s' * (others > 1)}" if others else ""
        return (
            f"{said} It is {start}, or not finite, at {number(seen.above[0])}{more}, but not at the highest."
        )
    few = f"{STEPS_PER_RATE} steps at each are few, and a longer run at one rate can still diverge"
    return f"{said} It is {start} at none of them; {few}."
