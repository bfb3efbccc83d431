"""What the optimizer does to one weight: its rule, with this step's own numbers put in.

A rule is written once, as a formula of `Term`s: numbers that remember how they were computed. So
what is shown in symbols, what is shown in numbers and what is computed (in double) are one.
The formulas are those of the boxes on the pages of torch.optim; constants that Config does not
choose (betas, eps, alpha) are read off the class.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from core import build
from core.config import Config
from core.optimizers import OPTIMIZERS
from core.watch.snapshot import Look
from core.words import DIGITS, digits_apart, factor, signed

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly a term binds: what needs brackets in what

Settings = Mapping[str, Any]  # the optimizer's arguments by name


@dataclass(frozen=True)
class Term:
    """A value, its formula in symbols, and the same formula in numbers."""

    value: float
    symbols: str
    numbers: str
    binds: int = ATOM

    def __add__(self, other: "Term") -> "Term":
        return self._joined(other, "+", self.value + other.value, SUM, SUM)

    def __sub__(self, other: "Term") -> "Term":
        return self._joined(other, "−", self.value - other.value, SUM, PRODUCT)

    def __mul__(self, other: "Term") -> "Term":
        return self._joined(other, "×", self.value * other.value, PRODUCT, PRODUCT)

    def __truediv__(self, other: "Term") -> "Term":
        return self._joined(other, "/", self.value / other.value, PRODUCT, POWER)

    def _joined(self, other: "Term", sign: str, value: float, level: int, right: int) -> "Term":
        symbols, numbers = (
            f"{one if self.binds >= level else f'({one})'} {sign} {other._inside(two, right)}"
            for one, two in ((self.symbols, other.symbols), (self.numbers, other.numbers))
        )
        return Term(value, symbols, numbers, level)

    def _inside(self, text: str, level: int) -> str:
        return f"({text})" if self.binds < level else factor(text)

    def squared(self) -> "Term":
        symbols, numbers = (self._inside(text, ATOM) + "²" for text in (self.symbols, self.numbers))
        return Term(self.value * self.value, symbols, numbers, POWER)  # ** would raise where that is inf

    def to_the(self, t: int) -> "Term":
        """Of a name alone, to the number of the step."""
        return Term(self.value**t, self.symbols + "ᵗ", self.numbers + str(t).translate(SUPERSCRIPTS), POWER)

    def root(self) -> "Term":
        symbols, numbers = ("√" + self._inside(text, ATOM) for text in (self.symbols, self.numbers))
        return Term(math.sqrt(self.value), symbols, numbers, POWER)


def known(symbol: str, value: float, digits: int = DIGITS) -> Term:
    """A number with its name."""
    return Term(value, symbol, signed(value, digits))


ONE = Term(1.0, "1", "1")


@dataclass
class Sheet:
    """One entry of a parameter before the update, and what is worked out on the way to the new one.

    state: what the optimizer remembers of this entry. rule: lines in symbols. workings: the same
    lines in numbers, with their results.
    """

    old: float
    grad: float
    state: Mapping[str, float]
    settings: Settings
    rule: list[str] = field(default_factory=list)
    workings: list[str] = field(default_factory=list)

    def setting(self, name: str, symbol: str = "") -> Term:
        return known(symbol or name, self.settings[name])

    def remembered(self, name: str, symbol: str) -> Term:
        """0 before the first update."""
        return known(symbol, self.state.get(name, 0.0))

    def keep(self, symbol: str, term: Term, digits: int = DIGITS) -> Term:
        """Writes a line down and returns its result under this name."""
        kept = known(symbol, term.value, digits)
        self.rule.append(f"{symbol} = {term.symbols}")
        result = "" if term.numbers == kept.numbers else f" = {kept.numbers}"
        self.workings.append(f"{symbol} = {term.numbers}{result}")
        return kept

    def gradient(self) -> Term:
        """With weight decay as a part of it, unless that is 0."""
        gradient, decay = known("gradient", self.grad), self.settings.get("weight_decay", 0.0)
        if not decay:
            return gradient
        return self.keep("g", gradient + known("weight decay", decay) * known("old", self.old))


Step = tuple[Term, Term]  # the weight, and what is taken off it


def _sgd(sheet: Sheet) -> Step:
    """Dampening is 0 here, so it is left out."""
    g, lr, old = sheet.gradient(), sheet.setting("lr"), known("old", sheet.old)
    if not sheet.settings.get("momentum", 0.0):
        return old, lr * g
    momentum = sheet.setting("momentum")
    first = "momentum_buffer" not in sheet.state  # then torch starts with the gradient itself
    v = sheet.keep("v", g if first else momentum * sheet.remembered("momentum_buffer", "v") + g)
    return old, lr * (sheet.keep("d", g + momentum * v) if sheet.settings["nesterov"] else v)


def _adam(sheet: Sheet) -> Step:
    return known("old", sheet.old), _by_moments(sheet, sheet.gradient())


def _adamw(sheet: Sheet) -> Step:
    """Weight decay shrinks the weight itself and is no part of the gradient."""
    lr, decay = sheet.setting("lr"), sheet.setting("weight_decay", "weight decay")
    old = known("old", sheet.old)
    if decay.value:
        digits = digits_apart(sheet.old, (old * (ONE - lr * decay)).value)
        old = sheet.keep("w", known("old", sheet.old, digits) * (ONE - lr * decay), digits)
    return old, _by_moments(sheet, known("gradient", sheet.grad))


def _by_moments(sheet: Sheet, g: Term) -> Term:
    """Adam (Kingma and Ba 2015): m and v are running averages; m′ and v′ make up for their start at 0."""
    betas = sheet.settings["betas"]
    beta1, beta2 = known("β₁", betas[0]), known("β₂", betas[1])
    t = int(sheet.state.get("step", 0)) + 1
    m = sheet.keep("m", beta1 * sheet.remembered("exp_avg", "m") + (ONE - beta1) * g)
    v = sheet.keep("v", beta2 * sheet.remembered("exp_avg_sq", "v") + (ONE - beta2) * g.squared())
    m = sheet.keep("m′", m / (ONE - beta1.to_the(t)))
    v = sheet.keep("v′", v / (ONE - beta2.to_the(t)))
    return sheet.setting("lr") * m / (v.root() + sheet.setting("eps", "ε"))


def _rmsprop(sheet: Sheet) -> Step:
    g, old, lr = sheet.gradient(), known("old", sheet.old), sheet.setting("lr")
    alpha, eps = sheet.setting("alpha", "α"), sheet.setting("eps", "ε")
    v = sheet.keep("v", alpha * sheet.remembered("square_avg", "v") + (ONE - alpha) * g.squared())
    if not sheet.settings["momentum"]:
        return old, lr * g / (v.root() + eps)
    before = sheet.setting("momentum") * sheet.remembered("momentum_buffer", "b")
    return old, lr * sheet.keep("b", before + g / (v.root() + eps))


def _adagrad(sheet: Sheet) -> Step:
    """The learning rate's own decay is 0 here, so it is left out."""
    g, lr = sheet.gradient(), sheet.setting("lr")
    s = sheet.keep("s", sheet.remembered("sum", "s") + g.squared())
    return known("old", sheet.old), lr * g / (s.root() + sheet.setting("eps", "ε"))


