"""What kept losses hold, against closed forms, hand counts and what torch itself says."""

import gc

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core import Config, Run, build
from core.graph import nodes
from core.graph.saved import kept as kept_by_nodes
from core.watch.memory import MAX_BYTES, MAX_STEPS, STEPS, WAYS, MemoryRun, SavedCounter
from core.watch.memory_picture import limit_words, memory_words
from core.words import size_text

DELIVERIES = {"dataset": "deliveries", "model": "linear", "lr": 0.01}
ZERO_WAYS = ("item", "no_grad", "after", "sum_after")  # hold no saved tensors
FLOAT = 4  # bytes


@pytest.fixture(autouse=True)
def without_collector():
    """Reference counts alone must free everything: a cycle would keep bytes until a collection."""
    gc.disable()
    yield
    gc.enable()


def of(watch, name):
    return [row for row in watch.rows if row.way == name]


def deliveries(steps=5, **choices):
    return MemoryRun(Config(**DELIVERIES, **choices), steps=steps).advance()


# -- the known number: 64-512-1 with tanh, 2048 rows --------------------------------------------

ROWS, FEATURES, HIDDEN = 2048, 64, 512


@pytest.fixture
def large():
    generator = torch.Generator().manual_seed(0)
    layers = [nn.Linear(FEATURES, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1)]
    inputs = torch.randn(ROWS, FEATURES, generator=generator)
    return nn.Sequential(*layers), inputs, torch.randn(ROWS, 1, generator=generator)


@pytest.mark.parametrize("with_data", [True, False])
def test_a_known_graph_holds_its_inputs_its_tanh_and_its_errors(large, with_data):
    model, inputs, targets = large
    saved = SavedCounter([*model.parameters()] if with_data else [*model.parameters(), inputs, targets])
    with saved.hooks():
        loss = ((model(inputs) - targets) ** 2).mean()
    columns = HIDDEN + 1 + FEATURES * with_data  # tanh, output - target, and the inputs
    assert saved.nbytes == ROWS * columns * FLOAT
    assert not with_data or saved.nbytes == 4_726_784
    many = nodes.count(loss)
    loss.backward()
    assert saved.nbytes == 0
    assert nodes.count(loss) == many > 0


def test_a_second_loss_shares_the_inputs(large):
    model, inputs, targets = large
    saved, kept = SavedCounter(model.parameters()), []
    with saved.hooks():
        kept += [((model(inputs) - targets) ** 2).mean() for _ in range(3)]
    assert saved.nbytes == ROWS * FEATURES * FLOAT + 3 * ROWS * (HIDDEN + 1) * FLOAT
    del kept[1]
    assert saved.nbytes == ROWS * FEATURES * FLOAT + 2 * ROWS * (HIDDEN + 1) * FLOAT
    kept.clear()
    assert saved.nbytes == 0


def test_a_watch_of_ones_own_model_and_data(large):
    model, *data = large
    before = [p.detach().clone() for p in model.parameters()]
    config = Config(dataset="deliveries", model="linear", loss="mse", lr=1e-3)
    watch = MemoryRun(config, data=data, model=model, steps=3).advance()
    each = ROWS * (HIDDEN + 1) * FLOAT  # the loss module keeps outputs and targets, no difference
    assert watch.per_loss == each and size_text(each) == "4.0 MiB"
    assert [row.saved for row in of(watch, "without")] == [0, each, 2 * each, 3 * each]
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))
    assert all(p.grad is None for p in model.parameters())


# -- the ways -----------------------------------------------------------------------------------


def test_ways_by_hand_for_four_deliveries():
    watch = deliveries()
    # Graph of one loss: MseLoss, Addmm, T, and two AccumulateGrad that all losses share.
    steps = range(6)
    for name in WAYS:
        assert [row.kept for row in of(watch, name)] == list(steps)
    for name in ZERO_WAYS:
        assert [row.saved for row in of(watch, name)] == [0] * 6
    for name in ("without", "sum_without"):  # four outputs each; inputs and targets are the data
        assert [row.saved for row in of(watch, name)] == [16 * k for k in steps]
    for name in ("item", "no_grad"):
        assert [row.nodes for row in of(watch, name)] == [0] * 6
    for name in ("after", "without"):
        assert [row.nodes for row in of(watch, name)] == [0] + [3 * k + 2 for k in steps[1:]]
    for name in ("sum_after", "sum_without"):  # one AddBackward per step more
        assert [row.nodes for row in of(watch, name)] == [0] + [4 * k + 2 for k in steps[1:]]


