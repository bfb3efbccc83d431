"""A tensor as it is at this moment: its values, .grad, and what autograd says of it, copied."""

import weakref
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.torch_internals import version

INVALID = "Invalid"  # PyTorch's word for it


@dataclass(frozen=True)
class TensorState:
    """One tensor at a moment.

    values: detached, in its shape. grad: a copy of .grad, or None. version: autograd's count of writes into
    the tensor. grad_fn: INVALID where PyTorch refuses to tell, as for a view made under no_grad whose base
    was written into since. keeps_grad: whether backward fills .grad, as for leaves and after retain_grad.
    tensor: identifies the tensor without keeping it alive; no other tensor equals it while it is held.
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


def tensor_state(name: str, tensor: Tensor, copy: bool) -> TensorState:
    """Captures a tensor. copy: whether later lines may write into it."""
    values, grad_fn = tensor.detach(), _grad_fn(tensor)
    is_leaf = grad_fn is None
    keeps_grad = is_leaf or tensor.retains_grad
    grad = tensor.grad if keeps_grad else None  # asking the others makes PyTorch warn
    return TensorState(
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
    one, other = (t.float() if t.dtype == torch.bfloat16 else t for t in (one.cpu(), other.cpu()))
    return np.array_equal(one.numpy(), other.numpy(), equal_nan=True)  # NumPy has no bfloat16
