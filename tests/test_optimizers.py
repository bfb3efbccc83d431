"""Optimizers: every update rule against its formula by hand, and PyTorch's published baseline.

The formulas are those on the pages of torch.optim, written with NumPy in double; the gradient
of the linear model is written by hand too.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core import Config, Run
from core.build import make_optimizer, optimizer_arguments
from core.lines import USUAL
from core.optimizers import OPTIMIZERS, SGDByHand, arguments, expression

BASELINE = json.loads((Path(__file__).parent / "reference/pytorch_optim_baseline.json").read_text())

X = np.array([[0.5, -1.0], [1.5, 2.0], [-0.7, 0.3], [2.0, 1.0], [0.1, -0.4]])
Y = np.array([[1.0], [-2.0], [0.5], [3.0], [0.2]])
START = np.array([0.4, -0.3, 0.2])  # two weights, one bias
STEPS, LR = 12, 0.05


def gradient(p):
    """Of the mean of (w x + b - y)^2."""
    errors = X @ p[:2, None] + p[2] - Y
    return np.append((2 * errors * X).mean(axis=0), (2 * errors).mean())


def sgd(p, g, s, t, momentum=0.0, decay=0.0, nesterov=False):
    g = g + decay * p
    s["velocity"] = g if t == 1 else momentum * s["velocity"] + g
    return p - LR * (g + momentum * s["velocity"] if nesterov else s["velocity"])


def by_hand(p, g, s, t):
    return p - LR * g


def nesterov(p, g, s, t, momentum=0.9, decay=0.0):
    return sgd(p, g, s, t, momentum, decay, nesterov=True)


def adam(p, g, s, t, decay=0.0, beta1=0.9, beta2=0.999, eps=1e-8):
    g = g + decay * p
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g**2
    return p - LR * (s["m"] / (1 - beta1**t)) / (np.sqrt(s["v"] / (1 - beta2**t)) + eps)


def adamw(p, g, s, t, decay=0.0):
    return adam(p * (1 - LR * decay), g, s, t)  # the decay is no part of the gradient


def rmsprop(p, g, s, t, momentum=0.0, decay=0.0, alpha=0.99, eps=1e-8):
    g = g + decay * p
    s["v"] = alpha * s.get("v", 0) + (1 - alpha) * g**2
    s["buffer"] = momentum * s.get("buffer", 0) + g / (np.sqrt(s["v"]) + eps)
    return p - LR * s["buffer"]


def adagrad(p, g, s, t, decay=0.0, eps=1e-10):
    g = g + decay * p
    s["sum"] = s.get("sum", 0) + g**2
    return p - LR * g / (np.sqrt(s["sum"]) + eps)


CASES = [
    ("sgd", sgd, {}),
    ("sgd", sgd, {"momentum": 0.9}),
    ("sgd", sgd, {"momentum": 1.0}),
    ("sgd", sgd, {"decay": 0.1}),
    ("sgd", sgd, {"momentum": 0.8, "decay": 0.1}),
    ("sgd_by_hand", by_hand, {}),
    ("nesterov", nesterov, {}),
    ("nesterov", nesterov, {"momentum": 0.6, "decay": 0.1}),
    ("adam", adam, {}),
    ("adam", adam, {"decay": 0.1}),
    ("adamw", adamw, {}),
    ("adamw", adamw, {"decay": 0.01}),  # torch's own default
    ("adamw", adamw, {"decay": 0.3}),
    ("rmsprop", rmsprop, {}),
    ("rmsprop", rmsprop, {"momentum": 0.5, "decay": 0.1}),
    ("adagrad", adagrad, {}),
    ("adagrad", adagrad, {"decay": 0.1}),
]


def test_every_optimizer_has_a_formula():
    assert {name for name, _, _ in CASES} == set(OPTIMIZERS)


def linear():
    model = nn.Linear(2, 1, dtype=torch.float64)
    nn.utils.vector_to_parameters(torch.tensor(START), model.parameters())
    return model


def run(optimizer, momentum=None, decay=0.0, **choices):
    config = Config(
        dataset="diabetes",
        model="linear",
        optimizer=optimizer,
        momentum=momentum,
        weight_decay=decay,
        lr=LR,
        steps=STEPS,
        dtype="float64",
        **choices,
    )
    return Run(config, data=(X, Y), model=linear()).advance()


def path(run):
    """Weights before each step, and at the end, as (steps + 1, 3)."""
    weights = run.history.weights
    rows = np.concatenate([weights["weight"].reshape(-1, 2), weights["bias"]], axis=1)
    end = nn.utils.parameters_to_vector(run.model.parameters()).detach().numpy()
    return np.vstack([rows, end])


@pytest.mark.parametrize(("optimizer", "rule", "choices"), CASES)
def test_an_optimizer_follows_its_formula(optimizer, rule, choices):
    state, expected = {}, [START]
    for t in range(1, STEPS + 1):
        expected.append(rule(expected[-1], gradient(expected[-1]), state, t, **choices))
    np.testing.assert_allclose(path(run(optimizer, **choices)), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("optimizer", "rule", "choices"), CASES)
def test_an_optimizer_follows_its_formula_on_accumulated_gradients(optimizer, rule, choices):
    state, expected, accumulated = {}, [START], 0
    for t in range(1, STEPS + 1):
        accumulated = accumulated + gradient(expected[-1])
        expected.append(rule(expected[-1], accumulated, state, t, **choices))
    ours = run(optimizer, loop=USUAL[1:], **choices)  # without zero_grad
    np.testing.assert_allclose(path(ours), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loop", [USUAL, USUAL[1:]], ids=["usual", "skipped"])
def test_sgd_by_hand_is_torch_sgd_to_rounding(loop):
    np.testing.assert_allclose(path(run("sgd_by_hand", loop=loop)), path(run("sgd", loop=loop)), rtol=1e-13)


def test_sgd_by_hand_skips_what_has_no_gradient_and_forgets_it():
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = SGDByHand([used, unused], lr=0.5)
    used.grad = torch.tensor([1.0, -2.0])
    optimizer.step()
    assert used.tolist() == [0.5, 2.0] and unused.tolist() == [1.0, 1.0]
    optimizer.zero_grad()
    assert used.grad is None  # as torch.optim does since PyTorch 2.0


def test_sgd_by_hand_writes_zeros_into_the_gradients_there_are_where_none_is_not_wanted():
    """As torch.optim: the same tensor stays, and what has no .grad gets none."""
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    used.grad = there = torch.tensor([1.0, math.nan])
    SGDByHand([used, unused], lr=0.5).zero_grad(set_to_none=False)
    assert used.grad is there and there.tolist() == [0.0, 0.0]
    assert unused.grad is None


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("decay", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_an_optimizer_gets_every_choice_that_it_uses(name, decay, momentum):
    """Choices at torch's default are left out of the call; they must arrive all the same."""
    if name == "nesterov":
        momentum = momentum or 0.9
    config = Config(optimizer=name, lr=0.3, momentum=momentum, weight_decay=decay)
    optimizer = make_optimizer(config, linear())
    if name == "sgd_by_hand":
        assert optimizer.lr == 0.3
        return
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.3, decay)
    assert group.get("momentum", momentum) == momentum
    assert group.get("nesterov", False) == (name == "nesterov")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_expression_of_an_optimizer_makes_it_again(name):
    config = Config(optimizer=name, momentum=0.4, weight_decay=0.3)
    names = {"torch": torch, "SGDByHand": SGDByHand, "model": linear()}
    built = eval(expression(name, optimizer_arguments(config)), names)
    ours = make_optimizer(config, linear())
    assert type(built) is type(ours) is OPTIMIZERS[name].make
    if name == "sgd_by_hand":
        assert built.lr == ours.lr
    else:
        assert built.defaults == ours.defaults


