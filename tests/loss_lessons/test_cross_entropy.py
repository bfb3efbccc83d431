"""Cross-entropy step by step, and its targets as numbers, probabilities and mixtures of both."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.loss_lessons.cross_entropy import OTHERS, batch, steps, ways

LOGIT = st.floats(-50, 50)
ROWS = st.integers(2, 5).flatmap(
    lambda classes: st.lists(
        st.tuples(st.lists(LOGIT, min_size=classes, max_size=classes), st.integers(0, classes - 1)),
        min_size=1,
        max_size=4,
    )
)


@given(ROWS)
@settings(max_examples=40, deadline=None)
def test_the_gradient_is_softmax_minus_one_hot_over_the_rows(rows):
    done = steps([logits for logits, _ in rows], [chosen for _, chosen in rows])
    z = np.array([logits for logits, _ in rows])
    shares = np.exp(z - z.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    one_hot = np.eye(z.shape[1])[[chosen for _, chosen in rows]]
    np.testing.assert_allclose(done.grad, (shares - one_hot) / len(rows), atol=1e-12)
    assert done.apart <= 1e-15
    np.testing.assert_allclose(done.grad.sum(1), 0, atol=1e-12)


def test_each_step_by_hand():
    # exp(ln 1, ln 2, ln 5): shares 1/8, 2/8, 5/8; class 1 has the loss ln 4
    done = batch((0.0, math.log(2), math.log(5)), 1, 1)
    np.testing.assert_allclose(done.softmax, [[0.125, 0.25, 0.625]])
    np.testing.assert_allclose(done.log_softmax, np.log([[0.125, 0.25, 0.625]]))
    assert done.picked.tolist() == pytest.approx([-math.log(4)])
    assert done.loss == pytest.approx(math.log(4))
    np.testing.assert_allclose(done.grad, [[0.125, -0.75, 0.625]])


def test_more_rows_are_averaged_and_share_the_gradient():
    row = (2.0, -1.0, 0.5)
    alone, four = batch(row, 0, 1), batch(row, 0, 4)
    assert len(four.classes) == 1 + len(OTHERS) == 4
    assert four.loss == pytest.approx(-four.picked.mean().item())
    np.testing.assert_allclose(four.grad[0], alone.grad[0] / 4, rtol=1e-12)
    assert four.classes.tolist() == [0, *(chosen for _, chosen in OTHERS)]


@given(st.lists(LOGIT, min_size=2, max_size=5), st.data(), st.floats(0, 0.5))
@settings(max_examples=40, deadline=None)
def test_numbers_probabilities_and_mixtures_say_the_same(logits, data, smoothing):
    chosen = data.draw(st.integers(0, len(logits) - 1))
    found = ways(logits, chosen, smoothing)
    for group in (found.plain, found.smoothed):
        first, *others = group.values()
        assert others == pytest.approx([first] * len(others), rel=1e-9, abs=1e-12)
    assert next(iter(found.smoothed.values())) >= found.lowest - 1e-9
    assert sum(found.mixed) == pytest.approx(1)


def test_label_smoothing_by_hand():
    found = ways([math.log(6), math.log(3), math.log(1)], 0, 0.3)  # shares 0.6, 0.3, 0.1
    assert found.mixed == pytest.approx([0.8, 0.1, 0.1])
    expected = -0.8 * math.log(0.6) - 0.1 * math.log(0.3) - 0.1 * math.log(0.1)
    assert next(iter(found.smoothed.values())) == pytest.approx(expected)
    assert next(iter(found.plain.values())) == pytest.approx(-math.log(0.6))
    assert found.lowest == pytest.approx(-0.8 * math.log(0.8) - 0.2 * math.log(0.1))


def test_the_lowest_loss_is_reached_where_the_softmax_is_the_target():
    at = ways([math.log(0.8), math.log(0.1), math.log(0.1)], 0, 0.3)
    assert next(iter(at.smoothed.values())) == pytest.approx(at.lowest, rel=1e-12)
    assert ways([1.0, 2.0], 0, 0.0).lowest == 0


def test_the_code_shown_is_the_way():
    found = ways([2.0, -1.0, 0.5], 0, 0.1)
    assert "nn.CrossEntropyLoss(label_smoothing=0.1)(z, y)" in found.smoothed
    assert "nn.CrossEntropyLoss()(z, 0.9 * one_hot + 0.1 / 3)" in found.smoothed
