"""Facts about the trained model: its weights, its units, and its outputs."""

import copy

import numpy as np
import pandas as pd
import torch
from torch import nn

from core.loop import Run
from core.traps.facts import Fact, both, now
from core.words import number


def weights(wrong: Run, right: Run) -> list[Fact]:
    """Weight and bias of a linear model with one input."""
    return [
        *both("weight at the end", wrong, right, lambda run: float(now(run)[0].flatten()[0])),
        *both("bias at the end", wrong, right, lambda run: float(now(run)[-1][0])),
    ]


def dead(wrong: Run, right: Run) -> list[Fact]:
    """Hidden units that are 0 for every row; the gradient of the first layer's weights."""

    def share(run: Run) -> str:
        model: nn.Module = run.model
        first = list(model.children())[:2]
        with torch.no_grad():
            hidden = first[1](first[0](run.data.inputs))
        silent = int((hidden == 0).all(dim=0).sum())
        return f"{silent} of {hidden.shape[1]}"

    name = next(iter(wrong.history.fresh_grads))
    return [
        Fact("hidden units that are 0 for every row", share(wrong), share(right)),
        *both(
            f"largest gradient of {name}, all steps",
            wrong,
            right,
            lambda run: float(np.abs(run.history.fresh_grads[name]).max()),
        ),
    ]


def company(wrong: Run, right: Run) -> list[Fact]:
    """The answer to one row, alone with others of three kinds; of the trained model, in either mode."""
    inputs = wrong.data.inputs
    with_others = [inputs[:2], inputs[:8], inputs]

    def answers(model: nn.Module) -> str:
        with torch.no_grad():
            return ", ".join(number(float(model(rows)[0, 0])) for rows in with_others)

    about = "The first row, in a batch of 2 rows, of 8, and of all."
    return [Fact("outputs for one row", answers(_copy(wrong).train()), answers(_copy(right).eval()), about)]


def _copy(run: Run) -> nn.Module:
    return copy.deepcopy(run.model)  # a look in training mode would change its averages


def averages(wrong: Run, right: Run) -> list[Fact]:
    about = (
        "The training losses of both runs are the same to the last bit; evaluation uses the running averages."
    )
    return both(
        "loss in eval mode, at the end",
        wrong,
        right,
        lambda r: float(r.history.evaluations["train_loss"].iloc[-1]),
        about,
    )


def errors(run: Run) -> pd.DataFrame | None:
    """Every output less every target, where a loss line pairs them all: output, target, error.

    None where there are more than a picture shows, or where outputs and targets are paired one to one.
    """
    pairs = {"loss_squeezed", "loss_by_hand_squeezed"} & set(run.config.loop)
    if not pairs or len(run.data.inputs) > 16:
        return None
    with torch.no_grad():
        outputs = run.model(run.data.inputs)
    table = (outputs - run.data.targets.squeeze(1)).cpu().numpy()
    rows, columns = np.indices(table.shape).reshape(2, -1)
    return pd.DataFrame({"output": rows, "target": columns, "error": table.ravel().astype(float)})
