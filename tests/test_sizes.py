"""Bounds of the notebook: what is asked before a result is made."""

import pytest
import torch

from core import sizes
from core.sizes import MAX_DIMS, MAX_ENTRIES, NotAllowedError


@pytest.mark.parametrize(
    "one, other", [((20, 1), (1, 20)), ((40, 10), (10, 10)), ((400,), (400,)), ((1, 400), (400, 1))]
)
def test_a_matrix_product_of_as_many_entries_as_allowed_is_made(one, other):
    given = torch.ones(one), torch.ones(other)
    sizes.product(given)
    assert (given[0] @ given[1]).numel() <= MAX_ENTRIES


@pytest.mark.parametrize(
    "one, other", [((21, 1), (1, 20)), ((400, 1), (1, 400)), ((5, 9, 1), (1, 10)), ((9, 1), (5, 1, 10))]
)
def test_a_matrix_product_is_refused_before_two_small_tensors_make_a_large_one(one, other):
    given = torch.ones(one), torch.ones(other)
    assert max(t.numel() for t in given) <= MAX_ENTRIES < (given[0] @ given[1]).numel()
    with pytest.raises(NotAllowedError, match=f"at most {MAX_ENTRIES} entries in {MAX_DIMS} dimensions"):
        sizes.product(given)


@pytest.mark.parametrize(
    "shape", [[], [MAX_ENTRIES], [1] * (MAX_DIMS - 1) + [MAX_ENTRIES], [-1, MAX_ENTRIES]]
)
def test_a_tensor_up_to_both_bounds_fits(shape):
    sizes.fits(shape)


@pytest.mark.parametrize(
    "shape", [[MAX_ENTRIES + 1], [1] * (MAX_DIMS + 1), [2, MAX_ENTRIES], [0, MAX_ENTRIES + 1]]
)
def test_a_tensor_over_either_bound_does_not(shape):
    with pytest.raises(NotAllowedError):
        sizes.fits(shape)
