"""Optimizers by name: all of torch.optim, SGD written by hand, and Muon with AdamW beside it; schedulers.

Those are the real classes of torch.optim. `arguments` says what one is called with:
the run and the exported script both take it from there.
"""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import Any

import torch
from torch import nn

from core.fields import Arguments, Signature, offered


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


class MuonAndAdamW(torch.optim.Optimizer):
    """Muon for weights of two dimensions, AdamW for all others, as the page of torch.optim.Muon asks.

    Both take the same learning rate and weight decay, which is what "match_rms_adamw" is made for.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        weight_decay: float,
        adjust_lr_fn: str = "match_rms_adamw",
        **muon: Any,
    ):
        matrices, others = [], []
        for parameter in parameters:
            (matrices if parameter.ndim == 2 else others).append(parameter)
        muon["adjust_lr_fn"] = adjust_lr_fn
        self.parts: list[torch.optim.Optimizer] = []
        if matrices:
            self.parts.append(torch.optim.Muon(matrices, lr=lr, weight_decay=weight_decay, **muon))
        if others:
            self.parts.append(torch.optim.AdamW(others, lr=lr, weight_decay=weight_decay))
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        for part in self.parts:
            part.state = self.state

    def step(self) -> None:
        for part in self.parts:
            part.step()


@dataclass(frozen=True)
class Optimizer:
    """One row of OPTIMIZERS: the class, which fields of Config it uses, fixed arguments.

    set_lr: the statement that gives it another learning rate `lr` while it trains. lr, momentum: where
    those fields start. step: the line that steps (a key of core.lines.LINES). like: the class of
    torch.optim whose arguments it takes, where it passes them on. note: what one would not expect of it.
    """

    title: str
    make: type
    uses: tuple[str, ...] = ()
    fixed: dict[str, Any] = field(default_factory=dict)
    set_lr: str = 'optimizer.param_groups[0]["lr"] = lr'
    lr: float = 0.5
    momentum: float = 0.0
    step: str = "step"
    like: type | None = None
    note: str = ""

    @property
    def signature(self) -> Signature:
        """The arguments it takes, by name."""
        own = {n: p for n, p in inspect.signature(self.make).parameters.items() if p.kind != p.VAR_KEYWORD}
        return {**inspect.signature(self.like).parameters, **own} if self.like else own

    @property
    def offered(self) -> Signature:
        """The arguments that have no field of their own."""
        taken = ("lr", *self.uses, *self.fixed)
        return {name: p for name, p in offered(self.signature).items() if name not in taken}


OPTIMIZERS = {
    "sgd": Optimizer("SGD", torch.optim.SGD, ("momentum", "weight_decay")),
    "sgd_by_hand": Optimizer("SGD by hand", SGDByHand, set_lr="optimizer.lr = lr"),
    "nesterov": Optimizer(
        "Nesterov", torch.optim.SGD, ("momentum", "weight_decay"), {"nesterov": True}, momentum=0.9
    ),
    "adam": Optimizer("Adam", torch.optim.Adam, ("weight_decay",)),
    "adamw": Optimizer("AdamW", torch.optim.AdamW, ("weight_decay",)),
    "rmsprop": Optimizer("RMSprop", torch.optim.RMSprop, ("momentum", "weight_decay")),
    "adagrad": Optimizer("Adagrad", torch.optim.Adagrad, ("weight_decay",)),
    # The rest of torch.optim. These start at PyTorch's own learning rate.
    "adamax": Optimizer("Adamax", torch.optim.Adamax, ("weight_decay",), lr=0.002),
    "nadam": Optimizer("NAdam", torch.optim.NAdam, ("weight_decay",), lr=0.002),
    "radam": Optimizer("RAdam", torch.optim.RAdam, ("weight_decay",), lr=0.001),
    "adadelta": Optimizer("Adadelta", torch.optim.Adadelta, ("weight_decay",), lr=1.0),
    "adafactor": Optimizer(
        "Adafactor",
        torch.optim.Adafactor,
        ("weight_decay",),
        lr=0.01,
        note="The learning rate is relative to the size of each tensor's weights, and at most 1 / √step.",
    ),
    "asgd": Optimizer(
        "ASGD",
        torch.optim.ASGD,
        ("weight_decay",),
        lr=0.01,
        note="Trains by SGD; the averages it is named for begin after t0 steps and stay in its state, where "
        "the model does not use them. A learning rate that changes counts one step later.",
    ),
    "rprop": Optimizer(
        "Rprop",
        torch.optim.Rprop,
        lr=0.01,
        note="Meant for all rows at every step. The learning rate is only the size of the first step: a "
        "later change of it has no effect.",
    ),
    "muon": Optimizer(
        "Muon with AdamW",
        MuonAndAdamW,
        ("momentum", "weight_decay"),
        set_lr='for group in optimizer.param_groups:\n    group["lr"] = lr',
        lr=0.001,
        momentum=0.95,
        like=torch.optim.Muon,
        note="Muon is for weights of two dimensions; all other tensors are trained by AdamW, at the same "
        "learning rate.",
    ),
    "lbfgs": Optimizer(
        "L-BFGS",
        torch.optim.LBFGS,
        lr=1.0,
        step="step_closure",
        note="Evaluates the loss several times in a step, so the step line is given a closure, which makes "
        "gradients anew: what other lines have done to them is lost.",
    ),
}

# Plain gradient descent and its momentum forms: the ones with a known stability limit.
SGD_FAMILY = ("sgd", "sgd_by_hand", "nesterov")


def arguments(
    name: str, lr: float, momentum: float, weight_decay: float, more: Arguments = ()
) -> dict[str, Any]:
    """Keyword arguments of one optimizer; those at torch's default are left out. more: given by name."""
    row = OPTIMIZERS[name]
    given: dict[str, Any] = {"lr": lr}
    for key, value in (("momentum", momentum), ("weight_decay", weight_decay)):
        usual = row.signature.get(key)
        if key in row.uses and (row.like or (usual is not None and value != usual.default)):
            given[key] = value
    return given | row.fixed | dict(more)


