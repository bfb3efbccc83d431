"""The loss on a plane: held against closed forms, taken in slices, with the model left alone."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from core import Config, Run, build
from core.watch.plane import flat, own_plane, path_of
from core.watch.surface import (
    LEVELS,
    MARGIN,
    MAX_WORK,
    NARROWEST,
    SIZE_OF_TWO,
    SIZES,
    Surface,
    grid_size,
    least_squares,
    levels,
    losses_words,
    surface_words,
    window,
)

X, Y = np.array([1.0, 2, 3, 4]), np.array([6.96, 12.11, 16.77, 22.21])  # the deliveries
QUIET = settings(deadline=None, max_examples=60)


def run_of(**choices):
    """A finished run, in double unless told."""
    return Run(Config(**{"dtype": "float64"} | choices)).advance()


def deliveries(**choices):
    return run_of(**{"dataset": "deliveries", "model": "linear", "start": (0.0,), "lr": 0.05} | choices)


def path_in(run):
    return path_of(flat(run.history.weights), run.history.losses)


def surface_of(run, path, within=None, size=None):
    data = run.data
    within = window(path) if within is None else within
    return Surface(
        run.model, build.make_loss(run.config, data), data.inputs, data.targets, path.plane, within, size
    )


def squared_error(weight, bias):
    """The loss of the deliveries by hand."""
    return sum((weight * x + bias - y) ** 2 for x, y in zip(X, Y, strict=True)) / 4


# -- the loss on the plane -----------------------------------------------------------------


@pytest.mark.parametrize("dtype, close", [("float64", 1e-12), ("float32", 1e-4)])
def test_two_parameters_give_the_squared_error_of_the_deliveries(dtype, close):
    run = deliveries(dtype=dtype, steps=20)
    path = path_in(run)
    surface = surface_of(run, path, ((3.0, 7.0), (-1.0, 5.0))).advance()
    assert surface.losses.shape == (SIZE_OF_TWO, SIZE_OF_TWO)
    assert (surface.x[0], surface.x[-1], surface.y[0], surface.y[-1]) == (3.0, 7.0, -1.0, 5.0)
    expected = squared_error(surface.x[None, :], surface.y[:, None])
    np.testing.assert_allclose(surface.losses, expected, rtol=close)


def test_second_differences_are_the_hessian():
    """[[15, 5], [5, 2]]: twice the mean of x^2, x and 1 over x = 1, 2, 3, 4."""
    run = deliveries(steps=5)
    losses = surface_of(run, path_in(run), ((3.0, 5.0), (1.0, 3.0)), size=3).advance().losses
    assert losses[1, 2] - 2 * losses[1, 1] + losses[1, 0] == pytest.approx(15)
    assert losses[2, 1] - 2 * losses[1, 1] + losses[0, 1] == pytest.approx(2)
    assert (losses[2, 2] - losses[2, 0] - losses[0, 2] + losses[0, 0]) / 4 == pytest.approx(5)


@pytest.mark.parametrize(
    "choices",
    [
        {"dataset": "moons"},
        {"dataset": "moons", "loss": "mse", "activation": "tanh", "hidden": (5,)},
        {"dataset": "iris", "hidden": (8, 8)},
        {"dataset": "digits", "model": "lenet", "lr": 0.1},
        {"dataset": "diabetes", "model": "linear", "loss": "huber", "lr": 0.01},
    ],
    ids=lambda choices: " ".join(map(str, choices.values())),
)
def test_three_points_lie_in_their_plane_with_the_losses_that_the_loop_computed(choices):
    run = run_of(steps=3, **choices)
    path = path_in(run)
    surface = surface_of(run, path)
    assert path.plane.share == pytest.approx(1.0, abs=1e-12)
    found = [surface.loss_at(*point) for point in path.points]
    np.testing.assert_allclose(found, run.history.losses, rtol=1e-9)
    assert len(set(found)) == 3


def test_a_point_off_the_path_is_the_model_with_those_weights():
    run = run_of(dataset="moons", steps=30, hidden=(4,), activation="tanh")
    path = path_in(run)
    surface = surface_of(run, path, size=5).advance()
    first, hidden_bias, second, bias = np.split(
        path.plane.weights(surface.x[3], surface.y[1]), np.cumsum([8, 4, 4])
    )
    inputs, targets = run.data.inputs.numpy(), run.data.targets.numpy()[:, 0]
    logits = np.tanh(inputs @ first.reshape(4, 2).T + hidden_bias) @ second + bias
    expected = np.mean(np.logaddexp(0, logits) - targets * logits)
    assert surface.losses[1, 3] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_model_and_torch_are_left_alone(enabled):
    run = run_of(dataset="iris", steps=4)
    model = run.model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    grads = [p.grad.clone() for p in model.parameters()]
    random = torch.get_rng_state()
    with torch.set_grad_enabled(enabled):
        surface = surface_of(run, path_in(run), size=5).advance()
        assert torch.is_grad_enabled() == enabled
    assert model.training and (torch.get_rng_state() == random).all()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(torch.equal(p.grad, grad) for p, grad in zip(model.parameters(), grads, strict=True))
    assert all(p.requires_grad for p in model.parameters())
    assert np.isfinite(surface.losses).all()


def test_layers_such_as_dropout_are_switched_off():
    model = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.9)).train()
    inputs, targets = torch.ones(50, 1), torch.zeros(50, 1)
    plane = own_plane(("weight", "bias"))
    surface = Surface(model, nn.MSELoss(), inputs, targets, plane, ((0, 1), (0, 1)), size=2).advance()
    assert surface.losses.tolist() == [[0, 1], [1, 4]]
    assert model.training


def test_losses_that_overflow_are_kept_as_they_are():
    run = deliveries(dtype="float32", steps=3)
    losses = surface_of(run, path_in(run), ((-1e30, 1e30), (0.0, 1.0)), size=3).advance().losses
    assert np.isinf(losses[:, [0, 2]]).all() and np.isfinite(losses[:, 1]).all()


def test_a_plane_of_another_model_is_refused():
    run = deliveries(steps=3)
    with pytest.raises(ValueError, match="one of the model's 337 parameters; got 2"):
        surface_of(run_of(dataset="moons", steps=1), path_in(run))


# -- slices --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slices_give_the_bits_of_one_go(dtype):
    run = run_of(dataset="moons", steps=10, dtype=dtype)
    path = path_in(run)
    whole = surface_of(run, path, size=9).advance()
    sliced = surface_of(run, path, size=9)
    shares = []
    while not sliced.done:
        sliced.advance(max_points=7)
        sliced.loss_at(123.0, -5.0)  # a look elsewhere changes nothing
        shares.append(sliced.share_done)
    assert shares == [min(7 * (i + 1), 81) / 81 for i in range(12)]
    assert (sliced.losses == whole.losses).all()
    assert (sliced.advance().losses == whole.losses).all() and sliced.share_done == 1.0


def test_a_slice_without_time_computes_one_point_and_the_rest_is_to_come():
    run = deliveries(steps=3)
    surface = surface_of(run, path_in(run), size=4)
    assert np.isnan(surface.losses).all() and surface.share_done == 0.0
    surface.advance(budget_s=0.0)
    assert surface.computed == 1 and np.isfinite(surface.losses[0, 0])
    assert np.isnan(surface.losses).sum() == 15 and not surface.done
    surface.advance(max_points=0)
    assert surface.computed == 1


@given(st.integers(1, 10**6), st.integers(2, 10**6))
@QUIET
def test_the_grid_is_as_fine_as_the_work_allows(rows, parameters):
    size = grid_size(rows, parameters)
    sizes = ((SIZE_OF_TWO,) if parameters == 2 else ()) + SIZES
    assert size in sizes
    assert size == min(SIZES) or rows * parameters * size**2 <= MAX_WORK
    assert all(rows * parameters * finer**2 > MAX_WORK for finer in sizes if finer > size)


def test_sizes_of_the_grid_for_the_models_here():
    assert grid_size(4, 2) == 81  # deliveries
    assert grid_size(200, 337) == 41  # 2-16-16-1
    assert grid_size(1438, 4810) == 31  # 64-64-10
    assert grid_size(1438, 5958) == 25  # LeNet
    assert grid_size(1438, 10**6) == 17


# -- what is shown -------------------------------------------------------------------------

points = st.integers(1, 8).flatmap(lambda n: arrays(float, (n, 2), elements=st.floats(-1e3, 1e3)))


@given(points, st.one_of(st.none(), st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))))
@QUIET
def test_the_window_holds_path_and_minimum_with_a_margin(points, minimum):
    path = path_of(points, np.ones(len(points)))
    held = points if minimum is None else np.vstack([points, minimum])
    found = np.array(window(path, minimum))
    sides = np.diff(found)[:, 0]
    assert (sides > 0).all() and sides.max() <= sides.min() / NARROWEST * (1 + 1e-9)
    for axis in (0, 1):
        low, high = found[axis]
        margin = MARGIN * np.ptp(held[:, axis]) * (1 - 1e-9)
        assert low + margin <= held[:, axis].min() and held[:, axis].max() <= high - margin
        assert (low + high) / 2 == pytest.approx((held[:, axis].min() + held[:, axis].max()) / 2, abs=1e-9)


def test_the_window_of_a_path_by_hand():
    path = path_of(np.array([[0.0, 0.0], [10.0, 4.0]]), np.ones(2))
    np.testing.assert_allclose(window(path), [(-1.5, 11.5), (-0.6, 4.6)])
    np.testing.assert_allclose(window(path, (20.0, 4.0)), [(-3, 23), (-0.6, 4.6)])
    narrow = path_of(np.array([[0.0, 3.0], [10.0, 3.0]]), np.ones(2))
    np.testing.assert_allclose(window(narrow), [(-1.5, 11.5), (3 - 0.65, 3 + 0.65)])


def test_rows_outside_the_picture_do_not_widen_it():
    points = np.array([[0.0, 0.0], [10.0, 4.0], [1e4, 1e4], [1e8, 1e8]])
    path = path_of(points, np.array([1.0, 2.0, 1e6, 1e12]))
    assert window(path) == window(path_of(points[:2], np.ones(2)))


def test_where_nothing_moved_the_weights_give_the_scale():
    found = window(path_of(np.tile([3.0, 4.0], (5, 1)), np.ones(5)))
    np.testing.assert_allclose(found, [(3 - 6.5, 3 + 6.5), (4 - 6.5, 4 + 6.5)])
    np.testing.assert_allclose(window(path_of(np.zeros((5, 2)), np.ones(5))), [(-1.3, 1.3)] * 2)
    still = window(path_of(np.tile([3.0, 4.0, 12.0], (5, 1)), np.ones(5)))
    np.testing.assert_allclose(still, [(-16.9, 16.9)] * 2)


def test_a_run_that_explodes_shows_its_beginning():
    """At lr 0.13 the error grows by 1.171 a step: the start, and some crossings of the valley."""
    run = deliveries(lr=0.13, steps=300, dtype="float32")
    path = path_in(run)
    minimum = least_squares(run.data.inputs, run.data.targets)
    (left, right), (bottom, top) = window(path, minimum)
    assert run.history.losses[path.shown - 1] <= 100 * 242.4 < run.history.losses[path.shown]
    # The distance from the minimum grows with the root of the loss: about tenfold at most.
    assert 10 < path.shown < 20 and right - left < 2 * 10 * 5.041 * 1.3 and top - bottom < right - left
    assert left < 0 < minimum[0] < right and bottom < 0 < minimum[1] < top


# -- the minimum ---------------------------------------------------------------------------


def test_least_squares_on_the_deliveries():
    inputs = torch.tensor(X, requires_grad=True)  # as one's own may: then to NumPy only without the graph
    weight, bias = least_squares(inputs[:, None], torch.tensor(Y)[:, None])
    slope = ((X - 2.5) * (Y - Y.mean())).sum() / ((X - 2.5) ** 2).sum()
    assert (weight, bias) == pytest.approx((slope, Y.mean() - 2.5 * slope), rel=1e-12)
    assert (round(weight, 3), round(bias, 3)) == (5.041, 1.91)
    assert squared_error(weight, bias) == pytest.approx(0.025417, abs=1e-6)


def test_least_squares_with_several_features_leaves_no_slope():
    data = build.make_data(Config(dataset="diabetes", model="linear", dtype="float64"))
    found = least_squares(data.inputs, data.targets)
    columns = np.column_stack([data.inputs.numpy(), np.ones(len(data.inputs))])
    rest = columns @ found - data.targets.numpy()[:, 0]
    assert found.shape == (11,)
    np.testing.assert_allclose(columns.T @ rest, 0, atol=1e-9)


def test_least_squares_of_equal_inputs_is_the_shortest_of_the_best():
    found = least_squares(torch.full((3, 1), 2.0), torch.tensor([[4.0], [5.0], [6.0]]))
    np.testing.assert_allclose(found, [2.0, 1.0], atol=1e-12)  # 2 w + b = 5


# -- levels of contour lines ---------------------------------------------------------------

values = st.floats(-1e6, 1e6).map(lambda v: round(v, 6))


@given(arrays(float, (6, 7), elements=values | st.sampled_from([math.inf, math.nan])))
@QUIET
def test_levels_ascend_between_the_lowest_and_the_highest_loss(losses):
    found = levels(losses, 1e-7)
    finite = losses[np.isfinite(losses)]
    assert len(found) <= LEVELS and (np.diff(found) > 0).all()
    if len(found):
        assert finite.min() < found[0] and found[-1] < finite.max()
    elif len(finite):
        assert np.ptp(finite) <= 1e-5 * np.abs(finite).max()


@pytest.mark.parametrize("base", [0.0, 0.5, -3.0])
def test_distances_from_the_lowest_loss_grow_by_one_factor(base):
    above = np.append(np.geomspace(1e-4, 1e6, 4000), 0.0)
    found = levels(base + above, 1e-16) - base
    assert len(found) == LEVELS
    factors = found[1:] / found[:-1]
    np.testing.assert_allclose(factors, factors.mean(), rtol=0.3)  # they are rounded
    assert found[0] == pytest.approx(np.quantile(above, 0.01), rel=0.3)


def test_levels_have_few_digits_where_they_may():
    at = levels(np.append(np.geomspace(1e-4, 1e6, 4000), 0.0), 1e-16)
    assert all(float(f"{level:.2g}") == level for level in at)
    close = levels(5 + np.linspace(0, 1e-3, 4000), 1e-16)
    assert len(set(close)) == LEVELS


@pytest.mark.parametrize("losses", [np.full((5, 5), 0.7), np.zeros((5, 5)), np.full((5, 5), math.inf)])
def test_a_loss_that_is_the_same_everywhere_has_no_levels(losses):
    assert not len(levels(losses, 1e-7))


def test_rounding_is_no_hill():
    eps = np.finfo(np.float32).eps
    jitter = 0.7 * (1 + eps * np.random.default_rng(0).integers(-4, 5, (20, 20)))
    assert not len(levels(jitter, eps)) and len(levels(jitter, np.finfo(float).eps))


@pytest.mark.parametrize("count", [60, 66, 80, 140, 1000])
def test_levels_just_above_the_rounding_still_differ(count):
    eps = np.finfo(float).eps
    found = levels(1 + eps * np.arange(count), eps)
    assert (np.diff(found) > 0).all() and bool(len(found)) == (count > 65)


@pytest.mark.parametrize("plain, point", [(0.0, 2.0), (2.0, 0.0)])
def test_a_single_peak_or_hole_in_a_plain_has_levels(plain, point):
    losses = np.full((41, 41), plain)
    losses[7, 9] = point
    found = levels(losses, 1e-7)
    assert len(found) and found[0] > 0 and found[-1] < 2


@pytest.mark.parametrize("scale", [1e-310, 1e-30, 1e300])
def test_levels_at_the_ends_of_what_a_number_can_be(scale):
    found = levels(scale * np.linspace(0, 1, 50), 1e-16)
    assert len(found) == (0 if scale < 1e-300 else LEVELS)


# -- in words ------------------------------------------------------------------------------


def test_words_for_two_parameters():
    run = deliveries(steps=30, dtype="float32")
    path = path_in(run)
    minimum = least_squares(run.data.inputs, run.data.targets)
    surface = surface_of(run, path, window(path, minimum))
    words = surface_words(surface, path, minimum)
    assert words.startswith("The loss is lowest at weight 5.041 and bias 1.91: 0.02542.")
    assert "weight and bias, are the plane itself" in surface_words(surface, path)
    assert "outside" not in words and "last finite" not in words


def test_words_for_more_parameters_name_the_share_and_their_number():
    run = run_of(dataset="moons", steps=100)
    path = path_in(run)
    words = surface_words(surface_of(run, path), path)
    lengths = np.linalg.svd(flat(run.history.weights) - flat(run.history.weights).mean(axis=0))[1]
    share = (lengths[:2] ** 2).sum() / (lengths**2).sum()
    assert f"holds {100 * share:.0f}% of the movement of 337 parameters" in words
    assert "76% of a random walk" in words


def test_words_say_where_the_path_leaves_and_where_it_ends():
    run = deliveries(lr=0.13, steps=100)
    path = path_in(run)
    words = surface_words(surface_of(run, path), path)
    outside = int(np.flatnonzero(run.history.losses > 100 * 242.4)[0])
    assert f"From step {outside} on the path is outside the picture" in words
    weights = np.array([[0.0, 0.0], [1.0, 1.0], [math.inf, 0.0]])
    ended = path_of(weights, np.array([1.0, 2.0, math.nan]), np.array([0, 4, 8]))
    assert "last finite weights are those of step 4." in surface_words(surface_of(run, ended), ended)


def test_words_for_weights_that_do_not_move():
    run = run_of(dataset="moons", lr=0.0, steps=5)
    path = path_in(run)
    words = surface_words(surface_of(run, path, size=3), path)
    assert words == "The weights did not move; this is the plane of the first two of 337 parameters."


@pytest.mark.parametrize("wide, high, said", [(8.0, 1.0, True), (1.0, 8.0, True), (2.9, 1.0, False)])
def test_words_say_when_the_scales_differ(wide, high, said):
    run = deliveries(steps=5)
    path = path_in(run)
    words = surface_words(surface_of(run, path, ((0.0, wide), (5.0, 5.0 + high))), path)
    assert (f"the picture is {wide:.3g} wide and {high:.3g} high" in words) == said


class Constant(nn.Module):
    def forward(self, outputs, targets):
        return torch.tensor(0.7)


@pytest.mark.parametrize(("choices", "said"), [
    ({}, []),
    ({"batch_size": 16}, ["on all training rows;"]),
    ({"model": "mlp_dropout"}, ["in eval mode;"]),
    ({"model": "mlp_norm"}, ["in eval mode with the final running averages;"]),
])  # fmt: skip
def test_words_say_of_what_loss_the_contours_are_where_steps_see_another(choices, said):
    words = losses_words(Config(**choices))
    assert all(part in words for part in said) and bool(words) == bool(said)


def test_words_say_that_the_loss_is_flat_once_it_is_known():
    path = path_of(np.array([[0.0, 0.0], [1.0, 1.0]]), np.zeros(2))
    rows = torch.zeros(4, 1)
    surface = Surface(nn.Linear(1, 1), Constant(), rows, rows, path.plane, window(path), size=5)
    assert "same everywhere" not in surface_words(surface, path)
    assert "same everywhere" in surface_words(surface.advance(), path)
