"""The targets a loss takes, how PyTorch reacts to others, and what each reduction gives on three rows.

All of it asks the loss's own module.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core import torch_warnings
from core.losses import LOSSES
from core.words import number

VALUE_ROWS = [[2.5], [0.0], [-1.0]], [[1.0], [0.5], [-1.0]]
BINARY_ROWS = [[2.0], [-1.0], [0.5]], [[1.0], [0.0], [0.0]]
CLASS_ROWS = [[2.0, 0.5, -1.0], [0.0, 1.0, 0.0], [-0.5, 0.5, 1.5]], [0, 2, 2]
SHARE_ROWS = [[0.8, 0.1, 0.1], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5]]  # of three classes


def raw(loss: str) -> Tensor:
    """(3, outputs): what a model computes for the three rows before the layer that the loss asks for."""
    takes = LOSSES[loss].takes
    rows = VALUE_ROWS if "values" in takes else BINARY_ROWS if "zero_one" in takes else CLASS_ROWS
    return torch.tensor(rows[0])


def example(loss: str) -> tuple[Tensor, Tensor]:
    """Outputs (3, outputs) and targets for a loss, as PyTorch takes them, in float32."""
    row, outputs = LOSSES[loss], raw(loss)
    outputs = row.last()(outputs) if row.last else outputs
    if "class_index" in row.takes:
        return outputs, torch.tensor(CLASS_ROWS[1])
    if row.takes == ("one_hot",):
        return outputs, torch.tensor(SHARE_ROWS)
    return outputs, torch.tensor(VALUE_ROWS[1] if "values" in row.takes else BINARY_ROWS[1])


WORDS = {
    "taken": "taken",
    "silent": "accepted silently, but wrong",
    "warned": "accepted, with a warning",
    "refused": "refused",
}


@dataclass(frozen=True)
class Try:
    """A change to an example's outputs and targets. mistake: whether nobody would want it."""

    about: str
    change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    mistake: bool = True


@dataclass(frozen=True)
class Response:
    """What came of a Try. outputs, targets: dtype and shape. word: a key of WORDS.

    says: PyTorch's own words, or the loss.
    """

    about: str
    outputs: str
    targets: str
    word: str
    says: str


AS_MEANT = Try("as it should be", lambda z, y: (z, y), mistake=False)
FLOATS = (
    AS_MEANT,
    Try("targets without their second dimension", lambda z, y: (z, y.squeeze(1))),
    Try("targets truncated to whole numbers", lambda z, y: (z, y.long())),
    Try("targets in float64", lambda z, y: (z, y.double()), mistake=False),
)
YES_OR_NO = (*FLOATS, Try("a target of 2, which is no class", lambda z, y: (z, y * 2)))
INDEX = (
    AS_MEANT,
    Try("class indices in int32", lambda z, y: (z, y.int())),
    Try("class indices as floats", lambda z, y: (z, y.float())),
    Try("a column of class indices", lambda z, y: (z, y.unsqueeze(1))),
    Try("one-hot, as integers", lambda z, y: (z, nn.functional.one_hot(y))),
    Try("one-hot, as floats: probabilities", lambda z, y: (z, nn.functional.one_hot(y).float()), False),
    Try("classes counted from 1", lambda z, y: (z, y + 1)),
    Try("class -100: this row does not count", lambda z, y: (z, y.masked_fill(y == 0, -100)), False),
)
SHARES = (
    AS_MEANT,
    Try("class indices", lambda z, y: (z, y.argmax(1))),
    Try("one-hot, as integers", lambda z, y: (z, nn.functional.one_hot(y.argmax(1)))),
    Try("one-hot, as floats", lambda z, y: (z, nn.functional.one_hot(y.argmax(1)).float()), False),
    Try("logarithms of probabilities", lambda z, y: (z, y.clamp(min=1e-6).log())),
)


def tries(loss: str) -> tuple[Try, ...]:
    """Every Try for a loss."""
    row = LOSSES[loss]
    if "class_index" in row.takes:
        tried = INDEX
    else:
        tried = FLOATS if "values" in row.takes else YES_OR_NO if "zero_one" in row.takes else SHARES
    without = Try("outputs of a model without its last layer", lambda z, y: (raw(loss), y))
    return (*tried, *([without] if row.last else []))


def answers(loss: str) -> list[Response]:
    """How the loss reacts to each of its tries."""
    return [_answer(loss, one, *one.change(*example(loss))) for one in tries(loss)]


def _answer(loss: str, tried: Try, outputs: Tensor, targets: Tensor) -> Response:
    known = tried.about, dtype_and_shape(outputs), dtype_and_shape(targets)
    said: list[str] = []
    try:
        with torch_warnings.collecting(said.append):
            value = LOSSES[loss].build(outputs.shape[1])(outputs, targets).item()
    except Exception as error:  # noqa: BLE001  (whatever PyTorch says, the learner sees)
        return Response(*known, "refused", f"{type(error).__name__}: {error}")
    word = "warned" if said else "silent" if tried.mistake else "taken"
    return Response(*known, word, " ".join([f"Loss {number(value)}.", *said]))


def dtype_and_shape(tensor: Tensor) -> str:
    """Such as float32 (3, 1)."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


REDUCTIONS = ("none", "sum", "mean")


@dataclass(frozen=True)
class Reduced:
    """value: a number, or a list of rows for "none". warning: PyTorch's, "" for none."""

    reduction: str
    shape: tuple[int, ...]
    value: float | list[float] | list[list[float]]
    warning: str


def reductions(loss: str) -> list[Reduced]:
    """Each reduction of a loss on its example; last that of the table of losses, if it is another one."""
    own = LOSSES[loss].arguments.get("reduction")
    return [_reduced(loss, name) for name in (*REDUCTIONS, *([own] if own else []))]


def _reduced(loss: str, reduction: str) -> Reduced:
    outputs, targets = example(loss)
    loss_fn: nn.Module = LOSSES[loss].build(outputs.shape[1])
    loss_fn.reduction = reduction  # type: ignore[assignment]  # as the argument of that name
    said: list[str] = []
    with torch_warnings.collecting(said.append):
        value = loss_fn(outputs, targets)
    return Reduced(reduction, tuple(value.shape), value.tolist(), " ".join(said))
