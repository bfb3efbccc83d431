"""The loop: what every order of the five lines does, that recording changes nothing, and bits."""

import itertools
import math
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core import Config, Run, torch_warnings
from core.build import make_data, make_model, make_optimizer
from core.lines import LINES, USUAL, from_letters, letters
from core.optimizers import OPTIMIZERS
from tests.helpers.global_state import global_state
from tests.helpers.strategies import configs, loops

SKIPPED = USUAL[1:]  # zero_grad left out
ORDERS = ["".join(order) for order in itertools.permutations("ZFLBS")]

DELIVERIES = Config(dataset="deliveries", model="linear", lr=0.01, steps=10)
XOR = Config(dataset="xor", hidden=(8,), activation="tanh", batch_size=32, steps=10, lr=0.3)


def at_zero(bias=True, dtype=torch.float32):
    """Linear(1, 1) that starts at w = b = 0."""
    model = nn.Linear(1, 1, bias=bias, dtype=dtype)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return model


def trained(config, **given_things):
    return Run(config, **given_things).advance()


def assert_same_bits(one, other):
    """Two arrays are equal to the last bit, nan included."""
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other), strict=True)


def assert_same_run(one, other):
    """Two runs recorded the same, to the bit."""
    pd.testing.assert_frame_equal(one.history.steps, other.history.steps, check_exact=True)
    pd.testing.assert_frame_equal(one.history.parameters, other.history.parameters, check_exact=True)
    pd.testing.assert_frame_equal(one.history.evaluations, other.history.evaluations, check_exact=True)
    assert_same_bits(one.history.snapshots, other.history.snapshots)
    for quantity in ("weights", "grads", "fresh_grads", "leftovers"):
        ours, theirs = getattr(one.history, quantity), getattr(other.history, quantity)
        for name in ours:
            assert_same_bits(ours[name], theirs[name])
    for ours, theirs in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert_same_bits(ours.detach(), theirs.detach())


# All 120 orders, as measured with PyTorch 2.13, each order in a fresh interpreter.

SAME = {"ZFLBS", "FZLBS", "FLZBS", "FLBSZ"}
ONE_BEHIND = {"SZFLB", "SFZLB", "SFLZB"}
NEVER_TRAINS = {
    *("ZFLSB", "ZFSLB", "ZSFLB", "FZLSB", "FZSLB"),
    *("FLZSB", "FLBZS", "FLSBZ", "FSLBZ", "SFLBZ"),
}
STALE = {"FLSZB", "FSZLB", "FSLZB"}
NO_LOSS = {order for order in ORDERS if order.index("B") < order.index("L")}
NO_OUTPUTS = {o for o in ORDERS if o.index("L") < o.index("F") and o.index("L") < o.index("B")}


def test_the_groups_below_are_all_120_orders():
    groups = (SAME, ONE_BEHIND, NEVER_TRAINS, STALE, NO_LOSS, NO_OUTPUTS)
    assert [len(group) for group in groups] == [4, 3, 10, 3, 60, 40]
    assert set().union(*groups) == set(ORDERS)


BASES = pytest.mark.parametrize("base", [DELIVERIES, XOR], ids=["linear", "mlp"])


def in_order(base, order):
    return trained(replace(base, loop=from_letters(order)))


@BASES
@pytest.mark.parametrize("order", sorted(SAME))
def test_four_orders_are_the_same_to_the_bit(base, order):
    usual, other = trained(base), in_order(base, order)
    assert other.error is None
    assert_same_bits(other.history.losses, usual.history.losses)
    for name, weights in usual.history.weights.items():
        assert_same_bits(other.history.weights[name], weights)
        assert torch.equal(other.model.get_parameter(name), usual.model.get_parameter(name))
        assert not (weights == weights[0]).all()  # it trains at all


@BASES
@pytest.mark.parametrize("order", sorted(ONE_BEHIND))
def test_three_orders_give_the_same_curve_with_weights_one_step_behind(base, order):
    usual, other = trained(base), in_order(base, order)
    assert other.error is None
    assert_same_bits(other.history.losses, usual.history.losses)
    for name, weights in usual.history.weights.items():
        assert_same_bits(other.history.weights[name][1:], weights[:-1])


