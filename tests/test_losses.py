"""Losses: hand formulas, exact gradients, which goes with which data set, accuracy."""

import numpy as np
import pytest
import torch

from core import Config
from core.data import DATASETS, FORMS_OF_TASK
from core.losses import LOSSES, accuracy, fitting, form
from core.task import make_loss

OUTPUTS = np.array([[2.0, -1.0, 0.5], [-0.3, 4.0, 1.0], [0.2, 0.1, -6.0], [9.0, 9.5, 10.0]])
CLASSES = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(3)[CLASSES]


def huber(errors):
    return np.where(abs(errors) < 1, errors**2 / 2, abs(errors) - 0.5).mean()


def softmax(outputs):
    return np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)


def sigmoid(outputs):
    return 1 / (1 + np.exp(-outputs))


HAND = {  # loss -> targets and value, from the formula shown with it
    "mse": (ONE_HOT, ((OUTPUTS - ONE_HOT) ** 2).mean()),
    "l1": (ONE_HOT, abs(OUTPUTS - ONE_HOT).mean()),
    "huber": (ONE_HOT, huber(OUTPUTS - ONE_HOT)),
    "cross_entropy": (CLASSES, -np.log(softmax(OUTPUTS)[np.arange(4), CLASSES]).mean()),
    "bce": (
        ONE_HOT,
        -(ONE_HOT * np.log(sigmoid(OUTPUTS)) + (1 - ONE_HOT) * np.log(1 - sigmoid(OUTPUTS))).mean(),
    ),
}


def loss_fn(name):
    dataset = "iris" if name == "cross_entropy" or name == "bce" else "diabetes"
    return make_loss(Config(dataset=dataset, loss=name))


def test_every_loss_has_its_hand_formula():
    assert HAND.keys() == LOSSES.keys()


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_the_mean_over_all_entries_of_its_formula(name):
    targets, expected = HAND[name]
    loss = loss_fn(name)(torch.tensor(OUTPUTS), torch.tensor(targets))
    assert loss.shape == () and loss.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_a_loss_agrees_with_finite_differences(name):
    targets = torch.tensor(HAND[name][0])
    outputs = torch.tensor(OUTPUTS, requires_grad=True)  # nowhere at a kink of L1 or Huber
    assert torch.autograd.gradcheck(lambda z: loss_fn(name)(z, targets), (outputs,))


def test_softmax_is_inside_cross_entropy_and_sigmoid_inside_bce():
    # 0 everywhere: every class equally likely, so log(3) and log(2) nats
    zeros = torch.zeros(4, 3, dtype=torch.float64)
    assert loss_fn("cross_entropy")(zeros, torch.tensor(CLASSES)).item() == pytest.approx(np.log(3))
    assert loss_fn("bce")(zeros, torch.tensor(ONE_HOT)).item() == pytest.approx(np.log(2))


def test_large_logits_do_not_overflow():
    outputs, targets = torch.tensor([[200.0], [-200.0]]), torch.tensor([[0.0], [1.0]])
    assert loss_fn("bce")(outputs, targets).item() == 200
    assert loss_fn("cross_entropy")(torch.tensor([[0.0, 500.0]]), torch.tensor([0])).item() == 500


ANY = ("mse", "l1", "huber")
FITTING = {
    "regression": {name: "values" for name in ANY},
    "binary": {**dict.fromkeys(ANY, "zero_one"), "bce": "zero_one", "cross_entropy": "class_index"},
    "classes": {**dict.fromkeys(ANY, "one_hot"), "bce": "one_hot", "cross_entropy": "class_index"},
}


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_data_set_offers_the_losses_whose_targets_it_has(dataset):
    expected = FITTING[DATASETS[dataset].task]
    assert sorted(fitting(dataset)) == sorted(expected)
    assert {name: form(name, dataset) for name in expected} == expected


@pytest.mark.parametrize("dataset", ["deliveries", "line", "sine", "diabetes"])
@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
def test_regression_is_never_offered_a_loss_for_classes(dataset, loss):
    assert form(loss, dataset) is None
    assert loss not in fitting(dataset)


def test_every_form_that_a_loss_takes_is_offered_by_some_task():
    offered = {name for forms in FORMS_OF_TASK.values() for name in forms}
    assert {name for row in LOSSES.values() for name in row.takes} == offered


def test_accuracy_with_one_output_asks_for_its_side_of_the_threshold():
    outputs = torch.tensor([[-2.0], [0.1], [0.4], [0.6]])
    targets = torch.tensor([[0.0], [1.0], [1.0], [1.0]])
    # logits name class 1 above 0; outputs trained towards 0 and 1 do above 0.5
    assert accuracy(outputs, targets, "zero_one", LOSSES["bce"].threshold).item() == 1.0
    for loss in ("mse", "l1", "huber"):
        assert accuracy(outputs, targets, "zero_one", LOSSES[loss].threshold).item() == 0.5


def test_accuracy_with_several_outputs_asks_for_the_largest():
    # the largest outputs are 0, 1, 0, 2; the classes 0, 2, 1, 2
    outputs = torch.tensor(OUTPUTS)
    assert accuracy(outputs, torch.tensor(CLASSES), "class_index", 0.5).item() == 0.5
    assert accuracy(outputs, torch.tensor(ONE_HOT), "one_hot", 0.5).item() == 0.5


def test_accuracy_of_regression_is_refused():
    with pytest.raises(ValueError, match="must be classes for an accuracy; got values"):
        accuracy(torch.zeros(2, 1), torch.zeros(2, 1), "values", 0.5)