@settings(max_examples=15, deadline=None)
@given(
    hidden=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    activation=st.sampled_from(["tanh", "relu", "sigmoid"]),
    dtype=st.sampled_from(["float32", "float64"]),
    steps=st.integers(1, 4),
    loop=st.sampled_from([("forward", "loss"), (), ("step",)]),
)
def test_an_mlp_in_closed_form(hidden, activation, dtype, steps, loop):
    config = Config(
        dataset="moons", hidden=tuple(hidden), activation=activation, dtype=dtype, loss="bce", loop=loop
    )
    watch = MemoryRun(config, steps=steps).advance()
    rows = len(build.make_data(config).inputs)
    size = {"float32": 4, "float64": 8}[dtype]
    # These activations keep their result, which the next layer keeps too; the loss, the outputs.
    each = rows * (sum(hidden) + 1) * size
    layers = len(hidden) + 1
    shared, own = 2 * layers, 2 * layers + len(hidden) + 1  # Addmm and T; activations; loss
    for k in range(1, steps + 1):
        at = {name: of(watch, name)[k] for name in WAYS}
        assert at["without"].saved == at["sum_without"].saved == k * each
        assert [at[name].saved for name in ZERO_WAYS] == [0] * 4
        assert at["item"].nodes == at["no_grad"].nodes == 0
        assert at["after"].nodes == at["without"].nodes == shared + k * own
        assert at["sum_after"].nodes == at["sum_without"].nodes == shared + k * (own + 1)
        assert at["item"].own == 0
        assert at["after"].own == at["without"].own == at["no_grad"].own == k * size
        assert at["sum_after"].own == at["sum_without"].own == size


def test_gelu_keeps_its_input_too():
    sizes = {"dataset": "moons", "loss": "bce", "hidden": (8, 4)}
    rows = len(build.make_data(Config(**sizes)).inputs)
    assert MemoryRun(Config(**sizes, activation="gelu")).per_loss == rows * (2 * (8 + 4) + 1) * FLOAT


def test_copies_of_rows_count_and_the_data_set_does_not():
    whole, batches = deliveries(), deliveries(batch_size=2)
    assert whole.per_loss == 4 * FLOAT  # outputs
    assert batches.per_loss == 2 * FLOAT * 3  # and the copies of inputs and targets


def test_the_last_batch_of_an_epoch_is_smaller():
    watch = deliveries(steps=3, batch_size=3)  # rows 3, 1, 3
    assert [row.saved for row in of(watch, "without")] == [0, 36, 48, 84]


def test_the_same_bytes_as_read_from_the_nodes():
    """Hooks and the nodes' own attributes are two ways to the same tensors."""
    config = Config(dataset="digits", model="lenet", batch_size=32)
    data = build.make_data(config)
    model, loss_fn = build.make_model(config, data), build.make_loss(config, data)
    saved = SavedCounter(model.parameters())
    with saved.hooks():
        loss = loss_fn(model(data.inputs[:32]), data.targets[:32])
    bare = loss_fn(model(data.inputs[:32]), data.targets[:32])
    assert saved.nbytes == kept_by_nodes([bare], dict(model.named_parameters())).nbytes > 0
    assert nodes.count(loss) == nodes.count(bare)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu"])
def test_hooks_change_no_gradient(activation):
    config = Config(hidden=(7, 5), activation=activation)
    data, found = build.make_data(config), []
    for hooked in (False, True):
        model, saved = build.make_model(config, data), SavedCounter()
        if hooked:
            with saved.hooks():
                loss = build.make_loss(config, data)(model(data.inputs), data.targets)
        else:
            loss = build.make_loss(config, data)(model(data.inputs), data.targets)
        loss.backward()
        found.append([p.grad for p in model.parameters()])
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


@pytest.mark.parametrize("loss", ["mse", "l1", "huber"])
def test_a_kept_loss_is_as_large_as_its_storage(loss):
    config = Config(**DELIVERIES, loss=loss)
    data = build.make_data(config)
    with torch.no_grad():
        alone = build.make_loss(config, data)(build.make_model(config, data)(data.inputs), data.targets)
    watch = MemoryRun(config, steps=4).advance()
    each = alone.untyped_storage().nbytes()
    assert [row.own for row in of(watch, "no_grad")] == [each * k for k in range(5)]
    assert [row.own for row in of(watch, "item")] == [0] * 5
    assert ("sits in a storage of" in memory_words(watch)) == (each > FLOAT)


