"""The pictures of losses: what stands where, and what it is made of."""

import altair as alt
import pytest

from core.charts import STACK_BELOW
from core.loss_lessons import outlier, softmax_twice
from core.loss_lessons.curves import curves
from core.loss_lessons.pictures import classes_frame, classes_spec, outlier_spec, pair_spec, span

NAMES = ("MSE", "BCE with logits")
TITLES = ("Loss", "Gradient")
FRAME = curves(["mse", "bce"], 1.0, -2.0)


def pair(width=1200, ranges=((0.0, 8.0), (-4.0, 4.0)), logs=(False, False)):
    return pair_spec(NAMES, TITLES, "prediction", logs, ranges, width)


def encodings(spec, channel):
    return [layer["encoding"][channel] for layer in spec["layer"] if channel in layer["encoding"]]


@pytest.mark.parametrize("width", [360, 1200])
def test_both_panels_share_the_prediction_and_the_pointer(width):
    spec = pair(width)
    panels = spec["vconcat"] if width < STACK_BELOW else spec["hconcat"]
    alt.Chart.from_dict(spec | {"data": {"values": []}})
    assert [panel["title"]["text"] for panel in panels] == list(TITLES)
    assert sum(panel["width"] for panel in panels) <= (width if width >= STACK_BELOW else 2 * width)
    (hover,) = spec["params"]
    assert hover["select"]["fields"] == ["x"] and len(hover["views"]) == 2
    for panel in panels:
        assert {x["field"] for x in encodings(panel, "x")} == {"x", "marked"}


def test_every_line_has_a_color_and_a_dash():
    for panel in pair()["hconcat"]:
        lines = panel["layer"][0]
        assert lines["encoding"]["color"]["field"] == lines["encoding"]["strokeDash"]["field"] == "run"
        scale = lines["encoding"]["strokeDash"]["scale"]
        dashes = dict(zip(scale["domain"], map(tuple, scale["range"]), strict=True))
        assert len({dashes[str(number)] for number in range(len(NAMES))}) == len(NAMES)


def test_tips_name_every_line_with_its_own_column():
    for panel, letter in zip(pair()["hconcat"], "lg", strict=True):
        tips = panel["layer"][-1]["encoding"]["tooltip"]
        assert [(t["field"], t["title"]) for t in tips[1:]] == [
            (f"{letter}{i}", n) for i, n in enumerate(NAMES)
        ]
        assert {t["field"] for t in tips} <= set(FRAME.columns)


def test_axes_end_where_they_are_told_and_the_kept_spec_stays_as_it_is():
    told = pair(ranges=((0.0, 3.0), None))
    again = pair()
    assert {tuple(y["scale"]["domain"]) for y in encodings(told["hconcat"][0], "y") if "scale" in y} == {
        (0.0, 3.0)
    }
    assert not any("domain" in y.get("scale", {}) for y in encodings(told["hconcat"][1], "y"))
    assert {tuple(y["scale"]["domain"]) for y in encodings(again["hconcat"][0], "y") if "scale" in y} == {
        (0.0, 8.0)
    }


def test_a_span_holds_all_up_to_its_cap():
    assert span(FRAME, "l", float("inf")) == (0.0, 25.0)  # (-4 - 1) squared
    assert span(FRAME, "l", 8.0) == (0.0, 8.0)
    assert span(FRAME, "g", float("inf")) == (-10.0, 6.0)
    assert span(FRAME, "g", 4.0) == (-4.0, 4.0)


def test_each_panel_has_the_scale_that_is_asked_for():
    for logs in ((True, False), (False, True)):
        kinds = [
            {y["scale"]["type"] for y in encodings(panel, "y") if "scale" in y}
            for panel in pair(logs=logs)["hconcat"]
        ]
        assert kinds == [{"log" if log else "linear"} for log in logs]


def test_the_floor_is_a_level_in_the_loss_alone():
    levels = [
        [layer for layer in panel["layer"] if layer["encoding"].get("y", {}).get("field") == "floor"]
        for panel in pair(logs=(False, True))["hconcat"]
    ]
    assert [len(found) for found in levels] == [1, 0]
    assert "x" not in levels[0][0]["encoding"]  # from side to side
    frame = softmax_twice.sweep(10.0, 3, -10.0).assign(floor=softmax_twice.floor(3))
    assert len(frame.query("marked == marked")) == 1  # one level is drawn


def test_the_outlier_stands_on_axes_that_do_not_move():
    for number in range(len(outlier.FITTED)):
        spec = outlier_spec(number)
        alt.LayerChart.from_dict(spec | {"data": {"values": []}})
        domains = {tuple(y["scale"]["domain"]) for y in encodings(spec, "y")}
        assert domains == {(-outlier.REACH - 2, outlier.REACH + 2)}
        filters = [layer["transform"][0]["filter"] for layer in spec["layer"]]
        assert filters == [f"datum.part == '{part}'" for part in ("home", "line", "point", "outlier")]
        assert spec["layer"][1]["transform"][1] == {"calculate": f"'{number}'", "as": "run"}


def test_bars_of_classes_have_their_names_and_numbers():
    frame = classes_frame([2.0, -1.0, 0.5], 0)
    assert frame["class"].tolist() == ["0, right|2", "1|−1", "2|0.5"]
    spec = classes_spec(-2.4, 2.4)
    alt.Chart.from_dict(spec | {"data": {"values": []}})
    assert spec["encoding"]["y"]["scale"]["domain"] == [-2.4, 2.4]
    assert spec["encoding"]["x"]["sort"] is None  # in the order of the classes
