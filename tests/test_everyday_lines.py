"""Everyday lines: clips and rates against formulas, accumulation against the big batch, casts by hand."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core import Config, Run
from core.compare.curves import axis_words, curves_frame, scale_words
from core.config import with_changes
from core.lines import PRACTICES, USUAL, from_letters, letters, put_in, with_practice
from core.models import Dropout
from core.optimizers import OPTIMIZERS, SCHEDULERS
from core.result import learning_rates, result
from core.watch.tape import Tape
from tests.helpers.accounts import accounts, of

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
    ("max_norm", -1.0, "max_norm must be a number from 0 to 1000000; got -1.0"),
    ("clip_value", float("nan"), "clip_value must be a number from 0 to 1000000; got nan"),
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
    ("zFLDs", -116.0),  # the mean of two means: row 4 counts three times as much as the others
    ("zFLBs", -232.0),  # not divided at all
])  # fmt: skip
def test_unequal_micro_batches(loop, gradient):
    config = Config(**DELIVERIES | {"loop": from_letters(loop), "accumulate": 2, "steps": 2})
    run = Run(config, batches=SPLIT).advance()
    assert run.history.grads["weight"][1].item() == pytest.approx(gradient, abs=0.01)
    means = [2 * np.mean(-Y[rows] * X[rows]) for rows in SPLIT]
    by_hand = {"zFLws": (3 * means[0] + means[1]) / 4, "zFLDs": sum(means) / 2, "zFLBs": sum(means)}
    assert run.history.grads["weight"][1].item() == pytest.approx(by_hand[loop], rel=1e-6)


@pytest.mark.parametrize("loop", ["zFLDs", "zFLws"])
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


@pytest.mark.parametrize(("practice", "loop"), [
    ("clip", "zFLDcs"), ("clip_value", "zFLDvs"), ("penalty", "zFLDys"),
])  # fmt: skip
def test_a_practice_beside_accumulation_is_that_of_the_big_batch(practice, loop):
    """Only what an update uses is clipped, not what has added up before it, and the penalty counts once."""
    big = Config(loop=with_practice(USUAL, practice), batch_size=40, steps=16, dtype="float64")
    big = replace(big, max_norm=0.05, clip_value=0.01)
    small = replace(big, batch_size=10, steps=64, loop=with_practice(from_letters("zFLDs"), practice))
    assert letters(small.loop) == loop
    one, four = Run(big).advance(), Run(small).advance()
    norms = one.history.steps
    assert not np.isclose(norms["grad_norm"], norms["fresh_norm"], rtol=1e-3).any()  # it did something
    for name, weights in one.history.weights.items():
        np.testing.assert_allclose(four.history.weights[name][::4], weights, rtol=1e-9, atol=1e-12)


def test_loss_scaling_beside_accumulation_changes_no_bit():
    """The scale is a power of two. It is taken out where weights move; before that, .grad is scaled."""
    base = {"steps": 24, "accumulate": 4, "batch_size": 20}
    plain = Run(Config(loop=from_letters("zFLDs"), **base)).advance()
    scaled = Run(Config(loop=from_letters("zFLduxg"), **base)).advance()
    assert np.array_equal(plain.history.losses, scaled.history.losses)
    first = next(iter(plain.history.grads))
    ours, others = scaled.history.grads[first], plain.history.grads[first]
    assert np.array_equal(ours[3::4], others[3::4])
    assert np.array_equal(ours[:3], others[:3] * 65536)
    said = scale_words([scaled.config])
    assert "gradients as used are unscaled in passes that move weights." in said


def test_accumulating_over_one_pass_is_the_usual_loop_to_the_bit():
    usual = Run(Config(steps=30)).advance()
    once = Run(Config(steps=30, accumulate=1, loop=from_letters("zFLDs"))).advance()
    assert np.array_equal(usual.history.losses, once.history.losses)


def test_the_axis_says_what_a_step_is():
    config = Config(loop=from_letters("zFLDs"), accumulate=8)
    assert "moves its weights every 8 passes" in axis_words([Config(), config])
    assert axis_words([Config()]) == ""


def test_on_a_log_axis_passes_without_an_update_are_joined_over():
    run = Run(Config(loop=from_letters("zFLDs"), batch_size=10, steps=12)).advance()
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


def test_of_two_rates_for_one_step_the_later_holds():
    run = Run(Config(steps=4)).advance(2)
    run.change_lr(0.1)
    run.change_lr(0.2)
    assert run.config.schedule == ((2, 0.2),)
    assert learning_rates(result(run.advance())).tolist() == [0.5, 0.5, 0.2, 0.2]


def test_a_scheduler_counts_updates():
    run = Run(Config(loop=from_letters("zFLDsr"), accumulate=3, steps=24, batch_size=20)).advance()
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


# mixed precision


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_is_the_same_casts_by_hand(dtype):
    name = str(dtype).removeprefix("torch.")
    config = Config(
        loop=from_letters("ZflBS"), autocast=name, hidden=(8,), activation="tanh", steps=5, lr=0.1
    )
    run, start = Run(config).advance(), Run(config)
    inputs, targets = start.data.inputs, start.data.targets
    weights = [p.detach().clone().requires_grad_() for p in start.parameters]
    for step in range(5):
        w1, b1, w2, b2 = (w.to(dtype) for w in weights)
        hidden = torch.tanh(nn.functional.linear(inputs.to(dtype), w1, b1))
        outputs = nn.functional.linear(hidden, w2, b2)
        loss = nn.functional.binary_cross_entropy_with_logits(outputs.float(), targets)
        assert loss.item() == run.history.losses[step]
        grads = torch.autograd.grad(loss, weights)
        weights = [(w - 0.1 * g).detach().requires_grad_() for w, g in zip(weights, grads, strict=True)]


def test_scaling_by_a_power_of_two_changes_no_bit_and_recorded_gradients_are_scaled():
    usual, scaled = (
        Run(Config(loop=from_letters(loop), steps=20)).advance() for loop in ("ZFLBS", "ZFLaUAG")
    )
    assert np.array_equal(usual.history.losses, scaled.history.losses)
    first = next(iter(usual.history.grads))
    assert np.array_equal(usual.history.grads[first] * 65536, scaled.history.fresh_grads[first])
    assert np.array_equal(usual.history.grads[first], scaled.history.grads[first])
    hidden = Run(Config(loop=from_letters("ZFLaAG"), steps=20)).advance()
    assert np.array_equal(usual.history.losses, hidden.history.losses)
    assert np.array_equal(scaled.history.fresh_grads[first], hidden.history.grads[first])
    said = [scale_words([run.config]) for run in (usual, scaled, hidden)]
    assert said[0] == "" and "as used are unscaled" in said[1] and "so are gradients as used" in said[2]


def test_a_step_with_inf_is_skipped_and_the_scale_halved():
    config = Config(**DELIVERIES | {"loop": from_letters("ZflaUAG"), "autocast": "float16", "steps": 3})
    run = Run(config)
    run.namespace["scaler"] = torch.amp.GradScaler("cpu", init_scale=2.0**20)
    run.advance()
    assert not np.isfinite(run.history.grads["weight"][0]).any()
    assert np.array_equal(run.history.weights["weight"][0], run.history.weights["weight"][1])
    assert run.namespace["scaler"].get_scale() < 2.0**20


def test_with_a_scaler_going_back_gives_the_same_bits():
    config = Config(loop=from_letters("ZflaUAG"), autocast="float16", steps=30)
    whole, tape = Run(config).advance(), Tape(Run(config))
    tape.play(20, 60.0)
    tape.go(7, 3)
    tape.run.advance()
    assert np.array_equal(whole.history.losses, tape.run.history.losses)


@pytest.mark.parametrize(("loop", "line", "said"), [
    ("ZFLBCS", "clip", "The norm of all gradients was 89.98; each was multiplied by 0.01111."),
    ("ZFLBVS", "clip_value", "2 of 2 entries of the gradients were larger than 1 in size, and were cut."),
    ("ZCFLBS", "clip", "Nothing to clip: every .grad is None."),
    ("ZVFLBS", "clip_value", "Nothing to clip: every .grad is None."),
    ("zFLDs", "step_every", "No weight changed: this is pass 1 of 4, and the last one updates."),
    ("zFLDcs", "clip_every", "Nothing was clipped: this is pass 1 of 4, and the last one updates."),
    ("zFLduxg", "unscale_every", "Nothing was unscaled: this is pass 1 of 4"),
    ("zFLduxg", "step_scaled_every", "No weight changed: this is pass 1 of 4"),
    ("zFLduxg", "scaler_update_every", "The scale stays: this is pass 1 of 4"),
    ("zFLDys", "backward_penalty_every", "Nothing was added: this is pass 1 of 4"),
    ("zFLDs", "zero_grad_every", "Nothing to clear: every .grad is None."),
    ("ZFLBSR", "scheduler_step", "The learning rate went from 0.2 to 0.199863."),
    ("ZflaUAG", "forward_autocast", "The outputs are bfloat16. Autograd recorded 4 operations: "),
    ("ZflaUAG", "loss_autocast", "The loss is 242.4, in float32."),
    ("ZflaUAG", "unscale", "Every .grad was divided by the scale, 65536: the norm of all went from 5.886e"),
    ("ZflaUAG", "step_scaled", "weight went from 0 to 17"),
    ("ZflaUAG", "scaler_update", "The scale stays 65536."),
    ("TZFLBSE", "train_mode", "The model stays in training mode; a model without dropout and batch norm"),
    ("TZFLBSE", "eval_mode", "The model went from training to eval mode; a model without"),
    ("ZFpBS", "loss_penalty", "The loss is 242.4; the penalty is 0 of it."),
    ("ZFLBWS", "backward_penalty", "The penalty is 0; the norm of all gradients went from 89.98 to 89.98."),
])  # fmt: skip
def test_watch_says_what_a_line_did_in_numbers(loop, line, said):
    assert of(line, Run(Config(**DELIVERIES | {"loop": from_letters(loop)}))).headline.startswith(said)


@pytest.mark.parametrize(("loop", "line", "what", "times"), [
    ("ZFLBS", "backward", "this batch's gradient", 1),
    ("zFLDs", "backward_divided", "a k-th of this batch's gradient", 1 / 4),
    ("zFLws", "backward_by_rows", "this batch's share of the gradient", 1 / 4),
    ("ZFLaAG", "backward_scaled", "this batch's gradient times the scale", 2**16),
    ("zFLduxg", "backward_scaled_divided", "a k-th of this batch's gradient times the scale", 2**14),
])  # fmt: skip
def test_the_norm_that_backward_adds_is_said_to_be_what_it_is(loop, line, what, times):
    """All rows in each of four passes; the gradient itself by autograd."""
    run = Run(Config(loop=from_letters(loop), hidden=(3,), batch_size=0, steps=4))
    loss = run.namespace["loss_fn"](run.model(run.data.inputs), run.data.targets)
    length = torch.cat([g.flatten() for g in torch.autograd.grad(loss, run.parameters)]).norm().item()
    said = of(line, run).headline
    assert said.startswith(f"All 4 .grad got {what}, norm ")
    assert float(said.split("norm ")[1].split(";")[0]) == pytest.approx(times * length, rel=1e-3)


@pytest.mark.parametrize("loop", ["ZflaAG", "ZflaUAG", "ZflaUVAG", "ZflaUCAG"])
def test_a_step_that_the_scaler_skips_is_said_to_be_skipped(loop):
    """Clipping by value makes numbers of what was inf when it was unscaled; the scaler skips all the same."""
    config = Config(**DELIVERIES | {"loop": from_letters(loop)}, autocast="float16")
    said = of("step_scaled", Run(config)).headline
    assert said == "No weight changed: the scaler found inf or nan in a gradient, and skips this step."


def test_a_small_penalty_is_seen_in_the_sum():
    config = Config(**DELIVERIES | {"loop": from_letters("ZFpBS"), "start": (1.0,)}, penalty=0.001)
    one = of("loss_penalty", Run(config))
    squares = sum((x + 1 - y) ** 2 for x, y in ((1, 6.96), (2, 12.11), (3, 16.77), (4, 22.21))) / 4
    rest, rest_of_it = one.formulas[0].split(" = ")[0].split(" + ")
    assert rest_of_it == "0.002" and float(rest) == pytest.approx(squares, rel=1e-6)
    assert float(one.formulas[0].split(" = ")[1]) == pytest.approx(squares + 0.002, rel=1e-6)


EACH = [
    "zFLDs",
    "zflduycvxgr",
    "zFLws",
    "ZflBS",
    "ZflaUCAG",
    "ZFLaAG",
    "ZFLBCVSR",
    "ZFLBSP",
    "FLBCS",
    "TZFpBWSE",
]


@given(st.sampled_from(EACH), st.sampled_from(["deliveries", "iris", "moons"]), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_every_everyday_line_has_an_account_in_every_step(loop, dataset, seed):
    run = Run(Config(dataset=dataset, loop=from_letters(loop), steps=5, batch_size=3, seed=seed, hidden=(3,)))
    for one in accounts(run, 4 * len(run.config.loop)):
        assert one.headline and one.headline.endswith(".")


# train and eval


def test_dropout_draws_from_its_own_generator_and_touches_no_other():
    before = torch.get_rng_state()
    config = Config(model="mlp_dropout", steps=10)
    one, two = Run(config).advance(), Run(config)
    while not two.done:
        two.advance(3)
    assert np.array_equal(one.history.losses, two.history.losses)
    assert np.array_equal(one.history.evaluations, two.history.evaluations, equal_nan=True)
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_is_its_definition():
    layer = Dropout(0.25, torch.Generator().manual_seed(1))
    values = torch.ones(2000, 10)
    kept = layer(values)
    assert kept.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert (kept == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert layer.eval()(values) is values
    drawn = torch.rand(2000, 10, generator=torch.Generator().manual_seed(1))
    assert torch.equal(kept == 0, drawn < 0.25)


def test_no_dropout_is_the_plain_mlp():
    plain, none = (Run(Config(model=m, dropout=0.0, steps=20)).advance() for m in ("mlp", "mlp_dropout"))
    assert np.array_equal(plain.history.losses, none.history.losses)


@pytest.mark.parametrize("model", ["mlp_dropout", "mlp_norm"])
def test_without_train_the_second_step_is_in_eval_mode(model):
    both, forgotten, usual = (
        Run(Config(model=model, loop=from_letters(loop), steps=3)) for loop in ("TZFLBSE", "ZFLBSE", "ZFLBS")
    )
    modes = []
    for _ in range(3):
        for _ in range(6):
            modes.append(forgotten.model.training)
            forgotten.line()
    assert modes == [True] * 6 + [False] * 12
    assert np.array_equal(both.advance().history.losses, usual.advance().history.losses)
    forgotten.advance()
    assert both.history.losses[0] == forgotten.history.losses[0]
    assert both.history.losses[1] != forgotten.history.losses[1]


def test_with_dropout_going_back_gives_the_same_bits():
    config = Config(model="mlp_dropout", loop=from_letters("TZFLBSE"), steps=30)
    whole, tape = Run(config).advance(), Tape(Run(config))
    tape.play(20, 60.0)
    tape.go(7, 3)
    tape.run.advance()
    assert np.array_equal(whole.history.losses, tape.run.history.losses)


# two losses


def test_a_second_backward_is_the_gradient_of_the_sum_and_sgd_calls_it_weight_decay():
    base = Config(penalty=0.05, steps=25, dtype="float64", activation="tanh", lr=0.2)
    twice, summed = (Run(replace(base, loop=from_letters(loop))).advance() for loop in ("ZFLBWS", "ZFpBS"))
    decayed = Run(replace(base, weight_decay=0.1)).advance()
    for name, weights in decayed.history.weights.items():
        np.testing.assert_allclose(twice.history.weights[name], weights, rtol=1e-9)
        np.testing.assert_allclose(summed.history.weights[name], weights, rtol=1e-9)
    np.testing.assert_allclose(twice.history.fresh_grads["0.bias"], decayed.history.fresh_grads["0.bias"])
    norm = sum((w[5] ** 2).sum() for w in twice.history.weights.values())
    assert summed.history.losses[5] == pytest.approx(twice.history.losses[5] + 0.05 * norm)


# what goes with what

NO_PAIR = {  # optimizer and practice -> the sentence, to be asked for before any work
    ("sgd_by_hand", "schedule"): "scheduler must be none for sgd_by_hand; got cosine",
    ("sgd_by_hand", "scaler"): "loop must have no scaler for sgd_by_hand, since it has no param_groups; got "
    "scaler.scale(loss).backward()",
    ("lbfgs", "accumulate"): "loop must step with a closure for lbfgs; got zFLDs",
    ("lbfgs", "scaler"): "loop must have no scaler for lbfgs, since scaler.step takes no closure; got "
    "scaler.scale(loss).backward()",
}


@pytest.mark.parametrize("practice", PRACTICES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_trains_with_a_practice_or_one_sentence_refuses_it(optimizer, practice):
    base = Config(optimizer=optimizer, steps=9, accumulate=3, batch_size=40, hidden=(4,))
    loop = with_practice(base.loop, practice)
    if sentence := NO_PAIR.get((optimizer, practice)):
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            replace(base, loop=loop, scheduler=None)
    config, said = with_changes(base, {"loop": loop})
    assert (said == []) == ((optimizer, practice) not in NO_PAIR)
    run = Run(config).advance()
    assert run.error is None and run.step == 9 and run.warnings == []


@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name != "lbfgs"])
def test_every_optimizer_but_lbfgs_takes_every_practice_in_either_order(optimizer):
    """Lines first, then the optimizer: what does not fit gives way, and the run trains."""
    for practice in PRACTICES:
        base = Config(loop=with_practice(USUAL, practice), steps=3)
        config, said = with_changes(base, {"optimizer": optimizer})
        assert bool(said) == ((optimizer, practice) in NO_PAIR)
        assert Run(config).advance().error is None
