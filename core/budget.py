"""What a comparison costs, and how much is allowed, checked before any work starts."""

from collections.abc import Iterable
from functools import lru_cache

from core import build, models
from core.build import torch_dtype
from core.config import Config
from core.data import Own
from core.optimizers import OPTIMIZERS
from core.words import size_text

MAX_WORK = 100_000_000  # steps x parameters, summed over runs: some 20 s on one slow core
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
    """How often a step may evaluate the loss: once in the loop, and L-BFGS by its closure."""
    return 1 + _lbfgs(config, "max_iter") * 5 // 4  # max_eval, as torch.optim.LBFGS sets it


def kept_bytes(config: Config) -> int:
    """Memory of the vectors that L-BFGS keeps: two for each update of its history."""
    kept = min(_lbfgs(config, "history_size"), config.steps * _lbfgs(config, "max_iter"))
    return 2 * kept * parameter_count(config) * torch_dtype(config).itemsize if kept else 0


def _lbfgs(config: Config, argument: str) -> int:
    """An argument of L-BFGS; 0 for other optimizers."""
    usual = OPTIMIZERS[config.optimizer].signature.get(argument)
    return usual.default if usual else 0


def too_much(configs: Iterable[Config]) -> str | None:
    """One sentence if these runs together are over the bound, None if they are not."""
    configs = list(configs)
    kept = max(map(kept_bytes, configs), default=0)
    if kept > MAX_KEPT_BYTES:
        limit, need = size_text(MAX_KEPT_BYTES), size_text(kept)
        return (
            f"The history of L-BFGS must be at most {limit}; this one is {need}. Take smaller hidden sizes."
        )
    work = sum(config.steps * evaluations_per_step(config) * parameter_count(config) for config in configs)
    if work <= MAX_WORK:
        return None
    return (
        f"Steps times parameters of all runs must be at most {MAX_WORK:,}; these are {work:,}. "
        "Take fewer steps, smaller hidden sizes or fewer runs."
    )
