"""What do many recorded runs cost, against one that records nothing? python -m benchmarks.stack

Ratios of times in one interleaved run, as in benchmarks.recording: each round trains one bare loop and then
the same runs, recorded, in blocks as a sweep does. "Every vector kept": losses, weights, fresh and used
gradients and their lengths, at every step of every run. "Norms only": vectors are reduced to their lengths,
as in a sweep. Other recorders are compared where they are installed (pip install tensorboard lightning).
"""

import importlib.util
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch

from benchmarks import recorders
from benchmarks.recording import LOADS, SKIPPED, bare
from core import Config
from core.lines import USUAL
from core.stacked.blocks import blocks
from core.stacked.stack import Stack

ROUNDS = 7
RUNS = (1, 4, 16, 64, 256, 512)
STEPS = {"W1": 1000, "W2": 300, "W3": 60}
PEAK = """
import re
from benchmarks.stack import LOADS, stacked, sweep
def peak():  # of this process alone, from Linux's own accounting; getrusage counts its parent's too
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
stacked(sweep(LOADS["W1"][1], 1)[:1])
empty = peak()
stacked(sweep(LOADS["W2"][1], {runs}), evaluate=True)
print((peak() - empty) // 1024)
"""


def sweep(config: Config, runs: int, loops: Sequence[tuple[str, ...]] = (USUAL,)) -> list[Config]:
    """So many learning rates from a tenth of the config's to all of it."""
    rates = [config.lr * (0.1 + 0.9 * run / max(runs - 1, 1)) for run in range(runs)]
    return [replace(config, lr=lr, loop=loops[run % len(loops)]) for run, lr in enumerate(rates)]


def stacked(configs: list[Config], full: bool = False, evaluate: bool = False) -> float:
    """Seconds that these runs take, in blocks as a sweep has them, frames of results included."""
    begun = time.perf_counter()
    for block in blocks(configs):
        Stack(block, full=full, evaluate=evaluate).advance().results()
    return time.perf_counter() - begun


def against_bare(config: Config, kinds: Sequence[Callable[[], float]]) -> list[float]:
    """Median ratios to one bare run of the config."""
    rounds = []
    for _ in range(ROUNDS):
        base = bare(config, None)
        rounds.append([seconds() / base for seconds in kinds])
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def load(name: str) -> Config:
    return replace(LOADS[name][1], steps=STEPS[name])


def table_of_loads() -> None:
    print(
        "| 64 runs / one bare run | every vector kept | half without zero_grad | norms only | with scores |"
    )
    print("|---|---|---|---|---|")
    for name in STEPS:
        config = load(name)
        usual, mixed = sweep(config, 64), sweep(config, 64, (USUAL, SKIPPED))
        kinds = [partial(stacked, usual, full=True), partial(stacked, mixed, full=True)]
        kinds += [partial(stacked, usual), partial(stacked, usual, evaluate=True)]
        cells = " | ".join(f"{ratio:.2f}" for ratio in against_bare(config, kinds))
        print(f"| {name}: {LOADS[name][0]} | {cells} |", flush=True)


def table_of_runs() -> None:
    print("| so many runs, norms only / one bare run | " + " | ".join(map(str, RUNS)) + " |")
    print("|---|" + "---|" * len(RUNS))
    for name in STEPS:
        config = replace(load(name), steps=STEPS[name] // 3)
        ratios = against_bare(config, [partial(stacked, sweep(config, runs)) for runs in RUNS])
        print(f"| {name} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |", flush=True)


def table_of_growth() -> None:
    print("| 64 runs, µs per run and step | |")
    print("|---|---|")
    for steps in (100, 1000, 5000):
        config = replace(load("W2"), steps=steps)
        print(f"| W2, {steps:,} steps | {1e6 * stacked(sweep(config, 64)) / steps / 64:.1f} |", flush=True)
    for units in (4, 16, 64, 256):
        config = replace(load("W3"), hidden=(units,))
        cost = 1e6 * stacked(sweep(config, 64)) / config.steps / 64
        print(f"| W3 with {units} hidden units, {75 * units + 10:,} weights | {cost:.1f} |", flush=True)


def table_of_memory() -> None:
    print("| W2, 1,000 steps, with scores | MB above the imports, at most |")
    print("|---|---|")
    for runs in (1, 64, 512):
        program = PEAK.format(runs=runs)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        print(f"| {runs} runs | {done.stdout.strip()} |", flush=True)


def table_of_recorders() -> None:
    """Each recorder's run and one of 64 stacked runs, in turn."""
    config = replace(load("W2"), steps=100)
    print("| W2, one run / the same run without recording | ratio | a stacked run costs this share of it |")
    print("|---|---|---|")
    for package, about, seconds in recorders.RECORDERS:
        if importlib.util.find_spec(package) is None:
            print(f"| {about} | {package} is not installed | |")
            continue
        seconds(config)  # what is made once
        pairs = [
            (bare(config, None), seconds(config), stacked(sweep(config, 64)) / 64) for _ in range(ROUNDS)
        ]
        ratio = statistics.median(other / base for base, other, _ in pairs)
        share = statistics.median(other / ours for _, other, ours in pairs)
        print(f"| {about} | {ratio:.1f} | 1/{share:.0f} |", flush=True)


def main() -> None:
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, 1 thread")
    print(f"medians of {ROUNDS} interleaved rounds")
    bare(load("W2"), None)
    for table in (table_of_loads, table_of_runs, table_of_recorders, table_of_growth, table_of_memory):
        print()
        table()


if __name__ == "__main__":
    main()
