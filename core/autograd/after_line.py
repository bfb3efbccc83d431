"""What there is after a typed line: every named tensor, and the graph behind one of them.

Plain data: the notebook is run again up to that line, which takes no time and gives the same bits.
"""

from dataclasses import dataclass

from torch import Tensor

from core import torch_internals
from core.autograd.notebook import Notebook, run
from core.graph.graph import Graph, graph
from core.graph.tensor_state import INVALID, TensorState
from core.graph.tensor_table import Table, rows

SHOWN = ("values", ".grad", "requires_grad", "is_leaf", "grad_fn", "version", "shape", "dtype")


@dataclass(frozen=True)
class Inside:
    """table: None if no tensor has a name. roots: names of tensors with a history, the last recorded
    first. root: whose graph it is. graph: None where there is none to show, as `problem` says."""

    table: Table | None
    roots: tuple[str, ...]
    root: str | None
    graph: Graph | None
    problem: str | None


def inside(text: str, until: int, root: str | None = None) -> Inside:
    """The state after the first `until` statements of a text.

    root: the tensor whose graph to show; without a history there, the one recorded last replaces it.
    Raises RefusedError if the text is refused.
    """
    with run(text, until) as book:
        now, before = _held(book.now), _held(book.before)
        roots = _roots(book, now)
        chosen = root if root in roots else next(iter(roots), None)
        found, problem = _graph(book, now, chosen)
        table = rows(list(now), now, before, SHOWN) if now else None
        return Inside(table, tuple(roots), chosen, found, problem)


def _held(names: dict[str, object]) -> dict[str, TensorState]:
    return {name: one for name, one in names.items() if isinstance(one, TensorState)}


def _roots(book: Notebook, now: dict[str, TensorState]) -> list[str]:
    """Names of tensors with a history, the last recorded first."""
    tensors = book.workspace.tensors
    recorded = {
        name: tensors[name].grad_fn for name, one in now.items() if one.grad_fn not in (None, INVALID)
    }
    order = {name: torch_internals.order(node) for name, node in recorded.items() if node is not None}
    return sorted(order, key=order.__getitem__, reverse=True)


def _graph(book: Notebook, now: dict[str, TensorState], root: str | None) -> tuple[Graph | None, str | None]:
    if root is None:
        return None, "Autograd has recorded nothing: no tensor that has a name has a grad_fn."
    known: dict[str, Tensor] = {
        name: tensor for name, tensor in book.workspace.tensors.items() if now[name].grad_fn != INVALID
    }
    try:
        return graph(known[root], known, book.workspace.flow(known[root])), None
    except ValueError as error:  # its sentence says why there is none
        return None, str(error)
