"""The picture of the loss surface: where its lines run, what it shows at a step, what its spec means."""

import json
import math

import altair as alt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core import Config, Run, build
from core.watch.plane import flat, path_of
from core.watch.surface import Surface, least_squares, levels, window
from core.watch.surface_picture import (
    APART,
    HIGH,
    INSET,
    LOW,
    MAX_CONTOUR_ROWS,
    MAX_PATH_ROWS,
    MIDDLE,
    NEUTRAL,
    PARTS,
    contour_frame,
    picture_frame,
    surface_spec,
)

X, Y = np.array([1.0, 2, 3, 4]), np.array([6.96, 12.11, 16.77, 22.21])  # the deliveries
COLUMNS = ["x", "y", "level", "loss", "rank", "segment", "order", "step", "part"]
QUIET = settings(deadline=None, max_examples=40)


def made(size=None, within=None, **choices):
    """Run, path, minimum and finished surface of the deliveries."""
    settings = {"dataset": "deliveries", "model": "linear", "start": (0.0,), "lr": 0.05, "steps": 40}
    run = Run(Config(**{"dtype": "float64"} | settings | choices)).advance()
    path = path_of(flat(run.history.weights), run.history.losses)
    minimum = least_squares(run.data.inputs, run.data.targets)
    within = within or window(path, minimum)
    loss_fn = build.make_loss(run.config, run.data)
    surface = Surface(run.model, loss_fn, run.data.inputs, run.data.targets, path.plane, within, size)
    return run, path, minimum, surface.advance()


@pytest.fixture(scope="module")
def bowl():
    return made()


def with_losses(losses):
    """A surface over (0, 1) x (0, 2) that holds these losses, and a path in its corner."""
    _, _, _, surface = made(size=len(losses), within=((0.0, 1.0), (0.0, 2.0)), steps=2)
    surface.losses[:] = losses
    return surface, path_of(np.array([[0.0, 0.0], [0.01, 0.0]]), np.ones(2))


def squared_error(weight, bias):
    return sum((weight * x + bias - y) ** 2 for x, y in zip(X, Y, strict=True)) / 4


def rows(frame, part):
    return frame[frame["part"] == part].reset_index(drop=True)


# -- contour lines -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [21, 81])
def test_contour_lines_lie_on_their_level(size):
    """Linear interpolation along an edge of length h misses a parabola by h^2 / 8 times its curvature."""
    _, path, _, surface = made(size=size)
    lines = rows(contour_frame(surface, path), "contour")
    here = squared_error(lines["x"], lines["y"])
    steps = np.diff(surface.x)[0], np.diff(surface.y)[0]
    bound = max(steps[0] ** 2 * 15, steps[1] ** 2 * 2) / 8  # curvatures 15 and 2 along weight and bias
    assert len(lines) > 100
    assert (here <= lines["level"] + 1e-9).all()  # a chord of a bowl lies above it
    assert (here >= lines["level"] - bound - 1e-9).all()


def test_every_level_has_a_line_and_every_segment_one_level(bowl):
    _, path, _, surface = bowl
    lines = rows(contour_frame(surface, path), "contour")
    at = levels(surface.losses, surface.precision)
    assert sorted(set(lines["level"])) == at.tolist()
    assert (at[lines["rank"]] == lines["level"]).all()
    assert (lines.groupby("segment")["level"].nunique() == 1).all()


def test_points_of_a_segment_follow_each_other_along_its_line(bowl):
    """Two neighbors share a cell of the grid: other orders would draw lines across the picture."""
    _, path, _, surface = bowl
    cell = np.array([np.diff(surface.x)[0], np.diff(surface.y)[0]]) * (1 + 1e-9)
    for _, line in rows(contour_frame(surface, path), "contour").groupby("segment"):
        assert line["order"].tolist() == list(range(len(line)))
        assert (np.abs(np.diff(line[["x", "y"]].to_numpy(), axis=0)) <= cell).all()


def test_lines_stay_in_the_picture(bowl):
    _, path, _, surface = bowl
    frame = contour_frame(surface, path)
    for name, at in (("x", surface.x), ("y", surface.y)):
        # A point on the edge is a (1 - t) + a t for some t, which may be the next number above a.
        beyond = 4 * np.finfo(float).eps * np.abs(at).max()
        assert frame[name].between(at[0] - beyond, at[-1] + beyond).all()


def test_a_rugged_surface_keeps_within_its_rows():
    rugged = np.random.default_rng(0).standard_normal((81, 81))
    surface, path = with_losses(rugged)
    frame = contour_frame(surface, path)
    lines = rows(frame, "contour")
    assert MAX_CONTOUR_ROWS / 2 < len(lines) <= MAX_CONTOUR_ROWS
    assert (lines.groupby("segment").size() >= 2).all()


