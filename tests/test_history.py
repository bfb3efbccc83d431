"""History: norms, ratios, evaluations and frames, held against NumPy in double."""

import gc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

import core.history
import core.loop
from core import Config, Run
from core.build import make_data
from core.history import MIN_EVALUATIONS, evaluation_steps
from core.lines import USUAL, from_letters

SKIPPED = USUAL[1:]
MOONS = Config(dataset="moons", hidden=(6,), batch_size=16, steps=30, lr=0.2, loop=SKIPPED)
DELIVERIES = Config(dataset="deliveries", model="linear", lr=0.01, steps=5)

NORMS = {"grads": "grad_norm", "fresh_grads": "fresh_norm", "leftovers": "leftover_norm"}


def trained(config, **given_things):
    return Run(config, **given_things).advance()


def lengths(array):
    """(steps, *shape) -> (steps,) in double, without squares that overflow or vanish."""
    rows = array.reshape(len(array), -1).astype(np.float64)
    largest = abs(rows).max(axis=1, keepdims=True)
    return (largest * np.linalg.norm(rows / largest, axis=1, keepdims=True))[:, 0]


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), ("float64", 1e-14)])
@pytest.mark.parametrize(("quantity", "column"), NORMS.items())
def test_norms_are_those_of_the_recorded_vectors(quantity, column, dtype, rtol):
    run = trained(Config(**vars(MOONS) | {"dtype": dtype}))
    arrays = getattr(run.history, quantity)
    table = run.history.parameters.pivot(index="step", columns="parameter", values=column)
    squares = 0
    for name, array in arrays.items():
        expected = np.sqrt((array.astype(np.float64) ** 2).reshape(30, -1).sum(axis=1))
        np.testing.assert_allclose(table[name], expected, rtol=rtol)
        squares = squares + expected**2
    np.testing.assert_allclose(run.history.steps[column], np.sqrt(squares), rtol=rtol)


SCALES = [("float32", 1e12), ("float32", 1e-12), ("float64", 1e100), ("float64", 1e-100)]


@pytest.mark.parametrize(("dtype", "scale"), SCALES)
def test_norms_of_huge_and_tiny_gradients_neither_overflow_nor_vanish(dtype, scale):
    """Gradients near scale squared: their squares do not fit the format, their lengths do."""
    kind = getattr(torch, dtype)
    inputs = scale * torch.tensor([[1.0, 2.0], [3.0, -1.0]], dtype=kind)
    targets = 4 * scale * torch.ones(2, 1, dtype=kind)
    layers = nn.Linear(2, 1, bias=False, dtype=kind), nn.Linear(1, 1, bias=False, dtype=kind)
    for layer in layers:
        nn.init.constant_(layer.weight, 0.5)
    run = trained(
        Config(dataset="diabetes", lr=0.0, steps=2, dtype=dtype, loop=SKIPPED),
        data=(inputs, targets),
        model=nn.Sequential(*layers),
    )
    row = -1  # the last step has leftovers too
    for quantity, column in NORMS.items():
        arrays = getattr(run.history, quantity)
        table = run.history.parameters.pivot(index="step", columns="parameter", values=column)
        parts = {name: lengths(array[row:])[0] for name, array in arrays.items()}
        for name, expected in parts.items():
            assert 0 < expected < np.inf
            assert table[name].iloc[row] == pytest.approx(expected, rel=1e-5, abs=0)
        total = lengths(np.array([[*parts.values()]]))[0]
        assert run.history.steps[column].iloc[row] == pytest.approx(total, rel=1e-5, abs=0)


