"""Claims of the last note on step: which way and how far weights move, and when that is too far."""

# pyright: reportOptionalMemberAccess=false
# (where a .grad is None, the lines raise, and the reader is told)

import torch
from torch import nn

from core import curvature
from core.config import Config
from core.loop import Run
from core.notes.claim import Claim, Link, compared, deliveries, gives, moment, neuron, trap


def new_weight() -> dict:
    model, (distances, times) = neuron(3.0, 11.0), deliveries(exact=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    nn.functional.mse_loss(model(distances), times).backward()
    optimizer.step()
    return {
        "weight.grad, bias.grad": [model.weight.grad.item(), model.bias.grad.item()],
        "new weight": model.weight.item(),
        "new bias": model.bias.item(),
    }


def signs() -> dict:
    changes = {}
    for start in (7.0, 3.0):  # the best weight is 5.04
        weight, (distances, times) = torch.tensor(start, requires_grad=True), deliveries()
        loss = nn.functional.mse_loss(distances * weight + 1.91, times)
        loss.backward()
        more = nn.functional.mse_loss(distances * (weight + 0.001) + 1.91, times)
        changes[f"weight {start}: gradient, change of the loss"] = [weight.grad.item(), (more - loss).item()]
    return changes


def always_lower() -> dict:
    config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.13, steps=3)
    return {"losses": torch.from_numpy(Run(config).advance().history.losses)}


def changes() -> dict:
    moved = {}
    for lr in (0.01, 0.1, 1.0):
        weight = torch.tensor(3.0, requires_grad=True)
        weight.grad = torch.tensor(15.0)
        torch.optim.SGD([weight], lr=lr).step()
        moved[f"lr {lr}: 3 becomes"] = weight.item()
    return moved


def faster() -> dict:
    steps = {}
    for lr in (0.01, 0.05, 0.1):
        config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=lr, steps=40)
        losses = Run(config).advance().history.losses
        steps[f"lr {lr}: updates until the loss is below 0.03"] = int((losses < 0.03).argmax())
    return steps


def overshoots() -> dict:
    config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=1.0, steps=40)
    losses = torch.from_numpy(Run(config).advance().history.losses)
    return {
        "first losses": losses[:3],
        "updates until it is infinite": int(losses.isinf().int().argmax()),
        "stable up to learning rate": curvature.limits(curvature.starting_curvature(config))["usual"],
    }


def what_sgd_does() -> dict:
    param, learning_rate = nn.Parameter(torch.tensor([3.0])), 0.01
    param.grad = torch.tensor([15.0])
    places = [param.data_ptr()]
    torch.optim.SGD([param], lr=learning_rate).step()
    places.append(param.data_ptr())
    param.data = param.data - learning_rate * param.grad
    places.append(param.data_ptr())
    return {
        "after both": param.item(),
        "SGD writes into the same memory": places[0] == places[1],
        "param.data = … does": places[1] == places[2],
    }


PLAIN = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01, steps=60)

CLAIMS = {
    "new_weight": Claim(
        "weight = 3.0 … weight.grad = 15.0 … learning_rate = 0.01 … new_weight = 3.0 - (0.01 × 15.0) = 3.0 - "
        "0.15 = 2.85",
        "holds",
        "In float32, 2.8499999. Weight 3 has a gradient of 15 where the bias is 11: not the same model as "
        "above, where the gradient is 15, too.",
        new_weight,
        gives([15.0, 8.0], 2.85, 10.92),
        moment("step"),
    ),
    "signs": Claim(
        'Positive gradient means: "Increasing weight increases loss" … Negative gradient means: "Increasing '
        'weight decreases loss"',
        "holds",
        "Above the best weight and below it.",
        signs,
        gives([29.385, lambda change: change > 0], [-30.615, lambda change: change < 0]),
        Link("watch", {**PLAIN.to_params(), "at": "1.0", "look": "surface"}),
    ),
    "always_lower": Claim(
        "Adjusts the weight and bias to reduce the loss … Subtracting always moves opposite to the gradient, "
        "toward lower loss.",
        "imprecise",
        "Plain SGD always moves opposite to it, but to a lower loss only if the step is short enough: here, "
        "above 2 / curvature, every step lands higher on the other side.",
        always_lower,
        gives([242.4027, 332.4257, 455.8859]),
        moment("dying"),
        also=("losses",),
    ),
    "changes": Claim(
        "lr = 0.01 (small): weight changes by 0.15 … lr = 0.1 (medium): weight changes by 1.5 … lr = 1.0 "
        "(large): weight changes by 15.0",
        "holds",
        "With the gradient 15 of the example.",
        changes,
        gives(2.85, 1.5, -12.0),
        moment("step"),
    ),
    "faster": Claim(
        "lr = 0.01 (small): … slow, stable learning … lr = 0.1 (medium): … faster learning",
        "imprecise",
        "Faster than 0.01, yes. But 0.05 is faster than both: near the limit, the weights overshoot and "
        "swing back.",
        faster,
        gives(37, 5, 15),
        compared(PLAIN, ("lr", "0.05"), ("lr", "0.1")),
    ),
    "overshoots": Claim(
        "lr = 1.0 (large): … might overshoot!",
        "imprecise",
        "On these four deliveries it certainly does: the limit, 2 / curvature, is about an eighth of that.",
        overshoots,
        gives([242.4027, 59747.07, 14728050.0], 15, 0.119756),
        trap("rate_far_too_large"),
    ),
    "what_sgd_does": Claim(
        "Simplified version of what SGD optimizer does: "
        "`param.data = param.data - learning_rate * param.grad`",
        "imprecise",
        "The same numbers. But SGD updates the weights in place, under no_grad; this line allocates new "
        "memory each time, behind autograd's back.",
        what_sgd_does,
        gives(2.7, True, False),
    ),
}
