"""Pieces of source that make up a run: functions, data, model, loss, optimizer, lines of the loop.

They are the very functions and lines that the run used, read from their source. Text comes only from
tables and from `repr` of checked values.
"""

import inspect
import re

from core import build, models, optimizers
from core.config import Config
from core.data import DATASETS, FORMS, split, standardise
from core.lines import LINES, USUAL, parts
from core.losses import LOSSES, form
from core.mistakes import BEFORE
from core.seeds import stream_seed

IMPORTS = {  # text in the body -> the import it needs
    r"\bcopy\.deepcopy\b": "import copy",
    r"\bmath\.": "import math",
    r"\bIterable\b": "from collections.abc import Iterable",
    r"\bIterator\b": "from collections.abc import Iterator",
    r"\bdatasets\.": "from sklearn import datasets",
}


def imports_for(body: str) -> list[str]:
    """The imports that a body of code needs."""
    needed = [text for pattern, text in IMPORTS.items() if re.search(pattern, body)]
    tensor = "Tensor, " if re.search(r"\bTensor\b", body) else ""
    return [*needed, "import torch", f"from torch import {tensor}nn"]


def setup(config: Config, device: str = "cpu") -> list[str]:
    """Model, loss and optimizer, as Python."""
    data = build.make_data(config)
    model, loss_fn = build.make_model(config, data), build.make_loss(config, data)
    double = ".double()" if config.dtype == "float64" else ""
    with_tensors = bool([*loss_fn.buffers()])
    loss = LOSSES[config.loss].expression(build.sizes(config, data)[1])
    arguments = build.optimizer_arguments(config)
    return [
        f"torch.manual_seed({stream_seed(config.seed, 'weights')})",
        f"model = {models.expression(model)}{double}",
        *([f"model.to({device!r})"] if device != "cpu" else []),
        *_start(config),
        f"loss_fn = {loss}{double * with_tensors}",
        *([f"loss_fn.to({device!r})"] if device != "cpu" and with_tensors else []),
        f"optimizer = {optimizers.expression(config.optimizer, arguments)}",
        *(line for name in config.before for line in BEFORE[name].text.split("\n")),
    ]


def _start(config: Config) -> list[str]:
    """Lines that set the starting weights, where they are given."""
    if not config.start:
        return []
    if len(config.start) == 1:
        head, value = "for parameter in model.parameters():", repr(config.start[0])
    else:
        head = f"for parameter, value in zip(model.parameters(), {list(config.start)!r}):"
        value = "value"
    return [head, f"    nn.init.constant_(parameter, {value})"]


def loop_lines(config: Config) -> list[str]:
    """The lines of the loop in their order; those left out as comments, in their usual place."""
    texts = [LINES[name].text for name in config.loop]
    for place, name in enumerate(USUAL):
        if name not in parts(config.loop):
            texts.insert(place, f"# {LINES[name].text}  # left out")
    return [line for text in texts for line in text.split("\n")]


def functions(config: Config) -> str:
    """Sources of the functions and classes that the script calls."""
    row = DATASETS[config.dataset]
    target_form = form(config.loss, config.dataset)
    assert target_form is not None  # Config checked that they fit
    sources = [inspect.getsource(row.make)]
    if _splits(config):
        sources.append(inspect.getsource(split))
    if row.scale != "raw":
        sources.append(inspect.getsource(standardise))
    sources.append(inspect.getsource(FORMS[target_form].make))
    if config.batch_size:
        sources.append(inspect.getsource(build.batches))
    data = build.make_data(config)
    sources += [models.definition(build.make_model(config, data)), LOSSES[config.loss].definition()]
    sources += [optimizers.definition(config.optimizer)]
    return "\n\n".join(source for source in sources if source)


def _splits(config: Config) -> bool:
    return build.make_data(config).val_inputs is not None


def schedule_lines(config: Config) -> list[str]:
    """The changes of the learning rate as a table, where there are any."""
    changes = ", ".join(f"{step}: {lr!r}" for step, lr in config.schedule)
    return [f"schedule = {{{changes}}}  # step: learning rate from there on"] if changes else []


def change_lr_lines(config: Config) -> list[str]:
    """Lines at the top of a step that take a new learning rate from the table."""
    if not config.schedule:
        return []
    set_lr = optimizers.OPTIMIZERS[config.optimizer].set_lr
    return ["if step in schedule:", "    lr = schedule[step]", f"    {set_lr}"]


def data_lines(config: Config, device: str) -> str:
    """Lines that make inputs and targets."""
    row, name = DATASETS[config.dataset], DATASETS[config.dataset].make.__name__
    seeded = f"{config.noise!r}, {generator(config, 'data')}" if row.noisy else ""
    lines = [f"inputs, labels = {name}({seeded})"]
    rows = ""
    if _splits(config):
        lines.append(
            f"train, held_out = split(len(inputs), {config.val_share!r}, {generator(config, 'split')})"
        )
        rows = "[train]"
    whole = ", None" if row.scale == "image" else ""
    target_form = form(config.loss, config.dataset)
    assert target_form is not None  # Config checked that they fit
    if row.scale != "raw":
        lines.append(f"inputs = standardise(inputs, inputs{rows}{whole})")
        if target_form == "values":
            lines.append(f"labels = standardise(labels, labels{rows}{whole})")
    dtype = f"torch.{config.dtype}"
    to = "" if device == "cpu" else f".to({device!r})"
    make = FORMS[target_form].make.__name__
    prefix = "all_" if config.batch_size else ""
    lines.append(f"{prefix}inputs = inputs.to({dtype}){rows}{to}")
    lines.append(f"{prefix}targets = {make}(labels, {dtype}){rows}{to}")
    return "\n".join(lines)


def batches_call(config: Config) -> str:
    """The row numbers of one batch after another, as in `core.build.batches`."""
    return f"batches(len(all_inputs), {config.batch_size}, {generator(config, 'batches')})"


def generator(config: Config, purpose: str) -> str:
    return f"torch.Generator().manual_seed({stream_seed(config.seed, purpose)})"
