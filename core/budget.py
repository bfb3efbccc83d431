"""What a comparison costs, and how much is allowed, checked before any work starts."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import lru_cache

from core import build, models
from core.build import torch_dtype
from core.config import Config
from core.data import Own
from core.fields import STEPS
from core.optimizers import OPTIMIZERS
from core.words import size_text

MAX_WORK = 100_000_000  # steps x parameters, summed over runs: some 20 s on one slow core
MAX_STEPS = 2_560_000  # summed over runs, as each leaves its numbers in memory: 512 runs of 5,000
MAX_KEPT_BYTES = 64 * 2**20  # by the optimizer of one run; as much as `core.history` keeps
MAX_RUNS = 6
TIME_LIMIT_S = 30.0  # of training per comparison; what is there by then is kept


def parameter_count(config: Config) -> int:
    """Entries of all weights and biases of the run's model."""
    features, outputs = _sizes(config.dataset, config.loss, config.own)
    return models.parameter_count(config.model, features, outputs, config.hidden, config.activation)


@lru_cache(maxsize=128)
def _sizes(dataset: str, loss: str, own: Own) -> tuple[int, int]:
    """Width of inputs and outputs; neither noise nor the split changes it."""
    config = Config(dataset=dataset, loss=loss, own=own)
    return build.sizes(config, build.make_data(config))


def vector_bytes(config: Config) -> int:
    """Memory that every step's weights and gradients take: fresh, left over and used apart."""
    return 4 * config.steps * parameter_count(config) * torch_dtype(config).itemsize


def evaluations_per_step(config: Config) -> int:
    """How often a step may evaluate the loss: once in the loop, and L-BFGS by its closure.

    max_iter * 5 / 4 is max_eval, as torch.optim.LBFGS sets it.
    """
    return 1 + max(_lbfgs(config, "max_iter") * 5 // 4, _lbfgs(config, "max_eval"))


def kept_bytes(config: Config) -> int:
    """Memory of the vectors that L-BFGS keeps: two for each update of its history."""
    kept = min(_lbfgs(config, "history_size"), config.steps * _lbfgs(config, "max_iter"))
    return 2 * kept * parameter_count(config) * torch_dtype(config).itemsize if kept else 0


def _lbfgs(config: Config, argument: str) -> int:
    """An argument of L-BFGS; 0 for other optimizers."""
    row = OPTIMIZERS[config.optimizer]
    if row.step == "step":  # no closure
        return 0
    return dict(config.optimizer_arguments).get(argument, row.offered[argument].default) or 0


def too_much(configs: Iterable[Config]) -> str | None:
    """One sentence if these runs together are over the bound, None if they are not."""
    configs = list(configs)
    kept = max(map(kept_bytes, configs), default=0)
    if kept > MAX_KEPT_BYTES:
        limit, need = size_text(MAX_KEPT_BYTES), size_text(kept)
        return (
            f"The history of L-BFGS must be at most {limit}; this one is {need}. Take smaller hidden sizes."
        )
    steps = sum(config.steps for config in configs)
    if steps > MAX_STEPS:
        return f"Steps of all runs must be at most {MAX_STEPS:,} together; these are {steps:,}."
    work = sum(config.steps * evaluations_per_step(config) * parameter_count(config) for config in configs)
    if work <= MAX_WORK:
        return None
    return f"Steps times parameters of all runs must be at most {MAX_WORK:,}; these are {work:,}."


Problem = Callable[[Iterable[Config]], str | None]  # of runs together -> one sentence, or None


def most_steps(runs: Callable[[int], Iterable[Config]], problem: Problem = too_much) -> int:
    """The most steps with which these runs are within the bound, 0 if there are none.

    runs: the number of steps -> Configs, whose work grows with it. problem: what says that they are over it.
    """
    return bisect_left(range(1, STEPS[1] + 1), True, key=lambda steps: problem(runs(steps)) is not None)
