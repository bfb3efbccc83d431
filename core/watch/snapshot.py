"""What PyTorch holds at this moment: every tensor of the loop and the optimizer's state.

A look is taken between two lines. It copies what later lines write into (weights, .grad, state)
and reads the rest; it changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from core import torch_internals
from core.graph.tensor_state import TensorState, tensor_state
from core.graph.tensor_table import Table, rows
from core.loop import Run
from core.optimizers import rate

FLOWING = ("inputs", "targets", "outputs", "loss")  # names of the namespace, after the parameters


@dataclass(frozen=True)
class Look:
    """All tensors by name, the optimizer's state by parameter, its learning rate, the number of the step.

    scale: of the loss, where a scaler has one. overflowed: whether it found inf or nan since its update.
    training: whether the model is in training mode.
    """

    tensors: dict[str, TensorState]
    state: dict[str, dict[str, float | Tensor]]
    lr: float
    step: int = 0
    scale: float | None = None
    overflowed: bool = False
    training: bool = True

    @property
    def parameters(self) -> dict[str, TensorState]:
        return {name: held for name, held in self.tensors.items() if name not in FLOWING}


def look(run: Run) -> Look:
    """What the run holds now."""
    named = dict(run.model.named_parameters())
    tensors = {name: tensor_state(name, p, copy=True) for name, p in named.items()}
    for name in FLOWING:
        value = run.namespace.get(name)
        if isinstance(value, Tensor):  # one's own model may return something else
            tensors[name] = tensor_state(name, value, copy=False)
    optimizer = run.namespace["optimizer"]
    state = {name: dict(_state(optimizer, p)) for name, p in named.items()}
    scaler = run.namespace.get("scaler")
    scale = None if scaler is None else scaler.get_scale()
    overflowed = scaler is not None and torch_internals.overflowed(scaler, optimizer)
    return Look(tensors, state, rate(optimizer), run.step, scale, overflowed, run.model.training)


def table(now: Look, before: Look | None = None) -> Table:
    """Every parameter, then inputs, targets, outputs and loss; before: the look to compare with."""
    names = (*now.parameters, *FLOWING)
    return rows(names, now.tensors, (before or now).tensors)


def _state(optimizer: Any, parameter: Tensor) -> Iterator[tuple[str, float | Tensor]]:
    """What the optimizer remembers about a parameter: tensors and numbers. SGD by hand remembers nothing."""
    for key, value in getattr(optimizer, "state", {}).get(parameter, {}).items():
        if isinstance(value, Tensor):
            yield key, value.detach().clone()
        elif isinstance(value, (int, float)):  # not None, as momentum_buffer before it has been used
            yield key, value
