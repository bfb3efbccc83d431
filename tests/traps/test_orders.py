"""Every order of the five lines, executed: counts and outcomes against the measured ones."""

from collections import Counter
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from core import Config, Run
from core.lines import from_letters, letters
from core.traps.orders import OUTCOMES, STEPS, Trials, all_orders, outcome, shorter_loops

LINEAR = Config(dataset="deliveries", model="linear", lr=0.01)

# Which order does what, as found by running each in a fresh interpreter, apart from this project.
SAME = {"ZFLBS", "FZLBS", "FLZBS", "FLBSZ"}
BEHIND = {"SZFLB", "SFZLB", "SFLZB"}
NEVER = {"ZFLSB", "ZFSLB", "ZSFLB", "FZLSB", "FZSLB", "FLZSB", "FLBZS", "FLSBZ", "FSLBZ", "SFLBZ"}
STALE = {"FLSZB", "FSZLB", "FSLZB"}


@pytest.fixture(scope="module", params=["linear", "mlp"])
def tried(request):
    config = LINEAR if request.param == "linear" else Config()
    trials = Trials(config, all_orders())
    list(trials)
    return request.param, trials


def of(trials, name):
    return {one.name for one in trials.done if one.outcome == name}


def test_there_are_120_orders_and_205_shorter_loops():
    orders, shorter = all_orders(), shorter_loops()
    assert len(set(orders)) == len(orders) == 120
    assert len(set(shorter)) == len(shorter) == 5 * 24 + 10 * 6 + 10 * 2 + 5
    assert {len(loop) for loop in shorter} == {1, 2, 3, 4}


def test_the_outcome_of_every_order(tried):
    model, trials = tried
    assert (of(trials, "same"), of(trials, "behind"), of(trials, "never")) == (SAME, BEHIND, NEVER)
    assert of(trials, "stale") == (STALE if model == "linear" else set())
    assert not of(trials, "accumulates")


def test_what_the_raising_orders_say(tried):
    model, trials = tried
    said = Counter(
        (one.message.type, one.message.text, one.message.step) for one in trials.done if one.message
    )
    names = {text: count for (kind, text, step), count in said.items() if kind == "NameError" and step == 0}
    assert names == {"name 'loss' is not defined": 60, "name 'outputs' is not defined": 40}
    others = [(kind, step) for kind, text, step in said if kind != "NameError"]
    assert others == ([] if model == "linear" else [("RuntimeError", 1)])
    for one in trials.done:
        if one.message and one.message.type == "RuntimeError":
            assert "modified by an inplace operation" in one.message.text and one.name in STALE


def test_where_loss_stands_decides_what_is_missing(tried):
    _, trials = tried
    for one in trials.done:
        places = {letter: one.name.index(letter) for letter in "FLB"}
        if places["B"] < places["L"]:
            assert one.message.text == "name 'loss' is not defined"
        elif places["L"] < places["F"]:
            assert one.message.text == "name 'outputs' is not defined"


def test_a_loop_that_never_trains_has_one_loss(tried):
    _, trials = tried
    for one in trials.done:
        if one.outcome == "never":
            assert len(one.losses) == STEPS and len(set(one.losses.tolist())) == 1


def test_stale_steps_use_the_gradient_of_the_step_before():
    for name in STALE:
        history = Run(replace(LINEAR, loop=from_letters(name), steps=STEPS)).advance().history
        assert np.isnan(history.grads["weight"][0]).all()  # nothing is there yet
        np.testing.assert_array_equal(history.grads["weight"][1:], history.fresh_grads["weight"][:-1])


@pytest.mark.parametrize("config", [LINEAR, Config()], ids=["linear", "mlp"])
def test_loops_with_lines_left_out(config):
    """Without zero_grad gradients add up; without forward or loss the next line has nothing to work on."""
    trials = Trials(config, shorter_loops())
    list(trials)
    found = {one.name: one for one in trials.done}
    assert found["FLBS"].outcome == found["SFLB"].outcome == "accumulates"
    assert found["ZLBS"].message.text == "name 'outputs' is not defined"
    assert found["ZFBS"].message.text == "name 'loss' is not defined"
    assert found["ZFLS"].outcome == found["ZFLB"].outcome == "never"
    assert found["Z"].outcome == "never" and len(found["Z"].losses) == STEPS
    for name, one in found.items():
        assert (one.outcome == "raises") == (
            ("B" in name and ("L" not in name or name.index("B") < name.index("L")))
            or ("L" in name and ("F" not in name or name.index("L") < name.index("F")))
            or (config.model == "mlp" and name in ("FSLB", "FLSB"))
        )


@pytest.mark.parametrize("optimizer", ["adam", "nesterov", "rmsprop"])
def test_the_counts_do_not_depend_on_the_optimizer(optimizer):
    trials = Trials(Config(optimizer=optimizer, lr=0.01), [from_letters(n) for n in (*SAME, *BEHIND, *NEVER)])
    list(trials)
    counts = Counter(one.outcome for one in trials.done)
    assert counts == {"same": 4, "behind": 3, "never": 10}


def test_trials_go_on_where_they_were_left():
    trials = Trials(LINEAR, all_orders()[:5])
    first = [one.name for one in islice(trials, 2)]
    rest = [one.name for one in trials]
    assert first + rest == [one.name for one in trials.done] == [letters(loop) for loop in all_orders()[:5]]


def test_orders_that_diverge_are_told_apart_too():
    """At a learning rate far beyond the limit losses are inf and nan, and nan equals nan."""
    trials = Trials(Config(dataset="deliveries", model="linear", lr=100.0), [from_letters(n) for n in SAME])
    assert {one.outcome for one in trials} == {"same"}


def test_the_outcome_of_the_usual_order_is_itself():
    run = Run(LINEAR, evaluate=False).advance()
    assert outcome(run, run) == "same"
    assert set(OUTCOMES) >= {"same", "behind", "never", "stale", "accumulates", "raises"}
    assert len({row.letter for row in OUTCOMES.values()}) == len(OUTCOMES)


def test_no_state_of_torch_is_changed():
    before = torch.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    list(Trials(LINEAR, all_orders()[:10]))
    after = torch.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    assert torch.equal(before[0], after[0]) and before[1:] == after[1:]
