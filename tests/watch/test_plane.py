"""The plane of a path: principal directions, what it holds of the movement, which rows count."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn.utils import parameters_to_vector

from core import Config, Run, build
from core.watch import plane
from core.watch.plane import FIT_ROWS, flat, path_of, principal_plane

QUIET = settings(deadline=None, max_examples=50)


def planar(points, size=50, seed=0):
    """Points (n, 2) embedded in `size` dimensions: (n, size), and the two axes they lie along."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((size, 2)))[0].T
    return points @ axes + rng.standard_normal(size), axes


def walk(rows, size, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, size)).cumsum(axis=0)


def distances(points):
    return np.linalg.norm(points[:, None] - points, axis=2)


def unknown(weights):
    """Losses of a path that nobody knows."""
    return np.full(len(weights), math.nan)


# -- principal directions ------------------------------------------------------------------

# Whole numbers: either on a line or clearly off it.
table = st.integers(3, 12).flatmap(lambda n: arrays(float, (n, 2), elements=st.integers(-50, 50).map(float)))


@given(table, st.integers(0, 1000))
@QUIET
def test_a_path_in_a_plane_is_shown_as_it_is(points, seed):
    weights, _ = planar(points, seed=seed)
    found = path_of(weights, unknown(weights))
    scale = max(np.abs(points).max(), 1.0)
    np.testing.assert_allclose(distances(found.points), distances(points), atol=1e-9 * scale)
    if (points != points[0]).any():
        assert found.plane.share == pytest.approx(1.0, abs=1e-12)
    for place, row in zip(found.points, weights, strict=True):
        np.testing.assert_allclose(found.plane.weights(*place), row, atol=1e-9 * scale)


@pytest.mark.parametrize("rows, size", [(40, 7), (20, 90), (12, 12), (3, 3)])
def test_directions_and_share_are_those_of_the_singular_value_decomposition(rows, size):
    weights = walk(rows, size)
    found = principal_plane(weights)
    _, lengths, right = np.linalg.svd(weights - weights.mean(axis=0))
    overlap = np.abs(found.directions @ right[:2].T)
    np.testing.assert_allclose(overlap, np.eye(2), atol=1e-9)
    assert found.share == pytest.approx((lengths[:2] ** 2).sum() / (lengths**2).sum(), rel=1e-12)
    np.testing.assert_allclose(found.origin, weights.mean(axis=0), atol=1e-12)


def test_the_share_is_that_of_the_covariance_s_largest_eigenvalues():
    weights = walk(60, 8, seed=3)
    values = np.linalg.eigvalsh(np.cov(weights.T))
    assert principal_plane(weights).share == pytest.approx(values[-2:].sum() / values.sum(), rel=1e-12)


def test_three_movements_at_right_angles_by_hand():
    """Variances 9, 4 and 1 along three parameters: the first two hold 13 of 14."""
    weights = np.zeros((4, 5))
    weights[:, 3] = 3 * np.array([1, 1, -1, -1])
    weights[:, 0] = 2 * np.array([1, -1, -1, 1])
    weights[:, 4] = np.array([1, -1, 1, -1])
    found = path_of(weights + 7.0, unknown(weights))
    np.testing.assert_allclose(found.plane.directions, np.eye(5)[[3, 0]], atol=1e-12)
    np.testing.assert_allclose(found.points, weights[:, [3, 0]], atol=1e-12)
    assert found.plane.share == pytest.approx(13 / 14)
    assert found.plane.titles == (
        "principal direction 1 (64% of the movement)",
        "principal direction 2 (29% of the movement)",
    )


@given(st.integers(0, 1000), st.integers(0, 1000))
@QUIET
def test_no_other_plane_is_nearer_to_the_path(seed, other):
    weights = walk(9, 6, seed)
    found = principal_plane(weights)
    rng = np.random.default_rng(other)
    axes = np.linalg.qr(rng.standard_normal((6, 2)))[0].T
    origin = weights.mean(axis=0) + rng.standard_normal(6) * rng.choice([0, 1])

    def off(origin, axes):
        away = weights - origin
        return (away**2).sum() - ((away @ axes.T) ** 2).sum()

    assert off(found.origin, found.directions) <= off(origin, axes) * (1 + 1e-12)