def test_thinned_lines_keep_their_ends():
    """Waves make more rows than fit; their lines still reach from edge to edge."""
    x = np.linspace(0, 1, 81)
    waves = np.tile(np.sin(60 * x), (81, 1))
    surface, path = with_losses(waves)
    lines = rows(contour_frame(surface, path), "contour")
    assert len(lines) <= MAX_CONTOUR_ROWS
    ends = lines.groupby("segment")["y"].agg(["min", "max"])
    assert (ends["min"] == 0.0).all() and (ends["max"] == 2.0).all()


@given(arrays(float, (5, 5), elements=st.sampled_from([0.1, 1.0, 2.0, 5.0, math.inf, math.nan])))
@QUIET
def test_losses_that_are_not_finite_make_no_lines_and_no_trouble(losses):
    surface, path = with_losses(losses)
    frame = contour_frame(surface, path)
    lines = rows(frame, "contour")
    assert list(frame.columns) == COLUMNS
    assert np.isfinite(lines[["x", "y", "level"]]).all().all()
    finite = losses[np.isfinite(losses)]
    if len(lines):
        assert lines["level"].between(finite.min(), finite.max()).all()


def test_lines_keep_away_from_a_hole():
    x = np.linspace(0, 1, 41)
    losses = np.tile(1 + x, (41, 1))  # rises to the right
    losses[:, 20:] = math.inf
    surface, path = with_losses(losses)
    lines = rows(contour_frame(surface, path), "contour")
    assert len(lines) and lines["x"].max() <= x[19]


@pytest.mark.parametrize("value", [0.7, 0.0, math.inf, math.nan])
def test_a_flat_surface_has_no_lines_but_still_a_path(value):
    surface, path = with_losses(np.full((9, 9), value))
    contours = contour_frame(surface, path)
    frame = picture_frame(contours, path, surface.window, 1)
    assert len(contours) == 0 and list(contours.columns) == COLUMNS
    assert frame["part"].tolist() == ["start", "here", "path", "path"]


def test_labels_name_levels_on_their_lines_with_room_around(bowl):
    _, path, _, surface = bowl
    frame = contour_frame(surface, path)
    lines, labels = rows(frame, "contour"), rows(frame, "label")
    assert 3 <= len(labels) == labels["level"].nunique()
    on = set(zip(lines["x"], lines["y"], lines["level"], strict=True))
    assert all(place in on for place in zip(labels["x"], labels["y"], labels["level"], strict=True))
    corner, sides = (np.array(ends) for ends in zip(*((a, b - a) for a, b in surface.window), strict=True))
    shares, way = ((points - corner) / sides for points in (labels[["x", "y"]].to_numpy(), path.points))
    apart = np.linalg.norm(shares[:, None] - shares, axis=2)[np.triu_indices(len(shares), 1)]
    assert apart.min() > APART and shares.min() >= INSET and shares.max() <= 1 - INSET
    assert np.linalg.norm(shares[:, None] - way, axis=2).min() > APART / 2  # the path may come nearer


# -- path and marks ------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0, 1, 17, 39])
def test_the_picture_at_a_step_holds_the_path_up_to_it(bowl, step):
    run, path, minimum, surface = bowl
    contours = contour_frame(surface, path)
    frame = picture_frame(contours, path, surface.window, step, minimum)
    weights = flat(run.history.weights)
    line = rows(frame, "path")
    assert (line[["x", "y"]].to_numpy() == weights[: step + 1]).all()
    assert (line["loss"] == run.history.losses[: step + 1]).all()
    assert line["step"].tolist() == line["order"].tolist() == list(range(step + 1))
    (start,), (here,) = (rows(frame, part).itertuples() for part in ("start", "here"))
    assert (start.x, start.y, start.step, start.loss) == (*weights[0], 0, run.history.losses[0])
    assert (here.x, here.y, here.step, here.loss) == (*weights[step], step, run.history.losses[step])
    assert rows(frame, "minimum")[["x", "y"]].to_numpy().tolist() == [minimum.tolist()]
    assert (rows(frame, "contour") == rows(contours, "contour")).sum().sum() > 0
    assert frame["part"].cat.categories.tolist() == list(PARTS) and list(frame.columns) == COLUMNS


def test_before_the_first_step_there_is_only_the_start(bowl):
    _, path, _, surface = bowl
    frame = picture_frame(contour_frame(surface, path), path, surface.window, -1)
    assert len(rows(frame, "start")) == 1
    assert not len(rows(frame, "here")) + len(rows(frame, "path")) + len(rows(frame, "minimum"))


