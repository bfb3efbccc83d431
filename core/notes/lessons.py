"""Claims of day 05's lessons: what backward may be called on, .item(), and what moves the weights."""

import torch
from torch import nn

from core.config import Config
from core.graph import nodes
from core.notes.claim import Claim, Link, deliveries, example, gives, moment, neuron, said
from core.watch import memory


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
    watch = memory.Watch(Config(hidden=(8,)), steps=5).advance()
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
