"""Data sets: what they hold, how they are prepared, and that nothing random is shared."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core import Config, Run
from core.build import make_data, make_model, val_share
from core.data import DATASETS, FORMS, split, standardize
from core.result import result
from core.seeds import STREAMS, stream
from core.verdict import verdict

SHAPES = {
    "deliveries": (4, 1),
    "deliveries_exact": (4, 1),
    "line": (120, 1),
    "sine": (160, 1),
    "xor": (250, 2),
    "moons": (250, 2),
    "spirals": (250, 2),
    "diabetes": (442, 10),
    "breast_cancer": (569, 30),
    "iris": (150, 4),
    "digits": (1797, 64),
}
NOISY = ("line", "sine", "xor", "moons", "spirals")
LARGE = tuple(name for name in SHAPES if not name.startswith("deliveries"))


def raw(dataset, noise=0.0, seed=0):
    """Inputs and labels, made anew: `core.build` keeps what it made before."""
    row = DATASETS[dataset]
    return row.make(noise, stream(seed, "data")) if row.noisy else row.make()


def test_the_shapes_below_cover_every_data_set():
    assert SHAPES.keys() == DATASETS.keys()
    assert {name for name, row in DATASETS.items() if row.noisy} == set(NOISY)


@pytest.mark.parametrize("dataset", SHAPES)
def test_every_data_set_has_its_rows_and_columns_and_is_finite(dataset):
    inputs, labels = raw(dataset, noise=0.2)
    assert inputs.shape == SHAPES[dataset] and inputs.dtype == torch.float64
    assert len(labels) == len(inputs)
    assert torch.isfinite(inputs).all() and torch.isfinite(labels.double()).all()


@pytest.mark.parametrize("dataset", SHAPES)
def test_every_data_set_says_in_one_sentence_what_it_is(dataset):
    about = DATASETS[dataset].about
    assert about.endswith(".") and len(about) <= 120


@pytest.mark.parametrize("dataset", DATASETS)
def test_with_what_suits_it_a_data_set_is_learned_in_300_steps(dataset):
    """And the loss ends at its lowest, or close by: it does not swing."""
    row = DATASETS[dataset]
    ended = result(Run(Config(dataset=dataset, lr=row.lr, model=row.model, steps=300)).advance())
    assert verdict(ended).word == "learns"
    losses = ended.steps["loss"]
    assert losses.iloc[-1] < losses.min() + 0.05 * (losses.iloc[0] - losses.min())


def test_the_exact_deliveries_lie_on_the_line_of_the_note():
    data = make_data(Config(dataset="deliveries_exact", dtype="float64"))
    assert data.inputs.flatten().tolist() == [1.0, 2.0, 3.0, 4.0]
    assert data.targets.flatten().tolist() == [7.0, 12.0, 17.0, 22.0]


def test_deliveries_are_the_exact_numbers_of_note_004():
    data = make_data(Config(dataset="deliveries", dtype="float64", val_share=0.5))
    assert data.inputs.tolist() == [[1.0], [2.0], [3.0], [4.0]]
    assert data.targets.tolist() == [[6.96], [12.11], [16.77], [22.21]]
    assert data.val_inputs is None and data.val_targets is None  # four rows: nothing held out


def test_real_data_sets_are_the_published_ones():
    # UCI: 212 malignant, 357 benign; 50 flowers of each species. Efron et al. 2004: progression
    # from 25 to 346 with mean 152.13. UCI digits: 8 x 8 counts from 0 to 16.
    assert torch.bincount(raw("breast_cancer")[1]).tolist() == [212, 357]
    assert torch.bincount(raw("iris")[1]).tolist() == [50, 50, 50]
    progression = raw("diabetes")[1]
    assert (progression.min(), progression.max()) == (25, 346)
    assert progression.mean().item() == pytest.approx(152.13, abs=0.005)
    pixels, digits = raw("digits")
    assert (pixels.min(), pixels.max(), len(digits.unique())) == (0, 16, 10)


def test_the_line_without_noise_has_slope_two_and_every_twelfth_row_six_too_high():
    inputs, labels = raw("line")
    offsets = (labels - 2 * inputs).flatten()
    torch.testing.assert_close(offsets[::12], torch.full((10,), 6.0, dtype=torch.float64))
    rest = [row for row in range(120) if row % 12]
    torch.testing.assert_close(offsets[rest], torch.zeros(110, dtype=torch.float64))


def test_the_sine_without_noise_is_a_sine():
    inputs, labels = raw("sine")
    np.testing.assert_allclose(labels.numpy(), np.sin(3 * inputs.numpy()))
    assert inputs.min() >= -2 and inputs.max() <= 2


def test_xor_without_noise_is_decided_by_the_signs():
    inputs, labels = raw("xor")
    differ = np.sign(inputs.numpy()[:, 0]) != np.sign(inputs.numpy()[:, 1])
    assert (labels.numpy() == differ).all()


def test_moons_without_noise_are_two_half_circles():
    inputs, labels = raw("moons")
    (x0, y0), (x1, y1) = inputs[labels == 0].T, inputs[labels == 1].T
    torch.testing.assert_close(x0**2 + y0**2, torch.ones_like(x0))
    torch.testing.assert_close((x1 - 1) ** 2 + (y1 - 0.5) ** 2, torch.ones_like(x1))
    assert (y0 >= 0).all() and (y1 <= 0.5).all()


def test_spirals_without_noise_are_one_arm_and_the_same_turned_by_half_a_circle():
    inputs, labels = raw("spirals")
    turned = torch.where(labels[:, None] == 1, -inputs, inputs)
    angle = 3 * math.pi * turned.norm(dim=1)  # the arm: the angle grows with the radius
    arm = turned.norm(dim=1, keepdim=True) * torch.stack([angle.cos(), angle.sin()], dim=1)
    torch.testing.assert_close(turned, arm)


@pytest.mark.parametrize("dataset", LARGE)
def test_training_rows_have_mean_zero_and_deviation_one(dataset):
    data = make_data(Config(dataset=dataset, dtype="float64", val_share=0.3))
    inputs = data.inputs.numpy()
    axis = None if dataset == "digits" else 0  # an image has one scale, not one per pixel
    np.testing.assert_allclose(inputs.mean(axis), 0, atol=1e-9)
    np.testing.assert_allclose(inputs.std(axis), 1, atol=1e-9)
    if DATASETS[dataset].task == "regression":
        np.testing.assert_allclose(data.targets.numpy().mean(0), 0, atol=1e-9)
        np.testing.assert_allclose(data.targets.numpy().std(0), 1, atol=1e-9)


def test_validation_rows_are_scaled_with_the_statistics_of_training():
    config = Config(dataset="diabetes", dtype="float64", val_share=0.3)
    inputs, labels = (t.numpy() for t in raw("diabetes"))
    train, val = (rows.numpy() for rows in split(442, 0.3, stream(0, "split")))
    data = make_data(config)
    expected = (inputs[val] - inputs[train].mean(0)) / inputs[train].std(0)
    np.testing.assert_allclose(data.val_inputs.numpy(), expected, rtol=1e-9)
    expected = (labels[val] - labels[train].mean(0)) / labels[train].std(0)
    np.testing.assert_allclose(data.val_targets.numpy(), expected, rtol=1e-9)
    assert abs(data.val_inputs.mean()) > 1e-6  # its own statistics would give 0


def test_a_column_that_never_changes_is_only_centered():
    values = torch.tensor([[3.0, 1.0], [3.0, 5.0]])
    assert standardize(values, values).tolist() == [[0.0, -1.0], [0.0, 1.0]]


@pytest.mark.parametrize(("rows", "share"), [(20, 0.5), (150, 0.25), (442, 0.2), (21, 0.01), (50, 0.0)])
def test_a_split_is_disjoint_complete_and_in_order(rows, share):
    train, val = (part.tolist() for part in split(rows, share, stream(3, "split")))
    assert sorted(train + val) == list(range(rows))
    assert (train, val) == (sorted(train), sorted(val))
    assert len(val) == math.floor(share * rows)


@pytest.mark.parametrize("dataset", LARGE)
def test_training_and_validation_together_are_the_whole_set(dataset):
    data = make_data(Config(dataset=dataset, val_share=0.25))
    rows, columns = SHAPES[dataset]
    assert data.val_inputs.shape == (rows // 4, columns)
    assert data.inputs.shape == (rows - rows // 4, columns)
    assert (len(data.targets), len(data.val_targets)) == (rows - rows // 4, rows // 4)


def test_no_validation_share_or_fewer_than_twenty_rows_trains_on_all():
    data = make_data(Config(dataset="iris", val_share=0.0))
    assert len(data.inputs) == 150 and data.val_inputs is None
    assert [val_share(Config(val_share=0.25), rows) for rows in (19, 20)] == [0.0, 0.25]


def test_labels_in_the_form_that_a_loss_takes():
    labels = torch.tensor([2, 0, 1])
    assert FORMS["class_index"].make(labels, torch.float32).tolist() == [2, 0, 1]
    assert FORMS["one_hot"].make(labels, torch.float32).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert FORMS["zero_one"].make(torch.tensor([1, 0]), torch.float64).tolist() == [[1.0], [0.0]]
    assert FORMS["values"].make(torch.tensor([[1.5]]), torch.float64).tolist() == [[1.5]]


TARGETS = [  # data set, loss -> form, columns (None: one number per row)
    ("diabetes", "l1", "values", 1),
    ("xor", "bce", "zero_one", 1),
    ("xor", "mse", "zero_one", 1),
    ("xor", "cross_entropy", "class_index", None),
    ("iris", "bce", "one_hot", 3),
    ("iris", "mse", "one_hot", 3),
    ("digits", "cross_entropy", "class_index", None),
]


@pytest.mark.parametrize(("dataset", "loss", "form", "columns"), TARGETS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_have_form_shape_and_dtype_of_the_loss(dataset, loss, form, columns, dtype):
    data = make_data(Config(dataset=dataset, loss=loss, dtype=dtype, val_share=0.0))
    rows = SHAPES[dataset][0]
    assert data.target_form == form
    assert data.targets.shape == ((rows,) if columns is None else (rows, columns))
    assert data.targets.dtype == (torch.int64 if columns is None else getattr(torch, dtype))
    assert data.inputs.dtype == getattr(torch, dtype)


@pytest.mark.parametrize("dataset", NOISY)
def test_one_seed_gives_the_same_bits_and_another_seed_others(dataset):
    first, labels = raw(dataset, noise=0.2, seed=5)
    again, labels_again = raw(dataset, noise=0.2, seed=5)
    assert torch.equal(first, again) and torch.equal(labels, labels_again)
    assert not torch.equal(first, raw(dataset, noise=0.2, seed=6)[0])


@pytest.mark.parametrize("dataset", NOISY)
def test_the_noise_moves_points_of_the_same_draw(dataset):
    calm, rough = raw(dataset, noise=0.0), raw(dataset, noise=0.3)
    moved = [not torch.equal(a.double(), b.double()) for a, b in zip(calm, rough, strict=True)]
    assert any(moved)
    if DATASETS[dataset].task == "binary":  # the points move, their classes stay
        assert torch.equal(calm[1], rough[1])


def test_another_seed_holds_out_other_rows():
    first, second = (make_data(Config(dataset="iris", seed=seed)) for seed in (0, 1))
    assert not torch.equal(first.val_targets, second.val_targets)


def test_a_choice_of_training_leaves_the_data_alone():
    base = make_data(Config(seed=4))
    other = make_data(Config(seed=4, model="linear", optimizer="adam", lr=3.0, batch_size=7, steps=9))
    assert torch.equal(base.inputs, other.inputs) and torch.equal(base.val_targets, other.val_targets)


def test_a_run_does_not_change_the_data_that_others_share():
    config = Config(dataset="deliveries", dtype="float64", model="linear", steps=3)
    Run(config).advance()
    assert make_data(config).inputs.tolist() == [[1.0], [2.0], [3.0], [4.0]]


def test_one_stream_per_purpose_never_meets_another():
    draws = [tuple(torch.rand(4, generator=stream(1, purpose)).tolist()) for purpose in STREAMS]
    assert len(set(draws)) == len(STREAMS)


@pytest.mark.parametrize("dataset", SHAPES)
def test_the_global_random_state_is_left_alone(dataset):
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    raw(dataset, noise=0.2)
    config = Config(dataset=dataset, seed=77, batch_size=16, steps=2)
    make_model(config, make_data(config))
    Run(config).advance()
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()


def test_the_noise_of_xor_is_in_proportion():
    """From one seed, three times the noise moves each point three times as far, and changes no label."""
    (still, labels), (once, same), (thrice, _) = (
        DATASETS["xor"].make(noise, torch.Generator().manual_seed(5)) for noise in (0.0, 0.1, 0.3)
    )
    assert torch.equal(labels, same)
    assert (once - still).std().item() == pytest.approx(0.1, rel=0.2)  # 500 normal deviates
    torch.testing.assert_close(thrice - still, 3 * (once - still))


@pytest.mark.parametrize("name", [name for name, row in DATASETS.items() if row.file])
def test_a_file_of_scikit_learn_holds_what_its_function_returns(name):
    """The script calls the function, the app reads the file: they must be the same to the bit."""
    row = DATASETS[name]
    for read, loaded in zip(row.rows(0.0, torch.Generator()), row.make(), strict=True):
        assert read.dtype == loaded.dtype and torch.equal(read, loaded)
        assert read.stride() == loaded.stride()  # in another order, sums could round otherwise


def test_scikit_learn_and_scipy_are_imported_by_who_needs_them():
    """A second of each start, and 70 MB."""
    code = (
        "import sys; from core import Config, Run; from core.curvature import starting_curvature\n"
        "there = lambda: print([name in sys.modules for name in ('sklearn', 'scipy')])\n"
        "config = Config(dataset='digits', steps=1); Run(config); starting_curvature(config); there()\n"
        "Run(Config(dataset='diabetes', steps=1)); there()"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[False, False]", "[True, True]"]
