"""The autograd graph: real nodes, what they keep, and gradients noted without changing a bit."""

import copy
import dataclasses
import math
import sys
import weakref
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from core import Config, Run
from core.graph import FEW, MAX_NODES, Flow, Graph, count, graph, graph_problem, kept, operation
from core.losses import LOSSES
from core.models import ACTIVATIONS, build

ROWS = 200
FLOATS = ("mse", "l1", "huber", "bce")


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def task(kind, activation="tanh", loss="bce", dtype=torch.float32):
    """(model, loss_fn, inputs, targets): a linear model, a 2-8-8-? MLP or LeNet."""
    outputs = 1 if loss in FLOATS else 10
    features = 64 if kind == "lenet" else 2
    model = build(kind, features, outputs, (8, 8), activation, torch.Generator().manual_seed(1)).to(dtype)
    targets = (random(ROWS, 1, seed=2) > 0).to(dtype) if loss in FLOATS else torch.arange(ROWS) % 10
    return model, LOSSES[loss].module(), random(ROWS, features).to(dtype), targets


TASKS = {
    "linear": lambda **choices: task("linear", **({"loss": "mse"} | choices)),
    "mlp": lambda **choices: task("mlp", **choices),
    "lenet": lambda **choices: task("lenet", **({"loss": "cross_entropy"} | choices)),
}


def forward(model, loss_fn, inputs, targets):
    """The loss, and the names of all tensors that the loop holds."""
    outputs = model(inputs)
    loss = loss_fn(outputs, targets)
    known = dict(model.named_parameters()) | {"inputs": inputs, "targets": targets}
    return loss, known | {"outputs": outputs, "loss": loss}


def of(kind, **choices):
    loss, known = forward(*TASKS[kind](**choices))
    return loss, known, graph(loss, known)


def names(shown):
    return [node.name for node in shown.nodes]


def arrows(shown):
    return [[(edge.to, edge.output) for edge in node.edges] for node in shown.nodes]


def saved(shown, operation):
    """What the operations of this name keep, by name, those nearest to the loss first."""
    found = [node.saved for node in shown.nodes if node.name == operation]
    return [{one.name: one for one in tensors} for tensors in found]


# Nodes, edges and leaves.


def test_a_sum_built_by_hand():
    a, b = torch.tensor(3.0, requires_grad=True), torch.tensor(4.0, requires_grad=True)
    loss = a * 2 + b
    shown = graph(loss, {"a": a, "b": b, "loss": loss})
    assert names(shown) == ["AddBackward0", "MulBackward0", "AccumulateGrad", "AccumulateGrad"]
    assert arrows(shown) == [[(1, 0), (3, 0)], [(2, 0)], [], []]
    assert [leaf.name for leaf in shown.leaves] == ["a", "b"]
    assert [leaf.value.values for leaf in shown.leaves] == [(3.0,), (4.0,)]
    assert (shown.name, shown.value.values) == ("loss", (10.0,))
    assert [leaf.grad for leaf in shown.leaves] == [None, None]
    loss.backward()
    after = graph(loss, {"a": a, "b": b})
    assert [leaf.grad.values for leaf in after.leaves] == [(2.0,), (1.0,)]
    assert after.name is None


def test_a_linear_model_with_mse():
    loss, _, shown = of("linear")
    assert loss.grad_fn.name() == "MseLossBackward0"
    chain = ["MseLossBackward0", "AddmmBackward0", "AccumulateGrad", "TBackward0", "AccumulateGrad"]
    assert names(shown) == chain
    # addmm(bias, inputs, weight.T): the inputs need no gradient, so there is no edge for them
    assert arrows(shown) == [[(1, 0)], [(2, 0), (3, 0)], [], [(4, 0)], []]
    assert [leaf.name for leaf in shown.leaves] == ["bias", "weight"]
    assert [leaf.value.shape for leaf in shown.leaves] == [(1,), (1, 2)]


