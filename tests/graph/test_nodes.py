"""Nodes of the autograd graph: their names, how many there are, and how many can be drawn."""

import sys
from types import SimpleNamespace

import pytest
import torch

from core.graph.flow import Flow
from core.graph.graph import graph
from core.graph.nodes import MAX_NODES, count, graph_problem, operation, operations, walk


def chain(links):
    """A tensor behind which there are so many operations and one leaf."""
    tensor = torch.tensor(1.0, requires_grad=True)
    for _ in range(links):
        tensor = -tensor
    return tensor


def test_names_lose_their_namespaces_and_nothing_else():
    x = torch.zeros(3, requires_grad=True).clone()
    x[0] = 1.0
    assert x.grad_fn.name() == "torch::autograd::CopySlices"
    assert operation(x.grad_fn) == "CopySlices"
    for name, short in {
        "torch::autograd::CppNode<(anonymous namespace)::Mine>": "CppNode<Mine>",
        "AddBackward0": "AddBackward0",
    }.items():
        assert operation(SimpleNamespace(name=lambda name=name: name)) == short


def test_a_graph_may_have_as_many_nodes_as_can_be_drawn_and_no_more():
    longest = chain(MAX_NODES - 1)
    assert graph_problem(longest) is None
    assert len(graph(longest, {}).nodes) == MAX_NODES
    assert [len(walk([longest], limit)) for limit in (1, 7, MAX_NODES)] == [1, 7, MAX_NODES]
    beyond = -longest
    problem = graph_problem(beyond)
    assert str(MAX_NODES) in problem
    with pytest.raises(ValueError, match=problem):
        graph(beyond, {})


def test_a_loss_that_is_added_up_grows_a_chain():
    w = torch.tensor(1.0, requires_grad=True)
    total = torch.zeros(())
    for _ in range(20_000):
        total = total + w * 1.0
    assert count(total) == 20_000 + 20_000 + 1 > sys.getrecursionlimit()
    assert graph_problem(total) is not None
    with Flow(total) as flow:
        total.backward()
    assert w.grad == 20_000
    assert (flow.arrived, flow.sent) == ({}, {})


@pytest.mark.parametrize("make", [lambda a: a, lambda a: (a * 2).detach(), lambda a: torch.zeros(2)])
def test_where_nothing_was_recorded_there_is_a_sentence(make):
    tensor = make(torch.ones(2, requires_grad=True))
    assert "grad_fn" in graph_problem(tensor)
    with pytest.raises(ValueError, match="grad_fn"):
        graph(tensor, {})
    assert count(tensor) == 0
    Flow(tensor).remove()


def test_operations_stand_in_the_order_of_execution():
    made = torch.ones(2, requires_grad=True).exp().sin().sum()
    assert operations(made) == ["ExpBackward0", "SinBackward0", "SumBackward0"]
