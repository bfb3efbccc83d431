"""Updates: the arithmetic shown for the optimizer is what PyTorch has computed.

The expected numbers were worked out by hand from the boxes on the pages of torch.optim.
"""

import ast
import math
import operator
import re

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from core import Config, Run
from core.build import make_optimizer
from core.graph.tensor_state import tensor_state
from core.lines import USUAL
from core.optimizers import OPTIMIZERS
from core.watch.optimizer_rules import (
    ONE,
    RULES,
    WITHOUT_RULE,
    Sheet,
    Term,
    known,
    settings,
    update,
    why_no_rule,
)
from core.watch.snapshot import Look
from core.watch.tape import Tape
from core.words import number

CHOSEN = {1, 2, 0.01, 0.02, 0.05, 0.1, 0.9, 0.99, 0.999, 1e-8, 1e-10}  # not rounded: settings
POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def as_python(text):
    text = re.sub(r"\|([^|]+)\|", r"abs(\1)", text.replace("^", "**"))
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: f"**{found[0].translate(POWERS)}", text)
    text = re.sub(r"√(\d[\d.]*(?:e[−+]\d+)?|\w+)", r"√(\1)", text).replace("√", "sqrt")
    return text.replace("−", "-").replace("×", "*").replace("′", "_")


def worth(text, names=None):
    """The value of a formula as it is written, and how far rounded numbers in it can move it.

    Numbers are rounded to four digits that matter, unless they were chosen.
    """
    return _worth(ast.parse(as_python(text), mode="eval").body, names or {})


def _worth(node, names):
    match node:
        case ast.Constant(value):
            exact = value in CHOSEN or not value
            return value, 0.0 if exact else 0.5 * 10.0 ** (math.floor(math.log10(value)) - 3)
        case ast.Name(name):
            return names[name], 0.0
        case ast.UnaryOp(ast.USub(), inner):
            value, error = _worth(inner, names)
            return -value, error
        case ast.Call(ast.Name("sqrt"), [inner]):
            value, error = _worth(inner, names)
            return math.sqrt(value), math.sqrt(value + error) - math.sqrt(max(value - error, 0.0))
        case ast.Call(ast.Name("abs"), [inner]):
            value, error = _worth(inner, names)
            return abs(value), error
        case ast.Call(ast.Name("max"), [left, right]):
            (one, first), (other, second) = _worth(left, names), _worth(right, names)
            return max(one, other), max(first, second)
        case ast.BinOp(
            ast.Constant(base), ast.Pow(), ast.BinOp(ast.Constant(one), ast.Mult(), ast.Constant(two))
        ):
            return base ** (one * two), 0.0  # all three were chosen
        case ast.BinOp(left, ast.Pow(), ast.Constant(power)):
            value, error = _worth(left, names)
            return value**power, (abs(value) + error) ** power - abs(value) ** power
        case ast.BinOp(left, sign, right):
            return _both(sign, _worth(left, names), _worth(right, names))
    raise ValueError(ast.dump(node))


SIGNS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _both(sign, left, right):
    """The result, and the largest change of it over the corners of what left and right can be."""
    do = SIGNS[type(sign)]
    value = do(left[0], right[0])
    corners = [do(left[0] + a * left[1], right[0] + b * right[1]) for a in (-1, 1) for b in (-1, 1)]
    return value, max(abs(corner - value) for corner in corners)


def holds(line):
    """Whether a line "name = arithmetic = result" is right, up to the rounding of its numbers."""
    *_, formula, result = line.split(" = ")
    (value, error), (shown, rounding) = worth(formula), worth(result)
    return abs(value - shown) <= 1.001 * (error + rounding) + 1e-7 * abs(shown)


def test_the_checker_of_arithmetic_finds_mistakes():
    assert holds("v = 0.9 × 12 + 15 = 25.8") and holds("x = 1 / (√0.25 + 1e−8) − (−3)² = −7")
    assert holds("a = 2.987 × (1 − 0.9²) = 0.5675")
    for wrong in ("v = 0.9 × 12 + 15 = 25.9", "a = 2.987 × (1 − 0.9²) = 0.57", "b = −3² = 9"):
        assert not holds(wrong)


