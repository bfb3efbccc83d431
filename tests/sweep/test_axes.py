"""Axes of a sweep: their values, their text in links, what is refused."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import Config
from core.config import KNOBS
from core.losses import fitting
from core.sweep.axes import (
    FIELDS,
    LEAST_RATE,
    MAX_TEXT,
    MAX_VALUES,
    Axis,
    axis_text,
    read_axis,
    spread,
    usual,
)
from tests.helpers.strategies import configs

BASE = Config()


def test_rates_are_spread_with_equal_ratios():
    assert spread(0.01, 10.0, 10) == (0.01, 0.0215, 0.0464, 0.1, 0.215, 0.464, 1.0, 2.15, 4.64, 10.0)
    assert spread(0.5, 2.0, 3) == (0.5, 1.0, 2.0)


def test_the_ends_of_a_spread_keep_their_digits():
    values = spread(0.12345, 0.6789, 5)
    assert (values[0], values[-1]) == (0.12345, 0.6789)
    assert list(values) == sorted(set(values))
    assert spread(0.998, 1.0, 9) == (0.998, 0.999, 1.0) and spread(1.0, 1.002, 9) == (1.0, 1.002)


@pytest.mark.parametrize(
    "given", [(0.0, 1.0, 3), (1.0, 1.0, 3), (2.0, 1.0, 3), (0.1, 1.0, 1), (0.1, 1.0, 65)]
)
def test_a_spread_that_is_none_is_refused(given):
    with pytest.raises(ValueError, match="2 to 64 values"):
        spread(*given)


@settings(deadline=None, max_examples=50)
@given(configs(), st.sampled_from(tuple(FIELDS)))
def test_every_usual_axis_fits_its_field_and_is_written_as_its_name(config, field):
    axis = usual(field, config)
    assert axis.values
    assert axis_text(axis, config) == field
    assert read_axis(field, config) == axis
    assert len(axis.labels) == len(axis.values)


@pytest.mark.parametrize("field", sorted(FIELDS.keys() - {"lr"}))
def test_the_values_offered_are_different_and_the_baseline_is_among_them(field):
    """Not of lr, where the baseline's may lie between two of sixteen."""
    values = FIELDS[field](BASE)
    assert len(set(values)) == len(values) and getattr(BASE, field) in values


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(tuple(FIELDS)), st.lists(configs(), min_size=1, max_size=5))
def test_any_axis_comes_back_from_its_text(field, several):
    values = tuple(getattr(config, field) for config in several if field != "lr" or config.lr >= LEAST_RATE)
    if values:
        axis = Axis(field, values)
        assert read_axis(axis.text(), BASE) == axis


@given(st.floats(1e-4, 0.9), st.floats(1.0, 100.0), st.integers(2, MAX_VALUES))
def test_a_spread_comes_back_from_its_short_text(low, high, count):
    axis = Axis("lr", spread(low, high, count))
    assert read_axis(axis.text(), BASE) == axis
    fewer = len(axis.values) < count  # some that are close are the same in three digits
    assert fewer or len(axis.values) <= 3 or len(axis.text()) < 80


def test_numbers_are_sorted_and_everything_stands_once():
    assert Axis("lr", (1.0, 0.1, 1.0)).values == (0.1, 1.0)
    assert Axis("seed", (3, 1, 3)).values == (1, 3)
    assert Axis("loss", ("mse", "bce", "mse")).values == ("mse", "bce")  # as they were given


def test_zero_grad_is_in_or_out_of_the_loop_that_there_is():
    assert usual("loop", BASE).labels == ("Usual loop", "No zero_grad")
    late = Config(loop=("forward", "loss", "zero_grad", "backward", "step"))
    assert usual("loop", late).values == (late.loop, ("forward", "loss", "backward", "step"))
    without = Config(loop=("forward", "loss", "backward", "step"))
    assert usual("loop", without).values == (BASE.loop, without.loop)


def test_losses_are_those_of_the_data_set():
    assert usual("loss", Config(dataset="diabetes")).values == fitting("diabetes")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps~10", "must be one of lr, loop"),
        ("Module", "must be one of lr, loop"),
        ("lr~nan", "lr must be a number from 0 to 1000000; got 'nan'"),
        ("lr~0~1", "lr must be at least 1e-30 on an axis; got 0"),
        ("lr~1..0.1..5", "lowest..highest..count"),
        ("lr~0.1..1..9999", "lowest..highest..count"),
        ("lr~0.1..1", "lowest..highest..count"),
        ("loop~FLBS~XX", "loop must be known lines"),
        ("hidden~16~4096", "1 to 6 layers of 1 to 256 units"),
        ("optimizer~LBFGS", "optimizer must be one of"),
        ("seed" + "".join(f"~{i}" for i in range(65)), "seed must have 1 to 64 values; got 65"),
    ],
)
def test_text_that_is_no_axis_is_refused_with_its_limit(text, said):
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        read_axis(text, BASE)
    assert not set("<>`[]") & set(str(refused.value))


def test_labels_are_the_words_of_the_page():
    assert usual("batch_size", BASE).labels == ("all rows", "8", "32", "128")
    assert usual("hidden", BASE).labels[-1] == "16-16"
    assert Axis("loss", ("bce",)).labels == (KNOBS["loss"].choices["bce"],)


def test_a_text_that_is_too_long_is_refused_by_its_length():
    with pytest.raises(ValueError, match=f"at most {MAX_TEXT:,} characters; got {MAX_TEXT + 1:,}"):
        read_axis("x" * (MAX_TEXT + 1), BASE)