def test_a_long_path_is_thinned_with_its_present_place_exact():
    points = np.random.default_rng(0).standard_normal((5000, 2)).cumsum(axis=0)
    path = path_of(points, np.ones(5000))
    _, _, _, surface = made(size=5, within=window(path), steps=2)
    contours = contour_frame(surface, path)
    whole = picture_frame(contours, path, surface.window, 4999, (0.0, 0.0))
    line = rows(whole, "path")
    assert MAX_PATH_ROWS / 2 < len(line) <= MAX_PATH_ROWS + 2 and len(whole) <= 4000
    for axis, column in enumerate("xy"):  # no excursion is lost
        assert line[column].min() == points[:, axis].min() and line[column].max() == points[:, axis].max()
    for step in (0, 1, 1234, 4998):
        frame = picture_frame(contours, path, surface.window, step)
        assert rows(frame, "here")[["x", "y"]].to_numpy().tolist() == [points[step].tolist()]
        before = rows(frame, "path")
        assert before["step"].iloc[-1] == step and (np.diff(before["step"]) > 0).all()
        assert set(before["step"][:-1]) <= set(line["step"])  # growing, the line keeps its points


def test_steps_that_were_not_kept_show_the_last_one_before_them():
    path = path_of(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]), np.ones(3), np.array([0, 10, 20]))
    _, _, _, surface = made(size=5, within=window(path), steps=2)
    frame = picture_frame(contour_frame(surface, path), path, surface.window, 14)
    assert rows(frame, "here")["step"].tolist() == [10]
    assert rows(frame, "path")["step"].tolist() == [0, 10]


def test_a_path_that_explodes_leaves_the_picture_with_its_last_piece():
    points = np.array([[0.0, 0.0], [1.0, 1.0], [1e30, -1e30], [-1e60, 1e60]])
    path = path_of(points, np.array([1.0, 2.0, 1e60, 1e99]))
    (left, right), (bottom, top) = window(path)
    _, _, _, surface = made(size=5, within=window(path), steps=2)
    contours = contour_frame(surface, path)
    for step in (2, 3):
        frame = picture_frame(contours, path, surface.window, step)
        line = rows(frame, "path")
        assert line["step"].tolist() == [0, 1, 2] and not len(rows(frame, "here"))
        x, y = line[["x", "y"]].iloc[-1]
        assert not (left <= x <= right and bottom <= y <= top)  # outside, and yet near
        assert abs(x) < 10 and x - 1 == pytest.approx(-(y - 1))  # along the way from (1, 1)
    assert rows(picture_frame(contours, path, surface.window, 1), "here")["step"].tolist() == [1]


def test_a_piece_that_ends_nearby_keeps_its_end():
    points = np.array([[0.0, 0.0], [1.0, 1.0], [1.5, 2.0]])
    path = path_of(points, np.array([1.0, 2.0, 1e3]))
    _, _, _, surface = made(size=5, within=window(path), steps=2)
    line = rows(picture_frame(contour_frame(surface, path), path, surface.window, 2), "path")
    assert line[["x", "y"]].to_numpy().tolist() == points.tolist()


def test_an_unknown_loss_stays_unknown():
    path = path_of(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([math.nan, 3.0]))
    _, _, _, surface = made(size=5, within=window(path), steps=2)
    frame = picture_frame(contour_frame(surface, path), path, surface.window, 1)
    assert rows(frame, "path")["loss"].isna().tolist() == [True, False]


# -- spec ----------------------------------------------------------------------------------

TITLES = ("weight", "bias")
WINDOW = ((-1.0, 6.0), (0.0, 2.5))


def layer_of(spec, part, mark):
    found = [
        layer
        for layer in spec["layer"]
        if layer["mark"]["type"] == mark
        and layer["transform"] == [{"filter": {"field": "part", "equal": part}}]
    ]
    assert len(found) == 1
    return found[0]


def fields_of(encoding):
    for channel in encoding.values():
        for one in channel if isinstance(channel, list) else [channel]:
            if "field" in one:
                yield one["field"]


@pytest.mark.parametrize("minimum", [True, False])
def test_the_spec_is_valid_and_encodes_columns_of_the_frame(minimum):
    spec = surface_spec(TITLES, WINDOW, minimum)
    alt.LayerChart.from_dict(spec)  # raises where Vega-Lite's schema does not allow it
    json.dumps(spec, allow_nan=False)
    calculated = {step["as"] for step in spec["transform"]}
    used = {field for layer in spec["layer"] for field in fields_of(layer["encoding"])}
    assert used <= set(COLUMNS) | calculated and calculated <= used
    assert not any("data" in part for part in (spec, *spec["layer"]))
    filtered = [layer["transform"][0]["filter"]["equal"] for layer in spec["layer"]]
    assert set(filtered) == set(PARTS) - (set() if minimum else {"minimum"})


