"""Charts by what they mean: which numbers they hold, which fields they encode, what they mark."""

import importlib.util
import json
import math
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core import Config, Run, charts
from core.charts import DASHES, axis_top, compact, curves_spec, goes_beyond, thin
from core.compare.curves import (
    ALL_PARAMETERS,
    MAX_ROWS,
    QUANTITIES,
    Series,
    curves_frame,
    ends_at,
    smoothed,
    value_at,
)
from core.compare.fit import kind, picture
from core.compare.fit_picture import fit_spec
from core.lines import from_letters
from core.result import Message, Result, result
from core.words import JOINER

LOGS = [(True, True), (True, False), (False, True), (False, False)]
LINE = {"dataset": "deliveries", "model": "linear"}


def trained(loop="ZFLBS", **choices):
    return result(Run(Config(**{"steps": 60} | choices, loop=from_letters(loop))).advance())


@pytest.fixture(scope="module")
def runs():
    """One run that learns, one with batches, one that overflows and one that raises."""
    return [
        trained(),
        trained(batch_size=32),
        trained(**LINE, lr=1.0),
        trained("FLSZB"),
    ]


def made(losses, norms=None, message=None, steps=None):
    """A Result with these losses and gradient norms, without validation."""
    rows = np.arange(len(losses))
    norms = np.ones(len(losses)) if norms is None else norms
    frame = pd.DataFrame({"step": rows, "loss": np.asarray(losses, dtype=float), "grad_norm": norms})
    frame = frame.assign(fresh_norm=norms, leftover_norm=0.0, update_ratio=0.1)
    scores = pd.DataFrame({"step": [0], "train_loss": [1.0], "val_loss": [math.nan]})
    config = Config(steps=steps or max(len(losses), 1))
    return Result(config, len(losses), frame, pd.DataFrame(), scores, np.empty((1, 1)), message)


# -- few rows, and no spike lost -----------------------------------------------------------

values = st.one_of(st.floats(-1e6, 1e6), st.just(math.nan), st.just(math.inf), st.just(-math.inf))
tables = st.tuples(st.integers(1, 300), st.integers(1, 4)).flatmap(
    lambda s: arrays(float, s, elements=values)
)


@given(tables, st.integers(10, 120))
@settings(deadline=None)
def test_thinning_keeps_ends_and_extremes_in_order_and_within_the_limit(table, limit):
    kept = thin(table, limit)
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0 and kept[-1] == len(table) - 1
    assert len(kept) <= limit
    for column in table.T:
        finite = column[np.isfinite(column)]
        if len(finite):
            seen = column[kept][np.isfinite(column[kept])]
            assert seen.min() == finite.min() and seen.max() == finite.max()


@given(tables)
@settings(deadline=None)
def test_a_table_that_fits_is_not_thinned(table):
    assert (thin(table, 300) == np.arange(len(table))).all()


def test_thinning_keeps_every_spike_of_many():
    table = np.ones((5000, 2))
    spikes = np.arange(37, 5000, 250)
    table[spikes, 1] = 9.0
    assert set(spikes) <= set(thin(table, 500))


# -- where an axis ends --------------------------------------------------------------------


def test_an_axis_reaches_to_the_data_where_nothing_explodes():
    calm = np.linspace(1.0, 0.1, 50)
    assert axis_top([calm, calm * 2], log=True) is None
    assert axis_top([calm, calm * 2], log=False) is None


@pytest.mark.parametrize("log", [True, False])
def test_an_axis_ends_at_a_power_of_ten_far_below_an_explosion_and_above_the_rest(log):
    calm, exploding = np.linspace(1.0, 0.1, 50), 1.5 ** np.arange(50)
    exploding[-2:] = math.nan
    top = axis_top([calm, exploding], log)
    assert calm.max() < top < exploding[:-2].max() / 100
    assert math.log10(top) == pytest.approx(round(math.log10(top)), abs=1e-12)


@given(st.lists(arrays(float, 20, elements=st.one_of(st.floats(0, 1e300), st.just(math.nan)))), st.booleans())
@settings(deadline=None)
def test_an_axis_always_has_room_for_what_every_run_begins_with(series, log):
    top = axis_top(series, log)
    first = [column[np.isfinite(column)][:1] for column in series]
    assert top is None or all(top > value for values in first for value in values)


def test_a_run_that_leaves_the_axis_is_marked_each_time_it_does():
    left = goes_beyond(np.array([10.0, 20.0, 30.0, 2.0, math.nan, 50.0]), 10.0)  # 10 is drawn, at the top
    assert np.flatnonzero(left == 1).tolist() == [1, 5]
    assert np.isnan(goes_beyond(np.array([1.0, 20.0]), None)).all()


# -- fewer bytes ---------------------------------------------------------------------------

one_column = st.one_of(
    arrays(float, 20, elements=st.floats(allow_subnormal=True)),
    arrays(float, 20, elements=st.one_of(st.integers(-40_000, 40_000).map(float), st.just(math.nan))),
)


@given(one_column)
@example(np.array([1.0, math.inf, 2.5, 4e38]))  # beyond float32: none of them may turn into another
@example(np.array([1e-300, 1.0]))  # would be 0, which a log axis cannot show
@example(np.full(3, math.nan))
def test_numbers_that_are_sent_in_fewer_bytes_are_the_same_to_seven_digits(values):
    sent = compact(pd.DataFrame({"x": values}))["x"]
    arrived = sent.to_numpy(dtype=float, na_value=math.nan)
    np.testing.assert_allclose(arrived, values, rtol=2**-24, atol=0)
    known = values[~np.isnan(values)]
    if (known == np.round(known)).all() and (np.abs(known) < 2**15).all():
        np.testing.assert_array_equal(arrived, values)
        assert sent.dtype.itemsize <= 2


