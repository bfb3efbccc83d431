"""Claims of the second note: which way a gradient points, what step does, methods of tensors, tracking."""

# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportArgumentType=false
# (where a .grad or grad_fn is None, the lines raise, and the reader is told; dtype=float is the notes')

import torch
from torch import nn

from core.notes.claim import Claim, deliveries, example, gives, moment, neuron, said, trap


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


def derived() -> dict:
    A, B = torch.tensor([5.0], requires_grad=True), torch.tensor([10.0])
    with torch.no_grad():
        N = A * 2
    return {
        "requires_grad of A + B, B * 3, A > 0": [one.requires_grad for one in (A + B, B * 3, A > 0)],
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
        "gradient, unless that is nearly 0.",
        update_rule,
        gives(2.85, 2.99),
        moment("step"),
        also=("recap",),
    ),
    "none_or_zero": Claim(
        "W.grad = None (or W.grad.zero_())",
        "holds",
        "Both clear it: the next backward leaves the same .grad. They differ for a step that finds it "
        "cleared: on zeros, momentum still moves the weight; None is skipped.",
        none_or_zero,
        gives(0.9, 1.0, 0.81, 1.0),
        trap("zeros_with_momentum"),
    ),
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
    "derived": Claim(
        "The tensors that will have a computation history … are those derived from a tensor that has "
        "requires_grad=True. … If at least one input tensor requires gradients, the output tensor will also "
        "require gradients.",
        "imprecise",
        "Not under no_grad, and not where the result cannot have a gradient, such as A > 0.",
        derived,
        gives([True, False, False], "AddBackward0", None),
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
