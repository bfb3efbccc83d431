"""What happened in a run, in one word and one or two sentences that quote its numbers.

Each rule looks only at the run's own loss, never at how it was trained: a wrong loop that
reaches a lower loss is said to learn. The thresholds are our own, set so that the lessons of
the app hold for 20 seeds each, or nearly all where zero_grad is skipped (tests/test_verdict.py), unless
another source is given.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.curvature import stability_limit
from core.lines import first_line
from core.result import Path, Result, path
from core.words import number

FLAT = 0.01  # a range below this share of the first loss counts as no change
HARDLY = 0.1  # a drop below this share of the first loss, and no longer falling, is stuck
HALF = 0.5  # a run that lost half of its first loss learns, even if it still falls
STILL_FALLING = 0.02  # share of the whole drop that came in the last tenth of the steps
GROWN = 2.0  # times the first loss: far above it
GAVE_BACK = 0.5  # of what it had gained
SWING = 2.0  # loss over the lowest before it, in the second half: it went up again by a lot
SWING_SHARE = 0.05  # and by at least this share of the first loss: not just rounding near 0
SMOOTH = 0.5  # turning points per step: noise turns at 2/3 of them (Kendall 1973), waves rarely

WORDS = {
    "learns": ":material/check_circle:",
    "slow": ":material/hourglass_bottom:",
    "bounces": ":material/bolt:",
    "oscillates": ":material/airwave:",
    "stuck": ":material/block:",
    "diverged": ":material/trending_up:",
    "raised": ":material/error:",
}


@dataclass(frozen=True)
class Verdict:
    """A word of WORDS, and the sentences with the numbers it rests on."""

    word: str
    because: str


def verdict(result: Result, curvature: float | None = None) -> Verdict:
    """The verdict on a run; `curvature` at its starting weights lets it quote the limit."""
    if result.message is not None:
        return _raised(result)
    way = path(result)
    if not len(way.losses):
        return Verdict("stuck", "No loss was computed.")
    if not np.isfinite(way.losses).all():
        return _diverged(way, _limit_words(result, curvature))
    return _by_shape(result, way, _limit_words(result, curvature))


def _raised(result: Result) -> Verdict:
    message = result.message
    assert message is not None
    text = f"In step {message.step}, `{first_line(message.line)}` raised {message.type}."
    losses = path(result).losses
    known = losses[~np.isnan(losses)]
    if message.step and len(known):
        text += f" The loss before that was {number(known[-1])}."
    return Verdict("raised", text)


def _diverged(way: Path, limit: str) -> Verdict:
    bad = ~np.isfinite(way.losses)
    pairs = zip(way.losses[bad][::-1], way.steps[bad][::-1], strict=True)
    steps = {number(loss): int(step) for loss, step in pairs}  # of each kind the first one
    first = way.losses[0]
    became = " and ".join(
        f"{word} at step {step}" for word, step in sorted(steps.items(), key=lambda item: item[1])
    )
    return Verdict("diverged", f"The loss began at {number(first)} and became {became}. {limit}".strip())


def _by_shape(result: Result, way: Path, limit: str) -> Verdict:
    steps, losses = way
    first, last, best = losses[0], losses[-1], losses.min()
    at = int(steps[losses.argmin()])
    quoted = f"Loss {number(first)} at first, best {number(best)} at step {at}, last {number(last)}."
    if np.ptp(losses) <= FLAT * first:
        return _flat(losses)
    if _growing(losses):
        return Verdict("diverged", f"{quoted} It is still growing. {limit}".strip())
    if _swings(losses):
        return _swinging(result, losses, quoted, limit)
    if last >= first or last - best >= GAVE_BACK * (first - best):
        word, why = _leftover(result) or ("bounces", limit)
        how = "ends no lower than it began" if last >= first else "gave back most of what it had gained"
        return Verdict(word, f"{quoted} It {how}. {why}".strip())
    return _falling(losses, quoted)


def _falling(losses: np.ndarray, quoted: str) -> Verdict:
    """A run that ends below its start: by how much, and whether it still falls."""
    first, last = losses[0], losses[-1]
    if last <= 0:
        return Verdict("learns", f"{quoted} It fell below 0.")
    drop = (first - last) / first
    before = min(losses[int(0.9 * (len(losses) - 1))], first)
    lately = max(before - last, 0.0) / (first - last)
    if (first - losses.min()) / first < HARDLY and lately <= STILL_FALLING:
        return Verdict("stuck", f"{quoted} It fell by {drop:.1%} and no longer falls.")
    if drop < HALF and lately > STILL_FALLING:
        return Verdict("slow", f"{quoted} {lately:.0%} of the drop came in the last tenth of the steps.")
    return Verdict("learns", f"{quoted} It fell by {drop:.1%}.")


def _flat(losses: np.ndarray) -> Verdict:
    if (losses == losses[0]).all():
        return Verdict("stuck", f"The loss is {number(losses[0])} at every step, to the last bit.")
    low, high = number(losses.min()), number(losses.max())
    return Verdict("stuck", f"The loss stays between {low} and {high}.")


def _growing(losses: np.ndarray) -> bool:
    """Whether the loss ends far above its start, each quarter of the run above the one before.

    Or its peaks do: those of each quarter far above those of the one before.
    """
    quarters = [part for part in np.array_split(losses, 4) if len(part)]
    rises = all(after.min() > before.max() for before, after in pairwise(quarters))
    swells = all(after.max() / GROWN > before.max() for before, after in pairwise(quarters))
    return len(quarters) == 4 and (rises or swells) and bool(losses[-1] / GROWN >= losses[0])


def _swings(losses: np.ndarray) -> bool:
    """Whether the loss rose again by a lot within the second half of the run."""
    second = losses[len(losses) // 2 :]
    lowest = np.minimum.accumulate(second)
    return bool(((second / SWING >= lowest) & (second - lowest >= SWING_SHARE * losses[0])).any())


def _swinging(result: Result, losses: np.ndarray, quoted: str, limit: str) -> Verdict:
    second = losses[len(losses) // 2 :]
    spread = f"In the second half it swings between {number(second.min())} and {number(second.max())}."
    smooth = not result.config.batch_size and _turning_rate(second) < SMOOTH  # batches are noise
    word, why = _leftover(result) or ("oscillates" if smooth else "bounces", "")
    return Verdict(word, " ".join(filter(None, [quoted, spread, why, limit])))


def _leftover(result: Result) -> tuple[str, str] | None:
    """The word and the numbers, where old gradients rule the second half: momentum, undamped."""
    half = len(result.steps) // 2
    leftover, fresh = (result.steps[name].iloc[half:].median() for name in ("leftover_norm", "fresh_norm"))
    if not leftover > fresh:
        return None
    return "oscillates", (
        f"The gradient left over from earlier steps has length {number(leftover)}, that of "
        f"this step {number(fresh)} (medians)."
    )


def _turning_rate(losses: np.ndarray) -> float:
    """Turning points per step: 0 for a slope, 1 for a zigzag, 2/3 for noise."""
    signs = np.sign(np.diff(losses))
    return float((signs[1:] != signs[:-1]).mean()) if len(signs) > 1 else 0.0


def _limit_words(result: Result, curvature: float | None) -> str:
    """The learning rate against its limit, if there is one."""
    limit = stability_limit(result.config, curvature) if curvature is not None else None
    if limit is None:
        return ""
    lr = result.config.lr
    side = "above" if lr > limit else "below"
    return (
        f"Learning rate {number(lr)} is {side} {number(limit)}, the limit of stability "
        "at the starting weights."
    )
