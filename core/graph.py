"""What has autograd recorded? The grad_fn chain of a tensor: operations, leaves, and what each keeps.

All of it is read from the real nodes: their `next_functions` and their `_saved_*` attributes.
`torch.autograd.graph.saved_tensors_hooks` would show the same tensors, but hooks switch PyTorch's
version check off: a loop that raises "modified by an inplace operation" would no longer raise.

Bytes are those of whole storages, since a view keeps all of the storage that it looks at; each
storage counts once. What is returned is plain data and keeps no tensor and no node alive.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import Node as GradFn

MAX_NODES = 200  # of a graph that is shown
FEW = 8  # entries; so many are shown one by one

KEPT, CHANGED, FREED, UNREADABLE = "kept", "changed", "freed", "unreadable"
# How PyTorch's messages on a saved tensor begin, or what they contain.
REFUSALS = {"backward through the graph a second time": FREED, "modified by an inplace operation": CHANGED}


@dataclass(frozen=True)
class Summary:
    """A tensor in short: shape, Euclidean norm in double, and its entries row by row if they are few."""

    shape: tuple[int, ...]
    norm: float
    values: tuple[float, ...] | None

    @property
    def zeros(self) -> bool:
        return self.norm == 0.0


@dataclass(frozen=True)
class Leaf:
    """A tensor whose .grad backward fills. name: None if it is not known. grad: None where it is None."""

    name: str | None
    value: Summary
    grad: Summary | None


@dataclass(frozen=True)
class Saved:
    """A tensor that an operation keeps for backward.

    state: "kept"; "changed", still kept but modified in place since, so backward will raise;
    "freed"; or "unreadable". nbytes: of its storage. tensor: which known one it is, such as
    "weight", "weight.T" or "view of inputs". parameter: whether it is one or a view of one.
    counted: whether the storage is met here first, and so counts here. message: the first
    sentence of what PyTorch said, if it refused.
    """

    name: str
    state: str
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    nbytes: int = 0
    tensor: str | None = None
    parameter: bool = False
    counted: bool = False
    message: str | None = None


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
class Kept:
    """How many nodes there are, and the bytes they keep alive: of parameters, and of all else."""

    nodes: int
    nbytes: int
    parameter_nbytes: int


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


class Flow:
    """The gradients that flow back, noted by hooks on every node that change nothing.

    Put on before backward and taken off after it; `graph` then shows them:

        with Flow(loss) as flow:
            loss.backward()
        graph(loss, known, flow)

    Attributes: arrived, place of a node -> one gradient per output; sent, place -> one gradient per
    next function. Where nothing flowed there is None. Nothing is noted where there is no graph to show.
    """

    def __init__(self, tensor: Tensor):
        self.arrived: dict[int, tuple[Summary | None, ...]] = {}
        self.sent: dict[int, tuple[Summary | None, ...]] = {}
        self._handles: list[Any] = []
        nodes = _walk([tensor]) if graph_problem(tensor) is None else []
        for place, node in enumerate(nodes):
            self._handles.append(node.register_prehook(partial(_note, self.arrived, place)))
            if not _is_leaf(node):
                self._handles.append(node.register_hook(partial(_note, self.sent, place)))

    def remove(self) -> None:
        """Take the hooks off."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def __enter__(self) -> "Flow":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _note(into: dict[int, Any], place: int, grads: Iterable[Tensor | None], *_: object) -> None:
    into[place] = tuple(None if grad is None else _summary(grad) for grad in grads)


def graph(tensor: Tensor, known: Mapping[str, Tensor], flow: Flow | None = None) -> Graph:
    """The graph behind a tensor, such as the loss, as it is now.

    Args:
        known: names for tensors: parameters, inputs, targets, outputs, loss.
        flow: of this tensor's graph, with the gradients of its backward.
    Raises: ValueError with the sentence of `graph_problem`, if there is one.
    """
    problem = graph_problem(tensor)
    if problem is not None:
        raise ValueError(problem)
    nodes = _walk([tensor])
    places = {node: place for place, node in enumerate(nodes)}
    memory = _Memory(known, nodes)
    made = tuple(
        Node(
            operation(node),
            _edges(node, places, flow),
            tuple(_saved(node, memory)),
            _leaf(node, known),
            flow.arrived.get(places[node], ()) if flow else (),
        )
        for node in nodes
    )
    return Graph(_name(tensor, known), _summary(tensor), made, memory.kept(len(nodes)))


