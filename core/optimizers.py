"""Optimizers by name, SGD written by hand among them; schedulers of the learning rate by name.

All others are the real classes of torch.optim. `arguments` says what one is called with:
the run and the exported script both take it from there.
"""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import CodeType
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


@dataclass(frozen=True)
class Scheduler:
    """One row of SCHEDULERS: the lines that make `scheduler`, which see the optimizer and what they use.

    text: source; what it calls by name stands in `uses`: fields of Config, and updates, how often the weights
    are to move. about: what the rate does.
    by_loss: whether its step takes the loss.
    """

    title: str
    text: str
    about: str
    uses: tuple[str, ...] = ("updates",)
    by_loss: bool = False

    def compiled(self) -> CodeType:
        """The code object of these lines, named for tracebacks."""
        return compile(self.text, "<scheduler>", "exec")


SCHEDULERS = {
    "none": Scheduler("None", "", "The learning rate stays.", ()),
    "step": Scheduler(
        "StepLR",
        "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=max(1, updates // 3), gamma=gamma)",
        "Times gamma after each third of the updates.",
        ("updates", "gamma"),
    ),
    "exponential": Scheduler(
        "ExponentialLR",
        "scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=gamma)",
        "Times gamma at every update.",
        ("gamma",),
    ),
    "cosine": Scheduler(
        "CosineAnnealingLR",
        "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=updates)",
        "Falls to 0 at the last one, along half a cosine (Loshchilov & Hutter 2017).",
    ),
    "warmup": Scheduler(
        "LinearLR (warm-up)",
        "scheduler = torch.optim.lr_scheduler.LinearLR(\n"
        "    optimizer, start_factor=0.1, total_iters=max(1, updates // 10)\n"
        ")",
        "Rises from a tenth to the whole over the first tenth of the updates (Goyal et al. 2017), and stays.",
    ),
    "warmup_cosine": Scheduler(
        "Warm-up, then cosine",
        "warm = max(1, updates // 10)\n"
        "scheduler = torch.optim.lr_scheduler.SequentialLR(\n"
        "    optimizer,\n"
        "    [\n"
        "        torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=warm),\n"
        "        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(1, updates - warm)),\n"
        "    ],\n"
        "    milestones=[warm],\n"
        ")",
        "A rise over the first tenth of the updates, then half a cosine down to 0.",
    ),
    "one_cycle": Scheduler(
        "OneCycleLR",
        "scheduler = torch.optim.lr_scheduler.OneCycleLR(\n"
        "    optimizer, max_lr=lr, total_steps=max(2, updates), cycle_momentum=False\n"
        ")",
        "From a 25th up to the learning rate, then down to nearly nothing (Smith & Topin 2018).",
        ("lr", "updates"),
    ),
    "plateau": Scheduler(
        "ReduceLROnPlateau",
        "scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=gamma)",
        "Times gamma once the loss has not fallen for more than 10 steps.",
        ("gamma",),
        by_loss=True,
    ),
}


def rate(optimizer: Any) -> float:
    """The learning rate that an optimizer has now."""
    return optimizer.param_groups[0]["lr"] if hasattr(optimizer, "param_groups") else optimizer.lr
