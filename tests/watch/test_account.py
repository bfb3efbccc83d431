"""Accounts of all lines: each has one, in words that fit, and taking it changes nothing."""

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all

from core import Run
from core.lines import LINES
from core.watch.account import account
from core.watch.tape import Tape
from tests.helpers.accounts import accounts, linear, rows
from tests.helpers.strategies import configs


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
