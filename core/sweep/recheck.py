"""Checks runs that trained together: three of them again, alone, by the plain loop."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.config import Config
from core.run_summary import Brief
from core.words import number, percent

APART = 1e-3  # relative; our own: above it the end of such a run is one of many


@dataclass(frozen=True)
class Difference:
    """The largest relative difference of two losses of one run, its step, and how many losses there are."""

    config: Config
    relative: float
    step: int
    losses: int


def chosen(briefs: Sequence[Brief]) -> list[Brief]:
    """The first, the middle and the last of the runs that came to their end with finite losses."""
    finite = [b for b in briefs if b.done == b.config.steps and len(b.losses) and np.isfinite(b.losses).all()]
    places = {0, len(finite) // 2, len(finite) - 1} if finite else set()
    return [finite[place] for place in sorted(places)]


def difference(one: Brief, again: Brief) -> Difference:
    """How far two computations of one run are apart: |a - b| / max(|a|, |b|), at its largest."""
    a, b = one.losses.astype(float), again.losses.astype(float)
    larger = np.maximum(abs(a), abs(b))
    with np.errstate(invalid="ignore"):
        apart = np.divide(abs(a - b), larger, out=np.zeros_like(a), where=larger != 0)
    apart[np.isnan(apart)] = 1.0  # one of them is no longer finite
    worst = int(apart.argmax())
    return Difference(one.config, float(apart[worst]), int(one.steps[worst]), len(a))


def recheck_words(found: Sequence[Difference], labels: Sequence[str]) -> str:
    """The largest difference of all, in which run and at which step; labels: a name for each run."""
    losses = sum(one.losses for one in found)
    place = max(range(len(found)), key=lambda i: found[i].relative)
    worst = found[place]
    said = f"{_count(len(found))} trained again by the plain loop, alone: "
    if worst.relative == 0:
        return f"{said}all {losses:,} losses are the same, to the last bit."
    share = percent(worst.relative) if worst.relative > APART else number(worst.relative, 1)
    said += f"their {losses:,} losses differ by at most {share} of their size"
    said += f" ({labels[place]}, step {worst.step})."
    if worst.relative > APART:
        said += " Where rounding alone changes a run this much, its end is one of many equally valid ones."
    return said


def _count(runs: int) -> str:
    return {1: "One run", 2: "Two runs", 3: "Three runs"}[runs]
