"""What a model computes at a step: a curve, decision surface, scatter, or confusion matrix.

Drawn from the recorded weights of an evaluated step, by the model that was trained.
"""

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.utils import vector_to_parameters

from core import build
from core.config import Config
from core.evaluation import named, truth
from core.losses import LOSSES
from core.models import MODELS
from core.result import Result

CURVE_POINTS, GRID = 100, 32  # points of a curve; cells of a surface in each direction
MARGIN = 0.1  # of the data's range, on each side


def kind(config: Config) -> str:
    """Which picture suits the data: "curve", "surface", "scatter" or "confusion"."""
    data = build.make_data(config)
    features = data.inputs.shape[1]
    if data.target_form == "values":
        return "curve" if features == 1 else "scatter"
    return "surface" if features == 2 else "confusion"


def model_at(result: Result, index: int) -> nn.Module:
    """The model with the weights of row `index` of result.evaluations, on the CPU, in eval mode."""
    data = build.make_data(result.config)
    model = build.make_model(result.config, data)
    row = torch.tensor(result.snapshots[index])  # a copy: parameters become views of it
    vector_to_parameters(row, model.parameters())
    return model.eval()


@torch.no_grad()
def picture(result: Result, index: int) -> pd.DataFrame:
    """The data of the picture that `kind` names, at row `index` of result.evaluations.

    curve: x, y, part ("data" or "model"). surface: x, y, value (share of class 1) for grid
    cells, label for points. scatter: truth, model. confusion: truth, model, count.
    """
    data = build.make_data(result.config)
    model = model_at(result, index)
    make = {"curve": _curve, "surface": _surface, "scatter": _scatter, "confusion": _confusion}
    return make[kind(result.config)](result.config, model, data)


def _span(values: Tensor) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return low - MARGIN * (high - low), high + MARGIN * (high - low)


def _curve(config: Config, model: nn.Module, data: build.Data) -> pd.DataFrame:
    grid = torch.linspace(*_span(data.inputs), CURVE_POINTS, dtype=data.inputs.dtype)[:, None]
    points = {"x": data.inputs[:, 0].numpy(), "y": data.targets[:, 0].numpy(), "part": "data"}
    line = {"x": grid[:, 0].numpy(), "y": model(grid)[:, 0].numpy(), "part": "model"}
    return pd.concat([pd.DataFrame(points), pd.DataFrame(line)], ignore_index=True)


def _surface(config: Config, model: nn.Module, data: build.Data) -> pd.DataFrame:
    (x_low, x_high), (y_low, y_high) = (_span(data.inputs[:, i]) for i in (0, 1))
    width, height = (x_high - x_low) / GRID, (y_high - y_low) / GRID
    x = x_low + width * (torch.arange(GRID, dtype=data.inputs.dtype) + 0.5)
    y = y_low + height * (torch.arange(GRID, dtype=data.inputs.dtype) + 0.5)
    centers = torch.cartesian_prod(x, y)
    value = share_of_class_1(config, data.target_form, model(centers))
    cells = pd.DataFrame({"x": centers[:, 0].numpy() - width / 2, "y": centers[:, 1].numpy() - height / 2})
    cells = cells.assign(x2=cells["x"] + width, y2=cells["y"] + height, value=value.numpy())
    labels = truth(data.targets, data.target_form).numpy()
    points = pd.DataFrame({"x": data.inputs[:, 0].numpy(), "y": data.inputs[:, 1].numpy(), "label": labels})
    return pd.concat([cells, points], ignore_index=True)


def share_of_class_1(config: Config, target_form: str, outputs: Tensor) -> Tensor:
    """(rows, outputs) of a two-class model -> (rows,) from 0 to 1; 0.5 is the boundary."""
    if target_form != "zero_one":
        return outputs.softmax(1)[:, 1]  # of logits and of log-probabilities alike
    share = LOSSES[config.loss].share
    assert share is not None  # the table of losses asks for it
    return share(outputs)[:, 0]


def _scatter(config: Config, model: nn.Module, data: build.Data) -> pd.DataFrame:
    return pd.DataFrame({"truth": data.targets[:, 0].numpy(), "model": model(data.inputs)[:, 0].numpy()})


def _confusion(config: Config, model: nn.Module, data: build.Data) -> pd.DataFrame:
    """Counts on the validation rows, or on the training rows where there are none."""
    held_out = data.val_inputs is not None
    inputs = data.val_inputs if data.val_inputs is not None else data.inputs
    targets = data.val_targets if data.val_targets is not None else data.targets
    outputs = model(inputs)
    right = truth(targets, data.target_form)
    chosen = named(outputs, data.target_form, LOSSES[config.loss].share)
    classes = max(outputs.shape[1], 2)
    counts = torch.bincount(right * classes + chosen, minlength=classes**2).numpy()
    rows, columns = np.divmod(np.arange(classes**2), classes)
    return pd.DataFrame({"truth": rows, "model": columns, "count": counts, "held_out": held_out})


def fit_problem(result: Result, index: int) -> str | None:
    """Why there is no picture at this row, in one sentence; None if there is one."""
    if MODELS[result.config.model].averages:
        return "The running averages of batch normalization are not recorded, so there is no picture."
    if not np.isfinite(result.snapshots[index]).all():
        return "The weights are no longer finite here."
    return None
