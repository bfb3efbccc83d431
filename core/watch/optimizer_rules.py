"""What the optimizer does to one weight: its rule, with this step's own numbers put in.

A rule is written once, as a formula of `Term`s: numbers that remember how they were computed. So
what is shown in symbols, what is shown in numbers and what is computed (in double) are one.
The formulas are those of the boxes on the pages of torch.optim; constants that Config does not
choose (betas, eps, alpha) are read off the class.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from core import build
from core.config import Config
from core.optimizers import OPTIMIZERS
from core.watch.snapshot import Look
from core.words import DIGITS, digits_apart, factor, number

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

    def size(self) -> "Term":
        return Term(abs(self.value), f"|{self.symbols}|", f"|{self.numbers}|")

    def or_more(self, other: "Term") -> "Term":
        symbols, numbers = f"max({self.symbols}, {other.symbols})", f"max({self.numbers}, {other.numbers})"
        value = math.nan if math.isnan(self.value + other.value) else max(self.value, other.value)
        return Term(value, symbols, numbers)

    def root(self) -> "Term":
        symbols, numbers = ("√" + self._inside(text, ATOM) for text in (self.symbols, self.numbers))
        return Term(math.sqrt(self.value), symbols, numbers, POWER)


def known(symbol: str, value: float, digits: int = DIGITS) -> Term:
    """A number with its name."""
    return Term(value, symbol, number(value, digits))


HALF, ONE, TWO = (Term(value, f"{value:g}", f"{value:g}") for value in (0.5, 1.0, 2.0))


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

    @property
    def step_number(self) -> int:
        """Of the update that comes, from 1."""
        return int(self.state.get("step", 0)) + 1

    def betas(self) -> tuple[Term, Term]:
        one, two = self.settings["betas"]
        return known("β₁", one), known("β₂", two)

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
    beta1, beta2 = sheet.betas()
    t, m, v = sheet.step_number, *_moments(sheet, g)
    m = sheet.keep("m′", m / (ONE - beta1.to_the(t)))
    v = sheet.keep("v′", v / (ONE - beta2.to_the(t)))
    return sheet.setting("lr") * m / (v.root() + sheet.setting("eps", "ε"))


def _moments(sheet: Sheet, g: Term) -> Step:
    """Running averages of the gradient and of its square."""
    beta1, beta2 = sheet.betas()
    m = sheet.keep("m", beta1 * sheet.remembered("exp_avg", "m") + (ONE - beta1) * g)
    v = sheet.keep("v", beta2 * sheet.remembered("exp_avg_sq", "v") + (ONE - beta2) * g.squared())
    return m, v


def _adamax(sheet: Sheet) -> Step:
    """Adam with the largest gradient so far, fading, in place of the root of v (Kingma and Ba 2015)."""
    g, lr, (beta1, beta2) = sheet.gradient(), sheet.setting("lr"), sheet.betas()
    m = sheet.keep("m", beta1 * sheet.remembered("exp_avg", "m") + (ONE - beta1) * g)
    largest = (beta2 * sheet.remembered("exp_inf", "u")).or_more(g.size() + sheet.setting("eps", "ε"))
    u = sheet.keep("u", largest)
    return known("old", sheet.old), lr / (ONE - beta1.to_the(sheet.step_number)) * m / u


def _nadam(sheet: Sheet) -> Step:
    """Adam with Nesterov's look ahead (Dozat 2016); Π is the product of all μ so far."""
    g, (beta1, beta2), t = sheet.gradient(), sheet.betas(), sheet.step_number
    mu = sheet.keep("μ", beta1 * (ONE - HALF * _fading(sheet, t, "t")))
    ahead = sheet.keep("μ₊", beta1 * (ONE - HALF * _fading(sheet, t + 1, "(t + 1)")))
    product = known("Π", sheet.state.get("mu_product", 1.0)) * mu
    product = sheet.keep(
        "Π", replace(product, value=_single(sheet.state.get("mu_product", 1.0) * _single(mu.value)))
    )
    m, v = _moments(sheet, g)
    v = sheet.keep("v′", v / (ONE - beta2.to_the(t)))
    d = (ONE - mu) * g / (ONE - product) + ahead * m / (ONE - product * ahead)
    return known("old", sheet.old), sheet.setting("lr") * sheet.keep("d", d) / (
        v.root() + sheet.setting("eps", "ε")
    )


def _fading(sheet: Sheet, t: int, symbol: str) -> Term:
    """0.96 to the number of the step times momentum_decay."""
    decay = sheet.settings["momentum_decay"]
    return Term(0.96 ** (t * decay), f"0.96^({symbol} × ψ)", f"0.96^({t} × {number(decay)})", POWER)


def _radam(sheet: Sheet) -> Step:
    """Adam that waits with v until its average is long enough: ρ steps (Liu et al. 2020)."""
    g, (beta1, beta2), t = sheet.gradient(), sheet.betas(), sheet.step_number
    m, v = _moments(sheet, g)
    m = sheet.keep("m′", m / (ONE - beta1.to_the(t)))
    long = sheet.keep("ρ∞", TWO / (ONE - beta2) - ONE)
    fades = beta2.to_the(t)
    rho = sheet.keep("ρ", long - TWO * known("t", t) * fades / (ONE - fades))
    old, lr = known("old", sheet.old), sheet.setting("lr")
    if rho.value <= 5:
        return old, lr * m
    four, steep = (
        known("4", 4.0),
        sheet.keep("l", (ONE - fades).root() / (v.root() + sheet.setting("eps", "ε"))),
    )
    r = (rho - four) * (rho - TWO) * long / ((long - four) * (long - TWO) * rho)
    return old, lr * m * sheet.keep("r", r.root()) * steep


