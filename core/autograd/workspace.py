"""What the typed lines have made so far: names, and every tensor behind them.

Each run of a notebook has one of its own: random numbers come from its own generator, and when the run is
over all its tensors are let go, also those that hold each other.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import Node as GradFn

from core.autograd.sizes import NotAllowedError, entries
from core.graph.flow import Flow
from core.graph.nodes import count
from core.torch_internals import is_view

MAX_WALKED = 4000  # nodes of the graph that all calls of backward go through together
MAX_SHOWN = 4000  # entries of all that is shown; writing numbers takes longer than computing them
MAX_SEED = 2**32 - 1


@dataclass
class Workspace:
    """names: what was assigned. made: every tensor that was ever a value, in order. printed: what the current
    statement has printed. flows: id of a tensor -> the grad_fn where backward started, and the gradients that
    flowed from there."""

    names: dict[str, Any] = field(default_factory=dict)
    made: list[Tensor] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    flows: dict[int, tuple[GradFn | None, Flow]] = field(default_factory=dict)
    generator: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0))
    walked: int = 0
    shown: int = 0

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors that have a name."""
        return {name: value for name, value in self.names.items() if isinstance(value, Tensor)}

    def keep(self, value: Any) -> Any:
        """Returns the value; a tensor is remembered, so that it can be freed later."""
        if isinstance(value, Tensor):
            self.made.append(value)
        return value

    def flow(self, tensor: Tensor) -> Flow | None:
        """The gradients of the last backward from this tensor, if its history is still the same."""
        grad_fn, flow = self.flows.get(id(tensor), (None, None))
        return flow if grad_fn is tensor.grad_fn else None

    def let_go(self) -> None:
        """Breaks cycles between tensors, such as that of w.grad.add_(w), which nothing else would free."""
        for tensor in self.made:
            tensor.grad = None
            if not is_view(tensor) and tensor.grad_fn is not None:
                tensor.detach_()
        self.made.clear()
        self.names.clear()
        self.flows.clear()


# Functions that need the workspace, which is their first argument.


def randn(workspace: Workspace, *shape: Any, **keywords: Any) -> Tensor:
    """torch.randn with the notebook's own generator."""
    return torch.randn(*shape, generator=workspace.generator, **keywords)


def manual_seed(workspace: Workspace, seed: Any = None) -> None:
    """torch.manual_seed for the notebook's own generator."""
    if type(seed) is not int or not 0 <= seed <= MAX_SEED:
        raise NotAllowedError(f"A seed is a whole number from 0 to {MAX_SEED:,}.")
    workspace.generator.manual_seed(seed)


def show(workspace: Workspace, *values: Any) -> None:
    """Python's print; it returns no text that a later line could print again."""
    workspace.shown += sum(map(entries, values))
    if workspace.shown > MAX_SHOWN:
        raise NotAllowedError(f"All lines may show {MAX_SHOWN:,} entries of tensors and lists together.")
    workspace.printed.append(" ".join(map(repr, values)))


def backward(workspace: Workspace, tensor: Tensor, *gradient: Any, **keywords: Any) -> None:
    """Tensor.backward, recording what flows back."""
    workspace.walked += count(tensor)
    if workspace.walked > MAX_WALKED:
        raise NotAllowedError(f"All calls of backward may go through {MAX_WALKED:,} operations together.")
    with Flow(tensor) as flow:
        tensor.backward(*gradient, **keywords)
    workspace.flows[id(tensor)] = tensor.grad_fn, flow
