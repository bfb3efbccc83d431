"""What a typed line changed: a sentence for each name that is new or holds something else now."""

import reprlib
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from core.graph.storage import storage
from core.graph.tensor_state import TensorState, same, tensor_state
from core.words import grad_in_words, in_words

_BRIEF = reprlib.Repr()  # long or deep lists are cut with ...; everything else is written out
_BRIEF.maxlevel, _BRIEF.maxother = 2, 100  # lists in a list; characters of a shape, or of a grad_fn's name


def holding(names: Mapping[str, Any]) -> dict[str, Any]:
    """What each name stands for now: a tensor's state, or the object itself."""
    return {
        name: tensor_state(name, value, copy=True) if isinstance(value, Tensor) else value
        for name, value in names.items()
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two results of `holding`, in the order of the names, new ones last."""
    return [
        sentence
        for name, found in now.items()
        for sentence in _of_name(name, before.get(name), found, name in before, before, now)
    ]


def _of_name(
    name: str, earlier: Any, found: Any, known: bool, before: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[str]:
    if not isinstance(found, TensorState):
        same_object = known and earlier is found  # nothing here can change it, and its repr is slow
        if not same_object and (
            not known or isinstance(earlier, TensorState) or repr(earlier) != repr(found)
        ):
            yield f"{name} is {_BRIEF.repr(found)}."
    elif not isinstance(earlier, TensorState) or earlier.tensor is not found.tensor:
        yield _new(name, found, known, before, now)
    else:
        yield from _changed(name, earlier, found)


def _new(
    name: str, found: TensorState, known: bool, before: Mapping[str, Any], now: Mapping[str, Any]
) -> str:
    """A name for a tensor that it did not stand for before."""
    others = {other: one for other, one in now.items() if isinstance(one, TensorState) and other != name}
    twin = next(
        (other for other, one in others.items() if one.tensor is found.tensor and other in before), None
    )
    if twin is not None:
        return f"{name} is another name for {twin}."
    shared = next((other for other, one in others.items() if _shares(one, found)), None)
    parts = [
        f"{name} is {'a new tensor' if known else 'new'}: {in_words(found.values)}",
        *([f"of shape {found.shape}"] if found.shape else []),
        *([f"by {found.grad_fn}"] if found.grad_fn else []),
        *(["a leaf that requires grad"] if found.is_leaf and found.requires_grad else []),
        *([f"sharing the memory of {shared}"] if shared else []),
    ]
    return ", ".join(parts) + "."


def _shares(one: TensorState, other: TensorState) -> bool:
    """Whether two tensors lie in the same storage; one without entries lies nowhere."""
    alive = [tensor for tensor in (one.tensor(), other.tensor()) if tensor is not None and tensor.numel()]
    return len(alive) == 2 and storage(alive[0]) == storage(alive[1])


def _changed(name: str, earlier: TensorState, found: TensorState) -> Iterator[str]:
    """What happened to one tensor."""
    if not same(earlier.values, found.values):
        change = f"{in_words(earlier.values)} → {in_words(found.values)}"
        if earlier.version == found.version:  # through .data, or because other memory was assigned to .data
            yield f"{name} changed: {change}, version still {found.version}: autograd does not know."
        else:
            yield f"{name} was written into: {change}, version {earlier.version} → {found.version}."
    elif earlier.version != found.version:
        yield f"{name} was written into, with the same values: version {earlier.version} → {found.version}."
    if not same(earlier.grad, found.grad):
        yield f"{name}.grad: {grad_in_words(earlier.grad)} → {grad_in_words(found.grad)}."
    if earlier.requires_grad != found.requires_grad:
        yield f"{name}.requires_grad: {earlier.requires_grad} → {found.requires_grad}."
    if earlier.grad_fn != found.grad_fn:
        yield f"{name}.grad_fn: {earlier.grad_fn} → {found.grad_fn}."
    if earlier.keeps_grad != found.keeps_grad and found.grad is None:
        yield f"{name} {'will keep' if found.keeps_grad else 'no longer keeps'} its .grad."