def _adadelta(sheet: Sheet) -> Step:
    """v and u are running averages of the squares of gradients and of moves (Zeiler 2012)."""
    g, rho, eps = sheet.gradient(), sheet.setting("rho", "ρ"), sheet.setting("eps", "ε")
    v = sheet.keep("v", rho * sheet.remembered("square_avg", "v") + (ONE - rho) * g.squared())
    move = (sheet.remembered("acc_delta", "u") + eps).root() / (v + eps).root() * g
    return known("old", sheet.old), sheet.setting("lr") * sheet.keep("Δ", move)


def _asgd(sheet: Sheet) -> Step:
    """Polyak and Juditsky 1992. The rate η fades from lr; PyTorch keeps it in float32."""
    g, lambd = sheet.gradient(), sheet.setting("lambd", "λ")
    eta = known("η", sheet.state.get("eta", _single(sheet.settings["lr"])))
    shrunk = known("old", sheet.old) * (ONE - lambd * eta)
    digits = digits_apart(sheet.old, shrunk.value)
    w = sheet.keep("w", known("old", sheet.old, digits) * (ONE - lambd * eta), digits)
    return w, eta * g


def _rprop(sheet: Sheet) -> Step:
    """Only the sign of the gradient counts; a step size s for each weight grows until the sign turns."""
    g, before = known("gradient", sheet.grad), sheet.state.get("prev", 0.0)
    smaller, larger = sheet.settings["etas"]
    least, most = sheet.settings["step_sizes"]
    s = known("s", sheet.state.get("step_size", sheet.settings["lr"]))
    turned = before * g.value < 0
    if before * g.value:
        s = s * known("η₋" if turned else "η₊", smaller if turned else larger)
    bounded = s if math.isnan(s.value) else replace(s, value=min(max(s.value, least), most))
    if bounded.value != s.value:
        end = known("the limit", bounded.value)
        bounded = end
    s = sheet.keep("s", bounded) if bounded.symbols != "s" else bounded
    sign = math.nan if math.isnan(g.value) else 0.0 if turned or not g.value else math.copysign(1, g.value)
    d = sheet.keep(
        "d", Term(sign, "0, for the sign has turned" if turned else "sign of gradient", number(sign))
    )
    return known("old", sheet.old), d * s


def _single(value: float) -> float:
    """The nearest number of float32: in that type torch.optim keeps what is one number for a tensor."""
    return torch.tensor(value, dtype=torch.float32).item()


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
    "adamax": _adamax,
    "nadam": _nadam,
    "radam": _radam,
    "adadelta": _adadelta,
    "asgd": _asgd,
    "rprop": _rprop,
}
# Arguments that the rules take in, of themselves or by what the optimizer remembers.
FOLLOWED = {
    "alpha",
    "betas",
    "eps",
    "etas",
    "initial_accumulator_value",
    "lambd",
    "momentum_decay",
    "nesterov",
}
FOLLOWED |= {"rho", "step_sizes", "t0"}
# Rules that cannot be worked out for one weight alone, and why.
WITHOUT_RULE = {
    "adafactor": "Adafactor's update of one weight depends on the whole tensor: on the size of its weights, "
    "and on the mean squares of rows and columns of its gradients.",
    "muon": "Muon's update of one weight depends on the whole matrix, which it makes nearly orthogonal; all "
    "other tensors are updated by AdamW.",
    "lbfgs": "L-BFGS works out its direction from the gradients of all weights at many steps.",
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
    held = look.parameters[parameter]
    if held.grad is None or why_no_rule(config):
        return None
    rule = RULES[config.optimizer]
    state = {name: _at(value, index) for name, value in look.state[parameter].items()}
    sheet = Sheet(_at(held.values, index), _at(held.grad, index), state, settings(config, look.lr))
    old, taken = rule(sheet)
    new = (old - taken).value
    digits = digits_apart(old.value, new)
    change = known(old.symbols, old.value, digits) - taken
    rule_lines = (*sheet.rule, f"new = {change.symbols}")
    return Update(rule_lines, tuple(sheet.workings), change.numbers, new, digits)


def why_no_rule(config: Config) -> str | None:
    """One sentence if `update` has no rule for this optimizer and its arguments."""
    if config.optimizer not in RULES:
        title = OPTIMIZERS[config.optimizer].title
        return WITHOUT_RULE.get(config.optimizer, f"There is no arithmetic here for {title}.")
    others = [name for name, value in config.optimizer_arguments if name not in FOLLOWED and value]
    return f"There is no arithmetic here for the argument {others[0]}." if others else None


def settings(config: Config, lr: float) -> Settings:
    """Every argument of the optimizer by name, torch's own defaults among them."""
    parameters = OPTIMIZERS[config.optimizer].signature.values()
    usual = {p.name: p.default for p in parameters if p.default is not p.empty}
    return usual | build.optimizer_arguments(config) | {"lr": lr}


def _at(value: float | Tensor, index: int) -> float:
    """The entry of a tensor; a number for the whole parameter, such as Adam's step, is itself."""
    if not isinstance(value, Tensor):
        return float(value)
    return float(value if value.ndim == 0 else value.flatten()[index])
