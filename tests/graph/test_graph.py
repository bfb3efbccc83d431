"""The autograd graph: real nodes and edges, leaves with their gradients, as plain data."""

import dataclasses
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd.graph import saved_tensors_hooks

from core.graph.flow import Flow
from core.graph.graph import Graph, graph
from core.graph.nodes import count
from tests.helpers.graphs import ROWS, TASKS, arrows, forward, names, of, random, split_bytes


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


def test_an_unknown_leaf_has_no_name():
    a = torch.tensor(3.0, requires_grad=True)
    other = torch.tensor(3.0, requires_grad=True)  # as large, but not the one
    assert graph(a * 2, {"other": other}).leaves[0].name is None


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
