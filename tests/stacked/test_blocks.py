"""Blocks: every Config in one of them, trained as a run of its own would be, ended when told to."""

from dataclasses import replace

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

import core.stacked.blocks
from core import Config, Run
from core.result import result
from core.run_summary import brief
from core.stacked.blocks import MAX_BLOCK, Training, blocks

LINEAR = Config(dataset="deliveries", model="linear", steps=20, dtype="float64")
CONFIGS = [replace(LINEAR, lr=lr) for lr in (0.01, 0.05, 0.2)]


def told(steps, go_on=True):
    return lambda done: steps.append(done) or go_on


def train(configs, tell):
    return Training(configs, "cpu").advance(tell).results()


def test_every_config_is_in_one_block():
    found = blocks([*CONFIGS, CONFIGS[0]])
    assert sorted((c for block in found for c in block), key=CONFIGS.index) == CONFIGS
    assert all(1 <= len(block) <= MAX_BLOCK for block in found)


@pytest.mark.parametrize(
    "bound, sizes", [(60, [3]), (59, [1, 2]), (40, [1, 2]), (39, [1, 1, 1]), (5, [1, 1, 1])]
)
def test_a_block_makes_no_more_numbers_at_once_than_memory_bears(monkeypatch, bound, sizes):
    """Four rows of one input, three hidden units and one output are 20 numbers; one run always trains."""
    monkeypatch.setattr(core.stacked.blocks, "MAX_ENTRIES", bound)
    small = [replace(config, model="mlp", hidden=(3,)) for config in CONFIGS]
    assert [len(block) for block in blocks(small)] == sizes


@pytest.mark.parametrize(
    "limit, most", [("MAX_BLOCK", 2), ("KEPT_STEPS", 2 * 20), ("CACHED_ENTRIES", 2 * 10)]
)
def test_a_block_has_no_more_runs_than_are_quick_together(monkeypatch, limit, most):
    """20 steps each; four rows of one input and one output, a weight and a bias are 10 numbers."""
    monkeypatch.setattr(core.stacked.blocks, limit, most)
    assert len(blocks(CONFIGS)) == 1
    monkeypatch.setattr(core.stacked.blocks, "FEW", 1)
    assert [len(block) for block in blocks(CONFIGS)] == [1, 2]


def test_blocks_are_about_equal():
    """256 runs of 1,024 steps are as many as are kept at one time."""
    many = [replace(LINEAR, steps=1024, lr=0.001 * (run + 1)) for run in range(257)]
    assert [len(block) for block in blocks(many[:256])] == [256]
    assert [len(block) for block in blocks(many)] == [128, 129]


def test_a_block_is_trained_to_its_end():
    steps = []
    for block in blocks(CONFIGS):
        results = train(block, told(steps))
        assert [r.config for r in results] == block
        assert [r.done for r in results] == [20] * len(block)
        for one in results:
            alone = result(Run(one.config).advance()).steps["loss"]
            np.testing.assert_allclose(one.steps["loss"], alone, rtol=1e-9)
            assert one.parameters.empty and not one.snapshots.size
    assert steps[-1] <= 60


def test_whole_sets_are_scored_at_the_ends_where_every_step_sees_all_rows():
    whole = Config(steps=30, dtype="float64")
    ended, batched = replace(whole, steps=5000), replace(whole, batch_size=16)
    (found,), (often,) = train([whole], told([])), train([batched], told([]))
    assert found.evaluations["step"].tolist() == [0, 30]
    kept, alone = brief(found), brief(result(Run(whole).advance()))
    assert kept.scores == pytest.approx(alone.scores, rel=1e-9)
    assert kept.steps.tolist() == alone.steps.tolist() == list(range(31))
    assert len(often.evaluations) == len(Run(batched).advance().history.evaluations) > 2
    (stopped,) = train([ended], told([], go_on=False))
    assert stopped.evaluations["step"].tolist() == [0, stopped.done]


def test_who_is_told_to_stop_keeps_what_is_there():
    block = blocks([Config(steps=5000)])[0]
    (stopped,) = train(block, told([], go_on=False))
    assert 0 < stopped.done < 5000
    assert len(stopped.steps) == stopped.done
    begun = result(Run(block[0]).advance(stopped.done)).steps
    assert_frame_equal(stopped.steps[["step"]], begun[["step"]])


@pytest.mark.parametrize(
    "config",
    [Config(steps=400), Config(steps=400, batch_size=16), Config(model="lenet", dataset="digits", steps=8)],
)
def test_who_was_stopped_goes_on_to_the_same_bits(config):
    """Except for the scores that were taken where it was stopped."""
    block = blocks([config, replace(config, seed=1)])[0]
    whole, parts = train(block, told([])), Training(block, "cpu")
    while not parts.done:
        parts.advance(told([], go_on=False))
    for one, other in zip(parts.results(), whole, strict=True):
        assert_frame_equal(one.steps, other.steps, check_exact=True)
        assert brief(one).scores == brief(other).scores
        assert brief(one).losses.tolist() == brief(other).losses.tolist()


def test_the_steps_told_are_those_of_all_runs_of_the_block():
    steps = []
    train([Config(steps=40, seed=seed) for seed in range(3)], told(steps))
    assert steps[-1] == 3 * 40
