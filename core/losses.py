"""Losses by name: the torch class, the targets it takes, its formula, when to use it.

A loss fits a data set if the data set offers a form of target that the loss takes (see
`core.data.FORMS`). Two losses can then be compared on one classification task. Where a loss takes
probabilities or their logarithms, the model ends in the layer that makes them.
"""

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from core import torch_warnings
from core.data import FORMS_OF_TASK, NO_FILE, Own, data_set
from core.fields import Arguments, Signature, offered


@dataclass(frozen=True)
class Loss:
    """One row of LOSSES.

    takes: forms of target, keys of `core.data.FORMS`, the one it is made for first. formula: LaTeX,
    z = outputs, y = targets, N = all terms. share: outputs -> probability of class 1, any shape and that
    shape out; a loss that takes "zero_one" needs it, and a class is named where it is above one half.
    term: one term in symbols, see below. arguments: of the module. weights: number of classes
    -> the module's `weight`, one for each. last: makes the layer that the model ends in.
    Raises ValueError if share is missing, or is not a probability that rises with the output.
    """

    title: str
    module: type[nn.Module]
    takes: tuple[str, ...]
    formula: str
    when: str
    unit: str
    share: Callable[[Tensor], Tensor] | None = None
    term: Callable[..., str] | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    weights: Callable[[int], list[float]] | None = None
    last: Callable[[], nn.Module] | None = None

    def __post_init__(self) -> None:
        if "zero_one" in self.takes and not _is_probability(self.share):
            raise ValueError(
                f"share of the loss {self.title} must say how outputs become a probability of class 1 "
                "(such as torch.sigmoid for logits), since the loss takes targets of 0 and 1"
            )

    @property
    def offered(self) -> Signature:
        """The arguments of the module that there is a choice of."""
        return offered(inspect.signature(self.module).parameters)

    def all_arguments(self, outputs: int, more: Arguments = ()) -> dict[str, Any]:
        """Arguments of the module for a model with so many outputs; a list stands for a tensor.

        more: given by name, in place of the row's own.
        """
        own = self.arguments | ({"weight": self.weights(outputs)} if self.weights else {})
        return own | {name: list(v) if isinstance(v, tuple) else v for name, v in more}

    def build(self, outputs: int, more: Arguments = ()) -> nn.Module:
        """The module, for a model with so many outputs."""
        given = self.all_arguments(outputs, more)
        return self.module(**{k: torch.tensor(v) if isinstance(v, list) else v for k, v in given.items()})

    def expression(self, outputs: int, more: Arguments = ()) -> str:
        """Python that builds it."""
        given = self.all_arguments(outputs, more)
        texts = {k: f"torch.tensor({v})" if isinstance(v, list) else repr(v) for k, v in given.items()}
        prefix = "nn." if self._of_pytorch else ""
        return f"{prefix}{self.module.__name__}({', '.join(f'{k}={text}' for k, text in texts.items())})"

    def definition(self) -> str:
        """Source of the module's class, where it is not one of PyTorch's own."""
        return "" if self._of_pytorch else inspect.getsource(self.module)

    @property
    def _of_pytorch(self) -> bool:
        return getattr(nn, self.module.__name__, None) is self.module


def _is_probability(share: Callable[[Tensor], Tensor] | None) -> bool:
    """Whether it is there, and gives numbers from 0 to 1 that rise with the output, from below one half."""
    outputs = torch.linspace(-8, 8, 65)[:, None]
    try:
        found = share(outputs) if share else None
    except Exception:  # noqa: BLE001  (whatever it raises, it is none)
        return False
    if not isinstance(found, Tensor) or found.shape != outputs.shape or found.dtype != outputs.dtype:
        return False
    low, *_, high = found.flatten().tolist()
    return bool((found.diff(dim=0) >= 0).all()) and 0 <= low < 0.5 < high <= 1  # nan is not


def clipped(outputs: Tensor) -> Tensor:
    """Outputs that are probabilities, or should become 0 and 1 (regression on classes), cut off there."""
    return outputs.clamp(0, 1)


def log_softmax() -> nn.Module:
    return nn.LogSoftmax(dim=1)


def first_counts_more(classes: int) -> list[float]:
    """Class 0 counts three times."""
    return [3.0] + [1.0] * (classes - 1)


# Terms as they are written: each takes an output z (of losses of classes: one row of them), its target y and
# the arguments of the module; in the text, {z} and {y} stand for the two numbers.


