"""Histograms of gradients: exact bins, no entry lost, and the same however the steps come in."""

import math
from collections import Counter
from itertools import pairwise
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from core import Config, Run, histograms
from core.histograms import BINS, EVERY, HIGH, LOW, LOWS, MAX_COLUMNS, Histograms, bins
from core.lines import from_letters
from core.vectors import Layout

NAMES = ["weight", "bias"]


def layout(dtype=torch.float32):
    return Layout(nn.Linear(3, 2, dtype=dtype))


def low_of(value):
    """The low exponent of a value's bin, from Python's own frexp."""
    if not math.isfinite(value):
        return math.inf
    return min(max(math.frexp(value)[1] - 1, LOW), HIGH - 1) if value else -math.inf


def counted(values):
    """Low exponent -> how many of the values are in that bin."""
    return dict(Counter(low_of(float(value)) for value in np.ravel(values)))


def chunk_of(rows):
    """(steps, 8) -> the gradients of a Linear(3, 2): weights (steps, 2, 3) and biases (steps, 2)."""
    rows = torch.as_tensor(rows)
    return [rows[:, :6].reshape(-1, 2, 3), rows[:, 6:]]


def taken(rows, cuts=(), missing=None, into=None):
    """Histograms of these rows, handed over in chunks that end at `cuts`."""
    one = into or Histograms(layout())
    edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    for first, last in pairwise(edges):
        one.take(chunk_of(rows[first:last]), None if missing is None else missing[first:last])
    return one


def by_step(frame):
    """Step -> low exponent -> count."""
    return {step: dict(zip(rows["low"], rows["count"], strict=True)) for step, rows in frame.groupby("step")}


# -- bins ----------------------------------------------------------------------------------


@given(st.one_of(st.floats(width=32), st.floats(2.0**LOW, 2.0**HIGH, width=32)), st.booleans())
def test_a_value_of_float32_is_in_the_bin_of_its_exponent(value, negative):
    value = -value if negative else value
    assert LOWS[int(bins(torch.tensor(value)))] == low_of(value)


