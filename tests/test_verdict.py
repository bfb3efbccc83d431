"""A run in words: every word, the numbers it quotes, and that no verdict contradicts them."""

import math
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from core import Config, Run, build
from core.compare.comparison import FIRST
from core.curvature import starting_curvature
from core.lines import from_letters
from core.result import Message, Result, loss_path, result
from core.stacked import blocks
from core.verdict import RULES, WORDS, verdict
from core.words import number

LINE = {"dataset": "deliveries", "model": "linear"}


def made(losses, leftover=0.0, fresh=1.0, message=None, **choices):
    """A Result of a full-batch run with these losses, its last one after the last step."""
    losses = [float(value) for value in losses]
    rows = len(losses)
    steps = pd.DataFrame({"step": np.arange(rows), "loss": losses})
    steps = steps.assign(grad_norm=fresh, fresh_norm=fresh, leftover_norm=leftover, update_ratio=0.1)
    none = pd.DataFrame({"step": np.empty(0, dtype=int), "train_loss": np.empty(0)})
    config = Config(**{"steps": max(rows, 1)} | choices)
    return Result(config, rows, steps, pd.DataFrame(), none, np.empty((0, 1)), message)


def word(losses, **more):
    return verdict(made(losses, **more)).word


def trained(**choices):
    return result(Run(Config(**choices)).advance())


# -- every word ----------------------------------------------------------------------------

STEPS = np.arange(301)


def spikes(height, *at):
    """An exponential fall to 0.1 with single losses of this height."""
    losses = 0.1 + 0.9 * np.exp(-STEPS / 30)
    losses[list(at)] = height
    return losses


def leap(height, *then):
    """One loss of 1, a leap at the second step, and what follows."""
    return np.concatenate([[1.0, height], *then])


ZIGZAG = STEPS % 2
SHAPES = [
    ("learns", np.exp(-STEPS / 30)),
    ("learns", 0.3 + 0.7 * np.exp(-STEPS / 10)),
    ("learns", 1 - 0.9 * STEPS / 300),  # has lost most of the first loss, though it still falls
    ("learns", np.exp(-STEPS / 60) * (1 + 0.5 * np.sin(STEPS / 5))),  # its waves shrink as it does
    ("learns", spikes(0.9, 200, 260)),
    ("learns", leap(50.0, 5 * np.exp(-STEPS / 20))),  # a leap on the way is no harm
    ("learns", 0.005 + 0.05 * (STEPS % 40 == 0) + 2.3 * np.exp(-STEPS / 10)),  # jumps at the very bottom
    ("slow", 1 - 0.2 * STEPS / 300),
    ("slow", 1 - 0.4 * (STEPS / 300) ** 3),
    ("slow", 1 - 0.002 * STEPS / 300),  # hardly any change, but at every step
    ("slow", leap(0.6, np.linspace(0.95, 0.55, 299))),  # one loss that is low early does not count
    ("stuck", np.full(301, 0.7)),
    ("stuck", 0.7 + 0.001 * np.sin(STEPS)),
    ("stuck", 0.95 + 0.05 * np.exp(-STEPS)),
    ("stuck", leap(1e15, np.full(300, 0.4))),  # fell in the end, but by an accident
    ("stuck", leap(1e15, np.full(300, 1.0))),
    ("oscillates", 1.1 + np.cos(STEPS / 10)),
    ("oscillates", 1.1 + np.cos(STEPS / 20)),
    ("oscillates", 1.1 + np.cos(math.pi * STEPS) * (1 - np.exp(-STEPS / 10))),
    ("oscillates", 0.5 + ZIGZAG),
    ("oscillates", np.maximum(0.2 + 0.3 * ZIGZAG, np.exp(-STEPS / 10))),  # fell, and swings ever since
    ("oscillates", leap(1e7, 0.6 + 0.6 * ZIGZAG)),
    ("rebounds", 0.1 + abs(1 - STEPS / 150)),
    ("rebounds", np.concatenate([np.exp(-STEPS[:200] / 30), [50.0], np.full(100, 0.9)])),
    ("diverged", 1.1**STEPS),
    ("diverged", 1.03**STEPS * (1.1 + np.cos(STEPS / 5))),  # every swing is larger
    ("diverged", 1 + STEPS / 300),
    ("diverged", np.where(STEPS < 250, 1.0, 10.0 ** (4 - 4 * ZIGZAG))),  # steady, then gone
    ("diverged", leap(1e7, 3 + 5 * ZIGZAG)),  # came back, but not to where it began
    ("diverged", leap(65.0, np.full(300, 65.0))),
    ("diverged", [1.0, 4.0, math.inf, math.nan]),
    ("diverged", [math.nan]),
]


