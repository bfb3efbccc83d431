"""Claims of the second note's first part: which way a gradient points, what step does, what clears .grad."""

# pyright: reportOptionalMemberAccess=false
# (where a .grad is None, the lines raise, and the reader is told)

import torch
from torch import nn

from core.notes.claim import Claim, deliveries, gives, moment, neuron, said, trap


def linear_layer() -> dict:
    X = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 0.0]])  # four examples
    W, b = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), torch.zeros(3)
    return {
        "first row of nn.functional.linear(X, W, b)": nn.functional.linear(X, W, b)[0],
        "of X @ W.T + b": (X @ W.T + b)[0],
        "W @ X + b": said(lambda: W @ X + b),
    }


def scalar_quantity() -> dict:
    outputs, targets = torch.tensor([1.0, 4.0]), torch.tensor([0.0, 2.0])
    weight = torch.tensor([3.0, -1.0])
    loss = nn.MSELoss()(outputs, targets)
    return {
        "shape of MSELoss()": loss.shape,
        'of MSELoss(reduction="none")': nn.MSELoss(reduction="none")(outputs, targets).shape,
        "MSELoss()": loss.item(),
        "with a penalty of 0.1 × Σ weight²": (loss + 0.1 * weight.square().sum()).item(),
    }


def lower_better() -> dict:
    outputs, targets = torch.tensor([0.9, 0.9, 0.9]), torch.ones(3)
    return {
        "MSELoss": nn.MSELoss()(outputs, targets),
        "BCELoss of the same outputs": nn.BCELoss()(outputs, targets),
    }


def learns() -> dict:
    model, (inputs, targets) = neuron(5.0, 5.0), deliveries(exact=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loss_fn = nn.MSELoss()
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    after_backward = loss_fn(model(inputs), targets)
    optimizer.step()
    return {
        "loss": loss.item(),
        "after backward": after_backward.item(),
        "after step": loss_fn(model(inputs), targets).item(),
    }


def direction() -> dict:
    inputs, targets = deliveries(exact=True)
    weight = torch.tensor(5.0, requires_grad=True)

    def loss(weight):
        return nn.functional.mse_loss(weight * inputs + 5, targets)

    (grad,) = torch.autograd.grad(loss(weight), weight)
    return {
        "gradient": grad,
        "loss": loss(weight).item(),
        "0.01 of the gradient added to the weight": loss(weight + 0.01 * grad).item(),
        "subtracted": loss(weight - 0.01 * grad).item(),
    }


def one_sweep() -> dict:
    generator = torch.Generator().manual_seed(0)
    shapes = (5, 3), (3, 4), (4, 1)
    X, W, B = (torch.randn(shape, generator=generator).double() for shape in shapes)
    weights = (W.requires_grad_(), B.requires_grad_())

    def loss(W, B):
        return (torch.tanh(X @ W) @ B).square().mean()

    grads = torch.autograd.grad(loss(W, B), weights)
    return {
        "derivatives from one backward": sum(grad.numel() for grad in grads),
        "each equals a difference of two losses": torch.autograd.gradcheck(loss, weights),
    }


def update_rule() -> dict:
    moved = {}
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        model, (inputs, targets) = neuron(3.0, 11.0), deliveries(exact=True)
        nn.functional.mse_loss(model(inputs), targets).backward()  # weight.grad = 15
        optimizer(model.parameters(), lr=0.01).step()
        moved[f"weight 3 after {optimizer.__name__}"] = model.weight.item()
    return moved


def none_or_zero() -> dict:
    after = {}
    for set_to_none in (True, False):
        weight = torch.tensor(1.0, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
        weight.backward()
        optimizer.step()  # 1 - 0.1 x 1
        optimizer.zero_grad(set_to_none)
        optimizer.step()
        after["None" if set_to_none else "zeros"] = weight.item()
        weight.backward()
        after[f"{'None' if set_to_none else 'zeros'}, next .grad"] = weight.grad.item()
    return after


CLAIMS = {
    "linear_layer": Claim(
        "Y = act(W @ X + b )",
        "imprecise",
        "With one example per column, as in textbooks. PyTorch puts each example in a row, and nn.Linear "
        "computes X @ W.T + b; with such an X the formula as written raises.",
        linear_layer,
        gives([1.0, 3.0, 5.0], [1.0, 3.0, 5.0], "shapes cannot be multiplied (3x2 and 4x2)"),
    ),
    "scalar_quantity": Claim(
        "Loss : This is the scalar quantity that is calculated from the prediction and the factual data of "
        "the observation present.",
        "imprecise",
        'Scalar by default, since it is averaged: with reduction="none" there is one number per observation. '
        "And it may contain more than predictions and data, such as a penalty on the weights.",
        scalar_quantity,
        gives(torch.Size([]), torch.Size([2]), 2.5, 3.5),
        trap("not_scalar"),
    ),
    "lower_better": Claim(
        "A lower loss is better. Eg. MSE Loss, BCE loss",
        "imprecise",
        "Only when it is the same loss. The same outputs have an MSE of 0.01 and a BCE of 0.1054: neither "
        "is better. And a lower loss on the training rows alone may mean overfitting.",
        lower_better,
        gives(0.01, 0.1053605),
        also=("losses",),
    ),
    "learns": Claim(
        "Backward: This is where the model learns from previous data rows/batches/whole epochs of data",
        "imprecise",
        "backward computes how the loss of this batch changes with each weight, and moves none of them: "
        "the loss stays 9. What is learned comes with step.",
        learns,
        gives(9.0, 9.0, 6.60735),
        moment("backward"),
        also=("recap",),
    ),
    "direction": Claim(
        "It tells us the direction and magnitude to change W to reduce the loss.",
        "imprecise",
        "It points uphill; the step goes the other way. And how far is up to the learning rate: the "
        "magnitude is a slope, not a distance.",
        direction,
        gives(15.0, 9.0, 11.41875, 6.91875),
        moment("step"),
        also=("recap",),
    ),
    "one_sweep": Claim(
        "PyTorch uses Automatic Differentiation (Autograd) to compute all these derivatives efficiently, "
        "moving backwards from the scalar loss",
        "holds",
        "One backward gives them all. Differences of losses give the same (gradcheck), but take two forward "
        "passes for each of the 16.",
        one_sweep,
        gives(16, True),
    ),
    "update_rule": Claim(
        "the Optimizer … uses the gradients … to physically update the parameters: "
        "W_new = W_old − (Learning Rate × W.grad).",
        "imprecise",
        "That is plain SGD. Adam's first step moves a weight by the learning rate, whatever the size of its "
        "gradient.",
        update_rule,
        gives(2.85, 2.99),
        moment("step"),
        also=("recap",),
    ),
    "none_or_zero": Claim(
        "W.grad = None (or W.grad.zero_())",
        "holds",
        "Both clear it: after the next backward .grad is the same. They differ only for a step before that: "
        "on zeros, momentum still moves the weight; None is skipped.",
        none_or_zero,
        gives(0.9, 1.0, 0.81, 1.0),
        trap("zeros_with_momentum"),
    ),
}
