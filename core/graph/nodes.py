"""The operations that autograd recorded: the nodes behind a tensor, by way of its grad_fn."""

import re
from collections.abc import Iterable
from typing import Any

from torch import Tensor
from torch.autograd.graph import Node as GradFn

from core.torch_internals import order

MAX_NODES = 200  # of a graph that is shown


def walk(tensors: Iterable[Any], limit: int | None = None) -> list[GradFn]:
    """Every node once, depth first; without recursion, since a chain can be deeper than the stack.

    Anything but a tensor has no nodes: a line may assign anything to outputs or loss.
    """
    order: dict[GradFn, None] = {}
    ends = [t.grad_fn for t in tensors if isinstance(t, Tensor)]
    todo = [end for end in ends if end is not None][::-1]
    while todo and (limit is None or len(order) < limit):
        node = todo.pop()
        if node not in order:
            order[node] = None
            todo += [below for below, _ in reversed(node.next_functions) if below is not None]
    return list(order)


def count(*tensors: Tensor) -> int:
    """Counts the nodes of the graphs behind these tensors, each once."""
    return len(walk(tensors))


def operation(node: GradFn) -> str:
    """A node's name without C++ namespaces: torch::autograd::AccumulateGrad -> AccumulateGrad."""
    return re.sub(r"[\w() ]+::", "", node.name())


def operations(tensor: Any) -> list[str]:
    """Names of the operations behind a tensor, at most MAX_NODES, in the order of execution."""
    nodes = [node for node in walk([tensor], MAX_NODES) if not is_leaf(node)]
    return [operation(node) for node in sorted(nodes, key=order)]


def is_leaf(node: GradFn) -> bool:
    """Whether backward ends there, in the .grad of a tensor."""
    return operation(node) == "AccumulateGrad"


def graph_problem(tensor: Any) -> str | None:
    """Why there is no graph to show, in one sentence; None if there is one."""
    if not isinstance(tensor, Tensor):
        return "Nothing was recorded: this is no tensor."
    if tensor.grad_fn is None:
        return "Nothing was recorded: the tensor has no grad_fn."
    if len(walk([tensor], MAX_NODES + 1)) > MAX_NODES:
        return f"The graph has more than {MAX_NODES} nodes, too many to draw."
    return None
