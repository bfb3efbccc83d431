"""Looks: they hold what PyTorch holds, keep it, and change nothing."""

import numpy as np
import pytest
import torch
from torch import nn

from core import Config, Run
from core.graph.tensor_state import same
from core.lines import USUAL
from core.optimizers import OPTIMIZERS
from core.watch.snapshot import FLOWING, look


def linear(**choices):
    return Config(**({"dataset": "deliveries", "model": "linear", "start": (5.0, 2.0)} | choices))


def bits(run):
    """Everything that a look could have disturbed."""
    parameters = list(run.model.parameters())
    grads = [None if p.grad is None else p.grad.tolist() for p in parameters]
    return [p.tolist() for p in parameters], grads, [p._version for p in parameters]


def after(run, lines):
    """The look after so many lines of a run."""
    for _ in range(lines):
        run.line()
    return look(run)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_looking_changes_nothing(optimizer):
    config = Config(optimizer=optimizer, batch_size=16, steps=4, hidden=(4,), lr=0.05)
    looked, alone = Run(config), Run(config).advance()
    for _ in range(4 * len(USUAL)):
        look(looked)
        grads = [p.grad for p in looked.parameters]
        look(looked)
        assert all(p.grad is g for p, g in zip(looked.parameters, grads, strict=True))
        looked.line()
    assert bits(looked) == bits(alone)


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam", "adamw", "rmsprop", "adagrad"])
def test_a_look_stays_as_it_was_while_the_run_goes_on(optimizer):
    # without zero_grad the same .grad is written into, as weights and state are
    run = Run(Config(optimizer=optimizer, momentum=0.9, hidden=(4,), loop=USUAL[1:], steps=5))
    early = after(run, 4)
    names = list(early.parameters)
    kept = {n: (early.tensors[n].values.tolist(), early.tensors[n].grad.tolist()) for n in names}
    state = {n: {key: torch.as_tensor(v).tolist() for key, v in early.state[n].items()} for n in names}
    assert all(state.values())  # there is something to remember
    late = after(run, 8)
    assert {n: (early.tensors[n].values.tolist(), early.tensors[n].grad.tolist()) for n in names} == kept
    assert {n: {k: torch.as_tensor(v).tolist() for k, v in early.state[n].items()} for n in names} == state
    for name in names:
        assert late.tensors[name].values.tolist() != kept[name][0]
        assert late.tensors[name].grad.tolist() != kept[name][1]
        assert {k: torch.as_tensor(v).tolist() for k, v in late.state[name].items()} != state[name]


def test_parameters_come_first_and_outputs_and_loss_when_they_are_there():
    run = Run(linear())
    assert list(look(run).tensors) == ["weight", "bias", "inputs", "targets"]
    assert list(after(run, 2).tensors) == ["weight", "bias", "inputs", "targets", "outputs"]
    assert list(after(run, 1).tensors) == ["weight", "bias", *FLOWING]
    assert list(look(run).parameters) == ["weight", "bias"]


def test_what_autograd_says_of_each_tensor():
    tensors = after(Run(linear()), 4).tensors  # through backward; warnings are errors
    leaves = {name: (held.requires_grad, held.is_leaf, held.grad_fn) for name, held in tensors.items()}
    assert leaves == {
        "weight": (True, True, None),
        "bias": (True, True, None),
        "inputs": (False, True, None),
        "targets": (False, True, None),
        "outputs": (True, False, "AddmmBackward0"),
        "loss": (True, False, "MseLossBackward0"),
    }
    assert {name: held.shape for name, held in tensors.items()} == {
        "weight": (1, 1), "bias": (1,), "inputs": (4, 1), "targets": (4, 1), "outputs": (4, 1), "loss": ()
    }  # fmt: skip
    assert all(not held.values.requires_grad for held in tensors.values())
    assert tensors["outputs"].values.flatten().tolist() == [7.0, 12.0, 17.0, 22.0]
    assert all((held.grad is not None) == (name in ("weight", "bias")) for name, held in tensors.items())


def test_the_version_counts_writes():
    run = Run(linear())
    before = look(run).tensors["weight"].version
    versions = [after(run, 1).tensors["weight"].version - before for _ in range(10)]
    assert versions == [0, 0, 0, 0, 1, 1, 1, 1, 1, 2]  # only optimizer.step() writes


def test_grad_is_none_zeros_or_values():
    run = Run(linear(loop=("forward", "loss", "backward", "zero_grad_zeros")))
    assert look(run).tensors["weight"].grad is None
    values = after(run, 3).tensors["weight"].grad
    assert values.item() == pytest.approx(-0.165, rel=1e-4)  # 2/4 (0.04 - 0.22 + 0.69 - 0.84)
    assert after(run, 1).tensors["weight"].grad.item() == 0.0
    assert values.item() != 0.0


def test_the_state_is_that_of_the_parameter():
    run = Run(linear(momentum=0.9))
    assert look(run).state == {"weight": {}, "bias": {}}
    now = after(run, 5)
    for name in ("weight", "bias"):  # after one update the buffer is the gradient itself
        assert same(now.state[name]["momentum_buffer"], now.tensors[name].grad)
    assert look(Run(linear()).advance(1)).state == {"weight": {}, "bias": {}}
    assert look(Run(linear(optimizer="sgd_by_hand")).advance(1)).state == {"weight": {}, "bias": {}}
    adam = look(Run(linear(optimizer="adam")).advance(3)).state["bias"]
    assert float(adam["step"]) == 3 and {"exp_avg", "exp_avg_sq"} <= adam.keys()


@pytest.mark.parametrize("optimizer", ["sgd", "sgd_by_hand"])
def test_the_learning_rate_is_the_one_in_use(optimizer):
    run = Run(linear(optimizer=optimizer, lr=0.02, schedule=((1, 0.01),), steps=3))
    assert look(run).lr == 0.02
    assert after(run, 6).lr == 0.01  # one line into the second step


class Pair(nn.Module):
    """A model whose outputs are no tensor."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1))

    def forward(self, inputs):
        return inputs @ self.weight, inputs


def test_what_is_no_tensor_is_left_out():
    run = Run(linear(), model=Pair(), evaluate=False)
    assert list(after(run, 2).tensors) == ["weight", "inputs", "targets"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (None, None, True),
        (None, torch.zeros(2), False),
        (torch.zeros(2), None, False),
        (torch.zeros(2), torch.zeros(2), True),
        (torch.zeros(2), torch.zeros(2, 1), False),
        (torch.tensor([np.nan, 1.0]), torch.tensor([np.nan, 1.0]), True),
        (torch.tensor([np.nan, 1.0]), torch.tensor([1.0, np.nan]), False),
        (torch.tensor([1.0]), torch.nextafter(torch.tensor([1.0]), torch.tensor([2.0])), False),
        (torch.tensor([1, 2]), torch.tensor([1, 2]), True),
    ],
)
def test_the_same_values(one, other, expected):
    assert same(one, other) == expected
