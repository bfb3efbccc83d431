"""A trap as a pytest file: it passes on the repaired loop and fails on the mistake.

Plain PyTorch that needs nothing of this project. It holds both loops as functions, and pins numbers of the
repaired one, which are computed when the file is made.
"""

import textwrap

import numpy as np

from core.build import Built, build
from core.config import Config
from core.export import (
    batches_call,
    change_lr_lines,
    data_lines,
    functions,
    imports_for,
    loop_lines,
    schedule_lines,
    setup,
)
from core.lines import uses
from core.result import Result
from core.traps.trap import Trap

PINNED = 5  # losses, spread over the run
TOLERANCE = 1e-3  # relative; other machines round differently
STABLE = 60  # characters of a message: what follows may name sizes and versions


def trap_test(trap: Trap, wrong: Result, right: Result) -> str:
    """The text of the file.

    wrong, right: what came of both loops, for the numbers and the message that it pins.
    """
    built = build(trap.right)
    pieces = [functions(trap.right, built), data_lines(trap.right, built, "cpu")]
    pieces += [_function("repaired", trap.right, built), _function("mistaken", trap.wrong, build(trap.wrong))]
    pieces += ["loop = repaired  # with mistaken here, the test below fails", _pinned(right), _message(wrong)]
    body = "\n\n\n".join(piece.strip() for piece in pieces if piece)
    docstring = f'"""{trap.title}.\n\n{textwrap.fill(trap.why, 100)}\n"""'
    threads = "torch.set_num_threads(1)  # more threads can change the last bit"
    head = "\n".join(sorted([*imports_for(body), "import pytest"], key=_standard_first))
    return "\n\n".join([docstring, head, threads + "\n", body]) + "\n"


def _standard_first(line: str) -> tuple[bool, bool]:
    return any(name in line for name in ("torch", "pytest")), "torch" in line


def _function(name: str, config: Config, built: Built) -> str:
    """A whole run as a function that returns its losses, and the loss of its model in eval mode."""
    lines = [*setup(config, built), *schedule_lines(config), "losses = []"]
    body, all_ = [*change_lr_lines(config), *loop_lines(config)], "all_" * bool(config.batch_size)
    body.append("losses.append(loss.item())")
    number = "step" if config.schedule or "step" in uses(config.loop) else "_"
    if config.batch_size:
        lines.append(f"for {number}, rows in zip(range({config.steps}), {batches_call(config)}):")
        body = ["inputs, targets = all_inputs[rows], all_targets[rows]", *body]
    else:
        lines.append(f"for {number} in range({config.steps}):")
    lines += ["    " + line for line in body]
    lines += ["model.eval()", "with torch.no_grad():"]
    lines.append(f"    return losses, loss_fn(model({all_}inputs), {all_}targets).item()")
    return f"def {name}():\n" + "\n".join("    " + line for line in lines)


def _pinned(right: Result) -> str:
    """A test of the repaired loop's losses, and of its model's."""
    steps = np.linspace(0, right.done - 1, PINNED).round().astype(int).tolist()
    losses = [float(f"{loss:.6g}") for loss in right.steps["loss"].iloc[steps]]
    score = float(f"{right.evaluations['train_loss'].iloc[-1]:.6g}")
    return (
        "def test_the_loop_trains():\n"
        "    losses, loss_in_evaluation = loop()\n"
        f"    assert [losses[step] for step in {steps}] == pytest.approx(\n"
        f"        {losses}, rel={TOLERANCE}\n"
        "    )\n"
        f"    assert loss_in_evaluation == pytest.approx({score}, rel={TOLERANCE})"
    )


def _message(wrong: Result) -> str:
    """A test of what the mistake raises, if it does."""
    if wrong.message is None:
        return ""
    return (
        "def test_the_mistake_raises():\n"
        f"    with pytest.raises({wrong.message.type}) as raised:\n"
        "        mistaken()\n"
        f"    assert {wrong.message.text[:STABLE]!r} in str(raised.value)"
    )
