"""Claims of the fourth note's steps: the target's shape, what backward fills, what updates the weights."""

# pyright: reportOptionalMemberAccess=false
# (where a .grad is None, the lines raise, and the reader is told)

import torch
from torch import nn

from core.models import build
from core.notes.claim import Claim, deliveries, example, gives, neuron, said, trap
from core.seeds import stream


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
    ),
}
