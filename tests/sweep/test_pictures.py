"""Pictures of a sweep: what stands where on the map, that nothing is hidden, and few enough rows."""

import math

import numpy as np
import pytest

from core import Config
from core.compare.curves import MAX_ROWS
from core.run_summary import Brief
from core.sweep.axes import Axis, spread, usual
from core.sweep.curves_picture import family_frame, family_spec, range_spec
from core.sweep.grid import STATES, grid
from core.sweep.map_picture import (
    COLORS,
    domain,
    edges,
    is_log,
    map_frame,
    map_spec,
    round_rates,
    row_height,
    short,
    signs,
)
from core.sweep.measures import MEASURES
from core.sweep.rate_limits import Limit
from core.sweep.sweep import Sweep
from core.verdict import WORDS

LINEAR = Config(dataset="deliveries", model="linear", steps=4)
RATES = Axis("lr", (0.01, 0.1, 1.0))
SWEEP = Sweep(LINEAR, RATES, usual("loop", LINEAR))
LIMIT = Limit(1, "No zero_grad", 0.24, 16.7, True)


def known(config, *losses, word="learns", **scores):
    steps = np.arange(len(losses), dtype=np.int16)
    nothing = dict.fromkeys(("train_loss", "val_loss", "train_accuracy", "val_accuracy"), math.nan)
    return Brief(config, config.steps, steps, np.array(losses), nothing | scores, word, "")


def filled():
    """Five runs of six: numbers, one diverged, one not there."""
    each = [(4.0, 1.0), (4.0, 0.01), (4.0, math.nan), (4.0, 100.0), (4.0, 10.0)]
    return {
        config: known(config, *losses, word="diverged" if math.isnan(losses[-1]) else "learns")
        for config, losses in zip(SWEEP.configs, each, strict=False)
    }


def fields(spec):
    """Every field that a spec reads."""
    found = set()
    for layer in spec.get("layer", [spec]):
        for encoding in layer["encoding"].values():
            for one in encoding if isinstance(encoding, list) else [encoding]:
                found |= {one["field"]} if "field" in one else set()
    return found


def test_cells_meet_half_way_between_their_rates():
    assert edges((0.01, 0.1, 1.0)) == pytest.approx([0.01 / 10**0.5, 0.1 / 10**0.5, 10**-0.5, 10**0.5])
    assert edges((0.01, 1.0)) == pytest.approx([0.001, 0.1, 10.0])
    ends = edges((0.5,))
    assert ends[0] < 0.5 < ends[1]


def test_a_limit_lies_between_the_cells_of_the_rates_beside_it():
    frame = map_frame(grid(SWEEP, filled()), RATES, "loss", 1, [LIMIT], 1000)
    cells, lines = frame[frame["limit"].isna()], frame[frame["limit"].notna()]
    assert lines[["row", "limit"]].values.tolist() == [[1, 0.24]]
    inside = cells[(cells["row"] == 1) & (cells["left"] < 0.24) & (cells["right"] > 0.24)]
    assert inside["x"].tolist() == ["0.1"]
    assert ((cells["left"] < cells["middle"]) & (cells["middle"] < cells["right"])).all()
    row, ends = cells[cells["row"] == 0].sort_values("left"), edges(RATES.values)
    gaps = row["left"] / ends[:-1], ends[1:] / row["right"]  # on a log axis, so that cells do not touch
    assert all(((gap > 1) & (gap < 1.5)).all() for gap in gaps)


def test_every_cell_has_a_number_or_a_sign():
    for width in (300, 1000):
        frame = map_frame(grid(SWEEP, filled()), RATES, "loss", 1, [], width)
        assert frame["text"].tolist()[2] == "✖" and frame["text"].tolist()[5] == "·"
    assert frame["text"].tolist() == ["1", "0.01", "✖", "100", "10", "·"]
    assert frame["chosen"].tolist() == [0, 1, 0, 0, 0, 0]
    many = Sweep(LINEAR, Axis("lr", spread(0.01, 1.0, 40)), usual("loop", LINEAR))
    narrow = map_frame(grid(many, {c: known(c, 1.0) for c in many.configs}), many.x, "loss", 0, [], 1000)
    assert set(narrow["text"]) == {""}  # there is no room for numbers; their colors say them