def _squared(z: float, y: float) -> str:
    return "({z} − {y})²"


def _absolute(z: float, y: float) -> str:
    return "|{z} − {y}|"


def _huber(z: float, y: float) -> str:
    return "½ × ({z} − {y})²" if abs(z - y) < 1 else "(|{z} − {y}| − ½)"


def _smooth_l1(z: float, y: float, beta: float) -> str:
    near = abs(z - y) < beta
    return f"({{z}} − {{y}})² / {2 * beta:g}" if near else f"(|{{z}} − {{y}}| − {beta / 2:g})"


def _cross_entropy(z: Sequence[float], y: int) -> str:
    return "−log softmax({z})[{y}]"


def _smoothed(z: Sequence[float], y: int, label_smoothing: float) -> str:
    one, all_ = f"{1 - label_smoothing:g}", f"{label_smoothing:g}"
    return f"−({one} × log softmax({{z}})[{{y}}] + {all_} × mean log softmax({{z}}))"


def _weighted(z: Sequence[float], y: int, weight: Sequence[float]) -> str:
    return f"−{weight[y]:g} × log softmax({{z}})[{{y}}]"


def _nll(z: Sequence[float], y: int) -> str:
    return "−({z})[{y}]"


def _bce(z: float, y: float) -> str:
    return _two_classes(y, "log σ({z})", "log(1 − σ({z}))")


def _bce_of_probability(z: float, y: float) -> str:
    return _two_classes(y, "log {z}", "log(1 − {z})")


def _focal(z: float, y: float, gamma: float) -> str:
    ones, zeros = f"(1 − σ({{z}}))^{gamma:g} × log σ({{z}})", f"σ({{z}})^{gamma:g} × log(1 − σ({{z}}))"
    if y in (0.0, 1.0):
        return _two_classes(y, ones, zeros)
    wrong = "({y} × (1 − σ({z})) + (1 − {y}) × σ({z}))"
    return f"{wrong}^{gamma:g} × ({_bce(z, y)})"


def _two_classes(y: float, one: str, zero: str) -> str:
    """Minus the logarithm of class 1 for y = 1, of class 0 for y = 0, a mixture in between."""
    usual = {1.0: f"−{one}", 0.0: f"−{zero}"}
    return usual.get(y, f"−({{y}} × {one} + (1 − {{y}}) × {zero})")


def _kl_div(z: float, y: float, reduction: str) -> str:
    return "{y} × (log {y} − ({z}))" if y > 0 else "0"


# Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 4; PyTorch has no class for it.
class FocalLoss(nn.Module):
    """BCE of logits, each term times (1 - p)^gamma, where p is the probability of the right answer.

    Args: gamma: 0 leaves BCE as it is; the larger, the less do right and sure answers count.
        reduction: "mean", "sum" or "none", as in PyTorch's own losses.
    Shape: outputs (logits) and targets (floats from 0 to 1) alike; others raise ValueError.
    """

    def __init__(self, gamma: float = 2.0, reduction: str = "mean"):
        super().__init__()
        self.gamma, self.reduction = gamma, reduction

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        bce = nn.functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
        # 1 - p. As sigmoids it keeps its digits where p is almost 1.
        wrong = targets * (-outputs).sigmoid() + (1 - targets) * outputs.sigmoid()
        terms = wrong**self.gamma * bce
        if self.reduction == "none":
            return terms
        if self.reduction not in ("sum", "mean"):
            raise ValueError(f"{self.reduction} is not a valid value for reduction")
        return terms.sum() if self.reduction == "sum" else terms.mean()


FLOATS, SHARES = ("values", "zero_one", "one_hot"), ("zero_one", "one_hot")
INDEX, INDEX_OR_SHARES = ("class_index",), ("class_index", "one_hot")

