"""Gradients that flow back: noted where they arrive, without changing a bit."""

import copy
import math

import pytest
import torch
from torch import nn

from core import Config, Run
from core.graph.flow import Flow
from core.graph.graph import graph
from tests.helpers.graphs import TASKS, forward, names, of, random


def test_a_parameter_used_twice_is_one_leaf_with_two_edges():
    w = torch.tensor(2.0, requires_grad=True)
    loss = w * 3 + w * 4
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, {"w": w}, flow)
    place = names(shown).index("AccumulateGrad")
    along = [edge.grad.values for node in shown.nodes for edge in node.edges if edge.to == place]
    assert len(shown.leaves) == 1
    assert along == [(3.0,), (4.0,)]  # each edge carries its own
    assert shown.nodes[place].grads[0].values == shown.leaves[0].grad.values == (7.0,)  # their sum arrives


def test_outputs_of_one_operation_are_told_apart():
    w = torch.tensor([2.0, 5.0], requires_grad=True)
    first, second = w.unbind()
    loss = second * 10 + first
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, {"w": w}, flow)
    unbind = names(shown).index("UnbindBackward0")
    into = {e.output: e.grad.values for node in shown.nodes for e in node.edges if e.to == unbind}
    assert into == {0: (1.0,), 1: (10.0,)}
    assert [grad.values for grad in shown.nodes[unbind].grads] == [(1.0,), (10.0,)]


def test_an_output_that_was_not_used_has_no_gradient():
    w = torch.tensor([2.0, 5.0], requires_grad=True)
    loss = w.unbind()[1] * 10
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, {"w": w}, flow)
    missing, there = shown.nodes[names(shown).index("UnbindBackward0")].grads
    assert missing is None and there.values == (10.0,)


@pytest.mark.parametrize("kind", TASKS)
def test_what_arrives_at_the_leaves_is_their_gradient(kind):
    parts = TASKS[kind](dtype=torch.float64)
    loss, known = forward(*parts)
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, known, flow)
    twin = copy.deepcopy(parts[0])
    own = dict(twin.named_parameters())
    other_loss = parts[1](twin(parts[2]), parts[3])
    grads = dict(zip(own, torch.autograd.grad(other_loss, list(own.values())), strict=True))
    for node in shown.nodes:
        if node.leaf is not None:
            expected = grads[node.leaf.name]
            assert node.grads[0].shape == expected.shape
            assert node.grads[0].norm == pytest.approx(math.hypot(*expected.flatten().tolist()), rel=1e-9)
            # Laid out otherwise in memory, the norm may round otherwise.
            assert node.leaf.grad.norm == pytest.approx(node.grads[0].norm, rel=1e-12)
            assert node.leaf.grad.values == node.grads[0].values
    assert shown.nodes[0].grads[0].values == (1.0,)


def test_what_arrives_at_each_operation_is_the_gradient_of_its_output():
    model, loss_fn, inputs, targets = TASKS["mlp"](dtype=torch.float64)
    loss, known = forward(model, loss_fn, inputs, targets)
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, known, flow)
    outputs = [inputs]
    for layer in copy.deepcopy(model):
        outputs.append(layer(outputs[-1]))
    expected = torch.autograd.grad(loss_fn(outputs[-1], targets), outputs[1:])[::-1]
    chain = [node for node in shown.nodes if node.name in ("AddmmBackward0", "TanhBackward0")]
    assert len(chain) == len(expected) == 5
    for node, grad in zip(chain, expected, strict=True):
        (arrived,) = node.grads
        assert (arrived.shape, arrived.values) == (tuple(grad.shape), None)
        assert arrived.norm == pytest.approx(math.hypot(*grad.flatten().tolist()), rel=1e-9)
    # Where a node has one edge into it, the edge carries what arrives.
    into = {edge.to: edge.grad for node in shown.nodes for edge in node.edges}
    assert all(into[place] == shown.nodes[place].grads[0] for place in into)


def test_without_a_flow_there_are_no_gradients_on_edges():
    loss, known, _ = of("mlp")
    loss.backward()
    shown = graph(loss, known)
    assert all(node.grads == () for node in shown.nodes)
    assert all(edge.grad is None for node in shown.nodes for edge in node.edges)


