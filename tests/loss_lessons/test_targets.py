"""What PyTorch says to targets of several types and shapes, asked of it now.

The expected words are those of torch 2.13. What another version says differently, the page shows as it is.
"""

import pytest
import torch

from core.loss_lessons.examples import example, raw
from core.loss_lessons.targets import WORDS, answers
from core.losses import LOSSES


def said(loss):
    return {one.about: one for one in answers(loss)}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_a_loss_is_made_for_is_taken(loss):
    first = answers(loss)[0]
    assert first.about == "as it should be" and first.word == "taken"
    outputs, targets = example(loss)
    value = LOSSES[loss].build(outputs.shape[1])(outputs, targets).item()
    assert first.says == f"Loss {value:.4g}."
    assert {one.word for one in answers(loss)} <= set(WORDS)


NEW = "targets without their second dimension"
FACTS = [
    ("mse", NEW, "warned", "Using a target size (torch.Size([3])) that is different to the input size"),
    ("bce", NEW, "refused", "ValueError: Target size (torch.Size([3])) must be the same as input size"),
    ("cross_entropy", "class indices as floats", "refused", "expected target dtype to be Long or Byte"),
    ("cross_entropy", "class indices in int32", "refused", "expected target dtype to be Long or Byte"),
    ("cross_entropy", "a column of class indices", "refused", "0D or 1D target tensor expected"),
    ("cross_entropy", "one-hot, as integers", "refused", "Expected floating point type for target"),
    ("cross_entropy", "classes counted from 1", "refused", "IndexError: Target 3 is out of bounds."),
    ("bce", "targets truncated to whole numbers", "refused", "can't be cast to the desired output type Long"),
    ("bce_of_sigmoid", "outputs of a model without its last layer", "refused",
     "all elements of input should be between 0 and 1"),
    ("bce", "a target of 2, which is no class", "silent", "Loss -"),
    ("nll", "outputs of a model without its last layer", "silent", "Loss -"),
    ("mse", "targets truncated to whole numbers", "silent", "Loss "),
    ("kl_div", "logarithms of probabilities", "silent", "Loss nan"),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "about", "word", "text"), FACTS)
def test_what_pytorch_says(loss, about, word, text):
    one = said(loss)[about]
    assert one.word == word
    assert text in one.says


def test_one_hot_floats_are_the_class_numbers_and_ignored_rows_do_not_count():
    found = said("cross_entropy")
    assert found["one-hot, as floats: probabilities"].says == found["as it should be"].says
    outputs, targets = example("cross_entropy")
    kept = targets != 0
    expected = torch.nn.functional.cross_entropy(outputs[kept], targets[kept]).item()
    assert found["class -100: this row does not count"].says == f"Loss {expected:.4g}."


def test_types_and_shapes_are_those_of_the_tensors():
    assert said("cross_entropy")["a column of class indices"].targets == "int64 (3, 1)"
    assert said("mse")[NEW].targets == "float32 (3,)"
    assert said("mse")["as it should be"].outputs == "float32 (3, 1)"


def test_asking_warns_nobody_else(recwarn):
    answers("mse")
    assert not recwarn.list


def test_examples_end_in_the_layer_of_their_loss():
    outputs, _ = example("bce_of_sigmoid")
    assert torch.equal(outputs, raw("bce_of_sigmoid").sigmoid())
    assert torch.allclose(example("nll")[0].exp().sum(1), torch.ones(3))
    assert torch.equal(example("bce")[0], raw("bce"))
