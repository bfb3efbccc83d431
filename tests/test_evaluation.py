"""Scores on the whole sets: closed forms, modes of layers, and labels that do not fit."""

import math

import pytest
import torch
from torch import nn

from core.build import Data, check_labels
from core.evaluation import scores


def fixed(weight, bias):
    """Linear(1, outputs) with these weights."""
    model = nn.Linear(1, len(bias))
    with torch.no_grad():
        model.weight.copy_(torch.tensor(weight).reshape(-1, 1))
        model.bias.copy_(torch.tensor(bias))
    return model


X, Y = torch.tensor([[1.0], [2.0], [3.0], [4.0]]), torch.tensor([[6.96], [12.11], [16.77], [22.21]])
DELIVERIES = Data(X, Y, "values", X[:2], Y[:2])
LABELS = Data(X, torch.tensor([0, 1, 2, 2]), "class_index")


def test_losses_on_both_sets_by_hand():
    found = scores(fixed([5.0], [2.0]), nn.MSELoss(), DELIVERIES, "mse")
    squares = [0.04**2, 0.11**2, 0.23**2, 0.21**2]
    assert float(found.train_loss) == pytest.approx(sum(squares) / 4, rel=1e-5)
    assert float(found.val_loss) == pytest.approx(sum(squares[:2]) / 2, rel=1e-5)
    assert found.train_accuracy is None
    assert found.val_accuracy is None


def test_equal_logits_are_one_over_the_number_of_classes():
    found = scores(fixed([0.0] * 3, [0.0] * 3), nn.CrossEntropyLoss(), LABELS, "cross_entropy")
    assert float(found.train_loss) == pytest.approx(math.log(3))
    assert float(found.train_accuracy) == 0.25  # the first class is taken, and one row of four has it
    assert found.val_loss is None


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_off_while_scoring_and_the_mode_comes_back(training):
    model = nn.Sequential(nn.Dropout(1.0), fixed([5.0], [2.0])).train(training)
    found = scores(model, nn.MSELoss(), DELIVERIES, "mse")
    assert float(found.train_loss) == pytest.approx(0.027675, rel=1e-5)
    assert model.training is training


def test_scoring_leaves_no_gradient_and_no_graph():
    model = fixed([5.0], [2.0])
    found = scores(model, nn.MSELoss(), DELIVERIES, "mse")
    assert not found.train_loss.requires_grad
    assert model.weight.grad is None


def test_the_mode_comes_back_after_an_error_too():
    model = fixed([5.0], [2.0]).train()
    with pytest.raises(IndexError, match="Target 2 is out of bounds"):
        scores(nn.Sequential(model, nn.Linear(1, 2)).train(), nn.CrossEntropyLoss(), LABELS, "cross_entropy")
    assert model.training


def test_labels_are_checked_on_the_cpu_with_pytorchs_own_words():
    with pytest.raises(IndexError, match="Target 2 is out of bounds"):
        check_labels(fixed([0.0] * 2, [0.0] * 2), LABELS)
    check_labels(fixed([0.0] * 3, [0.0] * 3), LABELS)
    check_labels(fixed([0.0], [0.0]), DELIVERIES)  # values have no range
