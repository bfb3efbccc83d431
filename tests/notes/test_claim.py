"""A claim: when a judgement stands, how values are shown and compared, and the helpers of its lines."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from core.notes import claim as helpers
from core.notes.claim import Claim, answer, as_text, fits, gives, said

LINES = {"a": 1.0, "b": torch.tensor([1.0, 2.0])}
GOOD = Claim("One is one.", "holds", "So it is.", lambda: dict(LINES), gives(1.0, [1.0, 2.0]))


def test_an_answer_has_every_value_as_text_and_stands():
    found = answer(GOOD)
    assert found.values == (("a", "1.0"), ("b", "tensor([1., 2.])"))
    assert found.stands


@pytest.mark.parametrize(
    "expected", [(1.01, [1.0, 2.0]), (1.0, [1.0, 2.1]), (1.0,), (1.0, [1.0]), (1, [1.0, 2.0])]
)
def test_it_does_not_stand_on_other_values(expected):
    assert not answer(replace(GOOD, rests_on=gives(*expected))).stands


def test_lines_that_raise_are_told_and_support_nothing():
    found = answer(
        replace(GOOD, lines=lambda: {"a": torch.ones(2) @ torch.ones(3)}, rests_on=lambda got: True)
    )
    assert not found.stands
    ((label, text),) = found.values
    assert label == "these lines raise" and text.startswith("RuntimeError: inconsistent tensor size")


def test_a_check_that_cannot_compare_does_not_stand():
    assert not answer(replace(GOOD, rests_on=lambda got: got["nothing"] > 1)).stands
    assert not answer(replace(GOOD, rests_on=lambda got: got["b"] > 1)).stands  # a tensor of two truths


def same_lines():
    return {"x": 1}


def test_the_source_is_that_of_the_function():
    assert replace(GOOD, lines=same_lines).source == 'def same_lines():\n    return {"x": 1}\n'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (15.0, "15.0"),
        (torch.tensor(0.1).item(), "0.100000001"),
        (float("inf"), "inf"),
        (3, "3"),
        (None, "None"),
        ([0.5, None, "a"], "[0.5, None, a]"),
        (torch.Size([2, 3]), "torch.Size([2, 3])"),
        (torch.tensor([[1.0], [2.0]]), "tensor([[1.], [2.]])"),
        (torch.tensor(2.0, requires_grad=True), "tensor(2., requires_grad=True)"),
    ],
)
def test_values_as_text(value, text):
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.00001, 1.0),
        (torch.tensor(2.0, requires_grad=True), 2.0),
        (torch.tensor([[1.0, 2.0]]), [[1.0, 2.0]]),
        ([None, torch.tensor([1.0])], [None, [1.0]]),
        ("Warning: a long text", "a long"),
        (float("-inf"), float("-inf")),
        (True, True),
        (7, lambda n: n > 5),
    ],
)
def test_what_fits(value, expected):
    assert fits(value, expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.001, 1.0),
        (float("nan"), 1.0),
        (float("inf"), float("-inf")),
        (1.0, 1),
        (1, True),
        (None, 0.0),
        (None, "None"),
        ("a", "b"),
        ([1.0], [1.0, 2.0]),
        (1.0, [1.0]),
        (7, lambda n: n > 8),
    ],
)
def test_what_does_not_fit(value, expected):
    assert not fits(value, expected)


def test_said_gives_the_error_the_warning_or_nothing():
    assert said(lambda: int("x")) == "ValueError: invalid literal for int() with base 10: 'x'"
    assert said(lambda: None) == "nothing"
    text = said(lambda: nn.functional.mse_loss(torch.zeros(2, 1), torch.zeros(2)))
    assert text.startswith("Warning: Using a target size (torch.Size([2]))")
    read = said(lambda: (torch.ones(1, requires_grad=True) * 2).grad)
    said_first = "Warning: The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. …"
    assert read == said_first


def test_a_neuron_has_its_numbers_and_draws_nothing():
    before = torch.get_rng_state()
    layer = helpers.neuron(5.0, 2.0)
    assert torch.equal(torch.get_rng_state(), before)
    assert layer(torch.tensor([[3.0]])).item() == 17.0
    assert all(p.requires_grad for p in layer.parameters())


def test_deliveries_are_the_notes_numbers():
    distances, times = helpers.deliveries()
    assert distances.flatten().tolist() == [1.0, 2.0, 3.0, 4.0]
    assert times.flatten().tolist() == pytest.approx([6.96, 12.11, 16.77, 22.21])
    assert helpers.deliveries(exact=True)[1].flatten().tolist() == [7.0, 12.0, 17.0, 22.0]
    assert distances.dtype == times.dtype == torch.float32
