"""How values are written: numbers, shares, sizes, tensors, and what a visitor typed."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.words import (
    counted,
    digits_apart,
    factor,
    grad_in_words,
    in_words,
    norm,
    number,
    percent,
    shown,
    size_text,
)


@pytest.mark.parametrize("value, text", [
    (242.4012, "242.4"), (0.0254171, "0.02542"), (3.0, "3"), (-0.165, "−0.165"), (0.1 + 0.2, "0.3"),
    (0.0, "0"), (-0.0, "0"), (math.inf, "inf"), (-math.inf, "−inf"), (math.nan, "nan"),
    # Exponents from 100,000 on and below 0.0001, as on an axis.
    (1234.56, "1235"), (12345.6, "12346"), (-99_994.0, "−99994"), (99_999.0, "1e+5"), (1e5, "1e+5"),
    (1e10, "1e+10"), (1.4728e7, "1.473e+7"), (1e20, "1e+20"), (0.0001, "0.0001"), (-2.5e-7, "−2.5e−7"),
    (0.00009999, "9.999e−5"), (0.000099999, "0.0001"), (1.7976931348623157e308, "1.798e+308"),
])  # fmt: skip
def test_a_number_has_four_digits_that_matter_and_the_notation_of_an_axis(value, text):
    assert number(value) == text


def test_a_number_has_as_many_digits_as_asked_for():
    assert number(math.pi * 1e4, 7) == "31415.93" and number(-math.pi, 2) == "−3.1"
    assert number(123456.0, 15) == "1.23456e+5" and number(1e-7, 1) == "1e−7"


def test_a_negative_factor_is_in_brackets():
    assert (factor("−85.17"), factor("85.17"), factor("1e−8")) == ("(−85.17)", "85.17", "1e−8")


@given(st.floats(1e-3, 1e3), st.floats(1e-8, 1.0), st.sampled_from([-1, 1]))
def test_two_numbers_that_differ_are_written_so(value, share, sign):
    one, other = sign * value, sign * value * (1 + share)
    digits = digits_apart(one, other)
    texts = [float(number(v, digits).replace("−", "-")) for v in (one, other)]
    assert abs(texts[1] - texts[0]) == pytest.approx(value * share, rel=0.1)


def test_numbers_without_a_difference_have_four_digits():
    pairs = [(2.0, 2.0), (math.nan, 1.0), (1.0, math.inf), (0.0, 0.0), (1e308, -1e308)]
    assert [digits_apart(*pair) for pair in pairs] == [4] * 5
    assert digits_apart(3.0, 2.85) == 4 and digits_apart(1.0, 1.0 + 1e-15) == 15


def test_percents_say_all_and_nothing_only_where_it_is():
    shares = [0.0, 1e-9, 0.004, 0.006, 0.5, 0.994, 0.996, 1 - 1e-6, 1.0, 1 - 1e-15]
    texts = ["0%", "under 1%", "under 1%", "1%", "50%", "99%", "over 99%", "over 99%", "100%"]
    assert [percent(share) for share in shares] == [*texts, "100%"]
    finer = ["0.0%", "under 0.1%", "0.4%", "99.4%", "over 99.9%", "100.0%"]
    assert [percent(share, 1) for share in (0.0, 0.0004, 0.004, 0.994, 0.9998, 1.0)] == finer


def test_one_of_a_thing_is_not_several():
    said = [counted(1, "step"), counted(0, "step"), counted(1_000, "step"), counted(1, "loss|losses")]
    assert [*said, counted(2, "loss|losses")] == ["1 step", "0 steps", "1,000 steps", "1 loss", "2 losses"]


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (2**20, "1.0 MiB"),
        (4_202_496, "4.0 MiB"),
        (64 * 2**20, "64.0 MiB"),
    ],
)
def test_sizes_in_words(nbytes, text):
    assert size_text(nbytes) == text


@given(st.text() | st.lists(st.text()) | st.floats() | st.integers() | st.none())
def test_shown_is_short_and_without_markup(value):
    text = shown(value)
    assert len(text) <= 42
    assert text.isascii() and text.isprintable()
    assert not set(text) & set('<>&`*$:/\\!#|~{}@="')


def test_shown_leaves_no_markdown_link():
    assert "](" not in shown("[prize](www.example.com)")


def test_many_values_are_a_range_and_a_length():
    assert in_words(torch.tensor([3.0, -4.0, 0.0, 0.0, 0.0])) == "−4 to 3, norm 5"
    assert in_words(torch.arange(10)) == "0 to 9"  # classes have no length
    assert in_words(torch.tensor([3.0, -4.0, 0.0, 12.0])) == "3, −4, 0, 12"
    assert in_words(torch.zeros(0, 3)) == "no entries"
    assert in_words(torch.tensor(0.0276748), 5) == "0.027675"


def test_numbers_that_are_not_finite_are_counted():
    lost = torch.tensor([np.nan, 2.0, np.inf, -1.0, 0.0])
    assert in_words(lost) == "2 of 5 not finite, the rest −1 to 2"
    assert in_words(torch.full((3, 2), np.nan)) == "6 of 6 not finite"
    assert in_words(torch.tensor([np.nan, -np.inf])) == "nan, −inf"


def test_none_zeros_and_values_are_three_things():
    assert grad_in_words(None) == "None"
    assert grad_in_words(torch.zeros(3, 3)) == grad_in_words(torch.tensor([-0.0])) == "zeros"
    assert grad_in_words(torch.tensor([1e-30])) == "1e−30" and grad_in_words(torch.tensor([np.nan])) == "nan"


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=9), st.integers(-290, 290))
def test_the_norm_is_the_length_at_every_scale(values, exponent):
    scaled = torch.tensor(np.array(values) * 10.0**exponent)
    assert norm(scaled) == pytest.approx(np.linalg.norm(values) * 10.0**exponent, rel=1e-9, abs=0.0)


def test_the_norm_of_what_is_not_finite_is_not_finite():
    assert np.isnan(norm(torch.tensor([1.0, np.nan]))) and norm(torch.tensor([1.0, -np.inf])) == np.inf
    assert norm(torch.zeros(0)) == 0.0
