"""A tensor as it is at this moment: its values, .grad, and what autograd says of it, copied."""

import weakref
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from core.torch_internals import version

INVALID = "Invalid"  # PyTorch's word for it


@dataclass(frozen=True)
class Held:
    """One tensor as it is now.

    values: detached, as shaped. grad: a copy of .grad, None where it is None. version: how often
    something was written into the tensor, as autograd counts it. grad_fn: INVALID where PyTorch refuses
    to tell, as of a view made under no_grad once its base was written into. keeps_grad: whether backward
    leaves something in .grad, as it does in leaves and after retain_grad. tensor: which one it is,
    without keeping it alive; while this reference is kept, no other tensor gets the same.
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
    values, grad_fn = tensor.detach(), _grad_fn(tensor)
    is_leaf = grad_fn is None
    keeps_grad = is_leaf or tensor.retains_grad
    grad = tensor.grad if keeps_grad else None  # asking the others makes PyTorch warn
    return Held(
        name,
        values.clone() if copy else values,
        tensor.requires_grad,
        is_leaf,
        grad_fn,
        version(tensor),
        keeps_grad,
        None if grad is None else grad.detach().clone(),
        weakref.ref(tensor),
    )


def _grad_fn(tensor: Tensor) -> str | None:
    try:
        return None if tensor.grad_fn is None else type(tensor.grad_fn).__name__
    except RuntimeError:
        return INVALID


def same(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether two tensors hold the same values, nan included; None is only None."""
    if one is None or other is None:
        return one is other
    return np.array_equal(one.cpu().numpy(), other.cpu().numpy(), equal_nan=True)
