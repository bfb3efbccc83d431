"""The plane that shows a run's path through its weights, and how much of it.

Two parameters are a plane themselves. More are shown in the plane of the first two principal
directions of the path (Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets", section
on optimization trajectories), here through the mean of the path: of all planes it is the one with
the smallest sum of squared distances to the path. The share of the movement is the part of the
path's variance that lies in the plane. A large share alone says little: two directions hold
76% of a random walk in many dimensions (Antognini and Sohl-Dickstein 2018, "PCA of high
dimensional random walks with comparison to neural network training").
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.words import percent

FIT_ROWS = 300  # rows that the plane is fitted to: their decomposition takes 0.1 s for 6,000 parameters
ON_A_LINE = 1e-6  # second singular value over the first; below it there is no second direction
FAR = 100.0  # times the loss at the start; a path that stays above it has left the picture
LARGEST = 1e100  # squares and sums of larger weights overflow; float32 has none
CHUNK = 2**20  # entries that are held in double at one time


@dataclass(frozen=True)
class Plane:
    """A plane through the weights.

    origin: (P,), the weights at (0, 0). directions: (2, P), of length 1 and at right angles, so
    that distances in the plane are distances of the weights. titles: of the axes.
    share: of the movement that the plane holds, from 0 to 1; nan where nothing moved.
    """

    origin: np.ndarray
    directions: np.ndarray
    titles: tuple[str, str]
    share: float

    @property
    def size(self) -> int:
        """Number of parameters, P."""
        return len(self.origin)

    def coordinates(self, weights: np.ndarray) -> np.ndarray:
        """(n, P) -> (n, 2): the nearest point of the plane to each row."""
        rows = max(1, CHUNK // self.size)
        starts = range(0, len(weights), rows)
        parts = [(weights[start : start + rows] - self.origin) @ self.directions.T for start in starts]
        return np.concatenate(parts)

    def weights(self, x: float, y: float) -> np.ndarray:
        """(P,): the weights at a point of the plane, in double."""
        return self.origin + x * self.directions[0] + y * self.directions[1]


@dataclass(frozen=True)
class WeightPath:
    """A run's path in its plane, up to its last finite weights.

    steps: (n,). losses: (n,), nan where unknown. points: (n, 2). shown: so many rows, from the
    first on, decide what the picture shows. ended: whether weights came after them that are not
    finite (or larger than LARGEST).
    """

    plane: Plane
    steps: np.ndarray
    losses: np.ndarray
    points: np.ndarray
    shown: int
    ended: bool


def flat(weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """Parameter -> (n, *shape), such as `History.weights`, to (n, P) in the same order."""
    return np.concatenate([part.reshape(len(part), -1) for part in weights.values()], axis=1)


def path_of(
    weights: np.ndarray,
    losses: np.ndarray,
    steps: np.ndarray | None = None,
    names: tuple[str, str] = ("weight", "bias"),
) -> WeightPath:
    """The path of a run, in the plane that suits it.

    weights: (n, P), all parameters in the order of `model.parameters()`, row by row.
    losses: (n,), on the training set; nan where unknown. steps: (n,), 0, 1, ... if None.
    names: of the two parameters where P is 2. Raises ValueError for fewer than two parameters,
    and where not even the first row is finite.

    A path that explodes would shrink all that came before to a dot. So plane and picture are
    fitted to the rows up to the last one whose loss is at most FAR times that at the start, and
    to two rows at least; what comes later keeps its coordinates, outside the picture. A run
    that only passes through large losses and comes back is shown whole.
    """
    if weights.ndim != 2 or weights.shape[1] < 2:
        raise ValueError(f"weights must be rows of at least 2 parameters; got shape {weights.shape}")
    finite = _finite_rows(weights)
    if not finite:
        raise ValueError("weights must be finite in the first row; these are not")
    steps = np.arange(len(weights)) if steps is None else steps
    ended = finite < len(weights)
    weights, losses, steps = weights[:finite], losses[:finite], steps[:finite]
    shown = _shown_rows(losses)
    plane = own_plane(names) if weights.shape[1] == 2 else principal_plane(weights[:shown])
    return WeightPath(plane, steps, losses, plane.coordinates(weights), shown, ended)


def _finite_rows(weights: np.ndarray) -> int:
    """How many rows, from the first on, can be reckoned with."""
    largest = np.maximum(weights.max(axis=1), -weights.min(axis=1)).astype(float)
    good = largest <= LARGEST  # nan is not
    return len(weights) if good.all() else int(good.argmin())


def _shown_rows(losses: np.ndarray) -> int:
    """How many rows, from the first on, are in the picture; an unknown loss is not a large one."""
    known = losses[~np.isnan(losses)]
    limit = FAR * abs(known[0]) if len(known) else np.inf
    last = np.flatnonzero(losses <= limit).max(initial=-1)
    beyond = np.flatnonzero(losses > limit)
    leaves = beyond[beyond > last].min(initial=len(losses))
    return min(max(int(leaves), 2), len(losses))


def own_plane(names: tuple[str, str]) -> Plane:
    """The plane of a model with two parameters, which are its coordinates."""
    return Plane(np.zeros(2), np.eye(2), names, 1.0)


def principal_plane(weights: np.ndarray) -> Plane:
    """The least-squares plane of (n, P) finite rows, from at most FIT_ROWS of them, evenly spaced.

    A second direction that is missing is one along as few parameters as can be. The largest
    entry of a direction is positive, so that a picture repeats.
    """
    kept = np.linspace(0, len(weights) - 1, min(len(weights), FIT_ROWS)).round().astype(int)
    rows = weights[kept].astype(float)
    moved = rows - rows[0]  # exactly 0 where nothing moved, as the way from a mean need not be
    origin = rows[0] + moved.mean(axis=0)
    if not moved.any():
        return Plane(origin, np.eye(2, weights.shape[1]), ("first parameter", "second parameter"), np.nan)
    moved /= np.abs(moved).max()
    lengths, directions = _principal_directions(moved - moved.mean(axis=0))
    shares = lengths**2 / (lengths**2).sum()
    titles = [f"principal direction {i + 1} ({percent(shares[i])} of the movement)" for i in (0, 1)]
    return Plane(origin, directions, (titles[0], titles[1]), float(shares[:2].sum()))


def _principal_directions(centered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, P) about their mean -> all singular values, and the first two directions (2, P).

    By way of a QR decomposition, which takes a third of the time where rows are long (Chan 1982);
    by torch, which keeps to one thread.
    """
    rows = torch.from_numpy(centered)
    triangle = torch.linalg.qr(rows.T, mode="r").R
    _, lengths, mixtures = torch.linalg.svd(triangle, full_matrices=False)
    first = _signed(_unit(mixtures[0] @ rows))
    if lengths[1] > ON_A_LINE * lengths[0]:
        second = _unit(mixtures[1] @ rows)
    else:
        second = torch.zeros_like(first)
        second[first.abs().argmin()] = 1.0
        lengths = lengths * (torch.arange(len(lengths)) == 0)
    for _ in range(2):  # once leaves a little of the first direction, by rounding
        second = _unit(second - (second @ first) * first)
    return lengths.numpy(), torch.stack([first, _signed(second)]).numpy()


def _unit(vector: Tensor) -> Tensor:
    return vector / torch.linalg.vector_norm(vector)


def _signed(vector: Tensor) -> Tensor:
    return vector if vector[vector.abs().argmax()] > 0 else -vector