def test_the_update_ratio_is_the_length_of_the_step_over_that_of_the_weights():
    run = trained(MOONS)
    ends = {name: p.detach().numpy()[None] for name, p in run.model.named_parameters()}
    paths = {
        name: np.concatenate([w, ends[name]]).astype(np.float64) for name, w in run.history.weights.items()
    }
    table = run.history.parameters.pivot(index="step", columns="parameter", values="update_ratio")
    moved, size = 0, 0
    for name, path in paths.items():
        step, weight = lengths(np.diff(path, axis=0)), lengths(path[:-1])
        np.testing.assert_allclose(table[name], step / weight, rtol=1e-5)
        moved, size = moved + step**2, size + weight**2
    np.testing.assert_allclose(run.history.steps["update_ratio"], np.sqrt(moved / size), rtol=1e-5)


def test_the_update_ratio_by_hand():
    # w = 3, b = 4 on one row x = 1, y = 0: gradient 14 for both, so a step of 0.01 * 14 * sqrt(2)
    model = nn.Linear(1, 1)
    nn.utils.vector_to_parameters(torch.tensor([3.0, 4.0]), model.parameters())
    run = trained(DELIVERIES, data=(torch.ones(1, 1), torch.zeros(1, 1)), model=model)
    assert run.history.steps["update_ratio"][0] == pytest.approx(0.14 * 2**0.5 / 5, rel=1e-6)


def test_there_is_no_update_ratio_of_weights_that_are_all_zero():
    model = nn.Linear(1, 1)
    nn.utils.vector_to_parameters(torch.zeros(2), model.parameters())
    ratios = trained(DELIVERIES, model=model).history.steps["update_ratio"]
    assert np.isnan(ratios[0]) and np.isfinite(ratios[1:]).all()


class HalfUsed(nn.Module):
    """A model with a layer that the outputs do not depend on, and one that is frozen."""

    def __init__(self):
        super().__init__()
        self.used, self.unused, self.frozen = nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)
        self.frozen.requires_grad_(False)

    def forward(self, inputs):
        return self.frozen(self.used(inputs))


@pytest.mark.parametrize("loop", [USUAL, SKIPPED], ids=["usual", "skipped"])
def test_a_parameter_without_gradient_has_no_norm_and_adds_nothing_to_the_total(loop):
    run = trained(Config(**vars(DELIVERIES) | {"loop": loop}), model=HalfUsed())
    assert run.error is None
    for column in ("grad_norm", "fresh_norm"):
        table = run.history.parameters.pivot(index="step", columns="parameter", values=column)
        for layer in ("unused", "frozen"):
            assert table[[f"{layer}.weight", f"{layer}.bias"]].isna().all(axis=None)
        expected = np.hypot(table["used.weight"], table["used.bias"])
        np.testing.assert_allclose(run.history.steps[column], expected, rtol=1e-12)
    assert np.isnan(run.history.grads["unused.weight"]).all()
    assert not run.history.leftovers["unused.weight"].any()  # nothing was left over: 0, not nan


def test_a_step_on_forgotten_gradients_has_no_norm():
    """zero_grad between backward and step: .grad is None when the optimizer looks."""
    history = trained(Config(**vars(DELIVERIES) | {"loop": from_letters("FLBZS")})).history
    assert history.steps["grad_norm"].isna().all()
    assert np.isfinite(history.steps["fresh_norm"]).all()
    assert np.isnan(history.grads["weight"]).all() and np.isfinite(history.fresh_grads["weight"]).all()


def test_a_loop_that_computes_no_loss_has_none():
    history = trained(Config(**vars(DELIVERIES) | {"loop": ("forward",)})).history
    assert len(history.losses) == 5 and np.isnan(history.losses).all()


# Frames.


def test_steps_is_one_row_per_step_of_typed_columns():
    steps = trained(MOONS).history.steps
    columns = ["step", "loss", "grad_norm", "fresh_norm", "leftover_norm", "update_ratio"]
    assert list(steps.columns) == columns
    assert steps["step"].tolist() == list(range(30)) and steps["step"].dtype == np.int64
    assert (steps[columns[1:]].dtypes == np.float64).all()


