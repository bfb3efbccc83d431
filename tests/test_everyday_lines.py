"""Everyday lines: clipping against its formula."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import Config, Run
from core.lines import USUAL, from_letters, put_in

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
