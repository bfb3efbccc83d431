"""Everyday lines: clips and rates against their formulas, accumulation against the big batch."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import Config, Run
from core.compare.curves import axis_words, curves_frame
from core.config import with_changes
from core.lines import USUAL, from_letters, letters, put_in
from core.optimizers import SCHEDULERS
from core.result import learning_rates, result
from core.watch.tape import Tape

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


# schedulers


def cosine(t, steps, lr, gamma):
    return lr * (1 + math.cos(math.pi * t / steps)) / 2


def linear_warmup(t, steps, lr, gamma):
    return lr * (0.1 + 0.9 * min(t / (steps // 10), 1))


def warmup_cosine(t, steps, lr, gamma):
    warm = steps // 10
    return linear_warmup(t, steps, lr, gamma) if t < warm else cosine(t - warm, steps - warm, lr, gamma)


def one_cycle(t, steps, lr, gamma):
    """Up from lr / 25 over 30 % of the steps, down to lr / 25 / 10000, both along a cosine."""
    top, first, last = 0.3 * steps - 1, lr / 25, lr / 25e4
    start, end, share = (first, lr, t / top) if t <= top else (lr, last, (t - top) / (steps - 1 - top))
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


FORMULAS = {
    "none": lambda t, steps, lr, gamma: lr,
    "step": lambda t, steps, lr, gamma: lr * gamma ** (t // (steps // 3)),
    "exponential": lambda t, steps, lr, gamma: lr * gamma**t,
    "cosine": cosine,
    "warmup": linear_warmup,
    "warmup_cosine": warmup_cosine,
    "one_cycle": one_cycle,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_scheduler_gives_its_published_rates(name):
    """Plain gradient descent by hand, in double, with the rate of each step from the formula."""
    loop = "ZFLBS" if name == "none" else "ZFLBSR"
    run = deliveries(loop, scheduler=name, gamma=0.7, lr=0.05, dtype="float64", steps=25)
    rates = [FORMULAS[name](t, 25, 0.05, 0.7) for t in range(25)]
    np.testing.assert_allclose(learning_rates(result(run)), rates, rtol=1e-12)
    w = np.zeros(2)
    for step, rate in enumerate(rates):
        recorded = [run.history.weights[name][step].item() for name in ("weight", "bias")]
        np.testing.assert_allclose(recorded, w, rtol=1e-10)
        w = w - rate * gradient(*w)
    assert run.warnings == []


def test_on_a_plateau_the_rate_falls_after_more_than_ten_steps_without_a_lower_loss():
    run = deliveries("ZFLBSP", lr=0.0, steps=30)  # the loss stays
    assert run.config.scheduler == "plateau"
    run = Run(Config(loop=from_letters("ZFLBSP"), lr=4.0, momentum=0.9, steps=120, gamma=0.5)).advance()
    rates, losses = learning_rates(result(run)), run.history.losses
    best, bad, lr = math.inf, 0, 4.0
    for rate, loss in zip(rates, losses, strict=True):
        assert rate == lr
        best, bad = (loss, 0) if loss < best * (1 - 1e-4) else (best, bad + 1)
        if bad > 10:
            lr, bad = lr / 2, 0
    assert lr < 4.0  # it did fall, so that something was tested


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if name != "none"])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 10])
def test_every_scheduler_takes_a_run_of_any_length(name, steps):
    line = "P" if SCHEDULERS[name].by_loss else "R"
    run = deliveries(f"ZFLBS{line}", scheduler=name, steps=steps, lr=0.01)
    assert run.error is None and run.step == steps and run.warnings == []


def test_lines_and_schedulers_that_do_not_fit_get_one_sentence():
    with pytest.raises(
        ValueError, match=re.escape("loop must have scheduler.step(loss.item()) for scheduler plateau")
    ):
        Config(loop=from_letters("ZFLBSR"), scheduler="plateau")
    with pytest.raises(ValueError, match=r"loop must have no scheduler\.step\(\) for scheduler none"):
        Config(loop=from_letters("ZFLBSR"), scheduler="none")
    with pytest.raises(ValueError, match="scheduler must be none for sgd_by_hand; got cosine"):
        Config(scheduler="cosine", optimizer="sgd_by_hand")
    with pytest.raises(ValueError, match=re.escape("gamma must be below 1 for plateau; got 1.0")):
        Config(loop=from_letters("ZFLBSP"), gamma=1.0)
    config, said = with_changes(Config(loop=from_letters("ZFLBSR")), {"scheduler": "plateau"})
    assert letters(config.loop) == "ZFLBSP" and len(said) == 1
    config, said = with_changes(Config(loop=from_letters("ZFLBSR")), {"optimizer": "sgd_by_hand"})
    assert config.loop == USUAL and config.scheduler == "none" and said
    assert Config(loop=from_letters("ZFLBSR")).scheduler == "cosine"
    assert with_changes(Config(loop=from_letters("ZFLBSR")), {"loop": USUAL})[0] == Config()


def test_the_rate_is_recorded_only_where_it_can_change_and_charted_everywhere():
    assert "lr" not in Run(Config(steps=2)).advance().history.steps
    run = Run(Config(steps=4, schedule=((2, 0.1),))).advance()
    assert learning_rates(result(run)).tolist() == [0.5, 0.5, 0.1, 0.1]
    frame, _ = curves_frame([result(run)], "lr")
    assert frame["g0"].dropna().tolist() == [0.5, 0.5, 0.1, 0.1]


def test_a_scheduler_counts_updates():
    run = Run(Config(loop=from_letters("zFLbsr"), accumulate=3, steps=24, batch_size=20)).advance()
    assert learning_rates(result(run)) == pytest.approx([cosine(t // 3, 8, 0.5, 0) for t in range(24)])
    assert run.warnings == []


def test_under_a_scheduler_going_back_gives_the_same_bits():
    config = Config(loop=from_letters("ZFLBSR"), scheduler="one_cycle", steps=40, momentum=0.9)
    whole, tape = Run(config).advance(), Tape(Run(config))
    tape.play(30, 60.0)
    tape.go(11, 2)
    tape.run.advance()
    assert np.array_equal(whole.history.losses, tape.run.history.losses)
    assert np.array_equal(whole.history.steps["lr"], tape.run.history.steps["lr"])


def test_a_rate_by_hand_on_top_of_a_scheduler_is_what_a_new_run_of_it_has():
    run = Run(Config(loop=from_letters("ZFLBSR"), scheduler="exponential", gamma=0.9, steps=12))
    with pytest.raises(ValueError, match="from the second step on"):
        run.change_lr(0.1)
    run.advance(4)
    run.change_lr(0.2)
    run.advance()
    again = Run(run.config).advance()
    assert np.array_equal(again.history.losses, run.history.losses)
    assert learning_rates(result(run))[3:6] == pytest.approx([0.5 * 0.9**3, 0.2, 0.2 * 0.9])
