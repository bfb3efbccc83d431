"""The examples of the notebook: they do what Python does with the same lines, and their answers are true."""

import math

import pytest
import torch

from core.autograd.examples import EXAMPLES
from core.autograd.notebook import run, told
from core.losses import LOSSES
from core.traps.table import TRAPS
from tests.helpers.notebooks import by_python


def of(name):
    """Source text of each statement -> what was done there; a line that comes twice has two entries."""
    lines = EXAMPLES[name].text.split("\n")
    return [("\n".join(lines[one.first - 1 : one.last]), one) for one in told(EXAMPLES[name].text)]


def shown(name):
    return [one.shows for _, one in of(name) if one.shows is not None]


def error(name):
    return told(EXAMPLES[name].text)[-1].error


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_python_does(name):
    names, raised = by_python(EXAMPLES[name].text)
    found = error(name)
    assert (found and (found.type, found.text)) == (raised and (type(raised).__name__, str(raised)))
    assert found is None or not found.refused
    with run(EXAMPLES[name].text) as book:
        for key, tensor in book.workspace.tensors.items():
            other = names[key]
            assert torch.equal(tensor, other)
            said = [(t.requires_grad, t.is_leaf, t._version, str(type(t.grad_fn))) for t in (tensor, other)]
            assert said[0] == said[1]
            if tensor.is_leaf:
                assert (tensor.grad is None) == (other.grad is None)
                assert tensor.grad is None or torch.equal(tensor.grad, other.grad)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_asks_something_and_does_not_tell(name):
    example = EXAMPLES[name]
    assert len(set(example.answers)) == len(example.answers) >= 3
    assert set(example.offered) == set(example.answers)
    assert example.question.endswith("?") and example.why.endswith(".")
    assert not any(answer.endswith(".") for answer in example.answers)
    assert example.trap is None or example.trap in TRAPS
    assert example.loss is None or example.loss in LOSSES
    assert sum(other.text == example.text for other in EXAMPLES.values()) == 1


def test_the_right_answer_does_not_always_stand_in_the_same_place():
    places = [example.offered.index(example.answers[0]) for example in EXAMPLES.values()]
    assert {0, 1, 2} <= set(places)


# Each answer against what was computed; numbers by hand.


def test_five_tensors():
    with run(EXAMPLES["five"].text) as book:
        tensors = book.workspace.tensors
        assert {name for name, t in tensors.items() if t.grad_fn is not None} == {"C", "E"}
        assert {name for name, t in tensors.items() if t.is_leaf and t.grad is not None} == {"A"}
        assert tensors["A"].grad.tolist() == [2.0]


def test_variance():
    assert shown("variance") == ["tensor([-1.,  0.,  1.])"]
    numbers = told(
        "a = tensor([1., 2., 3.], requires_grad=True)\ntorch.var(a, correction=0).backward()\na.grad"
    )
    assert numbers[-1].shows == "tensor([-0.6667,  0.0000,  0.6667])"


def test_whole_numbers():
    # 2 (a - 8/3) / 2 for 1, 3, 4
    dtype, grad = shown("whole_numbers")
    assert dtype == "torch.float64"
    assert grad == "tensor([[-1.6667,  0.3333,  1.3333]], dtype=torch.float64)"
    assert "Only Tensors of floating point" in error("whole_numbers").text
    assert told("torch.tensor([[1, 3, 4]]).dtype")[-1].shows == "torch.int64"


def test_detach():
    assert "does not require grad and does not have a grad_fn" in error("detach").text
    assert shown("not_detached") == ["True"]
    with run(EXAMPLES["not_detached"].text) as book:
        names = book.workspace.names
        by_hand = 2 * names["X"].T @ names["X"] @ names["W"].detach()
        torch.testing.assert_close(names["W"].grad, by_hand)


def test_detach_shares():
    assert shown("shared")[-1] == "tensor([10., 20.], requires_grad=True)"
    assert "version 0 → 1" in of("shared")[2][1].changes[0]


