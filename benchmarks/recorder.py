"""What does recording a loop from outside cost? Ratios of one interleaved run: python -m benchmarks.recorder

Each round trains the loop of somebody who does not know this project, bare and with `core.recorder` hung
onto it, one after the other, so that a machine that slows down slows both. Time is that of the processor, not
of the clock. Printed are medians of the ratios, and of what one recorded step takes on top of a bare one.
"""

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from benchmarks.recording import LOADS, ROUNDS
from core import Config, build
from core.recorder import record
from core.seeds import stream


def seconds(
    config: Config, make: Callable[[], nn.Module] | None, recorded: bool, skip: bool = False
) -> float:
    """What the plain loop takes, without the writing of the file at its end."""
    data = build.make_data(config)
    model = make() if make else build.make_model(config, data)
    loss_fn, optimizer = build.make_loss(config, data), build.make_optimizer(config, model)
    inputs, targets = data.inputs, data.targets
    order = build.batches(len(inputs), config.batch_size or len(inputs), stream(config.seed, "batches"))
    recording = record(model, optimizer, loss_fn) if recorded else None
    begun = time.thread_time()
    for _ in range(config.steps):
        if config.batch_size:
            rows = next(order)
            inputs, targets = data.inputs[rows], data.targets[rows]
        if not skip:
            optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        optimizer.step()
    took = time.thread_time() - begun
    if recording is not None:
        recording.close()
    return took


def ratio(config: Config, make: Callable[[], nn.Module] | None, skip: bool = False) -> tuple[float, float]:
    """Median ratio to the bare loop, and median microseconds more per step."""
    seconds(config, make, True)
    pairs = [
        (seconds(config, make, False, skip), seconds(config, make, True, skip)) for _ in range(2 * ROUNDS)
    ]
    more = [1e6 * (recorded - bare) / config.steps for bare, recorded in pairs]
    return statistics.median(recorded / bare for bare, recorded in pairs), statistics.median(more)


def main() -> None:
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, 1 thread")
    print(f"recorded from outside / bare loop, median of {2 * ROUNDS} interleaved rounds\n")
    print("| load | ratio | µs more per step | zero_grad skipped |\n|---|---|---|---|")
    for name, (about, config, make) in LOADS.items():
        usual, more = ratio(config, make)
        skipped, _ = ratio(replace(config, lr=config.lr / 10), make, skip=True)
        print(f"| {name}: {about} | {usual:.2f} | {more:.0f} | {skipped:.2f} |", flush=True)


if __name__ == "__main__":
    main()
