"""How do many recorded runs grow, in time and in memory? python -m benchmarks.stack

What they cost against one run that records nothing is in the table of `python -m benchmarks.all`.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.recording import LOADS, Took, clock
from core import Config
from core.lines import USUAL
from core.stacked.blocks import blocks
from core.stacked.stack import Stack

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


def stacked(configs: list[Config], full: bool = False, evaluate: bool = False) -> Took:
    """These runs in blocks as a sweep has them, frames of results included."""
    making = training = 0.0
    for block in blocks(configs):
        begun = clock()
        stack = Stack(block, full=full, evaluate=evaluate)
        made = clock()
        stack.advance().results()
        making, training = making + made - begun, training + clock() - made
    return making, training


def load(name: str) -> Config:
    return replace(LOADS[name][1], steps=STEPS[name])


def table_of_growth() -> None:
    print("| 64 runs, µs per run and step | |")
    print("|---|---|")
    for steps in (100, 1000, 5000):
        config = replace(load("W2"), steps=steps)
        print(f"| W2, {steps:,} steps | {1e6 * stacked(sweep(config, 64))[1] / steps / 64:.1f} |", flush=True)
    for units in (4, 16, 64, 256):
        config = replace(load("W3"), hidden=(units,))
        cost = 1e6 * stacked(sweep(config, 64))[1] / config.steps / 64
        print(f"| W3 with {units} hidden units, {75 * units + 10:,} weights | {cost:.1f} |", flush=True)


def table_of_memory() -> None:
    print("| W2, 1,000 steps, with scores | MB above the imports, at most |")
    print("|---|---|")
    for runs in (1, 64, 512):
        program = PEAK.format(runs=runs)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        print(f"| {runs} runs | {done.stdout.strip()} |", flush=True)


def main() -> None:
    """Print both tables."""
    stacked(sweep(load("W1"), 2))
    table_of_growth()
    print()
    table_of_memory()


if __name__ == "__main__":
    main()
