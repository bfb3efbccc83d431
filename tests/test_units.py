"""Layers that tell no row from another: known by hand, and said with their numbers."""

import dataclasses
import re

import numpy as np
import pytest
from torch import nn

from core import Config, Run
from core.result import result
from core.units import Layer, dead, in_words
from core.verdict import verdict

DEAD = {"dataset": "deliveries", "hidden": (16,), "activation": "relu", "before": ("dead_relu",), "lr": 0.01}


def run(**choices):
    return result(Run(Config(**choices)).advance())


def test_biases_of_minus_10_switch_every_relu_off():
    """Weights of nn.Linear(1, 16) are within 1, distances up to 4: 4 - 10 is below 0 for every row."""
    one = run(**DEAD, steps=60)
    assert dead(one) == Layer(1, 16, 16, True)
    assert "16 of 16 units of hidden layer 1 are off, 0 for every row" in verdict(one).because


def test_a_dead_layer_is_told_by_its_number_and_the_one_before_lives():
    model = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))
    for layer, bias in zip(model[::2], (1.0, -10.0, 0.0), strict=True):
        nn.init.constant_(layer.weight, 0.1)
        nn.init.constant_(layer.bias, bias)
    config = Config(dataset="deliveries", hidden=(3, 5), steps=5, lr=0.01)
    assert dead(result(Run(config, model=model).advance())) == Layer(2, 5, 5, True)


def test_units_that_are_stuck_at_one_value_are_blind_without_being_off():
    one = run(
        dataset="deliveries", hidden=(4,), activation="sigmoid", start=(0.0, 0.5, 0.5, 0.0), lr=0.0, steps=2
    )
    assert dead(one) == Layer(1, 4, 0, True)
    assert in_words(Layer(1, 4, 0, True)).startswith(
        "4 of 4 units of hidden layer 1 give one value, whatever the row"
    )


@pytest.mark.parametrize(
    "choices",
    [
        {"steps": 50},  # learns
        {"dataset": "deliveries", "model": "linear"},  # no units
        {"model": "mlp_norm", "steps": 5},  # its running averages are not known
        {"dataset": "deliveries", "lr": 100.0, "activation": "gelu", "steps": 30},  # weights are nan
    ],
)
def test_elsewhere_nothing_is_said(choices):
    one = run(**choices)
    assert dead(one) is None
    assert "units" not in verdict(one).because


def test_without_the_last_weights_nothing_is_said_and_the_word_is_the_same():
    one = run(**DEAD, steps=60)
    without = dataclasses.replace(one, snapshots=np.empty((0, 0)))
    assert dead(without) is None
    assert dead(dataclasses.replace(one, done=59)) is None
    assert verdict(without).word == verdict(one).word


@pytest.mark.parametrize("seed", range(3))
def test_at_100_times_the_rate_the_first_comparison_dies(seed):
    one = run(seed=seed, lr=50.0)
    assert re.search(r"1[4-6] of 16 units of hidden layer 2 are off", verdict(one).because)


def test_where_a_unit_still_lives_the_outputs_are_not_said_to_be_the_same():
    assert in_words(Layer(2, 16, 15, False)) == "15 of 16 units of hidden layer 2 are off, 0 for every row."
