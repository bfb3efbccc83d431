"""Accounts: every line has one, in words that fit; the arithmetic of forward and of the loss adds up.

Outputs 7, 12, 17, 22 and the loss 0.027675 on the deliveries are those of the course notes; the others were
worked out by hand.
"""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from torch import nn

from core import Config, Run
from core.lines import LINES
from core.losses import LOSSES
from core.watch.account import account
from core.watch.snapshot import look
from core.watch.tape import Tape
from tests.helpers.accounts import Squares, accounts, linear, of, rows, trained_on, worth
from tests.helpers.strategies import configs


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


def test_operations_are_counted():
    one = of("forward", Run(Config(hidden=(4, 4), batch_size=16)))
    assert one.headline == "Autograd recorded 8 operations: T × 3, Addmm × 3, Relu × 2."
    assert len(one.formulas) == 1 and re.fullmatch(r"outputs \(16, 1\): .+ to .+, norm .+", one.formulas[0])


def test_negative_numbers_of_a_line_are_in_brackets():
    data = (torch.tensor([[-1.0], [0.5]]), torch.zeros(2, 1))
    one = of("forward", Run(linear(-3.0, -0.5), data=data))
    assert one.formulas[:2] == ("−3 × (−1) + (−0.5) = 2.5", "−3 × 0.5 + (−0.5) = −2")


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


def test_the_loss_is_shown_with_its_own_numbers():
    one = of("loss", Run(linear(5.0, 2.0)))
    assert one.headline == "The loss is 0.027675."
    assert one.formulas == (
        "((7 − 6.96)² + (12 − 12.11)² + (17 − 16.77)² + (22 − 22.21)²) / 4 = 0.027675",
        "(0.0016 + 0.0121 + 0.0529 + 0.0441) / 4 = 0.027675",
        "Autograd recorded 1 operation: MseLoss.",
    )


TARGETS = {
    "mse": [[1.5], [-2.0], [0.25]],
    "l1": [[1.5], [-2.0], [0.25]],
    "huber": [[1.5], [-2.0], [0.25]],
    "smooth_l1": [[1.5], [-2.0], [0.25]],
    "cross_entropy": [0, 2, 1],
    "smoothed": [0, 2, 1],
    "weighted": [0, 2, 1],
    "nll": [0, 2, 1],
    "kl_div": [[1.0, 0.0], [0.25, 0.75]],  # four terms: all are written
    "bce": [[1.0], [0.0], [0.25]],
    "bce_of_sigmoid": [[1.0], [0.0], [0.25]],
    "focal": [[1.0], [0.0], [0.25]],
}
LOGS = {
    "cross_entropy": 3,
    "smoothed": 6,
    "weighted": 3,
    "kl_div": 3,
    "bce": 4,
    "bce_of_sigmoid": 4,
    "focal": 4,
}


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
    assert formula.count("log") == LOGS.get(loss, 0)


@settings(max_examples=60, deadline=None)
@for_all(
    st.sampled_from(["mse", "l1", "huber", "smooth_l1"]),
    st.lists(st.integers(-80, 80), min_size=2, max_size=4),
    st.data(),
)
def test_the_formula_of_a_loss_of_values_gives_the_loss_for_any_values(loss, targets, data):
    weight, bias = (data.draw(st.integers(-8, 8)) / 4 for _ in range(2))
    inputs = data.draw(st.lists(st.integers(-20, 20), min_size=len(targets), max_size=len(targets)))
    columns = ([[v / 4] for v in targets], [[v / 4] for v in inputs])
    run = trained_on(loss, *columns, start=(weight, bias))
    text, _ = of("loss", run).formulas[0].rsplit(" = ", 1)
    assert worth(text) == pytest.approx(run.namespace["loss"].item(), abs=rounding(loss, run.namespace))


def rounding(loss, names):
    """What four digits of each output and target can change: their errors times the slope of the loss."""
    outputs, targets = names["outputs"].detach().double(), names["targets"].double()
    apart = 0.5e-3 * (outputs.abs() + targets.abs())
    slope = 2 * (outputs - targets).abs() if loss == "mse" else 1.0
    return float((slope * apart + apart**2).mean()) + 1e-6


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


@pytest.mark.parametrize("count", [4, 5])
def test_up_to_four_terms_and_logits_are_all_written_and_more_get_a_table(count):
    of_values = of("loss", trained_on("mse", [[0.0]] * count, [[1.0]] * count, start=(1.0,)))
    assert ("…" in of_values.formulas[0]) == (count > 4) == (of_values.numbers is not None)
    of_classes = of("loss", trained_on("cross_entropy", [count - 1], [[1.0]], start=(0.0,)))
    logits = "0, 0, 0, 0" if count == 4 else "…, 0"
    assert of_classes.formulas[0].startswith(f"−log softmax({logits})[{count - 1}] = ")


def test_class_weights_stand_before_the_terms_and_under_the_sum():
    one = of("loss", trained_on("weighted", [2, 0, 1], start=(0.0,)))
    assert one.formulas[0] == (
        "(−1 × log softmax(0, 0, 0)[2] − 3 × log softmax(0, 0, 0)[0] − 1 × log softmax(0, 0, 0)[1]) / 5"
        " = 1.0986"
    )  # 5 times log 3, over 3 + 1 + 1
    alone = of("loss", trained_on("weighted", [0], [[1.0, 2.0]], start=(0.0,)))
    assert alone.formulas[0] == "−3 × log softmax(0, 0)[0] / 3 = 0.69315"


def test_kl_divergence_has_a_term_for_each_class_and_is_divided_by_the_rows():
    one = of("loss", trained_on("kl_div", [[1.0, 0.0], [0.25, 0.75]], [[1.0], [2.0]], start=(0.0,)))
    assert one.formulas[0] == (  # the log-probabilities of two classes alike are -log 2
        "(1 × (log 1 − (−0.6931)) + 0 + 0.25 × (log 0.25 − (−0.6931)) + 0.75 × (log 0.75 − (−0.6931))) / 2"
        " = 0.41198"
    )
    expected = (math.log(2) + 0.25 * math.log(0.25) + 0.75 * math.log(0.75) + math.log(2)) / 2
    assert expected == pytest.approx(0.41198, abs=5e-6)


def test_smooth_l1_is_squared_within_beta():
    # errors 0.25, 0.5 and 3 at beta 0.5
    one = of("loss", trained_on("smooth_l1", [[0.25], [0.5], [-3.0]], start=(0.0,)))
    assert one.formulas[0] == "((0 − 0.25)² / 1 + (|0 − 0.5| − 0.25) + (|0 − (−3)| − 0.25)) / 3 = 1.0208"


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
    for _ in range(3):
        tape.line()
    assert "broadcasting" in run.warnings[0].text
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


def test_outputs_and_loss_that_are_the_same_again_are_said_to_be():
    # zero_grad after backward: the step has nothing to use, so nothing ever changes
    run = Run(linear(5.0, 2.0, loop=("forward", "loss", "backward", "zero_grad", "step")))
    found = accounts(run, 7)
    assert "same outputs" not in found[0].formulas[-1] and found[1].headline == "The loss is 0.027675."
    assert found[4].headline == "No weight changed: every .grad is None." and found[4].formulas == ()
    assert found[5].formulas[-1] == "The same outputs as before, to the last bit."
    assert found[6].headline == "The loss is 0.027675, as before to the last bit."


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
