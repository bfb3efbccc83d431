"""The autograd graph of a tensor as plain data: operations, leaves, and what each keeps.

All of it is read from the real nodes. What is returned is plain data and keeps no tensor and no
node alive.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.autograd.graph import Node as GradFn

from core.graph.flow import Flow
from core.graph.nodes import graph_problem, is_leaf, operation, walk
from core.graph.saved import Kept, Saved, Tally, saved_by
from core.graph.tensor_summary import Summary, summary


@dataclass(frozen=True)
class Leaf:
    """A tensor whose .grad backward fills. name: None if it is not known. grad: None where it is None."""

    name: str | None
    value: Summary
    grad: Summary | None


@dataclass(frozen=True)
class Edge:
    """One of the next_functions. to: place of that node in the graph. output: which of its outputs
    this is about. grad: what has flown back along this edge, if it was watched."""

    to: int
    output: int
    grad: Summary | None


@dataclass(frozen=True)
class Node:
    """A grad_fn. grads: what has arrived at it, one per output of the operation, if it was watched."""

    name: str
    edges: tuple[Edge, ...]
    saved: tuple[Saved, ...]
    leaf: Leaf | None
    grads: tuple[Summary | None, ...]


@dataclass(frozen=True)
class Graph:
    """The nodes behind a tensor, itself known as `name`; the first is its own grad_fn.

    Each node stands there once, depth first along next_functions, so its place stays the same.
    """

    name: str | None
    value: Summary
    nodes: tuple[Node, ...]
    kept: Kept

    @property
    def leaves(self) -> list[Leaf]:
        return [node.leaf for node in self.nodes if node.leaf is not None]

    @property
    def saved(self) -> list[Saved]:
        return [saved for node in self.nodes for saved in node.saved]


def graph(tensor: Tensor, known: Mapping[str, Tensor], flow: Flow | None = None) -> Graph:
    """The current graph behind a tensor, such as the loss.

    Args:
        known: names for tensors: parameters, inputs, targets, outputs, loss.
        flow: of this tensor's graph, with the gradients of its backward.
    Raises: ValueError with the sentence of `graph_problem`, if there is one.
    """
    problem = graph_problem(tensor)
    if problem is not None:
        raise ValueError(problem)
    nodes = walk([tensor])
    places = {node: place for place, node in enumerate(nodes)}
    tally = Tally(known, nodes)
    made = tuple(
        Node(
            operation(node),
            _edges(node, places, flow),
            tuple(saved_by(node, tally)),
            _leaf(node, known),
            flow.arrived.get(places[node], ()) if flow else (),
        )
        for node in nodes
    )
    return Graph(_name(tensor, known), summary(tensor), made, tally.kept(len(nodes)))


def _edges(node: GradFn, places: Mapping[GradFn, int], flow: Flow | None) -> tuple[Edge, ...]:
    """Next functions; a None there stands for a tensor that needs no gradient."""
    below = node.next_functions
    sent = flow.sent.get(places[node], ()) if flow else ()
    sent = sent if len(sent) == len(below) else (None,) * len(below)
    return tuple(
        Edge(places[to], output, grad)
        for (to, output), grad in zip(below, sent, strict=True)
        if to is not None
    )


def _leaf(node: GradFn, known: Mapping[str, Tensor]) -> Leaf | None:
    if not is_leaf(node):
        return None
    tensor: Tensor = node.variable  # type: ignore[attr]
    grad = tensor.grad
    return Leaf(_name(tensor, known), summary(tensor), None if grad is None else summary(grad))


def _name(tensor: Tensor, known: Mapping[str, Tensor]) -> str | None:
    return next((name for name, other in known.items() if other is tensor), None)
