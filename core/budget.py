"""What training costs on this machine, and how much is allowed, checked before any work starts."""

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from core import build, models
from core.build import torch_dtype
from core.config import Config
from core.data import Own
from core.fields import STEPS
from core.history import MIN_EVALUATIONS
from core.loop import Run
from core.optimizers import OPTIMIZERS
from core.words import size_text

TIME_LIMIT_S = 30.0  # of training per comparison; what is there by then is kept
MAX_WORK_S = TIME_LIMIT_S  # that training is expected to take: more is not begun
MAX_STEPS = 2_560_000  # summed over runs, as each leaves its numbers in memory: 512 runs of 5,000
MAX_KEPT_BYTES = 64 * 2**20  # by the optimizer of one run; as much as `core.history` keeps
MAX_RUNS = 6

# Weights of the estimate, fitted to 35 kinds of runs on an AMD EPYC: 0.6 to 1.6 of what nearly all took.
LINE, UPDATE = 0.5, 4  # calls: around each line of the loop, and of an optimizer that is not SGD
PLAIN = ("sgd", "sgd_by_hand", "nesterov")
ENTRY, STACKED_ENTRY = 90, 30  # multiplications that take as long as one number that a layer returns
CLOSURES = 1 / 3  # of the evaluations that L-BFGS may do: it stops where it gets nowhere
PARAMETER, KEPT = 65, 10  # the same for updating and recording one weight; for one number that L-BFGS keeps

TINY = Config(dataset="deliveries", model="linear", lr=0.01, steps=STEPS[1])  # nothing but calls
LARGE = Config(hidden=(256, 256), steps=STEPS[1])  # mostly multiplications
ROUNDS, ROUND_S = 15, 0.002  # of measuring: the quickest round is the one that nothing has interrupted

Group = Sequence[Config]  # runs that train together, of one `core.stacked.stack.shape`; or one run alone


@dataclass(frozen=True)
class Machine:
    """Seconds for one call of PyTorch, and for one multiplication of many, with their share of backward."""

    call_s: float
    multiplication_s: float


@lru_cache
def measured(device: str) -> Machine:
    """This machine, from a few steps of two runs; takes less than 0.1 s, once."""
    call_s = _seconds_per_step(TINY, device) / _step(TINY, ENTRY)[0]
    calls, multiplications = _step(LARGE, ENTRY)
    rest_s = max(_seconds_per_step(LARGE, device) - calls * call_s, 0.0)  # on a GPU there may be none
    return Machine(call_s, rest_s / multiplications)


def _seconds_per_step(config: Config, device: str) -> float:
    run = Run(config, device, full=False, evaluate=False).advance(max_steps=2)
    rounds = []
    for _ in range(ROUNDS):
        before, begun = run.step, time.perf_counter()
        run.advance(budget_s=ROUND_S)
        rounds.append((time.perf_counter() - begun) / (run.step - before))
    return min(rounds)


def alone(configs: Iterable[Config]) -> list[Group]:
    """Each run a group of its own."""
    return [(config,) for config in configs]


def expected_s(group: Group, machine: Machine) -> float:
    """Seconds that training a group is expected to take, scores on the whole sets included."""
    config = group[0]
    calls, multiplications = _step(config, ENTRY if len(group) == 1 else STACKED_ENTRY)
    step_s = calls * machine.call_s + len(group) * multiplications * machine.multiplication_s
    # Scores look at all rows ten times, or at half as many as training; forward is a third of a step.
    rows, batch = _rows(config)
    return step_s * (config.steps * 7 / 6 + MIN_EVALUATIONS * rows / batch / 3)


def _step(config: Config, entry: int) -> tuple[float, float]:
    """Calls and multiplications of one step of one run."""
    features, outputs, _ = _sizes(config.dataset, config.loss, config.own)
    work = models.forward_work(config.model, features, outputs, config.hidden, config.activation)
    passes, parameters = 1 + CLOSURES * (evaluations_per_step(config) - 1), parameter_count(config)
    calls = passes * work.calls + LINE * len(config.loop) + UPDATE * (config.optimizer not in PLAIN)
    layers = work.multiplications + entry * (features + work.entries)
    multiplications = passes * _rows(config)[1] * layers + PARAMETER * parameters
    multiplications += KEPT * _lbfgs(config, "max_iter") * 2 * _lbfgs(config, "history_size") * parameters
    if config.optimizer == "muon":  # five times X Xᵀ, its square, and their product with X
        widths = pairwise((features, *config.hidden, outputs))
        multiplications += 5 * sum(min(pair) ** 2 * max(pair) for pair in widths)
    return calls, multiplications * torch_dtype(config).itemsize / 4


def _rows(config: Config) -> tuple[int, int]:
    """All rows of the data set, and those that one step looks at."""
    rows = _sizes(config.dataset, config.loss, config.own)[2]
    training = round(rows * (1 - build.val_share(config, rows)))
    return rows, build.batch_rows(config, training)


def parameter_count(config: Config) -> int:
    """Entries of all weights and biases of the run's model."""
    features, outputs, _ = _sizes(config.dataset, config.loss, config.own)
    return models.parameter_count(config.model, features, outputs, config.hidden, config.activation)


@lru_cache(maxsize=128)
def _sizes(dataset: str, loss: str, own: Own) -> tuple[int, int, int]:
    """Width of inputs and outputs, and rows in all; neither noise nor the split changes them."""
    config = Config(dataset=dataset, loss=loss, own=own, val_share=0.0)
    data = build.make_data(config)
    return *build.sizes(config, data), len(data.inputs)


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


def too_much(groups: Iterable[Group], device: str = "cpu") -> str | None:
    """One sentence if these runs together are over the bound, None if they are not."""
    groups = list(groups)
    configs = [config for group in groups for config in group]
    kept = max(map(kept_bytes, configs), default=0)
    if kept > MAX_KEPT_BYTES:
        limit, need = size_text(MAX_KEPT_BYTES), size_text(kept)
        return (
            f"The history of L-BFGS must be at most {limit}; this one is {need}. Take smaller hidden sizes."
        )
    steps = sum(config.steps for config in configs)
    if steps > MAX_STEPS:
        return f"Steps of all runs must be at most {MAX_STEPS:,} together; these are {steps:,}."
    seconds = sum(expected_s(group, measured(device)) for group in groups)
    if seconds <= MAX_WORK_S:
        return None
    said = f"{math.ceil(seconds):,} s" if seconds < 7200 else f"{seconds / 3600:,.0f} hours"
    return f"Training must take at most {MAX_WORK_S:g} s; here it would take about {said}."


def most_steps(refusal: Callable[[int], str | None]) -> int:
    """The most steps that are not refused, 0 if there are none.

    refusal: the number of steps -> what `too_much` says of the runs with it, whose work grows with it.
    """
    return bisect_left(range(1, STEPS[1] + 1), True, key=lambda steps: refusal(steps) is not None)
