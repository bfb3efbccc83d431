"""What an everyday line did, in numbers: the factor of a clip, the pass of k, learning rate and scale."""

import math
from collections.abc import Callable

from torch import Tensor

from core.lines import part
from core.models import MODELS
from core.watch.gradient_account import backward_account, step_account, zero_grad_account
from core.watch.line_effect import FEW, Executed, Said, entry_name, numbers_of, recorded_in_words
from core.watch.snapshot import Look
from core.words import digits_apart, factor, in_words, norm, number

TINY = 1e-6  # torch.nn.utils.clip_grad_norm_ adds it to the norm that it divides by


def _norm_of_grads(look: Look) -> float:
    """Of all gradients together."""
    return math.hypot(*(norm(held.grad) for held in look.parameters.values() if held.grad is not None))


def clip_account(done: Executed) -> Said:
    """The factor: max_norm / norm, never above 1."""
    total, limit = _norm_of_grads(done.before), done.config.max_norm
    if all(held.grad is None for held in done.before.parameters.values()):
        return "Nothing to clip: every .grad is None.", [], None
    if not math.isfinite(total):
        return f"The norm of all gradients is {number(total)}: no factor makes them finite.", [], None
    scale = limit / (total + TINY)
    shown, most = number(total), number(limit)
    if scale >= 1:
        return f"The norm of all gradients is {shown}, not above {most}: nothing was shrunk.", [], None
    formulas = [f"factor = {most} / ({shown} + {number(TINY)}) = {number(scale)}"]
    headline = f"The norm of all gradients was {shown}; each was multiplied by {number(scale)}."
    return headline, formulas + _entries(done, f" × {number(scale)} ="), None


def clip_value_account(done: Executed) -> Said:
    """How many entries were beyond the limit; cutting them turns the gradient as a whole."""
    grads = [held.grad for held in done.before.parameters.values() if held.grad is not None]
    if not grads:
        return "Nothing to clip: every .grad is None.", [], None
    limit = done.config.clip_value
    beyond = sum(int((grad.abs() > limit).sum()) for grad in grads)
    count = sum(grad.numel() for grad in grads)
    most = number(limit)
    if not beyond:
        return f"No entry of a gradient is larger than {most} in size: nothing was cut.", [], None
    headline = f"{beyond} of {count} entries of the gradients were larger than {most} in size, and were cut."
    return headline, _entries(done), None


def _entries(done: Executed, how: str = " →") -> list[str]:
    """Each entry of .grad before and after, if there are few."""
    if done.entries > FEW:
        return []
    said = []
    for name, (one, two) in done.pairs.items():
        if one.grad is None or two.grad is None:
            continue
        pairs = zip(numbers_of(one.grad), numbers_of(two.grad), strict=True)
        for index, (old, new) in enumerate(pairs):
            said.append(
                f"{entry_name(f'{name}.grad', one.grad, index)}: {factor(number(old))}{how} {number(new)}"
            )
    return said


def zero_grad_every_account(done: Executed) -> Said:
    """As zero_grad at the first of k passes, else nothing."""
    place, k = done.before.step % done.config.accumulate, done.config.accumulate
    if place:
        return f"Nothing was cleared: this is pass {place + 1} of {k}, and the first one clears.", [], None
    return zero_grad_account(done)


def at_updates(account: Callable[[Executed], Said], nothing: str) -> Callable[[Executed], Said]:
    """As this account at the last of k passes, else nothing."""

    def said(done: Executed) -> Said:
        place, k = done.before.step % done.config.accumulate, done.config.accumulate
        if place + 1 == k:
            return account(done)
        return f"{nothing}: this is pass {place + 1} of {k}, and the last one updates.", [], None

    return said


def backward_divided_account(done: Executed) -> Said:
    """What has added up in .grad so far; first the loss that was walked back from."""
    headline, formulas, numbers = backward_account(done)
    loss, k = done.before.tensors["loss"].values, done.config.accumulate
    walked = f"loss / accumulate = {in_words(loss)} / {k} = {in_words(loss / k)}"
    return headline, [walked, *formulas], numbers


def backward_by_rows_account(done: Executed) -> Said:
    """The same, with the weight of this batch."""
    headline, formulas, numbers = backward_account(done)
    rows = len(done.before.tensors["inputs"].values)
    place, k = done.before.step % done.config.accumulate, done.config.accumulate
    return headline, [f"weight = {rows} rows / all rows of {k} passes; pass {place + 1}", *formulas], numbers


def scheduler_account(done: Executed) -> Said:
    """The learning rate before and after."""
    old, new = done.before.lr, done.after.lr
    if old == new:
        return f"The learning rate stays {number(new)}.", [], None
    digits = digits_apart(old, new)
    return f"The learning rate went from {number(old, digits)} to {number(new, digits)}.", [], None


def _dtype(values: Tensor) -> str:
    return str(values.dtype).removeprefix("torch.")


def forward_autocast_account(done: Executed) -> Said:
    """The outputs, in which precision, and what autograd recorded."""
    outputs = done.after.tensors["outputs"]
    recorded = recorded_in_words(done.details.operations, outputs)
    kind = _dtype(outputs.values)
    return (
        f"The outputs are {kind}. {recorded}",
        [f"outputs {outputs.shape}: {in_words(outputs.values)}"],
        None,
    )