class ThreeTimes(nn.Module):
    """The baseline's loss is the sum of three outputs, all positive: the mean size of 3 times them."""

    def __init__(self):
        super().__init__()
        layers = (nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1), nn.Sigmoid())
        self.net = nn.Sequential(*layers).double()
        start = torch.tensor(np.concatenate(BASELINE["init"]))
        nn.utils.vector_to_parameters(start, self.parameters())

    def forward(self, inputs):
        return 3 * self.net(inputs)


# Snapshots are named by the number of the update after which they were taken, from 0. Most agree to
# rounding; for Adam, made when eps stood elsewhere in its formula, PyTorch's own tolerance is taken.
BASELINE_RUNS = [
    pytest.param(case, step, id=f"{name}-{step}")
    for name, case in BASELINE["cases"].items()
    for step in case["snaps"]
]


@pytest.mark.parametrize(("case", "step"), BASELINE_RUNS)
def test_the_parameters_of_pytorchs_own_baseline_are_reached(case, step):
    given = dict(case["args"])
    optimizer = "nesterov" if given.pop("nesterov", False) else case["opt"].lower()
    config = Config(
        dataset="diabetes",
        loss="l1",
        optimizer=optimizer,
        lr=case["lr"],
        steps=int(step) + 1,
        dtype="float64",
        **given,
    )
    data = (torch.tensor(BASELINE["x"], dtype=torch.float64), torch.zeros(3, 1, dtype=torch.float64))
    trained = Run(config, data=data, model=ThreeTimes()).advance().model
    expected = np.concatenate([np.ravel(part) for part in case["snaps"][step]])
    ours = nn.utils.parameters_to_vector(trained.parameters()).detach().numpy()
    rtol, atol = (1e-12, 1e-12) if case.get("tight") else (1e-3, 5e-4)
    np.testing.assert_allclose(ours, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rate_that_changes_is_used_from_the_next_update_on(name):
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = OPTIMIZERS[name].make([weight], **arguments(name, 0.1, 0.5, 0.0))
    exec(OPTIMIZERS[name].set_lr, {"optimizer": optimizer, "lr": 0.0})  # noqa: S102
    weight.grad = torch.tensor([2.0])
    optimizer.step()
    assert float(weight.detach()) == 1.0  # nothing moves at rate 0
