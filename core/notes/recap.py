"""Claims of the fourth note's recap: tensors, modules, parameters and Functions."""

# pyright: reportOptionalMemberAccess=false, reportArgumentType=false
# (where a grad_fn is None, the lines raise, and the reader is told; a list is no attribute for a module)

import torch
from torch import nn

from core.config import Config
from core.lines import USUAL, without_zero_grad
from core.loop import Run
from core.notes.claim import Claim, compared, gives, neuron, trap


def torch_tensor() -> dict:
    return {
        "torch.tensor": type(torch.tensor).__name__,
        "what it makes": type(torch.tensor([1.0])).__name__,
        "isinstance(…, torch.Tensor)": isinstance(torch.tensor([1.0]), torch.Tensor),
    }


def module_helps() -> dict:
    model, other = neuron(5.0, 2.0), neuron(0.0, 0.0)
    other.load_state_dict(model.state_dict())
    model.to(torch.float64)  # or a device
    return {
        "names in state_dict": list(model.state_dict()),
        "weight and bias that were loaded": [p.item() for p in other.parameters()],
        "moved by one call": [str(p.dtype) for p in model.parameters()],
    }


def parameter() -> dict:
    module = nn.Module()
    module.weight = nn.Parameter(torch.ones(2))
    module.plain = torch.ones(2, requires_grad=True)
    module.in_a_list = [nn.Parameter(torch.ones(2))]
    return {
        "isinstance(weight, torch.Tensor)": isinstance(module.weight, torch.Tensor),
        "registered": [name for name, _ in module.named_parameters()],
    }


def function() -> dict:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 3 * x**2

    x = torch.tensor(2.0, requires_grad=True)
    y = Cube.apply(x)
    y.backward()
    return {"y.grad_fn": y.grad_fn.name(), "y": y.item(), "x.grad": x.grad}


def every_operation() -> dict:
    plain, weight = torch.tensor(2.0), torch.tensor(2.0, requires_grad=True)
    with torch.no_grad():
        untracked = weight * 3
    return {
        "plain * 3": (plain * 3).grad_fn,
        "weight * 3": (weight * 3).grad_fn.name(),
        "weight * 3 under no_grad": untracked.grad_fn,
    }


def flow() -> dict:
    losses = {}
    for name, loop in (("losses, with zero_grad", USUAL), ("without", without_zero_grad(USUAL))):
        config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01, steps=4, loop=loop)
        losses[name] = torch.from_numpy(Run(config).advance().history.losses)
    return losses


CLAIMS = {
    "torch_tensor": Claim(
        "torch.tensor is a multidimensional array with support for autograd operaions like backward()",
        "imprecise",
        "torch.tensor is a function; the array it returns is a torch.Tensor.",
        torch_tensor,
        gives("builtin_function_or_method", "Tensor", True),
    ),
    "module_helps": Claim(
        "nn.Module … helps encapsualate parameters with helpers from moving them to the GPU, exporting "
        "loading.",
        "holds",
        "state_dict and load_state_dict save and load every parameter; .to moves them all to another device "
        "or dtype.",
        module_helps,
        gives(["weight", "bias"], [5.0, 2.0], ["torch.float64", "torch.float64"]),
    ),
    "parameter": Claim(
        "nn.PArameter is a tensor that is automatically registered as parameter when assigned as an "
        "attribute to a module",
        "holds",
        "A plain tensor is not, even if it requires grad; nor is a Parameter inside a Python list.",
        parameter,
        gives(True, ["weight"]),
        trap("layers_in_a_list"),
    ),
    "function": Claim(
        "autograd.Function implements forward and backward definitions of autograd operation.",
        "holds",
        "A cube of our own: its derivative 3 x² is 12 at x = 2.",
        function,
        gives("CubeBackward", 8.0, 12.0),
    ),
    "every_operation": Claim(
        "Every tensor operaton creates at least a single Function node that connect to functions that "
        "created a Tensor and encodes its history.",
        "imprecise",
        "Only where an input requires a gradient, and not under no_grad.",
        every_operation,
        gives(None, "MulBackward0", None),
        also=("steps",),
    ),
    "flow": Claim(
        "`input --> network --> output --> loss --> backward --> update weights.`",
        "imprecise",
        "Right for a single step. In a loop, zero_grad is missing: from the third loss on, gradients have "
        "added up.",
        flow,
        gives([242.4027, 168.2074, 116.7249, 81.0022], [242.4027, 168.2074, 67.3117, 4.30226]),
        compared(
            Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01, steps=60), ("loop", "FLBS")
        ),
    ),
}
