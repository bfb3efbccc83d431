"""An outlier and the lines that three losses fit, held against other ways to find them."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from core.loss_lessons.outlier import ENDS, FITTED, MOVED, REACH, X, Y, config, fit, frame, points

PLACES = (-REACH, -3, 4, REACH)
N = len(X)


@pytest.fixture(scope="module")
def fits():
    return {(loss, y): fit(loss, y) for loss in FITTED for y in PLACES}


def columns(y):
    inputs, targets = points(y)
    return inputs.double().numpy()[:, 0], targets.double().numpy()[:, 0]


def errors(one, y):
    x, targets = columns(y)
    return one.weight * x + one.bias - targets


@pytest.mark.parametrize("y", PLACES)
def test_mse_ends_at_the_line_of_least_squares(fits, y):
    one = fits["mse", y]
    weight, bias = np.polyfit(*columns(y), 1)
    assert (one.weight, one.bias) == pytest.approx((weight, bias), abs=1e-4)
    assert one.pull == pytest.approx(2 * errors(one, y)[MOVED] / N, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("y", PLACES)
def test_l1_ends_close_to_the_least_sum_that_a_linear_program_finds(fits, y):
    x, targets = columns(y)
    design = np.stack([x, np.ones(N)], axis=1)
    both = np.block([[design, -np.eye(N)], [-design, -np.eye(N)]])
    best = linprog(
        [0, 0, *[1 / N] * N], both, [*targets, *-targets], bounds=[(None, None)] * 2 + [(0, None)] * N
    )
    one = fits["l1", y]
    assert abs(errors(one, y)).mean() == pytest.approx(one.value, rel=1e-4)
    assert best.fun - 1e-6 <= one.value <= best.fun + 2e-3
    assert abs(one.pull) == pytest.approx(1 / N)


@pytest.mark.parametrize("y", PLACES)
def test_huber_ends_where_its_gradient_is_0(fits, y):
    one = fits["huber", y]
    clipped = np.clip(errors(one, y), -1, 1) / N
    assert clipped.sum() == pytest.approx(0, abs=1e-5) and (clipped * columns(y)[0]).sum() == pytest.approx(
        0, abs=1e-5
    )
    assert one.pull == pytest.approx(clipped[MOVED], abs=1e-5)


def test_the_outlier_moves_the_line_of_mse_alone(fits):
    """Far out, another step does not move the lines of L1 and Huber at all."""
    moved = {loss: abs(fits[loss, -REACH].weight - fits[loss, 4].weight) for loss in FITTED}
    assert moved["mse"] > 1.5 and moved["l1"] < 0.1 and moved["huber"] < 0.2
    assert fits["mse", -REACH].pull > 10 * fits["l1", -REACH].pull


def test_near_the_line_huber_pulls_half_as_hard_as_mse_and_far_out_like_l1():
    for size in (0.5, -0.9, 4.0, -30.0):
        pulls = []
        for loss in (torch.nn.MSELoss(), torch.nn.HuberLoss(), torch.nn.L1Loss()):
            output = torch.tensor([size], requires_grad=True)
            pulls.append(torch.autograd.grad(loss(output, torch.zeros(1)), output)[0].item())
        assert pulls[1] == pytest.approx(pulls[0] / 2 if abs(size) < 1 else pulls[2])


def test_one_point_is_moved():
    assert Y[MOVED] == 2 * X[MOVED] + 1  # at home it lies on the line that the others are scattered around
    home, moved = points(Y[MOVED])[1], points(9.0)[1]
    assert (home != moved).nonzero().tolist() == [[MOVED, 0]] and moved[MOVED] == 9
    assert torch.equal(points(9.0)[0], torch.tensor(X)[:, None])
    assert all(config(loss).steps == 300 for loss in FITTED)


def test_a_frame_has_the_points_and_both_lines(fits):
    one, home = fits["mse", -3], fits["mse", 4]
    rows = frame(-3, one, home)
    assert rows["part"].value_counts().to_dict() == {"point": N - 1, "outlier": 1, "line": 2, "home": 2}
    assert rows[rows["part"] == "outlier"][["x", "y"]].to_numpy().tolist() == [[X[MOVED], -3]]
    for part, line in (("line", one), ("home", home)):
        drawn = rows[rows["part"] == part]
        assert drawn["x"].tolist() == list(ENDS)
        np.testing.assert_allclose(drawn["y"], line.weight * drawn["x"] + line.bias)
