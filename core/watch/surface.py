"""The real loss at the points of a grid around the path of a run.

Model and loss are those that were trained, on the whole training set; every point of the grid is
one forward pass, so the picture takes its time and is computed in slices.
"""

import copy
import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import vector_to_parameters

from core.config import Config
from core.models import MODELS
from core.watch.plane import FAR, Plane, WeightPath
from core.words import number, percent

Window = tuple[tuple[float, float], tuple[float, float]]  # lowest and highest x, lowest and highest y

MARGIN, NARROWEST = 0.15, 0.1  # of the span: free on each side; of the longer side: the shorter one
FINEST = 1e-3  # of the weights' length; float32 has few numbers between points much closer than that
SIZES = (41, 31, 25, 17)  # points of the grid in each direction
SIZE_OF_TWO = 81  # for two parameters, whose valleys can be narrow and whose passes are quick
MAX_WORK = 8e9  # rows x parameters x points: under a second for the MLPs, four seconds for LeNet
LEVELS = 10
LOWEST_SHARE = 0.01  # of the points lie within the innermost line; fewer would not make a ring
ROUNDING = 64  # times the precision of the loss: differences below that are not real
STRETCHED = 3.0  # times as long as the other side: then the words say that the scales differ


def window(path: WeightPath, minimum: Sequence[float] | None = None) -> Window:
    """The part of the plane in the picture: the shown rows, the minimum (x, y) if there is one, and a margin.

    Each axis has its own scale, but the shorter side is at least a tenth of the longer one. If nothing moved,
    the picture is 1.3 times as wide as the weight vector is long.
    """
    points = path.points[: path.shown]
    if minimum is not None:
        points = np.vstack([points, minimum])
    low, high = points.min(axis=0), points.max(axis=0)
    spans = high - low
    length = float(np.linalg.norm(path.plane.weights(*path.points[0]))) or 1.0
    longest = max(float(spans.max()), FINEST * length)
    spans = np.maximum(spans, NARROWEST * longest) if spans.any() else np.full(2, 2 * length)
    center, half = (low + high) / 2, spans * (0.5 + MARGIN)
    (x_low, y_low), (x_high, y_high) = (center - half).tolist(), (center + half).tolist()
    return (x_low, x_high), (y_low, y_high)


def grid_size(rows: int, parameters: int) -> int:
    """Points in each direction: as many as MAX_WORK allows, but at least 17."""
    sizes = (SIZE_OF_TWO, *SIZES) if parameters == 2 else SIZES
    return next((size for size in sizes if rows * parameters * size**2 <= MAX_WORK), SIZES[-1])


