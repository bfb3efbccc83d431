"""What a symptom says of its traps is what their runs do."""

import re
from itertools import pairwise

import numpy as np
import pytest

from core import Config
from core.start.address import address
from core.start.symptoms import SYMPTOMS, Cause, Symptom
from core.traps.outcomes import outcome
from core.traps.table import TRAPS
from core.watch import memory

CAUSES = [(name, cause) for name, one in SYMPTOMS.items() for cause in one.causes]
TRAPPED = [(name, cause.trap) for name, cause in CAUSES if cause.trap]


@pytest.mark.parametrize("symptom, trap", TRAPPED)
def test_the_run_of_a_trap_shows_the_symptom(symptom, trap, results):
    assert outcome(*results(trap)) in SYMPTOMS[symptom].outcomes


def losses(results, trap):
    return results(trap)[0].steps["loss"].to_numpy()


def test_each_symptom_looks_as_its_title_says(results):
    of = {name: [trap for symptom, trap in TRAPPED if symptom == name] for name in SYMPTOMS}
    for trap in of["nan"]:
        assert not np.isfinite(losses(results, trap)).all()
    for trap in of["grows"]:
        peaks = [part.max() for part in np.array_split(losses(results, trap)[:200], 4)]
        assert np.isfinite(peaks).all() and all(after > before for before, after in pairwise(peaks))
    for trap in of["stuck"]:
        path = losses(results, trap)
        assert path[-1] < path[0] / 2 and path[-1] > 30 and abs(path[-1] / path[-20] - 1) < 0.1
    for trap in of["perfect"]:
        assert losses(results, trap)[0] == 0 or losses(results, trap).min() < 0
    for trap in of["accurate"]:
        wrong, right = results(trap)
        assert wrong.evaluations["train_accuracy"].iloc[-1] > 0.85
        assert wrong.steps["loss"].iloc[-1] > 4 * right.steps["loss"].iloc[-1]


def test_quoted_errors_are_those_of_pytorch(results):
    for cause in SYMPTOMS["raises"].causes:
        for words in re.findall("“(.*?)”", cause.look):
            assert words in results(cause.trap)[0].message.text


def test_summed_losses_hold_their_graphs():
    (cause,) = SYMPTOMS["memory"].causes
    assert cause.shown.fields["look"] == ["memory"]
    rows = memory.MemoryRun(Config(dataset="moons"), steps=5).advance().rows
    nodes = [row.nodes for row in rows if row.way == "sum_after"]
    assert all(after > before for before, after in pairwise(nodes[1:]))


def test_a_trap_is_opened_by_its_name():
    for _, cause in CAUSES:
        if cause.trap:
            assert cause.shown == address("traps", {"view": "traps", "trap": cause.trap})


def test_a_cause_is_named_in_a_few_words_and_told_and_repaired_in_sentences():
    for _, cause in CAUSES:
        assert cause.what[-1] != "." and cause.look[-1] == cause.repair[-1] == "."


def test_wrong_entries_cannot_be_made():
    with pytest.raises(ValueError, match="trap cannot be"):
        Cause("w", "l", "r", "no_such_trap")
    with pytest.raises(ValueError, match="a trap or an address"):
        Cause("w", "l", "r")
    good = Cause("w", "l", "r", next(iter(TRAPS)))
    with pytest.raises(ValueError, match="known outcomes"):
        Symptom("t", ("vanishes",), (good,))
    with pytest.raises(ValueError, match="causes"):
        Symptom("t", (), ())
