"""What a comparison costs, and the sentence that says when it is too much."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from core import Config, build
from core.budget import MAX_RUNS, MAX_WORK, most_steps, parameter_count, too_much, vector_bytes
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


def test_the_first_comparison_is_far_below_the_bound():
    assert too_much(first_runs()) is None
    assert 100 * sum(config.steps * parameter_count(config) for config in first_runs()) < MAX_WORK


def test_the_closure_of_lbfgs_costs_up_to_25_evaluations_more():
    """max_iter 20 allows 20 * 5 / 4, by the page of torch.optim.LBFGS."""
    plain = Config(hidden=(100, 100), steps=5000)  # 10,501 parameters: 52.5 million
    assert too_much([plain]) is None
    assert f"these are {26 * 5000 * 10501:,}" in too_much([replace(plain, optimizer="lbfgs", loop=None)])


def test_the_history_of_lbfgs_has_a_bound():
    """100 pairs of vectors in double of 256-256-256: 132,609 entries, 202 MiB."""
    config = Config(hidden=(256, 256, 256), optimizer="lbfgs", steps=5, dtype="float64")
    assert too_much([config]).startswith(
        "The history of L-BFGS must be at most 64.0 MiB; this one is 202.3 MiB"
    )
    assert too_much([replace(config, hidden=(16, 16))]) is None


def test_the_steps_of_all_runs_have_a_bound_of_their_own():
    """A run of two weights is little work, and its numbers take memory all the same."""
    runs = [Config(dataset="deliveries", model="linear", steps=20_000, seed=seed) for seed in range(129)]
    assert too_much(runs[:-1]) is None
    assert too_much(runs) == "Steps of all runs must be at most 2,560,000 together; these are 2,580,000."


def test_no_work_is_not_too_much():
    assert too_much([]) is None


def test_the_largest_comparison_is_over_the_bound_and_the_sentence_has_both_numbers():
    largest = Config(dataset="digits", hidden=(256, 256, 256), steps=5000)
    entries = 64 * 256 + 256 + 2 * (256 * 256 + 256) + 256 * 10 + 10
    sentence = too_much([largest] * MAX_RUNS)
    assert f"at most {MAX_WORK:,}" in sentence
    assert f"these are {MAX_RUNS * 5000 * entries:,}" in sentence


def test_the_bound_is_on_the_sum_over_runs_and_itself_allowed(monkeypatch):
    monkeypatch.setattr("core.budget.MAX_WORK", 2 * 100 * 2)
    run = Config(dataset="deliveries", model="linear", steps=100)  # 200
    assert too_much([run]) is None
    assert too_much([run, run]) is None
    assert too_much([run, run, run]) is not None


def test_the_most_steps_that_fit_are_those_by_hand_and_one_more_is_too_much():
    lenet = Config(dataset="digits", model="lenet")
    entries = parameter_count(lenet)

    def runs(steps):
        return [replace(lenet, steps=steps, seed=seed) for seed in range(MAX_RUNS)]

    most = most_steps(runs)
    assert most == MAX_WORK // (MAX_RUNS * entries) < 5000
    assert too_much(runs(most)) is None and too_much(runs(most + 1)) is not None


def test_the_most_steps_are_all_or_none_where_steps_do_not_matter():
    assert most_steps(lambda steps: [Config(steps=steps)]) == STEPS[1]
    largest = Config(dataset="digits", hidden=(256, 256, 256), steps=5000)
    assert most_steps(lambda steps: [largest]) == 0


def test_vector_bytes_by_hand():
    run = Config(dataset="deliveries", model="linear", steps=100)
    assert vector_bytes(run) == 4 * 100 * 2 * 4  # four vectors a step, two entries, float32