LOSSES = {  # those that are met most often first
    "mse": Loss(
        "MSE",
        nn.MSELoss,
        FLOATS,
        r"\frac{1}{N}\sum_i (z_i - y_i)^2",
        "Regression. Large errors count most, so a few outliers can decide the fit.",
        "target units squared",
        share=clipped,
        term=_squared,
    ),
    "l1": Loss(
        "L1",
        nn.L1Loss,
        FLOATS,
        r"\frac{1}{N}\sum_i |z_i - y_i|",
        "Regression with outliers. The gradient of each error keeps its size, however small the error.",
        "target units",
        share=clipped,
        term=_absolute,
    ),
    "huber": Loss(
        "Huber",
        nn.HuberLoss,
        FLOATS,
        r"\frac{1}{N}\sum_i \begin{cases}\frac12 (z_i - y_i)^2 & |z_i - y_i| < 1 \\"
        r" |z_i - y_i| - \frac12 & \text{else}\end{cases}",
        "Regression. Quadratic for small errors, linear for outliers.",
        "target units squared near zero",
        share=clipped,
        term=_huber,
    ),
    "cross_entropy": Loss(
        "Cross-entropy",
        nn.CrossEntropyLoss,
        INDEX_OR_SHARES,
        r"-\frac{1}{N}\sum_i \log \operatorname{softmax}(z_i)_{y_i}",
        "One class of several. Takes logits: softmax is inside, so one before it would be applied twice.",
        "nats per example",
        term=_cross_entropy,
    ),
    "bce": Loss(
        "BCE with logits",
        nn.BCEWithLogitsLoss,
        SHARES,
        r"-\frac{1}{N}\sum_i \big[y_i \log \sigma(z_i) + (1 - y_i) \log(1 - \sigma(z_i))\big]",
        "Two classes, or several yes-or-no questions per row. Takes logits: the sigmoid is inside.",
        "nats per output",
        share=torch.sigmoid,
        term=_bce,
    ),
    "smooth_l1": Loss(
        "Smooth L1",
        nn.SmoothL1Loss,
        FLOATS,
        r"\frac{1}{N}\sum_i \begin{cases}\frac{(z_i - y_i)^2}{2\beta} & |z_i - y_i| < \beta \\"
        r" |z_i - y_i| - \beta / 2 & \text{else}\end{cases}",
        "Regression. Huber with delta = beta, divided by beta: the slope far out is 1 whatever beta "
        "is, and with beta = 1 the two are the same.",
        "target units",
        share=clipped,
        term=_smooth_l1,
        arguments={"beta": 0.5},
    ),
    "bce_of_sigmoid": Loss(
        "BCE of probabilities",
        nn.BCELoss,
        SHARES,
        r"-\frac{1}{N}\sum_i \big[y_i \log z_i + (1 - y_i) \log(1 - z_i)\big]",
        "Two classes, where the model itself ends in a sigmoid. BCE with logits is safer: here a "
        "confidently wrong answer can lose its gradient altogether, and the logarithm is clamped at "
        "-100.",
        "nats per output",
        share=clipped,
        term=_bce_of_probability,
        last=nn.Sigmoid,
    ),
    "focal": Loss(
        "Focal",
        FocalLoss,
        SHARES,
        r"-\frac{1}{N}\sum_i (1 - p_i)^\gamma \log p_i,\quad"
        r" p_i = \begin{cases}\sigma(z_i) & y_i = 1 \\ 1 - \sigma(z_i) & y_i = 0\end{cases}",
        "Two classes of which one is rare, as in object detection: easy rows that are already right "
        "hardly count (Lin et al. 2017). Takes logits.",
        "nats per output, scaled down",
        share=torch.sigmoid,
        term=_focal,
        arguments={"gamma": 2.0},
    ),
    "smoothed": Loss(
        "Cross-entropy, smoothed labels",
        nn.CrossEntropyLoss,
        INDEX_OR_SHARES,
        r"-\frac{1}{N}\sum_i \Big[(1 - \varepsilon) \log \operatorname{softmax}(z_i)_{y_i} +"
        r" \frac{\varepsilon}{C} \sum_c \log \operatorname{softmax}(z_i)_c\Big]",
        "One class of several, when the model should not become overconfident (Szegedy et al. 2016). "
        "It never reaches 0.",
        "nats per example",
        term=_smoothed,
        arguments={"label_smoothing": 0.1},
    ),
    "weighted": Loss(
        "Cross-entropy, class weights",
        nn.CrossEntropyLoss,
        INDEX_OR_SHARES,
        r"-\frac{1}{\sum_i w_{y_i}}\sum_i w_{y_i} \log \operatorname{softmax}(z_i)_{y_i}",
        "One class of several, when some are rare or their errors cost more: here class 0 counts "
        "three times. With class indices the sum is divided by the rows' total weight, not by the "
        "number of rows.",
        "nats per unit of weight",
        term=_weighted,
        weights=first_counts_more,
    ),
    "nll": Loss(
        "NLL",
        nn.NLLLoss,
        INDEX,
        r"-\frac{1}{N}\sum_i z_{i,\,y_i}",
        "One class of several, where the model itself ends in a log-softmax. The two together are "
        "cross-entropy.",
        "nats per example",
        term=_nll,
        last=log_softmax,
    ),
    "kl_div": Loss(
        "KL divergence",
        nn.KLDivLoss,
        ("one_hot",),
        r"\frac{1}{N}\sum_i \sum_c y_{ic}\,(\log y_{ic} - z_{ic})",
        "Targets that are probabilities, such as another model's outputs (distillation). Takes "
        'log-probabilities. "batchmean" divides by the rows; PyTorch\'s default, "mean", by the '
        "entries.",
        "nats per example",
        term=_kl_div,
        arguments={"reduction": "batchmean"},
        last=log_softmax,
    ),
}


