"""A loop without zero_grad beside its twin: plain SGD with momentum 1, to the last bit.

Under plain SGD, .grad holds the sum of all gradients when nothing clears it; the momentum buffer of
SGD(momentum=1) holds the same sum. Stable learning rates follow from the curvature, see `core.curvature`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.config import Config
from core.lines import USUAL, without_zero_grad
from core.loop import Run

ORDERS = {  # the key of core.curvature.limits -> title, loop
    "stale": ("A gradient one step old", ("forward", "loss", "step", "zero_grad", "backward")),
    "usual": ("The usual order", USUAL),
    "skipped": ("zero_grad never called", without_zero_grad(USUAL)),
}


@dataclass(frozen=True)
class Twins:
    """The run without zero_grad, the one with momentum 1, and how many losses and weights differ."""

    skipped: Run
    momentum: Run
    losses: int
    weights: int

    @property
    def equal(self) -> bool:
        return not self.losses and not self.weights


def twin_configs(config: Config) -> tuple[Config, Config]:
    """Plain SGD without zero_grad, and with zero_grad and momentum 1, on the rest of a Config."""
    sgd = {"optimizer": "sgd", "optimizer_arguments": (), "momentum": 0.0, "weight_decay": 0.0}
    plain = replace(config, **sgd, schedule=(), before=())
    return replace(plain, loop=without_zero_grad(USUAL)), replace(plain, loop=USUAL, momentum=1.0)


def twins(config: Config, device: str = "cpu") -> Twins:
    """Both runs, trained and compared bit by bit; nan equals nan."""
    skipped, momentum = (Run(one, device, evaluate=False).advance() for one in twin_configs(config))
    losses = _different(skipped.history.losses, momentum.history.losses)
    weights = sum(
        _different(one, momentum.history.weights[name]) for name, one in skipped.history.weights.items()
    )
    return Twins(skipped, momentum, losses, weights)


def _different(one: np.ndarray, other: np.ndarray) -> int:
    """How many entries differ."""
    return int((~((one == other) | (np.isnan(one) & np.isnan(other)))).sum())


def at_rate(config: Config, lr: float) -> Mapping[str, Config]:
    """The three loops whose limits are known, at one learning rate."""
    plain = replace(twin_configs(config)[1], momentum=0.0, lr=lr)
    return {name: replace(plain, loop=loop) for name, (_, loop) in ORDERS.items()}
