"""The numbers that the linked curves show: several results -> one wide frame.

A row per step, a column per run and quantity, under internal names: a name such as `lr:Q` would
be read as a formula by the chart. Wide, so that one look reads all runs at one step.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.charts import axis_top, goes_beyond, thin
from core.config import Config
from core.lines import at_once, parts, waits
from core.result import Result, learning_rates
from core.words import number

MAX_ROWS = 4000  # of one chart, counted as steps times runs
VAL_POINTS = 25
ALL_PARAMETERS = ""
ROOM = 2.0**64  # a power of two divides without rounding
QUANTITIES = {
    "grad_norm": "Gradient norm, as used",
    "fresh_norm": "Gradient norm, fresh",
    "leftover_norm": "Gradient norm, leftover",
    "update_ratio": "Update-to-weight ratio",
    "lr": "Learning rate",
}


class Series(NamedTuple):
    """Values at some steps, both (n,); the steps are whole numbers and rise."""

    steps: np.ndarray
    values: np.ndarray

    def at(self, count: int) -> np.ndarray:
        """(count,): the value of each step from 0, nan where there is none."""
        found = np.full(count, np.nan)
        found[self.steps] = self.values
        return found


def curves_frame(
    results: Sequence[Result],
    quantity: str = "grad_norm",
    parameter: str = ALL_PARAMETERS,
    loss: str = "loss",
    logs: tuple[bool, bool] = (True, True),
    between: tuple[float, float] | None = None,
    pinned: int | None = None,
    max_rows: int = MAX_ROWS,
    places: Sequence[int] | None = None,
    smooth: float = 0.0,
    hidden: Sequence[int] = (),
) -> tuple[pd.DataFrame, tuple[float | None, float | None]]:
    """Rows of the linked curves, and where each panel's axis ends (None: at the data).

    Columns: step, and for the run at place i (0, 1, ... if not given) l{i}, v{i}, g{i}, m{i}, b{i}, c{i};
    with `smooth`, the factor of a moving average, s{i} and t{i}: those of l{i} and g{i}.
    l: training loss, or another loss column of evaluations. v: validation loss at a few steps.
    g: the quantity. m: 1 where the run diverged or raised. b, c: 1 where loss or quantity
    goes beyond the axis. marked: 1 where there is any of v, m, b, c. max_rows counts steps times runs.
    Values that an axis cannot show (inf, and zero on a log axis) are gaps.
    between: the steps that are looked at, if not all: axes end for these. The others are there too, since the
    browser may go back to them by itself; so are the runs in hidden, for which no axis ends.
    """
    named = dict(zip(range(len(results)) if places is None else places, results, strict=True))
    steps = np.arange(max(result.done for result in results) + 1)
    inside = (steps >= between[0]) & (steps <= between[1]) if between else np.full(len(steps), True)
    views = [steps, np.flatnonzero(inside)] if between else [steps]
    columns = _lines(named, steps, loss, (quantity, parameter), logs, smooth)
    ends = {i: ends_at(result) for i, result in named.items()}
    points = {i: _val_points(result, views) for i, result in named.items()}
    wanted = [pinned, *ends.values(), *(step for series in points.values() for step in series.steps)]
    kept = _kept([columns[f"{letter}{i}"] for i in named for letter in "lg"], views, max_rows, wanted)
    frame = {"step": kept.astype(float)} | {name: column[kept] for name, column in columns.items()}
    for i in named:
        val = points[i].at(len(steps))[kept]
        frame[f"v{i}"] = np.where(_shown(val, logs[0]), val, np.nan)
        frame[f"m{i}"] = np.where(kept == (-1 if ends[i] is None else ends[i]), 1.0, np.nan)
    seen, drawn = inside[kept], [i for i in named if i not in hidden]
    if between and smooth:
        _fit_averages(frame, named, seen, drawn)
    tops = axis_tops(pd.DataFrame(frame).loc[seen], drawn, logs)
    for letter, source, top in zip("bc", "lg", tops, strict=True):
        for i in named:
            frame[f"{letter}{i}"] = np.full(len(kept), np.nan)
            frame[f"{letter}{i}"][seen] = goes_beyond(frame[f"{source}{i}"][seen], top)
    few = np.stack([frame[f"{letter}{i}"] for letter in "vmbc" for i in named])
    frame["marked"] = (~np.isnan(few)).any(axis=0).astype(float)
    return pd.DataFrame(frame), tops


def _lines(
    named: Mapping[int, Result],
    steps: np.ndarray,
    loss: str,
    of: tuple[str, str],
    logs: tuple[bool, bool],
    smooth: float,
) -> dict[str, np.ndarray]:
    """What is drawn as lines, at every step: l and g of each run, and s and t if they are smoothed."""
    found = {}
    for i, result in named.items():
        losses, norms = _losses(result, loss), _quantity(result, *of)
        if of[0] == "update_ratio":
            norms = _updates(norms, result, logs[1])
        for line, average, series, log in zip("lg", "st", (losses, norms), logs, strict=True):
            found[f"{line}{i}"] = _column(series, steps, log)
            if smooth:
                found[f"{average}{i}"] = _column(smoothed(series, smooth), steps, log)
    return found


def _kept(
    columns: Sequence[np.ndarray], views: Sequence[np.ndarray], max_rows: int, wanted: Sequence[int | None]
) -> np.ndarray:
    """The steps of which rows are kept: those that each view needs, and wanted ones, as far as there are."""
    values = np.stack(columns, axis=1)
    most = max(2 * max_rows // len(columns) // len(views), 2)  # two columns for each run
    needed = [rows[thin(values[rows], most)] for rows in views if len(rows)]
    known = np.array([step for step in wanted if step is not None], dtype=int)
    return np.intersect1d(views[0], np.concatenate([*needed, known]))


def _fit_averages(
    frame: dict[str, np.ndarray], runs: Iterable[int], seen: np.ndarray, drawn: Sequence[int]
) -> None:
    """Keep averages of the rows that are looked at within what is drawn there."""
    for average, source in zip("st", "lg", strict=True):
        shown = [frame[f"{source}{i}"][seen] for i in drawn]
        for i in runs:
            frame[f"{average}{i}"][seen] = _within(frame[f"{average}{i}"][seen], shown)


def axis_tops(
    rows: pd.DataFrame, places: Sequence[int], logs: tuple[bool, bool]
) -> tuple[float | None, float | None]:
    """Where the axes of loss and quantity end for these rows and runs of a frame; see `charts.axis_top`."""
    loss, quantity = (
        axis_top([rows[f"{letter}{i}"].to_numpy() for i in places], log)
        for letter, log in zip("lg", logs, strict=True)
    )
    return loss, quantity


def smoothed(series: Series, factor: float) -> Series:
    """The exponential moving average that TensorBoard draws, without its pull toward 0 at the start.

    m[n] = factor m[n - 1] + (1 - factor) x[n] from m[0] = 0, and m[n] / (1 - factor^n) is shown (Kingma & Ba
    2015, section 3). Values that are not finite are left out and stay as they are.
    """
    known = np.isfinite(series.values)
    finite = pd.Series(series.values).where(known) / ROOM  # a sum of a few could overflow
    means = finite.ewm(alpha=1 - factor, adjust=True, ignore_na=True).mean().to_numpy() * ROOM
    return Series(series.steps, np.where(known, means, series.values))


def _within(average: np.ndarray, shown: Sequence[np.ndarray]) -> np.ndarray:
    """The average where it is among the values shown: a peak before the zoom would flatten what is in it."""
    values = np.concatenate(shown)
    known = values[np.isfinite(values)]
    if not len(known):
        return average
    slack = 1e-9 * np.abs(known).max()
    return np.where((average >= known.min() - slack) & (average <= known.max() + slack), average, np.nan)


def value_at(result: Result, column: str, parameter: str, step: int) -> str:
    """A number of one run at one step, in words: the nearest evaluated step for whole sets."""
    series = _quantity(result, column, parameter) if column in QUANTITIES else _losses(result, column)
    steps, values = series
    if not len(steps):
        return "none"
    nearest = int(np.abs(steps - step).argmin())
    if steps[nearest] == step:
        return number(values[nearest])
    evaluated = column in ("train_loss", "val_loss")
    return f"{number(values[nearest])} (step {steps[nearest]})" if evaluated else "none"


def _losses(result: Result, column: str) -> Series:
    return _series(result.steps if column == "loss" else result.evaluations, column)


def _series(frame: pd.DataFrame, column: str) -> Series:
    return Series(frame["step"].to_numpy(), frame[column].to_numpy(dtype=float))


def _quantity(result: Result, quantity: str, parameter: str) -> Series:
    frame = result.steps
    if quantity == "lr" and "lr" in frame:
        return _series(frame, "lr")
    if quantity == "lr":  # one for all parameters
        return Series(np.arange(result.done), learning_rates(result))
    if parameter != ALL_PARAMETERS:
        frame = result.parameters
        frame = frame.loc[frame["parameter"] == parameter]
    return _series(frame, quantity)


def _updates(series: Series, result: Result, log: bool) -> Series:
    """On a log axis, where 0 is a gap, without the passes in which no weight was to move."""
    if not log or not waits(result.config.loop):
        return series
    last = (series.steps + 1) % result.config.accumulate == 0
    return Series(series.steps[last], series.values[last])


def scale_words(configs: Sequence[Config]) -> str:
    """Which recorded gradients are those of a scaled loss, where some are."""
    loops = [config.loop for config in configs if "backward_scaled" in map(at_once, config.loop)]
    if not loops:
        return ""
    order = ("backward_scaled", "unscale", "step_scaled", "step")
    lines = [[name for name in map(at_once, loop) if name in order] for loop in loops]
    unscaled = [found[:2] == ["backward_scaled", "unscale"] for found in lines]
    used = "gradients as used are unscaled" + (
        "" if all(unscaled) else " only where unscale_ comes before step"
    )
    used += " in passes that move weights" if any(map(waits, loops)) else ""
    used = used if any(unscaled) else "so are gradients as used"
    return f"Fresh gradients of a run that scales its loss are those of the scaled loss; {used}."


def axis_words(configs: Sequence[Config]) -> str:
    """What a step on the axis is, where some run does not move its weights in each."""
    passes = sorted({config.accumulate for config in configs if waits(config.loop)})
    if not passes:
        return ""
    each = ", ".join(map(str, passes))
    return (
        f"A step is one pass through the loop; a run that accumulates moves its weights every {each} passes."
    )


def _shown(values: np.ndarray, log: bool) -> np.ndarray:
    return np.isfinite(values) & (values > 0 if log else True)


def _column(series: Series, steps: np.ndarray, log: bool) -> np.ndarray:
    """The series at every step, with gaps where it has no value that the axis can show.

    Values at a few steps only are joined by straight lines, as the chart would."""
    if 1 < len(series.steps) < len(steps) - 1 and np.diff(series.steps).max(initial=1) > 1:
        values = np.interp(steps, series.steps, series.values, left=np.nan, right=np.nan)
    else:
        values = series.at(len(steps))
    values[~_shown(values, log)] = np.nan
    return values


def _val_points(result: Result, views: Sequence[np.ndarray]) -> Series:
    """Validation loss at up to VAL_POINTS evaluated steps among the rows of each view."""
    series = _losses(result, "val_loss")
    known = [np.flatnonzero(np.isin(series.steps, rows) & ~np.isnan(series.values)) for rows in views]
    spread = [np.linspace(0, len(some) - 1, min(VAL_POINTS, len(some))).round().astype(int) for some in known]
    chosen = np.unique(np.concatenate([some[at] for some, at in zip(known, spread, strict=True)]))
    return Series(series.steps[chosen], series.values[chosen])


def ends_at(result: Result) -> int | None:
    """The step in which a run raised or its loss stopped being finite; None if neither."""
    if result.message is not None:
        return result.message.step
    if "loss" not in parts(result.config.loop):
        return None
    losses = result.steps["loss"].to_numpy()
    bad = np.flatnonzero(~np.isfinite(losses))
    return int(bad[0]) if len(bad) else None
