"""Optimizers by name, SGD written by hand among them.

All others are the real classes of torch.optim. `arguments` says what one is called with:
the run and the exported script both take it from there.
"""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn


class SGDByHand:
    """Stochastic gradient descent in two lines: new weight = weight - lr * gradient."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float):
        self.parameters = list(parameters)
        self.lr = lr

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters:
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.zero_()

    @torch.no_grad()  # the update itself is no part of the model
    def step(self) -> None:
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter -= self.lr * parameter.grad


@dataclass(frozen=True)
class Optimizer:
    """One row of OPTIMIZERS: the class, which fields of Config it uses, fixed arguments.

    set_lr: the statement that gives it another learning rate `lr` while it trains.
    """

    title: str
    make: type
    uses: tuple[str, ...] = ()
    fixed: dict[str, Any] = field(default_factory=dict)
    set_lr: str = 'optimizer.param_groups[0]["lr"] = lr'


OPTIMIZERS = {
    "sgd": Optimizer("SGD", torch.optim.SGD, ("momentum", "weight_decay")),
    "sgd_by_hand": Optimizer("SGD by hand", SGDByHand, set_lr="optimizer.lr = lr"),
    "nesterov": Optimizer("Nesterov", torch.optim.SGD, ("momentum", "weight_decay"), {"nesterov": True}),
    "adam": Optimizer("Adam", torch.optim.Adam, ("weight_decay",)),
    "adamw": Optimizer("AdamW", torch.optim.AdamW, ("weight_decay",)),
    "rmsprop": Optimizer("RMSprop", torch.optim.RMSprop, ("momentum", "weight_decay")),
    "adagrad": Optimizer("Adagrad", torch.optim.Adagrad, ("weight_decay",)),
}

# Plain gradient descent and its momentum forms: the ones with a known stability limit.
SGD_FAMILY = ("sgd", "sgd_by_hand", "nesterov")


def arguments(name: str, lr: float, momentum: float, weight_decay: float) -> dict[str, Any]:
    """Keyword arguments of one optimizer; those at torch's default are left out."""
    row = OPTIMIZERS[name]
    given: dict[str, Any] = {"lr": lr}
    for key, value in (("momentum", momentum), ("weight_decay", weight_decay)):
        usual = inspect.signature(row.make).parameters.get(key)
        if key in row.uses and usual is not None and value != usual.default:
            given[key] = value
    return given | row.fixed


def expression(name: str, given: dict[str, Any]) -> str:
    """Python that makes this optimizer with the arguments from `arguments`."""
    make = OPTIMIZERS[name].make
    prefix = "" if make is SGDByHand else "torch.optim."
    keywords = ", ".join(f"{key}={value!r}" for key, value in given.items())
    return f"{prefix}{make.__name__}(model.parameters(), {keywords})"


def definition(name: str) -> str:
    """Source of the optimizer's class, where it is not one of PyTorch's own."""
    return inspect.getsource(SGDByHand) if OPTIMIZERS[name].make is SGDByHand else ""
