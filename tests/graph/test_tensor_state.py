"""What is held of a tensor: copies, autograd's own words, and which tensor it is."""

import pytest
import torch

from core.graph.tensor_state import tensor_state


def test_a_copy_stays_as_it_was():
    tensor = torch.tensor([1.0, 2.0], requires_grad=True)
    tensor.sum().backward()
    before = tensor_state("a", tensor, copy=True)
    with torch.no_grad():
        tensor.mul_(10.0)
        tensor.grad.mul_(10.0)
    assert (before.values.tolist(), before.grad.tolist(), before.version) == ([1.0, 2.0], [1.0, 1.0], 0)
    assert tensor_state("a", tensor, copy=True).version == 1


def test_a_tensor_is_itself_whatever_is_written_into_it_and_no_other_one():
    tensor = torch.ones(2)
    before = tensor_state("a", tensor, copy=True)
    tensor.zero_()
    assert tensor_state("a", tensor, copy=True).tensor is before.tensor
    for _ in range(100):  # at the same address sooner or later
        del tensor
        tensor = torch.ones(2)
        assert tensor_state("a", tensor, copy=True).tensor is not before.tensor


def test_the_grad_of_a_result_is_held_where_pytorch_keeps_it_and_never_asked_for_where_not():
    leaf = torch.tensor([3.0], requires_grad=True)
    kept, other = leaf * 2, leaf * 5  # warnings are errors: asking `other` for its .grad would be one
    kept.retain_grad()
    assert (
        tensor_state("kept", kept, copy=True).keeps_grad
        and tensor_state("kept", kept, copy=True).grad is None
    )
    (kept * other).backward()
    assert tensor_state("kept", kept, copy=True).grad.tolist() == [15.0]
    found = tensor_state("other", other, copy=True)
    assert (found.keeps_grad, found.grad) == (False, None)


@pytest.mark.parametrize("copy", [True, False])
def test_what_is_held_has_no_history(copy):
    leaf = torch.tensor([3.0], requires_grad=True)
    found = tensor_state("b", leaf * 2, copy)
    assert (found.requires_grad, found.is_leaf, found.grad_fn) == (True, False, "MulBackward0")
    assert not found.values.requires_grad