def test_text_is_sent_once_and_a_column_of_marks_takes_a_byte_a_row():
    frame = compact(pd.DataFrame({"word": ["learns", "slow"] * 50, "mark": [1.0, math.nan] * 50, "on": True}))
    assert frame["word"].tolist() == ["learns", "slow"] * 50 and frame["word"].dtype == "category"
    assert frame["mark"].dtype == "Int8" and frame["mark"].isna().sum() == 50
    assert frame["on"].all()


# -- the frame of the curves ---------------------------------------------------------------


def columns(frame, letters):
    return frame[[name for name in frame if name[0] in letters and name[1:].isdigit()]]


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("loss", ["loss", "train_loss", "val_loss"])
@pytest.mark.parametrize("logs", LOGS, ids=str)
def test_a_frame_never_holds_what_its_axis_cannot_show(runs, quantity, loss, logs):
    frame, _ = curves_frame(runs, quantity, loss=loss, logs=logs)
    assert not np.isinf(frame.to_numpy()).any()
    for letters, log in zip(("lv", "g"), logs, strict=True):
        if log:
            shown = columns(frame, letters).to_numpy()
            assert (shown[~np.isnan(shown)] > 0).all()


sequences = st.lists(
    st.one_of(st.floats(0, allow_infinity=False), st.just(math.inf), st.just(math.nan)),
    min_size=1,
    max_size=50,
)


@given(st.lists(sequences, min_size=1, max_size=6), st.tuples(st.booleans(), st.booleans()))
@settings(deadline=None)
def test_any_losses_make_a_frame_with_gaps_where_nothing_can_be_shown(losses, logs):
    frame, _ = curves_frame([made(sequence) for sequence in losses], logs=logs)
    assert not np.isinf(frame.to_numpy()).any()
    for i, sequence in enumerate(losses):
        shown = [math.isfinite(loss) and (loss > 0 or not logs[0]) for loss in sequence]
        expected = [loss if ok else math.nan for loss, ok in zip(sequence, shown, strict=True)]
        np.testing.assert_array_equal(frame[f"l{i}"][: len(sequence)], expected)


def test_a_frame_holds_the_recorded_numbers(runs):
    frame, _ = curves_frame(runs, "update_ratio")
    for i, run in enumerate(runs[:2]):
        rows = frame.set_index("step").loc[run.steps["step"]]
        np.testing.assert_array_equal(rows[f"l{i}"], run.steps["loss"])
        np.testing.assert_array_equal(rows[f"g{i}"], run.steps["update_ratio"])


def test_one_parameter_has_its_own_norms_and_a_run_without_it_a_gap(runs):
    frame, _ = curves_frame(runs, "grad_norm", "0.weight")
    recorded = runs[0].parameters.query("parameter == '0.weight'")["grad_norm"]
    np.testing.assert_array_equal(frame["g0"][: len(recorded)], recorded)
    assert frame["g2"].isna().all()  # the linear model calls its own "weight"


def test_validation_is_shown_at_a_few_of_the_evaluated_steps(runs):
    frame, _ = curves_frame(runs)
    shown = frame[["step", "v0"]].dropna().set_index("step")["v0"]
    recorded = runs[0].evaluations.set_index("step")["val_loss"]
    assert 8 <= len(shown) <= 25  # every eighth step or so, and the last
    np.testing.assert_array_equal(shown, recorded.loc[shown.index])
    assert frame["v2"].isna().all()  # four deliveries leave nothing to validate on


def test_a_mark_stands_at_the_step_where_a_run_diverged_or_raised(runs):
    frame, _ = curves_frame(runs)
    marked = {i: frame["step"][frame[f"m{i}"] == 1].tolist() for i in range(len(runs))}
    overflow = int(np.flatnonzero(np.isinf(runs[2].steps["loss"]))[0])
    assert marked == {0: [], 1: [], 2: [overflow], 3: [1]}  # facts: it raises in the second step
    assert [ends_at(run) for run in runs] == [None, None, overflow, 1]


def test_a_loop_without_a_loss_line_is_not_marked_as_diverged():
    assert ends_at(trained("ZFS")) is None


def test_a_mark_survives_thinning():
    losses = np.ones(4999)
    losses[3333:] = math.nan
    frame, _ = curves_frame([made(losses), *[made(np.ones(5000))] * 5])
    assert frame["step"][frame["m0"] == 1].tolist() == [3333]
    raised = made(np.ones(4322), message=Message(4321, "backward", "RuntimeError", ""), steps=5000)
    frame, _ = curves_frame([raised, *[made(np.ones(5000))] * 5])
    assert frame["step"][frame["m0"] == 1].tolist() == [4321]


@pytest.mark.parametrize("count", range(1, 7))
def test_rows_times_runs_are_bounded_and_a_spike_is_among_them(count):
    generator = np.random.default_rng(count)
    long = [made(generator.uniform(1, 2, 5000), generator.uniform(1, 2, 5000)) for _ in range(count)]
    long[-1].steps.loc[2718, "loss"] = 1e6
    frame, _ = curves_frame(long, pinned=1234)
    assert len(frame) * count <= MAX_ROWS + 2 * count  # the pinned row, and one of rounding
    assert len(frame) > 300
    spike = frame.set_index("step")[f"l{count - 1}"]
    assert spike.max() == 1e6 and spike.idxmax() == 2718


