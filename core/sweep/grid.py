"""What came out of each cell of a sweep: its number, the range over its seeds, its words.

A cell without a number says why in its state; none is left blank. With several seeds the number is the
median, and a loss that is no longer finite counts as larger than all others.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.config import KNOBS, Config
from core.run_summary import Brief
from core.sweep.measures import LOSS, MEASURES, SHARE, STEP, WORD, Measure
from core.sweep.sweep import Cell, Sweep
from core.words import number, percent

STATES = {  # state -> its sign on the map, and what it says
    "value": ("", "a number"),
    "diverged": ("✖", "diverged"),
    "never": ("–", "never reached this loss"),
    "raised": ("!", "raised an error"),
    "stopped": ("◐", "stopped before it was done"),
    "waiting": ("·", "not trained yet"),
    "refused": ("∅", "no run: the two choices do not go together"),
}
LETTERS = {
    "learns": "L",
    "slow": "S",
    "rebounds": "R",
    "oscillates": "O",
    "stuck": "T",
    "diverged": STATES["diverged"][0],
    "raised": STATES["raised"][0],
}
NAN = float("nan")


class CellResult(NamedTuple):
    """What came out of a cell.

    x, y: labels. state: a key of STATES. value: median over the seeds; nan where there is none. low,
    high: over the seeds. sign: a letter or sign for the map. word: the verdict of most seeds. words,
    range: verdicts and numbers of all seeds, to be read.
    """

    column: int
    row: int
    x: str
    y: str
    state: str
    sign: str
    words: str
    word: str = ""
    value: float = NAN
    low: float = NAN
    high: float = NAN
    range: str = ""


def grid(
    sweep: Sweep, briefs: Mapping[Config, Brief], measure: str = "loss", goal: float = 0.0
) -> pd.DataFrame:
    """One row per cell, an CellResult. measure: a key of MEASURES. goal: the loss of "reached"."""
    how = MEASURES[measure]
    rows = [
        _cell_result(sweep, cell, [briefs.get(c) for c in cell.configs], how, goal) for cell in sweep.cells
    ]
    return pd.DataFrame(rows, columns=list(CellResult._fields))


def _cell_result(
    sweep: Sweep, cell: Cell, found: Sequence[Brief | None], how: Measure, goal: float
) -> CellResult:
    place = (cell.column, cell.row, sweep.x.labels[cell.column], sweep.y.labels[cell.row])
    known = [brief for brief in found if brief is not None]
    state = _unfinished(cell, known)
    if state is not None:
        said = cell.refused or _raised(known) or STATES[state][1]
        return CellResult(*place, state, STATES[state][0], said)
    counts = Counter(brief.word for brief in known).most_common()
    word, count = counts[0]
    words = ", ".join(f"{n} {w}" for w, n in counts) if len(known) > 1 else word
    if how.kind == WORD:
        return CellResult(*place, "value", LETTERS[word], words, word)
    numbers = np.array([how.of(brief, goal) for brief in known])
    state, value = _state(numbers, how, count if word == "diverged" else 0)
    sign = STATES[state][0] or (LETTERS["diverged"] if any(w == "diverged" for w, _ in counts) else "")
    low, high = float(np.fmin.reduce(numbers)), float(np.fmax.reduce(numbers))
    return CellResult(*place, state, sign, words, word, value, low, high, _range(numbers, how))


def _unfinished(cell: Cell, known: Sequence[Brief]) -> str | None:
    """The state of a cell that has no number; None if all its runs came to their end."""
    if cell.refused:
        return "refused"
    if any(brief.raised is not None for brief in known):
        return "raised"
    if any(not brief.finished for brief in known):
        return "stopped"
    return "waiting" if len(known) < len(cell.configs) else None


def _raised(known: Sequence[Brief]) -> str:
    return next((brief.raised for brief in known if brief.raised is not None), "")


def _state(numbers: np.ndarray, how: Measure, diverged: int) -> tuple[str, float]:
    """A cell's state and its median. diverged: how many of its runs, where that is most of them."""
    if how.kind == SHARE:  # a diverged model still has an accuracy
        return "value", float(np.median(numbers))
    ranked = np.sort(np.where(np.isnan(numbers), np.inf, numbers))
    middle = float(ranked[len(ranked) // 2])
    if how.kind == STEP and np.isfinite(middle):
        return "value", middle
    if how.kind == STEP and not diverged:
        return "never", float("nan")
    return ("value", middle) if np.isfinite(middle) and not diverged else ("diverged", float("nan"))


def _range(numbers: np.ndarray, how: Measure) -> str:
    """The numbers of all seeds, in words: the one, or from lowest to highest."""
    text = {LOSS: number, SHARE: partial(percent, decimals=1), STEP: _step}[how.kind]
    ranked = np.sort(np.where(np.isnan(numbers), np.inf, numbers)) if how.kind != SHARE else np.sort(numbers)
    if len(ranked) == 1:
        return text(numbers[0])
    if text(ranked[0]) == text(ranked[-1]):
        return f"{text(ranked[0])} for all {len(ranked)} seeds"
    return f"median {text(ranked[len(ranked) // 2])}, from {text(ranked[0])} to {text(ranked[-1])}"


def _step(value: float) -> str:
    return f"step {value:.0f}" if np.isfinite(value) else "never"


def best(frame: pd.DataFrame, measure: str) -> int | None:
    """Row number of the cell with the best number; None where no cell has one."""
    values = frame["value"].to_numpy(dtype=float)
    known = (frame["state"] == "value").to_numpy() & ~np.isnan(values)
    if not known.any():
        return None
    return int(np.where(known, values if MEASURES[measure].lower_is_better else -values, np.inf).argmin())


def run_table(sweep: Sweep, briefs: Mapping[Config, Brief]) -> pd.DataFrame:
    """One row per run that is there, under the titles of the page; nan where there is no number."""
    scores = [name for name, how in MEASURES.items() if how.kind in (LOSS, SHARE)]
    rows = []
    for cell in sweep.cells:
        for brief in (briefs[config] for config in cell.configs if config in briefs):
            place = {
                KNOBS[sweep.x.field].label: sweep.x.labels[cell.column],
                KNOBS[sweep.y.field].label: sweep.y.labels[cell.row],
                KNOBS["seed"].label: brief.config.seed,
            }
            numbers = {MEASURES[name].title: MEASURES[name].of(brief, 0.0) for name in scores}
            rows.append(place | {"Verdict": brief.word} | numbers | {"Steps done": brief.done})
    return pd.DataFrame(rows)
