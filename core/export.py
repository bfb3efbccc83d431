"""Exports a run: Config -> script and listing; results -> data file.

The script is plain PyTorch that needs nothing of this project, made of pieces from `core.source`; it
prints the same losses to the last bit on the same machine.
"""

import io
from collections.abc import Mapping

import pandas as pd

from core import build
from core.config import Config
from core.data import DATASETS
from core.lines import LINES, loop_label, part
from core.losses import LOSSES
from core.result import Result
from core.source import (
    batches_call,
    change_lr_lines,
    data_lines,
    functions,
    imports_for,
    loop_lines,
    schedule_lines,
    setup,
)


def listing(config: Config) -> list[str]:
    """The run in a few lines of code, as the page shows it; the script has the same lines."""
    data = build.make_data(config)
    row = DATASETS[config.dataset]
    noise = f", noise {config.noise!r}" if row.noisy else ""
    each = f", batches of {config.batch_size}" if config.batch_size else ""
    return [
        f"# {row.title}: {len(data.inputs)} rows to train on{noise}{each}, {config.dtype}",
        *setup(config),
        *schedule_lines(config),
        "",
        f"for step in range({config.steps}):",
        *("    " + text for text in change_lr_lines(config) + loop_lines(config)),
    ]


def script(config: Config, device: str = "cpu") -> str:
    """A Python script that repeats this run and prints step and loss."""
    body = "\n\n".join([functions(config), data_lines(config, device), _training(config, device)])
    imports = imports_for(body)
    title = f"{DATASETS[config.dataset].title}, {LOSSES[config.loss].title}: {loop_line(config)}."
    docstring = f'"""{title}\n\nPrints the loss of every step, before its update.\n"""'
    threads = "torch.set_num_threads(1)  # more threads can change the last bit"
    return "\n\n".join([docstring, "\n".join(imports), threads + "\n", body.strip()]) + "\n"


def loop_line(config: Config) -> str:
    label = loop_label(config.loop)
    return f"{label[:1].lower()}{label[1:]}, {config.steps} steps"


def _training(config: Config, device: str) -> str:
    """Model, loss, optimizer and the loop."""
    lines = [*setup(config, device), *schedule_lines(config), ""]
    body = change_lr_lines(config) + loop_lines(config)
    if config.batch_size:
        lines.append(f"rows_of_steps = {batches_call(config)}")
        lines.append(f"for step, rows in zip(range({config.steps}), rows_of_steps):")
        body = ["inputs, targets = all_inputs[rows], all_targets[rows]", *body]
    else:
        lines.append(f"for step in range({config.steps}):")
    makes_a_number = any(part(name) == "loss" and LINES[name].number for name in config.loop)
    body.append("print(step, loss.item())" if makes_a_number else "print(step)")
    return "\n".join(lines + ["    " + text for text in body])


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