# Terms: a formula, its symbols and its numbers


FOUR = (operator.add, operator.sub, operator.mul, operator.truediv)


@pytest.mark.parametrize("outer", FOUR)
@pytest.mark.parametrize("inner", [*FOUR, lambda a, _: a.squared(), lambda a, _: a.root()])
def test_every_formula_in_a_formula_reads_as_what_it_computes(outer, inner):
    a, b, c = known("a", 5.0), known("b", 0.75), known("c", 2.5)
    values = {"a": 5.0, "b": 0.75, "c": 2.5}
    for term in (outer(inner(a, b), c), outer(c, inner(a, b)), inner(outer(a, b), c)):
        for text in (term.symbols, term.numbers):
            assert worth(text, values)[0] == pytest.approx(term.value, rel=1e-12)


def leaves():
    values = st.integers(-99, 99).map(lambda n: n / 4)
    return values.map(lambda value: known(f"x{value}".replace("-", "m").replace(".", "p"), value))


def grown(terms):
    def joined(one, other, sign):
        assume(not (sign is operator.truediv and abs(other.value) < 1e-3))
        return sign(one, other)

    pairs = st.builds(joined, terms, terms, st.sampled_from(FOUR))
    roots = terms.filter(lambda term: term.value >= 0).map(Term.root)
    return st.one_of(*[pairs] * 6, terms.map(Term.squared), roots)


NAMES = {f"x{n / 4}".replace("-", "m").replace(".", "p"): n / 4 for n in range(-99, 100)}


@given(st.recursive(leaves(), grown, max_leaves=8))
def test_a_term_reads_as_what_it_computes(term):
    assume(math.isfinite(term.value) and abs(term.value) < 1e100)
    scale = abs(term.value) + 1e-6  # differences of nearly equal numbers lose digits
    assume(scale > 1e-4)
    assert worth(term.numbers)[0] == pytest.approx(term.value, rel=1e-6, abs=1e-6)
    assert worth(term.symbols, NAMES)[0] == pytest.approx(term.value, rel=1e-6, abs=1e-6)


def test_brackets_stand_where_they_are_needed_and_nowhere_else():
    a, b, c = known("a", -3.0), known("b", 2.0), known("c", 0.5)
    assert (a + b * c).symbols == "a + b × c" and (a + b * c).numbers == "−3 + 2 × 0.5"
    assert (b * (a + c)).symbols == "b × (a + c)" and (b * (a + c)).numbers == "2 × (−3 + 0.5)"
    assert (b - (a - c)).numbers == "2 − (−3 − 0.5)" and (b - a).numbers == "2 − (−3)"
    assert (b / (a * c)).symbols == "b / (a × c)" and (b * a / c).numbers == "2 × (−3) / 0.5"
    assert a.squared().numbers == "(−3)²" and (a * b).squared().symbols == "(a × b)²"
    assert (ONE - b.to_the(12)).numbers == "1 − 2¹²" and (ONE - b.to_the(12)).symbols == "1 − bᵗ"


# Numbers as text


# Rules


def at(weight, grad, lr=0.01, **state):
    """A look at a Linear(1, 1)'s weight with this gradient and state."""
    values = torch.tensor([[weight]], dtype=torch.float64)
    kept = None if grad is None else torch.full_like(values, grad)
    values.requires_grad_().grad = kept
    whole = {
        name: torch.tensor(v) if name == "step" else torch.full_like(values, v) for name, v in state.items()
    }
    return Look({"weight": tensor_state("weight", values, copy=True)}, {"weight": whole}, lr, step=0)


def config(optimizer, **choices):
    return Config(dataset="deliveries", model="linear", optimizer=optimizer, **choices)


def of(optimizer, weight=3.0, grad=15.0, state=None, lr=0.01, **choices):
    return update(at(weight, grad, lr, **(state or {})), "weight", 0, config(optimizer, **choices))


