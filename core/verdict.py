"""What happened in a run, in one word and a few sentences that quote its numbers.

The word comes from the run's own losses alone, never from how it was trained: a wrong loop that reaches a
lower loss is said to learn. RULES says what each word means. The thresholds are our own unless a source is
given: set by eye on 840 random runs, then judged by eye on 400 new ones.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core import units
from core.config import Config
from core.curvature import Curvature, has_limit, is_quadratic, settles, stability_limit
from core.lines import first_line
from core.result import LossPath, Result, path
from core.words import number, percent

FLAT = 0.01  # a range below this share is no change: on a chart 200 pixels high, the width of its line
HARDLY = 0.2  # of the first loss: of 325 random classifiers, 95 % begin by less than that above ln 2
HALF = 0.5
STILL_FALLING = (
    0.05  # of the whole fall, between the last two quarters; an exponential has that after 4 of its times
)
GROWN = 2.0  # times the first loss: far enough above it to be no noise
FAR = 10.0  # times the first loss: 9 of 10 runs that ended below half of it never rose above 2.1 times
SWING, SWING_SHARE = 1.1, 0.1  # a rise: by this factor, and by this share of the first loss
AS_OFTEN = 0.4  # of the losses are in the upper half of a swing; of a curve with spikes, far fewer
FEW = 5  # losses, at least, that count as the end of a run

WORDS = {
    "learns": ":material/check_circle:",
    "slow": ":material/hourglass_bottom:",
    "rebounds": ":material/u_turn_left:",
    "oscillates": ":material/airwave:",
    "stuck": ":material/block:",
    "diverged": ":material/trending_up:",
    "raised": ":material/error:",
}
RULES = {
    "learns": f"The loss fell by at least {HARDLY:.0%} and has kept more than half of that.",
    "slow": "The loss is still falling, and has not lost half of its first value yet.",
    "rebounds": f"The loss fell by at least {HARDLY:.0%}, then gave back half of that or more.",
    "oscillates": "The loss rises and falls to the end, by at least half of what it gained, or twofold.",
    "stuck": f"The loss never fell by {HARDLY:.0%} and falls no longer, or stands still after a leap.",
    "diverged": "The loss became inf or nan, keeps growing, or is far above its first value at the end.",
    "raised": "A line of the loop raised an error.",
}


@dataclass(frozen=True)
class Verdict:
    """A word of WORDS, and the sentences with the numbers it rests on."""

    word: str
    because: str


def verdict(result: Result, curvature: Curvature = lambda _: None) -> Verdict:
    """The verdict on a run; `curvature` is asked only where it lets the verdict quote the limit."""
    if result.message is not None:
        return _raised(result)
    way = path(result)
    if not len(way.losses):
        return Verdict("stuck", "No loss was computed.")
    word, why = of_losses(way)
    more = [_leftover(result)] if word in ("oscillates", "rebounds") else []
    if word != "slow" and not way.losses[-1] <= way.losses[0] / FAR:
        more.append(_blind(result))
    config = result.config
    if word in ("diverged", "oscillates") and is_quadratic(config) and has_limit(config):
        more.append(_limit_words(config, curvature(config)))
    return Verdict(word, " ".join(filter(None, [why, *more])))


def of_losses(way: LossPath) -> tuple[str, str]:
    """The word, and the losses it rests on, of one or more losses alone."""
    return _by_shape(way) if np.isfinite(way.losses).all() else _not_finite(way)


def _raised(result: Result) -> Verdict:
    message = result.message
    assert message is not None
    text = f"In step {message.step}, `{first_line(message.line)}` raised {message.type}."
    losses = path(result).losses
    known = losses[~np.isnan(losses)]
    if message.step and len(known):
        text += f" The loss before that was {number(known[-1])}."
    return Verdict("raised", text)


def _not_finite(way: LossPath) -> tuple[str, str]:
    bad = ~np.isfinite(way.losses)
    pairs = zip(way.losses[bad][::-1], way.steps[bad][::-1], strict=True)
    steps = {number(loss): int(step) for loss, step in pairs}  # of each kind the first one
    became = " and ".join(
        f"{word} at step {step}" for word, step in sorted(steps.items(), key=lambda item: item[1])
    )
    return "diverged", f"The loss began at {number(way.losses[0])} and became {became}."


@np.errstate(over="ignore")  # a threshold that overflows is one that no loss reaches
def _by_shape(way: LossPath) -> tuple[str, str]:
    """The first rule that holds, for losses that are all finite."""
    losses = way.losses
    size = abs(losses[0])
    if (losses == losses[0]).all():
        return "stuck", f"The loss is {number(losses[0])} at every step, to the last bit."
    if losses.min() < 0:
        return _below_zero(way)
    for rule in (_flat, _diverged, _oscillates, _rebounds, _stands_still):
        found = rule(way, size)
        if found is not None:
            return found
    return _falling(way, size)


def _quoted(way: LossPath) -> str:
    """First, highest, lowest and last loss; of these, none twice."""
    steps, losses = way
    said = [f"Loss {number(losses[0])} at first"]
    for name, at in sorted(
        {"peak": losses.argmax(), "lowest": losses.argmin()}.items(), key=lambda one: one[1]
    ):
        if losses[at] not in (losses[0], losses[-1]):
            said.append(f"{name} {number(losses[at])} at step {steps[at]}")
    return ", ".join(said) + f", last {number(losses[-1])}."


def _end(losses: np.ndarray) -> np.ndarray:
    """The last quarter, or a few losses where that is less; never the first loss."""
    return losses[max(1, len(losses) - max(len(losses) // 4, FEW)) :]


def _quarters(losses: np.ndarray) -> list[np.ndarray]:
    return [part for part in np.array_split(losses, 4) if len(part)]


def _below_zero(way: LossPath) -> tuple[str, str]:
    first, last, best = way.losses[0], way.losses[-1], way.losses.min()
    if last - best >= HALF * (first - best):
        return "rebounds", f"{_quoted(way)} It gave back at least half of what it had gained."
    return "learns", f"{_quoted(way)} It fell below 0." if last < 0 else _quoted(way)


def _flat(way: LossPath, size: float) -> tuple[str, str] | None:
    """Hardly any change at all: at rest, or on its way down."""
    losses = way.losses
    if np.ptp(losses) > FLAT * size:
        return None
    if _falls(losses):
        return "slow", f"{_quoted(way)} It falls, by {_share(losses)} in all."
    return "stuck", f"The loss stays between {number(losses.min())} and {number(losses.max())}."


def _falls(losses: np.ndarray) -> bool:
    """Whether the loss falls all the way: at every step, or each quarter of the run below the one before."""
    quarters = _quarters(losses)
    lower = len(quarters) == 4 and all(after.max() < before.min() for before, after in pairwise(quarters))
    return lower or bool((np.diff(losses) < 0).all())


def _share(losses: np.ndarray) -> str:
    """How much of the first loss is gone at the end, in percent."""
    return percent(1 - losses[-1] / losses[0], 1)


def _diverged(way: LossPath, size: float) -> tuple[str, str] | None:
    losses, quarters = way.losses, _quarters(way.losses)
    end, peaks = _end(losses), [quarter.max() for quarter in quarters]
    rises = all(after.min() > before.max() for before, after in pairwise(quarters))
    if len(quarters) == 4 and rises and losses[-1] >= (1 + HARDLY) * size:
        return "diverged", f"{_quoted(way)} Each quarter of the run is higher than the one before."
    if end.min() >= GROWN * size or (end.min() > size and end.max() >= FAR * size):
        return "diverged", f"{_quoted(way)} At the end it stays between {_span(end)}, above its first loss."
    grows = len(peaks) == 4 and all(after > before for before, after in pairwise(peaks))
    grows = grows and losses[-1] > size and peaks[3] >= FAR * size and peaks[3] >= GROWN * peaks[1]
    leaves = len(peaks) == 4 and losses[-1] >= FAR * size and peaks[3] >= GROWN * max(peaks[:3])
    if grows or leaves:
        return "diverged", f"{_quoted(way)} Peaks of the four quarters: {', '.join(map(number, peaks))}."
    return None


def _span(losses: np.ndarray) -> str:
    return f"{number(losses.min())} and {number(losses.max())}"


def _oscillates(way: LossPath, size: float) -> tuple[str, str] | None:
    """Rises again and again, to the end, that rival what was gained or reach far up."""
    losses, end = way.losses, _end(way.losses)
    low, middle, high = np.quantile(end, [0.1, 0.5, 0.9])  # not the ends: one spike is no swing
    wide = _wide(end, low, high) or _wide(end, end.min(), end.max())
    if high - low < SWING_SHARE * size or not (wide or high - low >= HALF * (losses[0] - middle)):
        return None
    rises = _again(losses, size)
    if not rises:
        return None
    return "oscillates", f"{_quoted(way)} {rises} At the end it swings between {_span(end)}."


def _wide(end: np.ndarray, low: float, high: float) -> bool:
    """Whether the end goes between two losses, one twice the other, and is about as often near the upper."""
    return bool(high >= GROWN * low and np.mean(end >= np.sqrt(low) * np.sqrt(high)) >= AS_OFTEN)


def _again(losses: np.ndarray, size: float) -> str:
    """How often the loss rose, if it did so twice or more, and in the second half of the run, too."""
    rises = _rises(losses, size)
    enough = len(rises) >= 2 and rises[-1] >= len(losses) // 2
    return f"It rose {len(rises)} times." if enough else ""


def _rises(losses: np.ndarray, size: float) -> list[int]:
    """Where the loss has risen by SWING since its last low, having fallen as much before."""
    signs = np.sign(np.diff(losses))
    turns = [*np.flatnonzero(signs[1:] != signs[:-1]) + 1, len(losses) - 1]
    found, rising, edge = [], False, float(losses[0])
    for at, loss in zip(turns, losses[turns].tolist(), strict=True):
        low, high = (edge, loss) if not rising else (loss, edge)
        if high > SWING * low and high - low >= SWING_SHARE * size:
            rising, edge = not rising, loss
            found += [int(at)] * rising
        else:
            edge = max(edge, loss) if rising else min(edge, loss)
    return found


def _stands_still(way: LossPath, size: float) -> tuple[str, str] | None:
    """A leap far up, then rest with a tenth of the first loss or more: flung to where nothing moves."""
    losses, end = way.losses, _end(way.losses)
    if losses.max() < FAR * size or np.ptp(end) > FLAT * end.max() or losses[-1] < size / FAR:
        return None
    return "stuck", f"{_quoted(way)} After the leap it stands still."


def _has_fallen(losses: np.ndarray, size: float) -> bool:
    """By HARDLY at least, at some time; asked in one way, or rounding makes two answers of it."""
    return bool(losses.min() <= (1 - HARDLY) * size)


def _rebounds(way: LossPath, size: float) -> tuple[str, str] | None:
    losses = way.losses
    first, last, best = losses[0], losses[-1], losses.min()
    if not _has_fallen(losses, size) or last - best < HALF * (first - best):
        return None
    how = "ends no lower than it began" if last >= first else "gave back at least half of what it had gained"
    rises = _again(losses, size)  # a swing longer than the end of the run, or smaller there
    return ("oscillates" if rises else "rebounds"), " ".join(
        filter(None, [_quoted(way), rises, f"It {how}."])
    )


def _falling(way: LossPath, size: float) -> tuple[str, str]:
    """No leap to stay, no swings: by how much it fell, and whether it still falls."""
    losses, end = way.losses, _end(way.losses)
    fell = f"{_quoted(way)} It fell by {_share(losses)}"
    if losses[-1] > HALF * size and losses[-1] < losses[0] and _still_falls(losses):
        return "slow", f"{fell} and still falls."
    if not _has_fallen(losses, size):
        if losses[-1] >= losses[0]:
            return "stuck", f"{_quoted(way)} It ends no lower than it began."
        if _falls(losses):
            lately = _quarters(losses)[-1]
            return "slow", f"{fell}; in its last quarter by {percent((lately[0] - lately[-1]) / size, 1)}."
        return "stuck", f"{fell} and falls no longer."
    if np.ptp(end) >= SWING_SHARE * size and not _falls(end):
        fell += f", and moves between {_span(end)} at the end"
    return "learns", f"{fell}."


def _still_falls(losses: np.ndarray) -> bool:
    """Whether the middles of all quarters fall, and the last one by more than the end's own ups and downs."""
    quarters = _quarters(losses)
    middles = [np.median(quarter) for quarter in quarters]
    if len(middles) < 4 or not all(after < before for before, after in pairwise([losses[0], *middles])):
        return False
    lately = middles[2] - middles[3]
    return bool(lately > STILL_FALLING * (losses[0] - middles[3]) and lately >= HALF * np.ptp(quarters[3]))


def _leftover(result: Result) -> str:
    """The numbers, where old gradients rule the second half: momentum, undamped."""
    half = len(result.steps) // 2
    leftover, fresh = (result.steps[name].iloc[half:].median() for name in ("leftover_norm", "fresh_norm"))
    if not leftover > fresh:
        return ""
    return (
        f"The gradient left over from earlier steps has length {number(leftover)}, that of "
        f"this step {number(fresh)} (medians)."
    )


def _blind(result: Result) -> str:
    """Why nothing more is learned, where most of a layer is off or all of it tells no row from another."""
    layer = units.dead(result)
    return "" if layer is None else units.in_words(layer)


def _limit_words(config: Config, curvature: float | None) -> str:
    """The learning rate against its limit, which holds at every step of the run, and what it means."""
    limit = None if curvature is None else stability_limit(config, curvature)
    if limit is None:
        return ""
    if config.lr > limit:
        side, means = "above", "every swing is larger than the one before"
    else:
        side, means = (
            "below",
            "steps shrink" if settles(config) else "swings stay bounded, but nothing damps them",
        )
    own = f"this loop's limit of stability, {number(limit)}"
    return f"Learning rate {number(config.lr)} is {side} {own}: {means}."
