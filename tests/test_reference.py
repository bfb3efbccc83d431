"""Numbers that others published, reached by training through `core.Run`.

The files in tests/reference hold data and results from outside this project; each entry names
its source: NIST StRD, Anscombe 1973, Stata and R, A. Ng's exercises, A. Karpathy's notebooks.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core import Config, Run


def load(name):
    return json.loads((Path(__file__).parent / "reference" / f"{name}.json").read_text())


LEAST_SQUARES, LOGISTIC = load("least_squares"), load("logistic")
MICROGRAD, EMMA = load("micrograd_demo"), load("makemore_emma")


def table(entry):
    """Inputs (rows, columns) and targets (rows, 1) in double."""
    inputs = torch.tensor(entry["x"], dtype=torch.float64)
    return inputs, torch.tensor(entry["y"], dtype=torch.float64)[:, None]


def linear(coefficients, intercept=None):
    """A linear model in double that starts at these numbers."""
    model = nn.Linear(len(coefficients), 1, bias=intercept is not None, dtype=torch.float64)
    numbers = [*coefficients] if intercept is None else [*coefficients, intercept]
    nn.utils.vector_to_parameters(torch.tensor(numbers, dtype=torch.float64), model.parameters())
    return model


def train(data, model, steps, lr, dataset="diabetes", **choices):
    """A run on one's own data; `dataset` only says which losses fit."""
    config = Config(dataset=dataset, steps=steps, lr=lr, dtype="float64", **choices)
    return Run(config, data=data, model=model).advance()


def fit(entry, steps, lr, **choices):
    """Train on standardized inputs; (slopes, intercept) in the units of the data."""
    inputs, targets = table(entry)
    mean, deviation = inputs.mean(0), inputs.std(0, correction=0)
    run = train(((inputs - mean) / deviation, targets), linear([0.0] * len(mean), 0.0), steps, lr, **choices)
    slopes = run.model.weight.detach()[0] / deviation
    return slopes.numpy(), (run.model.bias.detach() - slopes @ mean).item(), run


CERTIFIED = [name for name, entry in LEAST_SQUARES.items() if "rss" in entry["ref"]]


@pytest.mark.parametrize("name", CERTIFIED)
def test_the_loss_at_certified_coefficients_is_the_certified_residual(name):
    entry = LEAST_SQUARES[name]
    ref, rows = entry["ref"], len(entry["y"])
    run = train(table(entry), linear(ref["coef"], ref.get("intercept")), steps=1, lr=0.0)
    # in Longley's data terms of some 10^6 leave residuals of some 10^2
    assert run.history.losses[0] * rows == pytest.approx(ref["rss"], rel=1e-8, abs=1e-9)


def test_norris_is_fitted_to_the_certified_digits():
    ref = LEAST_SQUARES["norris"]["ref"]
    # one standardized input: the curvature is 2 in both directions, so lr 1/2 jumps to the optimum
    slopes, intercept, run = fit(LEAST_SQUARES["norris"], steps=3, lr=0.5)
    assert slopes[0] == pytest.approx(ref["coef"][0], rel=1e-12)
    assert intercept == pytest.approx(ref["intercept"], rel=1e-9)
    assert run.history.losses[-1] * 36 == pytest.approx(ref["rss"], rel=1e-10)


@pytest.mark.parametrize("name", ["noint1", "noint2"])
def test_a_line_without_intercept_is_fitted_to_the_certified_digits(name):
    entry = LEAST_SQUARES[name]
    inputs, targets = table(entry)
    curvature = 2 * (inputs**2).mean().item()
    run = train((inputs, targets), linear([0.0]), steps=3, lr=1 / curvature)
    assert run.model.weight.item() == pytest.approx(entry["ref"]["coef"][0], rel=1e-13)
    assert run.history.losses[-1] * len(targets) == pytest.approx(entry["ref"]["rss"], rel=1e-12)