def test_axes_carry_the_titles_of_the_plane_and_end_at_the_window():
    spec = surface_spec(("one", "two"), WINDOW, True)
    for layer in spec["layer"]:
        for axis, title, ends in zip("xy", ("one", "two"), WINDOW, strict=True):
            encoding = layer["encoding"][axis]
            assert encoding["field"] == axis and encoding["title"] == title
            assert encoding["scale"]["domain"] == list(ends) and not encoding["scale"]["nice"]


def test_a_spec_can_be_changed_without_changing_the_next():
    once = surface_spec(TITLES, WINDOW, True)
    other = surface_spec(TITLES, ((0.0, 1.0), (0.0, 1.0)), True)
    assert once["layer"][0]["encoding"]["x"]["scale"]["domain"] == [-1.0, 6.0]
    other["layer"].clear()
    assert surface_spec(TITLES, WINDOW, True) == once


def test_contours_are_lines_by_segment_colored_by_level():
    spec = surface_spec(TITLES, WINDOW, False)
    lines = layer_of(spec, "contour", "line")["encoding"]
    assert lines["detail"]["field"] == "segment" and lines["order"]["field"] == "order"
    assert lines["color"]["field"] == "rank" and lines["color"]["type"] == "quantitative"
    assert lines["color"]["scale"]["range"] == [LOW, MIDDLE, HIGH]
    assert lines["tooltip"]["field"] == "level" and lines["tooltip"]["title"] == "loss"
    words = layer_of(spec, "label", "text")["encoding"]
    assert words["text"]["field"] == "level" and words["color"] == lines["color"]


def test_the_path_is_a_line_in_its_own_order_with_step_and_loss_at_its_points():
    spec = surface_spec(TITLES, WINDOW, False)
    line, points = layer_of(spec, "path", "line"), layer_of(spec, "path", "point")
    assert line["encoding"]["order"]["field"] == "order"
    for layer in (points, layer_of(spec, "start", "point"), layer_of(spec, "here", "point")):
        assert [(tip["field"], tip.get("title", tip["field"])) for tip in layer["encoding"]["tooltip"]] == [
            ("step", "step"),
            ("known", "loss"),
        ]
    known = next(step["calculate"] for step in spec["transform"] if step["as"] == "known")
    assert "isValid(datum.loss)" in known and "'unknown'" in known


def test_the_path_takes_its_color_from_the_theme():
    spec = surface_spec(TITLES, WINDOW, True)
    of_the_path = [
        layer for layer in spec["layer"] if layer["encoding"].get("color", {}).get("field") != "rank"
    ]
    colors = [
        layer["encoding"][channel]
        for layer in of_the_path
        for channel in ("color", "fill", "stroke")
        if channel in layer["encoding"]
    ]
    assert len(colors) == 8  # line, points, and fill and stroke of three marks
    assert all(color["scale"] == {"domain": ["run"]} for color in colors)
    assert spec["resolve"]["scale"]["color"] == "independent"  # levels have theirs


@pytest.mark.parametrize("minimum", [True, False])
def test_marks_differ_in_shape_and_are_named(minimum):
    spec = surface_spec(TITLES, WINDOW, minimum)
    named = ["start", "here", *(["minimum"] if minimum else [])]
    marks = [layer for layer in spec["layer"] if "shape" in layer["encoding"]]
    assert len(marks) == len(named)
    for layer in marks:
        shape = layer["encoding"]["shape"]
        assert shape["scale"]["domain"] == named and len(set(shape["scale"]["range"])) == len(named)
        assert "now" in shape["legend"]["labelExpr"] and shape["legend"]["orient"] == "bottom"
        assert ("minimum" in shape["legend"]["labelExpr"]) == minimum
    # What is drawn last lies on top: the present place.
    assert marks[-1]["transform"][0]["filter"]["equal"] == "here"


def test_what_leaves_the_picture_is_clipped_and_secondary_marks_are_silent():
    spec = surface_spec(TITLES, WINDOW, True)
    for layer in spec["layer"]:
        assert layer["mark"]["type"] == "text" or layer["mark"]["clip"]
    for part, mark in (("contour", "line"), ("label", "text"), ("path", "point")):
        assert layer_of(spec, part, mark)["mark"]["aria"] is False


def luminance(color):
    """Relative luminance of WCAG 2.1."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("color", [LOW, MIDDLE, HIGH, NEUTRAL])
@pytest.mark.parametrize("page", ["#FFFFFF", "#0E131F"])
def test_colors_read_on_the_light_and_on_the_dark_page(color, page):
    light, dark = sorted([luminance(color), luminance(page)], reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3
