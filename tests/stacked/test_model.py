"""Many models as one: each gives what it gives alone, and what is overwritten is needed by nobody."""

import numpy as np
import pytest
import torch
from torch import nn

from core.models import ACTIVATIONS
from core.stacked.model import IN_PLACE, StackedModel


def chains():
    """Functions after a linear layer, after each other, and before any."""
    every = [*dict.fromkeys([*ACTIVATIONS.values(), *IN_PLACE])]
    return [
        *((nn.Linear, function, nn.Linear) for function in every),
        *((nn.Linear, first, second, nn.Linear) for first in every for second in every),
        *((function, nn.Linear) for function in every),
    ]


@pytest.mark.parametrize("kinds", chains(), ids=lambda kinds: "-".join(kind.__name__ for kind in kinds))
def test_a_stack_gives_outputs_and_gradients_of_its_models(kinds):
    torch.manual_seed(0)
    models = [
        nn.Sequential(*(kind(3, 3) if kind is nn.Linear else kind() for kind in kinds)).double() for _ in "ab"
    ]
    rows = [torch.randn(5, 3, dtype=torch.float64) for _ in models]
    inputs = torch.stack([part.T for part in rows])
    stack, before = StackedModel(models, torch.device("cpu")), inputs.clone()
    outputs = stack(inputs)
    outputs.square().sum().backward()
    assert torch.equal(inputs, before)
    grads = torch.empty_like(stack.weights)
    stack.take_grads(grads)
    for model, part, output, grad in zip(models, rows, outputs, grads, strict=True):
        alone = model(part)
        alone.square().sum().backward()
        torch.testing.assert_close(output.T, alone, rtol=1e-12, atol=1e-12)
        expected = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
        torch.testing.assert_close(grad, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "by_mkl"), [(torch.float32, True), (torch.float32, False), (torch.float64, True)]
)
def test_tanh_is_right_to_the_last_digit_or_two_wherever_its_argument_is(dtype, by_mkl, monkeypatch):
    """Against the C library's, in its longest type: from numbers too small to be normal to inf."""
    monkeypatch.setattr("core.stacked.model.SLOW_BY_MKL", () if by_mkl else (dtype,))
    monkeypatch.setattr("core.stacked.model.AT_LEAST", 1)
    monkeypatch.setattr("core.stacked.model.AT_ONCE", 100)  # several parts
    tiny, eps = torch.finfo(dtype).tiny, torch.finfo(dtype).eps
    edges = torch.tensor([0, tiny / 8, 1e30, torch.inf])
    sizes = torch.cat([torch.logspace(-12, 2, 999, dtype=dtype), edges])
    values = torch.cat([sizes, -sizes, torch.tensor([torch.nan])]).to(dtype)
    wanted = np.tanh(values.numpy().astype(np.longdouble))
    leaf = values.clone().requires_grad_()
    inputs = leaf * 1
    outputs = IN_PLACE[nn.Tanh](inputs)
    assert outputs.data_ptr() == inputs.data_ptr()  # overwritten
    np.testing.assert_allclose(outputs.detach().numpy(), wanted, rtol=2 * eps, atol=0)
    outputs.backward(torch.full_like(values, 3.0))
    np.testing.assert_allclose(leaf.grad.numpy(), 3 * (1 - wanted**2), rtol=0, atol=9 * eps)
