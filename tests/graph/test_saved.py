"""Tensors kept for backward: which ones, how many bytes, and what PyTorch says once they are gone."""

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from core.graph.graph import graph
from core.graph.nodes import count
from core.graph.saved import kept
from core.losses import LOSSES
from core.models import ACTIVATIONS
from tests.helpers.graphs import TASKS, forward, of, random, saved, split_bytes, task


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
    # The number of rows that batchmean divides by is kept as a tensor, which PyTorch hands to no hook.
    number = 8 if loss == "kl_div" else 0
    assert (shown.kept.nbytes, shown.kept.parameter_nbytes) == (expected[0] + number, expected[1])
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
