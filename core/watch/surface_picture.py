"""The path over the loss surface: contour lines, path, and marks, as a frame and its spec.

One frame holds all parts, told apart by its column `part`, so that a page follows a run by cutting
the path at a step, without computing the surface again.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from contourpy import LineType, contour_generator

from core.charts import TIP, thin, with_scales, without_data
from core.watch.plane import WeightPath
from core.watch.surface import LEVELS, Surface, Window, levels

PARTS = ("contour", "label", "path", "start", "here", "minimum")
EMPTY = {"level": np.nan, "rank": 0, "segment": 0, "order": 0, "step": -1, "loss": np.nan}
TYPES = dict.fromkeys(("x", "y", "level", "loss"), float) | dict.fromkeys(
    ("part", "rank", "segment", "order", "step"), np.int32
)
Rows = dict[str, np.ndarray]
MAX_CONTOUR_ROWS, MAX_PATH_ROWS = 3000, 600
APART, INSET = 0.13, 0.06  # of the picture's side: between two labels, and from its edge

# Each has a contrast of 3 or more against white and against the dark page.
LOW, MIDDLE, HIGH = "#B7791F", "#C8553D", "#B8388A"
NEUTRAL = "#7A869A"

RING = "M0,-1.3A1.3,1.3,0,1,1,0,1.3A1.3,1.3,0,1,1,0,-1.3M0,-1.1A1.1,1.1,0,1,0,0,1.1A1.1,1.1,0,1,0,0,-1.1"
ACROSS = "M-1.4,-1.4L1.4,1.4M1.4,-1.4L-1.4,1.4"
MARKS = {  # part -> word and shape
    "start": ("start", RING),
    "here": ("now", "circle"),
    "minimum": ("minimum", ACROSS),
}


def contour_frame(surface: Surface, path: WeightPath) -> pd.DataFrame:
    """Rows of the parts "contour" and "label" for `picture_frame`.

    Lines run through the points of a segment in the order of column `order`; rank counts the
    levels from 0. One label per level, where there is room for it beside the path.
    """
    at = levels(surface.losses, surface.precision)
    lines = _few([(rank, line) for rank, level in enumerate(at) for line in _lines(surface, level)])
    rows = [_rows("contour", np.empty((0, 2)))]
    for segment, (rank, line) in enumerate(lines):
        order = np.arange(len(line))
        rows.append(_rows("contour", line, level=at[rank], rank=rank, segment=segment, order=order))
    labels = _labels(surface, path, lines)
    return _joined(rows + [_rows("label", place, level=at[rank], rank=rank) for rank, place in labels])


def _lines(surface: Surface, level: float) -> list[np.ndarray]:
    """The lines at one level, each (points, 2), between the points of the grid by linear interpolation."""
    known = np.ma.masked_invalid(surface.losses)
    generator = contour_generator(surface.x, surface.y, known, line_type=LineType.Separate)
    return list(generator.lines(level))  # type: ignore[arg-type]  # of this type, a list of arrays


def _few(lines: list[tuple[int, np.ndarray]]) -> list[tuple[int, np.ndarray]]:
    """At most MAX_CONTOUR_ROWS points: every n-th of each line and its last; the longest lines first."""
    every = -(-sum(len(line) for _, line in lines) // MAX_CONTOUR_ROWS)
    if every <= 1:
        return lines
    thinned = [(rank, np.vstack([line[:-1:every], line[-1:]])) for rank, line in lines]
    thinned.sort(key=lambda one: -len(one[1]))
    ends = np.cumsum([len(line) for _, line in thinned])
    return thinned[: int((ends <= MAX_CONTOUR_ROWS).sum())]


def _labels(
    surface: Surface, path: WeightPath, lines: list[tuple[int, np.ndarray]]
) -> list[tuple[int, np.ndarray]]:
    """(rank, (1, 2) place) of each label: far from the labels before it, the path and the edge."""
    corner = np.array([surface.x[0], surface.y[0]])
    sides = np.array([surface.x[-1], surface.y[-1]]) - corner
    on_path = (path.points[thin(path.points[: path.shown], 100)] - corner) / sides
    placed: list[np.ndarray] = []
    labels = []
    for rank in sorted({rank for rank, _ in lines}, reverse=True):
        points = np.vstack([line for r, line in lines if r == rank])
        shares = (points - corner) / sides
        room = 2 * _distance(shares, on_path)
        if placed:
            room = np.minimum(room, _distance(shares, np.array(placed)))
        room[np.minimum(shares, 1 - shares).min(axis=1) < INSET] = 0.0
        best = int(room.argmax())
        if room[best] > APART:
            placed.append(shares[best])
            labels.append((rank, points[best : best + 1]))
    return labels


def _distance(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(m, 2) and (k, 2) -> (m,), to the nearest of the others."""
    return np.linalg.norm(points[:, None] - others, axis=2).min(axis=1)


def _rows(part: str, points: np.ndarray, **columns: Any) -> Rows:
    """Rows of one part with all columns; those that it has not are empty."""
    given = {"x": points[:, 0], "y": points[:, 1], "part": PARTS.index(part)} | EMPTY | columns
    return {name: np.broadcast_to(np.asarray(value), len(points)) for name, value in given.items()}


def _joined(parts: list[Rows]) -> pd.DataFrame:
    """One frame of all rows, column by column: a frame for each part would take ten times as long."""
    columns = {name: np.concatenate([rows[name] for rows in parts]).astype(t) for name, t in TYPES.items()}
    part = pd.Categorical.from_codes(columns.pop("part"), categories=list(PARTS))
    return pd.DataFrame(columns).assign(part=part)


