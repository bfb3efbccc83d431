"""Which bits does this machine compute? python -m benchmarks.bits

Prints a hash of the losses and last weights of each of a dozen runs, alone and as one of four that train
together, with the processor and the instructions that its libraries may use. Two machines, or one under two
settings (MKL_CBWR, ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA, read when torch is imported), compute the same
where the hashes are the same.
"""

import hashlib
import os
import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.recording import DIGITS, LOADS, SKIPPED
from core import Config, Run
from core.stacked.stack import Stack, shape

STEPS = 100
SETTINGS = ("MKL_CBWR", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")
FIRST = Config()
RUNS = {
    "first": FIRST,
    "first, no zero_grad": replace(FIRST, loop=SKIPPED),
    "first, float64": replace(FIRST, dtype="float64", loop=SKIPPED),
    "first, Adam": Config(optimizer="adam"),
    "W1": LOADS["W1"][1],
    "W2": LOADS["W2"][1],
    "W3": LOADS["W3"][1],
    "W3, no zero_grad": replace(LOADS["W3"][1], loop=SKIPPED),
    "diabetes": Config(dataset="diabetes", lr=0.01),
    "iris, GELU": Config(dataset="iris", activation="gelu"),
    "batch norm": Config(model="mlp_norm"),
    "LeNet": replace(DIGITS, model="lenet"),
}


def processor() -> str:
    """Its name, as Linux has it; elsewhere what Python knows."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def hashed(losses: np.ndarray, weights: Tensor) -> str:
    """Ten hexadecimal digits."""
    return hashlib.sha256(losses.tobytes() + weights.detach().numpy().tobytes()).hexdigest()[:10]


def hashes(config: Config) -> Iterator[str]:
    """Of a run alone and, if it can be, as the first of four that train together."""
    run = Run(config, full=False, evaluate=False).advance()
    yield hashed(run.history.losses, torch.cat([p.flatten() for p in run.parameters]))
    if shape(config) is not None:
        block = Stack([replace(config, lr=config.lr * (4 - n) / 4) for n in range(4)], evaluate=False)
        yield hashed(block.advance().history.losses[:, 0], block.model.weights[0])


def main() -> None:
    """Print the table."""
    print(f"{processor()}, {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}")
    print(*(f"{name}={os.environ.get(name, '')}" for name in SETTINGS))
    for name, config in RUNS.items():
        print(f"{name:22}", *hashes(replace(config, steps=STEPS)), flush=True)


if __name__ == "__main__":
    main()