@pytest.mark.parametrize("name", ["anscombe1", "anscombe2", "anscombe3", "anscombe4"])
def test_anscombes_four_data_sets_have_the_same_line(name):
    slopes, intercept, _ = fit(LEAST_SQUARES[name], steps=3, lr=0.5)
    assert slopes[0] == pytest.approx(0.5, abs=0.0005)  # published as 3.00 + 0.500 x
    assert intercept == pytest.approx(3.0, abs=0.005)


def test_stack_loss_is_fitted_by_least_squares():
    ref = LEAST_SQUARES["stackloss"]["ref"]
    slopes, intercept, _ = fit(LEAST_SQUARES["stackloss"], steps=400, lr=0.15, optimizer="nesterov")
    assert slopes == pytest.approx(ref["coef"], abs=5e-5)  # R prints four decimals
    assert intercept == pytest.approx(ref["intercept"], abs=5e-5)


def test_stack_loss_is_fitted_by_huber():
    """MASS::rlm's Huber estimate: the quadratic part ends where |error| / delta is 1."""
    entry = LEAST_SQUARES["stackloss"]
    delta = entry["ref"]["huber_delta"]
    scaled = entry | {"y": [y / delta for y in entry["y"]]}
    slopes, intercept, _ = fit(scaled, steps=1000, lr=0.3, optimizer="nesterov", loss="huber")
    assert slopes * delta == pytest.approx(entry["ref"]["huber_coef"], abs=1e-4)
    assert intercept * delta == pytest.approx(entry["ref"]["huber_intercept"], abs=1e-3)


LAD = [name for name, entry in LEAST_SQUARES.items() if "lad_sum" in entry["ref"]]


@pytest.mark.parametrize("name", LAD)
def test_the_l1_loss_is_smallest_at_the_median_line(name):
    ref = LEAST_SQUARES[name]["ref"]
    intercept, *slopes = ref.get("lad_lp", [ref["lad_intercept"], *ref["lad_coef"]])
    data = table(LEAST_SQUARES[name])
    best = train(data, linear(slopes, intercept), steps=1, lr=0.0, loss="l1").history.losses[0]
    assert best * len(data[1]) == pytest.approx(ref["lad_sum"], rel=1e-9)
    for off in (0.99, 1.01):
        other = train(data, linear(slopes, intercept * off), steps=1, lr=0.0, loss="l1")
        assert other.history.losses[0] >= best


def test_gradient_descent_of_ngs_first_exercise():
    """ex1.m prints J(0, 0), J(-1, 2) and theta after 1,500 steps at alpha 0.01, where J = MSE / 2."""
    entry = LEAST_SQUARES["ng_ex1"]
    data, ref = table(entry), entry["ref"]
    run = train(data, linear([0.0], 0.0), steps=1500, lr=0.01 / 2)
    assert run.history.losses[0] / 2 == pytest.approx(ref["J00"], abs=0.005)
    other = train(data, linear([2.0], -1.0), steps=1, lr=0.0)
    assert other.history.losses[0] / 2 == pytest.approx(ref["Jm12"], abs=0.005)
    theta = [run.model.bias.item(), run.model.weight.item()]
    assert theta == pytest.approx(ref["theta"], abs=5e-5)


def bce_at(entry, intercept, slopes):
    """Loss and gradient (intercept first) at these weights."""
    run = train(table(entry), linear(slopes, intercept), steps=1, lr=0.0, dataset="xor", loss="bce")
    grads = run.history.grads
    return run.history.losses[0], [*grads["bias"][0], *grads["weight"][0, 0]]


def test_cost_and_gradient_of_ngs_logistic_exercise():
    """ex2.m prints both at theta = 0 and at (-24, 0.2, 0.2)."""
    ref = LOGISTIC["ng_ex2"]["ref"]
    loss, grad = bce_at(LOGISTIC["ng_ex2"], 0.0, [0.0, 0.0])
    assert loss == pytest.approx(ref["J0"], abs=5e-4)
    assert grad == pytest.approx(ref["g0"], abs=5e-5)
    loss, grad = bce_at(LOGISTIC["ng_ex2"], -24.0, [0.2, 0.2])
    assert loss == pytest.approx(ref["Jt"], abs=5e-4)
    assert grad == pytest.approx(ref["gt"], abs=5e-4)


