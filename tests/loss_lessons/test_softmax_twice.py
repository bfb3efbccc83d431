"""A softmax before cross-entropy: floors and faded gradients."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.loss_lessons.softmax_twice import GRID, REACH, floor, logits, of_logits, sweep


@pytest.mark.parametrize(("classes", "expected"), [(2, "0.3133"), (3, "0.5514"), (10, "1.4612")])
def test_the_floors(classes, expected):
    assert f"{floor(classes):.4f}" == expected
    assert floor(classes) == pytest.approx(math.log(1 + (classes - 1) / math.e), rel=1e-12)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=10))
@settings(max_examples=50, deadline=None)
def test_no_logits_go_below_the_floor(values):
    losses, grads = of_logits(torch.tensor([values], dtype=torch.float64), twice=True)
    assert losses.item() >= floor(len(values)) - 1e-12
    assert grads.isfinite().all()


def test_the_gradient_of_a_sure_and_wrong_answer():
    z = logits(-10.0, 10.0, 3)
    assert z.tolist() == [[-10, 10, 0]]
    once, twice = (of_logits(z, way)[1].norm().item() for way in (False, True))
    assert f"{once:.3f}" == "1.414" and f"{twice:.1e}" == "2.3e-05"


def test_once_is_plain_cross_entropy_and_twice_that_of_the_shares():
    z = torch.tensor([[0.0, math.log(3)]], dtype=torch.float64)  # shares 1/4, 3/4
    assert of_logits(z, False)[0].item() == pytest.approx(math.log(4))
    assert of_logits(z, True)[0].item() == pytest.approx(math.log(1 + math.exp(0.5)))


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_sweep_has_both_ways_over_the_right_logit(classes):
    frame = sweep(10.0, classes, -10.0)
    assert len(frame) == len(GRID) and frame["x"].abs().max() == REACH
    marked = frame.dropna()
    assert marked["x"].tolist() == [-10.0]
    z = logits(-10.0, 10.0, classes)
    for name, twice in (("0", False), ("1", True)):
        losses, grads = of_logits(z, twice)
        assert marked[f"l{name}"].item() == losses.item()
        assert marked[f"g{name}"].item() == pytest.approx(grads.norm().item(), rel=1e-12)
    assert (frame["g1"] > 0).all() and (frame["g0"] > 0).all()  # they stand on a log axis
    assert np.diff(frame["l0"]).max() < 0 and frame["l1"].min() > floor(classes)
