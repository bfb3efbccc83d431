"""Exports a run: Config -> script and listing; results -> data file.

The script is plain PyTorch that needs nothing of this project, and prints the same losses to the last bit
on the same machine. It is made of the very functions and lines that the run used, read from their source;
all other text comes from tables and from `repr` of checked values.
"""

import inspect
import io
import re
from collections.abc import Mapping

import pandas as pd

from core import build, models, optimizers
from core.build import Built
from core.config import Config
from core.data import FORMS, OWN, data_set, own_table, split, standardize
from core.lines import BEFORE, LINES, USUAL, loop_label, part, parts, uses
from core.losses import LOSSES
from core.result import Result
from core.seeds import stream_seed
from core.words import counted, shown

IMPORTS = {  # text in the body -> the import it needs
    r"\bcopy\.deepcopy\b": "import copy",
    r"\bmath\.": "import math",
    r"\bIterable\b": "from collections.abc import Iterable",
    r"\bIterator\b": "from collections.abc import Iterator",
    r"\bAny\b": "from typing import Any",
    r"\bpd\.": "import pandas as pd",
}


def listing(config: Config) -> list[str]:
    """The run in a few lines of code, as the page shows it; the script has the same lines."""
    built = build.build(config)
    row = data_set(config.dataset, config.own)
    noise = f", noise {config.noise!r}" if row.noisy else ""
    each = f", batches of {config.batch_size}" if config.batch_size else ""
    return [
        f"# {row.title}: {len(built.data.inputs)} rows to train on{noise}{each}, {config.dtype}",
        *setup(config, built),
        *schedule_lines(config),
        "",
        f"for step in range({config.steps}):",
        *("    " + text for text in change_lr_lines(config) + loop_lines(config)),
    ]


def script(config: Config, device: str = "cpu", name: str = "") -> str:
    """A Python script that repeats this run and prints step and loss. name: the run's, as a comment.

    Raises ValueError if the name is not of one line.
    """
    built = build.build(config)
    pieces = [functions(config, built), data_lines(config, built, device), training(config, built, device)]
    body = "\n\n".join(pieces)
    imports = imports_for(body)
    title = f"{data_set(config.dataset).title}, {LOSSES[config.loss].title}: {loop_line(config)}."
    docstring = f'"""{title}\n\nPrints the loss of every step, before its update.\n"""'
    if not name.isprintable():
        raise ValueError(f"name must be printable characters; got {shown(name)}")
    if name:  # below the docstring: on the first two lines, Python looks for the encoding in a comment
        docstring += f"\n\n# Run: {name}"
    threads = "torch.set_num_threads(1)  # more threads can change the last bit"
    return "\n\n".join([docstring, "\n".join(imports), threads + "\n", body.strip()]) + "\n"


def loop_line(config: Config) -> str:
    label = loop_label(config.loop)
    return f"{label[:1].lower()}{label[1:]}, {counted(config.steps, 'step')}"


def training(config: Config, built: Built, device: str, tell: str = "print(step, loss.item())") -> str:
    """Model, loss, optimizer and the loop. tell: its last line, if there is a loss with one entry."""
    lines = [*setup(config, built, device), *schedule_lines(config), ""]
    body = change_lr_lines(config) + loop_lines(config)
    if config.batch_size:
        lines.append(f"rows_of_steps = {batches_call(config)}")
        lines.append(f"for step, rows in zip(range({config.steps}), rows_of_steps):")
        body = ["inputs, targets = all_inputs[rows], all_targets[rows]", *body]
    else:
        lines.append(f"for step in range({config.steps}):")
    body.append(tell if makes_a_number(config) else "print(step)")
    return "\n".join(lines + ["    " + text for text in body])


def makes_a_number(config: Config) -> bool:
    """Whether the loop makes a loss with one entry."""
    return any(part(name) == "loss" and LINES[name].number for name in config.loop)


def imports_for(body: str) -> list[str]:
    """The imports that a body of code needs."""
    needed = [text for pattern, text in IMPORTS.items() if re.search(pattern, body)]
    tensor = "Tensor, " if re.search(r"\bTensor\b", body) else ""
    return [*needed, "import torch", f"from torch import {tensor}nn"]


def setup(config: Config, built: Built, device: str = "cpu") -> list[str]:
    """Model, loss and optimizer, as Python."""
    double = ".double()" if config.dtype == "float64" else ""
    named = build.start_name(config)  # drawn in float32, as PyTorch's own
    with_tensors = bool([*built.loss_fn.buffers()])
    loss = LOSSES[config.loss].expression(build.sizes(config, built.data)[1], config.loss_arguments)
    arguments = build.optimizer_arguments(config)
    draws = [f"draws = {generator(config, 'dropout')}"] if models.dropout_layers(built.model) else []
    seeded = f"torch.manual_seed({stream_seed(config.seed, 'weights')})"
    return [
        *draws,
        seeded,
        f"model = {models.expression(built.model)}{double * (not named)}",
        *([seeded, *models.draw_lines(named)] if named else []),
        *(["model.double()"] if named and double else []),
        *([f"model.to({device!r})"] if device != "cpu" else []),
        *([] if named else _start(config)),
        f"loss_fn = {loss}{double * with_tensors}",
        *([f"loss_fn.to({device!r})"] if device != "cpu" and with_tensors else []),
        f"optimizer = {optimizers.expression(config.optimizer, arguments)}",
        *lines_before(config, device),
    ]


