"""The second note, first part: which way does a gradient point, what does step do, what clears .grad?"""

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
        "With one example in a column, as in textbooks. PyTorch puts each example in a row, and nn.Linear "
        "computes X @ W.T + b; with that X the formula as it stands raises.",
        linear_layer,
        gives([1.0, 3.0, 5.0], [1.0, 3.0, 5.0], "shapes cannot be multiplied (3x2 and 4x2)"),
    ),
    "lower_better": Claim(
        "A lower loss is better. Eg. MSE Loss, BCE loss",
        "imprecise",
        "Only of the same loss. The same outputs have an MSE of 0.01 and a BCE of 0.1054: neither is better. "
        "And on training rows alone, a lower loss may mean overfitting.",
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
        "It points to where the loss grows; one goes the other way. And how far is a matter of the "
        "learning rate: the magnitude is a slope, no distance.",
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
        "That is plain SGD. Adam's first step is the learning rate long, however large the gradient.",
        update_rule,
        gives(2.85, 2.99),
        moment("step"),
        also=("recap",),
    ),
    "none_or_zero": Claim(
        "W.grad = None (or W.grad.zero_())",
        "imprecise",
        "For the next backward both are the same. For an optimizer with momentum they are not: zeros are a "
        "gradient, and the weight rolls on; None is none, and it stays.",
        none_or_zero,
        gives(0.9, 1.0, 0.81, 1.0),
        trap("zeros_with_momentum"),
    ),
}
