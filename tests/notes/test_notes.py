"""All claims of the notes: each stands, every value that is shown bears on it, nothing else is touched."""

import math
import warnings
from collections import Counter
from functools import cache
from urllib.parse import urlencode

import numpy as np
import pytest
import torch

from core import torch_warnings
from core.autograd.examples import EXAMPLES
from core.compare.comparison import read
from core.config import Config
from core.lines import from_letters
from core.loop import Run
from core.losses import LOSSES
from core.notes.claim import JUDGEMENTS, answer
from core.notes.notes import CLAIMS, NOTES
from core.traps.accumulation import CUTS
from core.traps.table import TRAPS
from core.traps.trap import Trap
from tests.helpers.claim_values import VALUES

IDS = list(CLAIMS)
VIEWS = ("one", "cross_entropy", "softmax", "outlier", "stability", "which")  # of Losses
PANELS = ("tensors", "graph", "ledger", "surface", "memory")  # of Watch


def state_of_torch():
    """What a process shares between all sessions."""
    return {
        "random": torch.get_rng_state().tolist(),
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "anomaly": torch.is_anomaly_enabled(),
        "printing": vars(torch._tensor_str.PRINT_OPTS).copy(),
        "filters": list(warnings.filters),
    }


@pytest.fixture(scope="module")
def loaded():
    """The first optimizer of a process imports much, which sets warning filters of its own."""
    Run(Config(steps=1)).advance()


@pytest.mark.parametrize("name", IDS)
def test_the_judgement_stands_and_nothing_shared_is_changed(name, loaded):
    torch_warnings.put_in_front()  # pytest has put its own filters before it
    before = state_of_torch()
    found = answer(CLAIMS[name])
    assert found.stands, found.values
    assert found.values and all(label and text for label, text in found.values)
    assert state_of_torch() == before


@cache
def values_of(name):
    return CLAIMS[name].lines()


def agree(value, expected):
    """Whether a value is what is known from elsewhere; strict about kinds and shapes."""
    if callable(expected):
        return expected(value)
    if isinstance(value, torch.Tensor):
        value = value.tolist()
    if isinstance(expected, (list, tuple)):
        return len(value) == len(expected) and all(map(agree, value, expected))
    if isinstance(expected, str):
        return expected in value
    if isinstance(expected, float):
        assert type(value) is float
        return value == pytest.approx(expected, rel=1e-4, abs=1e-6)
    return type(value) is type(expected) and value == expected


@pytest.mark.parametrize("key", NOTES)
def test_every_claim_has_values_from_elsewhere(key):
    assert list(VALUES[key]) == list(NOTES[key].claims)


@pytest.mark.parametrize(("key", "name"), [(key, name) for key in NOTES for name in VALUES[key]])
def test_what_is_shown_is_what_is_known_from_elsewhere(key, name):
    values, known = values_of(name), VALUES[key][name]
    assert len(values) == len(known)
    for (label, value), expected in zip(values.items(), known, strict=True):
        assert agree(value, expected), (label, value, expected)


@pytest.mark.parametrize(
    "choices",
    [
        {"dataset": "deliveries", "model": "linear", "start": (0.0,), "batch_size": 2, "lr": 0.1},
        {"dataset": "xor", "hidden": (16,), "activation": "tanh", "batch_size": 32, "lr": 0.5},
    ],
)
def test_without_zero_grad_swings_grow_on_mini_batches_and_mlps(choices):
    """What the claims on skipping zero_grad except from "it swings evenly": peaks of each quarter."""
    losses = Run(Config(**choices, steps=300, loop=from_letters("FLBS"))).advance().history.losses
    peaks = [quarter.max() for quarter in np.array_split(losses, 4)]
    assert peaks == sorted(peaks) and peaks[-1] > 4 * peaks[0]


def others(value):
    """Values of the same kind that are something else."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [-1e9, 1e9, math.nan]
    if isinstance(value, torch.Tensor):
        return [value + 1e9, value - 1e9]
    return [["something else"] if isinstance(value, list) else "something else"]


@pytest.mark.parametrize("name", IDS)
def test_every_value_that_is_shown_bears_on_the_judgement(name):
    claim = CLAIMS[name]
    values = values_of(name)
    assert claim.stands(values)
    for label in values:
        assert not all(claim.stands(values | {label: other}) for other in others(values[label])), label
    assert not claim.stands({})


@pytest.mark.parametrize("name", IDS)
def test_an_entry_is_short_and_its_lines_are_few(name):
    claim = CLAIMS[name]
    assert claim.judgement in JUDGEMENTS
    assert 10 < len(claim.words) < 240 and 10 < len(claim.why) < 240
    assert claim.why.endswith(".")
    lines = claim.source.splitlines()
    assert lines[0] == f"def {claim.lines.__name__}() -> dict:"
    assert len(lines) <= 22
    assert not {"exec(", "eval("} & set(claim.source.split())
    (note,) = [key for key, note in NOTES.items() if name in note.claims]
    assert note not in claim.also and set(claim.also) <= set(NOTES)


def test_ids_are_unique_and_no_note_is_called_like_a_claim():
    assert sum(len(note.claims) for note in NOTES.values()) == len(CLAIMS)
    assert not set(NOTES) & set(CLAIMS)
    assert all(claim.lines.__name__ == name for name, claim in CLAIMS.items())
    assert len({claim.words for claim in CLAIMS.values()}) == len(CLAIMS)


def test_there_are_claims_of_every_note_and_every_judgement():
    assert all(len(note.claims) > 10 for note in NOTES.values())
    counts = Counter(claim.judgement for claim in CLAIMS.values())
    assert set(counts) == set(JUDGEMENTS)


@pytest.mark.parametrize("name", [name for name in IDS if CLAIMS[name].link is not None])
def test_a_link_opens_something_that_is_there(name):
    link = CLAIMS[name].link
    params = dict(link.params)
    assert urlencode(params, doseq=True)
    if link.page == "watch":
        step, line = params.pop("at").split(".")
        assert params.pop("look") in PANELS
        config = Config.from_params(params)
        assert int(step) < config.steps and int(line) < len(config.loop)
    elif link.page == "compare":
        comparison, ignored = read(params)
        assert ignored == [] and comparison.to_params() == params
    elif link.page == "autograd":
        assert EXAMPLES[params["example"]].text
    elif link.page == "losses":
        assert set(params) <= {"view", "loss", "over"} and params["view"] in VIEWS
        assert {params.get("loss", "mse"), params.get("over", "mse")} <= set(LOSSES)
    elif "trap" in params:
        assert isinstance(TRAPS[params["trap"]], Trap)
    elif params["view"] == "accumulation":
        assert params["cut"] in CUTS
    else:
        assert link.page == "traps" and params["view"] in ("orders", "momentum")
        assert from_letters(params.get("loop", "")) is not None