@pytest.mark.parametrize("order", sorted(NEVER_TRAINS))
@pytest.mark.parametrize("base", [DELIVERIES, replace(XOR, batch_size=0)], ids=["linear", "mlp"])
def test_ten_orders_never_train(base, order):
    run = in_order(base, order)
    assert run.error is None and run.step == 10
    assert len(set(run.history.losses)) == 1  # constant to the last bit
    for weights in run.history.weights.values():
        assert (weights == weights[0]).all()


@pytest.mark.parametrize("order", sorted(STALE))
def test_three_orders_train_a_linear_model_on_the_gradient_of_the_step_before(order):
    config = replace(DELIVERIES, loop=from_letters(order), dtype="float64")
    run = trained(config, model=at_zero(dtype=torch.float64))
    data = make_data(config)
    x, y = data.inputs.numpy().ravel(), data.targets.numpy().ravel()
    w = b = stale_w = stale_b = 0.0
    for step in range(10):
        fresh_w, fresh_b = (2 * (w * x + b - y) * x).mean(), (2 * (w * x + b - y)).mean()
        assert run.history.weights["weight"][step].item() == pytest.approx(w, rel=1e-12)
        assert run.history.weights["bias"][step].item() == pytest.approx(b, rel=1e-12)
        w, b = w - 0.01 * stale_w, b - 0.01 * stale_b
        stale_w, stale_b = fresh_w, fresh_b


@pytest.mark.parametrize("order", sorted(STALE))
def test_the_same_three_orders_raise_in_the_second_step_of_an_mlp(order):
    error = in_order(XOR, order).error
    assert (error.step, error.line, type(error.exception)) == (1, "backward", RuntimeError)
    message = str(error.exception)
    expected = (
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
    )
    assert message.startswith(expected)
    assert "is at version 2; expected version 1 instead" in message


@BASES
@pytest.mark.parametrize("order", sorted(NO_LOSS))
def test_backward_before_loss_is_a_name_error_in_the_first_step(base, order):
    error = in_order(base, order).error
    assert (error.step, error.line, type(error.exception)) == (0, "backward", NameError)
    assert str(error.exception) == "name 'loss' is not defined"


@BASES
@pytest.mark.parametrize("order", sorted(NO_OUTPUTS))
def test_loss_before_forward_is_a_name_error_in_the_first_step(base, order):
    error = in_order(base, order).error
    assert (error.step, error.line, type(error.exception)) == (0, "loss", NameError)
    assert str(error.exception) == "name 'outputs' is not defined"


@pytest.mark.parametrize(("left_out", "missing"), [("forward", "outputs"), ("loss", "loss")])
def test_without_forward_or_loss_there_is_a_name_error(left_out, missing):
    loop = tuple(name for name in USUAL if name != left_out)
    assert str(trained(replace(DELIVERIES, loop=loop)).error.exception) == f"name '{missing}' is not defined"


@pytest.mark.parametrize("left_out", ["backward", "step"])
def test_without_backward_or_step_the_loss_is_constant(left_out):
    run = trained(replace(DELIVERIES, loop=tuple(name for name in USUAL if name != left_out)))
    assert run.error is None and len(set(run.history.losses)) == 1


def test_without_zero_grad_gradients_accumulate():
    history = trained(replace(DELIVERIES, loop=SKIPPED), model=at_zero()).history
    fresh, used = history.fresh_grads["bias"], history.grads["bias"]
    np.testing.assert_allclose(used, fresh.cumsum(axis=0), rtol=1e-5)


# The deliveries from w = b = 0, as measured with PyTorch 2.13 on its CPU build.

STEPS_OF_TABLE = [0, 1, 2, 3, 4, 9, 49, 999]
INF, NAN = math.inf, math.nan
LOSS_TABLE = [
    (0.01, USUAL, [242.4, 168.21, 116.72, 81.002, 56.215, 9.0675, 0.029242, 0.02543]),
    (0.01, SKIPPED, [242.4, 168.21, 67.312, 4.3023, 19.513, 130.83, 0.61238, 243.74]),
    (0.05, USUAL, [242.4, 6.6265, 0.20976, 0.034985, 0.030093, 0.029324, 0.026586, 0.025417]),
    (0.13, USUAL, [242.4, 332.43, 455.89, 625.2, 857.41, 4159.5, 1.2763e9, NAN]),
    (1.0, USUAL, [242.4, 59747, 1.4728e7, 3.6306e9, 8.9498e11, 8.1467e23, NAN, NAN]),
]


