"""Which runs train together, and how is such a block trained? Each from beginning to end, as plain data."""

from collections.abc import Callable, Sequence

from core.config import Config
from core.loop import Run
from core.results import Result, result

MAX_BLOCK = 64  # runs of one block
SLICE_S = 0.05  # of training between two calls of `tell`
Tell = Callable[[int], bool]  # steps done, of all runs of the block together -> whether to go on


def blocks(configs: Sequence[Config]) -> list[list[Config]]:
    """Configs in groups that train together, each Config once."""
    return [[config] for config in dict.fromkeys(configs)]


def train(configs: Sequence[Config], device: str, tell: Tell) -> list[Result]:
    """A result for each Config of one block, without norms of single parameters and snapshots.

    tell: called every SLICE_S or so; False ends the block, and what is there by then is returned.
    """
    runs = [Run(config, device, full=False) for config in configs]
    for run in runs:
        while not run.done:
            run.advance(budget_s=SLICE_S)
            if not tell(sum(other.step for other in runs)):
                return _results(runs)
    return _results(runs)


def _results(runs: Sequence[Run]) -> list[Result]:
    return [result(run, whole=False) for run in runs]
