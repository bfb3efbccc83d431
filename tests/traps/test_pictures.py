"""Charts of orders, limits and errors: every mark in its place, one outcome one color and one letter."""

import altair as alt
import pandas as pd
import pytest

from core import Config
from core.curvature import limits
from core.traps.momentum import ORDERS
from core.traps.orders import OUTCOMES, Trials, Tried, all_orders, shorter_loops
from core.traps.pictures import (
    COLORS,
    LABELS,
    MULTIPLES,
    SHORT,
    TALL,
    TILE,
    TITLES,
    errors_spec,
    limits_frame,
    limits_span,
    limits_spec,
    map_size,
    orders_frame,
    orders_spec,
)


def made(loops):
    """Tiles without runs: the picture needs names and outcomes only."""
    names = list(OUTCOMES)
    return [Tried(loop, names[i % len(names)], None, None) for i, loop in enumerate(loops)]


@pytest.mark.parametrize("loops", [all_orders(), shorter_loops()], ids=["all", "shorter"])
def test_every_loop_has_a_tile_of_its_own(loops):
    frame = orders_frame(made(loops), "")
    assert len(frame) == len(loops)
    assert not frame.duplicated(["row", "column"]).any()


def test_rows_are_orders_of_flb_and_columns_places_of_z_and_s():
    frame = orders_frame(made(all_orders()), "ZFLBS").set_index("name")
    assert tuple(frame.loc["ZFLBS", ["row", "column"]]) == ("FLB", "Z···S")
    assert tuple(frame.loc["BSLZF", ["row", "column"]]) == ("BLF", "·S·Z·")
    assert (frame["row"].nunique(), frame["column"].nunique()) == (6, 20)
    assert frame["chosen"].sum() == 1 and frame.loc["ZFLBS", "chosen"] == 1


def test_only_one_row_runs():
    """Forward, loss, backward in this order, or a line has nothing to work on."""
    trials = Trials(Config(dataset="deliveries", model="linear", lr=0.01), all_orders())
    list(trials)
    frame = orders_frame(trials.done, "")
    assert set(frame.loc[frame["outcome"] != "raises", "row"]) == {"FLB"}
    assert frame.loc[frame["outcome"] == "raises", "what"].str.startswith("NameError: name '").all()


def test_every_outcome_has_a_color():
    assert COLORS.keys() == OUTCOMES.keys() and len(set(COLORS.values())) == len(COLORS)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("width", [330, 700, 1300])
def test_the_spec_is_valid_and_fits(whole, width):
    spec = orders_spec(whole, width)
    alt.LayerChart.from_dict(spec | {"data": {"values": []}})
    assert spec["width"] <= max(width, 24 * 8 + LABELS)
    tiles, letters = spec["layer"]
    assert tiles["encoding"]["color"]["field"] == "outcome"
    assert letters["encoding"]["text"]["field"] == "letter"
    assert tiles["encoding"]["color"]["scale"]["domain"] == list(OUTCOMES)
    assert spec["params"][0]["select"]["fields"] == ["name"]


def test_tiles_fill_the_width_up_to_their_size():
    assert map_size(True, 1000) == (20 * TILE + LABELS, 6 * TALL + TITLES, False)
    assert map_size(True, 6 * 30 + LABELS) == (6 * 30 + LABELS, 20 * 30 + TITLES, True)
    assert map_size(False, 24 * 16 + LABELS) == (24 * 16 + LABELS, 30 * 16 + TITLES, False)


def test_a_phone_gets_the_map_upright():
    assert map_size(True, 330)[2] and not map_size(True, 1000)[2]
    narrow, wide = orders_spec(True, 330)["layer"][0], orders_spec(True, 1000)["layer"][0]
    assert narrow["encoding"]["x"]["field"] == wide["encoding"]["y"]["field"] == "row"


LIMITS = limits(16.7006)  # the larger eigenvalue of the deliveries' Hessian


@pytest.mark.parametrize("lr", [0.0, 1e-4, 0.2, 50.0])
def test_the_axis_holds_every_limit_and_the_rate(lr):
    low, high = limits_span(LIMITS, lr)
    frame = limits_frame(LIMITS, lr)
    assert 0 < low < frame["limit"].min() < frame["limit"].max() < high
    assert lr == 0 or low < lr < high
    assert (frame["low"] == low).all()


def test_each_bar_ends_at_its_limit_in_numbers_and_words():
    frame = limits_frame(LIMITS, 0.2).set_index("title")
    for name, share in (("stale", 1), ("usual", 2), ("skipped", 4)):
        row = frame.loc[SHORT[name]]
        assert row["limit"] == pytest.approx(share / 16.7006)
        assert float(row["words"]) == pytest.approx(share / 16.7006, rel=1e-3)
        assert SHORT[name].startswith(MULTIPLES[name]) and MULTIPLES[name].startswith(str(share))


def test_every_loop_whose_limit_is_known_has_a_bar():
    assert set(MULTIPLES) == set(SHORT) == set(ORDERS) == set(LIMITS)


def test_rates_stand_on_one_log_axis():
    spec = limits_spec(*limits_span(LIMITS, 0.2))
    alt.LayerChart.from_dict(spec | {"data": {"values": []}})
    bars, ends, rule = spec["layer"]
    assert bars["encoding"]["x"]["scale"] == ends["encoding"]["x"]["scale"] == rule["encoding"]["x"]["scale"]
    assert (ends["encoding"]["x"]["field"], ends["encoding"]["text"]["field"]) == ("limit", "words")
    assert bars["encoding"]["x"]["scale"]["type"] == "log"
    assert bars["encoding"]["x2"]["field"] == "limit"
    assert rule["encoding"]["x"]["field"] == "lr"
    assert rule["mark"]["type"] == "rule"


@pytest.mark.parametrize("count", [2, 4, 16])
def test_errors_are_cells_with_zero_in_the_middle_of_the_colors(count):
    spec = errors_spec(count)
    alt.LayerChart.from_dict(spec | {"data": {"values": []}})
    cells = spec["layer"][0]
    assert cells["encoding"]["color"]["scale"]["domainMid"] == 0
    assert (cells["encoding"]["x"]["field"], cells["encoding"]["y"]["field"]) == ("target", "output")
    assert spec["width"] == spec["height"] <= 330  # fits a phone
    assert (len(spec["layer"]) == 2) == (count <= 8)  # numbers where they can be read


def test_fields_are_columns_of_the_frame():
    frame = limits_frame(LIMITS, 0.1)
    assert isinstance(frame, pd.DataFrame)
    fields = {e["field"] for layer in limits_spec(0.001, 1.0)["layer"] for e in _encodings(layer)}
    assert fields <= set(frame.columns)


def _encodings(layer):
    for value in layer["encoding"].values():
        yield from ([value] if isinstance(value, dict) else value)