def test_two_directions_hold_three_quarters_of_a_random_walk():
    """6 / pi^2 (1 + 1/4) = 0.76 where there are many more dimensions than steps."""
    assert principal_plane(walk(200, 10_000)).share == pytest.approx(6 / math.pi**2 * 1.25, abs=0.02)


def test_a_picture_repeats_forwards_and_backwards():
    weights = walk(30, 40, seed=5)
    once, again, back = principal_plane(weights), principal_plane(weights), principal_plane(weights[::-1])
    assert (once.directions == again.directions).all() and (once.origin == again.origin).all()
    np.testing.assert_allclose(back.directions, once.directions, atol=1e-9)
    for mirrored in (once, principal_plane(-weights)):
        largest = np.abs(mirrored.directions).argmax(axis=1)
        assert (mirrored.directions[[0, 1], largest] > 0).all()


def test_a_long_path_is_fitted_on_evenly_spaced_rows_and_shown_whole():
    points = walk(5 * FIT_ROWS + 7, 2, seed=1)
    weights, axes = planar(points)
    found = path_of(weights, unknown(weights))
    assert len(found.points) == len(points)
    assert found.plane.share == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found.plane.directions @ axes.T, axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(distances(found.points), distances(points), atol=1e-9)


def test_coordinates_do_not_depend_on_how_many_rows_are_taken_at_once(monkeypatch):
    weights = walk(50, 9).astype(np.float32)
    whole = principal_plane(weights).coordinates(weights)
    monkeypatch.setattr(plane, "CHUNK", 40)  # four rows of nine
    found = principal_plane(weights).coordinates(weights)
    assert whole.shape == (50, 2) and whole.dtype == np.float64
    np.testing.assert_allclose(found, whole, rtol=1e-12, atol=1e-12)


# -- paths that are no more than a line or a point -----------------------------------------


def orthonormal(found):
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(2), atol=1e-12)
    assert np.isfinite(found.origin).all()


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1.0, 1e90])
@pytest.mark.parametrize("rows", [2, 3, 20])
def test_movement_along_a_line_gets_a_second_direction(rows, scale):
    way = np.array([3.0, 0.0, -4.0, 0.0]) / 5
    weights = scale * np.linspace(0, 2, rows)[:, None] * way
    found = path_of(weights, unknown(weights))
    orthonormal(found.plane)
    np.testing.assert_allclose(found.plane.directions[0], -way, atol=1e-12)  # largest entry positive
    np.testing.assert_allclose(found.plane.directions[1], [0, 1, 0, 0], atol=1e-12)
    assert found.plane.share == pytest.approx(1.0)
    assert "100%" in found.plane.titles[0] and "(0%" in found.plane.titles[1]
    np.testing.assert_allclose(np.ptp(found.points, axis=0), [2 * scale, 0], atol=1e-12 * scale)


def test_a_line_along_all_parameters_alike_has_a_direction_at_right_angles():
    weights = np.linspace(0, 1, 7)[:, None] * np.ones(3)
    orthonormal(principal_plane(weights))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 2, 300])
def test_weights_that_do_not_move_lie_in_the_plane_of_the_first_two(rows, dtype):
    weights = np.tile(np.array([0.1, 0.7, 1 / 3], dtype=dtype), (rows, 1))
    found = path_of(weights, unknown(weights))
    assert math.isnan(found.plane.share)
    assert found.plane.titles == ("first parameter", "second parameter")
    assert (found.points == 0).all() and found.shown == rows
    assert (found.plane.weights(0.5, -2.0) - weights[0].astype(float)).tolist() == pytest.approx(
        [0.5, -2.0, 0]
    )


