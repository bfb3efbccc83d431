"""What a comparison costs, and how much is allowed, checked before any work starts."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import lru_cache

from core import build, models
from core.build import torch_dtype
from core.config import Config
from core.fields import STEPS

MAX_WORK = 100_000_000  # steps x parameters, summed over runs: some 20 s on one slow core
MAX_RUNS = 6
TIME_LIMIT_S = 30.0  # of training per comparison; what is there by then is kept


def parameter_count(config: Config) -> int:
    """Entries of all weights and biases of the run's model."""
    features, outputs = _sizes(config.dataset, config.loss)
    return models.parameter_count(config.model, features, outputs, config.hidden, config.activation)


@lru_cache(maxsize=128)
def _sizes(dataset: str, loss: str) -> tuple[int, int]:
    """Width of inputs and outputs; neither noise nor the split changes it."""
    config = Config(dataset=dataset, loss=loss)
    return build.sizes(config, build.make_data(config))


def vector_bytes(config: Config) -> int:
    """Memory that every step's weights and gradients take: fresh, left over and used apart."""
    return 4 * config.steps * parameter_count(config) * torch_dtype(config).itemsize


def too_much(configs: Iterable[Config]) -> str | None:
    """One sentence if these runs together are over the bound, None if they are not."""
    work = sum(config.steps * parameter_count(config) for config in configs)
    if work <= MAX_WORK:
        return None
    return f"Steps times parameters of all runs must be at most {MAX_WORK:,}; these are {work:,}."


def most_steps(runs: Callable[[int], Iterable[Config]]) -> int:
    """The most steps with which these runs are within the bound, 0 if there are none.

    runs: the number of steps -> Configs, whose work grows with it.
    """
    return bisect_left(range(1, STEPS[1] + 1), True, key=lambda steps: too_much(runs(steps)) is not None)
