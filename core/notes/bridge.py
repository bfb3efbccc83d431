"""Claims of the notes of day 05: losses, backward, gradients that add up, .item(), what moves the weights."""

# pyright: reportOptionalMemberAccess=false
# (where a .grad or grad_fn is None, the lines raise, and the reader is told)

import torch
from torch import nn

from core.config import Config
from core.graph import nodes
from core.loop import Run
from core.notes.claim import (
    Claim,
    Link,
    added_up,
    compared,
    deliveries,
    example,
    gives,
    losses,
    moment,
    neuron,
    said,
    trap,
)
from core.watch import memory


def regression() -> dict:
    config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.1, steps=300)
    run = Run(config).advance()
    weight, bias = (parameter.item() for parameter in run.parameters)
    return {"weight": weight, "bias": bias, "last loss": float(run.history.losses[-1])}


def logits_expected() -> dict:
    logits, target = torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([0])
    loss_fn = nn.CrossEntropyLoss()
    return {
        "loss": loss_fn(logits, target),
        "log(e² + e¹ + e⁰) − 2": logits.exp().sum().log() - 2,
        "loss, every logit 5 higher": loss_fn(logits + 5, target),
    }


def softmax_twice() -> dict:
    logits = torch.tensor([[-10.0, 10.0, 0.0]], requires_grad=True)
    target, loss_fn = torch.tensor([0]), nn.CrossEntropyLoss()
    (once,) = torch.autograd.grad(loss_fn(logits, target), logits)
    (twice,) = torch.autograd.grad(loss_fn(logits.softmax(dim=1), target), logits)
    perfect = torch.tensor([[1.0, 0.0, 0.0]])
    return {
        "gradient's length, sure and wrong": once.norm().item(),
        "with a softmax before": twice.norm().item(),
        "lowest loss with it": loss_fn(perfect, target).item(),
    }


def reverse_walk() -> dict:
    order = []
    x = torch.tensor(2.0, requires_grad=True)
    y = x * 3
    z = y**2
    loss = z + 1
    for name, tensor in (("y", y), ("z", z), ("loss", loss)):
        tensor.grad_fn.register_hook(lambda *_, name=name: order.append(name))
    loss.backward()
    return {"backward passes": order}


def contributed() -> dict:
    weight = torch.tensor(1.0, requires_grad=True)
    bias = torch.tensor(-10.0, requires_grad=True)
    output = torch.relu(weight * 2 + bias)
    loss = (output - 5) ** 2
    loss.backward()
    return {"loss": loss.item(), "weight.grad": weight.grad, "bias.grad": bias.grad}


def stored_in_grad() -> dict:
    model, (inputs, targets) = neuron(5.0, 5.0), deliveries(exact=True)
    before = model.weight.grad
    nn.functional.mse_loss(model(inputs), targets).backward()
    return {
        "weight.grad before": before,
        "weight.grad after": model.weight.grad,
        "bias.grad after": model.bias.grad,
    }


def piled_up() -> dict:
    weight, after = torch.tensor(3.0, requires_grad=True), []
    for _ in range(3):
        (weight**2).backward()
        after.append(weight.grad.item())
    return {"weight.grad after each backward": after}


def mandatory() -> dict:
    whole, halves, (inputs, targets) = neuron(0.0, 0.0), neuron(0.0, 0.0), deliveries()
    loss_fn = nn.MSELoss()
    loss_fn(whole(inputs), targets).backward()
    for rows, answers in zip(inputs.chunk(2), targets.chunk(2), strict=True):
        (loss_fn(halves(rows), answers) / 2).backward()  # no zero_grad: they are to add up
    return {
        "weight.grad, all rows": whole.weight.grad,
        "two halves added": halves.weight.grad,
    }


def vector() -> dict:
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    squares = weight**2
    refused = said(squares.backward)
    squares.backward(gradient=torch.ones(2))
    one_entry = (torch.ones(1, requires_grad=True) ** 2).reshape(1, 1, 1)
    return {
        "backward()": refused,
        "weight.grad after backward(gradient=ones)": weight.grad,
        "backward() of shape (1, 1, 1)": said(one_entry.backward),
    }


def squashed() -> dict:
    outputs, targets = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 2.0, 5.0])
    loss = nn.MSELoss()(outputs, targets)
    return {
        "errors": nn.MSELoss(reduction="none")(outputs, targets),
        "loss": loss,
        "loss.shape": loss.shape,
    }


def huge_graph() -> dict:
    model, (inputs, targets) = neuron(5.0, 2.0), deliveries()
    loss = nn.functional.mse_loss(model(inputs), targets)
    return {"print(loss)": loss, "nodes of its graph": nodes.count(loss)}


def item_float() -> dict:
    loss = torch.tensor(0.1, requires_grad=True) * 2
    return {
        "loss": loss,
        "loss.item()": loss.item(),
        "its type": type(loss.item()).__name__,
    }


def item_memory() -> dict:
    watch = memory.MemoryRun(Config(hidden=(8,)), steps=5).advance()
    held = {row.way: row for row in watch.rows if row.kept == 5}
    return {
        "5 losses as .item(), bytes saved for backward": held["item"].saved,
        "as tensors, after backward": held["after"].saved,
        "as tensors, backward never called": held["without"].saved,
        "graph nodes behind the sum of 5 losses": held["sum_after"].nodes,
    }


