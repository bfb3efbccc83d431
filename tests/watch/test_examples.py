"""The moments that open at once: each shows the numbers its title promises, from real runs."""

import numpy as np
import pytest
import torch

from core import Run
from core.curvature import limits, starting_curvature
from core.watch.examples import PRESETS
from core.watch.tape import Tape


def opened(name):
    preset = PRESETS[name]
    tape = Tape(Run(preset.config))
    tape.go(*preset.place)
    assert tape.place == preset.place
    return tape


@pytest.mark.parametrize("name", PRESETS)
def test_every_example_is_a_place_in_its_run(name):
    assert opened(name).run.error is None


def test_the_outputs_are_7_12_17_22():
    outputs = opened("forward").run.namespace["outputs"]
    assert outputs.flatten().tolist() == [7.0, 12.0, 17.0, 22.0]


def test_the_loss_is_the_mean_of_four_squared_errors():
    loss = opened("loss").run.namespace["loss"]
    by_hand = (0.04**2 + 0.11**2 + 0.23**2 + 0.21**2) / 4  # 6.96, 12.11, 16.77, 22.21 less the outputs
    assert by_hand == pytest.approx(0.027675)
    assert float(loss.detach()) == pytest.approx(by_hand, rel=1e-5)


def test_the_gradients_are_15_and_6_where_every_output_is_3_too_large():
    run = opened("backward").run
    # 2 mean(3 x) with x = 1, 2, 3, 4, and 2 mean(3)
    assert [float(p.grad) for p in run.parameters] == [15.0, 6.0]
    assert float(run.namespace["loss"].detach()) == 9.0


def test_one_step_takes_the_weight_from_3_to_2_85():
    run = opened("step").run
    weight, lr, gradient = torch.tensor([3.0, 0.01, 15.0])
    assert float(run.parameters[0].detach()) == float(weight - lr * gradient)  # float32: 2.8499999046


def test_leftovers_overrule_this_batch_at_steps_4_to_6_and_not_before_or_after():
    history = opened("skipped").run.history
    fresh, left = (getattr(history, name)["weight"].ravel() for name in ("fresh_grads", "leftovers"))
    overruled = np.flatnonzero(np.sign(fresh + left) * np.sign(fresh) < 0)
    assert overruled.tolist() == [4, 5, 6]
    # The table of the course this came from, to its two decimals.
    assert fresh[:4] == pytest.approx([-85.165, -70.94, -44.86, -11.29], abs=0.0051)
    assert left[:4] == pytest.approx([0.0, -85.165, -156.10, -200.97], abs=0.0051)


def test_the_dying_run_is_above_the_limit_and_grows():
    run = opened("dying").run
    assert run.config.lr > limits(starting_curvature(run.config))["usual"]
    assert run.history.losses[-1] > run.history.losses[0]


def test_unequal_batches_add_up_to_the_gradient_of_all_rows():
    run = opened("accumulated").run
    x, y = run.data.inputs.double(), run.data.targets.double()
    assert run.model.weight.grad.item() == pytest.approx(float(2 * (-y * x).mean()), rel=1e-6)


def test_clipped_the_rate_of_0_2_ends_at_0_0652():
    assert opened("clipped").run.advance().history.losses[-1] == pytest.approx(0.0652, abs=5e-5)