class Surface:
    """The loss at the points of a grid in a plane, computed in slices with the same bits as in one go.

    Args:
        model, loss_fn: what was trained; the surface works on a copy, with layers such as dropout
            switched off, in the dtype and on the device of the model.
        inputs, targets: the whole training set.
        plane: of the model's parameters, in their order. window: the part of it that is shown.
        size: points in each direction; as `grid_size` says if None.
    Attributes: x, y (size,); losses (size, size), row by row upwards: losses[i, j] is at y[i], x[j],
    nan where it is still to come and not finite where the loss is not.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: nn.Module,
        inputs: Tensor,
        targets: Tensor,
        plane: Plane,
        window: Window,
        size: int | None = None,
    ):
        self.model = copy.deepcopy(model).eval()
        self.parameters = list(self.model.parameters())
        count = sum(p.numel() for p in self.parameters)
        if count != plane.size:
            raise ValueError(f"plane must be one of the model's {count} parameters; got {plane.size}")
        self.loss_fn, self.inputs, self.targets = loss_fn, inputs, targets
        self.plane, self.window = plane, window
        size = grid_size(len(inputs), count) if size is None else size
        self.x, self.y = (np.linspace(low, high, size) for low, high in window)
        self.losses = np.full((size, size), np.nan)
        self.computed = 0

    @property
    def precision(self) -> float:
        """Relative, of the numbers that the losses are computed in."""
        return torch.finfo(self.parameters[0].dtype).eps

    @property
    def done(self) -> bool:
        return self.computed == self.losses.size

    @property
    def share_done(self) -> float:
        """From 0 to 1."""
        return self.computed / self.losses.size

    def advance(self, max_points: int | None = None, budget_s: float | None = None) -> "Surface":
        """Continues: to the end, by at most `max_points`, or until `budget_s` seconds are over."""
        until = self.losses.size if max_points is None else min(self.computed + max_points, self.losses.size)
        deadline = None if budget_s is None else time.monotonic() + budget_s
        while self.computed < until:
            row, column = divmod(self.computed, len(self.x))
            self.losses[row, column] = self.loss_at(self.x[column], self.y[row])
            self.computed += 1
            if deadline is not None and time.monotonic() >= deadline:
                break
        return self

    @torch.no_grad()
    def loss_at(self, x: float, y: float) -> float:
        """The loss at a point of the plane."""
        like = self.parameters[0]
        weights = torch.from_numpy(self.plane.weights(x, y)).to(like.device, like.dtype)
        vector_to_parameters(weights, self.parameters)
        return float(self.loss_fn(self.model(self.inputs), self.targets))


def least_squares(inputs: Tensor, targets: Tensor) -> np.ndarray:
    """Weights and bias of the linear model with the smallest squared error, (features + 1,), in double.

    inputs: (rows, features). targets: (rows, 1). With one feature: (weight, bias), the minimum of
    the surface under MSE. Where many are best, as with equal inputs, the shortest of them.
    """
    ones = torch.ones(len(inputs), 1, dtype=torch.float64)
    columns = torch.cat([inputs.detach().cpu().double(), ones], dim=1)
    targets = targets.detach().cpu().double()
    return torch.linalg.lstsq(columns, targets, driver="gelsd").solution[:, 0].numpy()


def levels(losses: np.ndarray, precision: float) -> np.ndarray:
    """Losses to draw contour lines at, ascending; none if the loss is the same everywhere.

    Their distances from the lowest loss shown grow by a constant factor: that shows a valley however high its
    walls, and works for losses below 0 too.

    Args:
        losses: of any shape; what is not finite does not count.
        precision: relative, of the numbers they were computed in.
    """
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return np.empty(0)
    base = float(finite.min())
    above = finite - base
    top = float(above.max())
    noise = max(ROUNDING * precision * float(np.abs(finite).max()), np.finfo(float).tiny)
    if top <= noise:
        return np.empty(0)
    first = max(float(np.quantile(above, LOWEST_SHARE)), noise)
    if first >= top / 2:  # no room for ten lines
        return np.array([base + top / 2])
    return _rounded(np.array([base, *(base + np.geomspace(first, top, LEVELS + 1))]))


def _rounded(ascending: np.ndarray) -> np.ndarray:
    """All but the two ends, with as few digits as nearly preserve their distances."""
    gaps, inner = np.diff(ascending), ascending[1:-1]
    room = np.minimum(gaps[:-1], gaps[1:]) / 5
    for digits in range(2, 7):
        rounded = np.array([float(f"{value:.{digits}g}") for value in inner])
        if (np.abs(rounded - inner) <= room).all():
            return rounded
    return inner


def losses_words(config: Config) -> str:
    """Of what loss the contours are, where steps may see another one; "" where they see the same."""
    row = MODELS[config.model]
    if not config.batch_size and not row.two_modes:
        return ""
    averages = " with the final running averages" if row.averages else ""
    mode = f", in eval mode{averages}" if row.two_modes else ""
    return f"The contours show the loss on all training rows{mode}; a step may see another loss."


def surface_words(surface: Surface, path: WeightPath, minimum: Sequence[float] | None = None) -> str:
    """What the picture holds, in words, with its numbers.

    minimum: (x, y), where the caller knows it.
    """
    sentences = [_plane_words(surface, path.plane, minimum)]
    if path.shown < len(path.points):
        sentences.append(
            f"From step {path.steps[path.shown]} on the path is outside the picture: "
            f"the loss stays above {FAR:.0f} times that at the start."
        )
    elif path.ended:
        sentences.append(f"The last finite weights are those of step {path.steps[-1]}.")
    width, height = np.ptp(surface.x), np.ptp(surface.y)
    if max(width, height) > STRETCHED * min(width, height):
        sentences.append(
            f"The scales differ: the picture is {number(width, 3)} wide and {number(height, 3)} high."
        )
    if surface.done and not len(levels(surface.losses, surface.precision)):
        sentences.append("The loss is the same everywhere on it, so there are no contour lines.")
    return " ".join(sentences)


def _plane_words(surface: Surface, plane: Plane, minimum: Sequence[float] | None) -> str:
    if plane.size == 2 and minimum is not None:
        at = [f"{name} {number(value)}" for name, value in zip(plane.titles, minimum, strict=True)]
        return f"The loss is lowest at {at[0]} and {at[1]}: {number(surface.loss_at(*minimum))}."
    if plane.size == 2:
        return f"The two parameters, {' and '.join(plane.titles)}, are the plane itself."
    if np.isnan(plane.share):
        return f"The weights did not move; this is the plane of the first two of {plane.size:,} parameters."
    return (
        f"The plane holds {percent(plane.share)} of the movement of {plane.size:,} parameters. "
        "That alone says little: two directions hold 76% of a random walk in many dimensions."
    )
