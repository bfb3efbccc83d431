"""What autograd keeps for backward: the tensors that each node saved, and their bytes.

Read from the `_saved_*` attributes of the real nodes. `torch.autograd.graph.saved_tensors_hooks`
would show the same tensors, but hooks switch PyTorch's version check off: a loop that raises
"modified by an inplace operation" would no longer raise.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.autograd.graph import Node as GradFn

from core.graph.nodes import is_leaf, walk
from core.graph.storage import known_as, storage
from core.torch_internals import saved_attributes, saved_name, unpacked

KEPT, CHANGED, FREED, UNREADABLE = "kept", "changed", "freed", "unreadable"
# How PyTorch's messages on a saved tensor begin, or what they contain.
REFUSALS = {"backward through the graph a second time": FREED, "modified by an inplace operation": CHANGED}


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
class Kept:
    """How many nodes there are, and the bytes they keep alive: of parameters, and of all else."""

    nodes: int
    nbytes: int
    parameter_nbytes: int


class Tally:
    """Storages met so far, and the names of known ones. Lives only as long as one walk."""

    def __init__(self, known: Mapping[str, Tensor], nodes: Iterable[GradFn]):
        reached = (node.variable for node in nodes if is_leaf(node))  # type: ignore[attr]
        self.known = {name: tensor.detach() for name, tensor in known.items()}
        leaves = (t for t in (*known.values(), *reached) if t.is_leaf and t.requires_grad)
        self.parameters = {storage(leaf) for leaf in leaves}
        self.storages: dict[tuple[torch.device, int], int] = {}

    def take(self, name: str, state: str, tensor: Tensor, message: str | None = None) -> Saved:
        """Count a tensor, unless its storage has been counted."""
        where, nbytes = storage(tensor), tensor.untyped_storage().nbytes()
        counted = where not in self.storages
        self.storages[where] = nbytes
        return Saved(
            name,
            state,
            tuple(tensor.shape),
            str(tensor.dtype).removeprefix("torch."),
            nbytes,
            known_as(tensor.detach(), self.known),
            where in self.parameters,
            counted,
            message,
        )

    def kept(self, nodes: int) -> Kept:
        """The bytes that `nodes` nodes keep together, each storage once."""
        of_parameters = sum(n for where, n in self.storages.items() if where in self.parameters)
        return Kept(nodes, sum(self.storages.values()) - of_parameters, of_parameters)


def kept(tensors: Iterable[Tensor], known: Mapping[str, Tensor]) -> Kept:
    """What the graphs behind these tensors keep alive together, of any length."""
    nodes = walk(tensors)
    tally = Tally(known, nodes)
    for node in nodes:
        for _ in saved_by(node, tally):
            pass
    return tally.kept(len(nodes))


def saved_by(node: GradFn, tally: Tally) -> Iterator[Saved]:
    """The tensors that a node keeps, and those it refuses to show."""
    for attribute in _attributes(type(node)):
        name = saved_name(attribute)
        try:
            yield from [
                tally.take(part, KEPT, tensor) for part, tensor in _parts(name, getattr(node, attribute))
            ]
        except Exception as exception:  # noqa: BLE001  (a picture must not end the run)
            yield from _refused(node, attribute, name, tally, str(exception))


@lru_cache(maxsize=256)
def _attributes(kind: type[GradFn]) -> tuple[str, ...]:
    """Under which names such a node may keep tensors; `saved_tensors` is that of nodes in Python."""
    return saved_attributes(kind)


def _refused(node: GradFn, attribute: str, name: str, tally: Tally, said: str) -> Iterator[Saved]:
    """What the message stands for; a tensor that was changed is still there, behind the version check."""
    message = re.split(r"(?<=\.)\s", said)[0]
    state = next((state for words, state in REFUSALS.items() if words in said), UNREADABLE)
    raw = unpacked(node, attribute) if state == CHANGED else None
    held = raw if isinstance(raw, (tuple, list)) else [raw]
    data = [getattr(one, "data", None) for one in held]
    parts = list(_parts(name, data if held is raw else data[0]))
    yield from (tally.take(part, state, tensor, message) for part, tensor in parts)
    if not parts:
        yield Saved(name, state, message=message)


def _parts(name: str, value: object) -> Iterator[tuple[str, Tensor]]:
    """The tensors in a value, which may be one tensor, a list of them, or neither."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, (tuple, list)):
        yield from ((f"{name}[{i}]", part) for i, part in enumerate(value) if isinstance(part, Tensor))
