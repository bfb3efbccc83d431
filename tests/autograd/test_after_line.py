"""What there is after a typed line: the table of tensors and the graph, also once backward has freed it."""

import pytest

from core.autograd.after_line import SHOWN, inside
from core.autograd.examples import EXAMPLES
from core.autograd.notebook import told
from core.graph import picture
from core.graph.saved import CHANGED, FREED, KEPT
from core.graph.tensor_table import NOT_KEPT

FIVE = EXAMPLES["five"].text


def cells(found):
    return found.table.cells.set_index("name")


def test_the_table_is_pytorchs_own_words():
    table = cells(inside(FIVE, 7))
    assert list(table.columns) == [*SHOWN[:2], "changed", *SHOWN[2:]]
    assert table.to_dict("index") == {
        "A": row("5", "2", True, True, None),
        "B": row("10", "None", False, True, None),
        "C": row("10", NOT_KEPT, True, False, "MulBackward0"),
        "D": row("30", "None", False, True, None),
        "E": row("40", NOT_KEPT, True, False, "AddBackward0"),
    }


def row(values, grad, requires_grad, is_leaf, grad_fn):
    said = {"requires_grad": str(requires_grad), "is_leaf": str(is_leaf), "grad_fn": str(grad_fn)}
    own = {"changed": "", "values": values, ".grad": grad}
    return own | said | {"version": "0", "shape": "(1,)", "dtype": "float32"}


def test_what_the_line_changed_is_marked():
    changed = {n: dict(cells(inside(FIVE, n))["changed"]) for n in (1, 5, 6, 7)}
    assert changed[1] == {"A": "new"}
    assert changed[5] == {"A": "", "B": "", "C": "", "D": "", "E": "new"}
    assert changed[6]["A"] == ".grad" and set(changed[6].values()) == {".grad", ""}
    assert set(changed[7].values()) == {""}
    again = inside("w = tensor([1.], requires_grad=True)\nw = w * 1", 2)
    assert cells(again)["changed"]["w"] == "new tensor, is_leaf, grad_fn"


def test_the_graph_is_that_of_the_tensor_recorded_last_or_of_the_one_that_is_asked_for():
    found = inside(FIVE, 5)
    assert (found.roots, found.root) == (("E", "C"), "E")
    assert [node.name for node in found.graph.nodes] == ["AddBackward0", "MulBackward0", "AccumulateGrad"]
    other = inside(FIVE, 5, "C")
    assert (other.root, other.graph.name) == ("C", "C")
    assert [node.name for node in other.graph.nodes] == ["MulBackward0", "AccumulateGrad"]
    assert inside(FIVE, 5, "B").root == "E"  # B has no history


def test_the_graph_is_shown_after_backward_has_freed_it_with_what_flowed():
    text = "a = tensor([3.], requires_grad=True)\nb = a * a\nb.backward()"
    before, after = inside(text, 2), inside(text, 3)
    assert {saved.state for saved in before.graph.saved} == {KEPT}
    assert before.graph.leaves[0].grad is None
    assert {saved.state for saved in after.graph.saved} == {FREED}
    assert after.graph.kept.nbytes == after.graph.kept.parameter_nbytes == 0
    assert after.graph.leaves[0].grad.values == (6.0,)
    assert after.graph.nodes[0].grads[0].values == (1.0,)
    assert [edge.grad.values for edge in after.graph.nodes[0].edges] == [(3.0,), (3.0,)]
    assert "is freed" in picture.words(after.graph) and "freed" in picture.dot(after.graph, True)


def test_a_tensor_that_was_changed_since_is_marked_in_the_graph():
    text = "a = tensor([3.], requires_grad=True)\nb = a.exp()\nwith torch.no_grad():\n    b.zero_()"
    assert [saved.state for saved in inside(text, 3).graph.saved] == [CHANGED]


def test_what_flowed_belongs_to_the_graph_it_flowed_in():
    text = (
        "a = tensor([3.], requires_grad=True)\nb = a * 2\nb.backward(retain_graph=True)\n"
        "b.mul_(5.)\nb.backward()"
    )
    assert inside(text, 3).graph.nodes[0].grads
    assert not inside(text, 4).graph.nodes[0].grads  # another operation has come on top
    assert inside(text, 5).graph.nodes[0].grads


def test_without_a_history_there_is_a_sentence():
    found = inside("a = tensor([3.])\nb = a * 2", 2)
    assert (found.graph, found.roots, found.root) == (None, (), None)
    assert found.problem == "Autograd has recorded nothing: no tensor that has a name has a grad_fn."
    assert inside("1 + 1", 1).table is None


def test_a_graph_that_is_too_large_to_draw_is_said_to_be():
    text = "a = ones(2, requires_grad=True)\n" + ("a = a" + " + a" * 20 + "\n") * 12
    found = inside(text, 13)
    assert found.graph is None and "more than 200 nodes" in found.problem


def test_views_that_pytorch_refuses_to_tell_about_are_shown_as_it_shows_them():
    text = (
        "a = ones(2, requires_grad=True)\nb = a * 2\nwith torch.no_grad():\n    c = b.view(-1)\nb.mul_(2.)\nc"
    )
    done = told(text)
    assert done[-1].shows == "tensor([4., 4.], grad_fn=<Invalid>)"
    found = inside(text, 5)
    assert cells(found)["grad_fn"]["c"] == "Invalid"
    assert found.roots == ("b",) and found.graph is not None


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_line_of_every_example_can_be_looked_into(name):
    text = EXAMPLES[name].text
    done = told(text)
    for number in {1, len(done) // 2 + 1, len(done)}:
        found = inside(text, number)
        assert (found.graph is None) == (found.problem is not None)
        for dark in (True, False):
            assert found.graph is None or picture.dot(found.graph, dark).startswith("digraph {")