def test_parameters_is_one_row_per_step_and_parameter():
    run = trained(MOONS)
    parameters, names = run.history.parameters, [name for name, _ in run.model.named_parameters()]
    assert parameters["step"].tolist() == [step for step in range(30) for _ in names]
    assert parameters["parameter"].tolist() == names * 30
    assert isinstance(parameters["parameter"].dtype, pd.CategoricalDtype)
    norms = ["grad_norm", "fresh_norm", "leftover_norm", "update_ratio"]
    assert (parameters[norms].dtypes == np.float64).all()


def test_arrays_have_a_row_per_step_in_the_shape_of_the_parameter():
    run = trained(MOONS)
    for quantity in ("weights", *NORMS):
        arrays = getattr(run.history, quantity)
        assert {n: a.shape for n, a in arrays.items()} == {
            n: (30, *p.shape) for n, p in run.model.named_parameters()
        }


def test_a_run_that_has_not_begun_has_empty_frames_of_the_same_types():
    fresh, done = Run(MOONS).history, trained(MOONS).history
    assert len(fresh.steps) == len(fresh.parameters) == len(fresh.losses) == 0
    assert (fresh.steps.dtypes == done.steps.dtypes).all()
    assert list(fresh.parameters.columns) == list(done.parameters.columns)
    assert all(array.shape[0] == 0 for array in fresh.grads.values())


# Evaluations on the whole sets.


@given(st.integers(1, 5000), st.integers(1, 1024), st.integers(1, 2000), st.integers(0, 200_000))
def test_evaluations_are_spread_from_the_first_step_to_the_end(steps, batch_rows, rows, parameters):
    at = evaluation_steps(steps, batch_rows, rows, parameters)
    assert at[0] == 0 and at[-1] == steps
    assert at == sorted(set(at))
    assert 2 <= len(at) <= 200
    gaps = np.diff(at)
    assert gaps.max() - gaps.min() <= 1


@given(st.integers(1, 200_000))
@example(2**17)
@example(200_000)
def test_snapshots_of_a_large_model_stay_within_their_memory(parameters):
    """Each is shown in double; the first and the last one there always are."""
    count = len(evaluation_steps(5000, 1000, 10, parameters))
    assert count == 2 or 8 * parameters * count <= 4 * 2**20
    assert count == 200 or 8 * parameters * (count + 1) > 4 * 2**20