def fit_logistic(entry, steps):
    return fit(entry, steps, lr=4.0, optimizer="nesterov", dataset="xor", loss="bce")


def test_the_optimum_of_ngs_logistic_exercise_is_reached():
    ref = LOGISTIC["ng_ex2"]["ref"]
    slopes, intercept, run = fit_logistic(LOGISTIC["ng_ex2"], steps=600)
    assert run.history.losses[-1] == pytest.approx(ref["Jopt"], abs=5e-4)
    assert [intercept, *slopes] == pytest.approx(ref["theta"], abs=5e-4)


def test_spectors_logit_is_that_of_stata():
    ref = LOGISTIC["spector"]["ref"]
    slopes, intercept, run = fit_logistic(LOGISTIC["spector"], steps=600)
    assert -32 * run.history.losses[-1] == pytest.approx(ref["llf"], rel=1e-9)  # log likelihood
    assert slopes == pytest.approx(ref["coef"], rel=1e-5)
    assert intercept == pytest.approx(ref["intercept"], rel=1e-5)


def test_the_diabetes_data_set_is_fitted_as_in_scikit_learns_documentation():
    """Published R^2 0.5177; on standardized targets the loss left over is 1 - R^2."""
    choices = {"model": "linear", "val_share": 0.0, "optimizer": "nesterov", "dtype": "float64"}
    losses = Run(Config(dataset="diabetes", lr=0.1, steps=1500, **choices)).advance().history.losses
    assert losses[-1] == pytest.approx(1 - 0.5177, abs=5e-5)


def test_karpathys_bigrams_of_emma():
    """makemore, part 1: the first loss and that after four steps.

    Those were computed in float32, so they are right to some 1e-7; here in double, which all processors
    round alike as far as that.
    """
    model = nn.Linear(27, 27, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor(EMMA["W"], dtype=torch.float64).T)
    inputs = nn.functional.one_hot(torch.tensor(EMMA["xs"]), 27).double()
    choices = {"model": "linear", "loss": "cross_entropy", "dtype": "float64"}
    config = Config(dataset="digits", lr=EMMA["lr"], steps=5, **choices)
    run = Run(config, data=(inputs, torch.tensor(EMMA["ys"])), model=model).advance()
    assert run.history.losses[[0, 4]] == pytest.approx([EMMA["loss0"], EMMA["loss4"]], rel=2e-7)


class Hinge(nn.Module):
    """Outputs relu(1 - label * score): micrograd's margin loss is their mean size.

    The label is the third input column.
    """

    def __init__(self):
        super().__init__()
        layers = (nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
        self.net = nn.Sequential(*layers).double()
        start = [number for part in MICROGRAD["init"] for array in part for number in np.ravel(array)]
        nn.utils.vector_to_parameters(torch.tensor(start, dtype=torch.float64), self.parameters())

    def forward(self, rows):
        return torch.relu(1 - rows[:, 2:] * self.net(rows[:, :2]))


def test_micrograds_hundred_steps_on_two_moons():
    """Its learning rate falls at every step, so each step is a run that goes on with the model."""
    labeled = [[*x, y] for x, y in zip(MICROGRAD["x"], MICROGRAD["y"], strict=True)]
    rows = torch.tensor(labeled, dtype=torch.float64)
    zeros, model = torch.zeros(100, 1, dtype=torch.float64), Hinge()
    losses = []
    for step in range(100):
        penalty = sum((p**2).sum().item() for p in model.parameters())
        # 1e-4 |w|^2 in the loss is a weight decay of 2e-4 in the gradient
        lr = 1.0 - 0.9 * step / 100
        run = train((rows, zeros), model, 1, lr, loss="l1", optimizer="sgd", weight_decay=2e-4)
        losses.append(run.history.losses[0] + 1e-4 * penalty)
        model = run.model
    published = [loss for _, loss, _ in MICROGRAD["published"]]
    # rounding differs between Python floats and torch; 100 steps carry it along
    np.testing.assert_allclose(losses, published, rtol=1e-9)
