"""Devices: what there is, and that a run on each of them agrees with the CPU."""

import numpy as np
import pytest
import torch

from core import Config, Run
from core.devices import available, check
from core.lines import USUAL

ACCELERATORS = [name for name in available() if name != "cpu"]
NEEDS_ONE = pytest.mark.skipif(not ACCELERATORS, reason="this machine has no accelerator that torch knows")


def test_the_cpu_is_always_there_and_first():
    assert next(iter(available())) == "cpu"
    assert check("cpu", "float64") == check(torch.device("cpu"), "float32") == torch.device("cpu")


def test_every_device_has_a_readable_name():
    assert all(name and name.isprintable() for name in available().values())


@pytest.mark.parametrize("device", ["cuda:99", "meta", "xpu:7", "gpu", "", "../cuda"])
def test_a_device_that_is_not_there_is_refused_in_words(device):
    with pytest.raises(ValueError, match=rf"^device must be one of cpu.*; got {device}$"):
        Run(Config(), device=device)


def test_float64_is_refused_where_the_device_has_none(monkeypatch):
    monkeypatch.setattr("core.devices.available", lambda: {"cpu": "CPU", "mps:0": "mps:0"})
    with pytest.raises(ValueError, match=r"^dtype must be float32 on mps.*; got float64$"):
        check("mps", "float64")
    assert check("mps", "float32") == torch.device("mps", 0)


SAMPLES = [
    Config(dataset="deliveries", model="linear", lr=0.01, steps=20, loop=USUAL[1:]),
    Config(dataset="moons", hidden=(8,), batch_size=32, steps=20, lr=0.1),
    Config(dataset="iris", hidden=(8,), optimizer="nesterov", steps=20, lr=0.05),
    Config(dataset="digits", model="lenet", lr=0.05, batch_size=64, steps=5),  # convolutions: TF32 on CUDA
]


@NEEDS_ONE
@pytest.mark.parametrize("config", SAMPLES, ids=["skipped", "batches", "nesterov", "lenet"])
@pytest.mark.parametrize("device", ACCELERATORS)
def test_an_accelerator_agrees_with_the_cpu(device, config):
    here, there = Run(config).advance(), Run(config, device=device).advance()
    assert there.error is None
    assert all(str(p.device) == device for p in there.model.parameters())
    np.testing.assert_allclose(there.history.losses, here.history.losses, rtol=1e-3)
    for column in ("grad_norm", "fresh_norm", "leftover_norm"):
        np.testing.assert_allclose(
            there.history.steps[column], here.history.steps[column], rtol=1e-2, atol=1e-4
        )
    for name, grads in here.history.grads.items():
        np.testing.assert_allclose(there.history.grads[name], grads, rtol=1e-2, atol=1e-3)


@NEEDS_ONE
@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam", "rmsprop"])
@pytest.mark.parametrize("device", ACCELERATORS)
def test_what_is_recorded_on_an_accelerator_is_not_written_into_later(device, optimizer):
    """On CUDA, torch.optim's Nesterov writes into .grad; the recorded one is what it was before."""
    config = Config(dataset="iris", hidden=(8,), optimizer=optimizer, steps=10, lr=0.01, loop=USUAL[1:])
    history = Run(config, device=device).advance().history
    for name in history.grads:
        total = history.fresh_grads[name] + history.leftovers[name]
        np.testing.assert_array_equal(history.grads[name], total)


@NEEDS_ONE
@pytest.mark.parametrize("device", ACCELERATORS)
def test_a_label_out_of_range_is_refused_before_the_accelerator_sees_it(device):
    data = (torch.ones(4, 2), torch.tensor([0, 1, 2, 7]))
    with pytest.raises(IndexError, match="Target 7 is out of bounds"):
        Run(Config(dataset="iris", model="linear"), device, data=data, model=torch.nn.Linear(2, 3))
    assert Run(Config(dataset="iris", steps=2), device).advance().error is None  # it still works