def graph_problem(tensor: Tensor) -> str | None:
    """Why there is no graph to show, in one sentence; None if there is one."""
    if tensor.grad_fn is None:
        return "Nothing was recorded: the tensor has no grad_fn."
    if len(_walk([tensor], MAX_NODES + 1)) > MAX_NODES:
        return f"The graph has more than {MAX_NODES} nodes, too many to draw."
    return None


def count(*tensors: Tensor) -> int:
    """How many nodes the graphs behind these tensors have together, each counted once."""
    return len(_walk(tensors))


def kept(tensors: Iterable[Tensor], known: Mapping[str, Tensor]) -> Kept:
    """What the graphs behind these tensors keep alive together, however long they are."""
    nodes = _walk(tensors)
    memory = _Memory(known, nodes)
    for node in nodes:
        for _ in _saved(node, memory):
            pass
    return memory.kept(len(nodes))


def _walk(tensors: Iterable[Tensor], limit: int | None = None) -> list[GradFn]:
    """Every node once, depth first; not by recursion, since a chain can be longer than the stack."""
    order: dict[GradFn, None] = {}
    todo = [t.grad_fn for t in tensors if t.grad_fn is not None][::-1]
    while todo and (limit is None or len(order) < limit):
        node = todo.pop()
        if node not in order:
            order[node] = None
            todo += [below for below, _ in reversed(node.next_functions) if below is not None]
    return list(order)


def operations(tensor: Tensor) -> list[str]:
    """Names of the operations behind a tensor, MAX_NODES at most, in the order they were executed in."""
    nodes = [node for node in _walk([tensor], MAX_NODES) if not _is_leaf(node)]
    return [operation(node) for node in sorted(nodes, key=lambda node: node._sequence_nr())]


def operation(node: GradFn) -> str:
    """A node's name without C++ namespaces: torch::autograd::AccumulateGrad -> AccumulateGrad."""
    return re.sub(r"[\w() ]+::", "", node.name())


def _is_leaf(node: GradFn) -> bool:
    return operation(node) == "AccumulateGrad"


def _leaf(node: GradFn, known: Mapping[str, Tensor]) -> Leaf | None:
    if not _is_leaf(node):
        return None
    tensor: Tensor = node.variable  # type: ignore[attr]
    grad = tensor.grad
    return Leaf(_name(tensor, known), _summary(tensor), None if grad is None else _summary(grad))


def _name(tensor: Tensor, known: Mapping[str, Tensor]) -> str | None:
    return next((name for name, other in known.items() if other is tensor), None)


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


def _summary(tensor: Tensor) -> Summary:
    entries = tensor.detach()
    if entries.layout != torch.strided:  # the gradient of a sparse embedding
        entries = entries.to_dense()
    values = tuple(entries.flatten().tolist()) if entries.numel() <= FEW else None
    return Summary(tuple(entries.shape), _norm(entries), values)


def _norm(entries: Tensor) -> float:
    """By way of the largest entry: the squares of 1e-200 would vanish."""
    sizes = entries.abs().cpu().double()
    largest = float(sizes.max()) if sizes.numel() else 0.0
    if not 0.0 < largest < torch.inf:
        return float(sizes.sum())  # 0, inf or nan
    return float(torch.linalg.vector_norm(sizes / largest)) * largest


@lru_cache(maxsize=256)
def _attributes(kind: type[GradFn]) -> tuple[str, ...]:
    """Under which names such a node may keep tensors; `saved_tensors` is that of nodes in Python."""
    return tuple(name for name in dir(kind) if name.startswith("_saved_") or name == "saved_tensors")


