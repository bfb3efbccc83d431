"""Accounts of step: which weights moved, by which arithmetic, or why none did.

Weight 3 to 2.85 on the deliveries is the course notes' number; the others were worked out by hand.
"""

import re

import pytest

from core import Config, Run
from core.optimizers import OPTIMIZERS
from core.watch.account import account
from core.watch.optimizer_rules import RULES
from core.watch.snapshot import look
from core.watch.tape import Tape
from tests.helpers.accounts import Squares, accounts, linear, of, rows, trained_on, worth


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
