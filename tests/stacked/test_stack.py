"""Many runs as one: each is what the plain loop makes of it, whoever its neighbors are."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from core import Config, Run
from core.lines import USUAL, from_letters, without_zero_grad
from core.losses import LOSSES, fitting
from core.result import learning_rates, result
from core.stacked.lines import TEXTS
from core.stacked.stack import Stack, shape

LOOPS = (USUAL, without_zero_grad(USUAL))
SMALL = Config(hidden=(8, 8), activation="tanh", steps=100)
LINEAR = Config(dataset="deliveries", model="linear", lr=0.01, steps=100)
# Learning rates at which each optimizer trains. Where a run is chaotic (RMSprop at 0.1, an MLP that skips
# zero_grad) two computations that differ in the last bit have little in common after 100 steps.
RATES = {
    "sgd": (0.01, 0.1, 0.5),
    "sgd_by_hand": (0.01, 0.1, 0.5),
    "nesterov": (0.01, 0.05, 0.1),
    "adam": (0.001, 0.01, 0.03),
    "adamw": (0.001, 0.01, 0.03),
    "rmsprop": (0.0001, 0.0003, 0.001),
    "adagrad": (0.001, 0.01, 0.1),
}
# Two computations of one run round differently on each kind of processor, and a loss near its minimum
# magnifies that: relative error about 2 eps |y| / sqrt(loss), for one of 0.03 beside targets of 20 some
# 100 eps. So digits are held against each other in double, where 1e-9 leaves room for any processor's
# rounding (measured over settings of MKL and ATen: at most 1.5e-13) and for nothing else.
EXACT = 1e-9
# In float32 the unit is the largest value of a column. The loop without zero_grad, which damps no rounding,
# comes to 5e-5 of it.
FLOAT32 = 5e-4


def different(base):
    """Configs of one shape that differ in all that may differ."""
    return [
        replace(
            base,
            lr=lr,
            seed=seed,
            loss=("bce", "mse", "huber")[number],
            weight_decay=0.001 * (1 + number),
        )
        for number, (lr, seed) in enumerate(zip(RATES[base.optimizer], (0, 1, 0), strict=True))
    ]


def alone(config):
    return result(Run(config, full=False).advance(), whole=False)


def assert_same_run(stacked, expected):
    """Every column of two results agrees, as far as their dtype says; see EXACT and FLOAT32."""
    double = expected.config.dtype == "float64"
    for one, other in ((stacked.steps, expected.steps), (stacked.evaluations, expected.evaluations)):
        assert list(one) == list(other)
        for name in one:
            given, wanted = one[name].to_numpy(), other[name].to_numpy()
            largest = np.nanmax(abs(wanted), initial=0.0)
            within = {"rtol": EXACT, "atol": EXACT} if double else {"rtol": 0.0, "atol": FLOAT32 * largest}
            np.testing.assert_allclose(given, wanted, **within, err_msg=name)


# How batches are drawn does not depend on the dtype: in float32 each optimizer is seen with batches only.
@pytest.mark.parametrize("batch_size, dtype", [(0, "float64"), (32, "float64"), (32, "float32")])
@pytest.mark.parametrize("optimizer", RATES)
def test_every_run_agrees_with_the_plain_loop(optimizer, batch_size, dtype):
    configs = different(
        replace(SMALL, optimizer=optimizer, momentum=None, batch_size=batch_size, dtype=dtype)
    )
    for config, stacked in zip(configs, Stack(configs).advance().results(), strict=True):
        assert_same_run(stacked, alone(config))


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_momentum_agrees_with_the_plain_loop(optimizer):
    base = replace(SMALL, optimizer=optimizer, lr=RATES[optimizer][0], dtype="float64")
    configs = [replace(base, momentum=momentum) for momentum in (0.1, 0.5, 0.9)]
    for config, stacked in zip(configs, Stack(configs).advance().results(), strict=True):
        assert_same_run(stacked, alone(config))


def test_other_data_models_and_losses_agree_with_the_plain_loop():
    digits = Config(dataset="digits", hidden=(16,), batch_size=64, lr=0.05, steps=30)
    for base in (
        digits,
        replace(digits, loss="bce"),
        Config(dataset="iris", hidden=(4, 4, 4), activation="gelu", steps=30, lr=0.05),
        Config(dataset="diabetes", model="linear", loss="l1", steps=30, val_share=0.0),
    ):
        configs = [replace(base, seed=seed, dtype="float64") for seed in (3, 4)]
        for config, stacked in zip(configs, Stack(configs).advance().results(), strict=True):
            assert_same_run(stacked, alone(config))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_runs_with_and_without_zero_grad_side_by_side(dtype):
    rates = (0.01, 0.05, 0.02)
    configs = [replace(LINEAR, lr=lr, loop=loop, dtype=dtype) for lr in rates for loop in LOOPS]
    stack = Stack(configs).advance()
    for config, stacked in zip(configs, stack.results(), strict=True):
        assert_same_run(stacked, alone(config))
    kept = stack.results()[1].steps
    assert (kept["leftover_norm"].iloc[1:].to_numpy() == kept["grad_norm"].iloc[:-1].to_numpy()).all()
    assert (stack.results()[0].steps["leftover_norm"] == 0).all()


# Loops with everyday lines -> fields that differ from run to run, and fields of all.
EVERYDAY = {
    "ZFLBCS": ({"max_norm": (0.02, 0.1, 1e6)}, {}),
    "ZFLBVS": ({"clip_value": (0.005, 0.05, 0.0)}, {"optimizer": "adam", "lr": 0.01}),
    "FLBCS": ({"max_norm": (0.02, 0.1, 0.3), "lr": (0.01, 0.02, 0.05)}, {}),
    "zFLDs": ({"lr": (0.5, 0.1, 0.02)}, {"accumulate": 3, "batch_size": 32}),
    "zFLws": ({"lr": (0.5, 0.1, 0.02)}, {"accumulate": 3, "batch_size": 50}),
    "zFLDcvsr": ({"scheduler": ("cosine", "one_cycle", "step")}, {"accumulate": 7, "batch_size": 32}),
    "TZFLBCVSRE": ({"scheduler": ("warmup", "warmup_cosine", "exponential")}, {"gamma": 0.97}),
    "ZFLBSR": (
        {"schedule": ((), ((10, 0.2), (30, 0.01)), ((5, 1.0),)), "gamma": (0.1, 0.5, 0.9)},
        {"scheduler": "step"},
    ),
    "ZFLBSP": (
        {"lr": (0.1, 0.11, 0.115)},
        {"model": "linear", "dataset": "deliveries", "loss": "mse", "gamma": 0.5, "steps": 250},
    ),
    "ZFLBS": ({"scheduler": ("none", "warmup", "one_cycle")}, {}),  # made, and never stepped
}


def everyday(text, dtype):
    each, of_all = EVERYDAY[text]
    given = {"loop": from_letters(text), "lr": 0.1, "dtype": dtype, "scheduler": None} | of_all
    base = replace(SMALL, **given)
    return [
        replace(base, seed=seed, **{name: values[seed] for name, values in each.items()}) for seed in range(3)
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", EVERYDAY)
def test_everyday_lines_agree_with_the_plain_loop(text, dtype):
    configs = everyday(text, dtype)
    for config, stacked in zip(configs, Stack(configs).advance().results(), strict=True):
        expected = alone(config)
        assert_same_run(stacked, expected)
        assert learning_rates(stacked).tolist() == learning_rates(expected).tolist()


def test_every_line_that_trains_together_is_held_against_the_plain_loop():
    assert TEXTS.keys() == {name for text in EVERYDAY for name in from_letters(text)}


def test_rates_fall_on_the_plateaus_that_were_held_against_the_plain_loop():
    configs = everyday("ZFLBSP", "float64")
    for config, one in zip(configs, Stack(configs).advance().results(), strict=True):
        assert learning_rates(one)[-1] < config.lr


def test_a_clipped_gradient_is_not_the_fresh_one():
    """By hand, from weight 0 and bias 0: gradient (-85.165, -29.025), of length 89.98, clipped to 1."""
    config = replace(LINEAR, start=(0.0,), loop=from_letters("ZFLBCS"), dtype="float64")
    steps = Stack([config]).advance(1).results()[0].steps
    assert steps["fresh_norm"][0] == pytest.approx(math.hypot(85.165, 29.025), rel=1e-9)
    assert steps["grad_norm"][0] == pytest.approx(1.0, rel=1e-6)


def test_runs_that_add_up_over_as_many_passes_train_together():
    base = replace(SMALL, loop=from_letters("zFLDs"))
    assert shape(base) != shape(replace(base, accumulate=2))
    assert shape(SMALL) == shape(replace(SMALL, accumulate=2))  # no line asks


def test_the_table_of_the_deliveries():
    """Losses at steps 0, 1, 2, 3, 4, 9, 49, worked out by a plain script."""
    base = replace(LINEAR, lr=0.01, start=(0.0,), dtype="float64")
    configs = [replace(base, loop=loop) for loop in LOOPS]
    usual, skipped = (one.steps["loss"] for one in Stack(configs).advance().results())
    steps = [0, 1, 2, 3, 4, 9, 49]
    assert usual[steps].tolist() == pytest.approx(
        [242.4, 168.21, 116.72, 81.002, 56.215, 9.0675, 0.029242], rel=1e-4
    )
    assert skipped[steps].tolist() == pytest.approx(
        [242.4, 168.21, 67.312, 4.3023, 19.513, 130.83, 0.61238], rel=1e-4
    )


def test_whole_vectors_are_those_of_the_plain_loop():
    base = replace(SMALL, steps=20, dtype="float64")
    configs = [replace(base, lr=lr, loop=loop) for lr in (0.1, 0.5) for loop in LOOPS]
    history = Stack(configs, full=True).advance().history
    for number, config in enumerate(configs):
        plain = Run(config).advance().history
        for name in ("weights", "fresh_grads", "grads"):
            arrays = getattr(plain, name).values()
            rows = np.concatenate([array.reshape(20, -1) for array in arrays], axis=1)
            np.testing.assert_allclose(history.vectors(name)[:, number], rows, rtol=EXACT, atol=EXACT)


def test_a_run_that_diverges_changes_no_bit_of_its_neighbors():
    calm = [replace(SMALL, lr=lr, loop=loop) for lr in (0.1, 0.5) for loop in LOOPS]
    wild = replace(SMALL, lr=100.0, loss="mse", momentum=0.0)
    quiet = replace(wild, lr=0.001)
    beside_wild = Stack([calm[0], wild, *calm[1:]]).advance().results()
    beside_quiet = Stack([calm[0], quiet, *calm[1:]]).advance().results()
    assert not np.isfinite(beside_wild[1].steps["loss"]).all()
    for number in (0, 2, 3, 4):
        assert_frame_equal(beside_wild[number].steps, beside_quiet[number].steps, check_exact=True)
        assert_frame_equal(
            beside_wild[number].evaluations, beside_quiet[number].evaluations, check_exact=True
        )


def test_a_run_diverges_where_it_does_alone():
    configs = [replace(LINEAR, lr=lr, start=(0.0,)) for lr in (0.05, 1.0)]
    healthy, diverged = Stack(configs).advance().results()
    losses = diverged.steps["loss"]
    # by plain PyTorch, steps counted from 0: inf from step 15 on, nan from step 33 on
    assert np.isfinite(losses[:15]).all() and np.isinf(losses[15:33]).all() and np.isnan(losses[33:]).all()
    assert np.isfinite(healthy.steps["loss"]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=10, deadline=None)
@given(slices=st.lists(st.integers(1, 40), max_size=6), batch_size=st.sampled_from([0, 32]))
def test_slices_give_the_same_bits_as_one_go(slices, batch_size, dtype):
    configs = [replace(SMALL, lr=0.1, batch_size=batch_size, loop=loop, dtype=dtype) for loop in LOOPS]
    stack = Stack(configs)
    for steps in slices:
        stack.advance(steps)
    for sliced, whole in zip(stack.advance().results(), Stack(configs).advance().results(), strict=True):
        assert_frame_equal(sliced.steps, whole.steps, check_exact=True)
        assert_frame_equal(sliced.evaluations, whole.evaluations, check_exact=True)


def test_learning_rates_change_when_each_runs_schedule_says():
    linear = replace(LINEAR, dtype="float64")
    schedules = (((10, 0.001), (20, 0.02)), ((15, 0.0),), ())
    configs = [replace(linear, schedule=schedule) for schedule in schedules]
    for config, stacked in zip(configs, Stack(configs).advance().results(), strict=True):
        assert_same_run(stacked, alone(config))


def test_starting_weights_that_are_given():
    configs = [replace(LINEAR, start=start, dtype="float64") for start in ((5.0, 2.0), (5.0, 5.0))]
    exact, apart = (one.steps["loss"][0] for one in Stack(configs).advance(1).results())
    # outputs 7, 12, 17, 22 against 6.96, 12.11, 16.77, 22.21, and 3 more each, by hand
    assert exact == pytest.approx(0.027675, rel=1e-9)
    assert apart == pytest.approx(np.mean([(3 + d) ** 2 for d in (0.04, -0.11, 0.23, -0.21)]), rel=1e-9)


def test_results_stand_in_the_order_of_the_configs():
    configs = [
        replace(SMALL, loss=loss, seed=seed, steps=3) for loss in ("mse", "bce", "l1") for seed in (1, 0)
    ]
    assert [one.config for one in Stack(configs).advance().results()] == configs


def test_what_is_there_before_the_end():
    stack = Stack([SMALL, replace(SMALL, lr=0.1)]).advance(7)
    assert not stack.done and stack.step == 7
    for one in stack.results():
        assert one.done == 7 and one.steps["step"].tolist() == list(range(7))
        assert one.evaluations["step"].tolist() == [s for s in alone(SMALL).evaluations["step"] if s <= 7]


@pytest.mark.parametrize(
    "config",
    [
        Config(dataset="digits", model="lenet"),
        replace(SMALL, model="mlp_norm"),
        replace(SMALL, loop=("forward", "loss", "backward", "step", "zero_grad")),
        replace(SMALL, loop=("zero_grad_zeros", *USUAL[1:])),
        replace(SMALL, loop=USUAL[:-1]),
        replace(SMALL, before=("dead_relu",)),
        *(replace(SMALL, loop=from_letters(text)) for text in ("ZFLBSC", "ZCFLBS", "ZFLBVCS", "ZFLBWS")),
        replace(SMALL, loop=from_letters("ZFLBRS"), scheduler="cosine"),
        replace(SMALL, model="mlp_dropout", loop=from_letters("TZFLBSE")),
    ],
)
def test_what_trains_alone(config):
    assert shape(config) is None
    with pytest.raises(ValueError, match="must have one shape"):
        Stack([config])


@pytest.mark.parametrize(
    "field, value",
    [
        ("hidden", (8, 4)),
        ("steps", 99),
        ("batch_size", 8),
        ("optimizer", "adam"),
        ("momentum", 0.5),
        ("dtype", "float64"),
        ("activation", "relu"),
        ("dataset", "xor"),
        ("loss", "cross_entropy"),
    ],
)
def test_what_keeps_runs_apart(field, value):
    other = replace(SMALL, **{field: value})
    assert shape(other) != shape(SMALL)
    with pytest.raises(ValueError, match="must have one shape"):
        Stack([SMALL, other])


@pytest.mark.parametrize("seeds", [(0, 0, 0), (0, 1, 0)])
def test_runs_of_one_seed_see_the_same_rows(seeds):
    data = Stack([replace(SMALL, seed=seed) for seed in seeds]).data
    for tensor in (data.inputs, data.targets, data.val_inputs, data.val_targets):
        assert [torch.equal(rows, tensor[0]) for rows in tensor] == [seed == 0 for seed in seeds]
        kept_once = tensor[1].data_ptr() == tensor[0].data_ptr()
        assert kept_once == (len({*seeds}) == 1)


def test_nothing_of_the_process_changes():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    filters = list(warnings.filters)
    Stack([replace(SMALL, lr=lr, batch_size=16) for lr in (0.1, 100.0)]).advance()
    assert torch.equal(state, torch.get_rng_state())
    assert (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()) == (
        torch.float32, True, threads,
    )  # fmt: skip
    assert warnings.filters == filters


def test_vectors_that_were_not_kept_are_refused():
    with pytest.raises(ValueError, match="full must be True"):
        Stack([SMALL]).advance(1).history.vectors("weights")


@pytest.mark.parametrize("dataset", ["sine", "breast_cancer", "iris"])
def test_every_loss_agrees_with_the_plain_loop(dataset):
    """Losses of one form of target, whose models end alike, train together."""
    base = Config(dataset=dataset, hidden=(8,), activation="tanh", lr=0.1, steps=40, dtype="float64")
    configs = [replace(base, loss=loss, batch_size=32) for loss in fitting(dataset)]
    blocks = {}
    for config in configs:
        blocks.setdefault(shape(config), []).append(config)
    assert None not in blocks
    for block in blocks.values():
        assert len({LOSSES[config.loss].last for config in block}) == 1
        for config, stacked in zip(block, Stack(block).advance().results(), strict=True):
            assert_same_run(stacked, alone(config))
