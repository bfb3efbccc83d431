"""Accounts: what each line says it changed is what it changed, down to the arithmetic.

The numbers on the deliveries are those of the course notes: outputs 7, 12, 17, 22, loss 0.027675,
gradients 15 and 6, weight 3 to 2.85. The others were worked out by hand.
"""

import ast
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from strategies import configs
from torch import nn

from core import Config, Run
from core.account import account
from core.lines import LINES, USUAL
from core.looks import look
from core.losses import LOSSES
from core.optimizers import OPTIMIZERS
from core.tape import Details, Tape
from core.updates import RULES

X = [[1.0], [2.0], [3.0], [4.0]]


def linear(*start, **choices):
    base = {"dataset": "deliveries", "model": "linear", "start": start, "lr": 0.01, "steps": 5}
    return Config(**(base | choices))


def accounts(run, lines):
    """The accounts of so many lines of a run."""
    tape, found = Tape(run), []
    for _ in range(lines):
        name = run.config.loop[run.next_line]
        tape.line()
        found.append(account(name, tape.looks[-2], tape.looks[-1], run.config, tape.details[-1]))
    return found


def of(line, run, step=0):
    """The account of one line of a run, in its step of this number."""
    place = step * len(run.config.loop) + run.config.loop.index(line)
    return accounts(run, place + 1)[-1]


def rows(one):
    return one.numbers.to_numpy().tolist()


# The numbers of the notes


def test_forward_shows_the_outputs_and_how_each_was_made():
    one = of("forward", Run(linear(5.0, 2.0)))
    assert one.headline == "Autograd recorded 2 operations: T, Addmm."
    assert one.formulas == (
        "5 × 1 + 2 = 7",
        "5 × 2 + 2 = 12",
        "5 × 3 + 2 = 17",
        "5 × 4 + 2 = 22",
        "outputs (4, 1): 7, 12, 17, 22",
    )


def test_the_loss_is_shown_with_its_own_numbers():
    one = of("loss", Run(linear(5.0, 2.0)))
    assert one.headline == "The loss is 0.027675."
    assert one.formulas == (
        "((7 − 6.96)² + (12 − 12.11)² + (17 − 16.77)² + (22 − 22.21)²) / 4 = 0.027675",
        "(0.0016 + 0.0121 + 0.0529 + 0.0441) / 4 = 0.027675",
        "Autograd recorded 1 operation: MseLoss.",
    )


def test_the_gradients_of_the_notes_and_where_they_come_from():
    one = of("backward", Run(linear(5.0, 5.0, dataset="deliveries_exact")))
    assert one.headline == (
        "weight.grad is 15 = 15 fresh + nothing left over; bias.grad is 6 = 6 fresh + nothing left over."
    )
    assert one.formulas == (
        "∂loss/∂weight = (2/4) × (3 × 1 + 3 × 2 + 3 × 3 + 3 × 4) = 15",
        "∂loss/∂bias = (2/4) × (3 + 3 + 3 + 3) = 6",
    )
    assert rows(one) == [["weight.grad", "15", "nothing", "15"], ["bias.grad", "6", "nothing", "6"]]


def test_the_step_of_the_notes():
    # weight 3 and bias 11: errors 7, 5, 3, 1, so the gradients are 15 and 8
    one = of("step", Run(linear(3.0, 11.0, dataset="deliveries_exact")))
    assert one.headline == "weight went from 3 to 2.85, bias from 11 to 10.92."
    assert one.formulas == (
        "new = old − lr × gradient",
        "weight: 3 − 0.01 × 15 = 2.85",
        "bias: 11 − 0.01 × 8 = 10.92",
    )


def test_ones_own_tensors_give_the_same_numbers():
    run = Run(linear(5.0, 5.0), data=(torch.tensor(X), torch.tensor([[7.0], [12.0], [17.0], [22.0]])))
    assert "weight.grad is 15 " in of("backward", run).headline


# zero_grad: None, zeros and values are three things