def test_an_mlp_has_a_node_for_each_operation():
    _, known, shown = of("mlp")
    operations = [name for name in names(shown) if name != "AccumulateGrad"]
    assert operations.count("AddmmBackward0") == operations.count("TBackward0") == 3
    assert operations.count("TanhBackward0") == 2
    assert len(operations) == 3 + 3 + 2 + 1
    assert {leaf.name for leaf in shown.leaves} == {
        name for name in known if name.endswith(("weight", "bias"))
    }


def test_lenet_reaches_every_parameter_once():
    model, *rest = TASKS["lenet"]()
    loss, known = forward(model, *rest)
    shown = graph(loss, known)
    assert sorted(leaf.name for leaf in shown.leaves) == sorted(name for name, _ in model.named_parameters())
    assert names(shown)[:2] == ["NllLossBackward0", "LogSoftmaxBackward0"]
    assert (
        names(shown).count("ConvolutionBackward0") == names(shown).count("MaxPool2DWithIndicesBackward0") == 2
    )
    assert shown.kept.nodes == len(shown.nodes) == count(loss)


def test_outputs_have_a_graph_before_there_is_a_loss():
    model, _, inputs, _ = TASKS["mlp"]()
    outputs = model(inputs)
    shown = graph(outputs, {"outputs": outputs})
    assert (shown.name, shown.value.shape) == ("outputs", (ROWS, 1))
    assert names(shown)[0] == "AddmmBackward0"


@pytest.mark.parametrize("kind", TASKS)
def test_a_node_keeps_its_place_when_backward_has_run(kind):
    loss, known, before = of(kind)
    loss.backward()
    after = graph(loss, known)
    assert (names(before), arrows(before)) == (names(after), arrows(after))
    assert [leaf.name for leaf in before.leaves] == [leaf.name for leaf in after.leaves]


def test_a_parameter_used_twice_is_one_leaf_with_two_edges():
    w = torch.tensor(2.0, requires_grad=True)
    loss = w * 3 + w * 4
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, {"w": w}, flow)
    place = names(shown).index("AccumulateGrad")
    along = [edge.grad.values for node in shown.nodes for edge in node.edges if edge.to == place]
    assert len(shown.leaves) == 1
    assert along == [(3.0,), (4.0,)]  # each edge carries its own
    assert shown.nodes[place].grads[0].values == shown.leaves[0].grad.values == (7.0,)  # their sum arrives


def test_outputs_of_one_operation_are_told_apart():
    w = torch.tensor([2.0, 5.0], requires_grad=True)
    first, second = w.unbind()
    loss = second * 10 + first
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, {"w": w}, flow)
    unbind = names(shown).index("UnbindBackward0")
    into = {e.output: e.grad.values for node in shown.nodes for e in node.edges if e.to == unbind}
    assert into == {0: (1.0,), 1: (10.0,)}
    assert [grad.values for grad in shown.nodes[unbind].grads] == [(1.0,), (10.0,)]


def test_an_output_that_was_not_used_has_no_gradient():
    w = torch.tensor([2.0, 5.0], requires_grad=True)
    loss = w.unbind()[1] * 10
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, {"w": w}, flow)
    missing, there = shown.nodes[names(shown).index("UnbindBackward0")].grads
    assert missing is None and there.values == (10.0,)


def test_names_lose_their_namespaces_and_nothing_else():
    x = torch.zeros(3, requires_grad=True).clone()
    x[0] = 1.0
    assert x.grad_fn.name() == "torch::autograd::CopySlices"
    assert operation(x.grad_fn) == "CopySlices"
    for name, short in {
        "torch::autograd::CppNode<(anonymous namespace)::Mine>": "CppNode<Mine>",
        "AddBackward0": "AddBackward0",
    }.items():
        assert operation(SimpleNamespace(name=lambda name=name: name)) == short


def test_an_unknown_leaf_has_no_name():
    a = torch.tensor(3.0, requires_grad=True)
    other = torch.tensor(3.0, requires_grad=True)  # as large, but not the one
    assert graph(a * 2, {"other": other}).leaves[0].name is None