@given(st.integers(-5, 80), st.integers(-5, 80))
@settings(deadline=None)
def test_beside_a_zoom_all_steps_are_there_for_the_way_back(low, high):
    frame, _ = curves_frame([made(np.ones(60))], between=(low, high))
    assert frame["step"].tolist() == list(range(61))


def test_a_pinned_step_survives_thinning():
    calm = [made(np.ones(5000))] * 6
    for pinned in range(1230, 1240):
        frame, _ = curves_frame(calm, pinned=pinned)
        assert pinned in frame["step"].tolist()


def test_a_zoom_has_what_thinning_had_left_out_and_stays_within_the_limit():
    generator = np.random.default_rng(0)
    long = [made(generator.uniform(1, 2, 5000)) for _ in range(6)]
    frame, _ = curves_frame(long, between=(1000, 1100))
    steps = set(frame["step"])
    assert set(range(1000, 1101)) <= steps and {0, 5000} <= steps and len(frame) * 6 <= MAX_ROWS


def test_axes_end_for_what_is_looked_at_and_marks_go_with_them():
    """Not for a run that is hidden, nor for steps outside of a zoom."""
    calm, wild = np.ones(60), np.where(np.arange(60) == 30, 1e12, 1.0)
    runs = [made(calm), made(wild)]
    whole, (top, _) = curves_frame(runs)
    assert top is not None and whole["step"][whole["b1"] == 1].tolist() == [30]
    for more in ({"hidden": (1,)}, {"between": (40.0, 59.0)}):
        frame, tops = curves_frame(runs, **more)
        assert tops == (None, None) and frame[["b0", "b1"]].isna().all(axis=None)
        pd.testing.assert_series_equal(frame["l1"], whole["l1"])


@pytest.mark.parametrize("logs", LOGS, ids=str)
def test_a_validation_loss_of_0_is_a_gap_on_a_log_axis_alone(logs):
    scores = pd.DataFrame({"step": [0, 5], "train_loss": 1.0, "val_loss": [1.0, 0.0]})
    frame, _ = curves_frame([replace(made(np.ones(5)), evaluations=scores)], logs=logs)
    assert frame["v0"].dropna().tolist() == ([1.0] if logs[0] else [1.0, 0.0])


def test_runs_of_different_lengths_share_the_steps_of_the_longest():
    frame, _ = curves_frame([made(np.ones(10)), made(np.ones(30))])
    assert frame["step"].max() == 30
    assert frame["l0"].notna().sum() == 10 and frame["l1"].notna().sum() == 30


def test_beyond_the_axis_is_marked_where_a_run_first_passes_it(runs):
    frame, (top, _) = curves_frame(runs)
    beyond = frame["step"][frame["b2"] == 1]
    losses = frame.set_index("step")["l2"]
    assert top is not None and len(beyond) == 1
    assert losses[beyond.iloc[0]] > top >= losses[beyond.iloc[0] - 1]
    assert frame[["b0", "b1", "b3"]].isna().all(axis=None)


# -- a moving average ----------------------------------------------------------------------


def tensorboard(values, factor):
    """As TensorBoard's documentation has it: a running sum from 0, divided by the weights it has so far."""
    last, count, shown = 0.0, 0, []
    for value in values:
        if math.isfinite(value):
            last, count = last * factor + (1 - factor) * value, count + 1
            value = last / (1 - factor**count)
        shown.append(value)
    return shown


def averaged(values, factor):
    return smoothed(Series(np.arange(len(values)), np.array(values, dtype=float)), factor).values


@given(sequences.map(lambda s: [x if x < 1e290 else 2.0 for x in s]), st.floats(0.01, 0.99))
@settings(deadline=None)
def test_the_average_is_that_of_tensorboard_and_leaves_out_what_is_not_finite(values, factor):
    np.testing.assert_allclose(averaged(values, factor), tensorboard(values, factor), rtol=1e-9, atol=1e-280)


def test_the_average_begins_with_the_first_value_and_has_no_pull_toward_zero():
    # 0.5: (0.5 * 4 + 8) / 1.5, then (0.25 * 4 + 0.5 * 8 + 2) / 1.75
    assert averaged([4, 8, 2], 0.5).tolist() == pytest.approx([4, 10 / 1.5, 7 / 1.75])
    assert averaged([3.0] * 50, 0.97) == pytest.approx(np.full(50, 3.0))
    assert np.isfinite(averaged([1.7e308] * 50, 0.97)).all()


def test_smoothing_adds_averages_and_moves_nothing_else(runs):
    """What diverged, what is beyond the axis, where the axis ends, and all true values stay as they are."""
    plain, tops = curves_frame(runs, pinned=3)
    smooth, same = curves_frame(runs, pinned=3, smooth=0.9)
    assert same == tops
    pd.testing.assert_frame_equal(smooth[plain.columns], plain)
    added = set(smooth.columns) - set(plain.columns)
    assert added == {f"{letter}{i}" for letter in "st" for i in range(len(runs))}
    rows = smooth["step"].isin(runs[0].steps["step"])
    expected = averaged(runs[0].steps["loss"], 0.9)[smooth["step"][rows].astype(int)]
    np.testing.assert_array_equal(smooth["s0"][rows], expected)
    over = ends_at(runs[2])
    assert smooth.loc[smooth["step"] >= over, "s2"].isna().all()  # no line where there is no loss


