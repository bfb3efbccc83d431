"""Limits of the learning rate: the curvature of the loss, and what follows from it.

On a quadratic of curvature c, one direction of gradient descent is w <- (1 - lr c) w. It
shrinks while lr c < 2. With momentum b the limit is 2 (1 + b) / c (Polyak 1964); a loop that
never calls zero_grad is momentum 1, hence 4 / c; a step on the gradient of the step before
shrinks only while lr c < 1. On other losses the limits hold near the weights they are taken
at (Cohen et al. 2021, "Gradient descent on neural networks typically occurs at the edge of
stability", which also gives the one for Nesterov). At momentum 1 nothing is damped: below 4 / c the
weights stay bounded and never settle.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from core import build
from core.config import Config
from core.lines import letters, only_five, parts
from core.models import MODELS
from core.optimizers import SGD_FAMILY

TOLERANCE = 1e-4  # relative; limits are shown with four digits
EXACT_UP_TO = 64  # parameters; a full Hessian takes one product per parameter
MAX_PRODUCTS = 300  # of the Hessian and a vector, which are kept; some 20 are enough as a rule

Curvature = Callable[[Config], float | None]  # at the starting weights; None where it is not asked for

START = (
    "dataset",
    "own",
    "noise",
    "val_share",
    "model",
    "hidden",
    "activation",
    "start",
    "loss",
    "loss_arguments",
    "seed",
    "dtype",
)

USUAL_ORDERS = {"ZFLBS", "FZLBS", "FLZBS", "FLBSZ", "SZFLB", "SFZLB", "SFLZB"}
STALE_ORDERS = {"FLSZB", "FSZLB", "FSLZB"}  # each step uses the gradient of the step before
SKIPPED_ORDERS = {"FLBS", "SFLB"}
KINKED = {"l1"}  # the second derivative of the loss says nothing of its steps


def _products(
    model: nn.Module, loss_fn: nn.Module, inputs: Tensor, targets: Tensor
) -> tuple[Callable[[Tensor], Tensor], int]:
    """v -> Hessian @ v at the model's weights, (P,) -> (P,), and P."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    loss = loss_fn(model(inputs), targets)
    grads = torch.autograd.grad(loss, parameters, create_graph=True)
    slope = torch.cat([g.flatten() for g in grads])

    def product(vector: Tensor) -> Tensor:
        if not slope.requires_grad:  # a loss without curvature
            return torch.zeros_like(vector)
        parts = torch.autograd.grad(slope @ vector, parameters, retain_graph=True, materialize_grads=True)
        return torch.cat([part.flatten() for part in parts])

    return product, len(slope)


def curvature(model: nn.Module, loss_fn: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Largest eigenvalue of the loss's Hessian at the model's weights, computed in double.

    From the whole matrix for small models, by Lanczos iteration on Hessian-vector products
    otherwise. nan where the loss or the iteration has no finite answer.
    """
    model = copy.deepcopy(model).cpu().double()
    inputs = inputs.cpu().double()
    targets = targets.cpu().double() if targets.is_floating_point() else targets.cpu()
    product, size = _products(model, copy.deepcopy(loss_fn).cpu().double(), inputs, targets)
    if size <= EXACT_UP_TO:
        matrix = torch.stack([product(row) for row in torch.eye(size, dtype=torch.float64)])
        finite = bool(matrix.isfinite().all())
        return float(torch.linalg.eigvalsh(matrix)[-1]) if finite else float("nan")
    return _lanczos(product, size)


def _lanczos(product: Callable[[Tensor], Tensor], size: int) -> float:
    """Lanczos iteration (Golub and Van Loan, chapter 10), each vector made orthogonal to all before it.

    SciPy has one too, which takes 20 MB to import. nan where it does not settle.
    """
    generator = torch.Generator().manual_seed(0)  # any start will do; this one repeats
    new = torch.randn(size, generator=generator, dtype=torch.float64)
    most = min(size, MAX_PRODUCTS)
    basis, matrix = new.new_empty(most, size), new.new_zeros(most, most)  # the Hessian in this basis
    for last in range(most):
        basis[last] = new / new.norm()
        new = product(basis[last])
        if not new.isfinite().all():
            return float("nan")
        known = basis[: last + 1]
        matrix[last, : last + 1] = matrix[: last + 1, last] = known @ new
        for _ in range(2):  # once leaves what rounding has added
            new = new - (known @ new) @ known
        values, vectors = torch.linalg.eigh(matrix[: last + 1, : last + 1])
        error = new.norm() * vectors[-1, -1].abs()  # Hessian @ vector - value * vector, its length
        if error <= TOLERANCE * values[-1].abs():
            return float(values[-1])
    return float("nan")


def start_of(config: Config) -> Config:
    """A Config with the same loss at the same starting weights, whatever its run does from there."""
    return Config(**{name: getattr(config, name) for name in START})


def starting_curvature(config: Config) -> float:
    """Curvature of the training loss at the starting weights of a Config."""
    built = build.build(config)
    return curvature(built.model, built.loss_fn, built.data.inputs, built.data.targets)


def limits(curvature: float) -> dict[str, float]:
    """Largest stable learning rate of plain SGD: stale gradient, usual loop, zero_grad skipped."""
    return {"stale": 1 / curvature, "usual": 2 / curvature, "skipped": 4 / curvature}


def is_quadratic(config: Config) -> bool:
    """Whether the curvature is the same everywhere and at every step, so that a limit holds throughout."""
    return config.model == "linear" and config.loss == "mse" and config.batch_size == 0


def settles(config: Config) -> bool:
    """Whether a run below its limit comes to rest; at momentum 1 it only stays bounded."""
    return letters(parts(config.loop)) not in SKIPPED_ORDERS and config.momentum < 1


def has_limit(config: Config) -> bool:
    """Whether a limit may be known: for one learning rate in the SGD family, with its usual arguments.

    Not with mini-batches, each of which has a curvature of its own (with momentum 1 their noise adds up at
    any rate), nor for losses with a kink, whose gradient does not shrink on the way down.
    """
    return (
        config.optimizer in SGD_FAMILY
        and only_five(config.loop)
        and not config.before
        and not config.batch_size
        and not MODELS[config.model].draws
        and config.loss not in KINKED
        and not config.schedule
        and config.scheduler == "none"
        and not config.optimizer_arguments
        and ("beta", 0.0) not in config.loss_arguments  # Smooth L1 is then L1
    )


def stability_limit(config: Config, curvature: float) -> float | None:
    """Largest stable learning rate of a run at this curvature; None where none is known.

    Where `has_limit`, in the usual order, and without momentum and weight decay also for a stale gradient and
    for zero_grad skipped.
    """
    steepness = curvature + config.weight_decay * (config.optimizer != "sgd_by_hand")
    if not has_limit(config) or not steepness > 0:
        return None
    order, momentum = letters(parts(config.loop)), config.momentum
    if config.optimizer == "sgd_by_hand":
        momentum = 0.0
    if order in USUAL_ORDERS:
        extra = 1 + 2 * momentum if config.optimizer == "nesterov" else 1
        return 2 * (1 + momentum) / extra / steepness
    plain = momentum == 0 and steepness == curvature
    if plain and order in STALE_ORDERS:
        return 1 / curvature
    return 4 / curvature if plain and order in SKIPPED_ORDERS else None
