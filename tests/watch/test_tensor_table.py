"""The tensor table: PyTorch's own words for every tensor, and marks where something changed."""

import pytest
import torch

from core import Config, Run
from core.graph.tensor_table import COLUMNS, NOT_KEPT
from core.lines import USUAL
from core.watch.snapshot import look, table
from core.watch.tape import Tape

NAMES = ["weight", "bias", "inputs", "targets", "outputs", "loss"]


def linear(**choices):
    base = {"dataset": "deliveries", "model": "linear", "start": (5.0, 2.0), "lr": 0.01, "steps": 5}
    return Run(Config(**(base | choices)))


def tables(run, lines):
    """The table after each of so many lines, against the look before it."""
    tape, found = Tape(run), []
    for _ in range(lines):
        tape.line()
        found.append(table(tape.looks[-1], tape.looks[-2]))
    return found


def changed(one):
    """Name -> the words of the changed column, where there are any."""
    cells = one.cells.set_index("name")["changed"]
    return dict(cells[cells != ""])


def cell(one, name, column):
    return one.cells.set_index("name").loc[name, column]


def test_there_is_a_row_for_every_tensor_and_a_column_for_every_property():
    one = table(look(linear()))
    assert list(one.cells["name"]) == NAMES
    assert list(one.cells.columns) == ["name", *COLUMNS[:2], "changed", *COLUMNS[2:]]
    assert one.marks.shape == one.cells.shape and list(one.marks.columns) == list(one.cells.columns)
    deep = table(look(Run(Config(hidden=(3,)))))
    assert list(deep.cells["name"]) == ["0.weight", "0.bias", "2.weight", "2.bias", *NAMES[2:]]


def test_outputs_and_loss_are_not_defined_before_their_lines():
    one = table(look(linear()))
    for name in ("outputs", "loss"):
        assert cell(one, name, "values") == "not defined yet"
        assert all(cell(one, name, column) == "" for column in COLUMNS if column != "values")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_properties_are_in_the_words_of_pytorch(dtype):
    run = linear(dtype=dtype)
    one = tables(run, 4)[-1]
    actual = dict(run.model.named_parameters()) | {name: run.namespace[name] for name in NAMES[2:]}
    for name, tensor in actual.items():
        row = one.cells.set_index("name").loc[name]
        assert row["shape"] == str(tuple(tensor.shape)) and row["dtype"] == dtype and row["device"] == "cpu"
        assert row["requires_grad"] == str(tensor.requires_grad) and row["is_leaf"] == str(tensor.is_leaf)
        assert row["version"] == str(tensor._version)
        assert row["grad_fn"] == ("None" if tensor.is_leaf else type(tensor.grad_fn).__name__)


def test_values_of_few_entries_and_the_loss_of_the_notes():
    one = tables(linear(), 3)[-1]
    assert cell(one, "outputs", "values") == "7, 12, 17, 22"
    assert cell(one, "targets", "values") == "6.96, 12.11, 16.77, 22.21"
    assert cell(one, "loss", "values") == "0.027675"


def test_grad_is_none_or_values_or_zeros_or_not_kept():
    run = linear(dataset="deliveries_exact", start=(5.0, 5.0), loop=(*USUAL[1:], "zero_grad_zeros"))
    found = tables(run, 5)
    words = [cell(one, "weight", ".grad") for one in found]
    assert words == ["None", "None", "15", "15", "zeros"]
    assert cell(found[2], "bias", ".grad") == "6"
    assert {cell(found[2], name, ".grad") for name in ("inputs", "targets")} == {"None"}
    assert {cell(found[2], name, ".grad") for name in ("outputs", "loss")} == {NOT_KEPT}


def test_each_line_marks_what_it_has_changed():
    run = linear(dataset="deliveries_exact", start=(5.0, 5.0))
    found = [changed(one) for one in tables(run, 10)]
    grads = {"weight": ".grad", "bias": ".grad"}
    weights = {"weight": "values, version", "bias": "values, version"}
    assert found[:5] == [{}, {"outputs": "new"}, {"loss": "new"}, grads, weights]
    again = [grads, {"outputs": "new tensor, values"}, {"loss": "new tensor, values"}, grads, weights]
    assert found[5:] == again


def test_a_tensor_made_again_with_the_same_values_is_new_all_the_same():
    # zero_grad after backward: nothing is ever updated
    run = linear(loop=("forward", "loss", "backward", "zero_grad", "step"))
    found = tables(run, 6)
    assert changed(found[4]) == {} and changed(found[5]) == {"outputs": "new tensor"}
    assert not found[5].marks.set_index(found[5].cells["name"]).loc["outputs", list(COLUMNS)].any()


def test_writing_zeros_into_weights_moves_the_version_alone():
    # with zeros in .grad plain SGD writes, but what was there
    run = linear(loop=("forward", "loss", "backward", "zero_grad_zeros", "step"))
    assert changed(tables(run, 5)[-1]) == {"weight": "version", "bias": "version"}


def test_marks_are_where_the_words_say():
    for one in tables(linear(), 8):
        words = changed(one)
        for (_, cells), (_, marks) in zip(one.cells.iterrows(), one.marks.iterrows(), strict=True):
            said = words.get(cells["name"], "")
            named = {"new": set(COLUMNS)}.get(said, set(said.split(", ")) & set(COLUMNS))
            assert {column for column in COLUMNS if marks[column]} == named
            assert marks["changed"] == bool(said) and not marks["name"]


def test_a_change_too_small_to_read_is_marked():
    run = linear()
    before = look(run)
    with torch.no_grad():
        run.model.weight.copy_(torch.nextafter(run.model.weight, torch.tensor([[9.0]])))
    one = table(look(run), before)
    assert cell(one, "weight", "values") == "5" and changed(one) == {"weight": "values, version"}


def test_a_new_batch_is_a_new_tensor():
    run = Run(Config(batch_size=16, steps=3, hidden=(3,)))
    before = look(run.advance(1))
    run.begin()
    words = changed(table(look(run), before))
    assert words.keys() >= {"inputs"} and words["inputs"] == "new tensor, values"


def test_without_a_look_before_nothing_is_marked():
    one = table(look(linear().advance(2)))
    assert changed(one) == {} and not one.marks.any(axis=None)


def test_looking_twice_marks_nothing_not_even_nan():
    run = linear(lr=100.0, steps=60).advance()
    assert torch.isnan(run.model.weight).all()
    assert changed(table(look(run), look(run))) == {}
