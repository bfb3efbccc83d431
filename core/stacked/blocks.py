"""Groups runs that can train together, and trains such a block.

Runs of one shape are a Stack; what a Stack does not cover is a block of its own, and trains by the plain
loop.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from core import build
from core.budget import parameter_count
from core.config import Config
from core.loop import Run
from core.models import MODELS
from core.result import Result, result
from core.stacked.stack import Stack, shape

MAX_BLOCK, FEW = 512, 64  # runs of one block; so many always may train together
CACHED_ENTRIES = 2**19  # of all runs of a block in one step: with more they no longer fit a CPU's cache
KEPT_STEPS = 2**18  # of all runs of a block: each leaves some 100 bytes until the block is done
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
    """Runs of one shape in blocks that are about equal: one left alone could get other last digits."""
    count = math.ceil(len(group) / _size(group[0]))
    ends = [len(group) * part // count for part in range(count + 1)]
    return [group[start:end] for start, end in pairwise(ends)]


def _size(config: Config) -> int:
    """How many runs like this one train together: as many as are quick, and as memory bears."""
    data = build.make_data(config)
    rows = len(data.inputs) + (0 if data.val_inputs is None else len(data.val_inputs))
    hidden = config.hidden if MODELS[config.model].layers else ()
    units = sum(build.sizes(config, data)) + sum(hidden)
    entries = build.batch_rows(config, len(data.inputs)) * units + parameter_count(config)
    quick = max(FEW, min(MAX_BLOCK, CACHED_ENTRIES // entries, KEPT_STEPS // config.steps))
    return max(1, min(quick, MAX_ENTRIES // (rows * units)))


class Training:
    """The runs of one block in training; resumable after a stop.

    Where every step sees all rows, whole sets are scored at the ends only: `core.result.path` has every
    loss without them.
    """

    def __init__(self, configs: Sequence[Config], device: str):
        self._runs, self._often = len(configs), bool(configs[0].batch_size)
        self._loop: Run | Stack
        if shape(configs[0]) is None:
            (config,) = configs
            self._loop = Run(config, device, full=False)
        else:
            self._loop = Stack(configs, device, evaluate=self._often or "ends")

    @property
    def done(self) -> bool:
        return self._loop.done

    def advance(self, tell: Tell) -> "Training":
        """Train on, to the end or until told to stop. tell: called every SLICE_S or so."""
        while not self.done:
            self._loop.advance(budget_s=SLICE_S)
            if not tell(self._loop.step * self._runs):
                break
        if isinstance(self._loop, Stack) and not (self._often or self.done):
            self._loop.evaluate()  # what is there so far
        return self

    def results(self) -> list[Result]:
        """What each run has so far, without norms of single parameters and snapshots."""
        if isinstance(self._loop, Run):
            return [result(self._loop, whole=False)]
        return self._loop.results()
