"""Layers whose hidden units no longer tell rows apart at the end of a run: dead and saturated ones."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.utils import vector_to_parameters

from core import build
from core.models import MODELS
from core.result import Result

MOST = 0.75  # of a layer's units off: of 16 that start at random, hardly ever so many


class Layer(NamedTuple):
    """number: of the hidden layer, from 1. units: how many. off: how many give 0 for every training row.

    blind: whether each gives one value, whatever the row.
    """

    number: int
    units: int
    off: int
    blind: bool


@torch.no_grad()
def dead(result: Result) -> Layer | None:
    """The first hidden layer that is blind, or MOST of which is off; None if there is none.

    Also None where the weights at the end are not known, or not finite. Behind a blind layer the model gives
    every row the same output.
    """
    row, known = MODELS[result.config.model], len(result.snapshots)
    if not row.layers or row.two_modes or not known or not np.isfinite(result.snapshots[-1]).all():
        return None
    if result.evaluations["step"].iloc[-1] != result.done:
        return None
    data = build.make_data(result.config)
    model, values = build.make_model(result.config, data), data.inputs
    vector_to_parameters(torch.tensor(result.snapshots[-1]), model.parameters())
    assert isinstance(model, nn.Sequential)
    for number in range(1, len(result.config.hidden) + 1):
        values = model[2 * number - 1](model[2 * number - 2](values))
        off, blind = int((values == 0).all(0).sum()), bool((values == values[0]).all())
        if blind or off >= MOST * values.shape[1]:
            return Layer(number, values.shape[1], off, blind)
    return None


def in_words(layer: Layer) -> str:
    """One sentence with the numbers of a dead layer."""
    which = f"of {layer.units} units of hidden layer {layer.number}"
    if not layer.blind:
        return f"{layer.off} {which} are off, 0 for every row."
    what = "are off, 0 for every row" if layer.off == layer.units else "give one value, whatever the row"
    return f"{layer.units} {which} {what}: the model gives every row the same output."
