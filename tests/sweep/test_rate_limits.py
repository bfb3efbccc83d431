"""Limits on the learning-rate axis: those of the theory, and only where it has one."""

import math
from dataclasses import replace

import pytest

from core import Config
from core.curvature import start_of, starting_curvature
from core.lines import from_letters
from core.stacked.blocks import Training, blocks
from core.sweep.axes import Axis, spread, usual
from core.sweep.rate_limits import rate_limit_words, rate_limits
from core.sweep.sweep import Sweep
from core.verdict import verdict

LINEAR = Config(dataset="deliveries", model="linear", start=(0.0,), steps=400)
STEEPEST = (17 + math.sqrt(17**2 - 4 * 5)) / 2  # of the Hessian [[15, 5], [5, 2]]
THREE = Axis("loop", tuple(from_letters(text) for text in ("FLSZB", "ZFLBS", "FLBS")))
RATES = Axis("lr", spread(0.02, 0.5, 12))


def curvature(config):
    return starting_curvature(start_of(config))


def test_the_three_limits_of_the_deliveries_are_exact():
    found = rate_limits(Sweep(LINEAR, RATES, THREE), curvature)
    assert [one.row for one in found] == [0, 1, 2]
    assert [one.rate for one in found] == pytest.approx([1 / STEEPEST, 2 / STEEPEST, 4 / STEEPEST], rel=1e-9)
    assert all(one.exact for one in found)
    said = rate_limit_words(found)
    assert "0.05988 (Order F L S Z B), 0.1198 (Usual loop), 0.2395 (No zero_grad), from λ = 16.7" in said
    assert "so they hold at every step." in said


def test_cells_right_of_a_limit_diverge_and_those_left_of_it_do_not():
    sweep = Sweep(LINEAR, RATES, THREE)
    limits = {one.row: one.rate for one in rate_limits(sweep, curvature)}
    trained = [Training(block, "cpu").advance(lambda steps: True) for block in blocks(sweep.configs)]
    words = {one.config: verdict(one).word for training in trained for one in training.results()}
    for cell in sweep.cells:
        (config,) = cell.configs
        assert (words[config] == "diverged") == (config.lr > limits[cell.row])


def test_elsewhere_they_are_said_to_be_those_of_the_start():
    for config in (Config(hidden=(4,)), Config(dataset="diabetes", model="linear", loss="huber")):
        found = rate_limits(Sweep(config, RATES, usual("loop", config)), curvature)
        assert len(found) == 2 and not any(one.exact for one in found)
        assert "starting weights" in rate_limit_words(found)
        assert "a guide only" in rate_limit_words(found) and "hold at every step" not in rate_limit_words(
            found
        )


def test_with_mini_batches_there_are_no_lines():
    """Without zero_grad, batches of 16 diverge at a tenth of the limit for steps on all rows.

    Nor is their curvature asked for, which can take longer than the runs.
    """
    asked = []

    def noted(config):
        asked.append(config.batch_size)
        return curvature(config)

    of_sizes = Sweep(Config(dataset="diabetes", model="linear"), RATES, Axis("batch_size", (0, 16)))
    sizes = rate_limits(of_sizes, noted)
    assert asked == [0]
    assert [one.label for one in sizes] == ["all rows"]


def test_of_momentum_1_it_is_said_that_it_does_not_settle():
    said = rate_limit_words(rate_limits(Sweep(LINEAR, RATES, THREE), curvature))
    assert "No zero_grad stays bounded without settling" in said
    momentum = rate_limits(Sweep(LINEAR, RATES, Axis("momentum", (0.5, 1.0))), curvature)
    assert [one.settles for one in momentum] == [True, False]
    assert "bounded" not in rate_limit_words(momentum[:1])


def test_each_row_has_the_limit_of_its_own_choices():
    momentum = rate_limits(Sweep(LINEAR, RATES, Axis("momentum", (0.0, 0.5))), curvature)
    assert [one.rate for one in momentum] == pytest.approx([2 / STEEPEST, 3 / STEEPEST], rel=1e-9)
    hidden = rate_limits(Sweep(Config(), RATES, Axis("hidden", ((4,), (16,)))), curvature)
    assert hidden[0].curvature != hidden[1].curvature
    assert "each row's own" in rate_limit_words(hidden)


def test_rows_without_a_known_limit_have_no_line():
    found = rate_limits(Sweep(LINEAR, RATES, Axis("optimizer", ("adam", "sgd"))), curvature)
    assert [one.label for one in found] == ["SGD"]
    assert rate_limits(Sweep(LINEAR, Axis("momentum", (0.0, 0.5)), RATES), curvature) == []
    assert rate_limits(Sweep(LINEAR, RATES, THREE), lambda config: None) == []
    assert rate_limit_words([]) == ""


def test_a_clip_or_a_scheduler_takes_the_line_away_since_runs_above_it_can_train():
    """At 0.2 the usual loop is inf after 60 steps; clipped to 1 it comes to 0.0652."""
    loops = Axis("loop", tuple(from_letters(text) for text in ("ZFLBS", "ZFLBCS", "ZFLBVS", "zFLDs")))
    sweep = Sweep(replace(LINEAR, steps=60), Axis("lr", (0.2,)), loops)
    assert [one.label for one in rate_limits(sweep, curvature)] == ["Usual loop"]
    scheduled = replace(LINEAR, loop=from_letters("ZFLBSR"), scheduler="step")
    assert rate_limits(Sweep(scheduled, RATES, usual("scheduler", scheduled)), curvature) == []
    trained = [Training(block, "cpu").advance(lambda steps: True) for block in blocks(sweep.configs)]
    last = {one.config.loop: one.steps["loss"].iloc[-1] for training in trained for one in training.results()}
    assert not math.isfinite(last[loops.values[0]])
    assert last[loops.values[1]] == pytest.approx(0.0652, abs=5e-5)
