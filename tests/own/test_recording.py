"""A file that anybody may have written: what the recorder wrote is read, all else gets one sentence."""

import copy
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.fields import STEPS
from core.own.recording import MAX_BYTES, read
from core.own.run import own_run
from tests.helpers.own_loops import skipped


@pytest.fixture(scope="module")
def contents():
    """Of a small loop, as the recorder writes it."""
    return json.loads(skipped(steps=4))


def written(contents):
    return json.dumps(contents).encode()


def test_what_the_recorder_wrote_is_read(contents):
    found = read(written(contents))
    assert found.updates == 4 and found.optimizers == ["SGD"] and found.rows["update"] == [0, 1, 2, 3]
    assert found.parameters[0]["name"] == "weight" and found.error is None


def test_a_file_of_an_earlier_recorder_is_read(contents):
    """It has no names of classes that differ in eval mode."""
    one = copy.deepcopy(contents)
    del one["modal"]
    found = read(written(one))
    assert found.modal == [] and found.mode_matters == contents["mode_matters"]


def test_what_is_not_finite_is_read_as_what_it_is(contents):
    one = copy.deepcopy(contents)
    one["rows"]["loss"] = [1.0, "inf", "-inf", "nan"]
    losses = read(written(one)).rows["loss"]
    assert losses[:3] == [1.0, float("inf"), float("-inf")] and losses[3] != losses[3]


def changed(path, value):
    """A file with one value changed: path of keys and numbers; ... removes it."""

    def change(contents):
        *way, last = path
        place = contents
        for key in way:
            place = place[key]
        if value is ...:
            del place[last]
        else:
            place[last] = value
        return contents

    return change


MILLION = 10**6
FORGED = {
    "another format": changed(["format"], "loop recorder 2"),
    "no format": changed(["format"], ...),
    "a field too many": changed(["__proto__"], {}),
    "a field with markup": changed(["<img src=http://x.example/y>"], 1),
    "a field too few": changed(["orders"], ...),
    "a count too few": changed(["counts", "steps"], ...),
    "a count too many": changed(["counts", "stops"], 1),
    "a negative count": changed(["counts", "steps"], -1),
    "a count that is a flag": changed(["counts", "steps"], True),
    "a fraction as a count": changed(["updates"], 1.5),
    "a huge count": changed(["updates"], 10**15),
    "text as a number": changed(["rows", "loss", 0], "1e5"),
    "a list as a number": changed(["rows", "loss", 0], [1]),
    "an object as a number": changed(["rows", "loss", 0], {"a": 1}),
    "infinity in other words": changed(["rows", "loss", 0], "Infinity"),
    "a norm below zero": changed(["rows", "grad", 0], -1.0),
    "rows of unequal length": changed(["rows", "loss"], [1.0]),
    "rows that are none": changed(["rows"], []),
    "a column too few": changed(["rows", "lr"], ...),
    "updates that fall": changed(["rows", "update"], [0, 2, 1, 3]),
    "an update twice": changed(["rows", "update"], [0, 1, 1, 3]),
    "updates beyond the last": changed(["rows", "update"], [0, 1, 2, MILLION]),
    "an optimizer that is not there": changed(["rows", "optimizer", 1], 7),
    "no optimizers": changed(["optimizers"], []),
    "many optimizers": changed(["optimizers"], ["SGD"] * 17),
    "details too few": changed(["details"], []),
    "details of others": changed(["details", 0, "parameters"], [0, 9]),
    "details of unequal length": changed(["details", 0, "grad"], [[1.0, 1.0]]),
    "details that are ragged": changed(["details", 0, "grad", 0], [1.0]),
    "details that are deep": changed(["details", 0, "grad", 0, 0], [[[[1.0]]]]),
    "a name with markup": changed(["parameters", 0, "name"], "![x](http://x.example/y.png)"),
    "a name with a line": changed(["parameters", 0, "name"], "a\nb"),
    "a name of nothing": changed(["parameters", 0, "name"], ""),
    "a long name": changed(["parameters", 0, "name"], "w" * 100_000),
    "a name that is a number": changed(["parameters", 0, "name"], 7),
    "a class with markup": changed(["models", 0], "<b>"),
    "many parameters": lambda contents: contents | {"parameters": contents["parameters"][:1] * 301},
    "orders of other letters": changed(["orders"], [["ZFLBS; import os", 1, 0, 0]]),
    "long orders": changed(["orders"], [["F" * 1000, 1, 0, 0]]),
    "orders of two": changed(["orders"], [["ZFLBS", 1]]),
    "many orders": changed(["orders"], [["ZFLBS", 1, 0, 0]] * 200),
    "an error of another kind": changed(["error"], "RuntimeError"),
    "an error with fields of its own": changed(["error"], {"type": "E", "file": "/etc/passwd"}),
    "a failure with control characters": changed(["failure"], "a\x1b[31mb"),
    "a long failure": changed(["failure"], "x" * 400),
    "a line that is none": changed(["first"], {"nonfinite": {"update": 0, "line": "exec", "tensor": "x"}}),
    "a first fact that is none": changed(["first"], {"virus": {}}),
    "shapes of many": changed(["loss_facts"], {"shapes": [[1] * 99, [1]]}),
    "weights of three": changed(["weights"], [1.0, 1.0, 1.0]),
    "weights of none": changed(["weights"], [None, None]),
    "a list": lambda contents: [contents],
    "nothing": lambda contents: None,
    "a number": lambda contents: 5,
}
RAW = {
    "empty": b"",
    "binary": bytes(range(256)) * 9,
    "a pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    "a PNG": b"\x89PNG\r\n\x1a\n" + b"\x00" * 40,
    "another encoding": '{"format": "é"}'.encode("utf-16"),
    "half a file": b'{"format": "loop recorder 1", "torch": ',
    "nested": b"[" * 200_000 + b"]" * 200_000,
    "nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "too large": b" " * (MAX_BYTES + 1),
    "a number without end": b'{"format": ' + b"9" * 500_000 + b"}",
    "a float beyond all": b'{"format": "loop recorder 1", "updates": 1e999}',
    "NaN as JSON has none": b'{"format": "loop recorder 1", "updates": NaN}',
    "a field twice": b'{"format": "loop recorder 1", "format": "loop recorder 1"}',
    "a script": b"import os; os.system('true')",
    "HTML": b"<script>alert(1)</script>",
    "a CSV": b"step,loss\n0,1\n",
}


