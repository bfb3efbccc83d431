"""The updates of many runs are those of torch.optim, run for run."""

from dataclasses import replace

import pytest
import torch

from core import Config, Run
from core.optimizers import OPTIMIZERS, arguments
from core.stacked.blocks import Training
from core.stacked.optimizers import UPDATES, StackedOptimizer
from core.stacked.stack import shape

STEPS = 7
CHOICES = [(0.1, 0.0), (0.01, 0.1), (0.003, 0.5)]  # learning rate, weight decay


def drawn(dtype, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "name, momentum",
    [
        *((name, 0.0) for name in UPDATES if name != "nesterov"),
        *((n, 0.7) for n in ("sgd", "nesterov", "rmsprop")),
    ],
)
def test_an_update_is_that_of_torch_optim(name, momentum, dtype):
    """Given the same gradients; a fused multiply-add may differ in the last bit, so within four of them."""
    base = Config(optimizer=name, momentum=momentum)
    configs = [replace(base, lr=lr, weight_decay=decay) for lr, decay in CHOICES]
    weights, gradients = drawn(dtype, 3, 33), drawn(dtype, STEPS, 3, 33)
    stacked = StackedOptimizer(configs, weights.clone())
    for grads in gradients:
        stacked.add_grads(grads, grads)
        stacked.step()
        stacked.zero_grad()
    for run, config in enumerate(configs):
        parameter = torch.nn.Parameter(weights[run].clone())
        given = arguments(name, config.lr, config.momentum, config.weight_decay)
        optimizer = OPTIMIZERS[name].make([parameter], **given)
        for grads in gradients:
            parameter.grad = grads[run].clone()
            optimizer.step()
        tolerance = 4 * torch.finfo(dtype).eps
        torch.testing.assert_close(stacked.weights[run], parameter.detach(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["sgd", "nesterov"])
def test_momentum_keeps_no_hold_of_the_gradients(name):
    """A buffer of gradients is used again: what momentum remembers must be a copy. By hand, from w = 0:
    v = 1, then 0.5 * 1 + 2 = 2.5; SGD moves by v, Nesterov by g + 0.5 * v."""
    configs = [Config(optimizer=name, momentum=0.5, lr=1.0)]
    stacked = StackedOptimizer(configs, torch.zeros(1, 1, dtype=torch.float64))
    used = torch.empty(1, 1, dtype=torch.float64)
    for fresh, by in ((1.0, {"sgd": 1.0, "nesterov": 1.5}), (2.0, {"sgd": 2.5, "nesterov": 3.25})):
        before = stacked.weights.item()
        stacked.add_grads(torch.full((1, 1), fresh, dtype=torch.float64), used)
        stacked.step()
        assert before - stacked.weights.item() == by[name]
        assert used.item() == fresh  # what is recorded as this step's .grad
        stacked.zero_grad()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_without_an_update_trains_by_the_plain_loop(name):
    config = Config(optimizer=name)
    assert set(UPDATES) < set(OPTIMIZERS) and (shape(config) is None) == (name not in UPDATES)


@pytest.mark.parametrize("given", [
    {"optimizer_arguments": (("maximize", True),)}, {"loss_arguments": (("reduction", "sum"),)},
])  # fmt: skip
def test_runs_with_arguments_train_by_the_plain_loop(given):
    config = Config(steps=3, **given)
    assert shape(Config(steps=3)) is not None and shape(config) is None
    (found,) = Training([config], "cpu").advance(lambda steps: True).results()
    assert found.steps["loss"].tolist() == Run(config).advance().history.losses.tolist()


def test_gradients_stay_only_where_zero_grad_is_not_called():
    usual = Config()
    skipped = replace(usual, loop=usual.loop[1:])
    optimizer = StackedOptimizer([usual, skipped], torch.zeros(2, 3))
    ones = torch.tensor([[1.0, torch.nan, torch.inf], [1.0, 2.0, 3.0]])
    optimizer.zero_grad()
    optimizer.add_grads(ones, torch.empty(2, 3))
    optimizer.zero_grad()
    assert optimizer.grads.tolist() == [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]  # not nan: a mask, no product
    optimizer.add_grads(torch.ones(2, 3), torch.empty(2, 3))
    assert optimizer.grads.tolist() == [[1.0, 1.0, 1.0], [2.0, 3.0, 4.0]]
