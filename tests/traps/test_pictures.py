"""The pictures of mistakes and limits: what stands where, and what it is made of."""

import altair as alt
import pandas as pd
import pytest

from core.curvature import limits
from core.traps.momentum import ORDERS
from core.traps.momentum_picture import MULTIPLES, SHORT, limits_frame, limits_spec, span
from core.traps.trap_picture import errors_spec

LIMITS = limits(16.7006)  # the larger eigenvalue of the deliveries' Hessian


@pytest.mark.parametrize("lr", [0.0, 1e-4, 0.2, 50.0])
def test_the_axis_holds_every_limit_and_the_rate(lr):
    low, high = span(LIMITS, lr)
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
    spec = limits_spec(*span(LIMITS, 0.2))
    alt.LayerChart.from_dict(spec | {"data": {"values": []}})
    bars, ends, rule = spec["layer"]
    assert bars["encoding"]["x"]["scale"] == ends["encoding"]["x"]["scale"] == rule["encoding"]["x"]["scale"]
    assert (ends["encoding"]["x"]["field"], ends["encoding"]["text"]["field"]) == ("limit", "words")
    assert bars["encoding"]["x"]["scale"]["type"] == "log"
    assert bars["encoding"]["x2"]["field"] == "limit"
    assert rule["encoding"]["x"]["field"] == "lr"
    assert rule["mark"]["type"] == "rule"


@pytest.mark.parametrize("count", [2, 4, 16])
def test_errors_are_cells_with_zero_in_the_middle_of_the_colours(count):
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
