"""BCE of a sigmoid against BCE with logits, far from 0."""

import numpy as np
import pytest
import torch

from core.loss_lessons.stability import DRAWN, GRID, REACH, WAYS, at, sweep


def single(way, z, y, dtype=torch.float32):
    loss, grad = at(way, np.array([z]), y, dtype)
    return loss.item(), grad.item()


def test_at_200_and_target_0():
    assert single("logits", 200.0, 0.0) == (200, 1)
    assert single("sigmoid", 200.0, 0.0) == (100, 0)
    loss, grad = single("hand", 200.0, 0.0)
    assert np.isposinf(loss) and np.isnan(grad)


def test_at_minus_200_and_target_1():
    assert single("logits", -200.0, 1.0) == (200, -1)
    loss, grad = single("sigmoid", -200.0, 1.0)
    assert loss == 100 and grad == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_through_a_sigmoid_fades_as_is_said(dtype):
    """p - y over p (1 - p) or 1e-12, whichever is larger, times p (1 - p): gone long before -100."""
    z = np.linspace(-100, -20, 17)
    p = torch.tensor(z, dtype=dtype).sigmoid().double().numpy()
    _, grads = at("sigmoid", z, 1.0, dtype)
    slope = p * (1 - p)
    np.testing.assert_allclose(grads, (p - 1) / np.maximum(slope, 1e-12) * slope, rtol=1e-5, atol=1e-44)
    assert single("sigmoid", -200.0, 1.0, torch.float64)[1] < 0  # next to nothing, and not 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_near_0_all_ways_are_the_formula(way, y):
    z = np.linspace(-5, 5, 21)
    losses, grads = at(way, z, y, torch.float64)
    np.testing.assert_allclose(losses, np.log1p(np.exp(z)) - z * y, rtol=1e-9)
    np.testing.assert_allclose(grads, 1 / (1 + np.exp(-z)) - y, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("dtype", "good", "gone"), [(torch.float32, 16, 17), (torch.float64, 36, 37)])
def test_a_sigmoid_keeps_its_gradient_until_it_is_exactly_1(dtype, good, gone):
    assert (
        torch.tensor(float(good), dtype=dtype).sigmoid()
        < 1
        == torch.tensor(float(gone), dtype=dtype).sigmoid()
    )
    assert single("sigmoid", good, 0.0, dtype)[1] > 0
    assert single("sigmoid", gone, 0.0, dtype) == (100, 0)
    assert single("logits", gone, 0.0, dtype) == (gone, 1)


def test_a_sweep_is_finite_and_reaches_both_ends():
    for y in (0.0, 1.0):
        frame = sweep(y, 200.0, torch.float32)
        assert (frame["x"].min(), frame["x"].max()) == (-REACH, REACH) and len(frame) == len(GRID)
        assert np.isfinite(frame.drop(columns="marked")).all(axis=None)
        assert frame["marked"].dropna().tolist() == [200.0]
        assert list(frame.filter(regex=r"^l\d")) == [f"l{i}" for i in range(len(DRAWN))]