# Numbers of a tensor.


def summary_of(tensor):
    """As the leaf of a graph."""
    leaf = tensor.clone().requires_grad_()
    return graph(leaf.sum(), {}).leaves[0].value


def test_few_entries_are_shown_one_by_one_and_more_as_norm():
    few = summary_of(torch.tensor([[3.0, -4.0], [0.0, 0.5]]))
    assert (few.shape, few.values) == ((2, 2), (3.0, -4.0, 0.0, 0.5))
    assert few.norm == pytest.approx(math.sqrt(9 + 16 + 0.25), rel=1e-12)
    assert summary_of(torch.ones(FEW)).values == (1.0,) * FEW
    many = summary_of(torch.ones(FEW + 1))
    assert many.values is None
    assert many.norm == pytest.approx(math.sqrt(FEW + 1), rel=1e-12)


def test_none_zeros_and_values_of_grad_are_three_things():
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (a * 3).sum()
    assert graph(loss, {"a": a}).leaves[0].grad is None
    a.grad = torch.zeros(2)
    zeros = graph(loss, {"a": a}).leaves[0].grad
    assert zeros is not None and zeros.zeros and zeros.values == (0.0, 0.0)
    loss.backward()
    there = graph(loss, {"a": a}).leaves[0].grad
    assert not there.zeros and there.values == (3.0, 3.0)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1.0, 1e200])
def test_norms_neither_vanish_nor_overflow(scale):
    found = summary_of(torch.tensor([3.0, 4.0], dtype=torch.float64) * scale)
    assert found.norm == pytest.approx(5.0 * scale, rel=1e-3 if scale < 1e-300 else 1e-12)
    assert not found.zeros


def test_norms_of_what_is_not_a_number():
    assert math.isnan(summary_of(torch.tensor([1.0, math.nan, math.inf])).norm)
    assert summary_of(torch.tensor([1.0, -math.inf])).norm == math.inf
    assert summary_of(torch.zeros(0)).norm == 0.0
    assert summary_of(torch.zeros(3)).zeros
    assert not summary_of(torch.full((3,), math.nan)).zeros


# What is kept.


def test_a_linear_model_keeps_inputs_outputs_and_targets():
    _, _, shown = of("linear")
    (addmm,), (mse,) = saved(shown, "AddmmBackward0"), saved(shown, "MseLossBackward0")
    assert list(addmm) == ["mat1"]  # weight.T is for the gradient of the inputs, which need none
    assert (addmm["mat1"].shape, addmm["mat1"].tensor, addmm["mat1"].dtype) == ((200, 2), "inputs", "float32")
    assert {name: one.tensor for name, one in mse.items()} == {"self": "outputs", "target": "targets"}
    assert {one.state for one in shown.saved} == {"kept"}
    assert shown.kept.nbytes == 200 * 2 * 4 + 200 * 4 + 200 * 4
    assert shown.kept.parameter_nbytes == 0


def test_an_mlp_keeps_its_activations_once():
    _, _, shown = of("mlp")
    last, middle, first = saved(shown, "AddmmBackward0")
    tanhs = saved(shown, "TanhBackward0")
    assert (first["mat1"].tensor, first["mat1"].nbytes) == ("inputs", 200 * 2 * 4)
    assert "mat2" not in first
    assert (middle["mat2"].tensor, middle["mat2"].shape) == ("2.weight.T", (8, 8))
    assert (last["mat2"].tensor, last["mat2"].shape) == ("4.weight.T", (8, 1))
    assert middle["mat2"].parameter and not middle["mat1"].parameter
    # What tanh gave is what the next layer took in: one storage, met at the layer first.
    assert [one["result"].nbytes for one in tanhs] == [200 * 8 * 4] * 2
    assert [one["result"].counted for one in tanhs] == [False, False]
    assert last["mat1"].counted and middle["mat1"].counted
    assert shown.kept.nbytes == 1600 + 6400 + 6400 + 800 + 800  # inputs, two of tanh, outputs, targets
    assert shown.kept.parameter_nbytes == (8 * 8 + 8) * 4


