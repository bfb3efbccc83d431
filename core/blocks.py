"""Which runs train together, and how is such a block trained? Each from beginning to end, as plain data.

Runs of one shape are a Stack; what a Stack does not cover trains alone, by the plain loop.
"""

from collections.abc import Callable, Sequence
from typing import Any

from core import task
from core.config import Config
from core.loop import Run
from core.results import Result, result
from core.stack import Stack, shape

MAX_BLOCK = 64  # runs of one block: with more, their numbers no longer fit a CPU's cache
MAX_ENTRIES = 2**24  # that one pass over all rows makes, of all runs of a block: 64 MB in float32
SLICE_S = 0.05  # of training between two calls of `tell`
Tell = Callable[[int], bool]  # steps done, of all runs of the block together -> whether to go on


def blocks(configs: Sequence[Config]) -> list[list[Config]]:
    """Configs in groups that train together, each Config once; equal losses side by side."""
    groups: dict[tuple[Any, ...], list[Config]] = {}
    for config in sorted(dict.fromkeys(configs), key=lambda config: config.loss):
        groups.setdefault(shape(config) or (config,), []).append(config)
    return [part for group in groups.values() for part in _parts(group)]


def _parts(group: list[Config]) -> list[list[Config]]:
    """Runs of one shape in blocks of a size that memory bears."""
    size = max(1, min(MAX_BLOCK, MAX_ENTRIES // _entries(group[0])))
    return [group[start : start + size] for start in range(0, len(group), size)]


def _entries(config: Config) -> int:
    """Numbers that one pass of one run over all rows makes: inputs, hidden layers, outputs."""
    data = task.make_data(config)
    rows = len(data.inputs) + (0 if data.val_inputs is None else len(data.val_inputs))
    return rows * (sum(task.sizes(config, data)) + sum(config.hidden))


def train(configs: Sequence[Config], device: str, tell: Tell) -> list[Result]:
    """A result for each Config of one block, without norms of single parameters and snapshots.

    Where every step sees all rows, whole sets are scored at the ends only: `core.results.path` has every
    loss without them. tell: called every SLICE_S or so; False ends the block, and what is there by then is
    returned.
    """
    if shape(configs[0]) is None:
        return _alone(configs, device, tell)
    often = bool(configs[0].batch_size)
    stack = Stack(configs, device, evaluate=often or "ends")
    while not stack.done:
        stack.advance(budget_s=SLICE_S)
        if not tell(stack.step * len(configs)):
            break
    if not (often or stack.done):
        stack.evaluate()
    return stack.results()


def _alone(configs: Sequence[Config], device: str, tell: Tell) -> list[Result]:
    """The same by the plain loop, one run after the other."""
    runs = [Run(config, device, full=False) for config in configs]
    for run in runs:
        while not run.done:
            run.advance(budget_s=SLICE_S)
            if not tell(sum(other.step for other in runs)):
                return [result(run, whole=False) for run in runs]
    return [result(run, whole=False) for run in runs]
