"""The targets that a loss takes, and what PyTorch says to others, asked of the module itself."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from core import torch_warnings
from core.loss_lessons.examples import example, raw
from core.losses import LOSSES

WORDS = {
    "taken": "taken",
    "silent": "accepted silently, but wrong",
    "warned": "accepted, with a warning",
    "refused": "refused",
}


@dataclass(frozen=True)
class Try:
    """Outputs and targets of an example, changed. mistake: whether this is not meant."""

    about: str
    change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    mistake: bool = True


@dataclass(frozen=True)
class Answer:
    """about: what is tried. outputs, targets: type and shape. word: a key of WORDS.

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
    """What is tried on a loss."""
    row = LOSSES[loss]
    if "class_index" in row.takes:
        tried = INDEX
    else:
        tried = FLOATS if "values" in row.takes else YES_OR_NO if "zero_one" in row.takes else SHARES
    without = Try("outputs of a model without its last layer", lambda z, y: (raw(loss), y))
    return (*tried, *([without] if row.last else []))


def answers(loss: str) -> list[Answer]:
    """What the loss says to each of them."""
    return [_answer(loss, one, *one.change(*example(loss))) for one in tries(loss)]


def _answer(loss: str, tried: Try, outputs: Tensor, targets: Tensor) -> Answer:
    known = tried.about, in_words(outputs), in_words(targets)
    said: list[str] = []
    try:
        with torch_warnings.collecting(said.append):
            value = LOSSES[loss].build(outputs.shape[1])(outputs, targets).item()
    except Exception as error:  # noqa: BLE001  (whatever PyTorch says, the learner sees)
        return Answer(*known, "refused", f"{type(error).__name__}: {error}")
    word = "warned" if said else "silent" if tried.mistake else "taken"
    return Answer(*known, word, " ".join([f"Loss {value:.4g}.", *said]))


def in_words(tensor: Tensor) -> str:
    """Such as float32 (3, 1)."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