def test_every_optimizer_has_a_rule():
    """Or one sentence why it has none."""
    assert RULES.keys() | WITHOUT_RULE.keys() == OPTIMIZERS.keys()
    assert not RULES.keys() & WITHOUT_RULE.keys()
    assert [why_no_rule(config(name)) is None for name in OPTIMIZERS] == [
        name in RULES for name in OPTIMIZERS
    ]


@pytest.mark.parametrize("optimizer", ["sgd", "sgd_by_hand"])
def test_plain_sgd(optimizer):
    found = of(optimizer)
    assert (found.rule, found.workings) == (("new = old − lr × gradient",), ())
    assert (found.change, found.new) == ("3 − 0.01 × 15", pytest.approx(2.85, rel=1e-15))


def test_sgd_with_momentum():
    found = of("sgd", momentum=0.9, state={"momentum_buffer": 12.0})
    assert found.rule == ("v = momentum × v + gradient", "new = old − lr × v")
    assert found.workings == ("v = 0.9 × 12 + 15 = 25.8",)
    assert (found.change, found.new) == ("3 − 0.01 × 25.8", pytest.approx(2.742, rel=1e-15))
    first = of("sgd", momentum=0.9)  # torch starts the buffer as the gradient
    assert (first.rule[0], first.workings, first.new) == ("v = gradient", ("v = 15",), pytest.approx(2.85))


def test_sgd_with_weight_decay():
    found = of("sgd", weight_decay=0.1)  # 15 + 0.3; 3 - 0.153
    assert found.rule == ("g = gradient + weight decay × old", "new = old − lr × g")
    assert found.workings == ("g = 15 + 0.1 × 3 = 15.3",)
    assert (found.change, found.new) == ("3 − 0.01 × 15.3", pytest.approx(2.847, rel=1e-15))


def test_nesterov():
    found = of("nesterov", momentum=0.9, state={"momentum_buffer": 12.0})  # 15 + 0.9 x 25.8 = 38.22
    assert found.rule[1:] == ("d = gradient + momentum × v", "new = old − lr × d")
    assert found.workings == ("v = 0.9 × 12 + 15 = 25.8", "d = 15 + 0.9 × 25.8 = 38.22")
    assert (found.change, found.new) == ("3 − 0.01 × 38.22", pytest.approx(2.6178, rel=1e-15))


def test_adam():
    found = of("adam", grad=-15.0, state={"step": 1.0, "exp_avg": 1.5, "exp_avg_sq": 0.225})
    assert found.workings == (
        "m = 0.9 × 1.5 + (1 − 0.9) × (−15) = −0.15",
        "v = 0.999 × 0.225 + (1 − 0.999) × (−15)² = 0.4498",
        "m′ = −0.15 / (1 − 0.9²) = −0.7895",
        "v′ = 0.4498 / (1 − 0.999²) = 225",
    )
    assert found.rule[-1] == "new = old − lr × m′ / (√v′ + ε)"
    assert found.new == pytest.approx(3 + 0.01 * (0.15 / 0.19) / 15, rel=1e-9)
    assert of("adam").new == pytest.approx(2.99, rel=1e-9)  # the first step is lr long


def test_adamw_shrinks_the_weight_and_leaves_the_gradient():
    found = of("adamw", weight_decay=0.1)
    assert found.rule[0] == "w = old × (1 − lr × weight decay)"
    assert found.workings[:2] == ("w = 3 × (1 − 0.01 × 0.1) = 2.997", "m = 0.9 × 0 + (1 − 0.9) × 15 = 1.5")
    assert found.rule[-1].startswith("new = w − lr") and found.change.startswith("2.997 − 0.01 × 15 /")
    assert found.new == pytest.approx(2.987, rel=1e-9)
    assert of("adamw", weight_decay=0.0).new == of("adam").new
    assert of("adam", weight_decay=0.1).workings[0] == "g = 15 + 0.1 × 3 = 15.3"


