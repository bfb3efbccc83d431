"""A run as plain data: its loss path, its message, and nothing of the run itself."""

import pickle

import numpy as np
import torch

from core import Config, Run
from core.lines import from_letters
from core.result import Message, loss_path, result
from core.traps.table import TRAPS


def trained(loop="ZFLBS", **choices):
    return Run(Config(**{"steps": 40} | choices, loop=from_letters(loop))).advance()


def test_with_full_batches_the_path_is_the_loss_of_every_step_and_one_more():
    run = trained()
    path = loss_path(result(run))
    assert path["step"].tolist() == list(range(41))
    np.testing.assert_array_equal(path["loss"].to_numpy()[:-1], run.history.losses)
    with torch.no_grad():
        after = torch.nn.functional.binary_cross_entropy_with_logits(
            run.model(run.data.inputs), run.data.targets
        )
    assert path["loss"].iloc[-1] == after.item()


def test_with_batches_the_path_is_the_loss_on_the_whole_training_set():
    run = trained(batch_size=16)
    path, evaluations = loss_path(result(run)), run.history.evaluations
    np.testing.assert_array_equal(path["step"], evaluations["step"])
    np.testing.assert_array_equal(path["loss"], evaluations["train_loss"])
    assert {0, 40} <= set(path["step"])


def test_a_step_that_raised_before_its_loss_has_none():
    first = result(trained("ZLBS"))  # no outputs in the very first step
    assert first.message.step == 0
    assert loss_path(first)["step"].tolist() == [0]  # the training set as the weights are
    assert loss_path(first)["loss"].tolist() == first.evaluations["train_loss"].tolist()[:1]
    later = result(Run(TRAPS["bce_on_logits"].wrong).advance())  # once an output is not a probability
    assert later.message.step == 1 and later.steps["loss"].isna().tolist() == [False, True]
    assert loss_path(later)["step"].tolist() == [0]


def test_a_loop_without_a_loss_line_has_the_path_of_the_whole_training_set():
    run = trained("ZFS")
    path = loss_path(result(run))
    assert np.isnan(run.history.losses).all()
    assert path["step"].iloc[[0, -1]].tolist() == [0, 40]
    assert path["loss"].nunique() == 1 and np.isfinite(path["loss"]).all()


def test_a_run_stopped_half_way_has_the_path_so_far():
    run = Run(Config(steps=40)).advance(7)
    stopped = result(run)
    path = loss_path(stopped)
    assert stopped.done == 7
    np.testing.assert_array_equal(path["loss"].to_numpy()[:7], run.history.losses)
    assert path["step"].is_monotonic_increasing and path["step"].is_unique


def test_a_message_keeps_step_line_type_and_text():
    """An MLP cannot go backward once a step has changed its weights in place (second step)."""
    run = trained("FLSZB")
    message = result(run).message
    assert message == Message(1, "backward", "RuntimeError", str(run.error.exception))
    assert "modified by an inplace operation" in message.text
    assert result(trained()).message is None


def test_what_was_recorded_before_an_error_is_kept():
    stopped = result(trained("FLSZB"))
    assert stopped.done == 1
    assert np.isfinite(stopped.steps["loss"]).all() and len(stopped.steps) == 2


def test_a_result_is_plain_data_that_stays_while_the_run_goes_on():
    run = Run(Config(steps=40)).advance(10)
    early = result(run)
    steps, snapshots = early.steps.copy(), early.snapshots.copy()
    run.advance()
    assert early.done == 10 and early.steps.equals(steps)
    np.testing.assert_array_equal(early.snapshots, snapshots)
    assert b"torch" not in pickle.dumps(early)  # caches keep it: no tensor, no model, no graph
