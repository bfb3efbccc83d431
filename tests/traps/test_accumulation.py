"""A big batch and its parts: equal where each part has its share, apart where people err, by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core import Run
from core.lines import from_letters
from core.traps.accumulation import CUTS, ROUNDING, UPDATES, WAYS, Cut, added, apart_words
from core.traps.table import TRAPS

X, Y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([6.96, 12.11, 16.77, 22.21])
PARTS = {  # rows of each part, in the order in which this seed shuffles them
    "deliveries_2": [[1, 2], [0, 3]],
    "deliveries_3": [[0, 1, 2], [3]],
}


def mean(rows):
    """The gradient of the weight from weight 0 and bias 0, of the mean over these rows."""
    return -2 * np.mean(X[rows] * Y[rows])


@pytest.mark.parametrize("name", PARTS)
def test_gradients_are_those_by_hand(name):
    big, ways = added(CUTS[name])
    means = [mean(rows) for rows in PARTS[name]]
    shares = [len(rows) / 4 for rows in PARTS[name]]
    by_hand = {
        "by_rows": np.dot(shares, means),
        "divided": np.mean(means),
        "whole": np.sum(means),
        "each": means[0] / 2,
    }
    assert big.first == pytest.approx(-85.165, rel=1e-6)
    assert {way: found.first for way, found in ways.items()} == pytest.approx(by_hand, rel=1e-6)


def test_of_three_and_one_the_one_counts_three_times():
    big, ways = added(CUTS["deliveries_3"])
    assert big.first == pytest.approx(-85.165, abs=5e-4)
    assert ways["divided"].first == pytest.approx(-116.00, abs=5e-3)
    # of weight and bias: (-116.003, -34.157) against (-85.165, -29.025)
    apart = math.hypot(116.003333 - 85.165, 34.156667 - 29.025) / math.hypot(85.165, 29.025)
    assert ways["divided"].gradient == pytest.approx(apart, rel=1e-4)
    assert ways["divided"].weights > ROUNDING and ways["by_rows"].weights < ROUNDING


@pytest.mark.parametrize("name", CUTS)
def test_equal_where_they_should_be_and_apart_where_people_err(name):
    """In double what is equal differs by rounding alone; k times a gradient is off by k - 1 of it."""
    cut = replace(CUTS[name], big=replace(CUTS[name].big, dtype="float64"))
    ways, even = added(cut)[1], len(set(cut.parts)) == 1
    equal = {way for way, found in ways.items() if found.gradient < 1e-9 and found.weights < 1e-9}
    assert equal == ({"by_rows", "divided"} if even else {"by_rows"})
    if even:
        assert ways["whole"].gradient == pytest.approx(len(cut.parts) - 1, rel=1e-9)
    shown = added(CUTS[name])[1]
    assert {way for way, found in shown.items() if found.gradient < ROUNDING} == equal
    assert {way for way, found in shown.items() if found.weights < ROUNDING} == equal


def test_parts_are_all_rows():
    assert [CUTS[name].parts for name in CUTS] == [
        [1, 1, 1, 1], [2, 2], [3, 1], [50, 50, 50, 50], [60, 60, 60, 20],
    ]  # fmt: skip


def test_a_step_on_every_part_makes_k_updates():
    cut = CUTS["deliveries_2"]
    weights = {way: Run(cut.run_of(way)).advance().history.weights["weight"].ravel() for way in WAYS}
    assert len(np.unique(weights["by_rows"])) == UPDATES  # before each of them
    assert len(np.unique(weights["each"])) == 2 * UPDATES


def test_each_mistake_has_its_trap_by_the_same_loop():
    for way in WAYS.values():
        if way.trap:
            assert from_letters(way.loop) in (TRAPS[way.trap].wrong.loop, TRAPS[way.trap].right.loop)
    assert TRAPS[WAYS["divided"].trap].wrong.loop == from_letters(WAYS["divided"].loop)


@pytest.mark.parametrize(("apart", "said"), [
    (0.0, "the same to the last bit"),
    (8.5e-8, "the same to 7 digits"),
    (2.7e-7, "the same to 6 digits"),
    (0.99e-4, "the same to 4 digits"),
    (1e-4, "off by 0.01%"),
    (0.0016, "off by 0.16%"),
    (0.3475, "off by 35%"),
    (3.0, "off by 300%"),
])  # fmt: skip
def test_digits_that_are_shared_are_counted(apart, said):
    assert apart_words(apart) == said


def test_a_part_of_all_rows_is_the_big_batch():
    """Its rows are shuffled, so that only rounding differs."""
    ways = added(Cut(CUTS["moons_50"].big, 200))[1]
    assert all(found.gradient < ROUNDING and found.weights < ROUNDING for found in ways.values())