def counted_by_hooks(model, loss_fn, inputs, targets):
    """Bytes that a forward saves, of parameters and of all else, as PyTorch hands them to hooks."""
    held = []

    def pack(tensor):
        held.append(tensor)
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = loss_fn(model(inputs), targets)
    return loss, split_bytes(held, model.parameters())


def split_bytes(held, parameters):
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in held}
    own = {p.untyped_storage().data_ptr() for p in parameters}
    of_parameters = sum(n for where, n in storages.items() if where in own)
    return sum(storages.values()) - of_parameters, of_parameters


CASES = [
    ("linear", "tanh", "mse"),
    *(("mlp", activation, "bce") for activation in ACTIVATIONS),
    *(("mlp", "relu", loss) for loss in LOSSES if loss != "bce"),
    ("lenet", "tanh", "cross_entropy"),
]


@pytest.mark.parametrize(("kind", "activation", "loss"), CASES)
def test_bytes_agree_with_what_hooks_see_in_another_forward(kind, activation, loss):
    parts = task(kind, activation, loss)
    shown = graph(*forward(*parts))
    _, expected = counted_by_hooks(*parts)
    assert (shown.kept.nbytes, shown.kept.parameter_nbytes) == expected
    assert expected[0] > 0


@pytest.mark.parametrize("kind", TASKS)
def test_backward_frees_everything(kind):
    loss, known, before = of(kind)
    assert before.kept.nbytes > 0
    loss.backward()
    after = graph(loss, known)
    assert (after.kept.nbytes, after.kept.parameter_nbytes) == (0, 0)
    assert {one.state for one in after.saved} == {"freed"}
    # The same places, and no more: what was never kept was never freed.
    places = [[one.name for one in node.saved] for node in before.nodes]
    assert places == [[one.name for one in node.saved] for node in after.nodes]
    assert all(one.message.startswith("Trying to backward through the graph") for one in after.saved)


@pytest.mark.parametrize("kind", TASKS)
def test_retain_graph_frees_nothing(kind):
    loss, known, before = of(kind)
    loss.backward(retain_graph=True)
    assert graph(loss, known).kept == before.kept


def test_what_is_never_kept_is_never_freed():
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (a + 3).sum()
    assert graph(loss, {}).saved == []
    loss.backward()
    assert graph(loss, {}).saved == []


def test_a_step_before_backward_changes_what_is_kept():
    parts = TASKS["mlp"]()
    loss, known = forward(*parts)
    before = graph(loss, known)
    with torch.no_grad():
        for parameter in parts[0].parameters():
            parameter.sub_(0.1)
    after = graph(loss, known)
    last, middle, first = saved(after, "AddmmBackward0")
    assert [last["mat2"].state, middle["mat2"].state] == ["changed", "changed"]
    assert {one.state for one in after.saved if not one.parameter} == {"kept"}
    assert middle["mat2"].tensor == "2.weight.T" and middle["mat2"].shape == (8, 8)
    assert "modified by an inplace operation" in middle["mat2"].message
    assert list(first) == ["mat1"]
    assert after.kept == before.kept  # changed, and still there
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_the_first_sentence_of_a_refusal_is_shown():
    def refuse(packed):
        raise OSError("The disk is full. Nothing can be done.")

    a = torch.tensor([1.0, 2.0], requires_grad=True)
    with saved_tensors_hooks(lambda tensor: tensor, refuse):
        loss = a.exp().sum()
    (one,) = graph(loss, {}).saved
    assert (one.name, one.state, one.message) == ("result", "unreadable", "The disk is full.")
    assert one.nbytes == 0 and one.shape is None