def test_models_start_alike_and_train(monkeypatch):
    """Every way has weights of its own: the losses of the usual loop are those of a Run."""
    kept = {}

    def spy(*tensors):
        kept["last"] = [t.item() for t in tensors]
        return 0

    monkeypatch.setattr("core.watch.memory.nodes.count", spy)
    config = Config(**DELIVERIES, batch_size=2, steps=4)
    watch = MemoryRun(config, steps=4)
    for _ in range(5 * list(WAYS).index("after") + 5):
        watch.advance(budget_s=0)
    run = Run(config).advance()
    assert kept["last"] == run.history.losses.tolist()


# -- the lines ----------------------------------------------------------------------------------


def test_lines_shown_are_those_of_the_loop_and_differ():
    assert WAYS["item"].text.splitlines() == [
        "optimizer.zero_grad()",
        "outputs = model(inputs)",
        "loss = loss_fn(outputs, targets)",
        "loss.backward()",
        "optimizer.step()",
        "losses.append(loss.item())",
    ]
    assert len({way.text for way in WAYS.values()}) == len({way.title for way in WAYS.values()}) == len(WAYS)
    for name, way in WAYS.items():
        assert ("loss.backward()" in way.text) == (name in ("item", "after", "sum_after"))
        assert ("no_grad()" in way.text) == (name == "no_grad")


def test_global_state_stays(monkeypatch):
    packed, pack = [], SavedCounter._pack
    monkeypatch.setattr(SavedCounter, "_pack", lambda *given: packed.append(1) or pack(*given))
    state, enabled = torch.random.get_rng_state(), torch.is_grad_enabled()
    watch = MemoryRun(Config(**DELIVERIES), steps=2)
    while not watch.done:
        watch.advance(budget_s=0)
        count = len(packed)
        torch.ones(2, requires_grad=True).tanh()  # no hook is open between slices
        assert len(packed) == count > 0
        assert torch.is_grad_enabled() is enabled
    assert torch.equal(state, torch.random.get_rng_state())


# -- slices, limits, errors ---------------------------------------------------------------------


def test_slices_of_one_row_give_the_same_rows():
    whole, sliced = deliveries(), MemoryRun(Config(**DELIVERIES), steps=5)
    shares = []
    while not sliced.done:
        sliced.advance(budget_s=0)
        shares.append(sliced.share_done)
    assert sliced.rows == whole.rows
    assert len(shares) == 6 * len(WAYS) and shares == sorted(shares) and shares[-1] == 1


def test_large_losses_get_fewer_steps():
    config = Config(dataset="digits", hidden=(256, 256), activation="tanh", dtype="float64")
    watch = MemoryRun(config)
    rows = len(build.make_data(config).inputs)
    # Both hidden layers; log-softmax keeps its result of ten classes, and the loss one sum of weights.
    each = rows * (256 + 256 + 10) * 8
    assert each <= watch.per_loss <= each + 64
    assert watch.steps == MAX_BYTES // watch.per_loss < STEPS
    assert (watch.steps + 1) * watch.per_loss > MAX_BYTES
    assert f"{watch.steps} instead of {STEPS}" in (limit_words(watch) or "")
    assert limit_words(deliveries(), 5) is None


def test_a_loss_over_the_limit_is_refused():
    rows = MAX_BYTES // 8 + 1  # the loss keeps one output of 8 bytes per row
    data = torch.zeros(1, 1, dtype=torch.float64).expand(rows, 1)
    with pytest.raises(ValueError, match=r"one kept loss would hold 64\.0 MiB, and the limit is 64\.0 MiB"):
        MemoryRun(Config(**DELIVERIES, dtype="float64"), data=(data, data))


@pytest.mark.parametrize("steps", [0, -1, MAX_STEPS + 1, 2.0, True, "3", None])
def test_steps_out_of_range(steps):
    with pytest.raises(ValueError, match="steps must be a whole number from 1 to 100; got"):
        MemoryRun(Config(**DELIVERIES), steps=steps)


def test_lines_that_raise_say_so_in_one_sentence():
    inputs, targets = torch.zeros(4, 1), torch.zeros(4, 3)
    config = Config(dataset="moons", model="linear")
    with pytest.raises(ValueError, match="the lines raised ValueError: Target size") as caught:
        MemoryRun(config, data=(inputs, targets), model=nn.Linear(1, 1))
    assert "\n" not in str(caught.value)