@pytest.mark.parametrize(
    ("lr", "loop", "expected"), LOSS_TABLE, ids=["0.01", "skipped", "0.05", "0.13", "1.0"]
)
def test_losses_on_the_deliveries_are_the_measured_ones(lr, loop, expected):
    run = trained(replace(DELIVERIES, lr=lr, loop=loop, steps=1000), model=at_zero())
    np.testing.assert_allclose(run.history.losses[STEPS_OF_TABLE], expected, rtol=1e-4)


def test_the_first_loss_and_the_best_one_by_hand():
    y = np.array([6.96, 12.11, 16.77, 22.21])
    x = np.array([1.0, 2.0, 3.0, 4.0])
    slope, intercept = np.polyfit(x, y, 1)
    run = trained(
        replace(DELIVERIES, lr=0.05, steps=1000, dtype="float64"), model=at_zero(dtype=torch.float64)
    )
    assert run.history.losses[0] == pytest.approx((y**2).mean())
    assert run.history.losses[-1] == pytest.approx(((slope * x + intercept - y) ** 2).mean(), rel=1e-6)
    assert run.model.weight.item() == pytest.approx(slope, rel=1e-5)


def test_divergence_is_kept_as_rows():
    """PyTorch 2.13: inf at the 16th step, nan at the 34th."""
    run = trained(replace(DELIVERIES, lr=1.0, steps=60), model=at_zero())
    losses = run.history.losses
    assert run.error is None and len(losses) == 60
    assert np.isinf(losses).argmax() + 1 == 16 and np.isnan(losses).argmax() + 1 == 34


def test_divergence_in_double_is_recorded_without_overflow_of_its_own():
    """From step 128 the loss is inf, but .grad is still a number, and so is its norm."""
    history = trained(replace(DELIVERIES, lr=1.0, steps=300, dtype="float64")).history
    sizes = abs(np.stack([history.grads["weight"].ravel(), history.grads["bias"].ravel()], axis=1))
    finite = np.isfinite(sizes).all(axis=1) & (sizes < 1e300).all(axis=1)
    expected = np.hypot(*sizes[finite].T)
    np.testing.assert_allclose(history.steps["grad_norm"][finite], expected, rtol=1e-12)


LEFTOVER_TABLE = [  # lr 0.01, zero_grad skipped: loss; the weight's fresh gradient, leftover, .grad
    (242.40, -85.17, 0, -85.17),
    (168.21, -70.94, -85.17, -156.10),
    (67.31, -44.86, -156.10, -200.97),
    (4.30, -11.29, -200.97, -212.26),
    (19.51, 24.17, -212.26, -188.09),
    (103.21, 55.60, -188.09, -132.49),
    (201.81, 77.74, -132.49, -54.75),
    (252.20, 86.90, -54.75, 32.15),
]


def test_fresh_leftover_and_grad_on_the_deliveries_are_the_measured_ones():
    history = trained(replace(DELIVERIES, loop=SKIPPED, steps=8), model=at_zero()).history
    columns = [history.losses]
    columns += [part["weight"].ravel() for part in (history.fresh_grads, history.leftovers, history.grads)]
    np.testing.assert_allclose(np.stack(columns, axis=1), LEFTOVER_TABLE, atol=0.0051)


def test_skipping_zero_grad_on_a_parabola_is_an_undamped_cosine():
    """Loss w^2, curvature l = 2: w_t = w_0 cos((t + 1/2) a) / cos(a / 2), cos a = 1 - lr l / 2."""
    one = torch.ones(1, 1, dtype=torch.float64)
    model = at_zero(bias=False, dtype=torch.float64)
    nn.init.ones_(model.weight)
    config = replace(DELIVERIES, lr=0.3, steps=200, dtype="float64", loop=SKIPPED)
    w = trained(config, data=(one, 0 * one), model=model).history.weights["weight"].ravel()
    a = math.acos(1 - 0.3 * 2 / 2)
    np.testing.assert_allclose(w, np.cos((np.arange(200) + 0.5) * a) / np.cos(a / 2), atol=1e-11)


