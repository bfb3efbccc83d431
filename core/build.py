"""What a Config becomes: the data, model, loss, optimizer and batches of one run, on one device.

Everything random is drawn on the CPU from private generators (see `core.seeds`), then
moved: a GPU starts from the same weights and sees the same rows in the same order.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from core import lines, models, optimizers
from core.config import Config
from core.data import DATASETS, FORMS, MIN_ROWS_TO_SPLIT, OWN, data_set, own_table, split, standardize
from core.losses import LOSSES, form
from core.seeds import stream

Rows = Tensor | Sequence[int]


@dataclass(frozen=True)
class Data:
    """Inputs (rows, features) and targets of training, and of validation where there is one.

    target_form: a key of `core.data.FORMS`.
    """

    inputs: Tensor
    targets: Tensor
    target_form: str
    val_inputs: Tensor | None = None
    val_targets: Tensor | None = None

    def to(self, device: torch.device) -> "Data":
        """The same data on another device."""
        val = (None if t is None else t.to(device) for t in (self.val_inputs, self.val_targets))
        return Data(self.inputs.to(device), self.targets.to(device), self.target_form, *val)


@dataclass(frozen=True)
class Built:
    """Everything that a Config becomes."""

    data: Data
    model: nn.Module
    loss_fn: nn.Module
    optimizer: Any


def build(
    config: Config,
    device: str | torch.device = "cpu",
    *,
    data: Sequence[Any] | None = None,
    model: nn.Module | None = None,
) -> Built:
    """Make all of it, on a device that `core.devices.check` has passed.

    data, model: one's own in place of what the Config says; of the model a copy is taken.
    """
    device = torch.device(device)
    on_cpu = make_data(config) if data is None else own_data(config, data)
    model = make_model(config, on_cpu) if model is None else copy.deepcopy(model)
    if device.type != "cpu":
        check_labels(model, on_cpu)
    model = model.to(device)
    loss_fn = make_loss(config, on_cpu).to(device)
    return Built(on_cpu.to(device), model, loss_fn, make_optimizer(config, model))


def torch_dtype(config: Config) -> torch.dtype:
    return {"float32": torch.float32, "float64": torch.float64}[config.dtype]


@lru_cache(maxsize=32)
def _raw(dataset: str, noise: float, seed: int) -> tuple[Tensor, Tensor]:
    """Inputs and labels before standardizing; read only, since they are shared."""
    return DATASETS[dataset].rows(noise, stream(seed, "data"))


def make_data(config: Config) -> Data:
    """The data set of a Config: standardized with training statistics, split, in its dtype."""
    row = data_set(config.dataset, config.own)
    if config.dataset == OWN:
        inputs, labels = own_table(config.own).rows(config.own)
    else:
        inputs, labels = _raw(config.dataset, config.noise if row.noisy else 0.0, config.seed)
    target_form = form(config.loss, config.dataset, config.own)
    assert target_form is not None  # Config checked that they fit
    train, val = split(len(inputs), val_share(config, len(inputs)), stream(config.seed, "split"))
    if row.scale != "raw":
        inputs = standardize(inputs, inputs[train], None if row.scale == "image" else 0)
        if target_form == "values":
            labels = standardize(labels, labels[train])
    dtype = torch_dtype(config)
    inputs, targets = inputs.to(dtype), FORMS[target_form].make(labels, dtype)
    held_out = (inputs[val], targets[val]) if len(val) else (None, None)
    return Data(inputs[train], targets[train], target_form, *held_out)


def val_share(config: Config, rows: int) -> float:
    """The share that is held out: none where there are too few rows for it."""
    return config.val_share if rows >= MIN_ROWS_TO_SPLIT else 0.0


def own_data(config: Config, tensors: Sequence[Any]) -> Data:
    """One's own (inputs, targets) or (inputs, targets, val_inputs, val_targets), as they are."""
    if len(tensors) not in (2, 4):
        raise ValueError(f"data must be 2 or 4 tensors; got {len(tensors)}")
    inputs, targets, *val = map(torch.as_tensor, tensors)
    if len(inputs) != len(targets) or not len(inputs):
        raise ValueError(f"data must pair rows; got {len(inputs)} inputs and {len(targets)} targets")
    return Data(inputs, targets, _own_form(config, targets), *val)


