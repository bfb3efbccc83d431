"""Losses and accuracies of a model on the whole sets, at some steps.

Shapes: outputs (rows, outputs), targets as of a form of `core.data.FORMS`; or with a leading run axis
and the rows last, (runs, outputs, rows). Classes are along dim 1 in both.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.build import Data
from core.history import Scores
from core.losses import LOSSES

Share = Callable[[Tensor], Tensor] | None  # outputs -> probability of class 1, as `core.losses.Loss.share`


def scores(model: nn.Module, loss_fn: nn.Module, data: Data, loss: str) -> Scores:
    """Scores on training and validation rows, with layers such as dropout switched off.

    loss: the key of loss_fn in LOSSES. Whatever model or loss raise, they raise here too.
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return _scores(model, loss_fn, data, LOSSES[loss].share)
    finally:
        model.train(training)


def _scores(model: nn.Module, loss_fn: nn.Module, data: Data, share: Share) -> Scores:
    def score(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | None]:
        outputs = model(inputs)
        value = loss_fn(outputs, targets)
        # One's own targets of 0 and 1 may meet a loss that is not for them: then no class is named.
        if data.target_form == "values" or (data.target_form == "zero_one" and share is None):
            return value, None
        return value, accuracy(outputs, targets, data.target_form, share)

    train = score(data.inputs, data.targets)
    if data.val_inputs is None or data.val_targets is None:
        return Scores(train[0], train_accuracy=train[1])
    val = score(data.val_inputs, data.val_targets)
    return Scores(train[0], val[0], train[1], val[1])


def named(outputs: Tensor, target_form: str, share: Share) -> Tensor:
    """Class numbers, (rows,), that outputs stand for.

    One output: class 1 where its `share` is above one half. Several: the class of the largest one.
    """
    if target_form == "zero_one":
        assert share is not None  # the table of losses asks for it
        return _single(share(outputs) > 0.5).long()
    return outputs.max(dim=1).indices  # the first, as argmax, which is slower where dim 1 is not the last


def truth(targets: Tensor, target_form: str) -> Tensor:
    """Class numbers, (rows,), of targets.

    Raises ValueError for regression targets, which have no classes.
    """
    if target_form == "values":
        raise ValueError("targets must be classes for an accuracy; got values")
    if target_form == "zero_one":
        return _single(targets > 0.5).long()
    return targets.argmax(1) if target_form == "one_hot" else targets


def _single(column: Tensor) -> Tensor:
    """Without the dimension of the one output, if there is one."""
    return column.squeeze(1) if column.ndim > 1 else column


def right(outputs: Tensor, targets: Tensor, target_form: str, share: Share) -> Tensor:
    """Which answers are right, (rows,) of True and False."""
    return named(outputs, target_form, share) == truth(targets, target_form)


def accuracy(outputs: Tensor, targets: Tensor, target_form: str, share: Share) -> Tensor:
    """Share of right answers, (), from 0 to 1."""
    return right(outputs, targets, target_form, share).float().mean()