# Recording changes nothing.

PLAIN = {  # field optimizer -> the optimizer as a script writes it, for lr 0.02
    "sgd": lambda p: torch.optim.SGD(p, lr=0.02),
    "sgd_by_hand": None,
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.02, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.02, momentum=0.5, weight_decay=0.01),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.02, weight_decay=0.01),
}


def plain_loop(config, zero_grad):
    """A loop without recording, beside a copy of losses, weights and .grad at each step."""
    data = make_data(config)
    model = make_model(config, data)
    loss_fn = nn.BCEWithLogitsLoss()
    parameters = list(model.parameters())
    make = PLAIN[config.optimizer]
    optimizer = make_optimizer(config, model) if make is None else make(parameters)
    generator = torch.Generator().manual_seed(3_000_000 + config.seed)
    losses, weights, grads, batches = [], [], [], []
    for _ in range(config.steps):
        if config.batch_size and not batches:
            batches = list(torch.randperm(len(data.inputs), generator=generator).split(config.batch_size))
        inputs, targets = data.inputs, data.targets
        if config.batch_size:
            rows = batches.pop(0)
            inputs, targets = inputs[rows], targets[rows]
        weights.append([p.detach().clone().numpy() for p in parameters])
        if zero_grad:
            optimizer.zero_grad()
        outputs = model(inputs)
        loss = loss_fn(outputs, targets)
        loss.backward()
        grads.append([p.grad.clone().numpy() for p in parameters])
        optimizer.step()
        losses.append(loss.item())
    return losses, weights, grads, model


@pytest.mark.parametrize("loop", [USUAL, SKIPPED], ids=["usual", "skipped"])
@pytest.mark.parametrize("batch_size", [0, 32])
@pytest.mark.parametrize("optimizer", PLAIN)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_recorded_run_is_a_plain_loop_to_the_bit(optimizer, batch_size, loop, dtype):
    extra = {"momentum": 0.5} if optimizer == "rmsprop" else {}
    config = Config(
        dataset="xor",
        hidden=(6, 5),
        optimizer=optimizer,
        lr=0.02,
        weight_decay=0.0 if optimizer == "sgd" else 0.01,
        batch_size=batch_size,
        steps=15,
        seed=4,
        dtype=dtype,
        loop=loop,
        **extra,
    )
    losses, weights, grads, model = plain_loop(config, zero_grad=loop == USUAL)
    run = trained(config)
    assert run.history.losses.tolist() == losses
    for i, (name, parameter) in enumerate(model.named_parameters()):
        assert_same_bits(run.history.weights[name], np.stack([row[i] for row in weights]))
        assert_same_bits(run.history.grads[name], np.stack([row[i] for row in grads]))
        assert torch.equal(run.model.get_parameter(name), parameter)


MODELS = [
    Config(dataset="diabetes", model="linear", loss="huber", lr=0.05, steps=12),
    Config(dataset="iris", hidden=(7, 3), activation="gelu", lr=0.1, steps=12),
    Config(dataset="digits", model="lenet", lr=0.02, batch_size=64, steps=4),
]


@pytest.mark.parametrize("base", MODELS, ids=["linear", "mlp", "lenet"])
@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam"])
@pytest.mark.parametrize("loop", [USUAL, SKIPPED, from_letters("SFLZB"), from_letters("SFLB")], ids=letters)
def test_fresh_and_leftover_add_up_to_grad_to_the_bit(base, optimizer, loop):
    config = replace(base, optimizer=optimizer, momentum=None, loop=loop)
    run = trained(config)
    h = run.history
    for name in h.grads:
        used = h.grads[name]
        if loop[0] == "step":  # it is used one step later
            used, fresh, left = used[1:], h.fresh_grads[name][:-1], h.leftovers[name][:-1]
        else:
            fresh, left = h.fresh_grads[name], h.leftovers[name]
        assert_same_bits(fresh + left, used)


