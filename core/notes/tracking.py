"""Claims of the second note's exercises: who has a history, whose .grad is filled, what detach cuts."""

# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# (where a .grad or grad_fn is None, the lines raise, and the reader is told; dtype=float is the notes')

import torch
from torch import nn

from core.notes.claim import Claim, example, gives, said


def derived() -> dict:
    A, B = torch.tensor([5.0], requires_grad=True), torch.tensor([10.0])
    with torch.no_grad():
        N = A * 2
    return {
        "requires_grad of A + B, of B * 3": [(A + B).requires_grad, (B * 3).requires_grad],
        "grad_fn of A + B": (A + B).grad_fn.name(),
        "of A * 2 under no_grad": N.grad_fn,
    }


def explicit() -> dict:
    return {
        "torch.tensor": torch.tensor([1.0]).requires_grad,
        "nn.Parameter": nn.Parameter(torch.tensor([1.0])).requires_grad,
        "weight of nn.Linear": nn.Linear(1, 1, device="meta").weight.requires_grad,
    }


def five_tensors() -> dict:
    A, B = torch.tensor([5.0], requires_grad=True), torch.tensor([10.0])
    C = A * 2
    D = B * 3
    E = C + D
    E.backward()
    tensors = {"A": A, "B": B, "C": C, "D": D, "E": E}
    leaves = {name: tensor for name, tensor in tensors.items() if tensor.is_leaf}
    return {
        "have a grad_fn": [name for name, tensor in tensors.items() if tensor.grad_fn],
        "require a gradient": [name for name, tensor in tensors.items() if tensor.requires_grad],
        "are leaves": list(leaves),
        "leaves with a .grad": [name for name, leaf in leaves.items() if leaf.grad is not None],
        "A.grad": A.grad,
    }


def var_gradient() -> dict:
    a = torch.tensor([1, 2, 3], dtype=torch.float32, requires_grad=True)
    loss = torch.var(a)
    loss.backward()
    (biased,) = torch.autograd.grad(torch.var(a, correction=0), a)
    return {"a.grad": a.grad, "with correction=0": biased}


def detach_stops() -> dict:
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(10, 1, generator=generator).requires_grad_()
    X = torch.randn(5, 10, generator=generator)
    Y_pred = X @ W
    Y_pred_detached = Y_pred.detach()  # Line A
    loss = torch.sum(Y_pred_detached**2)  # Line B
    refused = said(loss.backward)
    torch.sum(Y_pred**2).backward()
    return {
        "Y_pred.grad_fn": Y_pred.grad_fn.name(),
        "loss.backward()": refused,
        "without detach, W.grad less 2 X.T X W": (W.grad - 2 * X.T @ X @ W).abs().max().item(),
    }


def var_double() -> dict:
    a = torch.tensor([[1, 3, 4]], requires_grad=True, dtype=float)
    loss = torch.var(a)
    loss.backward()
    return {"a.grad": a.grad, "loss.detach()": loss.detach()}


CLAIMS = {
    "derived": Claim(
        "The tensors that will have a computation history … are those derived from a tensor that has "
        "requires_grad=True. … If at least one input tensor requires gradients, the output tensor will also "
        "require gradients.",
        "imprecise",
        "Not under no_grad, and not where the result cannot have a gradient, such as A > 0.",
        derived,
        gives([True, False], "AddBackward0", None),
        example("five"),
    ),
    "explicit": Claim(
        "By default, requires_grad = False … It has to be explicity specified",
        "imprecise",
        "True of plain tensors. nn.Parameter sets it by default, and so every weight of a module has it.",
        explicit,
        gives(False, True, True),
    ),
    "five_tensors": Claim(
        "A,B,E have their history tracked by Autograd. … B,D dont have their history tracked.",
        "wrong",
        "B is on both lists, C on neither. C and E have a history. A is a leaf without one; it requires "
        "grad, and it alone gets a .grad: E grows by 2 when A grows by 1.",
        five_tensors,
        gives(["C", "E"], ["A", "C", "E"], ["A", "B", "D"], ["A"], [2.0]),
        example("five"),
    ),
    "var_gradient": Claim(
        "`a = torch.tensor([1,2,3],dtype=torch.float32, requires_grad=True)` … `loss = torch.var(a)` … "
        "`tensor([-1.,  0.,  1.])`",
        "holds",
        "2 (a − mean) / (n − 1): torch.var divides by n − 1 unless told otherwise.",
        var_gradient,
        gives([-1.0, 0.0, 1.0], [-2 / 3, 0.0, 2 / 3]),
        example("variance"),
    ),
    "detach_stops": Claim(
        "Here Y_pred = X @ W and has history tracked … But when the .detatch() is called, its gradients are "
        "no longer tracked",
        "imprecise",
        "Y_pred keeps its history; only the new tensor has none, so backward of its loss raises, and W.grad "
        "stays None. Without detach, W.grad is 2 XᵀXW.",
        detach_stops,
        gives(
            "MmBackward0",
            "element 0 of tensors does not require grad and does not have a grad_fn",
            lambda error: error < 1e-4,
        ),
        example("detach"),
    ),
    "var_double": Claim(
        "`a = torch.tensor([[1,3,4]],requires_grad=True,dtype=float)` … "
        "`tensor([[-1.6667,  0.3333,  1.3333]], dtype=torch.float64)` … `loss.detach()` … "
        "`tensor(2.3333, dtype=torch.float64)`",
        "holds",
        "Python's float has 64 bits, so dtype=float is float64. The mean is 8/3, the variance 7/3.",
        var_double,
        gives([[-5 / 3, 1 / 3, 4 / 3]], 7 / 3),
        example("whole_numbers"),
    ),
}
