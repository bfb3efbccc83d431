"""PyTorch's private names: every one that core uses stands here, so an upgrade has one place to look.

`tests/test_torch_internals.py` says for each what stops working without it. The claims of core/notes show
`_version` to learners as they would read it themselves, and so keep it.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def version(tensor: Tensor) -> int:
    """How often autograd has counted a write into this tensor."""
    return tensor._version


def set_versions(tensors: Sequence[Tensor], versions: Sequence[int]) -> None:
    """Put the counters of writes back, as if the writes in between had not been."""
    torch._C._autograd._unsafe_set_version_counter(tuple(tensors), tuple(versions))  # type: ignore[attr]


def is_view(tensor: Tensor) -> bool:
    """Whether autograd takes a tensor for a view of another one."""
    return tensor._is_view()


def overflowed(scaler: Any, optimizer: Any) -> bool:
    """Whether a GradScaler found inf or nan in an optimizer's gradients, and so skips the step.

    Known from unscaling until the scaler is updated, whatever happens to the gradients in between.
    """
    found = scaler._per_optimizer_states.get(id(optimizer), {}).get("found_inf_per_device", {})
    return any(bool(one) for one in found.values())


def copy_all(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy each source into its target, in one call for all."""
    torch._foreach_copy_(targets, sources)  # type: ignore[attr]


def tanh_backward(grad: Tensor, outputs: Tensor) -> Tensor:
    """What autograd passes on from tanh: grad * (1 - outputs ** 2), in one pass over memory."""
    return torch.ops.aten.tanh_backward(grad, outputs)


def order(node: Any) -> int:
    """The place of a node of the graph in the order in which operations were recorded."""
    return node._sequence_nr()


def saved_attributes(kind: type) -> tuple[str, ...]:
    """Attributes of a kind of node that may hold tensors kept for backward.

    `saved_tensors`, which is public, is that of nodes written in Python.
    """
    return tuple(name for name in dir(kind) if name.startswith("_saved_") or name == "saved_tensors")


def saved_name(attribute: str) -> str:
    """What such an attribute holds: _saved_self -> self."""
    return attribute.removeprefix("_").removeprefix("saved_")


def unpacked(node: Any, attribute: str) -> Any:
    """What is behind such an attribute, whatever was written into it since; None if there is nothing."""
    return getattr(node, f"_raw_{attribute.removeprefix('_')}", None)
