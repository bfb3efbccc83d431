"""The map of the orders: every tile in its place, one outcome one colour and one letter."""

import altair as alt
import pytest

from core import Config
from core.traps.orders import OUTCOMES, Trials, Tried, all_orders, shorter_loops
from core.traps.pictures import COLORS, LABELS, map_size, orders_frame, orders_spec


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


def test_every_outcome_has_a_colour():
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


def test_a_phone_gets_the_map_upright():
    assert map_size(True, 330)[2] and not map_size(True, 1000)[2]
    narrow, wide = orders_spec(True, 330)["layer"][0], orders_spec(True, 1000)["layer"][0]
    assert narrow["encoding"]["x"]["field"] == wide["encoding"]["y"]["field"] == "row"