@pytest.mark.parametrize("expected, losses", SHAPES)
def test_a_shape_of_losses_has_its_word(expected, losses):
    assert word(losses) == expected


def then(head, *again):
    """40 losses after the first few: these, again and again."""
    return [*head, *again * (40 // len(again))]


def line(*corners):
    """10 losses from each corner to the next, in equal steps."""
    pairs = pairwise(corners)
    return [*np.concatenate([np.linspace(a, b, 10, endpoint=False) for a, b in pairs]), corners[-1]]


def levels(first, *quarters):
    """10 losses at each level, the very first apart."""
    return [first, *np.repeat(quarters, 10)[1:]]


def swings(*peaks):
    """Ten losses for each peak, from 1 up to it."""
    return [peaks[0], *np.concatenate([np.tile([1, peak], 5) for peak in peaks])]


LATE = levels(10, 9.9, 9.8, 9.7, 8.1)
LIMITS = [  # the word at a limit of RULES or of a threshold, and just inside of it
    ("learns", then([10], 8), "stuck", then([10], 8.01)),  # has fallen by 20 %
    ("learns", line(10, 5), "slow", line(10, 5.01)),  # has lost half, and still falls
    ("rebounds", line(10, 6, 8), "learns", line(10, 6, 7.99)),  # gave back half
    ("rebounds", line(1, -3, -1), "learns", line(1, -3, -1.01)),  # the same, below 0
    ("diverged", line(10, 12), "stuck", line(10, 11.99)),  # grows, by 20 %
    ("diverged", then([10], 20), "stuck", then([10], 19.99)),  # stays at twice the first
    ("diverged", then([10], 11, 100), "oscillates", then([10], 11, 99.9)),  # never below, up to 10 times
    ("diverged", swings(5, 50, 60, 100), "oscillates", swings(5, 50, 60, 99.9)),  # peaks grow twofold
    ("stuck", then([10, 100], 5), "learns", then([10, 99.9], 5)),  # a leap to 10 times, then at rest
    ("stuck", then([10, 1000], 1), "learns", then([10, 1000], 0.99)),  # at a tenth
    ("stuck", then([150, 2000], 100, 99), "learns", then([150, 2000], 100, 98.9)),  # within 1 %
    ("oscillates", then([10], 1, 2), "learns", then([10], 1.001, 2)),  # by a tenth of the first
    ("oscillates", then([10], 2, 4), "learns", then([10], 2.01, 4)),  # twofold
    ("oscillates", then([10], 5, 7), "learns", then([10], 5.01, 7)),  # by half of what it gained
    ("oscillates", then([10], 1, 1, 3, 1, 3), "learns", then([10], 1, 1, 1, 1, 3)),  # often at the top
    ("slow", levels(10, 8, 7, 6.25, 6), "learns", levels(10, 8, 7, 6.15, 6)),  # 5 % of the fall lately
    ("stuck", [*LATE, 10], "slow", [*LATE, 9.99]),  # ends no lower than it began
]


@pytest.mark.parametrize("at, reached, inside, not_yet", LIMITS)
def test_a_limit_that_is_reached_counts(at, reached, inside, not_yet):
    assert (word(reached), word(not_yet)) == (at, inside)


@pytest.mark.parametrize("unit", [2.0**-20, 2.0**20])
@pytest.mark.parametrize("expected, losses", SHAPES)
def test_the_unit_of_the_loss_changes_no_word(expected, losses, unit):
    assert word(unit * np.array(losses)) == expected


LONG = [pair for pair in SHAPES if len(pair[1]) > 100]
SMOOTH = [(w, losses) for w, losses in LONG if abs(np.diff(losses)).max() <= 0.25 * np.ptp(losses)]


@pytest.mark.parametrize("expected, losses", SMOOTH)
@pytest.mark.parametrize("every", [2, 3, 5])
def test_fewer_points_of_the_same_curve_have_the_same_word(expected, losses, every):
    assert word(losses[::every]) == expected


@pytest.mark.parametrize("expected, losses", LONG)
def test_a_noise_too_small_to_be_seen_changes_no_word(expected, losses):
    noise = 1 + 1e-7 * np.random.default_rng(0).standard_normal(len(losses))
    assert word(losses * noise) == expected


def test_every_word_has_an_icon_and_a_rule_and_no_other_word_is_used():
    words = {word(losses) for _, losses in SHAPES} | {word([])}
    assert words == {*WORDS} - {"raised"}
    assert all(re.fullmatch(r":material/\w+:", icon) for icon in WORDS.values())
    assert list(RULES) == list(WORDS)
    assert all(re.fullmatch(r"The loss .*\.|A line .*\.", rule) for rule in RULES.values())


def test_the_peak_is_quoted_wherever_it_is():
    assert "peak 1e+15 at step 1" in verdict(made(leap(1e15, np.full(300, 0.4)))).because
    assert "peak 50 at step 200" in verdict(made(SHAPES[23][1])).because
    assert "peak" not in verdict(made(np.exp(-STEPS / 30))).because  # the first loss


def test_rises_of_a_single_step_are_counted():
    assert "It rose 19 times." in verdict(made(np.tile([1.0, 0.1, 0.1], 20))).because


def test_a_leftover_longer_than_the_fresh_gradient_is_quoted_and_changes_no_word():
    swinging = 0.5 + ZIGZAG
    said = verdict(made(swinging, leftover=7.25, fresh=0.5))
    assert "7.25" in said.because and "0.5 (medians)" in said.because
    for leftover in (0.25, 0.5):
        small = verdict(made(swinging, leftover=leftover, fresh=0.5))
        assert said.word == small.word == "oscillates" and "medians" not in small.because


@given(st.lists(st.floats(0.0, 1000.0), min_size=2, max_size=60))
@settings(deadline=None)
def test_what_never_falls_never_learns(steps):
    losses = 1 + np.cumsum([0.0, *steps])
    assert word(losses) in ("stuck", "diverged")


@given(st.floats(1e-3, 1e3), st.lists(st.floats(0.01, 0.999999), min_size=1, max_size=60))
@settings(deadline=None)
def test_what_falls_at_every_step_learns_at_once_or_slowly(first, factors):
    assert word(first * np.cumprod([1.0, *factors])) in ("learns", "slow")


def test_a_loss_that_falls_below_0_learns_unless_it_comes_back():
    assert word(-STEPS / 10 - 0.1) == "learns"
    assert "It fell below 0" in verdict(made(1 - STEPS / 10)).because
    assert word(np.concatenate([-STEPS / 10, STEPS / 10 - 30])) == "rebounds"


def test_a_run_that_raised_quotes_type_and_line_and_the_loss_before():
    message = Message(2, "backward", "RuntimeError", "<b>modified by an inplace operation</b>")
    said = verdict(made([3.0, 2.5, math.nan], message=message))
    assert said.word == "raised"
    assert "step 2" in said.because and "`loss.backward()`" in said.because
    assert "RuntimeError" in said.because and "2.5" in said.because
    assert "<" not in said.because  # the text of the exception stands elsewhere, as text


@pytest.mark.parametrize(
    "order, kind, line",
    [  # the name that is missing comes first in a line before the one that makes it
        ("ZBFLS", "NameError", "`loss.backward()`"),
        ("ZLFBS", "NameError", "`loss = loss_fn(outputs, targets)`"),
        ("FLSZB", "RuntimeError", "`loss.backward()`"),  # an MLP's weights moved before backward
    ],
)
def test_a_real_run_that_raises_is_said_to(order, kind, line):
    said = verdict(trained(loop=from_letters(order)))
    assert said.word == "raised"
    assert kind in said.because and line in said.because


@pytest.mark.parametrize("order", ["", "Z", "F", "ZF", "S", "ZS"])
def test_a_loop_that_computes_no_loss_is_stuck(order):
    assert verdict(trained(loop=from_letters(order), steps=5)).word == "stuck"


@pytest.mark.parametrize("order", ["ZFLSB", "ZFSLB", "ZSFLB", "FLBZS", "FLSBZ", "SFLBZ", "ZFLS", "ZFLB"])
def test_orders_that_never_train_are_stuck_to_the_last_bit(order):
    """Two lines in the wrong order, or backward or step left out: .grad is None at every step."""
    said = verdict(trained(loop=from_letters(order), steps=30))
    assert said.word == "stuck"
    assert "to the last bit" in said.because


# -- the numbers beside it -----------------------------------------------------------------


def from_zero(**choices):
    """The deliveries from w = b = 0 in float32, as the published figures have them."""
    model = nn.Linear(1, 1)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    config = Config(**LINE, **choices)
    data = build.make_data(config)
    return result(Run(config, data=(data.inputs, data.targets), model=model).advance())


def test_lr_1_on_the_deliveries_quotes_the_steps_of_inf_and_nan():
    """Measured with PyTorch 2.13: inf in the 16th step and nan in the 34th; steps count from 0.

    Each step multiplies the loss by (16.7006 - 1)^2 = 246.5. The sum of the four squares, 970 at
    first, passes float32's largest number 3.4e38 after 15 steps; the weights overflow later.
    """
    said = verdict(from_zero(lr=1.0, steps=100), curvature=lambda _: 16.7006)
    assert said.word == "diverged"
    assert "began at 242.4 and became inf at step 15 and nan at step 33." in said.because
    assert "Learning rate 1 is above this loop's limit of stability, 0.1198: every swing" in said.because


def test_lr_0_13_on_the_deliveries_diverges_before_and_after_it_overflows():
    """0.13 is above the limit 0.1198: 242.4, 332.43, 455.89, ... without end."""
    early, late = (verdict(from_zero(lr=0.13, steps=steps)) for steps in (40, 1000))
    assert early.word == late.word == "diverged"
    assert "332.4" not in late.because and "inf at step" in late.because
    assert "Each quarter of the run is higher than the one before." in early.because


@pytest.mark.parametrize("lr", [0.002, 0.01, 0.05, 0.1, 0.2, 0.23])
def test_without_zero_grad_the_deliveries_oscillate_at_every_rate_below_the_limit(lr):
    """Bounded by 1 / (1 - lr c / 4) in each direction, undamped, up to 4 / 16.7006 = 0.2395."""
    assert verdict(from_zero(lr=lr, steps=300, loop=from_letters("FLBS"))).word == "oscillates"
    assert verdict(from_zero(lr=0.245, steps=300, loop=from_letters("FLBS"))).word == "diverged"


def test_the_limit_is_quoted_with_what_it_means():
    skipped = trained(**LINE, lr=0.2, loop=from_letters("FLBS"))
    said = verdict(skipped, curvature=starting_curvature).because
    assert (
        "0.2 is below this loop's limit of stability, 0.2395: swings stay bounded, but nothing damps" in said
    )
    assert "limit" not in verdict(skipped).because


@pytest.mark.parametrize(
    "choices",
    [
        {**LINE, "lr": 100.0, "optimizer": "adam"},
        {**LINE, "lr": 0.2, "batch_size": 2, "loop": from_letters("FLBS")},
        {**LINE, "lr": 1.0, "loss": "l1"},
        {**LINE, "lr": 10.0, "loss": "huber"},  # a quadratic near 0 only
        {"lr": 50.0},  # the first comparison
        {"loop": from_letters("FLBS")},
    ],
)
def test_no_limit_is_quoted_where_it_does_not_hold_at_every_step(choices):
    def never(config):
        raise AssertionError("a curvature takes a second and 100 MB, and is of no use here")

    assert "limit" not in verdict(trained(**choices), curvature=never).because


positive = st.floats(0, allow_infinity=False)
anything = st.one_of(positive, st.just(math.inf), st.just(math.nan), st.just(0.0))
paths = st.lists(positive, min_size=1, max_size=60)


def walks():
    """Losses that move by factors near 1, as those of runs do; most are finite and near 1."""
    factors = st.floats(0.5, 2.0)
    return st.lists(factors, min_size=0, max_size=60).map(lambda f: np.cumprod([1.0, *f]).tolist())


losses_of_a_run = st.one_of(paths, walks())


@given(st.lists(anything, min_size=0, max_size=60), st.floats(0, 10), st.floats(0, 10))
@settings(deadline=None)
def test_no_sequence_of_losses_raises(losses, leftover, fresh):
    said = verdict(made(losses, leftover, fresh), curvature=lambda _: 16.7)
    assert said.word in WORDS
    assert said.because.endswith(".")


@given(st.lists(anything, min_size=1, max_size=60), st.integers(0, 60), st.sampled_from([math.inf, math.nan]))
@settings(deadline=None)
def test_a_loss_that_is_not_finite_is_always_diverged_and_its_step_quoted(losses, at, bad):
    losses.insert(min(at, len(losses)), bad)
    said = verdict(made(losses))
    first = next(step for step, loss in enumerate(losses) if not math.isfinite(loss))
    assert said.word == "diverged"
    assert f"{number(losses[first])} at step {first}" in said.because


@given(losses_of_a_run)
@example([1.0, 0.8, 1.6])  # 1 - 0.8 is a little below 0.2
@settings(deadline=None)
def test_learns_and_slow_end_below_where_they_began(losses):
    if word(losses) in ("learns", "slow"):
        assert losses[-1] < losses[0]


@given(positive, st.integers(1, 60))
@settings(deadline=None)
def test_what_does_not_move_is_stuck(loss, length):
    said = verdict(made([loss] * length))
    assert said.word == "stuck"
    assert number(loss) in said.because


@given(losses_of_a_run)
@example([1.0, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.95])
@settings(deadline=None)
def test_what_is_stuck_never_was_far_below_its_start(losses):
    if word(losses) == "stuck":
        leapt = max(losses) >= 10 * losses[0]
        assert min(losses) >= 0.8 * losses[0] or (leapt and losses[-1] >= 0.1 * losses[0])


@given(losses_of_a_run)
@settings(deadline=None)
def test_a_finite_run_called_diverged_ends_above_its_start_and_was_far_above(losses):
    if word(losses) == "diverged":
        assert losses[-1] > losses[0]
        assert max(losses) >= 1.2 * losses[0]


@given(walks(), st.lists(st.floats(0.01, 1000), min_size=1, max_size=40))
@example([0.7], np.geomspace(40, 0.5, 60).tolist())
@settings(deadline=None)
def test_what_only_falls_in_the_end_and_ends_lowest_neither_rebounds_nor_oscillates(begun, falling):
    falling = sorted([*falling, *begun], reverse=True)  # the longer half
    losses = [*begun, *falling, 0.9 * falling[-1]]
    assert word(losses) in ("learns", "slow", "stuck")


@given(walks(), st.floats(0.01, 1000))
@example([0.4], 99.0)
@settings(deadline=None)
def test_what_lies_still_in_the_end_does_not_oscillate(begun, loss):
    assert word([*begun, *[loss] * (len(begun) + 2)]) != "oscillates"


def numbers(text):
    """Numbers and inf, nan of a sentence; shares of 100 apart."""
    found = re.findall(r"(?<![\w.])(−?\d+(?:\.\d+)?(?:e[+−]\d+)?|−?inf|nan)(%?)", text)
    return {n for n, percent in found if "%" not in percent}, {
        float(n) for n, percent in found if "%" in percent
    }


@given(losses_of_a_run, st.floats(0, 10), st.floats(0, 10))
@settings(deadline=None)
def test_a_sentence_quotes_only_numbers_of_the_run(losses, leftover, fresh):
    quoted, _ = numbers(verdict(made(losses, leftover, fresh)).because)
    of_the_run = {number(loss) for loss in losses} | {str(step) for step in range(len(losses))}
    assert quoted <= of_the_run | {number(leftover), number(fresh)}


@given(losses_of_a_run)
@example([1.0] * 18 + [1.3, 1.2, 0.9])
@settings(deadline=None)
def test_a_share_of_the_drop_is_at_most_the_whole(losses):
    _, shares = numbers(verdict(made(losses)).because)
    assert all(0 <= share <= 100 for share in shares)


@given(losses_of_a_run)
@settings(deadline=None)
def test_a_quoted_drop_is_that_from_the_first_loss_to_the_last(losses):
    fell = re.search(r"It fell by ([\d.e+-]+) %", verdict(made(losses)).because)
    if fell:
        assert float(fell[1]) == pytest.approx(100 * (1 - losses[-1] / losses[0]), rel=0.006, abs=1e-12)


@given(walks(), st.floats(1e-6, 1e6))
@settings(deadline=None)
def test_the_word_does_not_depend_on_the_unit_of_the_loss(losses, unit):
    unit = 2.0 ** round(math.log2(unit))  # a power of two: no rounding
    assert word([loss * unit for loss in losses]) == word(losses)


# -- promises of the app -------------------------------------------------------------------


def test_the_first_comparison_shows_the_same_three_words_at_20_seeds():
    """All of the first two runs; nearly all of the third, which is chaotic: its last bit decides.

    How many depends on the processor: 18 to 20 over the kernels of MKL (SSE4.2, AVX2, AVX-512) and ATen. At
    100 times the learning rate the loss leaps to 1e7 or so, every unit of a layer is off from there on, and
    the output's bias swings far above the first loss to the end: it did not come back.
    """
    seeds = [Config(seed=seed) for seed in range(20)]
    runs = [seeds, *([one.config(config)[0] for config in seeds] for one in FIRST.variants)]
    (block,) = blocks.blocks([config for one in runs for config in one])
    trained = blocks.Training(block, "cpu").advance(lambda done: True).results()
    found = {one.config: verdict(one).word for one in trained}
    learns, diverged, oscillates = ([found[config] for config in one] for one in runs)
    assert {*learns} == {"learns"} and {*diverged} == {"diverged"}
    assert oscillates.count("oscillates") >= 16


def xor_config(loop, lr, seed):
    """An MLP of 16 tanh units on XOR in batches of 32."""
    choices = {"dataset": "xor", "noise": 0.0, "hidden": (16,), "activation": "tanh", "batch_size": 32}
    return Config(**choices, lr=lr, seed=seed, loop=from_letters(loop))


@pytest.mark.parametrize("seed", range(3))
def test_where_the_bug_looks_better_its_verdict_does_too(seed):
    """At lr 0.02 and 300 steps the loop without zero_grad has the lower loss (measured with
    PyTorch 2.13: 0.16 to 0.20 against 0.67 to 0.68): it is 10 to 50 times the learning rate."""
    configs = [xor_config(loop, 0.02, seed) for loop in ("ZFLBS", "FLBS")]
    usual, skipped = (result(Run(config).advance()) for config in configs)
    assert loss_path(skipped)["loss"].iloc[-1] < 0.5 * loss_path(usual)["loss"].iloc[-1]
    assert verdict(usual).word in ("slow", "stuck")
    assert verdict(skipped).word == "learns"


def test_where_the_bug_does_harm_its_verdict_says_so():
    """The same at lr 0.5, where the run without zero_grad is chaotic: its last bit decides at which loss it
    ends, 0.01 to 9, and one that happens to end low learns. So many seeds, and means over many steps: 4 times
    as large at least, for 20 seeds over the kernels of MKL and ATen."""
    loops = [[xor_config(loop, 0.5, seed) for seed in range(20)] for loop in ("ZFLBS", "FLBS")]
    (block,) = blocks.blocks([*loops[0], *loops[1]])
    trained = blocks.Training(block, "cpu").advance(lambda done: True).results()
    found = {one.config: one for one in trained}
    usual, skipped = ([found[config] for config in one] for one in loops)
    for one, other in zip(usual, skipped, strict=True):
        assert other.steps["loss"].tail(200).mean() > 2 * one.steps["loss"].tail(200).mean()
    assert {verdict(one).word for one in usual} == {"learns"}
    words = [verdict(one).word for one in skipped]
    assert sum(one in ("rebounds", "oscillates", "diverged") for one in words) >= 16


def test_no_word_depends_on_how_the_run_was_trained():
    """Skipping zero_grad is momentum 1 to the bit, so both get one word, whatever leftovers say."""
    skipped = trained(**LINE, lr=0.01, loop=from_letters("FLBS"))
    momentum = trained(**LINE, lr=0.01, momentum=1.0)
    assert torch.equal(torch.tensor(skipped.steps["loss"]), torch.tensor(momentum.steps["loss"]))
    assert verdict(skipped).word == verdict(momentum).word == "oscillates"