def test_what_zero_grad_does_not_reach_is_left_over():
    """The optimizer of a copy clears that one: here the weights stay, and .grad grows by the same."""
    config = replace(DELIVERIES, before=("optimizer_of_a_copy",))
    history = trained(config, model=at_zero()).history
    fresh = history.fresh_grads["bias"]
    assert fresh[0] == pytest.approx(-2 * 14.5125)  # twice the mean of the four minutes
    assert_same_bits(fresh, np.repeat(fresh[:1], 10, axis=0))
    np.testing.assert_allclose(history.leftovers["bias"].ravel(), np.arange(10) * fresh[0], rtol=1e-6)
    np.testing.assert_allclose(history.grads["bias"].ravel(), np.arange(1, 11) * fresh[0], rtol=1e-6)


def test_the_fresh_gradient_is_that_of_this_batch_alone():
    config = replace(XOR, loop=SKIPPED, batch_size=0)
    history, data = trained(config).history, make_data(config)
    model = make_model(config, data)
    for step in range(config.steps):
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(torch.from_numpy(history.weights[name][step]))
        loss = nn.functional.binary_cross_entropy_with_logits(model(data.inputs), data.targets)
        for name, grad in zip(
            history.fresh_grads, torch.autograd.grad(loss, [*model.parameters()]), strict=True
        ):
            assert_same_bits(history.fresh_grads[name][step], grad.numpy())


# Skipping zero_grad is momentum 1.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "base", [replace(DELIVERIES, steps=300), replace(XOR, steps=60)], ids=["linear", "mlp"]
)
def test_skipping_zero_grad_is_momentum_one_to_the_bit(base, dtype):
    skipped = trained(replace(base, dtype=dtype, loop=SKIPPED))
    momentum = trained(replace(base, dtype=dtype, momentum=1.0))
    assert_same_bits(skipped.history.losses, momentum.history.losses)
    for name, weights in skipped.history.weights.items():
        assert_same_bits(weights, momentum.history.weights[name])


@pytest.mark.parametrize("base", [DELIVERIES, XOR], ids=["linear", "mlp"])
def test_with_weight_decay_skipping_zero_grad_is_not_momentum_one(base):
    """Momentum also remembers the pull of the decay; .grad does not."""
    skipped = trained(replace(base, weight_decay=0.1, loop=SKIPPED))
    momentum = trained(replace(base, weight_decay=0.1, momentum=1.0))
    assert not np.allclose(skipped.history.losses, momentum.history.losses, rtol=1e-3)


# Slices, other threads, the global state.

SLICED = replace(XOR, steps=40, loop=SKIPPED)


@pytest.mark.parametrize("config", [SLICED, replace(DELIVERIES, steps=40)], ids=["mlp", "linear"])
def test_slices_of_seven_steps_give_the_bits_of_one_go(config):
    whole, sliced = trained(config), Run(config)
    while not sliced.done:
        sliced.advance(max_steps=7)
    assert_same_run(whole, sliced)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 15), max_size=8), configs(max_steps=20, max_width=8, datasets=("xor", "iris")))
def test_slices_of_any_sizes_give_the_bits_of_one_go(sizes, config):
    whole, sliced = trained(config), Run(config)
    for size in sizes:
        sliced.advance(max_steps=size)
    assert_same_run(whole, sliced.advance())


def test_a_slice_stops_where_it_should():
    run = Run(DELIVERIES)
    assert run.advance(max_steps=0).step == 0 and len(run.history.losses) == 0
    assert run.advance(max_steps=4).step == 4 and len(run.history.steps) == 4
    assert not run.done
    assert run.advance(max_steps=100).step == 10 and run.done
    assert run.advance().step == 10


def test_a_budget_that_is_used_up_stops_after_one_step_and_the_run_can_go_on():
    run = Run(XOR).advance(budget_s=0)
    assert (run.step, run.done, len(run.history.losses)) == (1, False, 1)
    assert_same_run(trained(XOR), run.advance())


def test_a_budget_that_is_never_used_up_changes_nothing():
    assert Run(XOR).advance(budget_s=math.inf).done


def test_the_same_config_gives_the_same_bits_again():
    assert_same_run(trained(XOR), trained(XOR))


