"""What a comparison costs, and the sentence that says when it is too much."""

from dataclasses import astuple, replace
from math import inf

import pytest
from hypothesis import given, settings

from core import Config, budget, build
from core.budget import (
    MAX_RUNS,
    MAX_WORK_S,
    Machine,
    alone,
    evaluations_per_step,
    expected_s,
    measured,
    most_steps,
    parameter_count,
    too_much,
    vector_bytes,
)
from core.compare.comparison import FIRST
from core.fields import STEPS
from tests.helpers.strategies import configs


@given(configs())
@settings(deadline=None, max_examples=50)
def test_parameter_count_is_that_of_the_built_model(config):
    model = build.make_model(config, build.make_data(config))
    assert parameter_count(config) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("choices, count", [
    ({"dataset": "deliveries", "model": "linear"}, 2),  # a weight and a bias
    ({"dataset": "moons", "hidden": (16, 16)}, 2 * 16 + 16 + 16 * 16 + 16 + 16 + 1),
    ({"dataset": "moons", "loss": "cross_entropy", "model": "linear"}, 2 * 2 + 2),
    ({"dataset": "digits", "model": "lenet"},
     6 * 9 + 6 + 16 * 6 * 9 + 16 + 64 * 48 + 48 + 48 * 32 + 32 + 32 * 10 + 10),
])  # fmt: skip
def test_parameter_count_by_hand(choices, count):
    assert parameter_count(Config(**choices)) == count


def first_runs():
    return [FIRST.baseline, *(variant.config(FIRST.baseline)[0] for variant in FIRST.variants)]


@pytest.mark.parametrize("machine", [Machine(1.0, 0.0), Machine(0.0, 1.0), Machine(0.5, 1e-5)])
def test_what_a_run_is_expected_to_take_by_hand(machine):
    """One layer and five lines of half a call each; 4 rows of 1 product and 2 numbers, 2 parameters."""
    run = Config(dataset="deliveries", model="linear", steps=100)
    step = 3.5 * machine.call_s + (4 * (1 + 90 * 2) + 65 * 2) * machine.multiplication_s
    assert expected_s([run], machine) == pytest.approx(step * (100 * 7 / 6 + 10 / 3))


def test_runs_that_train_together_share_their_calls_and_have_their_own_multiplications():
    run = Config(hidden=(64, 64), batch_size=32)
    calls, products = Machine(1.0, 0.0), Machine(0.0, 1.0)
    assert expected_s([run] * 64, calls) == expected_s([run], calls)
    assert expected_s([run] * 64, products) == pytest.approx(32 * expected_s([run] * 2, products))
    assert expected_s([run] * 2, products) < 2 * expected_s([run], products)


@given(configs(), configs())
@settings(deadline=None, max_examples=50)
def test_more_of_anything_is_expected_to_take_longer(config, other):
    machine = Machine(1e-5, 1e-11)
    whole = expected_s([config], machine)
    assert 0 < whole < inf
    assert expected_s([replace(config, steps=config.steps + 1)], machine) > whole
    assert too_much(alone([config])) is None or too_much(alone([config, other])) is not None


def test_this_machine_is_measured_by_two_runs(monkeypatch):
    """From the seconds that their steps take comes back what they were computed with."""
    assert all(0 <= seconds < inf for seconds in astuple(measured("cpu"))) and measured("cpu").call_s > 0
    known = Machine(3e-5, 2e-11)

    def seconds(config, device):
        return expected_s([config], known) - expected_s([replace(config, steps=config.steps - 1)], known)

    monkeypatch.setattr(budget, "_seconds_per_step", lambda config, device: seconds(config, device) * 6 / 7)
    measured.cache_clear()
    found = measured("cpu")
    measured.cache_clear()
    assert astuple(found) == pytest.approx(astuple(known), rel=1e-3)  # TINY is not calls alone


