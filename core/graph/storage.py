"""Where the numbers of a tensor lie: tensors that share a storage, and the bytes of each.

A view keeps all of the storage that it looks at. So bytes are those of whole storages, and each
storage counts once.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


def storage(tensor: Tensor) -> tuple[torch.device, int]:
    """Device and address: the same for all views of one storage."""
    return tensor.device, tensor.untyped_storage().data_ptr()


def storages(tensors: Iterable[Tensor]) -> dict[tuple[torch.device, int], int]:
    """Device and address of the storages of these tensors -> their bytes."""
    return {storage(tensor): tensor.untyped_storage().nbytes() for tensor in tensors}


def known_as(tensor: Tensor, known: Mapping[str, Tensor]) -> str | None:
    """Which of the known tensors this is: such as "weight", "weight.T" or "view of inputs"."""
    here = {n: t for n, t in known.items() if storage(t) == storage(tensor)}
    same = (name for name, t in here.items() if _layout(t) == _layout(tensor))
    turned = (f"{name}.T" for name, t in here.items() if t.ndim == 2 and _layout(t.T) == _layout(tensor))
    views = (f"view of {name}" for name, t in here.items() if _overlap(t, tensor))
    return next((name for names in (same, turned, views) for name in names), None)


def _layout(tensor: Tensor) -> tuple[Any, ...]:
    """Where its entries are; the stride of an axis with one entry does not matter."""
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