def test_a_peak_before_a_zoom_does_not_flatten_what_is_in_it():
    losses = np.where(np.arange(300) < 5, 1e8, 1.0 + np.arange(300) % 2)
    frame, tops = curves_frame([made(losses)], between=(20.0, 299.0), smooth=0.9)
    inside = frame["s0"][frame["step"].between(20, 299)]
    shown = inside.dropna()
    assert tops[0] is None and shown.between(1.0, 2.0).all()
    assert averaged(losses, 0.9)[20] > 1e6 and 0 < len(shown) < len(inside)
    whole, _ = curves_frame([made(losses)], smooth=0.9)
    assert whole["s0"][:300].notna().all()


def test_an_average_of_evaluated_steps_is_taken_before_they_are_joined():
    scores = pd.DataFrame({"step": [0, 10, 20], "train_loss": [4.0, 8.0, 2.0], "val_loss": [math.nan] * 3})
    run = made(np.ones(20))
    run = Result(run.config, 20, run.steps, run.parameters, scores, run.snapshots, None)
    frame, _ = curves_frame([run], loss="train_loss", smooth=0.5)
    shown = frame.set_index("step")["s0"]
    assert shown[[0, 10, 20]].tolist() == pytest.approx([4, 10 / 1.5, 4])
    assert shown[5] == pytest.approx((4 + 10 / 1.5) / 2)


# -- numbers at a step ---------------------------------------------------------------------


def test_a_number_at_a_step_is_the_recorded_one_in_words(runs):
    losses = runs[0].steps["loss"]
    assert value_at(runs[0], "loss", ALL_PARAMETERS, 7) == f"{losses[7]:.4g}"
    assert value_at(runs[2], "loss", ALL_PARAMETERS, 59) == "nan"
    ratio = runs[0].parameters.query("parameter == '0.bias' and step == 5")["update_ratio"].item()
    assert value_at(runs[0], "update_ratio", "0.bias", 5) == f"{ratio:.4g}"
    assert value_at(runs[3], "loss", ALL_PARAMETERS, 30) == "none"  # it raised long before
    assert value_at(runs[2], "grad_norm", "0.weight", 5) == "none"  # it has no such parameter


def test_between_evaluated_steps_the_nearest_one_is_named():
    scores = pd.DataFrame({"step": [0, 10, 20], "train_loss": [3.0, 2.0, 1.0], "val_loss": [math.nan] * 3})
    run = made(np.ones(20))
    run = Result(run.config, 20, run.steps, run.parameters, scores, run.snapshots, None)
    assert value_at(run, "train_loss", ALL_PARAMETERS, 10) == "2"
    assert value_at(run, "train_loss", ALL_PARAMETERS, 12) == "2 (step 10)"


# -- specs by meaning ----------------------------------------------------------------------


def parts(node):
    """Every dict of a spec."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(child)


def views(node, transforms=()):
    """(view, the transforms above and in it) for everything with a mark."""
    transforms = (*transforms, *node.get("transform", []))
    if "mark" in node:
        yield node, transforms
    for key in ("layer", "hconcat", "vconcat"):
        for child in node.get(key, []):
            yield from views(child, transforms)


def encoded_fields(view):
    return {part["field"] for part in parts(view.get("encoding", {})) if "field" in part}


def check_fields(spec, frame):
    """Every field that is encoded, folded or asked for is a column, or is made from one."""
    for view, transforms in views(spec):
        known = set(frame.columns)
        for transform in transforms:
            assert set(transform.get("fold", [])) <= known
            made_here = transform.get("as", [])
            known |= {made_here} if isinstance(made_here, str) else set(made_here)
        assert encoded_fields(view) <= known


def spec_of(
    frame, tops, names, logs=(True, True), width=1200, val=True, titles=("Loss", "Gradient norm"), **more
):
    return curves_spec(tuple(names), titles, logs, tops, (0.0, frame["step"].max()), width, val, **more)


@pytest.fixture(scope="module")
def curves(runs):
    frame, tops = curves_frame(runs, pinned=3)
    return frame, tops, ("Baseline", "Batch size 32", "Learning rate 1.0", "Order F L S Z B")


@pytest.fixture(scope="module")
def fits():
    datasets = ("sine", "moons", "diabetes", "iris")
    finished = [trained(dataset=dataset, steps=5) for dataset in datasets]
    return {kind(one.config): picture(one, -1) for one in finished}


@pytest.fixture(scope="module")
def all_specs(runs, curves, fits):
    """Every spec of the app with a frame that it is for."""
    frame, tops, names = curves
    pairs = [
        (spec_of(frame, tops, names, logs, width, val), frame)
        for logs, width, val in [*product(LOGS, (400,), (True,)), (LOGS[0], 1200, False)]
    ]
    averages, _ = curves_frame(runs, pinned=3, smooth=0.6)
    pairs.append((spec_of(averages, tops, names, smooth=True), averages))
    return pairs + [(fit_spec(name, "first", "second"), frame) for name, frame in fits.items()]


def test_every_field_is_a_column_of_the_frame_or_made_from_one(all_specs):
    for spec, frame in all_specs:
        assert any(encoded_fields(view) for view, _ in views(spec))
        check_fields(spec, frame)


def test_no_spec_carries_data(all_specs):
    """A placeholder for data in a part of a spec would hide the frame that is sent with it."""
    for spec, _ in all_specs:
        assert not any({"data", "datasets"} & set(part) for part in parts(spec))


def test_padding_is_never_a_bare_number(all_specs):
    """A number there crashes Streamlit's front end (seen with 1.67); an object does not."""
    for spec, _ in all_specs:
        assert not any(isinstance(part.get("padding"), (int, float)) for part in parts(spec))


