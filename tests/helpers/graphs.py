"""Graphs to look at, shared by the tests: of a linear model, an MLP and LeNet."""

import torch

from core.graph.graph import graph
from core.losses import LOSSES
from core.models import build, ending_in

ROWS = 200


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def task(kind, activation="tanh", loss="bce", dtype=torch.float32):
    """(model, loss_fn, inputs, targets): a linear model, a 2-8-8-? MLP or LeNet."""
    row = LOSSES[loss]
    outputs = 1 if "zero_one" in row.takes else 10
    features = 64 if kind == "lenet" else 2
    model = build(kind, features, outputs, (8, 8), activation, torch.Generator().manual_seed(1)).to(dtype)
    if row.last:
        model = ending_in(model, row.last())
    targets = (random(ROWS, 1, seed=2) > 0).to(dtype) if outputs == 1 else torch.arange(ROWS) % 10
    if row.takes == ("one_hot",):
        targets = torch.nn.functional.one_hot(targets).to(dtype)
    return model, row.build(outputs).to(dtype), random(ROWS, features).to(dtype), targets


TASKS = {
    "linear": lambda **choices: task("linear", **({"loss": "mse"} | choices)),
    "mlp": lambda **choices: task("mlp", **choices),
    "lenet": lambda **choices: task("lenet", **({"loss": "cross_entropy"} | choices)),
}


def forward(model, loss_fn, inputs, targets):
    """The loss, and the names of all tensors that the loop holds."""
    outputs = model(inputs)
    loss = loss_fn(outputs, targets)
    known = dict(model.named_parameters()) | {"inputs": inputs, "targets": targets}
    return loss, known | {"outputs": outputs, "loss": loss}


def of(kind, **choices):
    loss, known = forward(*TASKS[kind](**choices))
    return loss, known, graph(loss, known)


def names(shown):
    return [node.name for node in shown.nodes]


def arrows(shown):
    return [[(edge.to, edge.output) for edge in node.edges] for node in shown.nodes]


def saved(shown, operation):
    """What the operations of this name keep, by name, those nearest to the loss first."""
    found = [node.saved for node in shown.nodes if node.name == operation]
    return [{one.name: one for one in tensors} for tensors in found]


def split_bytes(held, parameters):
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in held}
    own = {p.untyped_storage().data_ptr() for p in parameters}
    of_parameters = sum(n for where, n in storages.items() if where in own)
    return sum(storages.values()) - of_parameters, of_parameters