@given(st.integers(200, 5000))
def test_a_small_model_on_all_rows_is_evaluated_at_every_eighth_step(steps):
    # there the loop computes the training loss itself; with batches the evaluations are all there is of it
    assert len(evaluation_steps(steps, 100, 100, 50)) == min(200, max(10, steps // 8))
    assert len(evaluation_steps(steps, 50, 100, 50)) == min(200, max(10, steps // 4))


def test_rows_of_ones_own_count_as_batches():
    """Whatever batch_size says: 200 steps of 16 rows see each row ten times or so."""
    batches = [list(range(16))] * 200
    run = Run(replace(MOONS, steps=200, batch_size=0), batches=batches).advance()
    assert len(run.history.evaluations) == MIN_EVALUATIONS
    assert len(Run(replace(MOONS, steps=200, batch_size=0)).advance().history.evaluations) == 25


CLASSES = [  # data set, loss
    ("moons", "bce"),
    ("moons", "cross_entropy"),
    ("moons", "mse"),
    ("iris", "cross_entropy"),
    ("iris", "bce"),
]


def by_hand(loss, outputs, targets):
    """Loss and accuracy in NumPy."""
    o, y = outputs.astype(np.float64), targets
    if loss == "cross_entropy":
        return np.log(np.exp(o).sum(1)).mean() - o[np.arange(len(y)), y].mean(), (o.argmax(1) == y).mean()
    value = ((o - y) ** 2).mean() if loss == "mse" else (np.log1p(np.exp(o)) - y * o).mean()
    if o.shape[1] > 1:
        return value, (o.argmax(1) == y.argmax(1)).mean()
    return value, ((o > (0.5 if loss == "mse" else 0)) == (y == 1)).mean()


@pytest.mark.parametrize(("dataset", "loss"), CLASSES)
def test_evaluations_are_those_of_the_snapshots_on_the_whole_sets(dataset, loss):
    config = Config(
        dataset=dataset, loss=loss, hidden=(5,), activation="tanh", batch_size=20, steps=25, lr=0.1
    )
    run, data = trained(config), make_data(config)
    frame, snapshots = run.history.evaluations, run.history.snapshots
    assert len(frame) == len(snapshots) == MIN_EVALUATIONS  # batches of 20 rows see few in 25 steps
    features = data.inputs.shape[1]
    for (_, row), w in zip(frame.iterrows(), snapshots, strict=True):
        first, rest = w[: 5 * features].reshape(5, features), w[5 * features :]
        second = rest[5 : -(len(rest) - 5) // 6].reshape(-1, 5)
        outputs_of = len(second)
        for name, inputs, targets in (
            ("train", data.inputs, data.targets),
            ("val", data.val_inputs, data.val_targets),
        ):
            hidden = np.tanh(inputs.numpy() @ first.T + rest[:5])
            outputs = hidden @ second.T + rest[-outputs_of:]
            value, share = by_hand(loss, outputs, targets.numpy())
            assert row[f"{name}_loss"] == pytest.approx(value, rel=1e-5)
            assert row[f"{name}_accuracy"] == pytest.approx(share, abs=1e-6)


def test_with_all_rows_the_training_loss_is_that_of_the_loop():
    run = trained(Config(dataset="sine", steps=40, lr=0.1))
    frame = run.history.evaluations
    inside = frame[frame["step"] < 40]
    np.testing.assert_array_equal(inside["train_loss"], run.history.losses[inside["step"]])
    assert frame["step"].iloc[-1] == 40  # and once more after the last step


def test_snapshots_are_the_weights_before_their_step():
    run = trained(MOONS)
    flat = np.concatenate([w.reshape(30, -1) for w in run.history.weights.values()], axis=1)
    at = run.history.evaluations["step"].to_numpy()
    np.testing.assert_array_equal(run.history.snapshots[:-1], flat[at[:-1]])
    end = nn.utils.parameters_to_vector(run.model.parameters()).detach().numpy()
    np.testing.assert_array_equal(run.history.snapshots[-1], end)


def test_evaluations_without_validation_or_classes_have_gaps_of_the_same_type():
    frame = trained(DELIVERIES).history.evaluations
    assert frame["step"].dtype == np.int64
    columns = ["train_loss", "val_loss", "train_accuracy", "val_accuracy"]
    assert (frame[columns].dtypes == np.float64).all()
    assert np.isfinite(frame["train_loss"]).all()
    assert frame[columns[1:]].isna().all(axis=None)


# Memory: what does not fit is left out, and how rows are kept changes nothing.


def frames(run):
    return run.history.steps, run.history.parameters, run.history.evaluations


def assert_same_frames(one, other):
    for ours, theirs in zip(frames(one), frames(other), strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def test_vectors_that_are_too_large_are_refused_in_words_and_norms_stay(monkeypatch):
    whole = trained(MOONS)
    monkeypatch.setattr(core.loop, "FULL_BYTES", 1000)
    large = trained(MOONS)
    for quantity in ("weights", *NORMS):
        with pytest.raises(ValueError, match="must fit the limit"):
            getattr(large.history, quantity)
    assert_same_frames(whole, large)


def kept_bytes(history):
    """What the vectors of all steps take: shared memory counts once, zeros that take none not at all."""
    parts = [part for v in history._vectors.values() for chunk in v._chunks for part in chunk]
    return sum({part.data_ptr(): part.nbytes for part in parts if part.stride(0)}.values())


@pytest.mark.parametrize("loop, vectors", [
    ("ZFLBS", 2),  # weights and fresh; fresh is used, nothing is left over
    ("FLBSZ", 2),
    ("SFLZB", 3),  # used: what the step before has left
    ("FLBS", 4),
    ("0FLBS", 4),
])  # fmt: skip
def test_vectors_are_kept_as_long_as_they_fit_to_the_byte(monkeypatch, loop, vectors):
    config = replace(DELIVERIES, loop=from_letters(loop))
    need = vectors * config.steps * 2 * 4  # one weight and one bias in float32
    monkeypatch.setattr(core.loop, "FULL_BYTES", need)
    fitting = trained(config)
    assert fitting.history.full
    assert kept_bytes(fitting.history) == need
    monkeypatch.setattr(core.loop, "FULL_BYTES", need - 1)
    assert not trained(config).history.full


def test_a_run_asked_for_norms_only_keeps_no_vectors():
    lean = trained(MOONS, full=False)
    with pytest.raises(ValueError):
        _ = lean.history.grads
    assert_same_frames(trained(MOONS), lean)


@pytest.mark.parametrize("steps", [1, 7])
def test_the_size_of_a_chunk_changes_nothing(monkeypatch, steps):
    whole = trained(MOONS)
    monkeypatch.setattr(core.history, "CHUNK_STEPS", steps)
    chunked = trained(MOONS)
    assert_same_frames(whole, chunked)
    for quantity in ("weights", *NORMS):
        for name, array in getattr(whole.history, quantity).items():
            np.testing.assert_array_equal(array, getattr(chunked.history, quantity)[name])


@pytest.mark.parametrize("parameters, steps", [(100, 250), (1000, 131), (4810, 32), (84_000, 12), (10**7, 1)])
def test_a_larger_model_has_fewer_steps_in_a_chunk(parameters, steps):
    """In double: 1 MB of them, or 32 if that is more, but no more than fit 8 MB."""
    assert core.history._chunk_steps(250, 8 * parameters) == steps


def test_evaluations_leave_no_tensors_behind():
    """Each would leave a gap between later activations: three runs on digits took 100 MB more."""
    run = Run(replace(MOONS, batch_size=0, steps=240), full=False).advance(max_steps=10)
    before = tensors_alive()
    run.advance()
    assert len(run.history.evaluations) == len(run.history.snapshots) > 20
    assert tensors_alive() - before < 10


def tensors_alive():
    gc.collect()
    return sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())


def test_recorded_arrays_do_not_change_when_the_run_goes_on():
    run = Run(MOONS).advance(max_steps=10)
    before = {q: {n: a.copy() for n, a in getattr(run.history, q).items()} for q in NORMS}
    run.advance()
    for quantity, arrays in before.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(getattr(run.history, quantity)[name][:10], array)


@pytest.mark.parametrize("loop", ["ZFLBS", "FLBS", "SFLZB"])
def test_many_short_chunks_that_are_joined_read_like_one(monkeypatch, loop):
    monkeypatch.setattr("core.history.MANY_CHUNKS", 3)
    config = Config(dataset="xor", hidden=(3,), steps=40, loop=from_letters(loop))
    short, whole = Run(config, chunk_steps=2), Run(config)
    while not short.done:
        short.advance(3)
    whole.advance()
    pd.testing.assert_frame_equal(short.history.steps, whole.history.steps, check_exact=True)
    for name in ("weights", "grads", "fresh_grads", "leftovers"):
        for one, other in zip(
            getattr(short.history, name).values(), getattr(whole.history, name).values(), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("at", [0, 1, 17, 40])
def test_a_history_that_is_cut_is_that_of_a_shorter_run(at):
    config = Config(dataset="xor", hidden=(3,), steps=40, loop=from_letters("FLBS"))
    run = Run(config).advance()
    run.history.cut(at)
    shorter = Run(config).advance(at)
    pd.testing.assert_frame_equal(run.history.steps, shorter.history.steps, check_exact=True)
    for name, array in run.history.leftovers.items():
        np.testing.assert_array_equal(array, shorter.history.leftovers[name])
    assert run.history.evaluations["step"].tolist() == shorter.history.evaluations["step"].tolist()
