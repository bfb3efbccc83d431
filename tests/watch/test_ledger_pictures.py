"""Pictures of the ledger and of the histograms, by what they mean: fields, scales, marks, words."""

import copy
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core import Config, Run
from core.charts import STACK_BELOW
from core.histograms import HIGH, LOW, LOWS, Histograms
from core.lines import from_letters
from core.vectors import Layout
from core.watch.histogram_picture import LEAST_SHARE, MAX_CELLS, ROUND_TO, heat_frame, heat_spec
from core.watch.ledger import MAX_BARS, axis_end, joined, ledger
from core.watch.ledger_picture import ledger_spec, panel_width, steps_that_fit

NAMES = ("Usual loop", "No zero_grad")
WIDE, PHONE = 1100, 350


def parts(node):
    """Every dict of a spec."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(child)


def panels(spec):
    return spec.get("hconcat") or spec["vconcat"]


def views(panel):
    """Everything with a mark in a panel, its transforms as one text."""
    for layer in panel.get("layer", [panel]):
        yield layer, json.dumps(panel.get("transform", []) + layer.get("transform", []))


def check_fields(spec, frame):
    """Every field that is encoded is a column, or is made from one."""
    for panel in panels(spec):
        for view, _ in views(panel):
            made_here = {transform.get("as") for transform in view.get("transform", [])}
            fields = {part["field"] for part in parts(view["encoding"]) if "field" in part}
            assert fields <= set(frame.columns) | made_here


def check_plain(spec):
    """A spec holds no data and no black, and everything in it is JSON."""
    text = json.dumps(spec, allow_nan=False)
    assert '"datasets"' not in text and '"values": [{' not in text
    assert not any("data" in part for part in parts(spec))
    assert "black" not in text and "#000" not in text


# -- the ledger ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def histories():
    config = {"dataset": "deliveries", "model": "linear", "lr": 0.01, "steps": 150}
    return [Run(Config(**config, loop=from_letters(x))).advance().history for x in ("ZFLBS", "FLBS")]


@pytest.fixture(scope="module")
def bars(histories):
    return joined([ledger(history, "weight", 0) for history in histories], 0, 999)


def layer_of(panel, part):
    """The layer that draws one part: leftover, fresh, grad or overruled."""
    found = [view for view, text in views(panel) if f"\"'{part}'\"" in text]
    assert len(found) == 1
    return found[0]


def test_the_ledger_encodes_its_columns(bars):
    for spec in (ledger_spec(NAMES, "weight[0, 0]", WIDE), ledger_spec(NAMES, "weight", PHONE, 50.0, True)):
        check_fields(spec, bars)
        check_plain(spec)
    assert len(bars) == 2 * MAX_BARS
    assert not np.isinf(bars.select_dtypes("number").to_numpy()).any()


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_each_run_has_a_panel_with_its_name_and_only_its_rows(width):
    found = panels(ledger_spec(NAMES, "weight", width))
    assert [panel["title"]["text"] for panel in found] == list(NAMES)
    for i, panel in enumerate(found):
        for view, text in views(panel):
            assert f"datum.run == '{i}'" in text, view["mark"]


@pytest.mark.parametrize("width", [PHONE, STACK_BELOW - 1, STACK_BELOW, WIDE])
def test_panels_stand_side_by_side_where_there_is_room(width):
    spec = ledger_spec(NAMES, "weight", width)
    assert ("vconcat" in spec) == (width < STACK_BELOW)
    each = [panel["width"] for panel in panels(spec)]
    assert each == [panel_width(width, 2)] * 2
    across = max(each) if width < STACK_BELOW else sum(each)
    assert 0.75 * width < across < width


@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_both_runs_are_on_one_scale(width):
    scales = ledger_spec(NAMES, "weight", width)["resolve"]["scale"]
    assert scales["y"] == scales["x"] == scales["color"] == scales["shape"] == "shared"


def test_the_fresh_bar_stands_on_the_leftover_bar_and_the_ring_is_grad():
    for panel in panels(ledger_spec(NAMES, "weight[0, 3]", WIDE)):
        leftover, fresh, grad = (layer_of(panel, part) for part in ("leftover", "fresh", "grad"))
        assert leftover["encoding"]["y"]["field"] == "leftover" and leftover["encoding"]["y2"] == {"datum": 0}
        assert fresh["encoding"]["y"]["field"] == "start" and fresh["encoding"]["y2"]["field"] == "end"
        assert grad["encoding"]["y"]["field"] == "grad" and grad["encoding"]["x"]["field"] == "step"
        assert leftover["encoding"]["y"]["title"] == "weight[0, 3]"
        assert leftover["mark"]["type"] == fresh["mark"]["type"] == "rect"
        assert grad["mark"]["type"] == "point"


def test_fresh_and_leftover_differ_in_more_than_color():
    panel = panels(ledger_spec(NAMES, "weight", WIDE))[0]
    leftover, fresh = layer_of(panel, "leftover"), layer_of(panel, "fresh")
    assert leftover["mark"]["fillOpacity"] < 0.5 < fresh["mark"]["fillOpacity"]
    assert leftover["encoding"]["stroke"]["field"] == "part"  # an outline, so that it is not lost


def test_every_part_is_named_in_words_and_has_a_form_of_its_own():
    for norms in (False, True):
        shape = layer_of(panels(ledger_spec(NAMES, "weight", WIDE, norms=norms))[0], "grad")["encoding"][
            "shape"
        ]
        legend, scale = shape["legend"], shape["scale"]
        assert set(legend["values"]) == {"fresh", "leftover", "grad", "overruled"}
        forms = dict(zip(scale["domain"], scale["range"], strict=True))
        assert len({forms[part] for part in legend["values"]}) == 4
        words = json.loads(legend["labelExpr"].removesuffix("[datum.label]"))
        assert "batch" in words["fresh"] and "leftover" in words["leftover"] and ".grad" in words["grad"]
        assert "overrule" in words["overruled"]
        assert ("norm" in words["fresh"]) == norms


def test_colors_are_the_themes_and_not_those_of_the_runs():
    for part in parts(ledger_spec(NAMES, "weight", WIDE)):
        for channel in ("color", "stroke"):
            if "scale" in part.get("encoding", {}).get(channel, {}):
                scale = part["encoding"][channel]["scale"]
                assert "range" not in scale and scale["domain"][:2] == ["0", "1"]


def test_a_cross_stands_where_the_leftover_overrules():
    for panel in panels(ledger_spec(NAMES, "weight", WIDE)):
        cross = layer_of(panel, "overruled")
        assert any("datum.mark == 1" in t.get("filter", "") for t in cross["transform"])
        assert cross["encoding"]["x"]["field"] == "step" and "value" in cross["encoding"]["y"]


def test_gaps_are_not_drawn():
    for panel in panels(ledger_spec(NAMES, "weight", WIDE)):
        for part in ("leftover", "fresh", "grad"):
            assert any(
                "isValid(datum.grad)" in t.get("filter", "") for t in layer_of(panel, part)["transform"]
            )


def test_the_pointer_finds_all_numbers_of_a_step():
    for panel in panels(ledger_spec(NAMES, "weight", WIDE)):
        tips = [view["encoding"]["tooltip"] for view, _ in views(panel) if "tooltip" in view["encoding"]]
        assert len(tips) == 1
        shown = [tip["field"] for tip in tips[0]]
        assert shown == ["step", "loss", "fresh", "leftover", "grad", "answer"]


def test_an_axis_end_holds_for_every_bar_of_both_runs_and_for_no_kept_spec():
    kept = copy.deepcopy(ledger_spec(NAMES, "weight", WIDE))
    for norms, low in ((False, -200.0), (True, 0.0)):
        for panel in panels(ledger_spec(NAMES, "weight", WIDE, 200.0, norms)):
            for part in ("leftover", "fresh", "grad"):
                scale = layer_of(panel, part)["encoding"]["y"]["scale"]
                assert scale["domain"] == [low, 200.0] and scale["clamp"] is True
    assert ledger_spec(NAMES, "weight", WIDE) == kept
    for part in parts(kept):
        if part.get("field") in ("leftover", "start", "grad"):
            assert "domain" not in part.get("scale", {})


def test_the_axis_holds_zero_and_leaves_room_for_the_crosses():
    for panel in panels(ledger_spec(NAMES, "weight", WIDE)):
        height = layer_of(panel, "overruled")["encoding"]["y"]["value"]
        for part in ("leftover", "fresh", "grad"):
            scale = layer_of(panel, part)["encoding"]["y"]["scale"]
            assert scale["zero"] is True and scale["padding"] > height


def test_marks_are_not_read_aloud_one_by_one():
    """A group without bars would be an image without text; the page has the numbers as a table."""
    for panel in panels(ledger_spec(NAMES, "weight", WIDE)):
        aloud = [view for view, _ in views(panel) if view["mark"].get("aria", True)]
        assert aloud == []


def test_as_many_steps_as_can_be_told_apart():
    assert steps_that_fit(3000, 2) == MAX_BARS
    assert 30 < steps_that_fit(PHONE, 2) < MAX_BARS
    assert steps_that_fit(PHONE, 2) == steps_that_fit(PHONE, 1)  # stacked, so as wide as one
    assert steps_that_fit(0, 2) == 1
    for width in range(200, 2000, 50):
        assert panel_width(width, 2) / steps_that_fit(width, 2) >= 5


def test_one_run_alone_has_one_panel(histories):
    spec = ledger_spec(NAMES[:1], "weight", WIDE, 10.0)
    assert len(panels(spec)) == 1 and panels(spec)[0]["width"] > 0.9 * WIDE
    frame = joined([ledger(histories[1], "weight")], 0, 50)
    check_fields(spec, frame)
    assert axis_end(frame) is None


# -- the histograms ------------------------------------------------------------------------


def counted(rows):
    """Histograms of a Linear(3, 2) whose weight has these gradients, (steps, 6), and its bias ones."""
    one = Histograms(Layout(nn.Linear(3, 2)))
    rows = torch.as_tensor(rows, dtype=torch.float32)
    one.take([rows.reshape(-1, 2, 3), torch.ones(len(rows), 2)])
    return one.frame("weight")


def spread(steps, seed, low=-30, high=5):
    """Gradients of all sizes."""
    generator = np.random.default_rng(seed)
    return 2.0 ** generator.uniform(low, high, (steps, 6))


def test_every_cell_stands_at_the_exponents_of_its_sizes():
    frame, (floor, top) = heat_frame([counted([[1.0, 1.5, -1.0, 0.25, 2.0**-7, 3.0]])])
    assert dict(zip(frame["low"], frame["count"], strict=True)) == {0: 3, -2: 1, -7: 1, 1: 1}
    assert (frame["high"] == frame["low"] + 1).all()
    assert floor <= -7 and top >= 2 and floor % 5 == top % 5 == 0 and top - floor <= 20
    words = dict(zip(frame["low"], frame["size"], strict=True))
    assert words[0] == "1 to 2" and words[-2] == "0.25 to 0.5"
    assert frame["run"].unique().tolist() == ["0"]
    assert (frame["step"] == 0).all() and (frame["step_end"] == 10).all()


def test_zeros_have_a_row_below_and_what_is_not_finite_one_above():
    rows = [[0.0, -0.0, 1.0, math.nan, math.inf, -math.inf]]
    frame, (floor, top) = heat_frame([counted(rows)])
    cells = frame.set_index("size")
    zero, beyond = cells.loc["exactly 0"], cells.loc["inf or nan"]
    assert zero["count"] == 2 and zero["high"] < floor and zero["low"] < zero["high"]
    assert beyond["count"] == 3 and beyond["low"] > top and beyond["low"] < beyond["high"]
    assert np.isfinite(frame[["low", "high", "share"]]).all(axis=None)


def test_the_lowest_and_the_highest_bin_say_that_they_hold_what_is_beyond():
    frame, _ = heat_frame([counted([[1e-30, 1e-13, 1e30, 600.0, 1.0, 1.0]])])
    words = dict(zip(frame["low"], frame["size"], strict=True))
    assert words[LOW] == "below 1.8e−12, not 0"  # 2^-39 = 1.82e-12
    assert words[HIGH - 1] == "512 or more"  # 2^9 = 512


def test_without_any_size_there_is_still_an_axis():
    for frames in ([counted(np.zeros((1, 6)))], [counted(np.zeros((0, 6)))]):
        frame, (floor, top) = heat_frame(frames)
        assert floor < top and (frame["size"] == "exactly 0").all()
        assert heat_spec(NAMES[:1], WIDE, (floor, top), False)


def test_a_small_picture_is_the_frame_itself():
    one, other = counted(spread(100, 0)), counted(spread(300, 1))
    frame, _ = heat_frame([one, other])
    for run, expected in (("0", one), ("1", other)):
        found = frame[frame["run"] == run]
        for column in ("step", "step_end", "low", "count"):
            assert found[column].tolist() == expected[column].tolist()
        np.testing.assert_allclose(found["share"], expected["share"], rtol=1e-12)


def wide(columns, seed, spacing=10):
    """A frame with an entry in most bins of many columns."""
    generator = np.random.default_rng(seed)
    step, low = (grid.ravel() for grid in np.meshgrid(np.arange(columns) * spacing, LOWS, indexing="ij"))
    count = generator.integers(1, 50, len(step))
    frame = pd.DataFrame({"step": step, "step_end": step + spacing, "low": low, "count": count})
    return frame.assign(share=frame["count"] / frame.groupby("step")["count"].transform("sum"))


@pytest.mark.parametrize("sizes", [(500,), (500, 500), (500, 60), (40, 40), (77, 500)])
def test_a_large_picture_adds_up_neighboring_columns_of_all_runs_alike(sizes):
    frames = [wide(columns, seed) for seed, columns in enumerate(sizes)]
    frame, _ = heat_frame(frames)
    assert len(frame) <= MAX_CELLS
    if sum(map(len, frames)) > MAX_CELLS:
        assert len(frame) > MAX_CELLS / 3  # and not coarser than it has to be
    merged = [frame[frame["run"] == str(i)] for i in range(len(frames))]
    widths = set()
    for found, one in zip(merged, frames, strict=True):
        assert found["count"].sum() == one["count"].sum()
        np.testing.assert_allclose(found.groupby("step")["share"].sum(), 1.0, rtol=1e-9)
        assert found["step"].min() == 0 and found["step_end"].max() == one["step_end"].max()
        starts = np.unique(found["step"])
        assert (np.unique(found["step_end"])[:-1] == starts[1:]).all()  # no gap, no overlap
        widths |= set(np.diff(starts))
    assert len(widths) == 1


def test_a_merged_cell_counts_the_entries_of_its_columns():
    one = wide(400, 0)
    frame, _ = heat_frame([one, one])
    first = frame[(frame["run"] == "1") & (frame["step"] == 0)]
    columns = one[one["step"] < first["step_end"].iloc[0]]
    for low in (-3.0, 4.0):
        cell = first[first["low"] == low]
        assert cell["count"].item() == columns["count"][columns["low"] == low].sum()
        assert cell["share"].item() == pytest.approx(cell["count"].item() / columns["count"].sum())


def test_runs_of_different_spacing_are_shown_in_columns_of_one_width():
    short, long = wide(3, 0, spacing=10), wide(4, 1, spacing=40)
    frame, _ = heat_frame([short, long])
    assert np.unique(frame["step"][frame["run"] == "0"]).tolist() == [0]
    assert frame["step_end"][frame["run"] == "0"].max() == 30  # where the short run ends
    assert np.unique(frame["step"][frame["run"] == "1"]).tolist() == [0, 40, 80, 120]
    assert frame["count"][frame["run"] == "0"].sum() == short["count"].sum()


def test_steps_without_any_gradient_stay_a_gap():
    one = wide(9, 0)
    frame, _ = heat_frame([one[one["step"] != 40]])
    assert np.unique(frame["step"]).tolist() == [0, 10, 20, 30, 50, 60, 70, 80]


ENDS = [(-40, 10), (-10, 0), (-25, 5), (-5, 0), (5, 10)]


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("beyond", [False, True])
@pytest.mark.parametrize("ends", ENDS)
def test_the_heat_map_encodes_its_columns(ends, beyond, width):
    frame, _ = heat_frame([counted(spread(50, 0))] * 2)
    spec = heat_spec(NAMES, width, ends, beyond)
    check_fields(spec, frame)
    check_plain(spec)
    assert ("vconcat" in spec) == (width < STACK_BELOW)
    assert [panel["title"]["text"] for panel in panels(spec)] == list(NAMES)
    for i, panel in enumerate(panels(spec)):
        assert f"datum.run == '{i}'" in json.dumps(panel["transform"])
        encoding = panel["encoding"]
        assert [encoding[c]["field"] for c in ("x", "x2", "y", "y2")] == ["step", "step_end", "low", "high"]
        assert encoding["color"]["field"] == "share"


def test_both_heat_maps_have_one_scale_of_colors_that_shows_rare_entries():
    spec = heat_spec(NAMES, WIDE, (-40, 10), False)
    assert all(scale == "shared" for scale in spec["resolve"]["scale"].values())
    assert {"x", "y", "color"} <= set(spec["resolve"]["scale"])
    for panel in panels(spec):
        scale = panel["encoding"]["color"]["scale"]
        assert scale["type"] == "log" and scale["clamp"] is True
        assert scale["domain"] == [LEAST_SHARE, 1] and 0 < LEAST_SHARE <= 1 / 4810  # of a 64-64-10 MLP
        assert scale["scheme"]["extent"][0] > 0  # the darkest part would vanish in dark mode


def axis_words(spec):
    """Label -> its place on the axis of sizes, as the labels' expression finds it."""
    y = panels(spec)[0]["encoding"]["y"]
    words = json.loads(y["axis"]["labelExpr"].split("}")[0] + "}")
    return {words[str(round(100 * place))]: place for place in y["axis"]["values"]}, y["scale"]["domain"]