def test_gradients_add_up():
    grads = [one.changes[0] for line, one in of("adds_up") if line == "loss.backward()"]
    assert grads == ["w.grad: None → 0.5.", "w.grad: 0.5 → 0.8.", "w.grad: 0.8 → 1.2."]
    assert told(EXAMPLES["adds_up"].text)[-1].changes == ("w.grad: 1.2 → None.",)


def test_backward_twice():
    assert shown("twice") == ["tensor([2., 2.])"]
    assert error("twice").text.startswith("Trying to backward through the graph a second time")
    kept = EXAMPLES["twice"].text.replace("c.backward()", "c.backward(retain_graph=True)")
    assert told(kept)[-1].error is None


def test_backward_of_several_numbers():
    assert shown("not_scalar") == ["tensor([2., 4., 6.])"]
    assert error("not_scalar").text == "grad can be implicitly created only for scalar outputs"
    assert told("a = tensor([[1.]], requires_grad=True)\n(a * 2).backward()")[-1].error is None


def test_a_target_of_another_shape():
    # With seed 0, as computed once with torch 2.13: over all pairs, and over those that belong together.
    assert shown("broadcast") == ["tensor(1.7213)", "torch.Size([10, 10])", "tensor(1.1550)"]
    warned = [len(one.warnings) for line, one in of("broadcast") if line.startswith("F.mse_loss")]
    assert warned == [1, 0]


def test_the_update_by_hand():
    # loss = (2 w - 2.25)^2 with w = 3: its derivative is 2 x 3.75 x 2 = 15, and 3 - 0.15 = 2.85
    assert shown("update") == ["tensor([15.])", "tensor([2.8500], requires_grad=True)"]
    assert error("update").text.startswith("a leaf Variable that requires grad is being used in an in-place")


def test_an_update_that_makes_a_new_tensor():
    assert shown("new_tensor") == ["False", "None"]
    assert "not a leaf Tensor" in told(EXAMPLES["new_tensor"].text)[-1].warnings[0]


def test_the_update_too_early():
    assert error("before_backward").text == "'NoneType' object has no attribute 'data'"
    lines = EXAMPLES["before_backward"].text.split("\n")
    assert told("\n".join([*lines[:3], lines[4], lines[3]]))[-1].error is None


def test_a_write_that_nobody_counts():
    done = of("uncounted")
    assert "tensor([0., 0.])" in shown("uncounted")
    assert any("autograd does not know" in sentence for _, one in done for sentence in one.changes)
    assert "modified by an inplace operation" in error("uncounted").text
    right = told("a = tensor([1.0, 2.0], requires_grad=True)\na.exp().sum().backward()\na.grad")[-1].shows
    assert right == f"tensor([{math.e:.4f}, {math.e**2:.4f}])"


def test_grad_of_a_result():
    # c = b^2 = 4 a^2 with a = 3: 24 for a, 12 for b
    assert shown("results") == ["tensor([24.])", "tensor([12.])", "None"]
    assert len(told(EXAMPLES["results"].text)[-1].warnings) == 1


def test_four_deliveries():
    # 2/4 (3 + 6 + 9 + 12) = 15, as in the notes; for the bias 2/4 (3 + 3 + 3 + 3) = 6
    assert [text.split(",")[0].split("(")[1].rstrip(")") for text in shown("deliveries")] == ["15.", "15."]
    changes = [sentence for _, one in of("deliveries") for sentence in one.changes]
    assert {"weight.grad: None → 15.", "bias.grad: None → 6."} <= set(changes)


def test_cross_entropy():
    assert shown("cross_entropy")[0] == "True"
    with run(EXAMPLES["cross_entropy"].text) as book:
        names = book.workspace.names
        softmax = torch.softmax(names["logits"].detach().double(), 1)
        one_hot = torch.nn.functional.one_hot(names["targets"], 3).double()
        by_hand = (softmax - one_hot) / 4
        torch.testing.assert_close(names["logits"].grad.double(), by_hand, rtol=0, atol=1e-6)