def test_a_schedule_sets_the_rate_from_its_step_on():
    run = trained(replace(DELIVERIES, lr=0.01, steps=6, schedule=((2, 0.0), (4, 0.02))))
    path, grads = (series["weight"].ravel() for series in (run.history.weights, run.history.grads))
    rates = -np.diff(path) / grads[:-1]
    assert rates == pytest.approx([0.01, 0.01, 0.0, 0.0, 0.02], rel=1e-4)


def test_a_run_again_is_a_new_one_of_all_that_was_given():
    x, y = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [5.0]])
    given = {"data": (x, y), "evaluate": False, "histograms": True, "chunk_steps": 2}
    run = trained(replace(DELIVERIES, steps=5), model=at_zero(), **given)
    new = run.again()
    assert new.step == 0
    assert_same_run(new.advance(), run)
    assert new.history.evaluations.empty and new.history.histograms is not None


def test_other_runs_in_other_threads_change_no_bit():
    alone, stop, started = trained(SLICED), threading.Event(), threading.Barrier(4)

    def others(seed):
        started.wait()
        while not stop.is_set():
            trained(replace(SLICED, seed=seed, dataset="moons", noise=0.1 * seed))

    threads = [threading.Thread(target=others, args=(seed,)) for seed in (1, 2, 3)]
    for thread in threads:
        thread.start()
    started.wait()
    try:
        for _ in range(10):
            assert_same_run(alone, trained(SLICED))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("loop", [USUAL, from_letters("BFL")], ids=["done", "raised"])
def test_a_run_leaves_the_global_state_as_it_was(loop):
    torch_warnings.put_in_front()  # pytest has put filters of its own before ours for this test
    before = global_state()
    trained(replace(XOR, dtype="float64", loop=loop, optimizer="adam"))
    assert global_state() == before


def test_training_uses_one_thread():
    assert torch.get_num_threads() == 1  # two change bits on a 64-64-10 MLP


# One's own data, model and batches.


def test_own_data_is_trained_on_as_it_is():
    inputs, targets = torch.tensor([[100.0], [300.0]]), torch.tensor([[7.0], [5.0]])
    run = trained(replace(DELIVERIES, steps=1, lr=0.0), data=(inputs, targets), model=at_zero())
    assert run.history.losses[0] == (7**2 + 5**2) / 2  # not standardized
    grad = run.history.grads["weight"].item()
    assert grad == -(2 * 7 * 100 + 2 * 5 * 300) / 2


def test_own_values_have_no_accuracy_and_own_classes_have_one():
    values = trained(DELIVERIES, data=(torch.ones(3, 1), torch.tensor([[0.0], [1.0], [2.5]])))
    classes = trained(Config(dataset="iris"), data=(torch.ones(3, 1), torch.tensor([0, 1, 1])))
    assert values.history.evaluations["train_accuracy"].isna().all()
    assert classes.history.evaluations["train_accuracy"].notna().all()


def test_own_validation_data_is_evaluated():
    tensors = [torch.tensor([[value]]) for value in (1.0, 2.0, 1.0, 5.0)]
    run = trained(replace(DELIVERIES, steps=1, lr=0.0), data=tensors, model=at_zero())
    first = run.history.evaluations.iloc[0]
    assert (first["train_loss"], first["val_loss"]) == (4.0, 25.0)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_own_data_must_be_two_or_four_tensors(count):
    with pytest.raises(ValueError, match=f"^data must be 2 or 4 tensors; got {count}$"):
        Run(DELIVERIES, data=[torch.ones(2, 1)] * count)


@pytest.mark.parametrize(("inputs", "targets"), [(3, 2), (0, 0)])
def test_own_data_must_pair_rows(inputs, targets):
    with pytest.raises(ValueError, match=f"^data must pair rows; got {inputs} inputs and {targets} targets$"):
        Run(DELIVERIES, data=(torch.ones(inputs, 1), torch.ones(targets, 1)))


def test_own_class_numbers_decide_the_width_of_the_model():
    inputs, labels = torch.ones(4, 6), torch.tensor([0, 4, 2, 1])
    run = Run(Config(dataset="iris", model="linear"), data=(inputs, labels))
    assert (run.model.in_features, run.model.out_features) == (6, 5)


