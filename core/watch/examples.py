"""Moments worth opening: loops with known numbers, and the place to look.

The numbers are those of the course notes this project began with (four deliveries, y = 5x + 2)
and of the gradients that add up when zero_grad is skipped; each is computed when it is opened.
"""

from dataclasses import dataclass

from core.config import Config
from core.lines import USUAL, from_letters, without_zero_grad


@dataclass(frozen=True)
class Preset:
    """A loop, the step and number of the line to stop before (both from 0), a panel, and what to see."""

    title: str
    config: Config
    place: tuple[int, int]
    panel: str
    about: str


def _linear(dataset: str, *start: float, lr: float = 0.01, steps: int = 20, **choices: object) -> Config:
    fields = {"dataset": dataset, "model": "linear", "start": start, "lr": lr, "steps": steps}
    return Config(**(fields | choices))  # type: ignore[arg-type]


PRESETS = {
    "forward": Preset(
        "Outputs 7, 12, 17, 22",
        _linear("deliveries", 5.0, 2.0),
        (0, 2),
        "graph",
        "Weight 5 and bias 2: output = 5 × distance + 2, and the graph records how.",
    ),
    "loss": Preset(
        "Loss 0.027675",
        _linear("deliveries", 5.0, 2.0),
        (0, 3),
        "tensors",
        "The mean of four squared errors.",
    ),
    "backward": Preset(
        "Gradients 15 and 6",
        _linear("deliveries_exact", 5.0, 5.0),
        (0, 4),
        "tensors",
        "Bias 5 instead of 2: every output is 3 too large, so the loss is 9.",
    ),
    "step": Preset(
        "Weight 3 to 2.85",
        _linear("deliveries_exact", 3.0, 11.0),
        (1, 0),
        "surface",
        "3 − 0.01 × 15. With weight 3, the notes' gradient of 15 needs a bias of 11.",
    ),
    "skipped": Preset(
        "Gradients that add up",
        _linear("deliveries", 0.0, steps=60, loop=without_zero_grad(USUAL)),
        (8, 0),
        "ledger",
        "zero_grad skipped: in steps 4 to 6 the leftover gradient overrules that of the batch.",
    ),
    "dying": Preset(
        "Where the usual loop diverges",
        _linear("deliveries", 0.0, lr=0.13, steps=60),
        (20, 0),
        "surface",
        "A learning rate of 0.13 is above 2 / curvature: every step lands farther out.",
    ),
    "accumulated": Preset(
        "Why gradients add up",
        _linear("deliveries", 0.0, steps=40, batch_size=3, seed=2, accumulate=2, loop=from_letters("zFLws")),
        (1, 4),
        "tensors",
        "Batches of 3 rows and of 1, weighted by their rows, add up to −85.16: the gradient of all 4.",
    ),
    "clipped": Preset(
        "A rate of 0.2, clipped",
        _linear("deliveries", 0.0, lr=0.2, steps=60, loop=from_letters("ZFLBCS")),
        (0, 5),
        "ledger",
        "Without clip_grad_norm_ the loss becomes inf at this rate; with it, it ends at 0.0652.",
    ),
}
