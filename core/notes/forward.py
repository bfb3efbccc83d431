"""Claims of the last note on forward and loss: their numbers, and what the graph records."""

# pyright: reportAttributeAccessIssue=false
# (the stubs do not know the variable of a node at which backward ends)

import torch
from torch import nn

from core.graph import nodes
from core.notes.claim import Claim, deliveries, gives, losses, moment, neuron, said, trap


def outputs() -> dict:
    model, (distances, _) = neuron(5.0, 2.0), deliveries()
    return {"outputs": model(distances).flatten().tolist()}


def remembers() -> dict:
    model, (distances, _) = neuron(5.0, 2.0), deliveries()
    by_hand = distances * model.weight + model.bias
    return {
        "model(distances)": nodes.operations(model(distances)),
        "distances * weight + bias": nodes.operations(by_hand),
    }


def squared_errors() -> dict:
    outputs = torch.tensor([7.0, 12.0, 17.0, 22.0])
    times = torch.tensor([6.96, 12.11, 16.77, 22.21])
    return {
        "squared errors": (outputs - times) ** 2,
        "MSELoss": nn.MSELoss()(outputs, times).item(),
    }


def squares() -> dict:
    errors = torch.tensor([2.0, -2.0, 10.0])
    return {"errors": errors, "squared": errors**2}


def smooth() -> dict:
    slopes = {}
    for loss_fn in (nn.functional.mse_loss, nn.functional.l1_loss):
        errors = torch.tensor([-0.1, 0.0, 0.1], requires_grad=True)
        loss_fn(errors, torch.zeros(3), reduction="sum").backward()
        slopes[f"{loss_fn.__name__}, slopes at −0.1, 0, 0.1"] = errors.grad
    return slopes


def complete_path() -> dict:
    model, (distances, times) = neuron(5.0, 2.0), deliveries()
    loss = nn.functional.mse_loss(model(distances), times)
    ends = [node.variable for node in nodes.walk([loss]) if nodes.is_leaf(node)]
    with torch.no_grad():
        untracked = nn.functional.mse_loss(model(distances), times)
    return {
        "it ends in weight and bias": {*map(id, ends)} == {id(model.weight), id(model.bias)},
        "distances among its ends": any(end is distances for end in ends),
        "backward without a graph": said(untracked.backward),
    }


CLAIMS = {
    "outputs": Claim(
        "output[0] = 5.0 × 1.0 + 2.0 = 7.0 … 12.0 … 17.0 … output[3] = 5.0 × 4.0 + 2.0 = 22.0",
        "holds",
        "Exactly: these numbers fit into float32.",
        outputs,
        gives([7.0, 12.0, 17.0, 22.0]),
        moment("forward"),
    ),
    "remembers": Claim(
        'PyTorch remembers: "To get `outputs`, I multiplied by `weight`, then added `bias`."',
        "imprecise",
        "nn.Linear is recorded as one operation that does both, on a transposed weight. Written out by "
        "hand, it is two.",
        remembers,
        gives(["TBackward0", "AddmmBackward0"], ["MulBackward0", "AddBackward0"]),
        moment("forward"),
    ),
    "squared_errors": Claim(
        "MSE = (0.0016 + 0.0121 + 0.0529 + 0.0441) / 4 = 0.0277",
        "holds",
        "0.027675, rounded. In float32 the last digits differ, since 6.96 and the like have to be rounded.",
        squared_errors,
        gives([0.0016, 0.0121, 0.0529, 0.0441], 0.027675),
        moment("loss"),
    ),
    "squares": Claim(
        "Error of +2 and -2 both become 4 … Error of 10 → 100, but error of 2 → 4",
        "holds",
        "Squaring removes the sign, and makes large errors count more.",
        squares,
        gives([2.0, -2.0, 10.0], [4.0, 4.0, 100.0]),
        losses("one", loss="mse"),
    ),
    "smooth": Claim(
        "Mathematically convenient: Smooth, differentiable function",
        "holds",
        "Its slope passes through 0 with the error. That of the absolute error jumps from −1 to 1.",
        smooth,
        gives([-0.2, 0.0, 0.2], [-1.0, 0.0, 1.0]),
        losses("one", loss="mse", over="l1"),
    ),
    "complete_path": Claim(
        "This graph is essential for the backward pass … Now PyTorch knows the complete path from inputs to "
        "loss.",
        "imprecise",
        "From the loss to what requires a gradient: weight and bias. The distances are data, where no path "
        "ends. Without a graph, backward raises.",
        complete_path,
        gives(True, False, "element 0 of tensors does not require grad and does not have a grad_fn"),
        trap("no_grad"),
    ),
}