def test_whole_numbers_as_regression_targets_work_as_floats_do():
    """MSE takes them since PyTorch 2.13, with the same gradients; older versions raised."""
    inputs = torch.tensor([[1.0], [2.0]])
    whole, floats = torch.tensor([[3], [5]]), torch.tensor([[3.0], [5.0]])
    one, other = (trained(DELIVERIES, data=(inputs, targets)) for targets in (whole, floats))
    assert one.error is None
    assert_same_bits(one.history.grads["weight"], other.history.grads["weight"])
    assert_same_bits(one.history.losses, other.history.losses)


def test_own_model_is_copied():
    model = at_zero()
    first, second = (trained(DELIVERIES, model=model) for _ in range(2))
    assert model.weight.item() == 0 and model.bias.item() == 0 and model.weight.grad is None
    assert first.model is not model and first.model.weight.item() != 0
    assert_same_run(first, second)


def test_own_model_with_layers_for_training_keeps_its_mode():
    """Evaluations switch dropout off; the loop itself has it on, as the model came."""
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))
    run = trained(Config(dataset="iris", steps=5), model=model)
    assert run.error is None and run.model.training
    assert run.model[1].num_batches_tracked == 5  # the evaluations were not counted
    assert model[1].num_batches_tracked == 0


def test_own_batches_are_the_rows_of_each_step():
    x, y = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[1.0], [10.0], [100.0]])
    batches = [[2], [0, 1], torch.tensor([0])]
    run = trained(replace(DELIVERIES, steps=3, lr=0.0), data=(x, y), model=at_zero(), batches=batches)
    assert run.history.losses.tolist() == [10_000, (1 + 100) / 2, 1]


def test_own_batches_must_be_one_per_step():
    with pytest.raises(ValueError, match=r"^batches must be 10, one per step; got 9$"):
        Run(DELIVERIES, batches=[[0]] * 9)
    assert trained(DELIVERIES, batches=[[0]] * 11).step == 10


# A line that raises: PyTorch's own words, at the line and step where it happened.


def test_a_line_that_raises_keeps_what_was_recorded_before():
    inputs, labels = torch.eye(4), torch.tensor([0, 1, 2, 3])
    model = nn.Linear(4, 3)
    config = Config(dataset="iris", model="linear", loop=SKIPPED, steps=5)
    batches = [[0], [1], [2, 3], [0], [1]]
    run = Run(config, data=(inputs, labels), model=model, batches=batches).advance()
    assert (run.error.step, run.error.line) == (2, "loss")
    assert (
        type(run.error.exception) is IndexError and str(run.error.exception) == "Target 3 is out of bounds."
    )
    assert run.done and run.step == 2
    unhurt = trained(replace(config, steps=2), data=(inputs, labels), model=model, batches=batches)
    assert_same_bits(run.history.losses[:2], unhurt.history.losses)
    for name in run.history.grads:
        assert_same_bits(run.history.grads[name][:2], unhurt.history.grads[name])
        assert_same_bits(run.history.leftovers[name][:2], unhurt.history.leftovers[name])
        assert torch.equal(run.model.get_parameter(name), unhurt.model.get_parameter(name))
    # the step that raised has weights, but no loss and no gradients
    assert len(run.history.losses) == 3 and math.isnan(run.history.losses[2])
    assert np.isnan(run.history.grads["weight"][2]).all()
    assert np.isfinite(run.history.weights["weight"][2]).all()
    assert run.advance().step == 2  # it stays where it ended


LABELS = torch.tensor([0, 1, 2, 1])
RAISING = [  # loss, outputs, targets, exception and words of PyTorch 2.13
    (
        "cross_entropy",
        3,
        LABELS.float(),
        RuntimeError,
        "expected target dtype to be Long or Byte, but got Float",
    ),
    ("cross_entropy", 3, LABELS.int(), RuntimeError, "expected target dtype to be Long or Byte, but got Int"),
    (
        "cross_entropy",
        3,
        LABELS[:, None],
        RuntimeError,
        "0D or 1D target tensor expected, multi-target not supported",
    ),
    (
        "cross_entropy",
        3,
        torch.eye(4, 3).long(),
        RuntimeError,
        "Expected floating point type for target with class probabilities, got Long",
    ),
    ("cross_entropy", 2, LABELS, IndexError, "Target 2 is out of bounds."),
    (
        "bce",
        1,
        torch.ones(4),
        ValueError,
        "Target size (torch.Size([4])) must be the same as input size (torch.Size([4, 1]))",
    ),
    (
        "bce",
        1,
        torch.ones(4, 1).long(),
        RuntimeError,
        "result type Float can't be cast to the desired output type Long",
    ),
]


