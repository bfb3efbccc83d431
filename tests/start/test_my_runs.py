"""What is saved comes back from its file as it was; a file of another making gets a sentence."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import Config, Run
from core.result import result
from core.start.address import read_address
from core.start.my_runs import (
    FORMAT,
    MAX_BYTES,
    MAX_ENTRIES,
    Ended,
    Entry,
    added,
    differing,
    ended,
    read,
    text,
)
from core.verdict import WORDS, verdict
from tests.helpers.own_loops import skipped

RUN = Ended("Baseline", "learns", 300, 0.064, 0.97)
ENTRY = Entry(read_address("compare?lr=0.3&run=lr~x5"), "2026-11-28", "2.13.0+cpu", (RUN,))

ends = st.builds(
    Ended,
    st.text(st.characters(categories=("L", "N", "S", "P", "Zs")), max_size=40),
    st.sampled_from(list(WORDS)),
    st.integers(0, 20_000),
    st.none() | st.floats(),
    st.none() | st.floats(0, 1),
)


@given(st.lists(ends, min_size=1, max_size=6))
def test_what_was_saved_comes_back_to_the_last_bit(runs):
    entry = replace(ENTRY, runs=tuple(runs))
    ((back,), refused) = read(text([entry]).encode())
    assert repr(back) == repr(entry) and not refused
    assert not differing(entry.runs, back.runs)


def test_a_run_ends_with_its_last_loss_and_its_accuracy():
    run = Run(Config(dataset="deliveries", loss="mse", lr=0.05, steps=1, model="linear"))
    run.advance()
    found = ended("One", result(run), verdict(result(run)))
    inputs, targets = run.namespace["inputs"].double(), run.namespace["targets"].double()
    weight, bias = (parameter.detach().double() for parameter in run.namespace["model"].parameters())
    assert found.loss == pytest.approx(float(((inputs @ weight.T + bias - targets) ** 2).mean()), rel=1e-5)
    assert found.accuracy is None and found.done == 1 and found.name == "One"


def test_a_run_without_a_loss_has_none():
    run = Run(Config(loop=("forward",), steps=2))
    run.advance()
    one = ended("One", result(run), verdict(result(run)))
    assert one.loss is None or math.isfinite(one.loss)


def test_one_that_ends_otherwise_is_found_and_nan_is_as_nan():
    nan, other = replace(RUN, loss=math.nan), replace(RUN, loss=0.0640001)
    assert differing([RUN, nan], [RUN, replace(nan, loss=-math.nan)]) == []
    assert differing([RUN, RUN], [RUN, other]) == [(RUN, other)]


def test_the_newest_comes_first_and_none_stands_twice():
    later = replace(ENTRY, day="2026-11-29", runs=(replace(RUN, loss=math.nan),))
    assert added([ENTRY], [later]) == (later, ENTRY)
    assert added([later, ENTRY], [replace(later), ENTRY]) == (later, ENTRY)


def test_they_are_bounded():
    many = [replace(ENTRY, day=f"2026-11-{day:02}", torch=f"{hour}") for day in range(1, 26) for hour in "12"]
    assert len(many) == MAX_ENTRIES and len(added([], many)) == MAX_ENTRIES
    with pytest.raises(ValueError, match=f"at most {MAX_ENTRIES}"):
        added(many, [ENTRY])
    large = [replace(ENTRY, day=f"2026-11-1{at}", recording="x" * 2**20) for at in range(4)]
    with pytest.raises(ValueError, match="too large"):
        added([], large)


def test_a_recording_is_kept_as_it_came():
    entry = replace(ENTRY, recording=skipped().decode())
    ((back,), refused) = read(text([entry]).encode())
    assert back.recording == entry.recording and not refused


def forged(**changes):
    contents = json.loads(text([ENTRY]))
    contents["entries"][0] |= changes
    return json.dumps(contents).encode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"address": "watch?lr=0.3"}, "its page must be compare"),
        ({"address": "compare?lr=-3"}, "compare: lr must be"),
        ({"address": "compare?lr=0.3&nonsense=1"}, "compare: 1 unknown field"),
        ({"address": "https://x.example/elsewhere?lr=1"}, "a page must be one of"),
        ({"recording": "{}"}, "The file must be a recording of loop_recorder.py"),
        ({"recording": "[" * 200_000}, "nested too deep"),
    ],
)
def test_an_entry_that_cannot_be_opened_is_left_out_and_said(changes, said):
    entries, (sentence,) = read(forged(**changes))
    assert entries == () and said in sentence and sentence.startswith("Entry 1 is left out: ")


BAD_RUN = {"name": "One", "verdict": "learns", "done": 1, "loss": 0.1, "accuracy": None}
FORGED = {
    "no JSON": b"\x89PNG\r\n",
    "another format": text([ENTRY]).replace(FORMAT, "loop lab runs 9").encode(),
    "no object": b"[]",
    "a field too many": forged(__proto__={}),
    "a day that is none": forged(day="<b>today</b>"),
    "a version that is none": forged(torch="![x](https://x.example)"),
    "an address with a line break": forged(address="compare?lr=1\n"),
    "a huge address": forged(address="compare?lr=" + "1" * 20_000),
    "no runs": forged(runs=[]),
    "too many runs": forged(runs=[BAD_RUN] * 7),
    "a word that is none": forged(runs=[BAD_RUN | {"verdict": "wins"}]),
    "a loss in words": forged(runs=[BAD_RUN | {"loss": "1e5"}]),
    "a name with a control character": forged(runs=[BAD_RUN | {"name": "a\x00b"}]),
    "a number of 5000 digits": forged().replace(b"300", b"3" * 5000),
    "too many entries": json.dumps(
        {"format": FORMAT, "entries": json.loads(text([ENTRY]))["entries"] * (MAX_ENTRIES + 1)}
    ).encode(),
    "too large": b" " * (MAX_BYTES + 1),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_file_gets_one_sentence(what):
    with pytest.raises(ValueError) as refused:
        read(FORGED[what])
    assert len(str(refused.value)) < 400 and "\n" not in str(refused.value)
