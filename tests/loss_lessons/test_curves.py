"""Values and gradients over the prediction: closed forms, one curve for what is one, marks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.loss_lessons.curves import CLASSES, GRID, REACH, SHARES, VALUES, at, curves, readings, targets_for
from core.losses import LOSSES


def softplus(x):
    return np.log1p(np.exp(-abs(x))) + np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def bce(x, y):
    return softplus(x) - x * y, sigmoid(x) - y


def regression(size, beta, scale):
    """Of |error|: value and slope where it is squared within beta, linear beyond."""
    near = size < beta
    return scale * np.where(near, size**2 / 2 / beta, size - beta / 2), scale * np.minimum(size / beta, 1)


def entropy(y):
    return -sum(p * np.log(p) for p in (y, 1 - y) if p > 0)


def closed(loss, x, y):
    """Value and derivative, from the formulas."""
    error = x - y
    value, slope = bce(x, y)
    if loss in ("huber", "smooth_l1"):
        beta = {"huber": 1.0, "smooth_l1": 0.5}[loss]
        size, rise = regression(abs(error), beta, 1.0)
        return size, rise * np.sign(error)
    return {
        "mse": lambda: (error**2, 2 * error),
        "l1": lambda: (abs(error), np.sign(error)),
        "smoothed": lambda: bce(x, 0.9 * y + 0.05),  # 0.1 spread over two classes
        "weighted": lambda: (value * (1 if y else 3), slope * (1 if y else 3)),
        "kl_div": lambda: (value - entropy(y), slope),
    }.get(loss, lambda: (value, slope))()


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "focal"])
def test_a_curve_is_the_formula_and_its_derivative(loss):
    for y in targets_for([loss])[:: 20 if targets_for([loss]) == SHARES else 1]:
        values, grads = at(loss, torch.from_numpy(GRID), y)
        expected = closed(loss, GRID, y)
        np.testing.assert_allclose(values, expected[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(grads, expected[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["cross_entropy", "smoothed", "kl_div"])
def test_shares_of_classes_are_targets_too(loss):
    values, grads = at(loss, torch.from_numpy(GRID), 0.25)
    expected = closed(loss, GRID, 0.25)
    np.testing.assert_allclose(values, expected[0], rtol=1e-9)
    np.testing.assert_allclose(grads, expected[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("y", CLASSES)
def test_focal_is_bce_times_the_square_of_what_is_missing(y):
    values, _ = at("focal", torch.from_numpy(GRID), y)
    missing = sigmoid(-GRID) if y else sigmoid(GRID)
    np.testing.assert_allclose(values, missing**2 * bce(GRID, y)[0], rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@settings(max_examples=8, deadline=None)
@given(x=st.floats(-3.9, 3.9), choice=st.data())
def test_the_gradient_is_the_slope_of_the_value(loss, x, choice):
    y = choice.draw(st.sampled_from(targets_for([loss])))
    x = x + 1e-3 if abs(abs(x - y) - 0.5) < 1e-4 or abs(abs(x - y) - 1) < 1e-4 or abs(x - y) < 1e-4 else x
    step = 1e-5
    below, above = at(loss, torch.tensor([x - step, x + step], dtype=torch.float64), y)[0].tolist()
    _, grad = readings([loss], y, x)[0]
    assert grad == pytest.approx((above - below) / (2 * step), abs=1e-4)


def test_targets_are_those_that_all_losses_take():
    assert targets_for(["mse", "l1"]) == VALUES
    assert targets_for(["mse", "bce"]) == targets_for(["cross_entropy", "kl_div"]) == SHARES
    assert targets_for(["bce", "nll"]) == CLASSES
    assert {0.0, 1.0} <= set(VALUES) and set(CLASSES) <= set(SHARES) and min(VALUES) == -3


def test_a_frame_has_both_curves_of_every_loss_and_one_mark():
    frame = curves(["mse", "bce", "nll"], 1.0, -2.0)
    assert list(frame.filter(regex=r"\d")) == ["l0", "g0", "l1", "g1", "l2", "g2"]
    assert (frame["x"].min(), frame["x"].max(), len(frame)) == (-REACH, REACH, len(GRID))
    marked = frame.dropna(subset="marked")
    assert marked["x"].tolist() == marked["marked"].tolist() == [-2.0]
    assert marked["l0"].item() == 9  # (-2 - 1) squared
    assert 0.0 in GRID  # where L1 has its kink, and autograd's slope is 0
    assert frame.notna().drop(columns="marked").all(axis=None)


def test_readings_are_what_the_curves_show():
    frame = curves(["huber", "focal"], 0.5, 1.5).dropna(subset="marked")
    (huber, slope), (focal, other) = readings(["huber", "focal"], 0.5, 1.5)
    assert frame[["l0", "g0", "l1", "g1"]].to_numpy().ravel().tolist() == [huber, slope, focal, other]