def lines_before(config: Config, device: str = "cpu") -> list[str]:
    """What stands between optimizer and loop: lines of the table, and values that lines of the loop call."""
    values = [f"{name} = {value!r}" for name, value in build.loop_values(config).items()]
    if "sizes" in uses(config.loop):
        each = f"[len(rows) for _, rows in zip(range({config.steps}), {batches_call(config)})]"
        values.append(f"sizes = {each if config.batch_size else f'[len(inputs)] * {config.steps}'}")
    if "scaler" in uses(config.loop):
        values.append(f"scaler = torch.amp.GradScaler({device.split(':')[0]!r})")
    texts = [optimizers.SCHEDULERS[config.scheduler].text, *(BEFORE[name].text for name in config.before)]
    return values + [line for text in texts if text for line in text.split("\n")]


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


def functions(config: Config, built: Built) -> str:
    """Sources of the functions and classes that the script calls."""
    row = data_set(config.dataset, config.own)
    sources = [inspect.getsource(row.make)]
    if built.data.val_inputs is not None:
        sources.append(inspect.getsource(split))
    if row.scale != "raw":
        sources.append(inspect.getsource(standardize))
    sources.append(inspect.getsource(FORMS[built.data.target_form].make))
    if config.batch_size:
        sources.append(inspect.getsource(build.batches))
    sources += [models.definition(built.model), LOSSES[config.loss].definition()]
    sources += [optimizers.definition(config.optimizer)]
    return "\n\n".join(source for source in sources if source)


def schedule_lines(config: Config) -> list[str]:
    """The changes of the learning rate as a table, where there are any."""
    changes = ", ".join(f"{step}: {lr!r}" for step, lr in config.schedule)
    return [f"schedule = {{{changes}}}  # step: learning rate from there on"] if changes else []


def change_lr_lines(config: Config) -> list[str]:
    """Lines at the top of a step that take a new learning rate from the table."""
    if not config.schedule:
        return []
    set_lr = optimizers.OPTIMIZERS[config.optimizer].set_lr.split("\n")
    return ["if step in schedule:", *(f"    {text}" for text in ("lr = schedule[step]", *set_lr))]


def data_lines(config: Config, built: Built, device: str) -> str:
    """Lines that make inputs and targets."""
    row = data_set(config.dataset, config.own)
    arguments = f"{config.noise!r}, {generator(config, 'data')}" if row.noisy else ""
    if config.dataset == OWN:  # the name of the file is a literal, and so are all choices
        arguments = ", ".join(map(repr, (config.own.name, *own_table(config.own).arguments(config.own))))
    lines = [f"inputs, labels = {row.make.__name__}({arguments})"]
    rows = ""
    if built.data.val_inputs is not None:
        lines.append(
            f"train, held_out = split(len(inputs), {config.val_share!r}, {generator(config, 'split')})"
        )
        rows = "[train]"
    whole = ", None" if row.scale == "image" else ""
    if row.scale != "raw":
        lines.append(f"inputs = standardize(inputs, inputs{rows}{whole})")
        if built.data.target_form == "values":
            lines.append(f"labels = standardize(labels, labels{rows}{whole})")
    dtype = f"torch.{config.dtype}"
    to = "" if device == "cpu" else f".to({device!r})"
    make = FORMS[built.data.target_form].make.__name__
    prefix = "all_" if config.batch_size else ""
    lines.append(f"{prefix}inputs = inputs.to({dtype}){rows}{to}")
    lines.append(f"{prefix}targets = {make}(labels, {dtype}){rows}{to}")
    return "\n".join(lines)


def batches_call(config: Config) -> str:
    """The row numbers of one batch after another, as in `core.build.batches`."""
    return f"batches(len(all_inputs), {config.batch_size}, {generator(config, 'batches')})"


def generator(config: Config, purpose: str) -> str:
    return f"torch.Generator().manual_seed({stream_seed(config.seed, purpose)})"


def data_file(results: Mapping[str, Result]) -> str:
    """All recorded numbers as CSV: label -> result; one row per run and step."""
    frames = []
    for label, result in results.items():
        frame = result.steps.merge(result.evaluations, on="step", how="outer")
        frame.insert(0, "run", _cell(label))
        frames.append(frame)
    text = io.StringIO()
    pd.concat(frames, ignore_index=True).to_csv(text, index=False)
    return text.getvalue()


def _cell(text: str) -> str:
    """Text that a spreadsheet does not take for a formula (OWASP: CSV injection), in one row."""
    text = text.replace("\r", " ")
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", " ")) else text
