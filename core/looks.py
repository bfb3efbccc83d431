"""What does PyTorch hold at this moment? Every tensor of the loop and the optimizer's state.

A look is taken between two lines. It copies what later lines write into (weights, .grad, state)
and reads the rest; it changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from core.loop import Run

FLOWING = ("inputs", "targets", "outputs", "loss")  # names of the namespace, after the parameters


@dataclass(frozen=True)
class Held:
    """One tensor as it is now.

    values: detached, as shaped. grad: a copy of .grad, None where it is None. version: how often
    something was written into the tensor, as autograd counts it.
    """

    name: str
    values: Tensor
    requires_grad: bool
    is_leaf: bool
    grad_fn: str | None
    version: int
    grad: Tensor | None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape)


@dataclass(frozen=True)
class Look:
    """All tensors by name, the optimizer's state by parameter, its learning rate."""

    tensors: dict[str, Held]
    state: dict[str, dict[str, float | Tensor]]
    lr: float

    @property
    def parameters(self) -> dict[str, Held]:
        return {name: held for name, held in self.tensors.items() if name not in FLOWING}


def look(run: Run) -> Look:
    """What the run holds now."""
    named = dict(run.model.named_parameters())
    tensors = {name: _held(name, p, copy=True) for name, p in named.items()}
    for name in FLOWING:
        value = run.namespace.get(name)
        if isinstance(value, Tensor):  # one's own model may return something else
            tensors[name] = _held(name, value, copy=False)
    optimizer = run.namespace["optimizer"]
    state = {name: dict(_state(optimizer, p)) for name, p in named.items()}
    return Look(tensors, state, _lr(optimizer))


def _held(name: str, tensor: Tensor, copy: bool) -> Held:
    values, grad = tensor.detach(), tensor.grad if tensor.is_leaf else None
    return Held(
        name,
        values.clone() if copy else values,
        tensor.requires_grad,
        tensor.is_leaf,
        type(tensor.grad_fn).__name__ if tensor.grad_fn is not None else None,
        tensor._version,
        None if grad is None else grad.clone(),
    )


def _state(optimizer: Any, parameter: Tensor) -> Iterator[tuple[str, float | Tensor]]:
    """What the optimizer remembers of a parameter; SGD by hand remembers nothing."""
    for key, value in getattr(optimizer, "state", {}).get(parameter, {}).items():
        if isinstance(value, Tensor):
            yield key, value.detach().clone()
        elif value is not None:  # momentum_buffer before it has been used
            yield key, value


def _lr(optimizer: Any) -> float:
    return optimizer.param_groups[0]["lr"] if hasattr(optimizer, "param_groups") else optimizer.lr


def same(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether two tensors hold the same values, nan included; None is only None."""
    if one is None or other is None:
        return one is other
    return np.array_equal(one.cpu().numpy(), other.cpu().numpy(), equal_nan=True)
