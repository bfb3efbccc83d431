"""Hidden mistakes: the same for everybody with the same seed, fair, and with no name in what is shown."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.loop import Run
from core.traps.diagnosis import ALIKE, CASES, CHOICES, MAX_SERIES, seen, series, shapes
from core.traps.outcomes import outcome
from core.traps.table import TRAPS
from core.traps.trap import GROUPS
from core.verdict import verdict

SEEDS = st.integers(0, MAX_SERIES)


@given(SEEDS)
def test_a_seed_is_a_series(seed):
    assert series(seed) == series(seed)
    assert len(series(seed)) == CASES


def test_other_seeds_are_other_series():
    assert len({tuple(case.name for case in series(seed)) for seed in range(200)}) > 190


def test_the_step_at_which_a_case_raises_is_not_told_where_the_seed_decides_it():
    """Outputs of other starting weights leave the range from 0 to 1 at another step."""
    trap = TRAPS["bce_on_logits"]
    steps = [Run(replace(trap.wrong, seed=seed)).advance().error.step for seed in (0, 3)]
    assert steps == [1, 0] and "here the second" not in trap.notice


@given(SEEDS)
def test_a_series_has_every_group_and_no_mistake_twice(seed):
    names = [case.name for case in series(seed)]
    assert len(set(names)) == CASES
    assert {TRAPS[name].group for name in names} == set(GROUPS)


@given(SEEDS)
def test_the_right_answer_is_among_different_choices_and_none_looks_like_it(seed):
    for case in series(seed):
        assert case.name in case.choices
        assert len(set(case.choices)) == CHOICES
        for names in ALIKE:
            assert len(names & {*case.choices}) <= 1 or case.name not in names


def test_the_right_answer_stands_in_every_place():
    places = [case.choices.index(case.name) for seed in range(60) for case in series(seed)]
    counts = [places.count(place) for place in range(CHOICES)]
    assert min(counts) > 40  # of 300, evenly spread: 75 each


@pytest.fixture(scope="module")
def looks(pair, results):
    """name -> all that a learner can see of the mistake."""

    def look(name):
        one, repaired = results(name)
        said = (one.message.type, one.message.text) if one.message else None
        warnings = tuple(w.text for w in one.warnings)
        setting = (TRAPS[name].wrong.dataset, TRAPS[name].wrong.model, TRAPS[name].wrong.lr)
        lengths = one.steps["grad_norm"].round(3).tolist()
        return setting, outcome(one, repaired), said, warnings, lengths, shapes(pair(name)[0]).to_csv()

    return {name: look(name) for name in TRAPS}


def test_what_looks_alike_is_known(looks):
    same = {frozenset(pair) for pair in combinations(TRAPS, 2) if looks[pair[0]] == looks[pair[1]]}
    known = {frozenset(pair) for names in ALIKE for pair in combinations(sorted(names), 2)}
    assert same <= known


def test_shapes_name_no_line(looks):
    for name in TRAPS:
        shown = looks[name][-1]
        assert name not in shown
        assert "optimizer" not in shown


def test_the_verdict_from_outside_has_the_numbers_and_not_what_was_left_over(results):
    whole, _ = results("skipped")
    assert "left over" in verdict(whole).because
    assert "left over" not in seen(whole).because
    assert seen(whole).because in verdict(whole).because
    assert seen(whole).word == "oscillates"


def test_shapes_show_what_went_wrong(pair):
    def seen_of(name):
        return shapes(pair(name)[0]).set_index("tensor")

    frame = seen_of("detached")
    assert frame.loc["outputs", "grad_fn"] == ""
    assert frame.loc["outputs", "requires_grad"] == "False"
    frame = seen_of("one_output")
    assert frame.loc["outputs", "shape"].endswith(", 1)")
    assert frame.loc["0.weight", "grad"] == "zeros"
    frame = seen_of("loss_not_called")
    assert "loss" not in frame.index  # the line that makes it has raised
