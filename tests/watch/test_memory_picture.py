"""What kept losses hold, drawn and told: panels, fields, scales; a table and sentences worked out by hand."""

import json

import pytest

from core import Config
from core.charts import DASHES
from core.watch.memory import WAYS, KeptLosses, MemoryRun
from core.watch.memory_picture import (
    AXIS_WIDTH,
    QUANTITIES,
    memory_frame,
    memory_spec,
    memory_table,
    memory_words,
)

WIDE, PHONE = 560, 350
STEPS = 4


@pytest.fixture(scope="module")
def rows():
    config = Config(dataset="deliveries", model="linear", lr=0.01)
    return MemoryRun(config, steps=STEPS).advance().rows


def panels(spec):
    return [panel for row in spec["vconcat"] for panel in row["hconcat"]]


def every(node, key):
    """All values under a key, however deep."""
    if isinstance(node, dict):
        yield from ([node[key]] if key in node else [])
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from every(child, key)


def layer(panel, kind):
    return next(one for one in panel["layer"] if one["mark"]["type"] == kind)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_way_has_a_panel_with_its_name_color_and_dash(rows, quantity):
    frame, title = memory_frame(rows, quantity)
    spec = memory_spec(title, STEPS, 100.0, WIDE)
    assert [panel["title"]["text"] for panel in panels(spec)] == [way.title for way in WAYS.values()]
    assert set(frame["way"]) == set(WAYS)
    for name, panel in zip(WAYS, panels(spec), strict=True):
        for one in panel["layer"]:
            filters = json.dumps([panel.get("transform", []), one.get("transform", [])])
            assert f"datum.way == '{name}'" in filters
        line = layer(panel, "line")["encoding"]
        assert line["color"]["field"] == line["strokeDash"]["field"] == "way"
        assert "range" not in line["color"]["scale"]  # colors are the theme's
        assert line["strokeDash"]["scale"]["range"] == DASHES
        assert line["strokeDash"]["scale"]["domain"] == line["color"]["scale"]["domain"] == list(WAYS)
    assert len({str(dash) for dash in DASHES}) == len(DASHES) == len(WAYS)


def test_with_backward_left_and_without_right(rows):
    spec = memory_spec("bytes", STEPS, 64.0, WIDE)
    titles = [[panel["title"]["text"] for panel in row["hconcat"]] for row in spec["vconcat"]]
    left, right = zip(*titles, strict=True)
    with_backward = {way.title for way in WAYS.values() if "backward()" in way.text}
    assert set(left) == with_backward and not with_backward & set(right)


def test_fields_are_columns_and_there_is_no_data(rows):
    frame, title = memory_frame(rows, "saved")
    spec = memory_spec(title, STEPS, 64.0, PHONE)
    assert set(every(spec, "field")) <= set(frame.columns)
    assert not list(every(spec, "data")) and not list(every(spec, "datasets"))
    assert "black" not in json.dumps(spec, allow_nan=False) and "#000" not in json.dumps(spec)


@pytest.mark.parametrize("top", [64.0, 0.0])
def test_one_linear_scale_from_zero_for_all_panels(top):
    spec = memory_spec("bytes", STEPS, top, WIDE)
    for panel in panels(spec):
        for kind in ("line", "area"):
            y = layer(panel, kind)["encoding"]["y"]["scale"]
            assert y["domain"] == [0, top or 1.0] and y.get("type", "linear") == "linear"
            assert layer(panel, kind)["encoding"]["x"]["scale"]["domain"] == [0, STEPS]


@pytest.mark.parametrize("width", [PHONE, WIDE, 1200])
def test_panels_fit_beside_each_other(width):
    for row in memory_spec("KiB", STEPS, 1.0, width)["vconcat"]:
        assert sum(panel["width"] for panel in row["hconcat"]) + row["spacing"] <= width - AXIS_WIDTH
        assert all(panel["width"] >= 110 for panel in row["hconcat"])


def test_the_number_in_words_is_the_last(rows):
    for panel in panels(memory_spec("bytes", STEPS, 64.0, WIDE)):
        text = layer(panel, "text")
        assert f"datum.kept == {STEPS}" in json.dumps(text["transform"])
        assert text["encoding"]["text"]["field"] == "text"
    frame, _ = memory_frame(rows, "saved")
    last = frame[frame["kept"] == STEPS].set_index("way")["text"]
    assert last["without"] == "64 bytes" and last["after"] == "0 bytes"


def test_secondary_marks_are_quiet():
    for panel in panels(memory_spec("bytes", STEPS, 64.0, WIDE)):
        assert layer(panel, "area")["mark"]["aria"] is layer(panel, "text")["mark"]["aria"] is False


def test_frame_of_nodes_by_hand(rows):
    frame, title = memory_frame(rows, "nodes")
    assert title == "nodes"
    total = frame[frame["way"] == "sum_after"]
    assert total["value"].tolist() == [0, 6, 10, 14, 18]  # 4 per step, and 2 that all share
    assert total["text"].tolist()[-1] == "18 nodes"


@pytest.mark.parametrize(
    ("saved", "unit", "value"),
    [
        (1000, "bytes", 1000),
        (2**10, "KiB", 1),
        (3 * 2**9, "KiB", 1.5),
        (2**20, "MiB", 1),
        (5 * 2**19, "MiB", 2.5),
    ],
)
def test_the_unit_follows_the_largest(saved, unit, value):
    held = [KeptLosses("item", 1, 0, 0, 0), KeptLosses("without", 1, saved, 3, 4)]
    frame, title = memory_frame(held, "saved")
    assert title == unit
    assert frame["value"].tolist() == [0, value]
    assert frame["saved"].tolist() == [0, saved]


DELIVERIES = {"dataset": "deliveries", "model": "linear", "lr": 0.01}


def deliveries(steps=5, **choices):
    return MemoryRun(Config(**DELIVERIES, **choices), steps=steps).advance()


def test_table_by_hand():
    found = memory_table(deliveries(steps=4).rows).set_index("way")
    assert list(found.index) == [way.title for way in WAYS.values()]
    row = found.loc["loss, no backward"]
    assert (row["saved"], row["per_loss"], row["nodes"]) == (64, 16, 14)
    assert found.loc["sum, after backward", "keeps"] == "total += loss"
    assert found.loc["sum, after backward", "nodes"] == 18
    assert found.loc["loss.item()", ["saved", "nodes", "own"]].tolist() == [0, 0, 0]


def test_words_have_the_numbers():
    said = memory_words(deliveries(steps=4))
    for part in (
        "the 16 bytes saved",
        "64 bytes for 4 losses",
        "(0 bytes left)",
        "14 graph nodes",
        "18 with",
    ):
        assert part in said
    assert "for 1 loss." in memory_words(deliveries(steps=1))


@pytest.mark.parametrize(("rows", "differ"), [(3, True), (2, False)])
def test_words_of_batches_that_differ_in_size_do_not_take_one_for_all(rows, differ):
    """Of four rows: three, then one, and again; or two and two."""
    watch = deliveries(steps=3, batch_size=rows)
    said, last = memory_words(watch), {row.way: row for row in watch.rows}
    assert (last["without"].saved != 3 * watch.per_loss) == differ
    assert ("what was saved for it, " in said and " for the first: " in said) == differ
    assert ("The first loss, one number, sits in a storage of 12 bytes" in said) == differ