@given(st.one_of(st.floats(), st.floats(2.0**LOW, 2.0**HIGH)))
def test_a_value_lies_within_the_bounds_of_its_bin(value):
    low = LOWS[int(bins(torch.tensor(value, dtype=torch.float64)))]
    if low == -math.inf:
        assert value == 0
    elif low == math.inf:
        assert not math.isfinite(value)
    else:
        lower = 0.0 if low == LOW else 2.0**low
        upper = math.inf if low == HIGH - 1 else 2.0 ** (low + 1)
        assert abs(value) < upper and (abs(value) >= lower > 0 or abs(value) > lower == 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_powers_of_two_begin_a_bin_and_the_number_below_ends_one(dtype):
    low = torch.arange(LOW + 1, HIGH)
    powers = torch.tensor([2.0 ** int(exponent) for exponent in low], dtype=dtype)
    below = torch.nextafter(powers, torch.zeros((), dtype=dtype))
    assert LOWS[bins(powers)].tolist() == low.tolist()
    assert LOWS[bins(-below)].tolist() == (low - 1).tolist()


def test_the_ends_of_the_range_hold_what_is_beyond():
    tiny, huge = [2.0**LOW, 2.0 ** (LOW - 1), 1e-40, 5e-324], [2.0 ** (HIGH - 1), 2.0**HIGH, 1e300]
    others = [0.0, -0.0, math.inf, -math.inf, math.nan]
    found = LOWS[bins(torch.tensor(tiny + huge + others, dtype=torch.float64))].tolist()
    assert found == [-40] * 4 + [9] * 3 + [-math.inf] * 2 + [math.inf] * 3


def test_there_is_a_bin_for_each_power_and_two_more():
    assert BINS == 52 and LOWS[1] == -40 and LOWS[-2] == 9
    assert (np.diff(LOWS[1:-1]) == 1).all()


# -- counts --------------------------------------------------------------------------------

entries = st.one_of(
    st.floats(width=32), st.floats(-1, 1, width=32), st.sampled_from([0.0, -0.0, 1.0, math.nan, -math.inf])
)
tables = st.integers(1, 70).flatmap(lambda steps: arrays(np.float32, (steps, 8), elements=entries))
cuts = st.lists(st.integers(1, 69), max_size=6)


@given(tables, cuts)
@settings(deadline=None)
def test_every_entry_of_every_tenth_step_is_counted_once(rows, cuts):
    one = taken(rows, cuts)
    at = list(range(0, len(rows), EVERY))
    parts = {"weight": rows[:, :6], "bias": rows[:, 6:], None: rows}
    for name, part in parts.items():
        frame = one.frame(name)
        assert by_step(frame) == {step: counted(part[step]) for step in at}
        assert frame["count"].sum() == part.shape[1] * len(at)


@given(tables, cuts)
@settings(deadline=None)
def test_shares_of_a_step_add_up_to_one(rows, cuts):
    frame = taken(rows, cuts).frame("weight")
    np.testing.assert_allclose(frame.groupby("step")["share"].sum(), 1.0, rtol=1e-12)
    np.testing.assert_allclose(frame["share"], frame["count"] / 6, rtol=1e-12)
    assert (frame["step_end"] - frame["step"] == EVERY).all()


def test_a_gradient_that_was_none_is_no_entry():
    rows = np.ones((21, 8), dtype=np.float32)
    missing = np.zeros((21, 2), dtype=bool)
    missing[0, 0] = missing[10] = True
    missing[5] = True  # not a tenth step
    rows[0, :6] = rows[10] = math.nan  # as core.vectors fills them
    one = taken(rows, missing=missing)
    assert by_step(one.frame("weight")) == {20: {0: 6}}
    assert by_step(one.frame("bias")) == {0: {0: 2}, 20: {0: 2}}
    assert by_step(one.frame()) == {0: {0: 2}, 20: {0: 8}}
    assert (one.frame()["share"] == 1).all()


def test_a_model_may_have_a_single_parameter():
    one = Histograms(Layout(nn.Linear(3, 2, bias=False)))
    one.take([torch.ones(11, 2, 3)])
    assert by_step(one.frame()) == {0: {0: 6}, 10: {0: 6}}


def test_a_nan_in_a_gradient_that_was_there_is_an_entry():
    rows = np.full((1, 8), math.nan, dtype=np.float32)
    assert by_step(taken(rows, missing=np.zeros((1, 2), dtype=bool)).frame()) == {0: {math.inf: 8}}


def test_what_is_counted_does_not_change_when_buffers_are_used_again():
    buffer = chunk_of(np.ones((10, 8), dtype=np.float32))
    one = Histograms(layout())
    one.take(buffer)
    for part in buffer:
        part.fill_(0.25)
    assert by_step(one.frame()) == {0: {0: 8}}


def test_a_run_that_has_not_begun_has_an_empty_frame_of_the_same_types():
    empty, some = Histograms(layout()).frame(), taken(np.ones((1, 8), dtype=np.float32)).frame()
    assert list(empty.columns) == ["step", "step_end", "low", "count", "share"] and len(empty) == 0
    assert (empty.dtypes == some.dtypes).all()


def test_a_parameter_that_is_not_there_is_refused_in_words():
    with pytest.raises(ValueError, match="parameter must be one of weight, bias; got 'wait'"):
        Histograms(layout()).frame("wait")


def test_float64_is_counted_by_its_own_exponent():
    """1 - 2^-53 is below 1 in double, and would be rounded to 1 in float32."""
    one = Histograms(layout(torch.float64))
    below = torch.full((1, 8), 1.0 - 2.0**-53, dtype=torch.float64)
    one.take(chunk_of(below))
    assert by_step(one.frame()) == {0: {-1: 8}}


def test_gradients_of_a_real_model_are_all_there():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 36, 3))
    model(torch.ones(5, 1, 8, 8)).sum().backward()
    one = Histograms(Layout(model))
    grads = {name: p.grad for name, p in model.named_parameters()}
    one.take([grad[None] for grad in grads.values()])
    for name, grad in grads.items():
        assert by_step(one.frame(name)) == {0: counted(grad.numpy())}