def test_rmsprop():
    found = of("rmsprop", state={"square_avg": 4.0})  # 0.99 x 4 + 0.01 x 225 = 6.21
    assert found.workings == ("v = 0.99 × 4 + (1 − 0.99) × 15² = 6.21",)
    assert found.change == "3 − 0.01 × 15 / (√6.21 + 1e−8)"
    assert found.new == pytest.approx(3 - 0.15 / math.sqrt(6.21), rel=1e-8)
    moving = of("rmsprop", momentum=0.5, state={"square_avg": 4.0, "momentum_buffer": -2.0})
    assert moving.rule[1:] == ("b = momentum × b + gradient / (√v + ε)", "new = old − lr × b")
    assert moving.workings[1] == "b = 0.5 × (−2) + 15 / (√6.21 + 1e−8) = 5.019"
    assert moving.new == pytest.approx(3 - 0.01 * (15 / math.sqrt(6.21) - 1), rel=1e-8)


def test_adagrad():
    found = of("adagrad", grad=-15.0, state={"sum": 175.0, "step": 3.0})
    assert found.workings == ("s = 175 + (−15)² = 400",)
    assert found.change == "3 − 0.01 × (−15) / (√400 + 1e−10)"
    assert found.new == pytest.approx(3.0075, rel=1e-12)


def test_nothing_is_worked_out_where_the_optimizer_does_nothing():
    assert of("sgd", grad=None) is None
    zeros = of("sgd", grad=0.0)
    assert zeros.change == "3 − 0.01 × 0" and zeros.new == 3.0


def test_an_optimizer_of_ones_own_has_no_rule(monkeypatch):
    monkeypatch.delitem(RULES, "adagrad")
    assert of("adagrad", state={"sum": 1.0}) is None


