"""What charts share: data-free Vega-Lite specs, the rows that a chart needs, and where its axis ends.

Building a chart in Altair takes longer than drawing it, so a spec depends only on a few short
values. Its colors come from the page's theme; every color also has a dash pattern. A chart of a
thousand points per line draws as slowly as it reads; what counts is that no spike is lost, and that
one exploding run does not flatten the others.
"""

import copy
import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.words import JOINER, LARGE, SMALL

DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 2, 1, 2]]
STACK_BELOW = 760  # pixels; narrower, the two charts stand below each other
AXIS_WIDTH, SPACING = 60, 20
TALL, AROUND = 260, 215  # pixels: of a panel; of titles, axes and a legend of six runs around it
EDGE = 0.015  # share of the steps left open at both ends, so that the first and last dot are whole
TITLE_AND_AXIS = 116  # pixels above and below a panel, measured in the browser
QUIET = "#7A869E"  # of rules; it reads on a light and on a dark page
FAINT = 0.25  # opacity of a curve behind its moving average
MARK_HEIGHT = 8  # pixels below the top of the chart
ZOOMED = "zoomed"  # the event after which the frame of a zoom goes away: the zoom is drawn
OF_PANEL = {"l": "concat_0_y", "g": "concat_1_y"}  # Vega's name of the vertical scale of a pair's panel
# Vega's points are see-through unless told: paler than the line of the same run.
DOT: dict[str, Any] = {"filled": True, "opacity": 1, "aria": False}
TIP = ".5~g"  # of a number in a tooltip: as `number` writes it; Vega's fifth digit spares 12345 an exponent
SINGLE = np.finfo(np.float32)
HEADROOM = {True: 100.0, False: 3.0}  # on a log or linear axis: how far above the usual it reaches


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


def panels_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels of a spec, side by side or stacked; the spec itself if it is a single chart."""
    return spec.get("vconcat") or spec.get("hconcat") or [spec]


def with_scales(spec: dict[str, Any], *panels: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A copy of a cached spec with scales changed, because axis ends follow the data.

    panels: for each panel, or once for all of them, channel -> what to set in its scale, such as
    {"y": {"domain": [0, 1]}}. Layers without a scale on that channel stay as they are.
    """
    spec = copy.deepcopy(spec)
    views = panels_of(spec)
    for view, scales in zip(views, panels if len(panels) > 1 else panels * len(views), strict=True):
        for layer in view["layer"]:
            for channel, changes in scales.items():
                if "scale" in layer["encoding"].get(channel, {}):
                    layer["encoding"][channel]["scale"] |= changes
    return spec


def curves_spec(
    names: tuple[str, ...],
    titles: tuple[str, str],
    logs: tuple[bool, bool],
    tops: tuple[float | None, float | None],
    between: tuple[float, float],
    width: int,
    val: bool,
    places: tuple[int, ...] | None = None,
    legend: bool = True,
    smooth: bool = False,
    tall: int = TALL,
    stack_below: int = STACK_BELOW,
    pinned: int | None = None,
    hidden: tuple[int, ...] = (),
) -> dict[str, Any]:
    """Spec of the linked pair, loss and gradient, for a frame of `curves_frame`.

    places: of the runs, which decide color and dash; 0, 1, ... if not given. smooth: whether the frame has
    moving averages. width, tall: in pixels, of the pair and of each panel. stack_below: the width below
    which the panels stand below each other. hidden: places of runs that are not drawn. Names change with
    every choice, so they too are set in a copy of the cached spec.
    """
    places = tuple(range(len(names))) if places is None else places
    stacked = width < stack_below
    spec = copy.deepcopy(_curves(places, titles, logs, width, val, legend, smooth, tall, stacked))
    begins = signals(logs, tops, between, pinned, hidden)
    spec["params"] += [{"name": name, "value": value} for name, value in begins.items()]
    for panel in panels_of(spec):
        for layer in panel["layer"]:
            _set_names(layer["encoding"], dict(zip(places, names, strict=True)))
    return spec


