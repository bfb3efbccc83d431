"""What is a tensor at this moment? Its values, .grad, and what autograd says of it, copied."""

import weakref
from dataclasses import dataclass

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class Held:
    """One tensor as it is now.

    values: detached, as shaped. grad: a copy of .grad, None where it is None. version: how often
    something was written into the tensor, as autograd counts it. keeps_grad: whether backward leaves
    something in .grad, as it does of leaves and after retain_grad. tensor: which one it is, without
    keeping it alive; while this reference is kept, no other tensor gets the same.
    """

    name: str
    values: Tensor
    requires_grad: bool
    is_leaf: bool
    grad_fn: str | None
    version: int
    keeps_grad: bool
    grad: Tensor | None
    tensor: weakref.ref[Tensor]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape)


def held(name: str, tensor: Tensor, copy: bool) -> Held:
    """One tensor as it is now. copy: whether later lines may write into it."""
    values, keeps_grad = tensor.detach(), tensor.is_leaf or tensor.retains_grad
    grad = tensor.grad if keeps_grad else None  # asking the others makes PyTorch warn
    return Held(
        name,
        values.clone() if copy else values,
        tensor.requires_grad,
        tensor.is_leaf,
        type(tensor.grad_fn).__name__ if tensor.grad_fn is not None else None,
        tensor._version,
        keeps_grad,
        None if grad is None else grad.detach().clone(),
        weakref.ref(tensor),
    )


def same(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether two tensors hold the same values, nan included; None is only None."""
    if one is None or other is None:
        return one is other
    return np.array_equal(one.cpu().numpy(), other.cpu().numpy(), equal_nan=True)
