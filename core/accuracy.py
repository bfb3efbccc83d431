"""The class that a model's outputs name, and the share of rows where it is right.

Shapes: outputs (rows, outputs), targets as of a form of `core.data.FORMS`; or with a leading run axis
and the rows last, (runs, outputs, rows). Classes are along dim 1 in both.
"""

from torch import Tensor


def named(outputs: Tensor, target_form: str, threshold: float | Tensor) -> Tensor:
    """Class numbers, (rows,), that outputs stand for.

    One output: class 1 above `threshold`. Several: the class of the largest one.
    """
    if target_form == "zero_one":
        return _single(outputs > threshold).long()
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


def right(outputs: Tensor, targets: Tensor, target_form: str, threshold: float | Tensor) -> Tensor:
    """Which answers are right, (rows,) of True and False."""
    return named(outputs, target_form, threshold) == truth(targets, target_form)


def accuracy(outputs: Tensor, targets: Tensor, target_form: str, threshold: float) -> Tensor:
    """Share of right answers, (), from 0 to 1."""
    return right(outputs, targets, target_form, threshold).float().mean()