def _saved(node: GradFn, memory: "_Memory") -> Iterator[Saved]:
    """The tensors that a node keeps, and those that it refuses to show."""
    for attribute in _attributes(type(node)):
        name = attribute.removeprefix("_").removeprefix("saved_")
        try:
            yield from [
                memory.take(part, KEPT, tensor) for part, tensor in _parts(name, getattr(node, attribute))
            ]
        except Exception as exception:  # noqa: BLE001  (a picture must not end the run)
            yield from _refused(node, attribute, name, memory, str(exception))


def _refused(node: GradFn, attribute: str, name: str, memory: "_Memory", said: str) -> Iterator[Saved]:
    """What the message stands for; a tensor that was changed is still there, behind the version check."""
    message = re.split(r"(?<=\.)\s", said, maxsplit=1)[0]
    state = next((state for words, state in REFUSALS.items() if words in said), UNREADABLE)
    raw = getattr(node, f"_raw_{attribute.removeprefix('_')}", None) if state == CHANGED else None
    held = raw if isinstance(raw, (tuple, list)) else [raw]
    data = [getattr(one, "data", None) for one in held]
    parts = list(_parts(name, data if held is raw else data[0]))
    yield from (memory.take(part, state, tensor, message) for part, tensor in parts)
    if not parts:
        yield Saved(name, state, message=message)


def _parts(name: str, value: object) -> Iterator[tuple[str, Tensor]]:
    """The tensors in a value, which may be a list of them, or no tensor at all."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, (tuple, list)):
        yield from ((f"{name}[{i}]", part) for i, part in enumerate(value) if isinstance(part, Tensor))


class _Memory:
    """Storages met so far, and the names of those that are known. Lives no longer than a walk."""

    def __init__(self, known: Mapping[str, Tensor], nodes: Iterable[GradFn]):
        reached = (node.variable for node in nodes if _is_leaf(node))  # type: ignore[attr]
        self.known = {name: tensor.detach() for name, tensor in known.items()}
        leaves = (t for t in (*known.values(), *reached) if t.is_leaf and t.requires_grad)
        self.parameters = {_storage(leaf) for leaf in leaves}
        self.storages: dict[tuple[torch.device, int], int] = {}

    def take(self, name: str, state: str, tensor: Tensor, message: str | None = None) -> Saved:
        """Count a tensor, unless its storage has been counted."""
        where, nbytes = _storage(tensor), tensor.untyped_storage().nbytes()
        counted = where not in self.storages
        self.storages[where] = nbytes
        return Saved(
            name,
            state,
            tuple(tensor.shape),
            str(tensor.dtype).removeprefix("torch."),
            nbytes,
            self._known_as(tensor.detach()),
            where in self.parameters,
            counted,
            message,
        )

    def kept(self, nodes: int) -> Kept:
        of_parameters = sum(n for where, n in self.storages.items() if where in self.parameters)
        return Kept(nodes, sum(self.storages.values()) - of_parameters, of_parameters)

    def _known_as(self, tensor: Tensor) -> str | None:
        here = {n: t for n, t in self.known.items() if _storage(t) == _storage(tensor)}
        same = (name for name, t in here.items() if _layout(t) == _layout(tensor))
        turned = (f"{name}.T" for name, t in here.items() if t.ndim == 2 and _layout(t.T) == _layout(tensor))
        views = (f"view of {name}" for name, t in here.items() if _overlap(t, tensor))
        return next((name for names in (same, turned, views) for name in names), None)


def _storage(tensor: Tensor) -> tuple[torch.device, int]:
    return tensor.device, tensor.untyped_storage().data_ptr()


def _layout(tensor: Tensor) -> tuple[Any, ...]:
    """Where its entries are; the stride of an axis with one entry says nothing."""
    strides = (step for size, step in zip(tensor.shape, tensor.stride(), strict=True) if size > 1)
    return tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), *strides


def _overlap(one: Tensor, other: Tensor) -> bool:
    (start, end), (other_start, other_end) = _span(one), _span(other)
    return start < other_end and other_start < end


def _span(tensor: Tensor) -> tuple[int, int]:
    """First byte, and the one after the last."""
    if not tensor.numel():
        return tensor.data_ptr(), tensor.data_ptr()
    last = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.data_ptr(), tensor.data_ptr() + (last + 1) * tensor.element_size()
