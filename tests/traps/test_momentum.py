"""Skipping zero_grad is momentum 1: bit by bit, and up to where it is stable."""

import numpy as np
import pytest

from core import Config, Run
from core.curvature import limits, stability_limit, starting_curvature
from core.traps.momentum import ORDERS, at_rate, twin_configs, twins

LINEAR = Config(dataset="deliveries", model="linear", lr=0.01, steps=200)


@pytest.mark.parametrize(
    "config",
    [LINEAR, Config(batch_size=16, steps=100), Config(dataset="deliveries", model="linear", dtype="float64")],
    ids=["deliveries", "mini-batches on an MLP", "double"],
)
def test_both_loops_are_equal_to_the_last_bit(config):
    found = twins(config)
    assert found.equal and found.losses == found.weights == 0
    assert len(found.skipped.history.losses) == config.steps


def test_they_are_equal_where_they_overflow_too():
    found = twins(Config(dataset="deliveries", model="linear", lr=1.0, steps=300))
    assert not np.isfinite(found.skipped.history.losses).all()
    assert found.equal


def test_on_an_mlp_with_mini_batches_the_limits_are_only_a_guide():
    """At half its limit the loss without zero_grad is higher from the first quarter on; a stale step raises.

    Such a run is chaotic, so how high it gets in which quarter depends on the processor.
    """
    config = Config(dataset="xor", hidden=(16,), activation="tanh", batch_size=32, steps=100)
    half = limits(starting_curvature(config))["skipped"] / 2
    loops = at_rate(config, half)
    peaks = [float(q.max()) for q in np.array_split(Run(loops["skipped"]).advance().history.losses, 4)]
    assert min(peaks[1:]) > peaks[0] and max(peaks) > 2 * peaks[0]
    assert "modified by an inplace operation" in str(Run(loops["stale"]).advance().error.exception)


def test_a_difference_is_counted(monkeypatch):
    """Momentum 0.9 is another loop: the counting must find it."""
    from core.traps import momentum

    def other(config):
        skipped, usual = twin_configs(config)
        return skipped, type(usual)(**{**vars(usual), "momentum": 0.9})

    monkeypatch.setattr(momentum, "twin_configs", other)
    found = momentum.twins(LINEAR)
    assert not found.equal
    assert found.losses >= 190 and found.weights >= 190  # the first two steps are the same


def test_weight_decay_and_a_schedule_are_left_out():
    config = Config(weight_decay=0.1, schedule=((5, 0.1),), optimizer="adam", steps=10)
    for one in twin_configs(config):
        assert (one.optimizer, one.weight_decay, one.schedule) == ("sgd", 0.0, ())


def test_each_loop_lives_below_its_limit_and_dies_above_it():
    """2 / lambda is where |1 - lr lambda| reaches 1; the others by the same argument, see core.curvature."""
    curvature = starting_curvature(LINEAR)
    for name, limit in limits(curvature).items():
        below = at_rate(LINEAR, 0.97 * limit)[name]
        above = at_rate(Config(dataset="deliveries", model="linear", steps=2000), 1.03 * limit)[name]
        assert stability_limit(below, curvature) == pytest.approx(limit)
        last = Run(below, evaluate=False).advance().history.losses
        assert np.isfinite(last).all() and last[-1] < 10 * last[0]
        gone = Run(above, evaluate=False).advance().history.losses
        assert not np.isfinite(gone[-1]) or gone[-1] > 1e6


def test_at_0_2_the_right_loop_dies_and_the_wrong_one_lives():
    runs = {
        name: Run(config, evaluate=False).advance().history.losses
        for name, config in at_rate(Config(dataset="deliveries", model="linear", steps=400), 0.2).items()
    }
    assert runs.keys() == ORDERS.keys() == limits(1.0).keys()
    assert not np.isfinite(runs["usual"][-1]) and np.isfinite(runs["skipped"]).all()
    assert not np.isfinite(runs["stale"][-1])
