"""Curvature and stability limits, against hand calculation, closed forms and torch in double."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core import Config, Run, build
from core import curvature as theory
from core.curvature import curvature, limits, stability_limit, starting_curvature
from core.lines import PRACTICES, USUAL, from_letters, with_practice

INPUTS = torch.tensor([[1.0], [2.0], [3.0], [4.0]], dtype=torch.float64)
TARGETS = torch.tensor([[6.96], [12.11], [16.77], [22.21]], dtype=torch.float64)

# Mean squared error of y = wx + b over x = 1, 2, 3, 4: the second derivatives are the means of
# 2xx, 2x and 2, so the Hessian is [[15, 5], [5, 2]]; c^2 - 17c + 5 = 0 gives its eigenvalues.
STEEPEST = (17 + math.sqrt(17**2 - 4 * 5)) / 2
LANCZOS = 2e-4  # relative; the iteration stops once its own estimate of the error is 1e-4


def at_zero(features=1, bias=True):
    """A linear model in double that starts at w = b = 0."""
    model = nn.Linear(features, 1, bias=bias, dtype=torch.float64)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return model


def deliveries_run(**choices):
    config = Config(dataset="deliveries", model="linear", dtype="float64", **choices)
    return Run(config, data=(INPUTS, TARGETS), model=at_zero(), full=False, evaluate=False).advance()


def of_config(config):
    """Model, loss, inputs and targets at the start of a run."""
    data = build.make_data(config)
    return build.make_model(config, data), build.make_loss(config, data), data.inputs, data.targets


# -- curvature -----------------------------------------------------------------------------


def test_curvature_of_the_deliveries_is_that_of_the_hand_made_hessian():
    assert curvature(at_zero(), nn.MSELoss(), INPUTS, TARGETS) == pytest.approx(STEEPEST, rel=1e-12)
    assert f"{STEEPEST:.4f}" == "16.7006"


def test_curvature_of_a_quadratic_is_the_same_at_every_seed():
    for seed in range(3):
        config = Config(dataset="deliveries", model="linear", seed=seed)
        assert starting_curvature(config) == pytest.approx(STEEPEST, rel=1e-12)


def test_the_three_limits_of_the_deliveries():
    three = limits(curvature(at_zero(), nn.MSELoss(), INPUTS, TARGETS))
    assert {name: round(limit, 4) for name, limit in three.items()} == {
        "stale": 0.0599, "usual": 0.1198, "skipped": 0.2395,
    }  # fmt: skip


EVERY_LOSS = [  # small enough for a whole Hessian: at most 64 parameters
    {"dataset": "sine", "loss": "mse", "hidden": (5,), "activation": "tanh"},
    {"dataset": "line", "loss": "l1", "hidden": (5,), "activation": "tanh"},
    {"dataset": "line", "loss": "huber", "hidden": (4, 4), "activation": "sigmoid"},
    {"dataset": "iris", "loss": "cross_entropy", "hidden": (4,), "activation": "gelu"},
    {"dataset": "moons", "loss": "bce", "hidden": (6,), "activation": "tanh"},
    {"dataset": "iris", "loss": "bce", "model": "linear"},
]
by_loss = pytest.mark.parametrize("choices", EVERY_LOSS, ids=lambda c: f"{c['loss']}-{c['dataset']}")


def hessian(model, loss_fn, inputs, targets):
    """The whole matrix by torch.func, in double, over the parameters that train."""
    model = model.double()
    targets = targets.double() if targets.is_floating_point() else targets
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    shapes = [p.shape for p in trained.values()]
    flat = torch.cat([p.detach().flatten() for p in trained.values()])

    def loss(vector):
        parts = vector.split([shape.numel() for shape in shapes])
        own = {name: part.view(s) for name, part, s in zip(trained, parts, shapes, strict=True)}
        return loss_fn(torch.func.functional_call(model, own, inputs.double()), targets)

    return torch.func.jacrev(torch.func.jacrev(loss))(flat)  # torch.func.hessian warns of torch.jit


@by_loss
def test_curvature_agrees_with_the_hessian_of_torch_func(choices):
    of = of_config(Config(**choices))
    largest = torch.linalg.eigvalsh(hessian(*of_config(Config(**choices))))[-1].item()
    assert sum(p.numel() for p in of[0].parameters()) <= theory.EXACT_UP_TO  # the exact path
    assert curvature(*of) == pytest.approx(largest, rel=1e-9)
    assert largest > 0.01  # else agreement would say nothing


@by_loss
def test_lanczos_agrees_with_the_exact_path_for_every_loss(choices, monkeypatch):
    of = of_config(Config(**choices))
    exact = curvature(*of)
    monkeypatch.setattr(theory, "EXACT_UP_TO", 0)
    assert curvature(*of) == pytest.approx(exact, rel=LANCZOS)


def test_lanczos_agrees_with_the_exact_path_on_the_default_mlp(monkeypatch):
    of = of_config(Config())
    lanczos = curvature(*of)
    monkeypatch.setattr(theory, "EXACT_UP_TO", 10_000)
    assert lanczos == pytest.approx(curvature(*of), rel=LANCZOS)


def test_lanczos_agrees_with_the_hessian_of_torch_func_on_layers_of_lenet():
    model, loss_fn, inputs, targets = of_config(Config(dataset="digits", model="lenet"))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in ("conv1.weight", "conv1.bias", "fc3.bias"))  # 70 entries
    few = inputs[:40], targets[:40]
    lanczos = curvature(model, loss_fn, *few)
    largest = torch.linalg.eigvalsh(hessian(model, loss_fn, *few))[-1].item()
    assert lanczos == pytest.approx(largest, rel=LANCZOS)


def test_lanczos_on_all_of_lenet_is_reached_by_plain_power_iteration():
    model, loss_fn, inputs, targets = of_config(Config(dataset="digits", model="lenet"))
    inputs, targets = inputs[:40].double(), targets[:40]
    largest = curvature(model, loss_fn, inputs, targets)
    parameters = list(model.double().parameters())
    grads = torch.autograd.grad(loss_fn(model(inputs), targets), parameters, create_graph=True)
    slope = torch.cat([g.flatten() for g in grads])
    vector = torch.ones(len(slope), dtype=torch.float64) / math.sqrt(len(slope))
    for _ in range(300):
        parts = torch.autograd.grad(slope @ vector, parameters, retain_graph=True)
        image = torch.cat([part.flatten() for part in parts])
        rayleigh = (vector @ image).item()
        vector = image + largest * vector  # the shift keeps negative eigenvalues out of the way
        vector = vector / vector.norm()
    assert rayleigh == pytest.approx(largest, rel=1e-3)
    assert rayleigh <= largest * (1 + LANCZOS)  # no quotient is above the largest eigenvalue


@pytest.mark.parametrize("exact_up_to", [64, 0], ids=["exact", "lanczos"])
def test_l1_on_a_linear_model_has_no_curvature(exact_up_to, monkeypatch):
    monkeypatch.setattr(theory, "EXACT_UP_TO", exact_up_to)
    config = Config(dataset="diabetes", model="linear", loss="l1")
    assert starting_curvature(config) == 0.0
    assert stability_limit(config, 0.0) is None  # and so no limit, rather than a division by 0


def test_a_loss_that_is_linear_in_the_weights_has_no_curvature():
    class Product(nn.Module):
        def forward(self, outputs, targets):
            return (outputs * targets).mean()

    assert curvature(at_zero(), Product(), INPUTS, TARGETS) == 0.0


class Bowl(nn.Module):
    """Outputs its own weights; with `Quadratic` the Hessian is diagonal with given curvatures."""

    def __init__(self, size):
        super().__init__()
        self.weights = nn.Parameter(torch.linspace(-1, 1, size))

    def forward(self, inputs):
        return self.weights


class Quadratic(nn.Module):
    def forward(self, outputs, targets):
        return (targets * outputs**2).sum() / 2


@pytest.mark.parametrize("size", [3, 80], ids=["exact", "lanczos"])
@pytest.mark.parametrize("low, high", [(-10.0, 2.0), (-10.0, -1.0)])
def test_the_largest_eigenvalue_is_meant_and_not_the_largest_in_magnitude(size, low, high):
    diagonal = torch.linspace(low, high, size, dtype=torch.float64)
    found = curvature(Bowl(size), Quadratic(), torch.zeros(1), diagonal)
    assert found == pytest.approx(high, rel=LANCZOS)


def test_no_limit_where_the_surface_curves_downwards():
    assert stability_limit(Config(), -1.0) is None
    assert stability_limit(Config(), math.nan) is None


@pytest.mark.parametrize("hidden", [(2,), (16, 16)], ids=["exact", "lanczos"])
def test_curvature_is_nan_where_the_weights_are(hidden):
    model, loss_fn, inputs, targets = of_config(Config(hidden=hidden))
    nn.init.constant_(model[0].weight, math.nan)
    assert math.isnan(curvature(model, loss_fn, inputs, targets))


@pytest.mark.parametrize("hidden", [(4,), (16, 16)], ids=["exact", "lanczos"])
def test_curvature_leaves_model_gradients_and_random_states_alone(hidden):
    model, loss_fn, inputs, targets = of_config(Config(hidden=hidden))
    loss_fn(model(inputs), targets).backward()
    before = [(p.clone(), p.grad.clone()) for p in model.parameters()]
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    curvature(model, loss_fn, inputs, targets)
    for parameter, (weights, grad) in zip(model.parameters(), before, strict=True):
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, weights) and torch.equal(parameter.grad, grad)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1] == states[1]).all()


def test_curvature_of_one_model_is_the_same_bits_twice():
    of = of_config(Config())
    assert curvature(*of) == curvature(*of)


# -- each limit is sharp -------------------------------------------------------------------

PLAIN = {"optimizer": "sgd", "momentum": 0.0}
SHARP = [  # order of the lines, other choices, lr times curvature at the limit
    *[(order, PLAIN, 2) for order in ("ZFLBS", "FZLBS", "FLZBS", "FLBSZ")],
    *[(order, PLAIN, 2) for order in ("SZFLB", "SFZLB", "SFLZB")],
    *[(order, PLAIN, 1) for order in ("FLSZB", "FSZLB", "FSLZB")],
    ("ZFLBS", {"optimizer": "sgd_by_hand"}, 2),
    ("FLSZB", {"optimizer": "sgd_by_hand"}, 1),
    ("ZFLBS", {"optimizer": "sgd", "momentum": 0.5}, 2 * 1.5),
    ("ZFLBS", {"optimizer": "sgd", "momentum": 0.9}, 2 * 1.9),
    ("ZFLBS", {"optimizer": "nesterov", "momentum": 0.9}, 2 * 1.9 / 2.8),
]
SKIPPED = [("FLBS", PLAIN), ("SFLB", PLAIN), ("FLBS", {"optimizer": "sgd_by_hand"})]


def excess(run):
    """Loss above that of the best line, whose loss is 0.025417 (closed form of least squares)."""
    design = np.hstack([INPUTS.numpy(), np.ones((4, 1))])
    _, residual, _, _ = np.linalg.lstsq(design, TARGETS.numpy())
    return run.history.losses - residual[0] / 4


def run_at(order, choices, product, steps):
    """A run on the deliveries whose learning rate times the largest curvature is `product`."""
    return deliveries_run(loop=from_letters(order), lr=product / STEEPEST, steps=steps, **choices)


@pytest.mark.parametrize("order, choices, limit", SHARP)
def test_just_below_its_limit_a_run_shrinks_and_just_above_it_grows(order, choices, limit):
    # The slowest, at a limit of 1, change by the square root of 0.99 or 1.01 a step.
    below = excess(run_at(order, choices, 0.99 * limit, 600))
    above = excess(run_at(order, choices, 1.01 * limit, 600))
    assert below[-2:].max() < 0.01 * below[0]
    assert above[-2:].max() > 100 * above[0]


@pytest.mark.parametrize("order, choices, limit", SHARP)
def test_stability_limit_is_the_sharp_one(order, choices, limit):
    config = Config(loop=from_letters(order), **choices)
    assert stability_limit(config, STEEPEST) == pytest.approx(limit / STEEPEST, rel=1e-12)


@pytest.mark.parametrize("order, choices", SKIPPED)
def test_skipped_just_below_its_limit_stays_bounded_and_just_above_it_grows(order, choices):
    below = excess(run_at(order, choices, 0.99 * 4, 1000))
    # Each of the two directions stays within 1 / cos(a / 2) of its start, and
    # cos(a / 2)^2 = 1 - lr c / 4; the losses of the two add up.
    bound = below[0] / (1 - 0.99)
    assert below.max() <= bound
    assert below[500:].max() > 0.5 * below[:500].max()  # undamped
    above = excess(run_at(order, choices, 1.01 * 4, 100))
    assert above[-1] > 1e6 * above[0]
    config = Config(loop=from_letters(order), **choices)
    assert stability_limit(config, STEEPEST) == pytest.approx(4 / STEEPEST, rel=1e-12)


def test_weight_decay_adds_to_the_curvature():
    config = Config(dataset="deliveries", model="linear", weight_decay=1.0)
    limit = stability_limit(config, STEEPEST)
    assert limit == pytest.approx(2 / (STEEPEST + 1), rel=1e-12)
    below = deliveries_run(lr=0.99 * limit, weight_decay=1.0, steps=1000).history.losses
    above = deliveries_run(lr=1.01 * limit, weight_decay=1.0, steps=1000).history.losses
    assert below[-2:].max() < below[0]
    assert above[-2:].max() > 100 * above[0]


def test_a_sum_is_as_many_times_as_steep_as_the_mean():
    """Four deliveries: the limit of the sum is a quarter of that of the mean, and the run keeps to it."""
    config = Config(
        dataset="deliveries", model="linear", start=(0.0,), loss_arguments=(("reduction", "sum"),)
    )
    steep = starting_curvature(config)
    assert steep == pytest.approx(4 * STEEPEST, rel=1e-4)
    limit = stability_limit(config, steep)
    assert limit == pytest.approx(2 / STEEPEST / 4, rel=1e-4)
    below, above = (Run(replace(config, lr=f * limit)).advance().history.losses for f in (0.95, 1.05))
    assert below[-1] < below[0] and not above[-1] < above[0]


def test_sgd_by_hand_has_neither_momentum_nor_weight_decay():
    config = Config(optimizer="sgd_by_hand", momentum=0.9, weight_decay=0.5)
    assert stability_limit(config, STEEPEST) == pytest.approx(2 / STEEPEST, rel=1e-12)


@pytest.mark.parametrize(
    "choices",
    [
        {"optimizer": "adam"},
        {"optimizer": "rmsprop"},
        {"loop": from_letters("ZFLSB")},  # never trains
        {"loop": from_letters("FLBS"), "momentum": 0.5},
        {"loop": from_letters("FLBS"), "weight_decay": 0.1},
        {"loop": ()},
        {"schedule": ((5, 0.1),)},  # which of the two rates would it be?
        {"batch_size": 16},  # each batch has a curvature of its own
        {"dataset": "line", "loss": "l1"},  # its gradient does not shrink
        {"dataset": "line", "loss": "smooth_l1", "loss_arguments": (("beta", 0.0),)},  # which is L1
        {"momentum": 0.5, "optimizer_arguments": (("dampening", 0.5),)},
        {"optimizer_arguments": (("maximize", True),)},  # it climbs
        {"optimizer": "asgd"},  # its rate fades
        {"scheduler": "warmup"},  # as made, it starts at a tenth of the rate
        *({"loop": with_practice(USUAL, name)} for name in PRACTICES),
    ],
)
def test_no_limit_is_claimed_where_none_is_known(choices):
    assert stability_limit(Config(**choices), STEEPEST) is None


def test_at_lr_0_2_the_usual_loop_overflows_and_the_one_without_zero_grad_does_not():
    """The learning rate lies between the two limits 0.1198 and 0.2395."""
    usual = deliveries_run(lr=0.2, steps=1000).history.losses
    skipped = deliveries_run(lr=0.2, steps=1000, loop=from_letters("FLBS")).history.losses
    assert np.isinf(usual).any() and np.isnan(usual[-1])
    assert np.isfinite(skipped).all()


# -- skipping zero_grad is momentum 1 ------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("choices", [
    {"dataset": "deliveries", "model": "linear", "lr": 0.01, "steps": 500},
    {"dataset": "moons", "hidden": (8,), "lr": 0.05, "steps": 200, "batch_size": 32},
], ids=["linear", "mlp-batches"])  # fmt: skip
def test_skipping_zero_grad_is_momentum_1_to_the_bit(choices, dtype):
    skipped = Run(Config(loop=from_letters("FLBS"), dtype=dtype, **choices)).advance()
    momentum = Run(Config(momentum=1.0, dtype=dtype, **choices)).advance()
    assert (skipped.history.losses == momentum.history.losses).all()
    for name, weights in skipped.history.weights.items():
        assert (weights == momentum.history.weights[name]).all()


def swing(product, steps):
    """(steps,) weights w_t, from 1, of a skipping loop on the loss w^2, whose curvature is 2."""
    model = at_zero(bias=False)
    nn.init.ones_(model.weight)
    data = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    loop = from_letters("FLBS")
    config = Config(dataset="deliveries", loop=loop, lr=product / 2, dtype="float64", steps=steps)
    return Run(config, data=data, model=model).advance().history.weights["weight"].ravel()


@pytest.mark.parametrize("product", [0.02, 0.2, 1.0, 2.0, 3.9])
def test_skipping_on_a_quadratic_is_an_undamped_cosine(product):
    """w_t = w_0 cos((t + 1/2) a) / cos(a / 2) with cos a = 1 - lr c / 2."""
    weights = swing(product, 400)
    a = math.acos(1 - product / 2)
    closed = np.cos((np.arange(400) + 0.5) * a) / math.cos(a / 2)
    np.testing.assert_allclose(weights, closed, atol=1e-9)
    assert abs(weights).max() <= 1 / math.cos(a / 2) + 1e-9


@pytest.mark.parametrize("product", [0.02, 0.2, 1.0, 2.0, 3.9])
def test_skipping_conserves_a_quantity_and_only_the_mean_settles(product):
    weights = swing(product, 2000)
    now, before = weights[1:], weights[:-1]
    conserved = now**2 + before**2 - (2 - product) * now * before
    np.testing.assert_allclose(conserved, conserved[0], rtol=1e-9)
    assert abs(weights[1000:]).max() > 0.9  # it never settles
    assert abs(weights.mean()) < 0.02  # its running mean does


def test_at_exactly_four_the_swing_grows_by_two_per_step():
    """The boundary case: |w_t| = 2t + 1, in whole numbers, so without rounding."""
    steps = np.arange(200)
    assert (swing(4.0, 200) == (-1.0) ** steps * (2 * steps + 1)).all()


def test_the_start_of_a_run_is_all_that_its_starting_curvature_depends_on():
    config = Config(start=(0.3,), hidden=(4,), seed=2, noise=0.1, lr=3.0, momentum=0.9, loop=(), batch_size=8)
    assert theory.start_of(config) == Config(start=(0.3,), hidden=(4,), seed=2, noise=0.1)
    assert starting_curvature(theory.start_of(config)) == starting_curvature(config)
    drawn = theory.start_of(Config(hidden=(4,), seed=2, noise=0.1))
    assert starting_curvature(drawn) != starting_curvature(config)