@pytest.mark.parametrize("rows", [2, 10, 40])
def test_a_limit_is_as_high_as_its_row_and_leaves_the_text_of_a_cell_free(rows):
    spec = map_spec(RATES, Axis("seed", tuple(range(rows))), "loss", np.array([1.0, 2.0]))
    marks = [layer["mark"] for layer in spec["layer"]]
    tall = max(mark["fontSize"] for mark in marks if mark["type"] == "text")
    ticks = [mark for mark in marks if mark["type"] == "tick"]
    ends = [(mark["yOffset"] - mark["size"] / 2, mark["yOffset"] + mark["size"] / 2) for mark in ticks]
    half = spec["height"]["step"] / 2
    assert {low for low, _ in ends} == {-half, half - ticks[0]["size"]}
    assert all(high <= -0.4 * tall or low >= 0.4 * tall for low, high in ends)  # letters are not as tall


def test_text_is_dark_where_the_color_is_bright():
    frame = map_frame(grid(SWEEP, filled()), RATES, "loss", None, [], 1000)
    low, high = frame["value"].idxmin(), frame["value"].idxmax()
    assert (frame["bright"][low], frame["bright"][high]) == (1, 0)  # a low loss is yellow


@pytest.mark.parametrize("x", [RATES, Axis("momentum", (0.0, 0.5))])
@pytest.mark.parametrize("measure", list(MEASURES))
def test_the_map_reads_only_what_is_in_its_frame(x, measure):
    sweep = Sweep(LINEAR, x, usual("loss", LINEAR))
    briefs = {config: known(config, 2.0, 1.0, train_accuracy=0.5) for config in sweep.configs}
    limits = [LIMIT] if x.is_log else []
    frame = map_frame(grid(sweep, briefs, measure, 1.5), x, measure, 0, limits, 900)
    spec = map_spec(x, sweep.y, measure, frame["value"].to_numpy(float))
    assert fields(spec) <= {*frame.columns, "limit"}
    assert [one["name"] for one in spec["params"]] == ["cell"]
    assert spec["params"][0]["select"]["fields"] == ["column", "row"]
    scale = spec["layer"][0]["encoding"]["x"].get("scale", {})
    assert (scale.get("type") == "log") == x.is_log


def test_the_color_scale_spans_the_numbers_and_goes_by_ratios_where_it_can():
    frame = grid(SWEEP, filled())
    values = frame["value"].to_numpy(float)
    color = map_spec(RATES, SWEEP.y, "loss", values)["layer"][0]["encoding"]["color"]
    assert color["scale"]["domain"] == [0.01, 100.0] and color["scale"]["type"] == "log"
    assert color["scale"]["reverse"] is True
    shares = map_spec(RATES, SWEEP.y, "accuracy", np.array([0.5, 0.9]))["layer"][0]["encoding"]["color"]
    assert shares["scale"]["domain"] == [0.5, 0.9] and shares["scale"]["reverse"] is False
    empty = map_spec(RATES, SWEEP.y, "loss", np.array([math.nan]))["layer"][0]["encoding"]["color"]
    assert empty["legend"] is None


def test_domains_are_never_empty():
    loss = MEASURES["loss"]
    assert domain(np.array([2.0, math.nan]), loss) == (1.0, 4.0)
    assert domain(np.array([-2.0, -2.0]), loss) == (-2.5, -1.5)
    assert not is_log(np.array([-2.0, 1.0]), loss)
    assert domain(np.array([math.nan]), loss)[0] < domain(np.array([math.nan]), loss)[1]


def test_numbers_are_short_enough_for_a_cell():
    loss = MEASURES["loss"]
    given = [0.0254, 1.5, 123.4, 9999.0, 1.28e9, 3e-7, -4.7]
    assert [short(value, loss) for value in given] == ["0.025", "1.5", "123", "9999", "1.3e9", "3e−7", "−4.7"]
    assert (short(0.987, MEASURES["accuracy"]), short(41.0, MEASURES["reached"])) == ("99%", "41")


