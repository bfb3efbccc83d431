"""Sweeps as data: their cells, their link, and what is said before any run is made."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import Config
from core.budget import most_steps
from core.compare.comparison import read as read_comparison
from core.lines import from_letters
from core.losses import fitting
from core.seeds import MAX_SEED
from core.sweep.axes import FIELDS, Axis, spread, usual
from core.sweep.sweep import MAX_RUNS, OWN, SEEDS, Sweep, problem, read, runs
from tests.helpers.strategies import configs

LINEAR = Config(dataset="deliveries", model="linear", steps=10)
RATES = Axis("lr", (0.01, 0.1))
FIRST, _ = read({}, Config())


def reopened(sweep):
    """The sweep that its address opens."""
    params = sweep.to_params()
    own = {name: params.pop(name)[0] for name in OWN if name in params}
    comparison, notes = read_comparison(params)
    again, more = read(own, comparison.baseline)
    assert notes + more == []
    return again


def test_a_first_visitor_sees_rates_against_zero_grad_under_a_clean_address():
    assert (FIRST.x.field, FIRST.y.field, FIRST.seeds) == ("lr", "loop", 1)
    assert FIRST.to_params() == {}
    assert runs(FIRST) == len(FIRST.configs) == 32
    assert problem(FIRST) is None


def test_each_cell_changes_two_fields_of_the_baseline():
    sweep = Sweep(LINEAR, RATES, usual("loop", LINEAR))
    assert [(cell.column, cell.row) for cell in sweep.cells] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    for cell in sweep.cells:
        lr, loop = RATES.values[cell.column], sweep.y.values[cell.row]
        assert cell.configs == (replace(LINEAR, lr=lr, loop=loop),)


def test_seeds_of_a_cell_follow_the_baselines():
    sweep = Sweep(replace(LINEAR, seed=7), RATES, usual("loop", LINEAR), seeds=3)
    assert [config.seed for config in sweep.cells[0].configs] == [7, 8, 9]
    assert len(sweep.configs) == runs(sweep) == 12


def test_the_last_seed_is_followed_by_the_first():
    sweep = Sweep(replace(LINEAR, seed=MAX_SEED), RATES, usual("loop", LINEAR), seeds=3)
    assert [config.seed for config in sweep.cells[0].configs] == [MAX_SEED, 0, 1]


def test_what_stands_at_its_default_keeps_to_it():
    sweep = Sweep(Config(), RATES, Axis("optimizer", ("sgd", "nesterov")))
    assert [cell.configs[0].momentum for cell in sweep.cells] == [0.0, 0.0, 0.9, 0.9]


def test_two_choices_that_do_not_fit_make_no_run_and_say_why():
    sweep = Sweep(Config(), Axis("momentum", (0.0, 0.9)), Axis("optimizer", ("sgd", "nesterov")))
    refused = [cell for cell in sweep.cells if cell.refused]
    assert [(cell.column, cell.row, cell.configs) for cell in refused] == [(0, 1, ())]
    assert refused[0].refused == "momentum must be above 0 for nesterov"
    assert len(sweep.configs) == 3


@settings(deadline=None, max_examples=50)
@given(configs(), st.permutations(tuple(FIELDS)), st.sampled_from(SEEDS))
def test_every_sweep_comes_back_from_its_address(baseline, fields, seeds):
    x, y = (usual(field, baseline) for field in fields[:2])
    sweep = Sweep(baseline, x, y, 1 if "seed" in fields[:2] else seeds)
    assert reopened(sweep) == sweep


def test_a_sweep_with_values_of_its_own_comes_back_too():
    sweep = Sweep(LINEAR, Axis("loop", (LINEAR.loop, ("forward", "loss"))), Axis("lr", (0.02, 0.3)), 3)
    assert reopened(sweep) == sweep


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": "lr~nan"}, "x: lr must be a number"),
        ({"y": "<script>"}, "y: must be one of lr"),
        ({"x": "loss", "y": "loss"}, "y must be another field than x; got loss"),
        ({"seeds": "4"}, "seeds must be one of 1, 3, 5, 9, 15; got '4'"),
        ({"seeds": "3", "y": "seed"}, "seeds must be 1 where an axis is the seed; got 3"),
        ({"x": "lr~" + "~".join(["0.1"] * 4000)}, "x: lr must have 1 to 64 values; got 4000"),
    ],
)
def test_a_bad_link_opens_a_sweep_and_says_what_was_ignored(given, said):
    sweep, notes = read(given, Config())
    assert runs(sweep) > 1
    assert len(notes) == 1 and notes[0].startswith(said)
    assert all(len(note) < 300 and not set("<>`[]") & set(note) for note in notes)


def test_losses_that_do_not_fit_the_data_are_left_out_with_a_sentence():
    sweep, notes = read({"y": "loss~bce~mse~l1"}, Config(dataset="diabetes"))
    assert sweep.y.values == ("mse", "l1")
    offered = ", ".join(fitting("diabetes"))
    assert notes == [f"loss bce is left out: loss must be one of {offered} for diabetes"]
    sweep, notes = read({"y": "loss~bce"}, Config(dataset="diabetes"))
    assert sweep.y == usual("loss", Config(dataset="diabetes"))
    assert len(notes) == 1


def test_more_runs_than_allowed_are_counted_without_making_them():
    many = Axis("lr", tuple(0.001 * i for i in range(1, 65)))
    sweep = Sweep(LINEAR, many, usual("loop", LINEAR), seeds=5)
    assert runs(sweep) == 640 > MAX_RUNS
    assert problem(sweep) == "A sweep must be at most 512 runs; these are 640. Take fewer values or seeds."


def test_512_runs_of_the_linear_model_are_allowed():
    rates = Axis("lr", tuple(0.001 * i for i in range(1, 65)))
    sweep = Sweep(replace(LINEAR, steps=5000), rates, Axis("seed", tuple(range(8))))
    assert runs(sweep) == MAX_RUNS
    assert problem(sweep) is None


def test_elsewhere_the_bound_of_work_decides():
    large = Config(dataset="digits", hidden=(256, 256), steps=5000)
    sentence = problem(Sweep(large, RATES, usual("loop", large)))
    assert sentence is not None and sentence.startswith("Training must take at most 30 s")


def test_one_field_cannot_vary_twice():
    with pytest.raises(ValueError, match="x and y must be different fields; got lr twice"):
        Sweep(LINEAR, RATES, RATES)


def test_runs_that_train_one_by_one_are_fewer():
    """512 runs of 5,000 steps are within the bound of work where they train together."""
    rates, seeds = Axis("lr", spread(0.01, 1.0, 64)), Axis("seed", tuple(range(8)))
    together = Sweep(replace(LINEAR, steps=5000), rates, seeds)
    assert problem(together) is None
    clipped = replace(together, baseline=replace(LINEAR, steps=5000, loop=from_letters("ZFLBCS")))
    assert problem(clipped) is None
    alone = replace(together, baseline=replace(LINEAR, steps=5000, loop=from_letters("FZLBS")))
    assert problem(alone).startswith("Training must take at most 30 s")
    fit = most_steps(lambda steps: problem(replace(alone, baseline=replace(alone.baseline, steps=steps))))
    assert 500 < fit < 1000
    assert problem(Sweep(Config(optimizer="lbfgs"), usual("lr", Config()), usual("loop", Config()))) is None