def test_the_first_comparison_is_far_below_the_bound():
    assert too_much(alone(first_runs())) is None
    assert 100 * sum(expected_s([run], budget.measured("cpu")) for run in first_runs()) < MAX_WORK_S


def test_three_lenets_of_5000_full_batches_are_too_much_and_a_wide_net_for_a_second_is_not():
    lenet = Config(dataset="digits", model="lenet", steps=5000)
    assert "here it would take about" in too_much(alone([lenet] * 3))
    assert too_much(alone([Config(dataset="digits", hidden=(256, 256), batch_size=32, steps=2600)])) is None


def test_the_closure_of_lbfgs_costs_up_to_25_evaluations_more():
    """max_iter 20 allows 20 * 5 / 4, by the page of torch.optim.LBFGS."""
    plain = Config(hidden=(100, 100), steps=5000)
    closure = replace(plain, optimizer="lbfgs", loop=None)
    assert (evaluations_per_step(plain), evaluations_per_step(closure)) == (1, 26)
    assert too_much(alone([plain])) is None and too_much(alone([closure])) is not None


def test_the_history_of_lbfgs_has_a_bound():
    """100 pairs of vectors in double of 256-256-256: 132,609 entries, 202 MiB."""
    config = Config(hidden=(256, 256, 256), optimizer="lbfgs", steps=5, dtype="float64")
    assert too_much(alone([config])).startswith(
        "The history of L-BFGS must be at most 64.0 MiB; this one is 202.3 MiB"
    )
    assert too_much(alone([replace(config, hidden=(16, 16))])) is None


def test_the_steps_of_all_runs_have_a_bound_of_their_own():
    """Runs of two weights are little work together, and their numbers take memory all the same."""
    runs = [Config(dataset="deliveries", model="linear", steps=20_000, seed=seed) for seed in range(129)]
    assert too_much([runs[:-1]]) is None
    assert too_much([runs]) == "Steps of all runs must be at most 2,560,000 together; these are 2,580,000."


def test_no_work_is_not_too_much():
    assert too_much([]) is None


def test_the_largest_comparison_is_over_the_bound_and_the_sentence_has_both_numbers(monkeypatch):
    monkeypatch.setattr(budget, "expected_s", lambda group, machine: 5000.1)
    sentence = too_much(alone([Config()] * MAX_RUNS))
    assert sentence == "Training must take at most 30 s; here it would take about 8 hours."
    assert too_much(alone([Config()])).endswith("about 5,001 s.")


def test_the_bound_is_on_the_sum_over_runs_and_itself_allowed(monkeypatch):
    monkeypatch.setattr(budget, "expected_s", lambda group, machine: MAX_WORK_S / 2)
    assert too_much(alone([Config()])) is None
    assert too_much(alone([Config()] * 2)) is None
    assert too_much(alone([Config()] * 3)).endswith("take about 45 s.")


def test_the_most_steps_that_fit_are_those_by_hand_and_one_more_is_too_much():
    lenet = Config(dataset="digits", model="lenet")
    machine = budget.measured("cpu")

    def refusal(steps):
        return too_much(alone(replace(lenet, steps=steps, seed=seed) for seed in range(MAX_RUNS)))

    once, twice = (expected_s([replace(lenet, steps=steps)], machine) for steps in (1, 2))
    most = most_steps(refusal)
    assert most == 1 + int((MAX_WORK_S / MAX_RUNS - once) / (twice - once)) < 5000
    assert refusal(most) is None and refusal(most + 1) is not None


def test_the_most_steps_are_all_or_none_where_steps_do_not_matter():
    assert most_steps(lambda steps: None) == STEPS[1]
    assert most_steps(lambda steps: "too much") == 0


def test_vector_bytes_by_hand():
    run = Config(dataset="deliveries", model="linear", steps=100)
    assert vector_bytes(run) == 4 * 100 * 2 * 4  # four vectors a step, two entries, float32