def test_zero_grad_has_nothing_to_clear_at_first():
    for name in ("zero_grad", "zero_grad_zeros"):
        one = of(name, Run(linear(5.0, 5.0, loop=(name, *USUAL[1:]))))
        assert (one.line, one.headline, one.formulas) == (
            name, "Nothing to clear: every .grad is None.", ()
        )  # fmt: skip


def test_zero_grad_leaves_none():
    one = of("zero_grad", Run(linear(5.0, 5.0, dataset="deliveries_exact")), step=1)
    assert one.headline == "weight.grad and bias.grad became None."
    assert one.formulas == ("weight.grad: 15 → None", "bias.grad: 6 → None")


def test_zero_grad_can_leave_zeros():
    loop = ("zero_grad_zeros", *USUAL[1:])
    one = of("zero_grad_zeros", Run(linear(5.0, 5.0, dataset="deliveries_exact", loop=loop)), step=1)
    assert one.headline == "weight.grad and bias.grad became zeros."
    assert one.formulas == ("weight.grad: 15 → zeros", "bias.grad: 6 → zeros")


def test_zeros_that_stay_zeros_are_nothing_to_clear_and_zeros_that_become_none_are():
    run = Run(linear(0.0))
    for p in run.parameters:
        p.grad = torch.zeros_like(p)
    (cleared,) = accounts(run, 1)
    assert cleared.headline == "weight.grad and bias.grad became None."
    assert cleared.formulas == ("weight.grad: zeros → None", "bias.grad: zeros → None")
    run = Run(linear(0.0, loop=("zero_grad_zeros", *USUAL[1:])))
    run.model.weight.grad = torch.zeros(1, 1)
    (same,) = accounts(run, 1)
    assert same.headline == "Nothing to clear: every .grad is zeros or None."


def test_zero_grad_on_many_tensors():
    one = of("zero_grad", Run(Config(hidden=(4, 4), steps=3)), step=1)
    assert one.headline == "All 6 .grad became None." and one.formulas == ()
    assert [row[0] for row in rows(one)][:2] == ["0.weight.grad", "0.bias.grad"]
    assert {row[2] for row in rows(one)} == {"None"} and "norm" in rows(one)[0][1]


# forward


def test_operations_are_counted():
    one = of("forward", Run(Config(hidden=(4, 4), batch_size=16)))
    assert one.headline == "Autograd recorded 8 operations: T × 3, Addmm × 3, Relu × 2."
    assert len(one.formulas) == 1 and re.fullmatch(r"outputs \(16, 1\): .+ to .+, norm .+", one.formulas[0])


def test_negative_numbers_of_a_line_are_in_brackets():
    data = (torch.tensor([[-1.0], [0.5]]), torch.zeros(2, 1))
    one = of("forward", Run(linear(-3.0, -0.5), data=data))
    assert one.formulas[:2] == ("−3 × (−1) + (−0.5) = 2.5", "−3 × 0.5 + (−0.5) = −2")


