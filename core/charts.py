"""How is a history drawn? Data frame -> data-free Vega-Lite spec, and the few rows it needs.

Building a chart in Altair takes longer than drawing it, so specs hold no data, depend only on
a few short values, and are kept. The curves share one wide frame: a row per step, a column
per run and quantity, under internal names; titles stand apart, since a name such as `lr:Q`
would be read as a formula.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.results import Result
from core.verdict import number

MAX_ROWS = 4000  # of one chart, counted as steps times runs
VAL_POINTS = 25
STACK_BELOW = 760  # pixels; narrower, the two charts stand below each other
AXIS_WIDTH, SPACING = 50, 20
MARK_HEIGHT = 8  # pixels below the top of the chart
HEADROOM = {True: 100.0, False: 3.0}  # on a log or linear axis: how far above the usual it reaches
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 2, 1, 2]]

QUANTITIES = {
    "grad_norm": "Gradient norm, as used",
    "fresh_norm": "Gradient norm, fresh",
    "leftover_norm": "Gradient norm, leftover",
    "update_ratio": "Update-to-weight ratio",
}
ALL_PARAMETERS = ""


def thin(columns: np.ndarray, limit: int) -> np.ndarray:
    """Row numbers, at most `limit`, that keep each column's lowest and highest value per bin.

    (rows, columns) -> (kept,), ascending. Every spike stays where it was; the same rows serve
    all columns, so that one look reads all runs at one step.
    """
    rows, count = columns.shape
    if rows <= limit:
        return np.arange(rows)
    bins = max(1, (limit - 2) // (2 * count))
    kept = [np.array([0, rows - 1])]
    for part in np.array_split(np.arange(rows), bins):
        values = columns[part]
        low, high = (
            np.where(np.isfinite(values), values, np.inf),
            np.where(np.isfinite(values), values, -np.inf),
        )
        kept += [part[low.argmin(axis=0)], part[high.argmax(axis=0)]]
    return np.unique(np.concatenate(kept))


def curves_frame(
    results: Sequence[Result],
    quantity: str = "grad_norm",
    parameter: str = ALL_PARAMETERS,
    loss: str = "loss",
    logs: tuple[bool, bool] = (True, True),
    between: tuple[float, float] | None = None,
    pinned: int | None = None,
) -> tuple[pd.DataFrame, tuple[float | None, float | None]]:
    """Rows of the linked curves, and where each panel's axis ends (None: at the data).

    Columns: step, pinned, and for run i l{i} loss, v{i}, g{i}, m{i}, b{i}, c{i}.
    l: training loss, or another loss column of evaluations. v: validation loss at a few steps.
    g: the quantity. m: 1 where the run diverged or raised. b, c: 1 where loss or quantity
    goes beyond the axis. Values that an axis cannot show (inf, and zero on a log axis) are gaps.
    """
    last = max(result.config.steps for result in results)
    steps = np.arange(last + 1)
    columns: dict[str, np.ndarray] = {}
    for i, result in enumerate(results):
        columns[f"l{i}"] = _column(_losses(result, loss), steps, logs[0])
        columns[f"g{i}"] = _column(_quantity(result, quantity, parameter), steps, logs[1])
    inside = (steps >= between[0]) & (steps <= between[1]) if between else np.full(len(steps), True)
    rows = np.flatnonzero(inside)
    values = np.stack(list(columns.values()), axis=1)[rows]
    kept = rows[thin(values, max(MAX_ROWS // len(results), 2))] if len(rows) else rows
    marks = {i: ends_at(result) for i, result in enumerate(results)}
    points = {i: _val_points(result, rows) for i, result in enumerate(results)}
    extra = [step for step in marks.values() if step is not None]
    extra += [step for series in points.values() for step in series.index]
    extra += [pinned] if pinned is not None else []
    kept = np.intersect1d(rows, np.union1d(kept, np.array(extra, dtype=int)))
    frame = {"step": kept, "pinned": (kept == pinned).astype(float)}
    frame |= {name: column[kept] for name, column in columns.items()}
    for i in range(len(results)):
        val = points[i].reindex(kept).to_numpy(dtype=float)
        frame[f"v{i}"] = np.where(_shown(val, logs[0]), val, np.nan)
        frame[f"m{i}"] = np.where(kept == (-1 if marks[i] is None else marks[i]), 1.0, np.nan)
    tops = tuple(
        axis_top([frame[f"{letter}{i}"] for i in range(len(results))], log)
        for letter, log in zip("lg", logs, strict=True)
    )
    for letter, source, top in zip("bc", "lg", tops, strict=True):
        for i in range(len(results)):
            frame[f"{letter}{i}"] = _goes_beyond(frame[f"{source}{i}"], top)
    return pd.DataFrame(frame).astype({"step": "float64"}), tops


def axis_top(series: Sequence[np.ndarray], log: bool) -> float | None:
    """Where an axis ends so that one exploding run does not flatten the others; None: at the data.

    Far above what every run begins with, and above the middle of each run that stays finite;
    rounded to a power of ten, so that the spec stays the same while a run goes on.
    """
    finite = [values[np.isfinite(values)] for values in series]
    usual = [values[0] for values in finite if len(values)]
    usual += [float(np.median(f)) for f, v in zip(finite, series, strict=True) if len(f) == len(v) - 1]
    highest = max((values.max() for values in finite if len(values)), default=0.0)
    top = HEADROOM[log] * max(usual, default=0.0)
    if highest <= top or top <= 0:
        return None
    return float(10 ** np.ceil(np.log10(top)))


def _goes_beyond(values: np.ndarray, top: float | None) -> np.ndarray:
    """1 at each step where the values leave the axis, nan elsewhere."""
    above = np.zeros(len(values), dtype=bool) if top is None else np.nan_to_num(values, nan=0.0) > top
    enters = above & ~np.concatenate([[False], above[:-1]])
    return np.where(enters, 1.0, np.nan)


def value_at(result: Result, column: str, parameter: str, step: int) -> str:
    """A number of one run at one step, in words: the nearest evaluated step for whole sets."""
    series = _quantity(result, column, parameter) if column in QUANTITIES else _losses(result, column)
    if step in series.index:
        return number(float(series[step]))
    if column in ("train_loss", "val_loss") and len(series):
        nearest = series.index[np.abs(series.index.to_numpy() - step).argmin()]
        return f"{number(float(series[nearest]))} (step {nearest})"
    return "none"


def _losses(result: Result, column: str) -> pd.Series:
    frame = result.steps if column == "loss" else result.evaluations
    return frame.set_index("step")[column]


def _quantity(result: Result, quantity: str, parameter: str) -> pd.Series:
    if parameter == ALL_PARAMETERS:
        return result.steps.set_index("step")[quantity]
    frame = result.parameters
    return frame[frame["parameter"] == parameter].set_index("step")[quantity]


def _shown(values: np.ndarray, log: bool) -> np.ndarray:
    return np.isfinite(values) & (values > 0 if log else True)


def _column(series: pd.Series, steps: np.ndarray, log: bool) -> np.ndarray:
    """The series at every step, with gaps where it has no value that the axis can show.

    Values at a few steps only are joined by straight lines, as the chart would."""
    known = series.to_numpy(dtype=float)
    if 1 < len(known) < len(steps) - 1 and np.diff(series.index.to_numpy()).max(initial=1) > 1:
        values = np.interp(steps, series.index, known, right=np.nan)
    else:
        values = series.reindex(steps).to_numpy(dtype=float, copy=True)
    values[~_shown(values, log)] = np.nan
    return values


def _val_points(result: Result, rows: np.ndarray) -> pd.Series:
    """Validation loss at up to VAL_POINTS evaluated steps among `rows`."""
    series = result.evaluations.set_index("step")["val_loss"].dropna()
    series = series[series.index.isin(rows)]
    chosen = np.unique(np.linspace(0, len(series) - 1, min(VAL_POINTS, len(series))).round().astype(int))
    return series.iloc[chosen] if len(series) else series


def ends_at(result: Result) -> int | None:
    """The step in which a run raised or its loss stopped being finite; None if neither."""
    if result.message is not None:
        return result.message.step
    if "loss" not in result.config.loop:
        return None
    losses = result.steps["loss"].to_numpy()
    bad = np.flatnonzero(~np.isfinite(losses))
    return int(bad[0]) if len(bad) else None


def without_data(chart: Any) -> dict[str, Any]:
    """A chart's spec without the placeholders for its data, which would hide the real data."""
    spec = chart.to_dict()
    for part in _parts(spec):
        part.pop("data", None)
    return {key: value for key, value in spec.items() if key not in ("datasets", "$schema")}


