"""Three runs again: which, how far apart two computations are, and what is said of it."""

import math

import numpy as np
import pytest

from core import Config, Run
from core.result import result
from core.run_summary import Brief, brief
from core.sweep.recheck import APART, chosen, difference, recheck_words

CONFIGS = [Config(dataset="deliveries", model="linear", steps=3, lr=0.01 * (i + 1)) for i in range(5)]


def known(config, *losses, done=3):
    return Brief(config, done, np.arange(len(losses), dtype=np.int16), np.array(losses), {}, "learns", "")


def test_the_first_the_middle_and_the_last_that_came_to_a_finite_end():
    whole = [known(config, 3.0, 2.0, 1.0) for config in CONFIGS]
    assert [one.config.lr for one in chosen(whole)] == [0.01, 0.03, 0.05]
    gone = [known(CONFIGS[0], 3.0, math.inf), *whole[1:4], known(CONFIGS[4], 3.0, done=1)]
    assert [one.config.lr for one in chosen(gone)] == [0.02, 0.03, 0.04]
    assert len(chosen(whole[:2])) == 2 and len(chosen(whole[:1])) == 1
    assert chosen([]) == chosen([known(CONFIGS[0], math.nan)]) == []


def test_the_difference_is_relative_to_the_larger_loss_at_its_worst_step():
    found = difference(known(CONFIGS[0], 4.0, 2.0, 1.0), known(CONFIGS[0], 4.0, 1.0, 0.9))
    assert (found.relative, found.step, found.losses) == (0.5, 1, 3)
    assert difference(known(CONFIGS[0], 0.0, 1.0), known(CONFIGS[0], 0.0, 1.0)).relative == 0.0
    assert difference(known(CONFIGS[0], 1.0, 1.0), known(CONFIGS[0], 1.0, math.nan)).relative == 1.0


def test_the_same_computation_twice_is_the_same_to_the_last_bit():
    config = Config(steps=20, hidden=(4,))
    twice = [brief(result(Run(config).advance())) for _ in range(2)]
    found = difference(*twice)
    assert found.relative == 0.0
    said = recheck_words([found], ["0.5, Usual loop"])
    assert (
        said == "One run trained again by the plain loop, alone: all 21 losses are the same, to the last bit."
    )


@pytest.mark.parametrize(("relative", "share", "warns"), [(APART / 2, "0.0005", False), (0.25, "25%", True)])
def test_words_name_the_worst_run_and_warn_only_where_rounding_decides(relative, share, warns):
    near = difference(known(CONFIGS[0], 1.0), known(CONFIGS[0], 1.0))
    far = difference(known(CONFIGS[1], 1.0, 1.0), known(CONFIGS[1], 1.0, 1.0 - relative))
    said = recheck_words([near, far], ["a", "b"])
    assert said.startswith("Two runs trained again by the plain loop, alone: their 3 losses differ")
    assert f"by at most {share} of their size (b, step 1)." in said
    assert ("rounding" in said) == warns