@pytest.mark.parametrize(("optimizer", "given"), [
    ("adam", {"betas": (0.5, 0.75), "eps": 0.125}), ("rmsprop", {"alpha": 0.5, "eps": 0.25}),
    ("adagrad", {"initial_accumulator_value": 0.5, "eps": 0.25}), ("sgd", {"nesterov": True}),
    ("nadam", {"momentum_decay": 0.25}), ("adadelta", {"rho": 0.5, "eps": 0.25}),
    ("asgd", {"lambd": 0.125, "alpha": 0.5, "t0": 1.0}),
    ("rprop", {"etas": (0.25, 1.5), "step_sizes": (0.01, 0.1)}),
])  # fmt: skip
def test_arguments_that_a_rule_follows_are_those_of_pytorch(optimizer, given):
    chosen = Config(
        dataset="xor", hidden=(3,), lr=0.05, optimizer=optimizer, steps=6, dtype="float64",
        momentum=0.9 if optimizer == "sgd" else 0.0, optimizer_arguments=tuple(given.items()),
    )  # fmt: skip
    tape = Tape(Run(chosen, evaluate=False))
    for _ in range(30):
        tape.line()
    before, after = tape.looks[-2:]
    for name, held in after.parameters.items():
        for index, new in enumerate(held.values.flatten().tolist()):
            assert update(before, name, index, chosen).new == pytest.approx(new, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(("optimizer", "given"), [
    ("adam", {"amsgrad": True}), ("rmsprop", {"centered": True}), ("sgd", {"dampening": 0.5}),
    ("adagrad", {"lr_decay": 0.1}), ("nadam", {"decoupled_weight_decay": True}),
    ("rprop", {"maximize": True}),
])  # fmt: skip
def test_an_argument_that_a_rule_does_not_follow_is_named(optimizer, given):
    (name,) = given
    chosen = config(optimizer, optimizer_arguments=tuple(given.items()))
    assert why_no_rule(chosen) == f"There is no arithmetic here for the argument {name}."
    assert update(at(3.0, 15.0), "weight", 0, chosen) is None
    off = config(optimizer, optimizer_arguments=((name, type(given[name])(0)),))
    assert why_no_rule(off) is None


def test_a_tiny_update_can_be_seen():
    found = of("sgd", grad=1e-5)  # 3 - 1e-7
    assert number(found.new, found.digits) == "2.9999999" and found.change == "3 − 0.01 × 1e−5"


@pytest.mark.parametrize("optimizer", RULES)
@pytest.mark.parametrize("grad", [1e300, -math.inf, math.nan])
def test_a_run_that_has_diverged_is_worked_out_too(optimizer, grad):
    found = of(optimizer, grad=grad, weight_decay=0.1, state={"sum": 1.0} if optimizer == "adagrad" else None)
    assert found.workings or optimizer == "sgd_by_hand"


def test_adamax():
    found = of("adamax", grad=-15.0, state={"step": 1.0, "exp_avg": 1.5, "exp_inf": 20.0})
    assert found.rule == (
        "m = β₁ × m + (1 − β₁) × gradient",
        "u = max(β₂ × u, |gradient| + ε)",
        "new = old − lr / (1 − β₁ᵗ) × m / u",
    )
    assert found.workings[1] == "u = max(0.999 × 20, |−15| + 1e−8) = 19.98"
    assert found.new == pytest.approx(3 + 0.01 * 0.15 / 0.19 / 19.98, rel=1e-12)


def test_nadam():
    found = of("nadam", grad=15.0)
    mu, ahead = (0.9 * (1 - 0.5 * 0.96 ** (0.004 * n)) for n in (1, 2))
    assert found.workings[0] == "μ = 0.9 × (1 − 0.5 × 0.96^(1 × 0.004)) = 0.4501"
    m = (1 - mu) * 15 / (1 - mu) + ahead * 1.5 / (1 - mu * ahead)
    assert found.new == pytest.approx(3 - 0.01 * m / 15, rel=1e-8)


def test_radam_waits_until_it_knows_how_large_gradients_are():
    early, late = (
        of("radam", state={"step": float(t), "exp_avg": 10.0, "exp_avg_sq": 100.0}) for t in (1, 9)
    )
    assert early.rule[-1] == "new = old − lr × m′" and early.new == pytest.approx(3 - 0.01 * 10.5 / 0.19)
    rho = 1999 - 2 * 10 * 0.999**10 / (1 - 0.999**10)
    r = math.sqrt((rho - 4) * (rho - 2) * 1999 / (1995 * 1997 * rho))
    adaptive = math.sqrt(1 - 0.999**10) / math.sqrt(0.999 * 100 + 0.001 * 225)
    assert late.rule[-1] == "new = old − lr × m′ × r × l"
    assert late.new == pytest.approx(3 - 0.01 * 10.5 / (1 - 0.9**10) * r * adaptive, rel=1e-7)


def test_adadelta():
    found = of("adadelta", state={"square_avg": 4.0, "acc_delta": 0.25}, lr=1.0)  # v = 3.6 + 22.5
    assert found.workings == (
        "v = 0.9 × 4 + (1 − 0.9) × 15² = 26.1",
        "Δ = √(0.25 + 1e−6) / √(26.1 + 1e−6) × 15 = 1.468",
    )
    assert found.new == pytest.approx(3 - 15 * math.sqrt(0.250001 / 26.100001), rel=1e-12)


def test_asgd():
    found = of("asgd", state={"eta": 0.125})
    assert found.rule == ("w = old × (1 − λ × η)", "new = w − η × gradient")
    assert found.new == pytest.approx(3 * (1 - 1e-4 * 0.125) - 0.125 * 15, rel=1e-12)


def test_rprop():
    """The size grows by 1.2 while the sign stays; when it turns it halves, and this step is left out."""
    first = of("rprop", grad=-15.0)
    assert first.rule == ("d = sign of gradient", "new = old − d × s") and first.new == 3.01
    same = of("rprop", state={"prev": 2.0, "step_size": 0.5})
    assert same.workings == ("s = 0.5 × 1.2 = 0.6", "d = 1") and same.new == 2.4
    turned = of("rprop", state={"prev": -2.0, "step_size": 0.5})
    assert turned.workings == ("s = 0.5 × 0.5 = 0.25", "d = 0") and turned.new == 3.0
    most = of("rprop", state={"prev": 2.0, "step_size": 45.0})
    assert most.rule[0] == "s = the limit" and most.new == -47.0


@pytest.mark.parametrize("optimizer", [name for name in RULES if name != "sgd_by_hand"])
@pytest.mark.parametrize(("momentum", "decay"), [(0.7, 0.0), (0.7, 0.01), (0.2, 0.3)])
def test_settings_are_those_that_torch_holds(optimizer, momentum, decay):
    chosen = config(optimizer, momentum=momentum, weight_decay=decay)
    (group,) = make_optimizer(chosen, nn.Linear(1, 1)).param_groups
    found = settings(chosen, 0.125)
    known_to_both = found.keys() & group.keys()
    assert {"lr", *OPTIMIZERS[optimizer].uses} <= known_to_both
    assert {n: found[n] for n in known_to_both} == {n: group[n] for n in known_to_both} | {"lr": 0.125}


# Against PyTorch


def choices(optimizer):
    uses = OPTIMIZERS[optimizer].uses
    momenta = {"nesterov": (0.9,)}.get(optimizer, (0.0, 0.9) if "momentum" in uses else (0.0,))
    decays = (0.0, 0.1) if "weight_decay" in uses else (0.0,)
    return [(optimizer, momentum, decay) for momentum in momenta for decay in decays]


LOOPS = {
    "usual": USUAL,
    "skipped": USUAL[1:],
    "zeros": ("zero_grad_zeros", *USUAL[1:]),
    "zeros before step": ("forward", "loss", "backward", "zero_grad_zeros", "step"),
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("optimizer", "momentum", "decay"), [c for name in RULES for c in choices(name)])
def test_every_new_weight_is_the_one_of_pytorch(optimizer, momentum, decay, dtype, loop):
    chosen = Config(
        dataset="xor", hidden=(3,), batch_size=16, lr=0.05, optimizer=optimizer, steps=5, loop=loop,
        momentum=momentum, weight_decay=decay, dtype=dtype, schedule=((3, 0.02),),
    )  # fmt: skip
    tape, rounding = Tape(Run(chosen, evaluate=False)), {"float32": 1e-6, "float64": 2e-15}[dtype]
    seen = 0
    for at in range(5 * len(loop)):
        tape.line()
        if loop[at % len(loop)] != "step":
            continue
        before, after = tape.looks[-2:]
        for name, weights in before.parameters.items():
            for index, new in enumerate(after.parameters[name].values.flatten().tolist()):
                found = update(before, name, index, chosen)
                old = float(weights.values.flatten()[index])
                assert abs(found.new - new) <= rounding * (abs(old) + abs(new) + before.lr)
                seen += 1
                if index == 0:
                    arithmetic_holds(found)
    assert seen == 5 * 13  # 2-3-1: 6 + 3 + 3 + 1 entries


def arithmetic_holds(found):
    assert all(holds(line) for line in found.workings if line.count(" = ") == 2)
    value, error = worth(found.change)
    assert abs(value - found.new) <= 1.001 * error + 1e-9 * abs(value)


class Unused(nn.Module):
    """One of its two parameters has no part in the outputs."""

    def __init__(self):
        super().__init__()
        self.used, self.unused = (nn.Parameter(torch.full((1, 1), 3.0)) for _ in range(2))

    def forward(self, inputs):
        return inputs @ self.used


@pytest.mark.parametrize(("optimizer", "momentum", "decay"), [c for name in RULES for c in choices(name)])
def test_a_parameter_without_a_gradient_is_skipped_by_torch_and_here(optimizer, momentum, decay):
    chosen = config(optimizer, momentum=momentum, weight_decay=decay, lr=0.01, steps=3)
    tape = Tape(Run(chosen, model=Unused(), evaluate=False))
    for _ in range(10):
        tape.line()
    before, after = tape.looks[-2:]
    assert update(before, "unused", 0, chosen) is None
    assert after.parameters["unused"].values.item() == 3.0
    assert update(before, "used", 0, chosen).new == pytest.approx(
        after.parameters["used"].values.item(), rel=1e-6
    )


def test_a_sheet_writes_each_line_once():
    sheet = Sheet(3.0, 15.0, {}, {})
    kept = sheet.keep("v", known("gradient", 15.0))
    assert (sheet.rule, sheet.workings) == (["v = gradient"], ["v = 15"])
    assert (kept.symbols, kept.numbers, kept.value) == ("v", "15", 15.0)