def _parts(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """A spec and all that it is composed of."""
    inside = [p for key in ("layer", "hconcat", "vconcat") for p in spec.get(key, [])]
    return [spec, *(deeper for part in inside for deeper in _parts(part))]


@lru_cache(maxsize=64)
def curves_spec(
    names: tuple[str, ...],
    titles: tuple[str, str],
    logs: tuple[bool, bool],
    tops: tuple[float | None, float | None],
    between: tuple[float, float],
    width: int,
    val: bool,
) -> dict[str, Any]:
    """Spec of the linked pair, loss and gradient, for a frame of `curves_frame`."""
    hover = alt.selection_point(
        name="hover", fields=["step"], nearest=True, on="pointerover", clear="pointerout", empty=False
    )
    pin = alt.selection_point(
        name="pin", fields=["step"], nearest=True, on="click", empty=False, toggle=False
    )
    zoom = alt.selection_interval(name="zoom", encodings=["x"])
    stacked = width < STACK_BELOW
    each = width - AXIS_WIDTH if stacked else (width - 2 * AXIS_WIDTH - SPACING) // 2
    x = alt.X("step:Q").title("step").scale(domain=list(between), nice=False)
    base = alt.Chart().encode(x.axis(grid=False, tickMinStep=1, tickCount=6))
    panels = [
        _panel(base, letter, names, log, top, hover, val and letter == "l").properties(
            width=each, height=260, title=alt.Title(title, anchor="start")
        )
        for letter, title, log, top in zip("lg", titles, logs, tops, strict=True)
    ]
    chart = (alt.vconcat if stacked else alt.hconcat)(*panels, spacing=SPACING)
    spec = without_data(chart.configure_view(strokeWidth=0))
    # One selection each, felt in both panels: Altair has numbered the views that listen.
    views = [panel["layer"][-1]["name"] for panel in spec["vconcat" if stacked else "hconcat"]]
    spec["params"] = [p.param.to_dict() | {"views": views} for p in (hover, pin, zoom)]
    return spec


def _panel(
    base: Any, letter: str, names: tuple[str, ...], log: bool, top: float | None, hover: Any, val: bool
) -> Any:
    """Lines, validation dots, marks at the top, the pinned step, and what hovering shows."""
    runs = range(len(names))
    color, dash = _run_encodings(names)
    y = _y(log, top)
    layers = [_folded(base, letter, runs).mark_line(strokeWidth=1.75, clip=True).encode(y, color, dash)]
    if val:
        points = _folded(base, "v", runs).mark_point(filled=True, size=22, clip=True)
        layers.append(points.encode(y, color))
    at_top = {"y": alt.value(MARK_HEIGHT)}
    beyond = _folded(base, {"l": "b", "g": "c"}[letter], runs).mark_point(
        shape="triangle-up", filled=True, size=50
    )
    ended = _folded(base, "m", runs).mark_point(shape="cross", angle=45, filled=True, size=110)
    layers += [beyond.encode(color, **at_top), ended.encode(color, **at_top)]
    dots = _folded(base, letter, runs).transform_filter(hover).mark_point(filled=True, size=60, clip=True)
    layers.append(dots.encode(y, color))
    layers.append(base.transform_filter("datum.pinned > 0").mark_rule(strokeDash=[4, 3], opacity=0.8))
    rule = base.mark_rule(strokeWidth=1).encode(
        opacity=alt.condition(hover, alt.value(0.5), alt.value(0)), tooltip=_tips(letter, names)
    )
    layers.append(rule.properties(name=f"rules_{letter}"))
    return alt.layer(*layers)


def _run_encodings(names: tuple[str, ...]) -> tuple[Any, Any]:
    """Colour and dash of each run, with one legend for both."""
    domain = [str(i) for i in range(len(names))]
    words = json.dumps(dict(zip(domain, names, strict=True)))
    legend = alt.Legend(
        title=None,
        orient="bottom",
        columns=2,
        labelExpr=f"{words}[datum.label]",
        symbolType="stroke",
        symbolSize=300,
        labelLimit=240,
    )
    color = alt.Color("run:N").scale(domain=domain).legend(legend)
    return color, alt.StrokeDash("run:N").scale(domain=domain, range=DASHES[: len(names)]).legend(legend)


def _y(log: bool, top: float | None) -> Any:
    scale = {"type": "log"} if log else {"type": "linear", "zero": False}
    if top is not None:
        scale |= {"domainMax": top}
    decade = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-9"
    grid = alt.condition(decade, alt.value(1), alt.value(0)) if log else alt.Undefined
    axis = alt.Axis(format="~g", tickCount=5, gridOpacity=grid)
    return alt.Y("value:Q").title(None).scale(**scale).axis(axis)


def _tips(letter: str, names: tuple[str, ...]) -> list[Any]:
    """All runs at the step under the pointer."""
    tips = [alt.Tooltip("step:Q", title="step", format="d")]
    return tips + [alt.Tooltip(f"{letter}{i}:Q", title=name, format=".4~g") for i, name in enumerate(names)]


def _folded(base: Any, letter: str, runs: range) -> Any:
    """Long rows of one quantity: run i's column becomes rows with run = "i"."""
    names = [f"{letter}{i}" for i in runs]
    folded = base.transform_fold(names, as_=["column", "value"])
    valid = folded.transform_filter("isValid(datum.value)") if letter in "vmbc" else folded
    return valid.transform_calculate(run="substring(datum.column, 1)")


@lru_cache(maxsize=64)
def sparkline_spec(index: int, count: int) -> dict[str, Any]:
    """A small loss curve without axes, in the colour and dash of run `index` of `count`."""
    domain = [str(i) for i in range(count)]
    chart = (
        alt.Chart()
        .transform_calculate(run=f"'{index}'")
        .mark_line(strokeWidth=2)
        .encode(
            alt.X("step:Q").axis(None).scale(nice=False),
            alt.Y("loss:Q").axis(None).scale(type="log"),
            alt.Color("run:N").scale(domain=domain).legend(None),
            alt.StrokeDash("run:N").scale(domain=domain, range=DASHES[:count]).legend(None),
        )
        .properties(height=48, padding={"left": 2, "right": 2, "top": 2, "bottom": 2})
        .configure_view(strokeWidth=0)
    )
    return without_data(chart)


@lru_cache(maxsize=16)
def fit_spec(kind: str, x_title: str, y_title: str) -> dict[str, Any]:
    """Spec of a picture of `core.fit`, for the frame of that kind."""
    make = {"curve": _curve, "surface": _surface, "scatter": _scatter, "confusion": _confusion}[kind]
    chart = make(x_title, y_title).properties(height=220).configure_view(strokeWidth=0)
    return without_data(chart)


def _curve(x_title: str, y_title: str) -> Any:
    base = alt.Chart().encode(
        alt.X("x:Q").title(x_title).scale(zero=False), alt.Y("y:Q").title(y_title).scale(zero=False)
    )
    points = base.transform_filter("datum.part == 'data'").mark_point(filled=True, size=18, opacity=0.55)
    line = base.transform_filter("datum.part == 'model'").mark_line(strokeWidth=2.5, color="#E8590C")
    return points + line


def _surface(x_title: str, y_title: str) -> Any:
    axes = {
        "x": alt.X("x:Q").title(x_title).scale(nice=False, zero=False).axis(grid=False),
        "y": alt.Y("y:Q").title(y_title).scale(nice=False, zero=False).axis(grid=False),
    }
    share = (
        alt.Color("value:Q")
        .scale(scheme="blueorange", domain=[0, 1], reverse=True)
        .title("class 1")
        .legend(None)
    )
    cells = alt.Chart().transform_filter("isValid(datum.value)").mark_rect(strokeWidth=0.5)
    points = (
        alt.Chart()
        .transform_filter("isValid(datum.label)")
        .mark_point(filled=True, size=28, stroke="#10182B", strokeWidth=0.7, opacity=1)
    )
    fill = alt.Color("label:N").scale(domain=[0, 1], range=["#FFD9B0", "#BFE0FF"]).legend(None)
    shape = alt.Shape("label:N").scale(domain=[0, 1], range=["circle", "triangle-up"]).legend(None)
    seams = alt.Stroke("value:Q").scale(scheme="blueorange", domain=[0, 1], reverse=True).legend(None)
    layers = alt.layer(
        cells.encode(share, seams, x2="x2", y2="y2", **axes), points.encode(fill, shape, **axes)
    )
    return layers.resolve_scale(color="independent", stroke="independent")


def _scatter(x_title: str, y_title: str) -> Any:
    points = alt.Chart().mark_point(filled=True, size=18, opacity=0.55)
    points = points.encode(alt.X("truth:Q").title("truth"), alt.Y("model:Q").title("model"))
    right = alt.Chart().mark_line(strokeDash=[4, 3], opacity=0.7).encode(x="truth:Q", y="truth:Q")
    return right + points


def _confusion(x_title: str, y_title: str) -> Any:
    base = alt.Chart().encode(
        alt.X("model:O").title("model").axis(labelAngle=0), alt.Y("truth:O").title("truth")
    )
    cells = base.mark_rect().encode(alt.Color("count:Q").scale(scheme="blues").legend(None))
    shown = base.transform_filter("datum.count > 0").mark_text(fontSize=11)
    dark = alt.condition("datum.count > 20", alt.value("white"), alt.value("#10182B"))
    return cells + shown.encode(alt.Text("count:Q"), color=dark)
