"""Small loops, and what they take bare, recorded by this project, and recorded from outside.

W1 to W4 are small, where a fixed cost per step weighs most. `python -m benchmarks.all` prints the table.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from core import Config, Run, build
from core.lines import USUAL
from core.recorder import record
from core.seeds import stream

SKIPPED = USUAL[1:]
Make = Callable[[], nn.Module] | None  # one's own model
Took = tuple[float, float]  # seconds of the processor, all threads together: to make what trains, to train it
clock = time.process_time


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
LOADS: dict[str, tuple[str, Config, Make]] = {
    "W1": (
        "Linear(1, 1), 4 rows, MSE",
        Config(dataset="deliveries", model="linear", lr=0.01, steps=2000),
        None,
    ),
    "W2": ("2-8-8-1 tanh, 200 rows, BCE", Config(hidden=(8, 8), activation="tanh", steps=1000), None),
    "W3": ("64-64-10, digits, batch 64", replace(DIGITS, steps=400), None),
    "W4": ("small CNN, digits, batch 64", replace(DIGITS, steps=150), SmallCNN),
}


def bare(config: Config, make: Make = None, outside: bool = False) -> Took:
    """The plain loop, as anybody would write it; outside: with `core.recorder` hung onto it."""
    begun = clock()
    data = build.make_data(config)
    model = make() if make else build.make_model(config, data)
    loss_fn, optimizer = build.make_loss(config, data), build.make_optimizer(config, model)
    inputs, targets = data.inputs, data.targets
    skip, batch_size = "zero_grad" not in config.loop, config.batch_size
    order = build.batches(len(inputs), batch_size or len(inputs), stream(config.seed, "batches"))
    recording = record(model, optimizer, loss_fn) if outside else None
    made = clock()
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
    trained = clock()
    if recording is not None:
        recording.close()
    return made - begun, trained - made


def recorded(config: Config, make: Make = None, full: bool = False, evaluate: bool = False) -> Took:
    """The same by Run: loss, norms of weights and gradients, every vector if `full`, at every step."""
    begun = clock()
    run = Run(config, model=make() if make else None, full=full, evaluate=evaluate)
    made = clock()
    run.advance()
    return made - begun, clock() - made
