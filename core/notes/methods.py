"""Claims of the second note on methods: tensors, requires_grad, .detach(), .item(), .zero_() and backward."""

# pyright: reportOptionalMemberAccess=false
# (where a .grad is None, the lines raise, and the reader is told)

import torch
from torch import nn

from core.notes.claim import Claim, deliveries, example, gives, moment, neuron, said, trap


def numpy_like() -> dict:
    tensor = torch.tensor([1.0, 2.0, 3.0])
    array = tensor.numpy()
    array[0] = 7.0
    return {
        "tensor, after a write to its NumPy array": tensor,
        "requires_grad of tensor and array": [hasattr(one, "requires_grad") for one in (tensor, array)],
        "tensor.device": str(tensor.device),
    }


def flag() -> dict:
    W = torch.zeros(2)
    W.requires_grad_()
    with torch.no_grad():
        untracked = W * 2
    return {
        "W.requires_grad, set later": W.requires_grad,
        "W * 2": (W * 2).requires_grad,
        "W * 2 under no_grad": untracked.requires_grad,
        "of whole numbers": said(lambda: torch.tensor([1, 2], requires_grad=True)),
    }


def parameters_only() -> dict:
    model, (inputs, targets) = neuron(5.0, 2.0), deliveries()
    nn.functional.mse_loss(model(inputs), targets).backward()
    return {
        "parameters": [parameter.requires_grad for parameter in model.parameters()],
        "inputs": inputs.requires_grad,
        "inputs.grad": inputs.grad,
    }


def detach_shares() -> dict:
    W = torch.tensor([1.0, 2.0], requires_grad=True)
    Y = W * 1
    detached = W.detach()
    detached[0] = 7.0
    return {
        "detached is W": detached is W,
        "requires_grad of detached and W": [detached.requires_grad, W.requires_grad],
        "W, after a write to detached": W,
        "Y = W * 1, made before": Y.grad_fn.name(),
    }


def item_printing() -> dict:
    loss = torch.tensor(0.25, requires_grad=True) * 3
    return {
        'f"{loss.item():.4f}"': f"{loss.item():.4f}",
        'f"{loss:.4f}"': f"{loss:.4f}",
        ".item() of two entries": said(torch.zeros(2).item),
        "type of torch.tensor(3).item()": type(torch.tensor(3).item()).__name__,
    }


def zero_in_place() -> dict:
    model, (inputs, targets) = neuron(5.0, 5.0), deliveries(exact=True)
    nn.functional.mse_loss(model(inputs), targets).backward()
    grad = model.weight.grad
    grad.zero_()
    same = model.weight.grad is grad
    torch.optim.SGD(model.parameters(), lr=0.01).zero_grad()
    return {
        "after .grad.zero_()": grad,
        "the same tensor": same,
        "after optimizer.zero_grad()": model.weight.grad,
    }


def all_tensors() -> dict:
    a = torch.tensor(2.0, requires_grad=True)
    b = a * 3
    loss = b**2
    loss.backward()
    warning = said(lambda: b.grad)
    return {
        "requires_grad of a, b, loss": [t.requires_grad for t in (a, b, loss)],
        "a.grad": a.grad,
        "b.grad": warning,
    }


CLAIMS = {
    "numpy_like": Claim(
        "It is a multi-dimensional array, similar to a NumPy array, but optimized for GPU computation and "
        "gradient tracking.",
        "holds",
        "On the CPU the two can even share memory. Only a tensor has gradients, and only a tensor can live "
        "on another device.",
        numpy_like,
        gives([7.0, 2.0, 3.0], [True, False], "cpu"),
    ),
    "flag": Claim(
        "A boolean flag set during tensor creation … the signal to PyTorch's Autograd system to track every "
        "operation performed on this tensor.",
        "imprecise",
        "It can be set later, too; under no_grad nothing is tracked; and only floating-point and complex "
        "tensors can have it.",
        flag,
        gives(True, True, False, "Only Tensors of floating point and complex dtype can require gradients"),
        example("whole_numbers"),
    ),
    "parameters_only": Claim(
        "Only tensors representing model parameters (W,B) should typically have this set.",
        "holds",
        "Modules do just that: parameters have it, data does not, and backward computes no gradient for the "
        "data.",
        parameters_only,
        gives([True, True], False, None),
        moment("backward"),
    ),
    "detach_shares": Claim(
        "`.detach()` … Creates a new tensor that shares the underlying data but detaches the tensor from the "
        "current computation graph.",
        "holds",
        "The new tensor is detached; the old one and its graph stay as they were. Sharing works both ways: "
        "a write through the new tensor changes the old one.",
        detach_shares,
        gives(False, [False, True], [7.0, 2.0], "MulBackward0"),
        example("shared"),
    ),
    "item_printing": Claim(
        "Converts a single-element (scalar) PyTorch tensor … into a standard Python number (float). "
        "Essential for printing or logging the loss.",
        "imprecise",
        "A format such as :.4f takes the tensor as well. And .item() of an integer tensor is an int.",
        item_printing,
        gives("0.7500", "0.7500", "a Tensor with 2 elements cannot be converted to Scalar", "int"),
    ),
    "zero_in_place": Claim(
        "`.zero_()` … In-place method used on the parameter's .grad attribute (e.g., "
        "`optimizer.zero_grad()`).",
        "imprecise",
        ".zero_() does write zeros in place. optimizer.zero_grad() no longer calls it: since PyTorch 2.0 it "
        "sets .grad to None.",
        zero_in_place,
        gives([[0.0]], True, None),
        trap("read_none"),
    ),
    "all_tensors": Claim(
        "It calculates the gradients for all tensors that have requires_grad=True and populates their .grad "
        "attributes.",
        "wrong",
        "It fills .grad of leaves only. Gradients of results such as b are computed on the way, then "
        "dropped unless retain_grad() was called: their .grad stays None, and reading it warns.",
        all_tensors,
        gives([True, True, True], 36 * 1.0, "The .grad attribute of a Tensor that is not a leaf Tensor"),
        example("results"),
    ),
}