def test_no_title_is_an_internal_name(all_specs):
    internal = {"run", "column", "value", "x2", "y2", "part", "label"}
    for spec, _ in all_specs:
        words = [part["title"] for part in parts(spec) if isinstance(part.get("title"), str)]
        words += [part["text"] for part in parts(spec) if isinstance(part.get("text"), str)]
        assert not set(words) & internal
        assert not any(word[0] in "lvgmbcst" and word[1:].isdigit() for word in words)
        assert "__" not in "".join(words)


def test_every_spec_can_be_sent_as_json(all_specs):
    for spec, _ in all_specs:
        assert json.loads(json.dumps(spec, allow_nan=False)) == spec


def panels(spec):
    return spec.get("hconcat") or spec["vconcat"]


@pytest.mark.parametrize("logs", LOGS, ids=str)
def test_each_panel_has_the_scale_that_was_asked_for(curves, logs):
    frame, tops, names = curves
    for panel, log in zip(panels(spec_of(frame, tops, names, logs)), logs, strict=True):
        ys = [view["encoding"]["y"] for view, _ in views(panel) if "y" in view["encoding"]]
        scales = {y["scale"]["type"] for y in ys if "field" in y}
        assert scales == {"log" if log else "linear"}


def test_the_axes_end_where_the_frame_says(curves):
    frame, _, names = curves
    for tops in ((100.0, None), (None, 10.0)):
        spec = spec_of(frame, tops, names)
        values = {param["name"]: param["value"] for param in spec["params"] if "value" in param}
        for panel, top in zip(panels(spec), tops, strict=True):
            ys = [view["encoding"]["y"] for view, _ in views(panel) if "y" in view["encoding"]]
            assert {values[y["scale"]["domainMax"]["expr"]] for y in ys if "field" in y} == {top}
            # Where it ends at the data it goes on to a round number, or a dot at its end would be cut.
            nice = {y["scale"]["nice"]["expr"] for y in ys if "field" in y}
            assert nice == {y["scale"]["domainMax"]["expr"] + " === null" for y in ys if "field" in y}


def test_what_the_browser_changes_is_a_signal_of_the_same_spec(curves):
    """A pin, a zoom, hidden runs, scales and their ends: nothing else of the spec depends on them."""
    frame, tops, names = curves
    plain = spec_of(frame, tops, names)
    shown = ((None, 7.0), (3.0, 9.0), 4, (1, 3))
    looked = curves_spec(names, ("Loss", "Gradient norm"), (True, True), *shown[:2], 1200, True,
                         pinned=shown[2], hidden=shown[3])  # fmt: skip
    values = {param["name"]: param["value"] for param in looked.pop("params") if "value" in param}
    scales = {"log_l": True, "log_g": True, "top_l": None, "top_g": 7.0}
    assert values == scales | {"low": 3.0, "high": 9.0, "pinned": 4, "hidden": ["1", "3"]}
    assert looked == {key: value for key, value in plain.items() if key != "params"}
    for view, transforms in views(looked):
        filters = [one["filter"] for one in transforms if "filter" in one]
        if view["encoding"].get("color", {}).get("field") == "run":
            assert "indexof(hidden, datum.run) < 0" in filters
        if view["mark"]["type"] == "line":
            assert "low <= datum.step && datum.step <= high" in filters
    assert json.dumps(looked).count("datum.step === pinned") == 2  # a rule in each panel


def test_all_that_depends_on_the_type_of_a_scale_follows_its_signal(curves):
    """Labels, lines of the grid, and gaps where a log scale has no place: the browser may change it."""
    frame, tops, names = curves
    linear, log = (panels(spec_of(frame, tops, names, (one, one))) for one in (False, True))
    for letter, *pair in zip("lg", linear, log, strict=True):
        for view, transforms in views(pair[0]):
            y = view["encoding"].get("y", {})
            if "scale" in y:
                made = [one["calculate"] for one in transforms if one.get("as") == "value"]
                assert made == [f"log_{letter} && datum.value <= 0 ? null : datum.value"]
                assert f"(log_{letter} ? min(" in y["axis"]["labelExpr"]
                assert y["axis"]["gridOpacity"]["condition"]["test"].startswith(f"!log_{letter} || ")
                assert y["axis"]["description"] == pair[0]["title"]["text"]  # not what a scale was at first
                assert y["axis"]["labelOverlap"] == {"expr": f"log_{letter} ? 'greedy' : true"}
        for view, _ in [*views(pair[0]), *views(pair[1])]:
            for name in ("type", "zero"):
                view["encoding"].get("y", {}).get("scale", {}).pop(name, None)
        assert pair[0] == pair[1]  # but for its type, and where it begins


def test_the_panels_stand_side_by_side_or_on_a_phone_below_each_other(curves):
    frame, tops, names = curves
    assert len(spec_of(frame, tops, names, width=1200)["hconcat"]) == 2
    narrow = spec_of(frame, tops, names, width=360)
    assert len(narrow["vconcat"]) == 2
    assert all(panel["width"] < 360 for panel in narrow["vconcat"])


def test_each_panel_has_lines_marks_a_rule_where_one_points_and_where_one_pinned(curves):
    for panel in panels(spec_of(*curves)):
        kinds = [view["mark"]["type"] for view, _ in views(panel)]
        assert kinds.count("line") == 1 and kinds.count("rule") == 3
        shapes = {view["mark"].get("shape") for view, _ in views(panel)}
        assert {"cross", "triangle-up"} <= shapes
    assert [panel["title"]["text"] for panel in panels(spec_of(*curves))] == ["Loss", "Gradient norm"]


def of_runs(spec):
    """The marks that have the color of a run, with the transforms before them."""
    return [(v, t) for v, t in views(spec) if v["encoding"].get("color", {}).get("field") == "run"]


