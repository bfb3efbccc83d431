"""What does recording cost, what do many runs cost, and others' recorders? python -m benchmarks.all

Each round runs everything once, the bare loop among it, in turn forward and backward: a machine that slows
down slows all. Printed are medians of the ratios to the bare loop of the same load and round. Time is that of
the processor, all threads together, so that other processes weigh less. pip install -r requirements-bench.txt
brings the tools that this is compared with; those that are not there are left out.
"""

import importlib.util
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import torch

from benchmarks.bits import processor
from benchmarks.recorders import RECORDERS, jax_stack
from benchmarks.recording import LOADS, SKIPPED, Make, Took, bare, recorded
from benchmarks.stack import STEPS, load, stacked, sweep
from core import Config, Run, charts
from core.compare.comparison import FIRST
from core.compare.curves import curves_frame
from core.lines import USUAL
from core.result import result

ROUNDS = 5
RUNS = (4, 64, 512)
BARE, BARE_SKIPPED = "the plain loop, nothing recorded", "the plain loop without zero_grad"
Row = tuple[str, str]  # what is measured, and the load


@dataclass(frozen=True)
class Measured:
    """What trains, in so many steps, and the row of the bare loop that it is held against."""

    train: Callable[[], Took]
    steps: int
    base: str = BARE


def rows() -> dict[Row, Measured]:
    """All that is measured."""
    found: dict[Row, Measured] = {}
    for name, (_, config, make) in LOADS.items():
        found |= {(what, name): one for what, one in of_one_run(config, make).items()}
    for name in STEPS:
        found |= {(what, name): one for what, one in of_many_runs(load(name)).items()}
    return found | {(what, "W2"): one for what, one in of_others(load("W2")).items()}


def of_one_run(config: Config, make: Make) -> dict[str, Measured]:
    steps, skipped = config.steps, replace(config, loop=SKIPPED, lr=config.lr / 10)
    return {
        BARE: Measured(partial(bare, config, make), steps),
        "recorded, every vector kept": Measured(partial(recorded, config, make, full=True), steps),
        "recorded, norms only": Measured(partial(recorded, config, make), steps),
        "recorded, norms and scores": Measured(partial(recorded, config, make, evaluate=True), steps),
        "recorded from outside": Measured(partial(bare, config, make, outside=True), steps),
        BARE_SKIPPED: Measured(partial(bare, skipped, make), steps),
        "recorded / the same": Measured(partial(recorded, skipped, make, full=True), steps, BARE_SKIPPED),
        "from outside / the same": Measured(partial(bare, skipped, make, outside=True), steps, BARE_SKIPPED),
    }


def of_many_runs(config: Config) -> dict[str, Measured]:
    usual, mixed = sweep(config, 64), sweep(config, 64, (USUAL, SKIPPED))
    found = {
        "64 runs together, every vector kept": Measured(partial(stacked, usual, full=True), config.steps),
        "64, half without zero_grad": Measured(partial(stacked, mixed, full=True), config.steps),
    }
    for runs in RUNS:
        train = partial(stacked, sweep(config, runs))
        found[f"{runs} runs together, norms only"] = Measured(train, config.steps)
    return found


def of_others(config: Config) -> dict[str, Measured]:
    """Other tools, where they are installed."""
    found = {
        about: Measured(partial(run, config), config.steps)
        for package, about, run in RECORDERS
        if importlib.util.find_spec(package)
    }
    if importlib.util.find_spec("jax"):
        train = partial(jax_stack, sweep(config, 64))
        found["64 runs together, every vector kept, by JAX"] = Measured(train, config.steps)
    return found


def ratios(measured: dict[Row, Measured]) -> dict[Row, Took]:
    """Medians of making and training, each / a bare run of as many steps in the same round."""
    rounds = []
    for number in range(ROUNDS + 1):
        order = reversed(measured) if number % 2 else measured
        took = {row: measured[row].train() for row in list(order)}
        rounds.append({row: against_bare(row, measured, took) for row in measured})
    del rounds[0]  # which has warmed up
    return {
        row: (median([r[row][0] for r in rounds]), median([r[row][1] for r in rounds])) for row in measured
    }


def against_bare(row: Row, measured: dict[Row, Measured], took: dict[Row, Took]) -> Took:
    base = measured[row].base, row[1]
    unit = took[base][1] * measured[row].steps / measured[base].steps
    return took[row][0] / unit, took[row][1] / unit


def table(found: dict[Row, Took]) -> None:
    """A row for each thing that is measured, a column for each load; making in one of its own."""
    print(f"| / bare loop | {' | '.join(LOADS)} | making, W2 |")
    print("|---|" + "---|" * (len(LOADS) + 1))
    for what in dict.fromkeys(what for what, _ in found):
        cells = [f"{found[what, name][1]:.2f}" if (what, name) in found else "" for name in LOADS]
        print(f"| {what} | {' | '.join(cells)} | {found[what, 'W2'][0]:.2f} |")


def chart_ms() -> float:
    """Median milliseconds from the results of four runs of 1,000 steps to one chart's spec and data."""
    config = Config(steps=1000)
    configs = [config, *(variant.config(config)[0] for variant in FIRST.variants), replace(config, lr=0.1)]
    results = [result(Run(c, full=False).advance()) for c in configs]
    times = []
    for _ in range(4 * ROUNDS):
        begun = time.perf_counter()
        _, tops = curves_frame(results)
        charts.curves_spec(
            ("a", "b", "c", "d"), ("Loss", "Gradient"), (True, True), tops, (0.0, 1000.0), 1000, True
        )
        times.append(1000 * (time.perf_counter() - begun))
    return median(times)


def main() -> None:
    """Print the machine, the table, and what the loads are."""
    print(f"{processor()}, torch {torch.__version__}, Python {platform.python_version()}, 1 thread")
    print(f"medians of {ROUNDS} rounds, orders alternating\n")
    table(ratios(rows()))
    print("\n" + "\n".join(f"{name}: {about}" for name, (about, _, _) in LOADS.items()))
    print(f"\nresults of four runs of 1,000 steps to one chart: {chart_ms():.1f} ms")


if __name__ == "__main__":
    main()