class Keeps(torch.autograd.Function):
    """An operation of one's own that keeps two tensors."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x * 2, torch.zeros(5, dtype=torch.float64))
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad


def test_operations_written_in_python_keep_tensors_too():
    x = torch.ones(3, requires_grad=True)
    loss = Keeps.apply(x).sum()
    shown = graph(loss, {"x": x})
    kept_ones = saved(shown, "KeepsBackward")[0]
    assert list(kept_ones) == ["tensors[0]", "tensors[1]"]
    assert shown.kept.nbytes == 3 * 4 + 5 * 8
    loss.backward()
    assert {one.state for one in graph(loss, {}).saved} == {"freed"}


def test_lists_of_tensors_are_kept_one_by_one():
    w = torch.arange(4.0, requires_grad=True)
    rows = torch.tensor([0, 2])
    loss = w[rows].sum()
    shown = graph(loss, {"w": w, "rows": rows})
    (one,) = [one for one in shown.saved if one.name.startswith("indices")]
    assert (one.name, one.dtype, one.shape, one.tensor) == ("indices[0]", "int64", (2,), "rows")
    assert shown.kept.nbytes == 2 * 8


# Which tensor it is.


def kept_as(tensor, known):
    """The name that a kept tensor gets: here `other` of a product."""
    w = torch.ones((), requires_grad=True)
    (one,) = graph(w * tensor, {"w": w} | known).saved
    return one.tensor


def test_kept_tensors_are_known_by_where_they_lie():
    square, table = random(3, 3), random(4, 2)
    known = {"square": square, "left": table[:, :1], "right": table[:, 1:], "alike": square.clone()}
    assert kept_as(square, known) == "square"
    assert kept_as(square.T, known) == "square.T"  # as large as the square itself
    assert kept_as(table[:, 1:], known) == "right"
    assert kept_as(square.view(9), known) == "view of square"
    assert kept_as(square[1:], known) == "view of square"
    assert kept_as(random(3, 3, seed=5), known) is None


def test_a_neighbour_in_one_storage_is_another_tensor():
    flat = random(6)
    known = {"first": flat[:3], "second": flat[3:]}
    assert kept_as(flat[3:].view(3, 1), known) == "view of second"
    assert kept_as(flat[:0], known) is None


def test_a_view_counts_as_the_storage_that_it_keeps():
    w = torch.ones((), requires_grad=True)
    whole = random(100, 2)
    shown = graph((w * whole[:10]).sum() + (w * whole[5:]).sum(), {"w": w})
    assert shown.kept.nbytes == 100 * 2 * 4
    spread = torch.zeros(1).expand(1000)
    assert graph((w * spread).sum(), {"w": w}).kept.nbytes == 4


def test_a_leaf_without_a_name_is_a_parameter_all_the_same():
    w = random(5).requires_grad_()
    shown = graph((w * w).sum(), {})
    assert (shown.kept.nbytes, shown.kept.parameter_nbytes) == (0, 20)


def test_a_frozen_weight_is_not_a_parameter():
    w, frozen = torch.ones(3, requires_grad=True), torch.ones(3)
    kept_bytes = graph((w * frozen).sum(), {"w": w, "frozen": frozen}).kept
    assert (kept_bytes.nbytes, kept_bytes.parameter_nbytes) == (12, 0)


# Long chains, and several graphs at once.


def chain(links):
    """A tensor behind which there are so many operations and one leaf."""
    tensor = torch.tensor(1.0, requires_grad=True)
    for _ in range(links):
        tensor = -tensor
    return tensor


def test_a_graph_may_have_as_many_nodes_as_can_be_drawn_and_no_more():
    longest = chain(MAX_NODES - 1)
    assert graph_problem(longest) is None
    assert len(graph(longest, {}).nodes) == MAX_NODES
    beyond = -longest
    problem = graph_problem(beyond)
    assert str(MAX_NODES) in problem
    with pytest.raises(ValueError, match=problem):
        graph(beyond, {})


def test_a_loss_that_is_added_up_grows_a_chain():
    w = torch.tensor(1.0, requires_grad=True)
    total = torch.zeros(())
    for _ in range(20_000):
        total = total + w * 1.0
    assert count(total) == 20_000 + 20_000 + 1 > sys.getrecursionlimit()
    assert graph_problem(total) is not None
    with Flow(total) as flow:
        total.backward()
    assert w.grad == 20_000
    assert (flow.arrived, flow.sent) == ({}, {})


@pytest.mark.parametrize("make", [lambda a: a, lambda a: (a * 2).detach(), lambda a: torch.zeros(2)])
def test_where_nothing_was_recorded_there_is_a_sentence(make):
    tensor = make(torch.ones(2, requires_grad=True))
    assert "grad_fn" in graph_problem(tensor)
    with pytest.raises(ValueError, match="grad_fn"):
        graph(tensor, {})
    assert count(tensor) == 0
    Flow(tensor).remove()


def test_kept_losses_keep_their_graphs():
    parts = TASKS["linear"]()
    losses = []
    for _ in range(3):
        loss, known = forward(*parts)
        losses.append(loss)
    # each has outputs of its own; inputs, targets and leaves are shared
    found = kept(losses, known)
    assert found.nbytes == 3 * 800 + 1600 + 800
    assert found.nodes == count(*losses) == 3 * 3 + 2
    losses[0].backward()
    assert kept(losses, known).nbytes == 2 * 800 + 1600 + 800
    for loss in losses[1:]:
        loss.backward()
    assert kept(losses, known).nbytes == 0
    assert kept(losses, known).nodes == 3 * 3 + 2
    assert kept([], known).nodes == 0


def plain(value):
    """Whether a value and all inside it is plain data."""
    if dataclasses.is_dataclass(value):
        return all(plain(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, tuple):
        return all(map(plain, value))
    return value is None or type(value) in (str, int, float, bool)


def test_a_graph_keeps_nothing_alive():
    a = random(3).requires_grad_()
    loss = a.exp().sum()
    with Flow(loss) as flow:
        loss.backward(retain_graph=True)
    shown = graph(loss, {"a": a, "loss": loss}, flow)
    assert plain(shown) and isinstance(shown, Graph)
    gone = [weakref.ref(a), weakref.ref(loss)]
    del a, loss
    assert [ref() for ref in gone] == [None, None]
    assert shown.leaves[0].name == "a"


# Gradients that flow back.


@pytest.mark.parametrize("kind", TASKS)
def test_what_arrives_at_the_leaves_is_their_gradient(kind):
    parts = TASKS[kind](dtype=torch.float64)
    loss, known = forward(*parts)
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, known, flow)
    twin = copy.deepcopy(parts[0])
    own = dict(twin.named_parameters())
    other_loss = parts[1](twin(parts[2]), parts[3])
    grads = dict(zip(own, torch.autograd.grad(other_loss, list(own.values())), strict=True))
    for node in shown.nodes:
        if node.leaf is not None:
            expected = grads[node.leaf.name]
            assert node.grads[0].shape == expected.shape
            assert node.grads[0].norm == pytest.approx(math.hypot(*expected.flatten().tolist()), rel=1e-9)
            # Laid out otherwise in memory, the norm may round otherwise.
            assert node.leaf.grad.norm == pytest.approx(node.grads[0].norm, rel=1e-12)
            assert node.leaf.grad.values == node.grads[0].values
    assert shown.nodes[0].grads[0].values == (1.0,)


def test_what_arrives_at_each_operation_is_the_gradient_of_its_output():
    model, loss_fn, inputs, targets = TASKS["mlp"](dtype=torch.float64)
    loss, known = forward(model, loss_fn, inputs, targets)
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, known, flow)
    outputs = [inputs]
    for layer in copy.deepcopy(model):
        outputs.append(layer(outputs[-1]))
    expected = torch.autograd.grad(loss_fn(outputs[-1], targets), outputs[1:])[::-1]
    chain = [node for node in shown.nodes if node.name in ("AddmmBackward0", "TanhBackward0")]
    assert len(chain) == len(expected) == 5
    for node, grad in zip(chain, expected, strict=True):
        (arrived,) = node.grads
        assert (arrived.shape, arrived.values) == (tuple(grad.shape), None)
        assert arrived.norm == pytest.approx(math.hypot(*grad.flatten().tolist()), rel=1e-9)
    # Where a node has one edge into it, the edge carries what arrives.
    into = {edge.to: edge.grad for node in shown.nodes for edge in node.edges}
    assert all(into[place] == shown.nodes[place].grads[0] for place in into)


def test_without_a_flow_there_are_no_gradients_on_edges():
    loss, known, _ = of("mlp")
    loss.backward()
    shown = graph(loss, known)
    assert all(node.grads == () for node in shown.nodes)
    assert all(edge.grad is None for node in shown.nodes for edge in node.edges)


def train(kind, clear, watched, optimizer, steps=6):
    """Weights and .grads after some steps, with and without everything that looks at the graph."""
    model, loss_fn, inputs, targets = TASKS[kind]()
    optimizer = optimizer(model.parameters())
    grads = []
    for _ in range(steps):
        clear(optimizer)
        loss, known = forward(model, loss_fn, inputs, targets)
        if watched:
            graph(loss, known)
            with Flow(loss) as flow:
                loss.backward()
            graph(loss, known, flow)
        else:
            loss.backward()
        grads.append([p.grad.clone() for p in model.parameters()])
        optimizer.step()
    return [*model.parameters()], grads


CLEAR = {
    "to None": lambda optimizer: optimizer.zero_grad(),
    "to zeros": lambda optimizer: optimizer.zero_grad(set_to_none=False),
    "never": lambda optimizer: None,
}


@pytest.mark.parametrize("clear", CLEAR)
@pytest.mark.parametrize("kind", TASKS)
def test_watching_changes_no_bit(kind, clear):
    def optimizer(parameters):
        return torch.optim.SGD(parameters, lr=0.05, momentum=0.5)

    weights, grads = train(kind, CLEAR[clear], True, optimizer)
    plain_weights, plain_grads = train(kind, CLEAR[clear], False, optimizer)
    assert all(map(torch.equal, weights, plain_weights))
    for ours, theirs in zip(grads, plain_grads, strict=True):
        assert all(map(torch.equal, ours, theirs))
    assert not torch.equal(grads[0][0], grads[-1][0])


@pytest.mark.parametrize("kind", TASKS)
def test_a_gradient_that_is_there_is_added_to_in_place(kind):
    model, *rest = TASKS[kind]()
    for backward in range(3):
        before = [p.grad for p in model.parameters()]
        loss, _ = forward(model, *rest)
        with Flow(loss):
            loss.backward()
        if backward:
            assert all(p.grad is grad for p, grad in zip(model.parameters(), before, strict=True))


def test_a_run_watched_at_every_backward_has_the_same_bits():
    config = Config(dataset="xor", model="mlp", hidden=(8, 8), activation="tanh", loss="bce", steps=8, lr=0.5)
    plain_run, watched = Run(config).advance(), Run(config)
    while not watched.done:
        if watched.config.loop[watched.next_line] == "backward":
            with Flow(watched.namespace["loss"]) as flow:
                watched.line()
            assert flow.arrived[0][0].values == (1.0,)
        else:
            watched.line()
    watched.history.flush()
    for name, weights in plain_run.history.weights.items():
        assert (weights == watched.history.weights[name]).all()
        assert (plain_run.history.grads[name] == watched.history.grads[name]).all()


def test_watching_leaves_the_version_check_on():
    model, *rest = TASKS["mlp"]()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    forward(model, *rest)[0].backward()
    loss, _ = forward(model, *rest)
    optimizer.step()
    with pytest.raises(RuntimeError) as unwatched:
        loss.backward()
    twin, twin_known = forward(model, *rest)
    graph(twin, twin_known)
    optimizer.step()
    with Flow(twin) as flow, pytest.raises(RuntimeError) as raised:
        twin.backward()
    assert str(raised.value).split("[")[0] == str(unwatched.value).split("[")[0]
    # The gradient came as far as the layer that raised, and no further.
    shown = graph(twin, twin_known, flow)
    assert [len(node.grads) for node in shown.nodes if node.name == "AddmmBackward0"] == [1, 0, 0]
    assert [leaf.grad for leaf in shown.leaves].count(None) == 0  # those of the first backward


def test_hooks_are_gone_afterwards_even_if_backward_raises():
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (a * 3).sum()
    with pytest.raises(KeyError), Flow(loss) as flow:
        raise KeyError
    loss.backward(retain_graph=True)
    assert (flow.arrived, flow.sent) == ({}, {})
    flow = Flow(loss)
    loss.backward(retain_graph=True)
    noted = dict(flow.arrived)
    assert set(noted) == {0, 1, 2}
    flow.remove()
    flow.arrived.clear()
    loss.backward()
    assert flow.arrived == {}


def test_a_sparse_gradient_is_noted_as_the_dense_one():
    table = nn.Embedding(4, 2, sparse=True, _weight=random(4, 2))
    loss = table(torch.tensor([1, 1, 3])).sum()
    with Flow(loss) as flow:
        loss.backward()
    shown = graph(loss, {"table": table.weight}, flow)
    assert shown.leaves[0].grad.values == (0.0, 0.0, 2.0, 2.0, 0.0, 0.0, 1.0, 1.0)


# Any graph.

OPERATIONS = (torch.add, torch.mul, torch.maximum, torch.matmul)
FUNCTIONS = (torch.tanh, torch.exp, torch.relu, torch.t, torch.neg, lambda x: x.clamp(-1, 1), lambda x: x[:])


@st.composite
def programs(draw):
    """Places to take from, and what to do with them."""
    steps = draw(st.integers(1, 12))
    return [
        (draw(st.integers(0, 10)), draw(st.integers(0, 50)), draw(st.integers(0, 50))) for _ in range(steps)
    ]


def execute(program, leaves):
    tensors = list(leaves)
    for which, first, second in program:
        one, other = tensors[first % len(tensors)], tensors[second % len(tensors)]
        if which < len(OPERATIONS):
            tensors.append(OPERATIONS[which](one, other))
        else:
            tensors.append(FUNCTIONS[which - len(OPERATIONS)](one))
    return torch.stack(tensors).sum()


@settings(deadline=None)
@given(programs())
def test_any_graph(program):
    leaves = [random(2, 2, seed=seed).double().requires_grad_() for seed in range(3)]
    held = []

    def pack(tensor):
        held.append(tensor)
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        hooked = execute(program, leaves)
    loss = execute(program, leaves)
    known = {f"leaf {i}": leaf for i, leaf in enumerate(leaves)} | {"loss": loss}
    shown = graph(loss, known)
    assert (shown.kept.nbytes, shown.kept.parameter_nbytes) == split_bytes(held, leaves)
    assert sum(one.nbytes for one in shown.saved if one.counted) == sum(split_bytes(held, leaves))
    assert sorted(leaf.name for leaf in shown.leaves) == ["leaf 0", "leaf 1", "leaf 2"]
    # Depth first: every node is named by one before it.
    firsts = {edge.to: place for place, node in reversed([*enumerate(shown.nodes)]) for edge in node.edges}
    assert all(firsts[place] < place for place in range(1, len(shown.nodes)))
    with Flow(loss) as flow:
        loss.backward()
    expected = torch.autograd.grad(hooked, leaves)
    after = graph(loss, known, flow)
    for leaf, node in zip(after.leaves, (n for n in after.nodes if n.leaf), strict=True):
        grad = expected[int(leaf.name.split()[1])]
        # As text: nan is nan, once numbers have overflowed.
        assert repr(leaf.grad.values) == repr(node.grads[0].values) == repr(tuple(grad.flatten().tolist()))
    assert after.kept.nbytes == after.kept.parameter_nbytes == 0
