"""How hard one outlier pulls: a straight line fitted with several losses, by the real loop.

Nine points near y = 2x + 1, of which one is moved.
"""

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from core import build
from core.config import Config
from core.loop import Run

X = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
Y = (-2.7, -2.2, -0.9, -0.4, 1.2, 1.9, 3.4, 4.0, 4.7)
MOVED = 7  # the point that is moved; at home it lies on the line
REACH = 12  # it is moved from -REACH to REACH
FITTED = ("mse", "l1", "huber")
# L1's gradient does not shrink near the best line, so the steps must.
RATES = ((80, 0.1), (120, 0.03), (180, 0.01), (240, 0.001))
ENDS = (-2.4, 2.4)  # of a drawn line


@dataclass(frozen=True)
class Fit:
    """A fitted line, its loss, and the derivative of the loss with respect to the outlier's prediction."""

    loss: str
    weight: float
    bias: float
    value: float
    pull: float


def config(loss: str) -> Config:
    return Config(dataset="line", model="linear", loss=loss, start=(0.0,), lr=0.3, schedule=RATES, steps=300)


def points(moved_to: float) -> tuple[Tensor, Tensor]:
    """Inputs and targets, (9, 1) each."""
    y = torch.tensor(Y)
    y[MOVED] = moved_to
    return torch.tensor(X)[:, None], y[:, None]


def fit(loss: str, moved_to: float) -> Fit:
    """The line that the loop ends at."""
    run = Run(config(loss), data=points(moved_to), full=False, evaluate=False).advance()
    weight, bias = (parameter.item() for parameter in run.model.parameters())
    outputs = run.model(run.data.inputs)
    value = build.make_loss(run.config, run.data)(outputs, run.data.targets)
    (grad,) = torch.autograd.grad(value, outputs)
    return Fit(loss, weight, bias, value.item(), grad[MOVED].item())


def frame(moved_to: float, one: Fit, home: Fit) -> pd.DataFrame:
    """Rows of x, y, part: "point", "outlier", "line", and "home", the line without an outlier."""
    parts = ["outlier" if i == MOVED else "point" for i in range(len(X))]
    rows = list(zip(X, [moved_to if i == MOVED else y for i, y in enumerate(Y)], parts, strict=True))
    for part, line in (("home", home), ("line", one)):
        rows += [(x, line.weight * x + line.bias, part) for x in ENDS]
    return pd.DataFrame(rows, columns=["x", "y", "part"])