def test_round_rates_stand_on_the_axis():
    assert round_rates(0.009, 1.1) == [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    assert round_rates(0.001, 100.0) == [0.001, 0.01, 0.1, 1.0, 10.0, 100.0]


def test_signs_on_the_map_are_told():
    assert signs(grid(SWEEP, filled()), "loss") == {"✖": "diverged", "·": "not trained yet"}
    assert signs(grid(SWEEP, filled(), "verdict"), "verdict") == {
        "L": "learns", "✖": "diverged", "·": "not trained yet",
    }  # fmt: skip
    assert {sign for sign, _ in STATES.values()} >= {"", "✖"}
    assert set(COLORS) == set(WORDS)


def test_rows_are_as_high_as_there_is_room():
    assert row_height(2) > row_height(12) > row_height(64) >= 18


# Curves of a row or column.


def test_every_run_has_a_line_and_the_chosen_one_is_marked():
    configs = SWEEP.configs[:3]
    briefs = [known(c, 4.0, 2.0, 1.0) for c in configs]
    frame, top = family_frame(briefs, RATES, [0, 1, 2], 1, log=True)
    assert frame.groupby("place")["step"].count().tolist() == [3, 3, 3]
    assert frame.loc[frame["chosen"] == 1, "name"].unique().tolist() == ["0.1"]
    assert frame["value"].unique().tolist() == [0.01, 0.1, 1.0]
    assert top is None
    assert fields(family_spec(RATES, True, top)) <= set(frame.columns)


def test_a_run_that_diverges_leaves_the_axis_with_a_mark_and_ends_with_one():
    exploding = [4.0 * 10.0**i for i in range(0, 40, 4)] + [math.inf, math.nan]
    briefs = [
        known(SWEEP.configs[0], *[4.0] * 12),
        known(SWEEP.configs[1], *exploding, word="diverged"),
        known(SWEEP.configs[2], *exploding[:8], word="diverged"),  # still a number at its end
    ]
    frame, top = family_frame(briefs, RATES, [0, 1, 2], 0, log=True)
    assert top is not None and 4.0 < top <= 1e4
    assert frame.groupby("place")["beyond"].sum().tolist() == [0, 1, 1]
    assert frame.groupby("place")["ended"].sum().tolist() == [0, 1, 0]
    assert frame.loc[frame["ended"] == 1, "step"].tolist() == [10]
    assert frame["loss"].dropna().max() < math.inf
    scale = family_spec(RATES, True, top)["layer"][0]["encoding"]["y"]["scale"]
    assert (scale["type"], scale["domainMax"]) == ("log", top)


def test_few_rows_whatever_the_sweep():
    rates = Axis("lr", spread(0.001, 1.0, 64))
    configs = [Config(lr=lr, steps=5000) for lr in rates.values]
    generator = np.random.default_rng(0)
    briefs = [known(c, *(1 + generator.random(5001))) for c in configs[:8]] * 8
    frame, _ = family_frame(briefs, rates, list(range(64)), 0, log=True)
    assert 64 * 20 < len(frame) <= MAX_ROWS


def test_lines_of_values_without_an_order_differ_in_color_and_dash():
    axis = usual("optimizer", Config())
    spec = family_spec(axis, True, None)
    encoding = spec["layer"][0]["encoding"]
    assert encoding["color"]["type"] == "nominal" and "scheme" not in encoding["color"]["scale"]
    dashes = encoding["strokeDash"]["scale"]["range"]
    colors = 6  # of the theme; then they begin again
    looks = [(place % colors, tuple(dash)) for place, dash in enumerate(dashes)]
    assert len(looks) == len(set(looks)) == len(axis.values)
    assert family_spec(Axis("seed", (0, 1)), True, None)["layer"][0]["encoding"]["color"]["type"] == "ordinal"


def test_the_range_test_shows_the_spread_at_each_rate():
    for log in (True, False):
        spec = range_spec(log)
        assert fields(spec) == {"rate", "loss", "low", "high"}
        assert spec["layer"][1]["encoding"]["x"]["scale"]["type"] == "log"
        assert (spec["layer"][1]["encoding"]["y"]["scale"]["type"] == "log") == log
        gone = next(layer for layer in spec["layer"] if layer["mark"].get("shape") == "cross")
        assert gone["transform"] == [{"filter": "!isValid(datum.loss)"}]
        assert gone["encoding"]["x"]["field"] == "rate" and "field" not in gone["encoding"]["y"]
