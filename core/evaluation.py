"""Losses and accuracies of a model on the whole sets, at some steps."""

import copy

import torch
from torch import Tensor, nn

from core.accuracy import accuracy
from core.build import Data
from core.history import Scores
from core.losses import LOSSES


def scores(model: nn.Module, loss_fn: nn.Module, data: Data, loss: str) -> Scores:
    """Scores on training and validation rows, with layers such as dropout switched off.

    loss: the key of loss_fn in LOSSES. Whatever model or loss raise, they raise here too.
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return _scores(model, loss_fn, data, LOSSES[loss].threshold)
    finally:
        model.train(training)


def _scores(model: nn.Module, loss_fn: nn.Module, data: Data, threshold: float) -> Scores:
    def score(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | None]:
        outputs = model(inputs)
        value = loss_fn(outputs, targets)
        if data.target_form == "values":
            return value, None
        return value, accuracy(outputs, targets, data.target_form, threshold)

    train = score(data.inputs, data.targets)
    if data.val_inputs is None or data.val_targets is None:
        return Scores(train[0], train_accuracy=train[1])
    val = score(data.val_inputs, data.val_targets)
    return Scores(train[0], val[0], train[1], val[1])


@torch.no_grad()
def check_labels(model: nn.Module, data: Data) -> None:
    """Raise PyTorch's own error for a label out of range on the CPU, before a GPU sees it.

    There it would be a device-side assert, after which nothing works until a restart.
    """
    if data.target_form != "class_index":
        return
    classes = copy.deepcopy(model).eval()(data.inputs[:1]).shape[-1]
    for targets in (data.targets, data.val_targets):
        if targets is not None:
            nn.functional.nll_loss(torch.zeros(len(targets), classes), targets.long())