def test_a_run_counts_the_gradients_that_step_used():
    config = Config(dataset="deliveries", model="linear", lr=0.01, steps=21, loop=from_letters("FLBS"))
    history = Run(config, histograms=True).advance().history
    used = history.grads["weight"].astype(np.float32)  # fresh and leftover
    counts = {step: counted(used[step]) for step in (0, 10, 20)}
    assert by_step(history.histograms.frame("weight")) == counts and len({*map(str, counts.values())}) > 1


# -- any length, and back ------------------------------------------------------------------


def small(every, columns):
    """The same code with few columns, so that short runs thin them."""
    return mock.patch.multiple(histograms, EVERY=every, MAX_COLUMNS=columns)


@given(tables, cuts, st.integers(1, 4), st.integers(1, 5))
@settings(deadline=None)
def test_a_long_run_keeps_some_of_its_steps_exactly(rows, cuts, every, columns):
    with small(every, columns):
        one = taken(rows, cuts)
    doublings = math.log2(one.spacing / every)
    assert doublings == int(doublings) >= 0
    at = range(0, len(rows), one.spacing)
    assert len(at) <= columns
    assert by_step(one.frame()) == {step: counted(rows[step]) for step in at}
    assert (one.frame()["step_end"] - one.frame()["step"] == one.spacing).all()
    if doublings:  # no more was dropped than had to be
        assert len(range(0, len(rows), one.spacing // 2)) > columns


@given(tables, cuts, cuts, st.integers(0, 80), st.integers(1, 4), st.integers(1, 12))
@settings(deadline=None)
def test_going_back_and_on_again_leaves_no_trace(rows, first, second, back, every, columns):
    with small(every, columns):
        never = taken(rows, first)
        one = taken(rows, first)
        one.cut(back)
        again = taken(rows[back:], second, into=one)
    pd.testing.assert_frame_equal(again.frame(), never.frame(), check_exact=True)
    for name in NAMES:
        pd.testing.assert_frame_equal(again.frame(name), never.frame(name), check_exact=True)


@given(tables, cuts, st.integers(0, 80))
@settings(deadline=None)
def test_steps_that_are_cut_are_gone(rows, cuts, steps):
    one = taken(rows, cuts)
    one.cut(steps)
    pd.testing.assert_frame_equal(one.frame(), taken(rows[:steps]).frame() if steps else one.frame()[:0])


def test_other_steps_after_going_back_replace_those_that_were():
    one = taken(np.ones((25, 8), dtype=np.float32))
    one.cut(15)
    taken(np.full((10, 8), 4.0, dtype=np.float32), into=one)
    assert by_step(one.frame()) == {0: {0: 8}, 10: {0: 8}, 20: {2: 8}}


def test_memory_stays_bounded_however_long_the_run():
    one, rows = Histograms(layout()), chunk_of(np.ones((1000, 8), dtype=np.float32))
    for _ in range(40):
        one.take(rows)
        assert len(one.counts) <= MAX_COLUMNS
        assert one.counts.nbytes <= MAX_COLUMNS * 2 * BINS * 4
    assert one.spacing == 80  # 40,000 steps: every tenth would be 4,000 columns, every 80th is 500
    assert one.frame()["step"].max() == 39_920


def test_going_back_to_a_step_that_is_still_to_come_changes_nothing():
    rows = np.arange(1, 241, dtype=np.float32).reshape(30, 8)
    one = taken(rows[:5])
    one.cut(8)
    taken(rows[5:], into=one)
    assert by_step(one.frame()) == {step: counted(rows[step]) for step in (0, 10, 20)}