@pytest.mark.parametrize("smooth", [False, True])
def test_dots_and_marks_have_the_very_color_of_their_line(curves, smooth):
    """One scale for all, by the theme; and nothing see-through, as Vega makes points of its own accord."""
    found = of_runs(spec_of(*curves, smooth=smooth))
    assert len(found) == 9 + 2 * smooth  # line, marks beyond and at the end, hover; validation with the loss
    assert len({json.dumps(view["encoding"]["color"]["scale"]) for view, _ in found}) == 1
    assert not any("range" in view["encoding"]["color"]["scale"] for view, _ in found)
    faint = [view["mark"]["type"] for view, _ in found if view["mark"].get("opacity", 1) != 1]
    assert faint == ["line"] * 2 * smooth  # behind their averages
    for view, _ in found:
        assert view["mark"]["type"] == "line" or view["mark"]["opacity"] == 1


def test_an_average_is_drawn_over_the_true_curve_and_tooltips_keep_to_the_truth(curves):
    for panel, true, average in zip(panels(spec_of(*curves, smooth=True)), "lg", "st", strict=True):
        lines = [(v, t) for v, t in views(panel) if v["mark"]["type"] == "line"]
        letters = [{name[0] for part in t for name in part.get("fold", [])} for _, t in lines]
        assert letters == [{true}, {average}]
        (tips,) = [view["encoding"]["tooltip"] for view, _ in views(panel) if "tooltip" in view["encoding"]]
        assert {tip["field"][0] for tip in tips[1:]} == {true}


def test_the_first_and_last_dot_are_whole(curves):
    """The axis goes on for more than a dot's radius, in pixels, at both ends."""
    frame, tops, names = curves
    for width in (1200, 340):
        for panel in panels(spec_of(frame, tops, names, width=width)):
            xs = [view["encoding"]["x"]["scale"] for view, _ in views(panel) if "x" in view["encoding"]]
            assert len({json.dumps(x) for x in xs}) == 1 and not xs[0]["nice"]
            last = frame["step"].max()
            edge = "0.015 * (high - low)"
            assert xs[0]["domain"] == [{"expr": f"low - {edge}"}, {"expr": f"high + {edge}"}]
            pixel = 1.03 * last / panel["width"]
            radius = math.sqrt(22 / math.pi)  # of a validation dot: its area is 22 pixels
            assert 0.015 * last / pixel > radius


def test_no_step_is_labeled_between_two_steps(curves):
    axes = [view["encoding"].get("x", {}).get("axis") for view, _ in views(spec_of(*curves))]
    assert {axis["tickMinStep"] for axis in axes if axis} == {1}


def test_the_numbers_of_an_axis_are_written_alike(curves):
    """One expression for all labels, which asks the scale of its own panel."""
    for width in (1200, 400):
        for number, panel in enumerate(panels(spec_of(*curves, width=width))):
            axes = [
                view["encoding"]["y"]["axis"]
                for view, _ in views(panel)
                if "axis" in view["encoding"].get("y", {})
            ]
            (label,) = {axis["labelExpr"] for axis in axes}
            assert f"domain('concat_{number}_y')" in label and "format" not in axes[0]


def test_a_pair_that_fills_a_window_is_as_high_as_it_has_room():
    assert charts.panel_height(1400, 900) == 900 - charts.AROUND
    assert charts.panel_height(400, 1200) == 600 - charts.AROUND
    assert charts.panel_height(1400, 300) == charts.TALL  # and scrolls
    spec = curves_spec(("a",), ("L", "G"), (True, True), (None, None), (0.0, 9.0), 1400, True, tall=700)
    assert {panel["height"] for panel in panels(spec)} == {700}


@pytest.mark.parametrize("width", [400, 1201])
def test_a_pair_with_its_axes_is_as_wide_as_its_room(curves, width):
    spec = spec_of(*curves, width=width)
    one, other = (panel["width"] + charts.AXIS_WIDTH for panel in panels(spec))
    taken = one if "vconcat" in spec else one + charts.SPACING + other
    assert one == other and width - 2 < taken <= width


@pytest.mark.parametrize("first", [0.0, 100.0])
def test_a_little_room_is_left_beside_the_steps_shown(first):
    spec = curves_spec(("a",), ("L", "G"), (True, True), (None, None), (first, first + 50), 1400, True)
    for panel in panels(spec):
        for view, _ in views(panel):
            if "x" in view["encoding"]:  # 0.75 of 50 steps
                scale = view["encoding"]["x"]["scale"]
                room = "0.015 * (high - low)"
                assert scale["domain"] == [{"expr": f"low - {room}"}, {"expr": f"high + {room}"}]
    values = {param["name"]: param.get("value") for param in spec["params"]}
    assert (values["low"], values["high"]) == (first, first + 50)


def folded(panel):
    return {name for _, transforms in views(panel) for t in transforms for name in t.get("fold", [])}


def test_each_panel_shows_its_own_quantity_and_validation_is_with_the_loss(curves):
    loss, gradient = panels(spec_of(*curves))
    assert {name[0] for name in folded(loss)} == {"l", "v", "m", "b"}
    assert {name[0] for name in folded(gradient)} == {"g", "m", "c"}
    without = panels(spec_of(*curves, val=False))[0]
    assert "v" not in {name[0] for name in folded(without)}
    for panel in (loss, gradient):
        assert {name[1:] for name in folded(panel)} == {"0", "1", "2", "3"}