def _own_form(config: Config, targets: Tensor) -> str:
    """The form of one's own targets, from their type and the loss that takes them."""
    takes = LOSSES[config.loss].takes
    if "class_index" in takes and not targets.is_floating_point():
        return "class_index"
    if "values" in takes:
        return "values"
    return "one_hot" if targets.ndim == 2 and targets.shape[1] > 1 else "zero_one"


def sizes(config: Config, data: Data) -> tuple[int, int]:
    """Width of the model's inputs and outputs for this data."""
    if data.target_form == "class_index":  # a rare class may be among the held-out rows alone
        parts = (data.targets, data.val_targets)
        return data.inputs[0].numel(), max(2, *(int(t.max()) + 1 for t in parts if t is not None))
    return data.inputs[0].numel(), data.targets[0].numel()


def make_model(config: Config, data: Data) -> nn.Module:
    """The model of a Config on the CPU, with the starting weights of its seed or its start."""
    features, outputs = sizes(config, data)
    shape = (config.model, features, outputs, config.hidden, config.activation)
    model = models.build(*shape, stream(config.seed, "weights"))
    if named := start_name(config):  # anew from the seed: another last layer leaves the others alone
        models.draw(model, named, stream(config.seed, "weights"))
    model = model.to(torch_dtype(config))
    models.fill(model, tuple(value for value in config.start if not isinstance(value, str)))
    models.set_dropout(model, config.dropout, stream(config.seed, "dropout"))
    last = LOSSES[config.loss].last
    return models.ending_in(model, last()) if last else model


def start_name(config: Config) -> str | None:
    """The row of STARTS that starting weights are drawn by; None for PyTorch's default, and for numbers."""
    first = next(iter(config.start), None)
    return first if isinstance(first, str) else None


def make_loss(config: Config, data: Data) -> nn.Module:
    """The loss of a Config on the CPU, for the outputs that this data asks for."""
    outputs = sizes(config, data)[1]
    return LOSSES[config.loss].build(outputs, config.loss_arguments).to(torch_dtype(config))


@torch.no_grad()
def check_labels(model: nn.Module, data: Data) -> None:
    """Raise PyTorch's own error for a label out of range on the CPU, before a GPU sees it.

    There it would be a device-side assert, after which nothing works until a restart.
    """
    if data.target_form != "class_index":
        return
    classes = copy.deepcopy(model).eval()(data.inputs[:1]).shape[-1]
    for targets in (data.targets, data.val_targets):
        if targets is not None:
            nn.functional.nll_loss(torch.zeros(len(targets), classes), targets.long())


def optimizer_arguments(config: Config) -> dict[str, Any]:
    """Keyword arguments of the optimizer, as the run and the script give them."""
    given = (config.lr, config.momentum, config.weight_decay, config.optimizer_arguments)
    return optimizers.arguments(config.optimizer, *given)


def loop_values(config: Config) -> dict[str, Any]:
    """What lines call by the name of a field: name -> value, such as max_norm -> 1.0."""
    used = (*optimizers.SCHEDULERS[config.scheduler].uses, *lines.uses(config.loop))
    every = config.accumulate if lines.waits(config.loop) else 1
    known = vars(config) | {"updates": config.steps // every or 1}
    del known["scheduler"]  # the field is a name, and what lines call is an object
    known["autocast"] = {"bfloat16": torch.bfloat16, "float16": torch.float16}[config.autocast]
    return {name: known[name] for name in used if name in known}


def make_optimizer(config: Config, model: nn.Module) -> Any:
    """The optimizer of a Config over all parameters of a model."""
    make: Callable[..., Any] = optimizers.OPTIMIZERS[config.optimizer].make
    return make(model.parameters(), **optimizer_arguments(config))


def batches(rows: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers of one batch after another, without end; a new shuffle every epoch."""
    while True:
        yield from torch.randperm(rows, generator=generator).split(size)


def batch_rows(config: Config, rows: int) -> int:
    """Rows that one step looks at (the last batch of an epoch can be smaller)."""
    return min(config.batch_size, rows) or rows