def no_update() -> dict:
    model, (inputs, targets) = neuron(5.0, 5.0), deliveries(exact=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    nn.functional.mse_loss(model(inputs), targets).backward()
    after_backward = model.weight.item()
    optimizer.step()
    return {
        "weight.grad": model.weight.grad,
        "weight after backward": after_backward,
        "weight after step": model.weight.item(),
    }


CLAIMS = {
    "regression": Claim(
        "`nn.MSELoss`: Great for regression (predicting continuous numbers).",
        "holds",
        "Trained with it by the five lines, a line through four deliveries ends where least squares puts it.",
        regression,
        gives(5.041, 1.91, 0.025417),
        compared(Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.1, steps=300)),
        also=("losses",),
    ),
    "logits_expected": Claim(
        "`CrossEntropyLoss` expects raw logits (raw scores).",
        "holds",
        "The softmax is inside: only the differences between the scores count.",
        logits_expected,
        gives(0.407606, 0.407606, 0.407606),
        losses("cross_entropy"),
        also=("losses",),
    ),
    "softmax_twice": Claim(
        "If you put a Softmax at the end of your model and then use this loss, you're essentially doing the "
        "math twice, which messes up the gradients.",
        "holds",
        "Where the model is confidently wrong, hardly any gradient is left. With three classes even a "
        "perfect answer keeps a loss of 0.55. But nothing raises, and nothing becomes NaN.",
        softmax_twice,
        gives(1.41418, lambda length: 0 < length < 1e-4, 0.551445),
        trap("softmax_twice_3"),
    ),
    "reverse_walk": Claim(
        "When you call `loss.backward()`, PyTorch walks through the Computational Graph in reverse.",
        "holds",
        "They were computed in the order y, z, loss; a hook on each records when backward passes it.",
        reverse_walk,
        gives(["loss", "z", "y"]),
        moment("forward"),
        also=("passes",),
    ),
    "contributed": Claim(
        "It uses the Chain Rule to calculate exactly how much each weight contributed to the total error.",
        "imprecise",
        "It calculates the slope of the loss at this point, not a share of the error: here weight and "
        "bias cause the whole error of 25, and both gradients are 0.",
        contributed,
        gives(25.0, 0.0, 0.0),
        trap("dead_relu"),
        also=("passes", "steps"),
    ),
    "stored_in_grad": Claim(
        "These values are stored in the `.grad` attribute of each parameter.",
        "holds",
        "It is None until the first backward.",
        stored_in_grad,
        gives(None, [[15.0]], [6.0]),
        moment("backward"),
        also=("passes", "recap"),
    ),
    "piled_up": Claim(
        "PyTorch is designed to add (accumulate) gradients by default. If you don't clear them, the new "
        "gradients just get piled on top of the old ones …",
        "holds",
        "Each of three equal backward calls adds 6.",
        piled_up,
        gives([6.0, 12.0, 18.0]),
        moment("skipped"),
        also=("passes", "recap", "steps"),
    ),
    "mandatory": Claim(
        "This is why `optimizer.zero_grad()` or `model.zero_grad()` is mandatory in every loop.",
        "imprecise",
        "Not where gradients are meant to add up: with the loss of each half of the rows divided by 2, two "
        "backward calls without zero_grad in between give the gradient of all rows.",
        mandatory,
        gives([[-85.165]], [[-85.165]]),
        added_up("deliveries_2"),
        also=("passes",),
    ),
    "vector": Claim(
        "You can't call `.backward()` on a vector or a matrix.",
        "imprecise",
        "Not without an argument. With `gradient=`, one weight per entry, it works. And any tensor with a "
        "single entry will do, in any number of dimensions.",
        vector,
        gives("grad can be implicitly created only for scalar outputs", [2.0, 4.0], "nothing"),
        example("not_scalar"),
    ),
    "squashed": Claim(
        "Mean Squared Error or Average Cross Entropy—it squashes all the individual errors of a batch into "
        "one single value that the Autograd engine can handle.",
        "holds",
        "The mean of the squared errors, a tensor of shape ().",
        squashed,
        gives([1.0, 0.0, 4.0], 5 / 3, torch.Size([])),
        moment("loss"),
        also=("recap",),
    ),
    "huge_graph": Claim(
        "When you print a loss, it's a tensor attached to a huge graph.",
        "imprecise",
        "It is attached, and its grad_fn is printed, too. How large the graph is depends on the model: one "
        "layer and a loss make 5 nodes, two of which are where .grad gets filled.",
        huge_graph,
        gives(lambda loss: abs(loss - 0.027675) < 1e-6, 5),
        moment("loss"),
    ),
    "item_float": Claim(
        "Using `loss.item()` pulls out the raw Python float.",
        "holds",
        "The float32 number as a 64-bit Python float, which shows more of its digits.",
        item_float,
        gives(0.2, 0.2, "float"),
        also=("passes",),
    ),
    "item_memory": Claim(
        "It’s essential for logging because it prevents your memory from filling up with old computational "
        "graphs you no longer need.",
        "imprecise",
        "Only losses that are kept or summed hold their graphs, and backward frees what a graph saved. "
        "Without backward the bytes stay; a sum chains all the graphs together.",
        item_memory,
        gives(0, 0, lambda held: held > 10_000, lambda count: count > 30),
        Link("watch", {"dataset": "moons", "at": "0.0", "look": "memory"}),
    ),
    "no_update": Claim(
        "`loss.backward()` does not change the weights. … The weights stay exactly the same until an "
        "optimizer actually comes in …",
        "holds",
        "5 after backward, 5 − 0.01 × 15 after step.",
        no_update,
        gives([[15.0]], 5.0, 4.85),
        moment("step"),
    ),
}