@pytest.mark.parametrize(("loss", "outputs", "targets", "kind", "words"), RAISING)
def test_what_pytorch_says_about_targets_that_do_not_fit_is_kept(loss, outputs, targets, kind, words):
    config = Config(dataset="iris", model="linear", loss=loss, steps=3)
    run = trained(config, data=(torch.ones(4, 2), targets), model=nn.Linear(2, outputs))
    assert (run.error.step, run.error.line, type(run.error.exception)) == (0, "loss", kind)
    assert words in str(run.error.exception)


def test_a_line_on_its_own_raises_as_it_does_within_a_step():
    config = Config(dataset="iris", model="linear", loop=SKIPPED, steps=3)
    run = Run(config, data=(torch.ones(4, 2), LABELS.float()), model=nn.Linear(2, 3))
    assert [run.line(), run.line()] == ["forward", "loss"]
    assert (run.error.step, run.error.line, type(run.error.exception)) == (0, "loss", RuntimeError)


def test_targets_of_shape_n_against_outputs_n_by_1_find_the_mean():
    """MSE broadcasts them to n x n with a warning; what it learns is w = 0 and b = mean(y)."""
    y = torch.tensor([6.96, 12.11, 16.77, 22.21])
    x = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    run = trained(replace(DELIVERIES, lr=0.1, steps=700), data=(x, y), model=at_zero())
    (said,) = run.warnings  # of 700 steps, once
    assert said.text.startswith("Using a target size (torch.Size([4])) that is different")
    assert said.step == 0
    assert run.model.weight.item() == pytest.approx(0, abs=1e-4)
    assert run.model.bias.item() == pytest.approx(14.5125, abs=1e-3)
    assert run.history.losses[-1] == pytest.approx(31.79, abs=0.005)  # the variance of y


def test_cross_entropy_with_one_output_is_perfect_at_once():
    config = Config(dataset="iris", model="linear", steps=3)
    run = trained(config, data=(torch.ones(4, 2), torch.zeros(4).long()), model=nn.Linear(2, 1))
    assert run.history.losses.tolist() == [0, 0, 0]
    assert not run.history.grads["weight"].any()


@settings(deadline=None, max_examples=40)
@given(configs(max_steps=6, max_width=8, datasets=("deliveries", "xor", "iris"), loop=loops()))
def test_any_loop_of_any_config_is_recorded_to_its_end(config):
    run = trained(config)
    raised = run.error is not None
    assert run.done and (raised or run.step == config.steps)
    assert len(run.history.steps) == len(run.history.losses) == run.step + raised
    assert len(run.history.parameters) == len(run.history.losses) * len(list(run.model.parameters()))
    assert run.history.evaluations["step"].iloc[0] == 0
    if raised:
        one_row = config.model == "mlp_norm"  # batch normalization raises ValueError on a batch of one
        assert run.error.line in LINES
        kinds = (NameError, RuntimeError, ValueError)[: 2 + one_row]
        scaled = "scaler" in run.namespace  # it asserts, and needs param_groups
        kinds += (AssertionError, AttributeError)[: 2 * scaled]
        closure = OPTIMIZERS[config.optimizer].step != "step"  # it is not given one by every k-th step
        assert isinstance(run.error.exception, (*kinds, *(TypeError,)[:closure]))


def test_validation_rows_that_cannot_be_scored_end_the_evaluations_but_not_the_run():
    inputs, labels = torch.randn(6, 2), torch.tensor([0, 1, 0, 1, 0, 1])
    wrong = torch.tensor([0, -7, 0, 1, 0, 1])  # there is no class -7
    config = Config(model="linear", loss="cross_entropy", steps=3)
    run = Run(config, data=(inputs, labels, inputs, wrong)).advance()
    assert run.error is None and len(run.history.losses) == 3
    assert "Target -7 is out of bounds" in str(run.evaluation_error)
    assert run.history.evaluations.empty