def refused(data):
    with pytest.raises(ValueError) as raised:
        read(data)
    said = str(raised.value)
    assert 10 < len(said) < 200 and "\n" not in said and not set(said) & set("<>[]`*!\\\x1b\x00")
    return said


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_file_gets_one_sentence_about_the_file_or_a_field_of_it(name, contents):
    data = written(FORGED[name](copy.deepcopy(contents)))
    about, _ = re.split(" (?:must|has|lacks) ", refused(data))
    assert about in {"The file", "the file", *re.findall(r'"(\w+)":', data.decode())}


def test_a_sentence_names_the_field_and_what_it_must_be(contents):
    said = {name: refused(written(FORGED[name](copy.deepcopy(contents)))) for name in FORGED}
    assert said["an error of another kind"] == "error must be an object; got 'RuntimeError'"
    assert said["orders of two"].startswith("orders must be lines with three numbers; got ")
    assert said["details too few"] == "details must be 1, one of each optimizer; got 0"


@pytest.mark.parametrize("name", RAW)
def test_what_is_no_recording_at_all_gets_one_sentence(name):
    refused(RAW[name])


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
ANYTHING = st.recursive(
    PLAIN, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=5), of, max_size=3)
)


@given(data=st.data())
@settings(max_examples=150)
def test_a_file_with_anything_in_any_place_is_shown_or_refused(contents, data):
    one, path = copy.deepcopy(contents), []
    place = one
    while isinstance(place, (dict, list)) and place and (not path or data.draw(st.booleans())):
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        path.append(data.draw(st.sampled_from(keys)))
        place = place[path[-1]]
    spoiled = changed(path, data.draw(ANYTHING))(one)
    try:
        found = read(written(spoiled))
    except ValueError:
        return
    run = own_run(found)
    assert run.done <= found.updates and all(one.because for one in run.findings)
    assert run.verdict is None or run.verdict.because


def test_what_can_be_forged_costs_no_memory(contents):
    """Updates far apart: the curves have as many steps as a run of this app at most."""
    one = copy.deepcopy(contents)
    one["updates"] = 10**12
    one["rows"]["update"] = [0, 1, 10**9, 10**11]
    one["details"][0]["update"] = [0, 1, 10**9, 10**11]
    run = own_run(read(written(one)))
    assert run.done == STEPS[1] and run.cut and run.steps["step"].max() == 1
    assert len(run.whole.losses) == 4
