"""The learning-rate range test: a run like any other, and what is read off it."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core import Config, Run
from core.result import result
from core.sweep.range_test import (
    RATES,
    STEPS_PER_RATE,
    Found,
    found,
    range_frame,
    range_test,
    range_test_words,
)

LINEAR = Config(dataset="deliveries", model="linear", start=(0.0,))


def test_it_is_a_config_with_a_rate_that_grows_by_equal_factors():
    config = range_test(LINEAR, 0.001, 10.0)
    rates = [config.lr, *(rate for _, rate in config.schedule)]
    assert len(rates) == RATES and (rates[0], rates[-1]) == (0.001, 10.0)
    ratios = np.array(rates[1:]) / np.array(rates[:-1])
    assert ratios == pytest.approx(np.full(RATES - 1, 10 ** (4 / (RATES - 1))), rel=0.01)
    assert [step for step, _ in config.schedule] == [STEPS_PER_RATE * i for i in range(1, RATES)]
    assert config.steps == STEPS_PER_RATE * RATES + 1  # one step more sees what the last update did
    assert Config.from_params(config.to_params()) == config


def test_each_rate_has_the_losses_that_came_of_its_own_updates():
    config = range_test(LINEAR, 0.001, 0.1)
    frame = range_frame(result(Run(config).advance()))
    # The first rate's part is a plain run at that rate, seen after each of its updates.
    alone = Run(replace(LINEAR, lr=0.001, steps=STEPS_PER_RATE + 1)).advance().history.losses[1:]
    assert (frame["loss"][0], frame["low"][0], frame["high"][0]) == (alone.mean(), alone.min(), alone.max())
    assert len(frame) == RATES and frame.notna().all(axis=None)


def test_rates_that_diverge_are_gaps_and_are_told():
    frame = range_frame(result(Run(range_test(LINEAR, 0.01, 100.0)).advance()))
    assert frame["loss"].isna().any()
    seen = found(frame)
    # Gradient descent is stable up to 2 / 16.7 = 0.12 here; a few steps above it are not yet too much.
    assert 0.01 < seen.lowest < 0.2
    assert 0.1 < seen.rises < 1.0
    assert f"From {seen.rises:.4g} on it is above that at the first rate, or not finite." in range_test_words(
        seen
    )


def frame_of(*losses):
    values = np.array(losses, dtype=float)
    return pd.DataFrame({"rate": 10.0 ** np.arange(len(values)), "loss": values})


def test_what_is_read_off():
    assert found(frame_of(8, 4, 1, 0.5, 9, 20)) == Found(100.0, 1000.0, 1e4, (1e4, 1e5))
    assert found(frame_of(8, 9, 1, 2)) == Found(falls=100.0, lowest=100.0, rises=None, above=(10.0,))
    assert found(frame_of(8, 9, 10, math.nan)) == Found(None, 1.0, 10.0, (10.0, 100.0, 1000.0))
    assert found(frame_of(8, 3, 2)) == Found(falls=10.0, lowest=100.0, rises=None)
    assert found(frame_of(math.nan, math.nan)) == Found(None, None, 1.0, (1.0, 10.0))
    assert found(frame_of(1, -2, -3)).falls is None  # no ratio where the loss is below 0


def test_what_is_said():
    assert range_test_words(Found(None, None, 1.0)) == "The loss is not finite at any of these rates."
    assert range_test_words(Found(0.1, 1.0, None)) == (
        "Lowest mean loss at 1, steepest fall at 0.1. It is above that at the first rate at none of them; "
        "10 steps at each are few, and a longer run at one rate can still diverge."
    )


def test_a_loss_that_leaps_up_and_comes_down_again_is_not_said_to_stay_below():
    """Two moons from 0.01 to 10: above the start at 5.01, below it again at 10."""
    frame = range_frame(result(Run(range_test(Config(), 0.01, 10.0)).advance()))
    seen = found(frame)
    higher = frame["rate"][frame["loss"] > frame["loss"][0]].tolist()
    assert seen.rises is None and seen.above == tuple(higher) != ()
    said = range_test_words(seen)
    assert f"or not finite, at {higher[0]:.4g}" in said and said.endswith(", but not at the highest.")
    three = range_test_words(Found(None, 1.0, None, (2.0, 3.0, 4.0)))
    assert "at 2 and 2 more rates, but not at the highest." in three
