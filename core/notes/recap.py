"""Claims of the fourth note: tensors, modules, parameters, Functions; target shapes, what backward fills."""

# pyright: reportOptionalMemberAccess=false, reportArgumentType=false
# (where a grad_fn is None, the lines raise, and the reader is told; a list is no attribute for a module)

import torch
from torch import nn

from core.config import Config
from core.lines import USUAL, without_zero_grad
from core.loop import Run
from core.models import build
from core.notes.claim import Claim, compared, deliveries, example, gives, neuron, said, trap
from core.seeds import stream


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


def ten_outputs() -> dict:
    net = build("lenet", 64, 10, (), "relu", stream(0, "weights"))
    net(torch.zeros(1, 64)).sum().backward()
    return {
        "output.shape": net(torch.zeros(1, 64)).shape,
        "conv1.weight.grad.shape": net.get_parameter("conv1.weight").grad.shape,
        "fc1.weight.grad.shape": net.get_parameter("fc1.weight").grad.shape,
    }


def target_view() -> dict:
    generator = torch.Generator().manual_seed(0)
    output, target = torch.randn(1, 10, generator=generator), torch.randn(10, generator=generator)
    errors = output - target.view(-1, 1)
    return {
        "shape of output - target.view(-1, 1)": errors.shape,
        "its loss": errors.square().mean().item(),
        "MSELoss says": said(lambda: nn.MSELoss()(output, target.view(-1, 1))),
        "loss with target.view(1, -1)": nn.MSELoss()(output, target.view(1, -1)).item(),
    }


def close_small() -> dict:
    target = torch.tensor([1.0, 2.0])
    return {f"target + {off}": nn.MSELoss()(target + off, target).item() for off in (0.0, 0.1, 10.0)}


def improves() -> dict:
    model, (inputs, targets), loss_fn = neuron(5.041, 1.91), deliveries(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    before = loss_fn(model(inputs), targets).item()
    loss_fn(model(inputs[3:]), targets[3:]).backward()  # one example only
    optimizer.step()
    return {
        "loss on all four examples": before,
        "after an update on the last one": loss_fn(model(inputs), targets).item(),
    }


def all_parameters() -> dict:
    model = nn.ModuleDict({name: neuron(1.0, 0.0) for name in ("used", "unused", "frozen")})
    model["frozen"].requires_grad_(False)
    model["frozen"](model["used"](torch.ones(1, 1))).sum().backward()
    return {name: layer.weight.grad for name, layer in model.items()}


def by_hand() -> dict:
    net, (inputs, targets) = neuron(3.0, 11.0), deliveries(exact=True)
    learning_rate = 0.01

    def update():
        for f in net.parameters():
            f.data.sub_(f.grad.data * learning_rate)

    too_early, version = said(update), net.weight._version
    nn.functional.mse_loss(net(inputs), targets).backward()  # 15 and 8
    update()
    return {
        "weight and bias": [f.item() for f in net.parameters()],
        "before backward": too_early,
        "writes that autograd has counted": net.weight._version - version,
    }


def torch_optim() -> dict:
    base = torch.optim.Optimizer
    classes = [one for one in vars(torch.optim).values() if isinstance(one, type)]
    names = [one.__name__ for one in classes if issubclass(one, base) and one is not base]
    return {"in torch.optim": sorted(names)}


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
        "state_dict hands out every parameter to save, load_state_dict takes them back, and .to moves them "
        "all to another device or dtype.",
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
    "ten_outputs": Claim(
        "First the input is passed throguh the network it produces an output, example shape (1,10). … "
        "conv1.weight.grad fc1.weight.grad",
        "holds",
        "As with the small LeNet of this app: backward gives every weight a .grad of the weight's own shape.",
        ten_outputs,
        gives(torch.Size([1, 10]), torch.Size([6, 1, 3, 3]), torch.Size([48, 64])),
    ),
    "target_view": Claim(
        "it MUST match the output shape so we reshape it. target = target.view(-1, 1)",
        "wrong",
        "view(-1, 1) makes it (10, 1), which broadcasts against (1, 10): the mean of 100 squared errors, "
        "not of 10. PyTorch only warns. view(1, -1) matches.",
        target_view,
        gives(torch.Size([10, 10]), 1.721266, "Using a target size (torch.Size([10, 1]))", 1.15502),
        example("broadcast"),
    ),
    "close_small": Claim(
        "If output is close to target the loss is small if output is far from target the loss is large",
        "holds",
        "Off by 0, 0.1, and 10, the MSE is the square of that.",
        close_small,
        gives(0.0, 0.01, 100.0),
        also=("bridge", "losses"),
    ),
    "improves": Claim(
        "The optimizer updates the weights using gradients … This improves the network",
        "imprecise",
        "A step goes downhill for the batch it has seen, and only if the learning rate is small enough. "
        "Here the last example alone pulls the best line away from the others.",
        improves,
        gives(0.025417, lambda loss: loss > 0.03),
        trap("rate_too_large"),
    ),
    "all_parameters": Claim(
        "when loss.backward() is called autograd computes the gradients for all parameters",
        "imprecise",
        "For those that the loss depends on and that require a gradient. The others' .grad stays None.",
        all_parameters,
        gives([[1.0]], None, None),
        also=("passes",),
    ),
    "by_hand": Claim(
        "weight = weight - learning_rate * gradient … `for f in net.parameters(): "
        "f.data.sub_(f.grad.data * learning_rate)`",
        "holds",
        "After backward, that is; before it there is no gradient. Writes through .data are hidden from "
        "autograd's checks, so `with torch.no_grad()` is safer.",
        by_hand,
        gives([2.85, 10.92], "'NoneType' object has no attribute 'data'", 0),
        example("update"),
    ),
    "torch_optim": Claim(
        "There's a vairety of different update rules. torch.optim implemetns all these methods",
        "holds",
        "The usual ones and more; Nesterov momentum is SGD(nesterov=True).",
        torch_optim,
        gives(lambda names: {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad"} <= set(names)),
        compared(
            Config(lr=0.05), *(("optimizer", name) for name in ("adam", "rmsprop", "adagrad", "nesterov"))
        ),
    ),
}