def test_two_parameters_are_the_plane():
    weights = walk(20, 2).astype(np.float32)
    found = path_of(weights, unknown(weights), names=("a", "b"))
    assert (found.points == weights).all()
    assert found.plane.titles == ("a", "b") and found.plane.share == 1.0
    assert found.plane.weights(3.0, -4.0).tolist() == [3.0, -4.0]
    assert found.steps.tolist() == list(range(20))


@pytest.mark.parametrize("shape", [(5, 1), (5, 0), (5,)])
def test_fewer_than_two_parameters_have_no_plane(shape):
    with pytest.raises(ValueError, match="at least 2 parameters; got shape"):
        path_of(np.zeros(shape), np.zeros(5))


# -- where a path ends ---------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 6])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e200])
def test_a_path_ends_before_the_first_weight_that_is_not_finite(bad, size):
    weights = walk(9, size)
    weights[5, 1], weights[7, 0] = bad, math.nan
    steps = np.arange(10, 19)
    found = path_of(weights, np.ones(9), steps)
    whole = path_of(weights[:5], np.ones(5), steps[:5])
    assert found.ended and not whole.ended
    assert (found.points == whole.points).all() and (found.plane.directions == whole.plane.directions).all()
    assert found.steps.tolist() == [10, 11, 12, 13, 14] and len(found.losses) == found.shown == 5


def test_the_largest_float32_is_a_number_and_the_next_is_not():
    weights = np.zeros((3, 2), dtype=np.float32)
    weights[1] = np.finfo(np.float32).max
    weights[2] = np.inf
    assert len(path_of(weights, unknown(weights)).points) == 2


def test_a_path_without_a_finite_row_is_refused():
    with pytest.raises(ValueError, match="finite in the first row"):
        path_of(np.full((3, 4), math.nan), np.ones(3))


INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    "losses, shown",
    [
        ([1, 2, 99, 101, 1e6, INF], 3),  # rises without end
        ([1, 1e6, 50, 1e3, 1e9], 3),  # came back once: that part is whole
        ([1, 1e6, 1e9, 0.5], 4),  # came back at the end
        ([1, 1e6, 1e9], 2),  # two rows at least
        ([1, INF, INF], 2),
        ([1], 1),
        ([NAN, 2, NAN, 199, 201, NAN], 4),  # what is unknown is not far
        ([1, 2, NAN, NAN], 4),
        ([NAN, NAN, NAN], 3),
        ([INF, INF, INF], 3),
        ([-1, -5, 90, 1000], 3),
        ([0, 0, 0], 3),
    ],
)
def test_rows_after_the_last_loss_within_a_hundred_times_the_first_are_outside(losses, shown):
    weights = walk(len(losses), 5)
    found = path_of(weights, np.array(losses, dtype=float))
    assert found.shown == shown
    assert len(found.points) == len(losses) and np.isfinite(found.points).all()
    assert (found.plane.directions == principal_plane(weights[:shown]).directions).all()


def test_rows_far_away_do_not_turn_the_plane():
    points = walk(12, 2)
    near, axes = planar(points)
    far = near[-1] + np.outer([1e4, 1e6, 1e8], np.random.default_rng(9).standard_normal(50))
    found = path_of(np.vstack([near, far]), np.array([1.0] * 12 + [1e4, 1e8, 1e12]))
    assert found.plane.share == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found.plane.directions @ axes.T, axis=1), 1, atol=1e-12)
    assert found.shown == 12 and np.abs(found.points[14]).max() > 1e6


# -- from a run ----------------------------------------------------------------------------


def test_flat_rows_are_in_the_order_of_the_parameters():
    run = Run(Config(dataset="iris", steps=3)).advance()
    rows = flat(run.history.weights)
    first = parameters_to_vector(build.make_model(run.config, run.data).parameters())
    assert rows.shape == (3, len(first))
    assert (rows[0] == first.detach().numpy()).all() and (rows[0] != rows[2]).any()
