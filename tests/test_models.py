"""Models: PyTorch's own starting weights, from a private generator."""

import pytest
import torch
from torch import nn

from core import Config
from core.build import make_data, make_model
from core.models import (
    ACTIVATIONS,
    STARTS,
    LeNet,
    definition,
    draw_lines,
    expression,
    fill,
    forward_work,
    parameter_count,
    tensor_count,
)
from core.seeds import MAX_SEED

SEEDS = (0, 1, 999_999, MAX_SEED)


def model(**choices):
    config = Config(**choices)
    return make_model(config, make_data(config))


def plainly(make, seed):
    """What a script gets from `make()` after torch.manual_seed(seed)."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def assert_same_bits(one, other):
    ours, theirs = one.state_dict(), other.state_dict()
    assert list(ours) == list(theirs)
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


@pytest.mark.parametrize("seed", SEEDS)
def test_linear_starts_as_plain_pytorch(seed):
    assert_same_bits(
        model(dataset="diabetes", model="linear", seed=seed), plainly(lambda: nn.Linear(10, 1), seed)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_mlp_starts_as_plain_pytorch(seed):
    def script():
        return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 5), nn.Tanh(), nn.Linear(5, 1))

    ours = model(dataset="xor", model="mlp", hidden=(16, 5), activation="tanh", seed=seed)
    assert_same_bits(ours, plainly(script, seed))
    assert str(ours) == str(script())


@pytest.mark.parametrize("seed", SEEDS)
def test_lenet_starts_as_plain_pytorch(seed):
    assert_same_bits(model(dataset="digits", model="lenet", seed=seed), plainly(LeNet, seed))


def test_another_seed_gives_other_weights():
    first, second = (model(dataset="iris", model="linear", seed=seed).weight for seed in (0, 1))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("kind", ["linear", "mlp", "lenet"])
def test_float64_starts_from_the_float32_weights(kind):
    single = model(dataset="digits", model=kind)
    double = model(dataset="digits", model=kind, dtype="float64")
    assert all(p.dtype == torch.float64 for p in double.parameters())
    assert_same_bits(double, single.double())


def test_two_losses_on_one_data_set_share_the_hidden_layers():
    shape = {"dataset": "moons", "model": "mlp", "hidden": (16, 16)}
    one_output, two_outputs = model(loss="bce", **shape), model(loss="cross_entropy", **shape)
    assert one_output[-1].out_features == 1 and two_outputs[-1].out_features == 2
    assert_same_bits(one_output[:-1], two_outputs[:-1])


def test_choices_of_training_leave_the_starting_weights_alone():
    base = model(dataset="moons", seed=3)
    other = model(
        dataset="moons", seed=3, noise=0.7, val_share=0.0, batch_size=8, optimizer="adam", lr=2.0, loop=()
    )
    assert_same_bits(base, other)


def test_the_layers_of_lenet_carry_the_usual_names():
    layers = ("conv1", "conv2", "fc1", "fc2", "fc3")
    names = [name for name, _ in model(dataset="digits", model="lenet").named_parameters()]
    assert names == [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]


@pytest.mark.parametrize("kind", ["linear", "mlp", "lenet"])
def test_a_model_turns_rows_into_one_row_of_outputs_each(kind):
    config = Config(dataset="digits", model=kind)
    data = make_data(config)
    assert make_model(config, data)(data.inputs[:7]).shape == (7, 10)


@pytest.mark.parametrize("dataset", ["deliveries", "digits"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["linear", "mlp", "lenet"])
def test_the_expression_of_a_model_builds_it_again(dataset, activation, kind):
    if kind == "lenet" and dataset != "digits":
        kind = "mlp"
    ours = model(dataset=dataset, model=kind, hidden=(3, 2, 4), activation=activation, seed=2)
    names = {"nn": nn, "torch": torch, "Tensor": torch.Tensor}
    exec(definition(ours), names)  # noqa: S102  (LeNet's own source; nothing for PyTorch's classes)
    built = plainly(lambda: eval(expression(ours), names), 2)
    assert str(built) == str(ours)
    assert_same_bits(built, ours)


COUNTS = [  # by hand: (inputs + 1) * outputs per layer; (inputs * 9 + 1) * maps per convolution
    ("linear", 10, 3, 11 * 3),
    ("mlp", 2, 1, 3 * 16 + 17 * 8 + 9 * 1),
    ("lenet", 64, 10, 10 * 6 + (6 * 9 + 1) * 16 + 65 * 48 + 49 * 32 + 33 * 10),
]


@pytest.mark.parametrize(("kind", "features", "outputs", "count"), COUNTS)
def test_parameters_are_counted_without_building_the_model(kind, features, outputs, count):
    assert parameter_count(kind, features, outputs, (16, 8), "relu") == count


@pytest.mark.parametrize("kind", ["linear", "mlp", "lenet"])
def test_the_count_is_that_of_the_model(kind):
    ours = model(dataset="digits", model=kind, hidden=(7,))
    assert parameter_count(kind, 64, 10, (7,), "relu") == sum(p.numel() for p in ours.parameters())


def test_fill_sets_every_tensor_or_each_in_turn():
    model = nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1))
    fill(model, (0.5,))
    assert all(bool((p == 0.5).all()) for p in model.parameters())
    fill(model, (1.0, 2.0))
    assert [float(p.flatten()[0].detach()) for p in model.parameters()] == [1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("kind", "hidden", "count"), [("linear", (), 2), ("mlp", (4,), 4), ("lenet", (), 10)]
)
def test_tensors_are_counted_a_weight_and_a_bias_per_layer(kind, hidden, count):
    assert tensor_count(kind, hidden) == count


# Starting weights by name


def drawn(start, **choices):
    wide = model(dataset="digits", model="mlp", hidden=(256, 100), start=(start,), **choices)
    return [layer for layer in wide if isinstance(layer, nn.Linear)]


SPREADS = {  # name -> standard deviation of a weight of so many inputs and outputs, and its largest size
    "xavier": lambda n, m: ((2 / (n + m)) ** 0.5, (6 / (n + m)) ** 0.5),
    "he": lambda n, m: ((2 / n) ** 0.5, None),
    "small": lambda n, m: (0.01, None),
    "large": lambda n, m: (1.0, None),
}


@pytest.mark.parametrize("start", STARTS)
def test_weights_drawn_by_name_have_the_spread_of_their_formula(start):
    """Glorot and Bengio 2010, equation 16; He et al. 2015, equation 10. The largest of n numbers of a
    normal distribution is some 5 deviations, of a uniform one its bound."""
    for layer in drawn(start):
        spread, most = SPREADS[start](layer.in_features, layer.out_features)
        sizes = layer.weight.detach().double()
        # the standard error of a deviation of n numbers is at most 1 / sqrt(2 n) of it: four of these
        assert float(sizes.std()) == pytest.approx(spread, rel=4 / (2 * sizes.numel()) ** 0.5)
        assert float(sizes.abs().max()) <= (most or 6 * spread) and not layer.bias.any()


@pytest.mark.parametrize("start", STARTS)
def test_weights_drawn_by_name_are_those_of_nn_init_after_the_seed(start):
    def plain():
        layers = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
        torch.manual_seed(3)
        exec("\n".join(draw_lines(start)), {"nn": nn, "model": layers})  # noqa: S102  (a fixed table)
        return layers

    state = torch.get_rng_state()
    ours = model(dataset="moons", hidden=(16,), start=(start,), seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert_same_bits(ours, plainly(plain, 3))


@pytest.mark.parametrize("start", STARTS)
def test_weights_drawn_by_name_are_shared_where_only_the_last_layer_differs(start):
    shape = {"dataset": "moons", "hidden": (16, 16), "start": (start,)}
    one, two = (model(loss=loss, **shape) for loss in ("bce", "cross_entropy"))
    assert_same_bits(one[:-1], two[:-1])
    assert_same_bits(model(loss="bce", dtype="float64", **shape), one.double())


def test_zeros_are_a_start_like_any_number_and_batch_norm_keeps_its_ones_under_a_name():
    assert not any(p.any() for p in model(start=(0.0,)).parameters())
    norm = model(model="mlp_norm", hidden=(4,), start=("he",))[1]
    assert norm.weight.tolist() == [1.0] * 4 and norm.bias.tolist() == [0.0] * 4


@pytest.mark.parametrize("kind, hidden, calls, entries, multiplications", [
    ("linear", (), 1, 10, 64 * 10),
    ("mlp", (8, 4), 5, 2 * 8 + 2 * 4 + 10, 64 * 8 + 8 * 4 + 4 * 10),
    ("mlp_norm", (8,), 4, 3 * 8 + 10, 64 * 8 + 8 * 10),
    # Images; two convolutions, each with ReLU and a pooling to a quarter; flattened; three layers, two ReLUs.
    ("lenet", (), 13, 64 + (2 + 1 / 4) * (6 * 64 + 16 * 16) + 64 + 2 * (48 + 32) + 10,
     6 * 64 * 9 + 16 * 16 * 54 + 64 * 48 + 48 * 32 + 32 * 10),
])  # fmt: skip
def test_the_work_of_a_forward_pass_by_hand(kind, hidden, calls, entries, multiplications):
    work = forward_work(kind, 64, 10, hidden, "relu")
    assert (work.calls, work.entries, work.multiplications) == (calls, entries, multiplications)
