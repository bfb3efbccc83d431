"""Tensors in short: their entries if they are few, and norms that neither vanish nor overflow."""

import math

import pytest
import torch

from core.graph.graph import graph
from core.graph.tensor_summary import FEW


def summary_of(tensor):
    """As the leaf of a graph."""
    leaf = tensor.clone().requires_grad_()
    return graph(leaf.sum(), {}).leaves[0].value


def test_few_entries_are_shown_one_by_one_and_more_as_norm():
    few = summary_of(torch.tensor([[3.0, -4.0], [0.0, 0.5]]))
    assert (few.shape, few.values) == ((2, 2), (3.0, -4.0, 0.0, 0.5))
    assert few.norm == pytest.approx(math.sqrt(9 + 16 + 0.25), rel=1e-12)
    assert summary_of(torch.ones(FEW)).values == (1.0,) * FEW
    many = summary_of(torch.ones(FEW + 1))
    assert many.values is None
    assert many.norm == pytest.approx(math.sqrt(FEW + 1), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1.0, 1e200])
def test_norms_neither_vanish_nor_overflow(scale):
    found = summary_of(torch.tensor([3.0, 4.0], dtype=torch.float64) * scale)
    assert found.norm == pytest.approx(5.0 * scale, rel=1e-3 if scale < 1e-300 else 1e-12)
    assert not found.zeros


def test_norms_of_what_is_not_a_number():
    assert math.isnan(summary_of(torch.tensor([1.0, math.nan, math.inf])).norm)
    assert summary_of(torch.tensor([1.0, -math.inf])).norm == math.inf
    assert summary_of(torch.zeros(0)).norm == 0.0
    assert summary_of(torch.zeros(3)).zeros
    assert not summary_of(torch.full((3,), math.nan)).zeros
