"""What a model computes at a step: curve, surface, scatter, confusion matrix."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix
from torch import nn

from core import Config, Run, build
from core.compare.fit import CURVE_POINTS, GRID, fit_problem, kind, model_at, picture
from core.data import DATASETS
from core.losses import fitting
from core.result import result

KINDS = {
    "deliveries": "curve", "deliveries_exact": "curve", "line": "curve", "sine": "curve",
    "xor": "surface", "moons": "surface", "spirals": "surface",
    "diabetes": "scatter",
    "breast_cancer": "confusion", "iris": "confusion", "digits": "confusion",
}  # fmt: skip


def trained(steps=20, **choices):
    """A finished run and its result; in double, so that a formula can be held against it."""
    run = Run(Config(**{"dtype": "float64", "steps": steps} | choices)).advance()
    return run, result(run)


def every_loss(*datasets):
    pairs = [(dataset, loss) for dataset in datasets for loss in fitting(dataset)]
    return pytest.mark.parametrize("dataset, loss", pairs)


def test_every_data_set_has_its_kind_of_picture():
    assert set(KINDS) == set(DATASETS)
    assert {name: kind(Config(dataset=name)) for name in DATASETS} == KINDS


@every_loss(*DATASETS)
def test_every_pair_of_data_set_and_loss_has_a_picture(dataset, loss):
    _, done = trained(steps=2, dataset=dataset, loss=loss, dtype="float32")
    assert kind(done.config) == KINDS[dataset]
    frame = picture(done, -1)
    assert len(frame) and fit_problem(done, -1) is None


def test_snapshots_begin_with_the_starting_weights_and_end_with_the_final_model():
    run, done = trained(dataset="iris", batch_size=16)
    data = build.make_data(run.config)
    for index, model in ((0, build.make_model(run.config, data)), (-1, run.model)):
        for recorded, expected in zip(model_at(done, index).parameters(), model.parameters(), strict=True):
            assert torch.equal(recorded, expected)


def test_a_picture_in_between_is_of_the_weights_of_that_step():
    run, done = trained(dataset="sine", steps=30)
    index = len(done.evaluations) // 2
    step = int(done.evaluations["step"][index])
    half = Run(run.config).advance(step)
    for recorded, expected in zip(model_at(done, index).parameters(), half.model.parameters(), strict=True):
        assert torch.equal(recorded, expected)


def test_drawing_a_picture_leaves_the_result_as_it_is():
    _, done = trained()
    before = done.snapshots.copy()
    first, again = picture(done, 3), picture(done, 3)
    assert (done.snapshots == before).all()
    assert first.equals(again)


# -- curve ---------------------------------------------------------------------------------


def test_the_curve_of_a_linear_model_is_the_straight_line_of_its_weights():
    run, done = trained(dataset="deliveries", model="linear", lr=0.05)
    weight, bias = run.model.weight.item(), run.model.bias.item()
    line = picture(done, -1).query("part == 'model'")
    assert len(line) == CURVE_POINTS
    np.testing.assert_allclose(line["y"], weight * line["x"] + bias, rtol=1e-12)
    assert line["x"].is_monotonic_increasing


def test_a_curve_has_the_training_points_and_reaches_beyond_them_on_both_sides():
    _, done = trained(dataset="deliveries", model="linear", lr=0.05)
    frame = picture(done, -1)
    points, line = frame.query("part == 'data'"), frame.query("part == 'model'")
    assert points["x"].tolist() == [1, 2, 3, 4] and points["y"].tolist() == [6.96, 12.11, 16.77, 22.21]
    assert line["x"].min() < 1 and line["x"].max() > 4


# -- surface -------------------------------------------------------------------------------


def share_of_class_1(config, outputs):
    """In words: softmax, sigmoid or the output itself, cut off where it is no share."""
    if config.loss in ("cross_entropy", "smoothed", "weighted"):
        return np.exp(outputs[:, 1]) / np.exp(outputs).sum(axis=1)
    if config.loss in ("nll", "kl_div"):  # log-probabilities
        return np.exp(outputs[:, 1])
    if config.loss in ("bce", "focal"):
        return 1 / (1 + np.exp(-outputs[:, 0]))
    return np.clip(outputs[:, 0], 0, 1)


@every_loss("xor", "moons")
def test_a_surface_has_at_a_cell_what_the_model_says_at_its_centre(dataset, loss):
    run, done = trained(dataset=dataset, loss=loss)
    cells = picture(done, -1).dropna(subset="value")
    assert len(cells) == GRID**2
    centers = np.stack([(cells["x"] + cells["x2"]) / 2, (cells["y"] + cells["y2"]) / 2], axis=1)
    with torch.no_grad():
        outputs = run.model(torch.tensor(centers)).numpy()
    np.testing.assert_allclose(cells["value"], share_of_class_1(run.config, outputs), atol=1e-9)


def test_the_cells_of_a_surface_tile_all_of_the_points():
    run, done = trained()
    frame = picture(done, -1)
    cells, points = frame.dropna(subset="value"), frame.dropna(subset="label")
    widths, heights = cells["x2"] - cells["x"], cells["y2"] - cells["y"]
    area = (cells["x2"].max() - cells["x"].min()) * (cells["y2"].max() - cells["y"].min())
    assert (widths * heights).sum() == pytest.approx(area)
    for low, high in (("x", "x2"), ("y", "y2")):  # with the same margin on both sides
        below = points[low].min() - cells[low].min()
        assert below > 0 and below == pytest.approx(cells[high].max() - points[low].max())
    assert len(points) == len(run.data.inputs)


@pytest.mark.parametrize("loss", fitting("moons"))
def test_half_a_share_is_the_boundary_that_accuracy_uses(loss):
    """Points on the side that the surface calls class 1 are those counted as right."""
    run, done = trained(loss=loss, steps=60)
    with torch.no_grad():
        outputs = run.model(run.data.inputs).numpy()
    targets = run.data.targets.numpy()
    truth = targets[:, 1] if run.data.target_form == "one_hot" else targets.reshape(-1)
    right = (share_of_class_1(run.config, outputs) > 0.5) == (truth > 0.5)
    assert right.mean() == pytest.approx(done.evaluations["train_accuracy"].iloc[-1], abs=1e-6)


# -- scatter and confusion -----------------------------------------------------------------


def test_a_scatter_pairs_truth_and_model_on_the_training_rows():
    run, done = trained(dataset="diabetes", model="linear", lr=0.05)
    frame = picture(done, -1)
    with torch.no_grad():
        outputs = run.model(run.data.inputs)
    np.testing.assert_array_equal(frame["truth"], run.data.targets[:, 0])
    np.testing.assert_allclose(frame["model"], outputs[:, 0], rtol=1e-12)


CONFUSING = [("breast_cancer", loss) for loss in fitting("breast_cancer")]
CONFUSING += [("iris", loss) for loss in fitting("iris")]
CONFUSING += [("digits", "cross_entropy"), ("digits", "bce")]


@pytest.mark.parametrize("val_share", [0.3, 0.0])
@pytest.mark.parametrize("dataset, loss", CONFUSING)
def test_a_confusion_matrix_is_that_of_scikit_learn(dataset, loss, val_share):
    run, done = trained(dataset=dataset, loss=loss, val_share=val_share, optimizer="adam", lr=0.01)
    data = run.data
    inputs, targets = (data.val_inputs, data.val_targets) if val_share else (data.inputs, data.targets)
    with torch.no_grad():
        outputs = run.model(inputs).numpy()
    if outputs.shape[1] == 1:
        threshold = 0.0 if loss in ("bce", "focal") else 0.5  # of logits; of probabilities and values
        chosen = (outputs[:, 0] > threshold).astype(int)
        truth = targets[:, 0].numpy().astype(int)
    else:
        chosen = outputs.argmax(axis=1)
        truth = targets.numpy() if targets.ndim == 1 else targets.numpy().argmax(axis=1)
    frame = picture(done, -1)
    classes = {"breast_cancer": 2, "iris": 3, "digits": 10}[dataset]
    counts = frame.pivot(index="truth", columns="model", values="count").to_numpy()
    np.testing.assert_array_equal(counts, confusion_matrix(truth, chosen, labels=range(classes)))
    assert frame["count"].sum() == len(inputs)
    assert (frame["held_out"] == bool(val_share)).all()


def test_the_diagonal_of_a_confusion_matrix_is_the_accuracy():
    _, done = trained(dataset="iris", steps=60)
    frame = picture(done, -1)
    right = frame.query("truth == model")["count"].sum() / frame["count"].sum()
    assert right == pytest.approx(done.evaluations["val_accuracy"].iloc[-1], abs=1e-6)


# -- no picture ----------------------------------------------------------------------------


def test_weights_that_are_no_longer_finite_give_a_sentence_in_place_of_a_picture():
    _, done = trained(dataset="deliveries", model="linear", lr=1.0, steps=200, dtype="float32")
    assert fit_problem(done, 0) is None
    assert fit_problem(done, -1).endswith(".") and "finite" in fit_problem(done, -1)


def test_one_weight_that_is_not_finite_is_enough():
    _, done = trained()
    done.snapshots[-1, 0] = np.inf
    assert fit_problem(done, -1) and fit_problem(done, 0) is None


def test_model_at_gives_a_model_of_its_own():
    run, done = trained()
    model = model_at(done, -1)
    nn.init.zeros_(model[0].weight)
    assert run.model[0].weight.any() and model_at(done, -1)[0].weight.any()
