"""PyTorch's private names: each does what core takes it for, and stands nowhere else.

A test that fails after an upgrade says which part of the app no longer works.
"""

import ast
from pathlib import Path

import pytest
import torch

from core.torch_internals import (
    copy_all,
    is_view,
    order,
    overflowed,
    saved_attributes,
    saved_name,
    set_versions,
    tanh_backward,
    unpacked,
    version,
)

ROOT = Path(__file__).parents[1]


def test_watch_and_autograd_show_how_often_a_tensor_was_written_into():
    tensor = torch.zeros(3)
    tensor.add_(1).mul_(2)
    tensor.data.zero_()  # not counted
    assert version(tensor) == 2


def test_watch_steps_back_to_the_counters_that_were():
    one, other = torch.zeros(2), torch.ones(3)
    set_versions([one, other], [5, 7])
    assert (version(one), version(other)) == (5, 7)
    w = torch.ones(2, requires_grad=True)
    kept = w * 1.0
    squares, before = (kept * kept).sum(), version(kept)
    kept.data.fill_(3.0)
    set_versions([kept], [before])
    squares.backward()  # nothing was counted, so nothing is refused
    assert w.grad.tolist() == [6.0, 6.0]


def test_watch_knows_when_a_scaler_skips_a_step():
    scaler, weight = torch.amp.GradScaler("cpu"), torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    assert not overflowed(scaler, optimizer)
    for huge in (1.0, torch.inf):
        scaler.scale((weight * huge).sum()).backward()
        scaler.unscale_(optimizer)
        weight.grad.clamp_(-1, 1)  # makes numbers of what was inf
        assert overflowed(scaler, optimizer) == (huge == torch.inf)
        before = weight.detach().clone()
        scaler.step(optimizer)
        assert overflowed(scaler, optimizer) == torch.equal(weight, before)
        scaler.update()
        assert not overflowed(scaler, optimizer)
        optimizer.zero_grad()


def test_the_notebook_lets_go_of_tensors_but_of_views():
    base = torch.ones(3)
    assert is_view(base[:2]) and is_view(base.view(3, 1)) and not is_view(base.clone())


def test_history_takes_the_weights_of_a_step():
    places, weights = [torch.zeros(2), torch.zeros(3, 1)], [torch.ones(2), torch.full((3, 1), 2.0)]
    copy_all(places, weights)
    assert all(torch.equal(*pair) for pair in zip(places, weights, strict=True))
    weights[0].zero_()
    assert places[0].tolist() == [1.0, 1.0]


def test_runs_that_train_together_pass_gradients_through_tanh():
    grads, outputs = torch.tensor([2.0, 3.0, 5.0]), torch.tensor([0.5, 0.0, -1.0])
    assert tanh_backward(grads, outputs).tolist() == [1.5, 3.0, 0.0]  # grad * (1 - tanh ** 2)


def test_operations_are_listed_in_the_order_they_were_recorded_in():
    x = torch.ones(2, requires_grad=True)
    first = x * 2
    second = x + 1
    third = first * second
    assert order(first.grad_fn) < order(second.grad_fn) < order(third.grad_fn)


def test_the_graph_shows_what_is_kept_for_backward():
    x, y = torch.tensor([2.0], requires_grad=True), torch.tensor([3.0], requires_grad=True)
    node = (x * y).grad_fn
    kept = {saved_name(name): getattr(node, name) for name in saved_attributes(type(node))}
    assert {name: value.item() for name, value in kept.items()} == {"self": 2.0, "other": 3.0}
    assert saved_name("saved_tensors") == "tensors"


def test_the_graph_still_shows_a_kept_tensor_that_was_written_into():
    x = torch.tensor([0.0], requires_grad=True)
    y = x.exp()
    y.mul_(5.0)
    node = y.grad_fn.next_functions[0][0]
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        _ = node._saved_result
    assert unpacked(node, "_saved_result").data.tolist() == [5.0]
    assert unpacked(node, "_saved_nothing") is None


def private(path):
    """Names with an underscore that a file reads off something."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            yield node.attr


INTERNAL = ("_version", "_sequence_nr", "_is_view", "_C", "_foreach_copy_", "_per_optimizer_states")


def test_private_names_of_pytorch_stand_in_one_module():
    alone = ("torch_internals.py", "recorder.py")  # the recorder is taken away and imports nothing of ours
    others = [path for path in (ROOT / "core").rglob("*.py") if path.name not in alone]
    checked = [path for path in others if path.parent.name != "notes"]
    elsewhere = {path.name for path in checked if set(private(path)) & set(INTERNAL)}
    assert elsewhere == set()
    texts = {path.name for path in (ROOT / "core").rglob("*.py") if '"_saved_' in path.read_text()}
    assert texts == {"torch_internals.py"}
    assert set(INTERNAL) <= set(private(ROOT / "core/torch_internals.py"))
