"""What PyTorch says to targets of several types and shapes, and what reductions give, asked of it now.

The expected words are those of torch 2.13. What another version says differently, the page shows as it is.
"""

import numpy as np
import pytest
import torch

from core.loss_lessons.targets import REDUCTIONS, WORDS, answers, example, raw, reductions
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


def test_an_example_is_of_the_form_that_the_loss_is_made_for_first():
    for loss, row in LOSSES.items():
        outputs, targets = example(loss)
        match row.takes[0]:
            case "class_index":
                assert targets.shape == (3,) and targets.dtype == torch.int64
            case "one_hot":
                assert targets.shape == outputs.shape == (3, 3) and targets.sum(1).tolist() == [1, 1, 1]
            case "zero_one":
                assert targets.shape == outputs.shape == (3, 1) and set(targets.flatten().tolist()) == {0, 1}
            case "values":
                assert targets.shape == outputs.shape == (3, 1) and not set(targets.flatten().tolist()) <= {
                    0,
                    1,
                }


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
    ("bce", "a target of 2, which is no class", "silent", "Loss −"),
    ("nll", "outputs of a model without its last layer", "silent", "Loss −"),
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


@pytest.mark.parametrize("loss", LOSSES)
def test_sum_is_the_sum_of_none_and_mean_divides_it(loss):
    found = {one.reduction: one for one in reductions(loss)}
    none = np.array(found["none"].value)
    assert found["none"].shape == none.shape
    assert found["sum"].value == pytest.approx(none.sum(), rel=1e-6)
    weights = {"weighted": 3 + 1 + 1}.get(
        loss, none.size
    )  # the targets are 0, 2, 2; class 0 counts three times
    assert found["mean"].value == pytest.approx(none.sum() / weights, rel=1e-6)
    assert found["sum"].shape == found["mean"].shape == ()


def test_values_by_hand():
    found = {one.reduction: one.value for one in reductions("mse")}
    assert found == {"none": [[2.25], [0.25], [0.0]], "sum": 2.5, "mean": pytest.approx(2.5 / 3)}


def test_kl_divergence_divides_by_the_rows_with_batchmean_alone():
    *usual, own = reductions("kl_div")
    assert [one.reduction for one in usual] == list(REDUCTIONS) and own.reduction == "batchmean"
    none = np.array(usual[0].value)
    assert own.value == pytest.approx(none.sum() / len(none), rel=1e-6)
    assert usual[2].value == pytest.approx(own.value / none.shape[1], rel=1e-6)
    assert "'batchmean' divides only by the batch size" in usual[2].warning
    assert not own.warning


def test_the_loss_of_the_table_is_its_own_reduction():
    for loss, row in LOSSES.items():
        outputs, targets = example(loss)
        own = reductions(loss)[-1].value
        assert row.build(outputs.shape[1])(outputs, targets).item() == own
