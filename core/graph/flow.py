"""The gradients that flow back along the graph, noted by hooks while backward runs."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from torch import Tensor

from core.graph.nodes import graph_problem, is_leaf, walk
from core.graph.tensor_summary import Summary, summary


class Flow:
    """The gradients that flow back, noted by hooks on every node that change nothing.

    Put on before backward and taken off after it; `graph` then shows them:

        with Flow(loss) as flow:
            loss.backward()
        graph(loss, known, flow)

    Attributes: arrived, place of a node -> one gradient per output; sent, place -> one gradient per next
    function; None where nothing flowed. Without a graph to show, nothing is noted.
    """

    def __init__(self, tensor: Tensor):
        self.arrived: dict[int, tuple[Summary | None, ...]] = {}
        self.sent: dict[int, tuple[Summary | None, ...]] = {}
        self._handles: list[Any] = []
        nodes = walk([tensor]) if graph_problem(tensor) is None else []
        for place, node in enumerate(nodes):
            self._handles.append(node.register_prehook(partial(_note, self.arrived, place)))
            if not is_leaf(node):
                self._handles.append(node.register_hook(partial(_note, self.sent, place)))

    def remove(self) -> None:
        """Removes the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def __enter__(self) -> "Flow":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _note(into: dict[int, Any], place: int, grads: Iterable[Tensor | None], *_: object) -> None:
    into[place] = tuple(None if grad is None else summary(grad) for grad in grads)
