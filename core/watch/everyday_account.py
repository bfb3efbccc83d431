"""What an everyday line did, in numbers: the factor of a clip, the pass of k, the learning rate."""

import math

from core.watch.gradient_account import backward_account, step_account, zero_grad_account
from core.watch.line_effect import FEW, Executed, Said, entry_name, numbers_of
from core.words import digits_apart, factor, in_words, norm, signed

TINY = 1e-6  # torch.nn.utils.clip_grad_norm_ adds it to the norm that it divides by


def _norm_of_grads(done: Executed) -> float:
    """Of all gradients together, before the line."""
    return math.hypot(*(norm(held.grad) for held in done.before.parameters.values() if held.grad is not None))


def clip_account(done: Executed) -> Said:
    """The factor: max_norm / norm, never above 1."""
    total, limit = _norm_of_grads(done), done.config.max_norm
    if all(held.grad is None for held in done.before.parameters.values()):
        return "Nothing to clip: every .grad is None.", [], None
    if not math.isfinite(total):
        return f"The norm of all gradients is {signed(total)}: no factor makes them finite.", [], None
    scale = limit / (total + TINY)
    shown, most = signed(total), signed(limit)
    if scale >= 1:
        return f"The norm of all gradients is {shown}, not above {most}: nothing was shrunk.", [], None
    formulas = [f"factor = {most} / ({shown} + {TINY:g}) = {signed(scale)}"]
    headline = f"The norm of all gradients was {shown}; each was multiplied by {signed(scale)}."
    return headline, formulas + _entries(done, f" × {signed(scale)} ="), None


def clip_value_account(done: Executed) -> Said:
    """How many entries were beyond the limit; cutting them turns the gradient as a whole."""
    grads = [held.grad for held in done.before.parameters.values() if held.grad is not None]
    if not grads:
        return "Nothing to clip: every .grad is None.", [], None
    limit = done.config.clip_value
    beyond = sum(int((grad.abs() > limit).sum()) for grad in grads)
    count = sum(grad.numel() for grad in grads)
    most = signed(limit)
    if not beyond:
        return f"No entry of a gradient is larger than {most}: nothing was cut.", [], None
    headline = f"{beyond} of {count} entries of the gradients were larger than {most}, and were cut to it."
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
                f"{entry_name(f'{name}.grad', one.grad, index)}: {factor(signed(old))}{how} {signed(new)}"
            )
    return said


def zero_grad_every_account(done: Executed) -> Said:
    """As zero_grad at the first of k passes, else nothing."""
    place, k = done.before.step % done.config.accumulate, done.config.accumulate
    if place:
        return f"Nothing was cleared: this is pass {place + 1} of {k}, and the first one clears.", [], None
    return zero_grad_account(done)


def step_every_account(done: Executed) -> Said:
    """As step at the last of k passes, else nothing."""
    place, k = done.before.step % done.config.accumulate, done.config.accumulate
    if place + 1 < k:
        return f"No weight changed: this is pass {place + 1} of {k}, and the last one updates.", [], None
    return step_account(done)


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
        return f"The learning rate stays {signed(new)}.", [], None
    digits = digits_apart(old, new)
    return f"The learning rate went from {signed(old, digits)} to {signed(new, digits)}.", [], None


EVERYDAY_ACCOUNTS = {
    "scheduler_step": scheduler_account,
    "scheduler_step_loss": scheduler_account,
    "scheduler_step_every": scheduler_account,
    "zero_grad_every": zero_grad_every_account,
    "backward_divided": backward_divided_account,
    "backward_by_rows": backward_by_rows_account,
    "step_every": step_every_account,
    "clip": clip_account,
    "clip_value": clip_value_account,
}