def loss_autocast_account(done: Executed) -> Said:
    """The loss, in which precision, and what autograd recorded."""
    loss = done.after.tensors["loss"]
    recorded = recorded_in_words(done.details.operations, loss)
    return f"The loss is {in_words(loss.values)}, in {_dtype(loss.values)}.", [recorded], None


def backward_scaled_account(done: Executed) -> Said:
    """As backward, of the loss times the scale, or of a k-th of it."""
    headline, formulas, numbers = backward_account(done)
    loss, scale = done.before.tensors["loss"].values, done.after.scale or 1.0
    k, names, values = 1, "loss", in_words(loss)
    if "backward_scaled_divided" in done.config.loop:
        k = done.config.accumulate
        names, values = "loss / accumulate", f"{values} / {k}"
    walked = f"{names} × scale = {values} × {number(scale)} = {in_words(loss.double() / k * scale)}"
    return headline, [walked, *formulas], numbers


def unscale_account(done: Executed) -> Said:
    """The length of all gradients before and after."""
    old, new = (number(_norm_of_grads(look)) for look in (done.before, done.after))
    scale = number(done.before.scale or 1.0)
    return (
        f"Every .grad was divided by the scale, {scale}: the norm of all went from {old} to {new}.",
        [],
        None,
    )


def step_scaled_account(done: Executed) -> Said:
    """As step on unscaled gradients; none at all if one of them was not finite when it was unscaled."""
    if done.after.overflowed:
        why = "the scaler found inf or nan in a gradient, and skips this step"
        return f"No weight changed: {why}.", [], None
    headline, formulas, numbers = step_account(done)
    before = [*map(part, done.config.loop)]
    unscaled = "unscale" in before[: before.index("step")]
    return headline, formulas if unscaled else ["The gradient was divided by the scale first."], numbers


def scaler_update_account(done: Executed) -> Said:
    """The scale before and after."""
    old, new = done.before.scale or 1.0, done.after.scale or 1.0
    if old == new:
        return f"The scale stays {number(new)}.", [], None
    why = "a gradient held inf or nan" if new < old else "2,000 steps were without inf and nan"
    return f"The scale went from {number(old)} to {number(new)}, since {why}.", [], None


def mode_account(done: Executed) -> Said:
    """Which mode the model was in and is in, and whether that matters to it."""
    old, new = ("training" if look.training else "eval" for look in (done.before, done.after))
    changed = f"The model stays in {new} mode" if old == new else f"The model went from {old} to {new} mode"
    row = MODELS[done.config.model]
    why = (
        ""
        if row.two_modes
        else f"; a model without dropout and batch norm ({row.title}) does the same in both"
    )
    return f"{changed}{why}.", [], None


def _penalty(done: Executed) -> float:
    weights = (held.values.double() for held in done.before.parameters.values())
    return done.config.penalty * sum(float((values**2).sum()) for values in weights)


def loss_penalty_account(done: Executed) -> Said:
    """The two parts of the loss."""
    loss, part = done.after.tensors["loss"], _penalty(done)
    value = float(loss.values)
    recorded = recorded_in_words(done.details.operations, loss)
    digits = digits_apart(value, value - part)
    whole, rest = number(value, digits), number(value - part, digits)
    headline = f"The loss is {whole}; the penalty is {number(part)} of it."
    return headline, [f"{rest} + {number(part)} = {whole}", recorded], None


def backward_penalty_account(done: Executed) -> Said:
    """What the second loss adds to .grad: 2 × penalty × weight."""
    old, new = (number(_norm_of_grads(look)) for look in (done.before, done.after))
    headline = f"The penalty is {number(_penalty(done))}; the norm of all gradients went from {old} to {new}."
    return headline, ["∂penalty/∂weight = 2 × penalty × weight", *_entries(done)], None


EVERYDAY_ACCOUNTS = {
    "train_mode": mode_account,
    "eval_mode": mode_account,
    "loss_penalty": loss_penalty_account,
    "backward_penalty": backward_penalty_account,
    "forward_autocast": forward_autocast_account,
    "loss_autocast": loss_autocast_account,
    "backward_scaled": backward_scaled_account,
    "backward_scaled_divided": backward_scaled_account,
    "unscale": unscale_account,
    "step_scaled": step_scaled_account,
    "scaler_update": scaler_update_account,
    "scheduler_step": scheduler_account,
    "scheduler_step_loss": scheduler_account,
    "zero_grad_every": zero_grad_every_account,
    "backward_divided": backward_divided_account,
    "backward_by_rows": backward_by_rows_account,
    "clip": clip_account,
    "clip_value": clip_value_account,
}
EVERYDAY_ACCOUNTS |= {
    "step_every": at_updates(step_account, "No weight changed"),
    "step_scaled_every": at_updates(step_scaled_account, "No weight changed"),
    "unscale_every": at_updates(unscale_account, "Nothing was unscaled"),
    "backward_penalty_every": at_updates(backward_penalty_account, "Nothing was added"),
    "clip_every": at_updates(clip_account, "Nothing was clipped"),
    "clip_value_every": at_updates(clip_value_account, "Nothing was clipped"),
    "scaler_update_every": at_updates(scaler_update_account, "The scale stays"),
    "scheduler_step_every": at_updates(scheduler_account, "The learning rate stays"),
}
