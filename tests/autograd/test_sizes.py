"""Bounds of the notebook: what is asked before a result is made."""

import math

import pytest
import torch

from core.autograd import sizes
from core.autograd.sizes import MAX_BASE, MAX_DIMS, MAX_ENTRIES, MAX_POWER, MAX_WHOLE, NotAllowedError


@pytest.mark.parametrize(
    "one, other",
    [
        *(((20, 1), (1, 20)), ((40, 10), (10, 10)), ((400,), (400,)), ((1, 400), (400, 1))),
        *(((400, 1), (1,)), ((1,), (1, 400)), ((20, 20, 1), (1,))),
    ],
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


@pytest.mark.parametrize("given", [[MAX_ENTRIES], [0, MAX_ENTRIES], [100, 400], [-200, 200], [300, -100], []])
def test_a_range_up_to_the_bound_fits(given):
    sizes.ranged(given)


@pytest.mark.parametrize("given", [[-201, 200], [300, -101], [-300, 300]])
def test_a_range_is_as_long_as_its_ends_are_apart(given):
    with pytest.raises(NotAllowedError, match="A tensor may have"):
        sizes.ranged(given)


@pytest.mark.parametrize("given", [(100, -1), (100, 4), (25, 4, -1)])
def test_a_tensor_expanded_up_to_the_bound_fits(given):
    sizes.expanded((torch.ones(1, 4), *given))


@pytest.mark.parametrize("given", [(101, -1), (101, 4), (26, 4, -1)])
def test_an_expanded_tensor_has_the_new_sizes_and_for_minus_1_the_old_ones(given):
    with pytest.raises(NotAllowedError, match="A tensor may have"):
        sizes.expanded((torch.ones(1, 4), *given))


def test_powers_up_to_both_bounds_are_taken():
    for sign in (1, -1):
        sizes.power(sign * MAX_BASE, sign * MAX_POWER)
        for base, exponent in ((sign * (MAX_BASE + 1), 1), (1, sign * (MAX_POWER + 1)), (math.nan, 1)):
            with pytest.raises(NotAllowedError, match="A power of numbers may have"):
                sizes.power(base, exponent)


def nested(depth, value=0):
    return value if not depth else [nested(depth - 1)]


def test_a_list_has_no_more_dimensions_than_a_tensor():
    assert sizes.checked(nested(MAX_DIMS)) == nested(MAX_DIMS)
    with pytest.raises(NotAllowedError):
        sizes.checked(nested(MAX_DIMS + 1))


def test_a_list_may_hold_a_column_of_as_many_numbers_as_a_tensor():
    column = [[0]] * MAX_ENTRIES  # each row and its number
    assert sizes.checked(column) is column
    with pytest.raises(NotAllowedError):
        sizes.checked([*column, 0])


def test_a_whole_number_up_to_the_bound_goes_on():
    for sign in (1, -1):
        assert sizes.checked(sign * MAX_WHOLE) == sign * MAX_WHOLE
        with pytest.raises(NotAllowedError, match="1,000,000,000,000,000"):
            sizes.checked(sign * (MAX_WHOLE + 1))