@pytest.mark.parametrize("beyond", [False, True])
@pytest.mark.parametrize("ends", ENDS)
def test_the_axis_is_labeled_by_powers_of_ten_and_zero(ends, beyond):
    words, domain = axis_words(heat_spec(NAMES, WIDE, ends, beyond))
    assert ("inf, nan" in words) == beyond
    powers = {word: place for word, place in words.items() if word.startswith("1e")}
    assert 1 <= len(powers) <= 7
    for word, place in powers.items():
        assert 2.0**place == pytest.approx(float(word), rel=1e-9)
        assert ends[0] < place < ends[1]
    assert domain[0] < words["0"] < ends[0]
    assert domain[1] == ends[1] if not beyond else ends[1] < words["inf, nan"] < domain[1]
    places = sorted(words.values())
    apart = (
        np.diff(places) / (domain[1] - domain[0]) * panels(heat_spec(NAMES, WIDE, ends, beyond))[0]["height"]
    )
    assert apart.min() > 12  # pixels, so that no label covers another


@given(st.lists(st.lists(st.floats(width=32), min_size=6, max_size=6), min_size=1, max_size=30))
@settings(deadline=None, max_examples=50)
def test_every_cell_is_on_the_axis(rows):
    frame, ends = heat_frame([counted(rows)])
    beyond = bool((frame["size"] == "inf or nan").any())
    _, (bottom, top) = axis_words(heat_spec(NAMES[:1], WIDE, ends, beyond))
    assert (frame["low"] >= bottom).all() and (frame["high"] <= top).all()
    inside = ~frame["size"].isin(["exactly 0", "inf or nan"])
    sizes = frame["low"][inside]
    assert sizes.between(ends[0], ends[1] - 1).all()
    assert sizes.empty or (sizes.min() < ends[0] + ROUND_TO and sizes.max() >= ends[1] - ROUND_TO)
