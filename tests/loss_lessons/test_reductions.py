"""Mean, sum and none of the same three rows."""

import numpy as np
import pytest

from core.loss_lessons.examples import example
from core.loss_lessons.reductions import REDUCTIONS, reductions
from core.losses import LOSSES


@pytest.mark.parametrize("loss", LOSSES)
def test_sum_is_the_sum_of_none_and_mean_divides_it(loss):
    found = {one.reduction: one for one in reductions(loss)}
    none = np.array(found["none"].value)
    assert found["none"].shape == none.shape
    assert found["sum"].value == pytest.approx(none.sum(), rel=1e-6)
    weights = {"weighted": 3 + 1 + 1}.get(
        loss, none.size
    )  # the targets are 0, 2, 2; class 0 counts three times
    assert found["mean"].value == pytest.approx(none.sum() / weights, rel=1e-6)
    assert found["sum"].shape == found["mean"].shape == ()


def test_values_by_hand():
    found = {one.reduction: one.value for one in reductions("mse")}
    assert found == {"none": [[2.25], [0.25], [0.0]], "sum": 2.5, "mean": pytest.approx(2.5 / 3)}


def test_kl_divergence_divides_by_the_rows_with_batchmean_alone():
    *usual, own = reductions("kl_div")
    assert [one.reduction for one in usual] == list(REDUCTIONS) and own.reduction == "batchmean"
    none = np.array(usual[0].value)
    assert own.value == pytest.approx(none.sum() / len(none), rel=1e-6)
    assert usual[2].value == pytest.approx(own.value / none.shape[1], rel=1e-6)
    assert "'batchmean' divides only by the batch size" in usual[2].warning
    assert not own.warning


def test_the_loss_of_the_table_is_its_own_reduction():
    for loss, row in LOSSES.items():
        outputs, targets = example(loss)
        own = reductions(loss)[-1].value
        assert row.build(outputs.shape[1])(outputs, targets).item() == own
