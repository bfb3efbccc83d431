"""Accounts of zero_grad, backward and step: None, zeros and values are three things; sums and updates add up.

Gradients 15 and 6, and weight 3 to 2.85, on the deliveries are those of the course notes; the others were
worked out by hand.
"""

import math
import re

import numpy as np
import pytest
import torch

from core import Config, Run
from core.lines import USUAL
from core.optimizers import OPTIMIZERS
from core.result import result
from core.watch.account import account
from core.watch.optimizer_rules import RULES, WITHOUT_RULE
from core.watch.snapshot import look
from core.watch.tape import Details, Tape
from tests.helpers.accounts import Squares, accounts, linear, of, rows, trained_on, worth

X = [[1.0], [2.0], [3.0], [4.0]]


# zero_grad


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


# backward: fresh + leftover


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


def test_ones_own_tensors_give_the_same_numbers():
    run = Run(linear(5.0, 5.0), data=(torch.tensor(X), torch.tensor([[7.0], [12.0], [17.0], [22.0]])))
    assert "weight.grad is 15 " in of("backward", run).headline


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


def test_the_step_of_the_notes():
    # weight 3 and bias 11: errors 7, 5, 3, 1, so the gradients are 15 and 8
    one = of("step", Run(linear(3.0, 11.0, dataset="deliveries_exact")))
    assert one.headline == "weight went from 3 to 2.85, bias from 11 to 10.92."
    assert one.formulas == (
        "new = old − lr × gradient",
        "weight: 3 − 0.01 × 15 = 2.85",
        "bias: 11 − 0.01 × 8 = 10.92",
    )


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


@pytest.mark.parametrize("arguments", [(), (("maximize", True),)])
def test_where_every_sign_has_turned_rprop_is_said_to_wait(arguments):
    """Weight and bias of a line, whose gradients turn as soon as a step lands on the other side."""
    run = Run(linear(1.0, optimizer="rprop", optimizer_arguments=arguments, lr=1.0, steps=40))
    said = [one.headline for one in accounts(run, 5 * 40) if one.line == "step"]
    signs = np.sign(np.hstack([grads.reshape(40, 1) for grads in run.history.grads.values()]))
    waits = [step for step, headline in enumerate(said) if headline.startswith("No weight changed")]
    assert bool(waits) != bool(arguments)  # uphill no sign turns
    for step in waits:
        assert (signs[step] != signs[step - 1]).all()
        assert said[step].endswith(
            "the sign of every gradient has turned, and Rprop then waits for one step."
        )


def test_weights_that_are_not_finite_stay_so():
    run = Run(linear(0.0, lr=100.0, steps=60))
    last = accounts(run, 5 * 60)[-1]
    assert last.headline == "No weight changed: weights that are not finite stay that way."


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


@pytest.mark.parametrize("optimizer", RULES)
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


@pytest.mark.parametrize("optimizer", [name for name in WITHOUT_RULE if name != "lbfgs"])
def test_where_there_is_no_rule_the_account_says_why(optimizer):
    run = Run(linear(3.0, 11.0, optimizer=optimizer, lr=0.05))
    last = accounts(run, 15)[-1]
    assert last.formulas[0] == WITHOUT_RULE[optimizer]
    for name, parameter in run.model.named_parameters():
        (line,) = [line for line in last.formulas[1:] if line.startswith(name)]
        assert worth(line.split(" → ")[1]) == pytest.approx(parameter.item(), rel=1e-3)


def test_a_step_with_a_closure_says_how_often_it_evaluated_the_loss():
    run = Run(linear(3.0, 11.0, optimizer="lbfgs", lr=0.05))
    first, second = (accounts(run.again(), lines)[-1] for lines in (5, 10))
    calls = [
        int(re.search(r"the loss (\d+) times, (\d+) in all", one.formulas[0])[2]) for one in (first, second)
    ]
    assert first.headline == "Changed: weight, bias."
    assert 1 < calls[0] < calls[1] == result(run.advance(2)).closure_calls
    assert first.formulas[1] == WITHOUT_RULE["lbfgs"]


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
    assert one.formulas == ("There is no arithmetic here for SGD.", "weight: 3 → 2.85", "bias: 11 → 10.92")
