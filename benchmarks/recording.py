"""What does recording cost? Ratios from one interleaved run: python -m benchmarks.recording

Each round trains the bare loop, which records nothing, and the same run with everything recorded,
one after the other, so that a machine that slows down slows both. Printed are medians of the
ratios. W1 to W4 are small loops, where a fixed cost per step weighs most.
"""

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from core import Config, Run, build
from core.charts import curves_spec
from core.compare.comparison import FIRST
from core.compare.curves import curves_frame
from core.lines import USUAL
from core.result import result
from core.seeds import stream

ROUNDS = 9
SKIPPED = USUAL[1:]


class SmallCNN(nn.Module):
    """Two convolutions and a linear layer for 8 x 8 images in rows of 64."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc = nn.Linear(256, 10)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.conv1(inputs.view(-1, 1, 8, 8)))
        return self.fc(nn.functional.max_pool2d(torch.relu(self.conv2(maps)), 2).flatten(1))


DIGITS = Config(dataset="digits", batch_size=64, val_share=0.0, lr=0.05, hidden=(64,), activation="tanh")
LOADS: dict[str, tuple[str, Config, Callable[[], nn.Module] | None]] = {
    "W1": (
        "Linear(1, 1), 4 rows, MSE",
        Config(dataset="deliveries", model="linear", lr=0.01, steps=2000),
        None,
    ),
    "W2": ("2-8-8-1 tanh, 200 rows, BCE", Config(hidden=(8, 8), activation="tanh", steps=1000), None),
    "W3": ("64-64-10, digits, batch 64", replace(DIGITS, steps=400), None),
    "W4": ("small CNN, digits, batch 64", replace(DIGITS, steps=150), SmallCNN),
}


def bare(config: Config, make: Callable[[], nn.Module] | None) -> float:
    """Seconds that the plain loop takes, as anybody would write it."""
    data = build.make_data(config)
    model = make() if make else build.make_model(config, data)
    loss_fn, optimizer = build.make_loss(config, data), build.make_optimizer(config, model)
    inputs, targets = data.inputs, data.targets
    skip, batch_size = "zero_grad" not in config.loop, config.batch_size
    order = build.batches(len(inputs), batch_size or len(inputs), stream(config.seed, "batches"))
    begun = time.perf_counter()
    for _ in range(config.steps):
        if batch_size:
            rows = next(order)
            inputs, targets = data.inputs[rows], data.targets[rows]
        if not skip:
            optimizer.zero_grad()
        outputs = model(inputs)
        loss = loss_fn(outputs, targets)
        loss.backward()
        optimizer.step()
    return time.perf_counter() - begun


def recorded(config: Config, make: Callable[[], nn.Module] | None, **options: bool) -> float:
    """Seconds that Run takes for the same: loss, weights, gradients and norms of every step."""
    run = Run(config, model=make() if make else None, **options)
    begun = time.perf_counter()
    run.advance()
    return time.perf_counter() - begun


def ratios(config: Config, make: Callable[[], nn.Module] | None) -> list[float]:
    """Median ratios to the bare loop: recorded, recorded for the page, with evaluations."""
    kinds = [
        {"full": True, "evaluate": False},
        {"full": False, "evaluate": False},
        {"full": False, "evaluate": True},
    ]
    bare(config, make)
    rounds = []
    for _ in range(ROUNDS):
        base = bare(config, make)
        rounds.append([recorded(config, make, **kind) / base for kind in kinds])
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def chart_ms() -> float:
    """Median milliseconds from the results of four runs of 1,000 steps to one chart's spec and data."""
    config = Config(steps=1000)
    configs = [config, *(variant.config(config)[0] for variant in FIRST.variants), replace(config, lr=0.1)]
    results = [result(Run(c, full=False).advance()) for c in configs]
    times = []
    for _ in range(4 * ROUNDS):
        begun = time.perf_counter()
        _, tops = curves_frame(results)
        curves_spec(("a", "b", "c", "d"), ("Loss", "Gradient"), (True, True), tops, (0.0, 1000.0), 1000, True)
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def main() -> None:
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, 1 thread")
    print(f"ratio to the bare loop, median of {ROUNDS} interleaved rounds\n")
    print("| load | every vector kept | norms only | norms and evaluations | zero_grad skipped |")
    print("|---|---|---|---|---|")
    for name, (about, config, make) in LOADS.items():
        usual = ratios(config, make)
        skipped = ratios(replace(config, loop=SKIPPED, lr=config.lr / 10), make)
        cells = " | ".join(f"{ratio:.2f}" for ratio in [*usual, skipped[0]])
        print(f"| {name}: {about} | {cells} |", flush=True)
    print(f"\nresults of four runs of 1,000 steps to one chart: {chart_ms():.1f} ms")


if __name__ == "__main__":
    main()
