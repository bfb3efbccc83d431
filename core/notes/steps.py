"""Claims of the last note on zero_grad: what it leaves behind, and what sums of gradients are good for."""

# pyright: reportOptionalMemberAccess=false
# (where a .grad is None, the lines raise, and the reader is told)

import torch
from torch import nn

from core import curvature
from core.config import Config
from core.notes.claim import Claim, Link, deliveries, example, gives, neuron, trap
from core.traps import momentum


def resets_all() -> dict:
    model = neuron(5.0, 5.0)
    optimizer = torch.optim.SGD([model.weight], lr=0.01)  # the bias is not its business
    model(torch.ones(1, 1)).sum().backward()
    optimizer.zero_grad()
    after_optimizer = [model.weight.grad, model.bias.grad]
    model.zero_grad()
    return {
        "weight.grad, bias.grad after optimizer.zero_grad()": after_optimizer,
        "after model.zero_grad()": [model.weight.grad, model.bias.grad],
    }


def back_to_zero() -> dict:
    model = neuron(5.0, 5.0)
    optimizer, after = torch.optim.SGD(model.parameters(), lr=0.01), {}
    for set_to_none in (True, False):
        model.weight.grad, model.bias.grad = torch.tensor([[0.5]]), torch.tensor([0.2])
        optimizer.zero_grad(set_to_none)
        after[f"set_to_none={set_to_none}"] = [model.weight.grad, model.bias.grad]
    return after


def micro_batches() -> dict:
    grads, (inputs, targets) = {}, deliveries()
    ways = {"all rows": ([4], 1), "4 parts": ([1] * 4, 1), "each loss / 4": ([1] * 4, 4)}
    for name, (rows, divided_by) in (ways | {"1 and 3 rows, each loss / 2": ([1, 3], 2)}).items():
        model = neuron(0.0, 0.0)
        for part, times in zip(inputs.split(rows), targets.split(rows), strict=True):
            (nn.functional.mse_loss(model(part), times) / divided_by).backward()
        grads[f"weight.grad, {name}"] = model.weight.grad.item()
    return grads


def several_losses() -> dict:
    weight = torch.tensor(3.0, requires_grad=True)
    (weight**2).backward()
    (weight * 10).backward()
    (of_sum,) = torch.autograd.grad(weight**2 + weight * 10, weight)
    return {"weight.grad after two losses": weight.grad, "gradient of their sum": of_sum}


def sums() -> dict:
    weight, stored = torch.tensor(1.0, requires_grad=True), []
    for gradient in (0.5, 0.3, 0.4):
        (weight * gradient).backward()
        stored.append(weight.grad.item())
    return {"weight.grad": stored}


def erratic() -> dict:
    config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01, steps=120)
    both = momentum.twins(config)  # without zero_grad; with it, and momentum 1
    history = both.skipped.history
    lengths = history.steps["grad_norm"].to_numpy()
    return {
        "losses and weights that differ from momentum 1": both.losses + both.weights,
        "largest .grad, steps 0 to 59": float(lengths[:60].max()),
        "largest .grad, steps 60 to 119": float(lengths[60:].max()),
        "largest loss, steps 60 to 119": float(history.losses[60:].max()),
        "stable up to learning rate": curvature.limits(curvature.starting_curvature(config))["skipped"],
    }


CLAIMS = {
    "resets_all": Claim(
        "Resets all gradients stored in the model's parameters (weight and bias)",
        "imprecise",
        "It clears those of the parameters that the optimizer was given. model.zero_grad() clears all of "
        "the model's.",
        resets_all,
        gives([None, [1.0]], [None, None]),
        trap("optimizer_elsewhere"),
    ),
    "back_to_zero": Claim(
        "Before zero_grad(): weight.grad = 0.5 … bias.grad = 0.2 … After zero_grad(): weight.grad = 0.0 "
        "bias.grad = 0.0",
        "wrong",
        "Since PyTorch 2.0 it leaves None. With set_to_none=False it leaves zeros, as it did by default "
        "before.",
        back_to_zero,
        gives([None, None], [[[0.0]], [0.0]]),
        trap("read_none"),
    ),
    "micro_batches": Claim(
        "Gradient accumulation: When your batch is too large for GPU memory, you can process mini-batches "
        "and accumulate gradients before updating",
        "imprecise",
        "Where the loss is a mean and the parts are equal, each loss has to be divided by their number, or "
        "the gradient is 4 times as large. Unequal parts need weights: their rows over all rows.",
        micro_batches,
        gives(-85.165, -340.66, -85.165, -61.41667),
        trap("micro_batches"),
    ),
    "several_losses": Claim(
        "Multi-loss training: Add gradients from multiple loss functions",
        "holds",
        "6 and 10 add up to 16, the gradient of the sum of the two losses.",
        several_losses,
        gives(16.0, 16.0),
    ),
    "sums": Claim(
        "Iteration 1: gradient = 0.5 … Iteration 2: gradient = 0.5 + 0.3 = 0.8 … "
        "Iteration 3: gradient = 0.8 + 0.4 = 1.2",
        "holds",
        "Rounded to float32, which holds neither 0.8 nor 1.2 exactly.",
        sums,
        gives([0.5, 0.8, 1.2]),
        example("adds_up"),
    ),
    "erratic": Claim(
        "Your model will make increasingly erratic updates and fail to converge.",
        "imprecise",
        "It fails to settle. But here, on all rows of a quadratic, nothing increases: it is momentum 1 to "
        "the last bit, which swings evenly below 4 / curvature. With mini-batches or an MLP the swings can "
        "grow.",
        erratic,
        gives(0, lambda g: 200 < g < 226, lambda g: 200 < g < 226, lambda loss: loss > 200, 0.239512),
        Link("traps", {"view": "momentum", "on": "linear", "lr": "0.01"}),
    ),
}