def train(kind, clear, watched, optimizer, steps=6):
    """Weights and .grads after some steps, with and without everything that looks at the graph."""
    model, loss_fn, inputs, targets = TASKS[kind]()
    optimizer = optimizer(model.parameters())
    grads = []
    for _ in range(steps):
        clear(optimizer)
        loss, known = forward(model, loss_fn, inputs, targets)
        if watched:
            graph(loss, known)
            with Flow(loss) as flow:
                loss.backward()
            graph(loss, known, flow)
        else:
            loss.backward()
        grads.append([p.grad.clone() for p in model.parameters()])
        optimizer.step()
    return [*model.parameters()], grads


CLEAR = {
    "to None": lambda optimizer: optimizer.zero_grad(),
    "to zeros": lambda optimizer: optimizer.zero_grad(set_to_none=False),
    "never": lambda optimizer: None,
}


@pytest.mark.parametrize("clear", CLEAR)
@pytest.mark.parametrize("kind", TASKS)
def test_watching_changes_no_bit(kind, clear):
    def optimizer(parameters):
        return torch.optim.SGD(parameters, lr=0.05, momentum=0.5)

    weights, grads = train(kind, CLEAR[clear], True, optimizer)
    plain_weights, plain_grads = train(kind, CLEAR[clear], False, optimizer)
    assert all(map(torch.equal, weights, plain_weights))
    for ours, theirs in zip(grads, plain_grads, strict=True):
        assert all(map(torch.equal, ours, theirs))
    assert not torch.equal(grads[0][0], grads[-1][0])


@pytest.mark.parametrize("kind", TASKS)
def test_a_gradient_that_is_there_is_added_to_in_place(kind):
    model, *rest = TASKS[kind]()
    for backward in range(3):
        before = [p.grad for p in model.parameters()]
        loss, _ = forward(model, *rest)
        with Flow(loss):
            loss.backward()
        if backward:
            assert all(p.grad is grad for p, grad in zip(model.parameters(), before, strict=True))


def test_a_run_watched_at_every_backward_has_the_same_bits():
    config = Config(dataset="xor", model="mlp", hidden=(8, 8), activation="tanh", loss="bce", steps=8, lr=0.5)
    plain_run, watched = Run(config).advance(), Run(config)
    while not watched.done:
        if watched.config.loop[watched.next_line] == "backward":
            with Flow(watched.namespace["loss"]) as flow:
                watched.line()
            assert flow.arrived[0][0].values == (1.0,)
        else:
            watched.line()
    watched.history.flush()
    for name, weights in plain_run.history.weights.items():
        assert (weights == watched.history.weights[name]).all()
        assert (plain_run.history.grads[name] == watched.history.grads[name]).all()


def test_watching_leaves_the_version_check_on():
    model, *rest = TASKS["mlp"]()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    forward(model, *rest)[0].backward()
    loss, _ = forward(model, *rest)
    optimizer.step()
    with pytest.raises(RuntimeError) as unwatched:
        loss.backward()
    twin, twin_known = forward(model, *rest)
    graph(twin, twin_known)
    optimizer.step()
    with Flow(twin) as flow, pytest.raises(RuntimeError) as raised:
        twin.backward()
    assert str(raised.value).split("[")[0] == str(unwatched.value).split("[")[0]
    # The gradient came as far as the layer that raised, and no further.
    shown = graph(twin, twin_known, flow)
    assert [len(node.grads) for node in shown.nodes if node.name == "AddmmBackward0"] == [1, 0, 0]
    assert [leaf.grad for leaf in shown.leaves].count(None) == 0  # those of the first backward


def test_hooks_are_gone_afterward_even_if_backward_raises():
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (a * 3).sum()
    with pytest.raises(KeyError), Flow(loss) as flow:
        raise KeyError
    loss.backward(retain_graph=True)
    assert (flow.arrived, flow.sent) == ({}, {})
    flow = Flow(loss)
    loss.backward(retain_graph=True)
    noted = dict(flow.arrived)
    assert set(noted) == {0, 1, 2}
    flow.remove()
    flow.arrived.clear()
    loss.backward()
    assert flow.arrived == {}


def test_a_sparse_gradient_is_noted_as_the_dense_one():
    table = nn.Embedding(4, 2, sparse=True, _weight=random(4, 2))
    loss = table(torch.tensor([1, 1, 3])).sum()
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, {"table": table.weight}, flow)
    assert shown.leaves[0].grad.values == (0.0, 0.0, 2.0, 2.0, 0.0, 0.0, 1.0, 1.0)
