"""Claims of the last note on backward: what a gradient is, its numbers, and their order."""

# pyright: reportOptionalMemberAccess=false
# (where a .grad is None, the lines raise, and the reader is told)

import torch
from torch import nn

from core.graph import nodes
from core.notes.claim import Claim, deliveries, example, gives, moment, neuron


def tiny_amount() -> dict:
    distances, times = (tensor.double() for tensor in deliveries(exact=True))
    weight, tiny = torch.tensor(5.0, dtype=torch.float64, requires_grad=True), 1e-6

    def loss(weight):
        return nn.functional.mse_loss(distances * weight + 5, times)

    return {
        "gradient": torch.autograd.grad(loss(weight), weight)[0].item(),
        "change of the loss / change of the weight": ((loss(weight + tiny) - loss(weight)) / tiny).item(),
    }


def formulas() -> dict:
    model, (distances, times) = neuron(5.0, 2.0), deliveries()
    outputs = model(distances)
    nn.functional.mse_loss(outputs, times).backward()
    errors, n = (outputs - times).detach(), len(times)
    return {
        "(2/n) × Σ(output − times) × distance": (2 / n * (errors * distances).sum()).item(),
        "weight.grad": model.weight.grad.item(),
        "(2/n) × Σ(output − times)": (2 / n * errors.sum()).item(),
        "bias.grad": model.bias.grad.item(),
    }


def fifteen() -> dict:
    model = nn.Sequential(neuron(5.0, 5.0))
    distances, times = deliveries(exact=True)
    loss = nn.functional.mse_loss(model(distances), times)
    loss.backward()
    return {
        "outputs": model(distances).flatten().tolist(),
        "model[0].weight.grad": model[0].weight.grad,
        "model[0].bias.grad": model[0].bias.grad,
        "loss": loss.item(),
    }


def in_reverse() -> dict:
    model, (distances, times) = neuron(5.0, 2.0), deliveries()
    loss, order = nn.functional.mse_loss(model(distances), times), []
    for node in nodes.walk([loss]):
        name = nodes.operation(node)
        node.register_prehook(lambda _, name=name: order.append(name))
    loss.backward()
    return {
        "order": [name for name in order if name != "AccumulateGrad"],
        "distances.grad": distances.grad,
    }


CLAIMS = {
    "tiny_amount": Claim(
        '"If I increase the weight by a tiny amount, how much does the loss change?" This is the derivative '
        "(gradient) of loss with respect to each parameter.",
        "holds",
        "Per unit of change in the weight, in the limit of tiny amounts.",
        tiny_amount,
        gives(15.0, 15.0),
        moment("backward"),
    ),
    "formulas": Claim(
        "∂loss/∂weight = … (2/n) × Σ(output - times) × distance … "
        "∂loss/∂bias = … (2/n) × Σ(output - times) × 1",
        "holds",
        "At weight 5 and bias 2 the formulas give what backward leaves in .grad.",
        formulas,
        gives(-0.165, -0.165, -0.025, -0.025),
        example("deliveries"),
    ),
    "fifteen": Claim(
        "outputs = [10, 15, 20, 25] … times = [7, 12, 17, 22] … = 0.5 × 30 = 15.0 "
        "This gradient is stored in: weight.grad = 15.0",
        "holds",
        "Exactly. The weight is 5 and the bias 5; what the notes leave out is bias.grad = 6 and the loss, 9.",
        fifteen,
        gives([10.0, 15.0, 20.0, 25.0], [[15.0]], [6.0], 9.0),
        moment("backward"),
    ),
    "in_reverse": Claim(
        "PyTorch traverses the computational graph in reverse: "
        "loss ←── [MSE] ←── outputs ←── [+bias] ←── [×weight] ←── distances",
        "imprecise",
        "In reverse, yes, but it ends at weight and bias: the distances get no gradient. And nn.Linear is "
        "recorded as one operation, Addmm, with a transposed weight.",
        in_reverse,
        gives(["MseLossBackward0", "AddmmBackward0", "TBackward0"], None),
        moment("backward"),
    ),
}