def test_hover_pin_and_zoom_are_felt_in_both_panels(curves):
    for width in (1200, 400):
        spec = spec_of(*curves, width=width)
        params = {param["name"]: param for param in spec["params"] if "select" in param}
        assert set(params) == {"hover", "pin", "zoom"}
        assert params["hover"]["select"]["fields"] == params["pin"]["select"]["fields"] == ["step"]
        assert params["zoom"]["select"]["type"] == "interval"
        assert params["zoom"]["select"]["encodings"] == ["x"]
        named = [{view["name"] for view, _ in views(panel) if "name" in view} for panel in panels(spec)]
        for param in params.values():
            assert len(param["views"]) == 2
            assert all(view in names for view, names in zip(param["views"], named, strict=True))
        assert not any("params" in part for panel in panels(spec) for part in parts(panel))


def test_pointing_at_a_step_reads_all_runs_by_name(curves):
    frame, tops, names = curves
    for panel, letter in zip(panels(spec_of(frame, tops, names)), "lg", strict=True):
        (tips,) = [view["encoding"]["tooltip"] for view, _ in views(panel) if "tooltip" in view["encoding"]]
        said = {tip["field"]: tip["title"].strip(JOINER) for tip in tips}
        assert said.pop("step") == "step"
        assert said == {f"{letter}{i}": name for i, name in enumerate(names)}


def scales_of(spec, channel):
    encodings = [view["encoding"][channel] for view, _ in views(spec) if channel in view["encoding"]]
    return [encoding["scale"] for encoding in encodings if encoding.get("field") == "run"]


@pytest.mark.parametrize("places", [(0,), (0, 1, 2), (0, 3), (2, 5), tuple(range(6))])
def test_a_run_has_the_color_and_dash_of_its_place_whatever_others_there_are(places):
    """The scales map all places, so that nobody's color moves when a run comes or goes."""
    names = tuple(f"run {place}" for place in places)
    titles, logs = ("Loss", "Gradient"), (True, True)
    spec = curves_spec(names, titles, logs, (None, None), (0.0, 9.0), 1200, True, places)
    colors, dashes = scales_of(spec, "color"), scales_of(spec, "strokeDash")
    assert colors and dashes
    assert all(scale["domain"] == [str(place) for place in range(6)] for scale in colors + dashes)
    assert all(scale["range"] == DASHES for scale in dashes)
    assert len({tuple(dash) for dash in DASHES}) == 6  # never color alone
    for panel, letter in zip(panels(spec), "lg", strict=True):
        assert {name for name in folded(panel) if name[0] == letter} == {f"{letter}{p}" for p in places}
        (tips,) = [view["encoding"]["tooltip"] for view, _ in views(panel) if "tooltip" in view["encoding"]]
        assert {tip["field"]: tip["title"].strip(JOINER) for tip in tips[1:]} == {
            f"{letter}{p}": f"run {p}" for p in places
        }


def test_where_cards_are_the_legend_the_chart_has_none():
    shown = (("a", "b"), ("Loss", "Gradient"), (True, True), (None, None), (0.0, 9.0), 1200, True, (0, 4))
    for legend in (True, False):
        encodings = [
            view["encoding"]["color"]
            for view, _ in views(curves_spec(*shown, legend=legend))
            if view["encoding"].get("color", {}).get("field") == "run"
        ]
        values = {json.dumps(one["legend"] and one["legend"]["values"]) for one in encodings}
        assert values == ({json.dumps(["0", "4"])} if legend else {"null"})


def test_what_follows_the_pointer_is_picked_from_the_rows_before_anything_is_made_of_them(curves):
    """A condition would be asked anew of every row, tooltips and all, at each move of the pointer."""
    for panel in panels(spec_of(*curves)):
        picked = [[n for n, one in enumerate(ts) if "hover" in json.dumps(one)] for _, ts in views(panel)]
        assert sorted(picked) == [[]] * (len(picked) - 2) + [[0], [0]]  # dots and a rule: first of all
        assert not any("hover" in json.dumps(view["encoding"]) for view, _ in views(panel))


def test_no_scale_hangs_on_what_follows_the_pointer(curves):
    """Each move would make it anew, and with it every line and all that one can point at."""
    for panel in panels(spec_of(*curves)):
        for view, transforms in views(panel):
            given = view["encoding"]
            assert all("expr" in end for end in given.get("x", {}).get("scale", {"domain": []})["domain"])
            if "hover" in json.dumps(transforms):
                assert "field" not in given.get("y", {})


def test_the_rows_that_have_a_mark_are_known(curves):
    frame, *_ = curves
    assert ((frame["marked"] == 1) == columns(frame, "vmbc").notna().any(axis=1)).all()
    assert 0 < frame["marked"].sum() < len(frame)


NASTY = [
    "a.b",
    "a[0]",
    "lr:Q",
    'say "hi"',
    "it's",
    "constructor",
    "__proto__",
    "</script>",
    "datum.step",
    "\\",
]


def test_a_name_is_only_ever_a_title(curves):
    """Names such as these break Vega where they stand as fields."""
    frame, tops, names = curves
    plain = spec_of(frame, tops, names)
    for start in range(0, len(NASTY), 3):
        nasty = (*NASTY[start : start + 3], *names)[:4]
        spec = spec_of(frame, tops, nasty)
        check_fields(spec, frame)
        assert [encoded_fields(v) for v, _ in views(spec)] == [encoded_fields(v) for v, _ in views(plain)]
        legends = [part["legend"] for part in parts(spec) if "legend" in part]
        for text in {legend["labelExpr"] for legend in legends}:
            literal, _, rest = text.rpartition("[")
            assert rest == "datum.label]"
            assert json.loads(literal) == {str(i): name for i, name in enumerate(nasty)}


