"""Everyday lines: clipping against its formula, accumulation against the big batch."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import Config, Run
from core.compare.curves import axis_words, curves_frame
from core.lines import USUAL, from_letters, put_in
from core.result import result

DELIVERIES = {"dataset": "deliveries", "model": "linear", "start": (0.0,), "lr": 0.2, "steps": 60}
X = np.array([1.0, 2.0, 3.0, 4.0])
Y = np.array([6.96, 12.11, 16.77, 22.21])


def deliveries(loop, **more):
    return Run(Config(**DELIVERIES | {"loop": from_letters(loop)} | more)).advance()


def gradient(w, b):
    """Of the mean squared error on the deliveries, by hand."""
    errors = w * X + b - Y
    return np.array([2 * np.mean(errors * X), 2 * np.mean(errors)])


def test_clipping_makes_a_learning_rate_work_that_explodes_without():
    assert not np.isfinite(deliveries("ZFLBS").history.losses[-1])
    assert deliveries("ZFLBCS").history.losses[-1] == pytest.approx(0.0652, abs=5e-5)


@pytest.mark.parametrize("max_norm", [0.0, 0.5, 1.0, 1e6])
def test_clipping_by_norm_is_its_formula(max_norm):
    run = deliveries("ZFLBCS", max_norm=max_norm, dtype="float64", steps=25, lr=0.05)
    w = np.zeros(2)
    for step in range(25):
        fresh = gradient(*w)
        used = fresh * min(1.0, max_norm / (np.linalg.norm(fresh) + 1e-6))
        history = run.history
        recorded = [[rows[name][step].item() for name in ("weight", "bias")]
                    for rows in (history.weights, history.fresh_grads, history.grads)]  # fmt: skip
        np.testing.assert_allclose(recorded, [w, fresh, used], rtol=1e-10, atol=1e-12)
        w = w - 0.05 * used


def test_clipping_by_value_cuts_each_entry_alone():
    run = deliveries("ZFLBVS", clip_value=30.0, steps=1)
    assert run.history.fresh_grads["weight"][0].item() == pytest.approx(-85.165)
    assert run.history.grads["weight"][0].item() == -30.0
    assert run.history.grads["bias"][0].item() == pytest.approx(-29.025)


@pytest.mark.parametrize(
    "loop", ["FLBCS", "0FLBCS", "ZFLBCS", "CZFLBS", "ZCFLBS", "ZFLBSC", "FLBSCZ", "FCLBS"]
)
@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_what_is_recorded_is_what_a_plain_loop_finds(loop, model):
    """Wherever the line stands: gradients are recorded by reference unless a line writes into them."""
    config = Config(model=model, hidden=(4,), loop=from_letters(loop), max_norm=0.1, steps=6, batch_size=40)
    run = Run(config, evaluate=False)
    fresh, used, parameters = [], [], list(run.model.parameters())
    again = Run(config, evaluate=False)
    for _ in range(config.steps):
        for name in config.loop:
            before = [None if p.grad is None else p.grad.clone() for p in again.parameters]
            again.line()
            if name == "backward":
                fresh.append(again.gradients.fresh[0].clone())
                kept = before[0]
                total = fresh[-1] if kept is None else kept + fresh[-1]
                assert torch.equal(again.parameters[0].grad, total)
            if name == "step":
                used.append(before[0])
    run.advance()
    name = next(n for n, p in run.model.named_parameters() if p is parameters[0])
    assert np.array_equal(run.history.fresh_grads[name], torch.stack(fresh).numpy())
    expected = [np.full(parameters[0].shape, np.nan) if g is None else g.numpy() for g in used]
    assert np.array_equal(run.history.grads[name], np.stack(expected), equal_nan=True)


def test_slices_and_one_go_give_the_same_bits():
    config = Config(loop=put_in(USUAL, "clip"), batch_size=20, steps=40, lr=1.0)
    whole, sliced = Run(config).advance(), Run(config)
    while not sliced.done:
        sliced.advance(7)
    assert np.array_equal(whole.history.losses, sliced.history.losses)


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("max_norm", -1.0, "max_norm must be a number from 0 to 1e+06; got -1.0"),
    ("clip_value", float("nan"), "clip_value must be a number from 0 to 1e+06; got nan"),
])  # fmt: skip
def test_a_wrong_value_gets_one_sentence(field, value, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Config(**{field: value})


def test_a_field_that_no_line_uses_is_nowhere():
    names = Run(Config(max_norm=0.5)).namespace
    assert "max_norm" not in names
    assert Run(Config(max_norm=0.5, loop=put_in(USUAL, "clip"))).namespace["max_norm"] == 0.5


def test_other_loops_record_as_before_by_reference():
    plain = Run(Config(steps=2)).gradients
    assert plain.steps_on_fresh and not plain._copies
    assert Run(replace(Config(steps=2), loop=put_in(USUAL, "clip"))).gradients._copies


# accumulation

SPLIT = [[0, 1, 2], [3]]  # of the four deliveries


@pytest.mark.parametrize(("loop", "gradient"), [
    ("zFLws", -85.165),  # the mean over all four rows
    ("zFLbs", -116.0),  # the mean of two means: row 4 counts three times as much as the others
    ("zFLBs", -232.0),  # not divided at all
])  # fmt: skip
def test_unequal_micro_batches(loop, gradient):
    config = Config(**DELIVERIES | {"loop": from_letters(loop), "accumulate": 2, "steps": 2})
    run = Run(config, batches=SPLIT).advance()
    assert run.history.grads["weight"][1].item() == pytest.approx(gradient, abs=0.01)
    means = [2 * np.mean(-Y[rows] * X[rows]) for rows in SPLIT]
    by_hand = {"zFLws": (3 * means[0] + means[1]) / 4, "zFLbs": sum(means) / 2, "zFLBs": sum(means)}
    assert run.history.grads["weight"][1].item() == pytest.approx(by_hand[loop], rel=1e-6)


@pytest.mark.parametrize("loop", ["zFLbs", "zFLws"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_equal_micro_batches_are_one_big_batch(loop, optimizer):
    """160 rows: four batches of 10 are the rows of one of 40, in the same order."""
    big = Config(batch_size=40, steps=16, optimizer=optimizer, lr=0.05, dtype="float64")
    small = replace(big, batch_size=10, steps=64, accumulate=4, loop=from_letters(loop))
    one, four = Run(big).advance(), Run(small).advance()
    for name, weights in one.history.weights.items():
        np.testing.assert_allclose(four.history.weights[name][::4], weights, rtol=1e-9, atol=1e-12)
        assert np.array_equal(four.history.weights[name][:4], [weights[0]] * 4)
    moved = four.history.steps["update_ratio"].to_numpy() > 0
    assert np.array_equal(np.flatnonzero(moved), np.arange(3, 64, 4))


def test_accumulating_over_one_pass_is_the_usual_loop_to_the_bit():
    usual = Run(Config(steps=30)).advance()
    once = Run(Config(steps=30, accumulate=1, loop=from_letters("zFLbs"))).advance()
    assert np.array_equal(usual.history.losses, once.history.losses)


def test_the_axis_says_what_a_step_is():
    config = Config(loop=from_letters("zFLbs"), accumulate=8)
    assert "moves its weights every 8 passes" in axis_words([Config(), config])
    assert axis_words([Config()]) == ""


def test_on_a_log_axis_passes_without_an_update_are_joined_over():
    run = Run(Config(loop=from_letters("zFLbs"), batch_size=10, steps=12)).advance()
    frame, _ = curves_frame([result(run)], "update_ratio")
    assert frame["g0"].iloc[3:12].notna().all() and frame["g0"].iloc[:3].isna().all()
    frame, _ = curves_frame([result(run)], "update_ratio", logs=(False, False))
    assert frame["g0"].iloc[0] == 0.0