def signals(
    logs: tuple[bool, bool],
    tops: tuple[float | None, float | None],
    between: tuple[float, float],
    pinned: int | None,
    hidden: Sequence[int],
) -> dict[str, Any]:
    """What the browser can change in a pair that is drawn: Vega's name of the signal -> its value.

    The type of a scale is none to Vega: what depends on it follows log_l and log_g, and it follows them in
    `pages._ui.compare.at_once`.
    """
    return scale_signals(logs, tops) | {
        "low": between[0],
        "high": between[1],
        "pinned": pinned,
        "hidden": [str(place) for place in hidden],
    }


def scale_signals(logs: tuple[bool, bool], tops: tuple[float | None, float | None]) -> dict[str, Any]:
    """Those of the vertical scales."""
    return {"log_l": logs[0], "log_g": logs[1], "top_l": tops[0], "top_g": tops[1]}


def pair_height(width: int, stack_below: int = STACK_BELOW, tall: int = TALL) -> int:
    """Height of a pair without a legend, as Vega draws it, all in pixels."""
    return (2 if width < stack_below else 1) * (tall + TITLE_AND_AXIS)


def panel_height(width: int, height: int, stack_below: int = STACK_BELOW) -> int:
    """Height of each panel of a pair that fills a window, all in pixels."""
    return max(height // (2 if width < stack_below else 1) - AROUND, TALL)


def _set_names(encoding: dict[str, Any], names: dict[int, str]) -> None:
    """Names of the runs in legends and tooltips, where they had none."""
    for channel in ("color", "strokeDash"):
        if encoding.get(channel, {}).get("legend"):
            encoding[channel]["legend"]["labelExpr"] = _words(names)
    for tip, name in zip(encoding.get("tooltip", [])[1:], names.values(), strict=False):
        # Titles are keys of the tooltip's object, where "title", "image" and "step" mean something and "7"
        # comes first. With a character of no width they are only names.
        tip["title"] = JOINER + name


@lru_cache(maxsize=64)
def _curves(
    places: tuple[int, ...],
    titles: tuple[str, str],
    logs: tuple[bool, bool],
    width: int,
    val: bool,
    legend: bool,
    smooth: bool,
    tall: int,
    stacked: bool,
) -> dict[str, Any]:
    hover = alt.selection_point(
        name="hover", fields=["step"], nearest=True, on="pointerover", clear="pointerout", empty=False
    )
    pin = alt.selection_point(
        name="pin", fields=["step"], nearest=True, on="click", empty=False, toggle=False
    )
    zoom = alt.selection_interval(name="zoom", encodings=["x"], clear=f"window:{ZOOMED}")
    each = width - AXIS_WIDTH if stacked else (width - 2 * AXIS_WIDTH - SPACING) // 2
    edge = f"{EDGE} * (high - low)"
    # A domain that depends on no data: or each move of the pointer would make the scale and all marks anew.
    ends = [alt.expr(f"low - {edge}"), alt.expr(f"high + {edge}")]
    x = alt.X("step:Q").title("step").scale(nice=False, zero=False, domain=ends)
    base = alt.Chart().encode(x.axis(grid=False, tickMinStep=1, tickCount=6, description="Steps"))
    panels = [
        _panel(base, letter, title, places, log, hover, val and letter == "l", legend, smooth).properties(
            width=each, height=tall, title=alt.Title(title, anchor="start")
        )
        for letter, title, log in zip("lg", titles, logs, strict=True)
    ]
    return linked(panels, [hover, pin, zoom], stacked)


def linked(panels: Sequence[Any], selections: Sequence[Any], stacked: bool) -> dict[str, Any]:
    """Spec of panels beside or below each other; a selection in the last layer of one is felt in all."""
    joined: Any = alt.vconcat if stacked else alt.hconcat
    spec = without_data(joined(*panels, spacing=SPACING).configure_view(strokeWidth=0))
    # One selection each: Altair has numbered the views that listen.
    views = [panel["layer"][-1]["name"] for panel in spec["vconcat" if stacked else "hconcat"]]
    spec["params"] = [selection.param.to_dict() | {"views": views} for selection in selections]
    return spec


def _panel(
    base: Any,
    letter: str,
    title: str,
    runs: tuple[int, ...],
    log: bool,
    hover: Any,
    val: bool,
    legend: bool,
    smooth: bool,
) -> Any:
    """Lines, validation dots, marks at the top, the pinned step, and what hovering shows."""
    color, dash = run_encodings(dict.fromkeys(runs, ""), legend)
    top = f"top_{letter}"
    ends = {"domainMax": alt.expr(top), "nice": alt.expr(f"{top} === null")}
    # Vega's own description has type and ends of the scale, and stays as it is when these change.
    axis = number_axis(f"log_{letter}", OF_PANEL[letter], description=title)
    y = value_axis(log, OF_PANEL[letter], axis, **ends)
    pointed, base = (
        base.transform_filter(hover),
        base.transform_filter("low <= datum.step && datum.step <= high"),
    )
    # A scale that the browser made a log one has rows of before until the server's, which have gaps here.
    fits = f"log_{letter} && datum.value <= 0 ? null : datum.value"

    def shown(base: Any, letter: str) -> Any:
        rows = folded(base, letter, runs).transform_filter("indexof(hidden, datum.run) < 0")
        return rows.transform_calculate(value=fits) if letter in "lgstv" else rows

    line: dict[str, Any] = {"strokeWidth": 1.75, "clip": True}
    true = shown(base, letter).mark_line(**line | ({"opacity": FAINT} if smooth else {}))
    layers = [true.encode(y, color, dash)]
    if smooth:
        average = shown(base, {"l": "s", "g": "t"}[letter]).mark_line(**line)
        layers.append(average.encode(y, color, dash))
    if val:
        points = shown(base, "v").mark_point(**DOT, size=22, clip=True)
        layers.append(points.encode(y, color))
    at_top = {"y": alt.value(MARK_HEIGHT)}
    beyond = shown(base, {"l": "b", "g": "c"}[letter]).mark_point(**DOT, shape="triangle-up", size=50)
    ended = shown(base, "m").mark_point(**DOT, shape="cross", angle=45, size=110)
    layers += [beyond.encode(color, **at_top), ended.encode(color, **at_top)]
    dots = (
        shown(pointed, letter).transform_filter("isValid(datum.value)").mark_point(**DOT, size=60, clip=True)
    )
    place = alt.expr(f"scale('{OF_PANEL[letter]}', datum.value)")  # so that the domain depends on no dot
    layers.append(dots.encode(color, y=alt.value(place)))
    layers.append(pointed.mark_rule(strokeWidth=1, color=QUIET, aria=False))
    layers.append(
        base.transform_filter("datum.step === pinned").mark_rule(strokeDash=[4, 3], color=QUIET, aria=False)
    )
    rule = base.mark_rule(opacity=0, aria=False).encode(tooltip=_tips(letter, runs))
    layers.append(rule.properties(name=f"rules_{letter}"))
    return alt.layer(*layers)


def run_encodings(names: Mapping[int, str], legend: bool = True) -> tuple[Any, Any]:
    """Color and dash of each run by its place, with one legend for both; a run keeps its place for life."""
    domain = [str(place) for place in range(len(DASHES))]
    shown: Any = None
    if legend:
        shown = alt.Legend(
            title=None,
            orient="bottom",
            columns=2,
            values=[str(place) for place in names],
            labelExpr=_words(names),
            symbolType="stroke",
            symbolSize=300,
            labelLimit=240,
        )
    color = alt.Color("run:N").scale(domain=domain).legend(shown)
    return color, alt.StrokeDash("run:N").scale(domain=domain, range=DASHES).legend(shown)


def _words(names: Mapping[int, str]) -> str:
    """Place of a run -> its name, as an expression."""
    return f"{json.dumps({str(place): name for place, name in names.items()})}[datum.label]"


def value_axis(log: bool, name: str = "y", axis: Any = None, **more: Any) -> Any:
    """The vertical axis. name: of its scale in Vega, which counts the panels. more: of the scale."""
    scale: dict[str, Any] = ({"type": "log"} if log else {"type": "linear", "zero": False}) | more
    return alt.Y("value:Q").title(None).scale(**scale).axis(axis or number_axis(log, name))


def number_axis(log: bool | str, name: str = "y", **more: Any) -> Any:
    """An axis of numbers; on a log scale with a line for each power of ten.

    log: whether it is one, or the signal that says so. name: of its scale in Vega. more: of the axis.
    """
    decade = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-9"
    line = alt.condition(f"!{_said(log)} || {decade}", alt.value(1), alt.value(0))
    apart = alt.expr(f"{_said(log)} ? 'greedy' : true")  # as Vega-Lite chooses for these scales
    return alt.Axis(labelExpr=alike(log, name), tickCount=5, gridOpacity=line, labelOverlap=apart, **more)


def _said(log: bool | str) -> str:
    """As an expression."""
    return log if isinstance(log, str) else f"{log}".lower()


def alike(log: bool | str, name: str) -> str:
    """Labels of one notation, as an expression: all with exponents where one would need one.

    Vega judges each number by itself: 10,000,000,000 would stand beside 1e+20. log, name: see `number_axis`.
    """
    low, high = (f"abs(domain('{name}')[{end}])" for end in (0, 1))
    smallest = f"({_said(log)} ? min({low}, {high}) : max({low}, {high}))"
    needs = f"max({low}, {high}) >= {LARGE:g} || {smallest} < {SMALL:g}"
    return f"datum.label && datum.value && ({needs}) ? format(datum.value, '.6~e') : datum.label"


def _tips(letter: str, runs: Sequence[int]) -> list[Any]:
    """All runs at the step under the pointer; their names are set later."""
    tips = [alt.Tooltip("step:Q", title="step", format="d")]
    return tips + [alt.Tooltip(f"{letter}{i}:Q", title="", format=TIP) for i in runs]


def folded(base: Any, letter: str, runs: Sequence[int]) -> Any:
    """Long rows of one quantity: run i's column becomes rows with run = "i"."""
    names = [f"{letter}{i}" for i in runs]
    if letter in "vmbc":
        base = base.transform_filter("datum.marked > 0")
    folded = base.transform_fold(names, as_=["column", "value"])
    valid = folded.transform_filter("isValid(datum.value)") if letter in "vmbc" else folded
    return valid.transform_calculate(run="substring(datum.column, 1)")


def compact(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows in fewer bytes, to be sent to a chart.

    Text becomes categories. Small whole numbers become integers, their nan null. Other numbers keep the
    7 digits of float32, unless one in the column is too large or too small for it.
    """
    return pd.DataFrame({name: _narrow(column) for name, column in frame.items()}, copy=False)


def _narrow(column: pd.Series) -> Any:
    if not pd.api.types.is_numeric_dtype(column):
        return column.astype("category")
    values = column.to_numpy(dtype=float)
    empty = np.isnan(values)
    sizes = np.abs(values[~empty])
    most, least = sizes.max(initial=0.0), sizes[sizes > 0].min(initial=math.inf)
    for whole in (np.int8, np.int16):
        if most <= np.iinfo(whole).max and (sizes == np.rint(sizes)).all():
            return pd.arrays.IntegerArray(np.where(empty, 0, values).astype(whole), empty)
    return values.astype(np.float32) if SINGLE.tiny <= least and most <= SINGLE.max else values


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


def axis_top(
    series: Sequence[np.ndarray], log: bool, exploding: Sequence[bool] | None = None
) -> float | None:
    """Where an axis ends so that one exploding run does not flatten the others; None: at the data.

    Far above what every run begins with, and above the middle of each run that stays finite (or is not
    exploding, where that is known); rounded to a power of ten, so that the spec stays the same while a
    run goes on.
    """
    finite = [values[np.isfinite(values)] for values in series]
    usual = [values[0] for values in finite if len(values)]
    if exploding is None:
        exploding = [len(f) < len(v) - 1 for f, v in zip(finite, series, strict=True)]
    whole = [f for f, explodes in zip(finite, exploding, strict=True) if len(f) and not explodes]
    usual += [float(np.quantile(values, 0.5, method="lower")) for values in whole]  # a sum could overflow
    highest = max((values.max() for values in finite if len(values)), default=0.0)
    top = HEADROOM[log] * float(max(usual, default=0.0))
    if highest <= top or top <= 0:
        return None
    return 10.0 ** min(math.ceil(math.log10(top)), 308)  # the largest power that is a number


def goes_beyond(values: np.ndarray, top: float | None) -> np.ndarray:
    """1 at each step where the values leave the axis, nan elsewhere."""
    above = np.zeros(len(values), dtype=bool) if top is None else np.nan_to_num(values, nan=0.0) > top
    enters = above & ~np.concatenate([[False], above[:-1]])
    return np.where(enters, 1.0, np.nan)
