"""Accounts of forward: how each output was made, and which operations were recorded.

Outputs 7, 12, 17, 22 on the deliveries are those of the course notes; the others were worked out by hand.
"""

import re

import torch

from core import Config, Run
from core.watch.account import account
from core.watch.snapshot import look
from tests.helpers.accounts import Squares, accounts, linear, of


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