RULES: dict[str, Callable[[Sheet], Step]] = {
    "sgd": _sgd,
    "sgd_by_hand": _sgd,
    "nesterov": _sgd,
    "adam": _adam,
    "adamw": _adamw,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
}


@dataclass(frozen=True)
class Update:
    """What a rule does to one entry.

    rule: its lines in symbols. workings: all but the last line in numbers. change: the last line in numbers
    without its result, "3 − 0.01 × 15". new: that result, in double. digits: how many it takes to show it.
    """

    rule: tuple[str, ...]
    workings: tuple[str, ...]
    change: str
    new: float
    digits: int


def update(look: Look, parameter: str, index: int, config: Config) -> Update | None:
    """What the next `optimizer.step()` after a look does to one entry of a parameter.

    index: in the flattened tensor. None where .grad is None, since the optimizer then skips it, and for an
    optimizer without a rule here.
    """
    held, rule = look.parameters[parameter], RULES.get(config.optimizer)
    if held.grad is None or rule is None:
        return None
    state = {name: _at(value, index) for name, value in look.state[parameter].items()}
    sheet = Sheet(_at(held.values, index), _at(held.grad, index), state, settings(config, look.lr))
    old, taken = rule(sheet)
    new = (old - taken).value
    digits = digits_apart(old.value, new)
    change = known(old.symbols, old.value, digits) - taken
    rule_lines = (*sheet.rule, f"new = {change.symbols}")
    return Update(rule_lines, tuple(sheet.workings), change.numbers, new, digits)


def settings(config: Config, lr: float) -> Settings:
    """Every argument of the optimizer by name, torch's own defaults among them."""
    parameters = inspect.signature(OPTIMIZERS[config.optimizer].make).parameters.values()
    usual = {p.name: p.default for p in parameters if p.default is not p.empty}
    return usual | build.optimizer_arguments(config) | {"lr": lr}


def _at(value: float | Tensor, index: int) -> float:
    """The entry of a tensor; a number for the whole parameter, such as Adam's step, is itself."""
    if not isinstance(value, Tensor):
        return float(value)
    return float(value if value.ndim == 0 else value.flatten()[index])
