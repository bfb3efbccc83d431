"""Runs in short: nothing of the losses is lost, and few bytes are kept."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core import Config, Run
from core.result import path, result
from core.run_summary import Brief, brief
from core.verdict import verdict

LINEAR = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01, steps=50)


def short(config):
    return brief(result(Run(config).advance()))


@pytest.mark.parametrize(
    "config", [LINEAR, Config(steps=40), Config(steps=40, dtype="float64"), Config(steps=40, batch_size=16)]
)
def test_losses_are_kept_to_the_last_bit(config):
    whole = result(Run(config).advance())
    kept = brief(whole)
    np.testing.assert_array_equal(kept.losses.astype(float), path(whole).losses)
    np.testing.assert_array_equal(kept.steps, path(whole).steps)
    assert kept.losses.dtype == config.dtype
    assert (kept.word, kept.because) == (verdict(whole).word, verdict(whole).because)
    assert kept.scores["train_loss"] == whole.evaluations["train_loss"].iloc[-1]
    assert kept.last == path(whole).losses[-1]


def test_the_longest_run_takes_few_bytes():
    steps = np.arange(5001)
    kept = Brief(LINEAR, 5000, steps.astype(np.int16), steps.astype(np.float32), {}, "learns", "")
    assert kept.nbytes == 5001 * 6
    assert (kept.steps == steps).all()


def test_a_run_without_a_loss_is_kept_too():
    kept = short(Config(dataset="deliveries", model="linear", steps=3, loop=("forward",)))
    assert kept.finished and kept.word == "stuck"


def test_a_line_that_raises_is_told():
    kept = short(Config(steps=3, loop=("backward",)))
    assert kept.finished and kept.done == 0
    assert kept.raised == "NameError: name 'loss' is not defined"


def test_a_stopped_run_is_not_finished():
    kept = brief(result(Run(LINEAR).advance(10)))
    assert not kept.finished and kept.done == 10


@pytest.mark.parametrize(("lr", "count"), [(0.01, 38), (0.05, 6), (0.1, 16)])
def test_steps_to_a_loss_on_the_deliveries_are_those_that_are_known(lr, count):
    """The course notes count steps from 1, a run from 0."""
    assert short(replace(LINEAR, lr=lr)).reached(0.03) + 1 == count


def test_a_loss_is_reached_at_a_recorded_step_or_never():
    losses = np.array([5.0, 2.0, np.nan, 1.0, 2.0])
    kept = Brief(LINEAR, 5, np.array([0, 10, 20, 30, 40], dtype=np.int16), losses, {}, "learns", "")
    assert (kept.reached(2.0), kept.reached(1.5), kept.reached(9.0)) == (10.0, 30.0, 0.0)
    assert math.isinf(kept.reached(0.5))