class Squares(nn.Module):
    """Two parameters with the names and shapes of a Linear(1, 1), but another model."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(1, 1)), nn.Parameter(torch.ones(1))

    def forward(self, inputs):
        return inputs**2 @ self.weight + self.bias


def test_the_arithmetic_of_a_line_is_shown_only_for_a_line():
    found = accounts(Run(linear(1.0), model=Squares()), 4)
    assert found[1].formulas == ("outputs (4, 1): 2, 5, 10, 17",)
    assert found[3].formulas == ()


def test_nothing_recorded_and_no_tensor_are_said():
    class Cut(Squares):
        def forward(self, inputs):
            return super().forward(inputs).detach()

    class Pair(Squares):
        def forward(self, inputs):
            return inputs, inputs

    assert of("forward", Run(linear(), model=Cut())).headline == "Autograd recorded nothing."
    run, looks = Run(linear(), model=Pair(), evaluate=False), []
    for _ in range(2):
        run.line()
        looks.append(look(run))
    assert account("forward", *looks, run.config).headline == "The model's outputs are not a tensor."


def test_outputs_and_loss_that_are_the_same_again_are_said_to_be():
    # zero_grad after backward: the step has nothing to use, so nothing ever changes
    run = Run(linear(5.0, 2.0, loop=("forward", "loss", "backward", "zero_grad", "step")))
    found = accounts(run, 7)
    assert "same outputs" not in found[0].formulas[-1] and found[1].headline == "The loss is 0.027675."
    assert found[4].headline == "No weight changed: every .grad is None." and found[4].formulas == ()
    assert found[5].formulas[-1] == "The same outputs as before, to the last bit."
    assert found[6].headline == "The loss is 0.027675, as before to the last bit."


# The loss: every formula, evaluated as it is written


def as_python(text):
    text = text.replace("−", "-").replace("×", "*").replace("½", "0.5").replace("²", "**2")
    text = re.sub(r"\|([^|]+)\|", r"abs(\1)", text)
    text = re.sub(r"log softmax\(([^)]*)\)\[(\d+)\]", r"log_softmax(\2, \1)", text)
    return re.sub(r"log σ\(([^()]*)\)", r"log(sigma(\1))", text).replace("σ", "sigma")


def log_softmax(chosen, *logits):
    return logits[int(chosen)] - math.log(sum(map(math.exp, logits)))


NAMES = {"abs": abs, "log": math.log, "sigma": lambda z: 1 / (1 + math.exp(-z)), "log_softmax": log_softmax}
SIGNS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


def worth(text):
    """The value of a formula as it is written."""
    return _worth(ast.parse(as_python(text), mode="eval").body)


def _worth(node):
    match node:
        case ast.Constant(value):
            return value
        case ast.UnaryOp(ast.USub(), inner):
            return -_worth(inner)
        case ast.BinOp(left, sign, right):
            return SIGNS[type(sign)](_worth(left), _worth(right))
        case ast.Call(ast.Name(name), inner):
            return NAMES[name](*map(_worth, inner))
    raise ValueError(ast.dump(node))


TARGETS = {
    "mse": [[1.5], [-2.0], [0.25]],
    "l1": [[1.5], [-2.0], [0.25]],
    "huber": [[1.5], [-2.0], [0.25]],
    "cross_entropy": [0, 2, 1],
    "bce": [[1.0], [0.0], [0.25]],
}


def trained_on(loss, targets, inputs=((0.5, -1.0), (1.5, 2.0), (-0.75, 0.25)), **choices):
    dataset = "deliveries" if loss in ("mse", "l1", "huber") else "iris"
    choices = {"dataset": dataset, "loss": loss, "seed": 3, "steps": 2, "dtype": "float64"} | choices
    data = (torch.tensor(np.array(inputs)), torch.tensor(np.array(targets)))
    return Run(Config(model="linear", **choices), data=data, evaluate=False)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_formula_of_a_loss_gives_the_loss(loss):
    run = trained_on(loss, TARGETS[loss])
    one = of("loss", run)
    value = run.namespace["loss"].item()
    assert one.headline == f"The loss is {value:.5g}."
    formula, numbers, _ = one.formulas
    for line in (formula, numbers):
        text, shown = line.rsplit(" = ", 1)
        assert worth(text) == pytest.approx(value, rel=2e-3) and float(shown) == pytest.approx(
            value, rel=1e-4
        )
    assert formula.count("log") == {"cross_entropy": 3, "bce": 4}.get(loss, 0)


@settings(max_examples=60, deadline=None)
@for_all(
    st.sampled_from(["mse", "l1", "huber"]), st.lists(st.integers(-80, 80), min_size=2, max_size=4), st.data()
)
def test_the_formula_of_a_loss_of_values_gives_the_loss_for_any_values(loss, targets, data):
    weight, bias = (data.draw(st.integers(-8, 8)) / 4 for _ in range(2))
    inputs = data.draw(st.lists(st.integers(-20, 20), min_size=len(targets), max_size=len(targets)))
    columns = ([[v / 4] for v in targets], [[v / 4] for v in inputs])
    run = trained_on(loss, *columns, start=(weight, bias))
    text, _ = of("loss", run).formulas[0].rsplit(" = ", 1)
    assert worth(text) == pytest.approx(run.namespace["loss"].item(), rel=1e-3, abs=1e-9)


def test_huber_is_squared_near_zero_and_linear_beyond_one():
    # outputs 0 at weight 0, bias 0: errors 0.5, 1 and 3
    one = of("loss", trained_on("huber", [[0.5], [1.0], [-3.0]], start=(0.0,)))
    assert one.formulas[0] == "(½ × (0 − 0.5)² + (|0 − 1| − ½) + (|0 − (−3)| − ½)) / 3 = 1.0417"
    assert one.formulas[1] == "(0.125 + 0.5 + 2.5) / 3 = 1.0417"


def test_bce_takes_the_side_of_the_class():
    one = of("loss", trained_on("bce", [[1.0], [0.0], [0.25]], start=(0.0, 2.0)))
    expected = "(−log σ(2) − log(1 − σ(2)) − (0.25 × log σ(2) + (1 − 0.25) × log(1 − σ(2)))) / 3 = "
    assert one.formulas[0].startswith(expected)
    sigma = 1 / (1 + math.exp(-2.0))
    first, second = -math.log(sigma), -math.log(1 - sigma)
    mean = (first + second + 0.25 * first + 0.75 * second) / 3
    assert float(one.formulas[0].removeprefix(expected)) == pytest.approx(mean, rel=1e-4)


def test_cross_entropy_names_the_class_of_each_row():
    one = of("loss", trained_on("cross_entropy", [2, 0, 1], start=(0.0,)))
    assert one.formulas[0] == (
        "(−log softmax(0, 0, 0)[2] − log softmax(0, 0, 0)[0] − log softmax(0, 0, 0)[1]) / 3 = 1.0986"
    )  # log 3
    many = of("loss", trained_on("cross_entropy", [9, 0, 4], start=(0.0, 0.5)))
    assert many.formulas[0].startswith(
        "(−log softmax(…, 0.5)[9] − log softmax(0.5, …)[0] − log softmax(…, 0.5, …)[4]) / 3 = "
    )


def test_shares_of_classes_have_numbers_but_no_formula():
    run = trained_on("cross_entropy", [[1.0, 0.0], [0.0, 1.0], [0.25, 0.75]])
    formulas = of("loss", run).formulas
    assert len(formulas) == 2 and "softmax" not in formulas[0]
    assert worth(formulas[0].rsplit(" = ", 1)[0]) == pytest.approx(run.namespace["loss"].item(), rel=1e-3)


def test_rows_that_the_loss_ignores_are_not_written_as_terms_of_its_mean():
    one = of("loss", trained_on("cross_entropy", [0, -100, 1]))  # -100: not counted, as PyTorch's default
    assert not any("=" in line for line in one.formulas)


def test_a_long_sum_is_cut_after_three_terms():
    inputs = [[float(i)] for i in range(12)]
    one = of("loss", trained_on("mse", [[2.0]] * 12, inputs, start=(1.0, 0.0)))
    # (0 - 2)^2 + ... + (11 - 2)^2 = 4 + 1 + 0 + 285 = 290
    assert one.headline == "The loss is 24.167."
    assert one.formulas[:2] == (
        "((0 − 2)² + (1 − 2)² + (2 − 2)² + … (9 more)) / 12 = 24.167",
        "(4 + 1 + 0 + … (9 more)) / 12 = 24.167",
    )
    assert len(one.numbers) == 10 and rows(one)[5] == ["(5 − 2)²", "9"]


def test_one_term_is_no_mean():
    one = of("loss", trained_on("l1", [[2.0]], [[1.0]], start=(5.0, 0.0)))
    assert one.formulas[0] == "|5 − 2| = 3"


def test_outputs_close_to_their_targets_are_written_with_enough_digits():
    one = of("loss", trained_on("mse", [[2.00003]], [[1.0]], start=(2.0, 0.0)))
    assert one.formulas[0] == "(2 − 2.00003)² = 9e−10"


def test_shapes_that_are_broadcast_are_shown_term_by_term():
    # outputs (2, 1) against targets (2,): torch pairs every output with every target, and warns
    run = trained_on("mse", [1.0, 3.0], [[1.0], [2.0]], start=(1.0, 0.0))
    tape = Tape(run)
    with pytest.warns(UserWarning, match="broadcasting"):
        for _ in range(3):
            tape.line()
    one = account("loss", tape.looks[-2], tape.looks[-1], run.config, tape.details[-1])  # no warning here
    assert one.formulas[0] == "((1 − 1)² + (1 − 3)² + (2 − 1)² + (2 − 3)²) / 4 = 1.5"


def test_a_loss_without_a_text_has_its_terms(monkeypatch):
    monkeypatch.setitem(LOSSES, "mse", replace(LOSSES["mse"], module=nn.SmoothL1Loss, term=None))
    one = of("loss", Run(linear(5.0, 2.0)))  # errors below 1: half their squares
    assert one.formulas[0] == "(0.0008 + 0.00605 + 0.02645 + 0.02205) / 4 = 0.013837"


class Total(nn.Module):
    """A loss that is no mean."""

    def forward(self, outputs, targets):
        return (outputs - targets).abs().sum()


def test_a_loss_that_is_no_mean_is_not_written_as_one(monkeypatch):
    monkeypatch.setitem(LOSSES, "mse", replace(LOSSES["mse"], module=Total))
    one = of("loss", Run(linear(5.0, 3.0, dataset="deliveries_exact"), evaluate=False))
    assert one.headline == "The loss is 4." and not any("=" in line for line in one.formulas)


# backward: fresh + leftover


def test_what_was_left_over_is_kept_apart():
    """Deliveries, learning rate 0.01, zero_grad skipped: the second step of the known table."""
    run = Run(linear(0.0, loop=USUAL[1:]))
    one = of("backward", run, step=1)
    assert one.headline.startswith("weight.grad is −156.1 = −70.94 fresh + (−85.17) left over; bias.grad is ")
    assert rows(one)[0] == ["weight.grad", "−70.94", "−85.17", "−156.1"]
    weight = one.formulas[0]
    assert weight.startswith("∂loss/∂weight = (2/4) × (−") and weight.endswith(" = −70.94")
    assert worth(weight.split(" = ")[1]) == pytest.approx(-70.94, abs=0.02)


def test_the_source_of_a_gradient_adds_up_at_every_step():
    run = Run(linear(0.5, -1.0, lr=0.05, steps=8))
    for one in accounts(run, 8 * 5):
        if one.line == "backward":
            assert len(one.formulas) == 2
            for line in one.formulas:
                _, text, shown = line.split(" = ")
                assert worth(text) == pytest.approx(worth(shown), rel=2e-3, abs=2e-2)


def test_zeros_left_over_are_not_nothing():
    run = Run(linear(5.0, 5.0, dataset="deliveries_exact", loop=("zero_grad_zeros", *USUAL[1:]), lr=0.0))
    assert of("backward", run, step=1).headline.startswith("weight.grad is 15 = 15 fresh + 0 left over; ")


def test_the_source_is_shown_only_where_it_is_the_sum():
    assert of("backward", Run(linear(5.0, 5.0, loss="l1"))).formulas == ()
    run = Run(linear(5.0, 5.0, dataset="deliveries_exact"))
    tape = Tape(run)
    for _ in range(4):
        tape.line()
    fresh = {"weight": torch.tensor([[14.9]]), "bias": torch.tensor([6.0])}
    assert account("backward", *tape.looks[-2:], run.config, Details(fresh=fresh)).formulas == ()


def test_a_fresh_gradient_is_never_worked_out_as_a_difference():
    run = Run(linear(0.0, loop=USUAL[1:]))
    tape = Tape(run)
    for _ in range(3):
        tape.line()
    alone = account("backward", *tape.looks[-2:], run.config)  # .grad was None: it is the fresh one
    assert alone.headline.startswith("weight.grad is −85.17 = −85.17 fresh + nothing left over")
    for _ in range(4):
        tape.line()
    with pytest.raises(ValueError, match="fresh gradients"):
        account("backward", *tape.looks[-2:], run.config)


def test_few_entries_are_added_one_by_one_and_many_as_norms():
    run = Run(Config(dataset="iris", model="linear", loop=USUAL[1:], steps=3, lr=0.1))
    one = of("backward", run, step=1)
    table = {name: (fresh, left, grad) for name, fresh, left, grad in rows(one)}
    assert list(table) == ["weight.grad (norm)", "bias.grad[0]", "bias.grad[1]", "bias.grad[2]"]
    run.history.flush()
    fresh, left = run.history.fresh_grads, run.history.leftovers
    for index in range(3):
        numbers = [worth(text) for text in table[f"bias.grad[{index}]"]]
        assert numbers[:2] == pytest.approx([fresh["bias"][1, index], left["bias"][1, index]], rel=1e-3)
        assert numbers[0] + numbers[1] == pytest.approx(numbers[2], abs=1e-3)
    sums = (fresh["weight"][1], left["weight"][1], fresh["weight"][1] + left["weight"][1])
    lengths = [np.linalg.norm(part) for part in sums]
    assert [worth(text) for text in table["weight.grad (norm)"]] == pytest.approx(lengths, rel=1e-3)
    totals = [math.hypot(np.linalg.norm(fresh["weight"][1]), np.linalg.norm(fresh["bias"][1]))]
    assert [worth(re.search(r"gradient, norm ([^,]+),", one.headline)[1])] == pytest.approx(totals, rel=1e-3)
    assert "on top of what was left over" in one.headline


# step


def test_no_weight_changes_where_every_grad_is_none():
    run = Run(linear(5.0, 2.0, loop=("zero_grad", "step", "forward", "loss", "backward")))
    one = of("step", run)
    assert (one.headline, one.formulas, one.numbers) == ("No weight changed: every .grad is None.", (), None)


def test_no_weight_changes_where_the_learning_rate_is_zero():
    assert of("step", Run(linear(5.0, 2.0, lr=0.0))).headline == "No weight changed: the learning rate is 0."


def test_no_weight_changes_where_every_grad_is_zeros_unless_momentum_moves_it():
    loop = ("forward", "loss", "backward", "zero_grad_zeros", "step")
    assert of("step", Run(linear(5.0, 5.0, loop=loop))).headline == "No weight changed: every .grad is zeros."
    # one real step, then zeros: half of the buffer goes on
    run = Run(linear(3.0, 11.0, dataset="deliveries_exact", momentum=0.5)).advance(1)
    for p in run.parameters:
        p.grad.zero_()
    before = look(run)
    run.namespace["optimizer"].step()
    one = account("step", before, look(run), run.config)
    assert one.formulas[2:4] == ("weight: v = 0.5 × 15 + 0 = 7.5", "weight: 2.85 − 0.01 × 7.5 = 2.775")


def test_updates_below_the_precision_are_said_to_be():
    one = of("step", Run(linear(5.0, 2.0, lr=1e-9)))
    assert one.headline == "No weight changed: every update is too small for the precision of its weight."
    seen = of("step", Run(linear(5.0, 2.0, lr=1e-9, dtype="float64")))
    assert seen.headline == "weight went from 5 to 5.000000000165, bias from 2 to 2.000000000025."


def test_weights_that_are_not_finite_stay_so():
    run = Run(linear(0.0, lr=100.0, steps=60))
    last = accounts(run, 5 * 60)[-1]
    assert last.headline == "No weight changed: what is not finite stays so."


class Unused(Squares):
    """Its bias has no part in the outputs."""

    def forward(self, inputs):
        return inputs @ self.weight


def test_what_has_no_gradient_is_said_to_stay():
    found = accounts(Run(linear(1.0, loss="l1"), model=Unused()), 5)
    assert rows(found[3])[1] == ["bias.grad", "nothing", "nothing", "None"]
    # outputs 1 to 4 lie below all targets: the gradient is minus the mean of the inputs
    assert found[4].headline == "weight went from 1 to 1.025; bias stayed, since .grad is None there."
    assert found[4].formulas == ("new = old − lr × gradient", "weight: 1 − 0.01 × (−2.5) = 1.025")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_last_number_of_a_step_is_the_new_weight(optimizer):
    momentum = 0.9 if "momentum" in OPTIMIZERS[optimizer].uses else 0.0
    run = Run(linear(3.0, 11.0, optimizer=optimizer, weight_decay=0.1, momentum=momentum, lr=0.05))
    last = accounts(run, 15)[-1]
    ends = {line.split(": ")[0]: line.rsplit(" = ")[-1] for line in last.formulas if ": " in line}
    for name, parameter in run.model.named_parameters():
        assert worth(ends[name]) == pytest.approx(parameter.item(), rel=1e-3)
        final = next(line for line in reversed(last.formulas) if line.startswith(name)).split(": ")[1]
        if "√" not in final:
            text, shown = final.rsplit(" = ", 1)
            assert worth(text) == pytest.approx(worth(shown), rel=2e-3)


def test_many_weights_have_one_worked_example_and_a_table():
    run = Run(Config(hidden=(4, 4), batch_size=16, lr=0.1))
    tape = Tape(run)
    for _ in range(5):
        tape.line()
    one = account("step", *tape.looks[-2:], run.config)
    assert re.fullmatch(r"6 of 6 parameters moved; the norm of the whole change is [\d.e−]+\.", one.headline)
    changes = {
        name: (tape.looks[-1].parameters[name].values - held.values).double()
        for name, held in tape.looks[-2].parameters.items()
    }
    assert len(one.formulas) == 2 and len(one.numbers) == 6
    example = max(changes, key=lambda name: changes[name].abs().max())
    assert one.formulas[1].startswith(example)
    for row, (name, change) in zip(rows(one), changes.items(), strict=True):
        assert row[0].startswith(name)
        assert worth(row[2]) - worth(row[1]) == pytest.approx(
            float(change.flatten()[change.abs().argmax()]), rel=0.1
        )
        assert worth(row[3]) == pytest.approx(float(change.norm()), rel=1e-3)


def test_the_worked_example_is_the_weight_that_moved_most_in_either_direction():
    # 1 x (3 + 2 + 4 + 4 + 10) = 23, so every change is negative: -lr x 2 x 23 x input
    run = trained_on("mse", [[0.0]], [[3.0, 2.0, 4.0, 4.0, 10.0]], start=(1.0, 0.0), lr=0.01)
    one = of("step", run)
    assert one.formulas == ("new = old − lr × gradient", "weight[0, 4]: 1 − 0.01 × 460 = −3.6")
    assert [row[:3] for row in rows(one)] == [["weight[0, 4]", "1", "−3.6"], ["bias", "0", "−0.46"]]


def test_an_optimizer_without_a_rule_shows_old_and_new(monkeypatch):
    monkeypatch.delitem(RULES, "sgd")
    one = of("step", Run(linear(3.0, 11.0, dataset="deliveries_exact")))
    assert one.formulas == ("weight: 3 → 2.85", "bias: 11 → 10.92")


# All lines


SMALL = ("deliveries", "deliveries_exact", "line", "moons", "iris")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@for_all(configs(max_steps=3, max_width=4, datasets=SMALL))
def test_every_line_of_every_loop_has_an_account_and_taking_it_changes_nothing(config):
    run = Run(config, evaluate=False)
    tape = Tape(run)
    for _ in range(3 * len(config.loop)):
        if run.done:
            break
        name = config.loop[run.next_line]
        tape.line()
        if run.error is not None:
            break
        one = account(name, *tape.looks[-2:], config, tape.details[-1])
        assert one.line == name and name in LINES
        assert one.headline.endswith(".") and len(one.headline) < 250 and len(one.formulas) <= 20
        if one.numbers is not None:
            assert all(isinstance(value, str) for row in rows(one) for value in row)
    plain = Run(config, evaluate=False).advance(run.step)
    if not run.next_line and run.error is None:
        for one, other in zip(run.parameters, plain.parameters, strict=True):
            assert np.array_equal(one.detach().numpy(), other.detach().numpy(), equal_nan=True)
            assert one._version == other._version