@lru_cache(maxsize=256)
def refusal(loss: str, more: Arguments) -> str | None:
    """What PyTorch says of arguments that this loss does not take, on two rows; None if it takes them."""
    classes = len(dict(more).get("weight") or (0, 0))
    outputs = torch.full((2, classes), 0.5)
    indices = LOSSES[loss].takes[0] == "class_index"
    targets = torch.zeros(2, dtype=torch.long) if indices else outputs
    try:
        with torch_warnings.collecting(lambda text: None):  # a run warns of the same where it is seen
            LOSSES[loss].build(classes, more)(outputs, targets)
    except Exception as exception:  # noqa: BLE001  (whatever it says is the answer)
        return f"{type(exception).__name__}: {exception}"
    return None


def form(loss: str, dataset: str, own: Own = NO_FILE) -> str | None:
    """The form of target that this loss gets from this data set; None if they do not fit."""
    offered = FORMS_OF_TASK[data_set(dataset, own).task]
    return next((name for name in offered if name in LOSSES[loss].takes), None)


def fitting(dataset: str, own: Own = NO_FILE) -> tuple[str, ...]:
    """Names of the losses that fit a data set; the task's usual one first."""
    usual = {"regression": "mse", "binary": "bce", "classes": "cross_entropy"}
    first = usual[data_set(dataset, own).task]
    rest = (name for name in LOSSES if name != first and form(name, dataset, own))
    return (first, *rest)


@dataclass(frozen=True)
class Terms:
    """What a loss adds up, and what it divides the sum by: it is values.sum() / divisor.

    The divisor is the number of terms, the number of rows ("batchmean"), the weights of the rows' classes, or
    1 ("sum").
    values: one per entry, or (losses of classes) one per row.
    """

    values: Tensor
    divisor: float


def unreduced(loss_fn: nn.Module) -> nn.Module:
    """The same loss, which gives its terms as they are."""
    one: Any = copy.copy(loss_fn)
    one.reduction = "none"
    return one


def weights(loss_fn: nn.Module, targets: Tensor) -> Tensor | None:
    """The weight of each row's class, 0 where the row is ignored; None if all weigh alike."""
    weight = getattr(loss_fn, "weight", None)
    if weight is None or targets.is_floating_point():  # weights of shares of classes are in the terms alone
        return None
    ignored = targets.eq(int(loss_fn.ignore_index))  # type: ignore[arg-type]
    return weight[targets.masked_fill(ignored, 0)].masked_fill(ignored, 0)


def terms(loss: str, outputs: Tensor, targets: Tensor, arguments: Arguments = ()) -> Terms | None:
    """The terms of a loss (a key of LOSSES), by its own module; None if it is no sum or mean of terms.

    Shapes that differ are broadcast, as the module does.
    """
    loss_fn = LOSSES[loss].build(outputs.shape[-1], arguments).to(outputs)
    reduction, each = getattr(loss_fn, "reduction", None), weights(loss_fn, targets)
    if reduction not in ("mean", "batchmean", "sum"):
        return None
    values = unreduced(loss_fn)(*paired(loss, outputs, targets))
    if reduction == "sum":
        return Terms(values, 1)
    if reduction == "batchmean":
        return Terms(values, len(targets))
    return Terms(values, values.numel() if each is None else float(each.sum()))


def paired(loss: str, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs and targets, entry by entry where the loss compares values; broadcast if need be."""
    if "values" not in LOSSES[loss].takes or outputs.shape == targets.shape:
        return outputs, targets
    one, other = torch.broadcast_tensors(outputs, targets)  # torch does so too, with a warning
    return one, other