def picture_frame(
    contours: pd.DataFrame,
    path: WeightPath,
    window: Window,
    step: int,
    minimum: Sequence[float] | None = None,
) -> pd.DataFrame:
    """The contours, the path up to a step, its start, where it is, and the minimum.

    Columns x, y, part, level, rank, segment, order, step, loss; at most 4,000 rows. The path is
    thinned, and ends with the piece that leaves the picture; then there is no row "here".
    """
    parts = [] if minimum is None else [_rows("minimum", np.array([minimum], dtype=float))]
    return pd.concat([contours, _joined(parts + _walked(path, window, step))], ignore_index=True)


def _walked(path: WeightPath, window: Window, step: int) -> list[Rows]:
    """Start, path up to a step, and its end."""
    so_far = int((path.steps <= step).sum())
    rows = thin(path.points[: path.shown], MAX_PATH_ROWS)  # of the whole, so that the line only grows
    inside = min(so_far, path.shown)
    rows = np.union1d(rows[rows < inside], [inside - 1] if inside else []).astype(int)
    points, steps, losses = path.points[rows], path.steps[rows], path.losses[rows]
    parts = [_rows("start", path.points[:1], step=path.steps[:1], loss=path.losses[:1])]
    if so_far > inside:
        points = np.vstack([points, _leaving(path.points[inside - 1], path.points[inside], window)])
        steps, losses = np.append(steps, path.steps[inside]), np.append(losses, path.losses[inside])
    else:
        parts.append(_rows("here", points[-1:], step=steps[-1:], loss=losses[-1:]))
    return [*parts, _rows("path", points, step=steps, loss=losses, order=np.arange(len(points)))]


def _leaving(inside: np.ndarray, outside: np.ndarray, window: Window) -> np.ndarray:
    """A point on the way from one to the other, at most two sides of the picture away."""
    sides = np.array([high - low for low, high in window])
    way = outside - inside
    return inside + way / max(1.0, float(np.abs(way / sides).max()) / 2)


def surface_spec(titles: tuple[str, str], window: Window, minimum: bool) -> dict[str, Any]:
    """Spec for a frame of `picture_frame`; minimum: whether it has one."""
    x, y = ({"domain": list(ends)} for ends in window)
    return with_scales(_surface(titles, minimum), {"x": x, "y": y})


@lru_cache(maxsize=64)
def _surface(titles: tuple[str, str], minimum: bool) -> dict[str, Any]:
    axis = alt.Axis(format=".6~g", grid=False, tickCount=5)
    base = alt.Chart().encode(
        alt.X("x:Q").title(titles[0]).scale(nice=False, zero=False).axis(axis),
        alt.Y("y:Q").title(titles[1]).scale(nice=False, zero=False).axis(axis),
    )
    ramp = alt.Color("rank:Q").scale(domain=[0, LEVELS - 1], range=[LOW, MIDDLE, HIGH]).legend(None)
    level = alt.Tooltip("level:Q", title="loss", format=TIP)
    contours = _part(base, "contour").mark_line(strokeWidth=1.2, clip=True, aria=False)
    labels = _part(base, "label").mark_text(fontSize=10, dy=-6, aria=False)
    layers = [
        contours.encode(ramp, level, detail="segment:N", order="order:Q"),
        labels.encode(ramp, level, alt.Text("level:Q", format=".6~g")),
        *_path(base),
        *_marks(base, minimum),
    ]
    known = f"isValid(datum.loss) ? format(datum.loss, '{TIP}') : 'unknown'"
    chart = alt.layer(*layers).transform_calculate(run="'run'", known=known)
    chart = chart.resolve_scale(color="independent").properties(height=420)  # a phone needs it for the titles
    return without_data(chart.configure_view(strokeWidth=0))


def _path(base: Any) -> list[Any]:
    """The line, and a point at every step for pointers; in the first color of the theme."""
    path = _part(base, "path")
    line = path.mark_line(strokeWidth=2, clip=True).encode(_first(alt.Color), order="order:Q")
    points = path.mark_point(filled=True, size=12, opacity=1, clip=True, aria=False)
    return [line, points.encode(_first(alt.Color), tooltip=_tips())]


def _marks(base: Any, minimum: bool) -> list[Any]:
    """Minimum, start and current position, by shape; fill and stroke, since the first has no area."""
    shown = [part for part in MARKS if minimum or part != "minimum"]
    words = {part: MARKS[part][0] for part in shown}
    legend = alt.Legend(
        title=None,
        orient="bottom",
        labelExpr=f"{words}[datum.label]",
        symbolFillColor=NEUTRAL,
        symbolStrokeColor=NEUTRAL,
    )
    shape = alt.Shape("part:N").scale(domain=shown, range=[MARKS[part][1] for part in shown]).legend(legend)
    style: dict[str, Any] = {"filled": True, "size": 80, "strokeWidth": 1.5, "opacity": 1, "clip": True}
    marks = {
        part: _part(base, part).mark_point(**style).encode(_first(alt.Fill), _first(alt.Stroke), shape)
        for part in shown
    }
    of_steps = [marks[part].encode(tooltip=_tips()) for part in ("start", "here")]
    return [marks["minimum"], *of_steps] if minimum else of_steps


def _first(channel: Any) -> Any:
    """A channel of color at the first color of the theme, whatever the row."""
    return channel("run:N").scale(domain=["run"]).legend(None)


def _tips() -> list[Any]:
    return [alt.Tooltip("step:Q", format="d"), alt.Tooltip("known:N", title="loss")]


def _part(base: Any, part: str) -> Any:
    return base.transform_filter(alt.FieldEqualPredicate(part, "part"))