@lru_cache(maxsize=256)
def refusal(name: str, lr: float, momentum: float, weight_decay: float, more: Arguments) -> str | None:
    """What PyTorch says of arguments that this optimizer does not take; None if it takes them."""
    parameters = [nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.zeros(2))]
    try:
        OPTIMIZERS[name].make(parameters, **arguments(name, lr, momentum, weight_decay, more))
    except Exception as exception:  # noqa: BLE001  (whatever it says is the answer)
        return f"{type(exception).__name__}: {exception}"
    return None


def expression(name: str, given: dict[str, Any]) -> str:
    """Python that makes this optimizer with the arguments from `arguments`."""
    make = OPTIMIZERS[name].make
    prefix = "torch.optim." if _of_pytorch(make) else ""
    keywords = ", ".join(f"{key}={value!r}" for key, value in given.items())
    return f"{prefix}{make.__name__}(model.parameters(), {keywords})"


def definition(name: str) -> str:
    """Source of the optimizer's class, where it is not one of PyTorch's own."""
    make = OPTIMIZERS[name].make
    return "" if _of_pytorch(make) else inspect.getsource(make)


def _of_pytorch(make: type) -> bool:
    return getattr(torch.optim, make.__name__, None) is make


def evaluations(optimizer: Any) -> int:
    """How often the steps of an optimizer have called their closure; 0 of one that takes none."""
    states = getattr(optimizer, "state", {}).values()
    return sum(state.get("func_evals", 0) for state in states)


@dataclass(frozen=True)
class Scheduler:
    """One row of SCHEDULERS: the lines that make `scheduler`, which see the optimizer and what they use.

    text: source; what it calls by name stands in `uses`: fields of Config, and updates, how often the weights
    are to move. about: what the rate does. by_loss: whether its step takes the loss.
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
        "Falls along half a cosine, to reach 0 after the last update (Loshchilov & Hutter 2017).",
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
        "A rise over the first tenth of the updates, then half a cosine, which would reach 0 after the last.",
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