def test_other_names_are_in_the_tooltips_and_take_no_new_chart(curves):
    """Altair takes longer to build a chart than to draw it, and names change with most choices."""
    frame, tops, names = curves
    spec_of(frame, tops, names)
    built = charts._curves.cache_info().misses
    others = tuple(f"other {name}" for name in names)
    spec = spec_of(frame, tops, others)
    assert charts._curves.cache_info().misses == built
    tips = [part["tooltip"] for part in parts(spec) if isinstance(part.get("tooltip"), list)]
    said = [[tip["title"].strip(JOINER) for tip in tip_list] for tip_list in tips]
    assert said and all(titles == ["step", *others] for titles in said)


def test_a_name_that_means_something_to_a_tooltip_is_only_a_name(curves):
    """Titles are keys of an object there: these are its headline, its picture, another row or its kind, and
    keys that are numbers come first."""
    frame, tops, names = curves
    special = ["title", "image", "step", "__proto__", "7"]
    for some in (special[: len(names)], special[-len(names) :]):
        spec = spec_of(frame, tops, tuple(some))
        tips = [part["tooltip"] for part in parts(spec) if isinstance(part.get("tooltip"), list)]
        titles = [tip["title"] for tip_list in tips for tip in tip_list[1:]]
        assert titles and not {*titles} & {*special}
        assert {title.strip(JOINER) for title in titles} == {*some}


# -- pictures ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["curve", "surface"])
def test_the_axes_of_a_picture_carry_the_titles_that_were_given(name):
    encodings = [view["encoding"] for view, _ in views(fit_spec(name, "distance", "minutes"))]
    assert {encoding["x"]["title"] for encoding in encodings} == {"distance"}
    assert {encoding["y"]["title"] for encoding in encodings} == {"minutes"}


def test_each_picture_has_its_marks():
    marks = {
        name: [view["mark"]["type"] for view, _ in views(fit_spec(name, "x", "y"))]
        for name in ("curve", "surface", "scatter", "confusion")
    }
    assert set(marks["curve"]) == {"point", "line"} and set(marks["scatter"]) == {"point", "line"}
    assert marks["surface"] == ["rect", "point"]  # the points on top
    assert marks["confusion"] == ["rect", "text"]


@pytest.mark.parametrize(("name", "mark"), [("curve", "line"), ("scatter", "point")])
def test_what_a_model_computes_has_the_color_of_its_run(name, mark):
    spec = fit_spec(name, "x", "y", 4)
    (color,) = [v["encoding"]["color"] for v, _ in views(spec) if "color" in v["encoding"]]
    assert color["field"] == "run" and color["scale"] == {"domain": [str(place) for place in range(6)]}
    assert {v["mark"]["type"] for v, _ in views(spec) if "color" in v["encoding"]} == {mark}
    assert {part["calculate"] for part in spec["transform"]} == {"'4'"}


def test_the_seams_of_a_surface_have_the_colors_of_its_cells():
    (cells,) = (v for v, _ in views(fit_spec("surface", "x", "y")) if v["mark"]["type"] == "rect")
    assert cells["encoding"]["stroke"]["scale"] == cells["encoding"]["color"]["scale"]


def test_only_the_thousand_cells_of_a_surface_are_one_picture_and_silent():
    """A canvas is drawn anew whole when one points at it; its axes and numbers cannot be read out."""
    for name in ("curve", "surface", "scatter", "confusion"):
        spec = fit_spec(name, "x", "y")
        silent = [view["mark"].get("aria") is False for view, _ in views(spec)]
        on_canvas = spec.get("usermeta") == {"embedOptions": {"renderer": "canvas"}}
        assert on_canvas == all(silent) == (name == "surface")


def test_classes_on_a_surface_differ_in_shape_as_well_as_color():
    (points,) = (v for v, _ in views(fit_spec("surface", "x", "y")) if v["mark"]["type"] == "point")
    assert points["encoding"]["shape"]["field"] == points["encoding"]["color"]["field"] == "label"
    assert len(set(points["encoding"]["shape"]["scale"]["range"])) == 2


@pytest.mark.skipif(importlib.util.find_spec("vl_convert") is None, reason="vl_convert is not installed")
def test_every_spec_compiles_and_draws(all_specs):
    import vl_convert

    for spec, frame in all_specs:
        rows = json.loads(frame.to_json(orient="records"))
        svg = vl_convert.vegalite_to_svg({**spec, "data": {"values": rows}})
        assert svg.startswith("<svg") and "NaN" not in svg


def test_an_axis_bears_losses_near_the_largest_number_there_is():
    huge = np.array([0.5, 1.5e308, 1.7e308, 1.7e308])
    assert axis_top([huge], log=True) in (None, 1e308)


@pytest.mark.parametrize(
    ("panels", "domains"),
    [([{"y": {"domain": [1, 2]}}], [[1, 2], [1, 2]]), ([{}, {"y": {"domain": [3, 4]}}], [None, [3, 4]])],
)
def test_scales_are_set_in_a_copy_for_all_panels_or_for_each(panels, domains):
    scaled, other = {"y": {"scale": {"type": "log"}}}, {"y": {"value": 8}, "x": {}}
    kept = json.dumps({"hconcat": [{"layer": [{"encoding": scaled}, {"encoding": other}]}] * 2})
    cached = json.loads(kept)
    spec = charts.with_scales(cached, *panels)
    layers = [panel["layer"] for panel in spec["hconcat"]]
    assert [first["encoding"]["y"]["scale"].get("domain") for first, _ in layers] == domains
    assert all(second["encoding"] == other for _, second in layers)
    assert cached == json.loads(kept)
