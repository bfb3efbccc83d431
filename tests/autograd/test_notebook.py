"""The notebook: what it computes is what PyTorch computes, statement by statement."""

import ast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.autograd import notebook, sizes, syntax, workspace
from core.autograd.examples import EXAMPLES
from core.autograd.notebook import run, told
from core.autograd.syntax import RefusedError
from tests.helpers.notebooks import by_python


def last(text):
    """The last statement of a text."""
    return told(text)[-1]


def shows(text):
    """What the last expression of a text that raises nothing shows."""
    done = told(text)
    assert all(one.error is None for one in done), done
    return done[-1].shows


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 + 2 * 3", "7"),
        ("x = tensor([1., 2.])\nx.sum().item()", "3.0"),
        ("tensor([[1., 2.]]).shape", "torch.Size([1, 2])"),
        ("tensor([[1., 2.]]).shape[1]", "2"),
        ("a = tensor([1.], requires_grad=True)\n(a * 2).grad_fn", "<MulBackward0>"),
        ("tensor([1.]).grad_fn", "None"),
        ("x = tensor([1.])", None),
        ("a = tensor([1.], requires_grad=True)\na.backward()", None),
        ("a = tensor([1.], requires_grad=True)\na.grad", "None"),
        ("print(tensor([1.]), 2)", "tensor([1.]) 2"),
        ("tensor([1., 2.]) > 1", "tensor([False,  True])"),
        ("x = tensor([[1., 2.], [3., 4.]])\nx[1, 0]", "tensor(3.)"),
        ("x = tensor([[1., 2.], [3., 4.]])\nx[:, 0]", "tensor([1., 3.])"),
        ('F.mse_loss(tensor([1., 2.]), tensor([1., 4.]), reduction="sum")', "tensor(4.)"),
        ("torch.tensor([1, 2], dtype=float).dtype", "torch.float64"),
        ("float", "<class 'float'>"),
        ("arange(1, 4)", "tensor([1, 2, 3])"),
        ("x = 3\nx *= 2\nx", "6"),
        ("-tensor([1.])", "tensor([-1.])"),
        ("import torch\nimport torch.nn.functional as F\nF.relu(tensor([-1., 2.]))", "tensor([0., 2.])"),
        ("x = [1., 2.]\ntensor([x, x])", "tensor([[1., 2.],\n        [1., 2.]])"),
    ],
)
def test_what_a_statement_shows(text, shown):
    assert shows(text) == shown


def test_random_numbers_are_those_of_a_plain_script_and_one_stream():
    text = "a = randn(3)\nb = torch.randn(2, 2, requires_grad=True)\ntorch.manual_seed(5)\nc = randn(4)"
    names, _ = by_python(text)
    state = torch.get_rng_state()
    for _ in range(2):  # each run begins anew
        with run(text) as book:
            assert all(torch.equal(book.workspace.names[name], names[name]) for name in "abc")
            assert book.workspace.names["b"].requires_grad
    assert torch.equal(torch.get_rng_state(), state)


def test_what_each_line_changes_is_said():
    changes = [one.changes for one in told(EXAMPLES["five"].text)]
    assert changes == [
        ("A is new: 5, of shape (1,), a leaf that requires grad.",),
        ("B is new: 10, of shape (1,).",),
        ("C is new: 10, of shape (1,), by MulBackward0.",),
        ("D is new: 30, of shape (1,).",),
        ("E is new: 40, of shape (1,), by AddBackward0.",),
        ("A.grad: None → 2.",),
        (),
    ]


LEAF = "a = tensor([1., 2.], requires_grad=True)\n"


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("lr = 0.1", ["lr is 0.1."]),
        ("lr = 0.1\nlr = 0.1", []),
        ("lr = 1\nlr = True", ["lr is True."]),
        ("x = tensor(2.)\ny = x", ["y is another name for x."]),
        ("x = tensor(2.)\nx = 3", ["x is 3."]),
        ("x = 3\nx = tensor(2.)", ["x is a new tensor: 2."]),
        ("x = tensor(2.)\nx = x * 3", ["x is a new tensor: 6."]),
        (LEAF + "b = a.detach()", ["b is new: 1, 2, of shape (2,), sharing the memory of a."]),
        (LEAF + "b = a.detach().clone()", ["b is new: 1, 2, of shape (2,)."]),
        (LEAF + "b = a[1:]", ["b is new: 2, of shape (1,), by SliceBackward0, sharing the memory of a."]),
        ("a = zeros(3)\nb = a[:0]", ["b is new: no entries, of shape (0,)."]),
        ("a = zeros(3)\nb = a[:0]\nc = a[1:]", ["c is new: 0, 0, of shape (2,), sharing the memory of a."]),
        (LEAF + "a.sum().backward()\na.grad = None", ["a.grad: 1, 1 → None."]),
        (LEAF + "a.sum().backward()\na.grad.zero_()", ["a.grad: 1, 1 → zeros."]),
        (
            LEAF + "with torch.no_grad():\n    a -= 1",
            ["a was written into: 1, 2 → 0, 1, version 0 → 1."],
        ),
        (
            LEAF + "a.data.mul_(3.)",
            ["a changed: 1, 2 → 3, 6, version still 0: autograd does not know."],
        ),
        (
            LEAF + "a.data = tensor([5., 6.])",  # other memory: nothing was written into
            ["a changed: 1, 2 → 5, 6, version still 0: autograd does not know."],
        ),
        ("x = tensor(2.)\nx.mul_(1.)", ["x was written into, with the same values: version 0 → 1."]),
        ("x = tensor(2.)\nx.requires_grad_()", ["x.requires_grad: False → True."]),
        (LEAF + "b = a * 2\nb.add_(1.)", [
            "b was written into: 2, 4 → 3, 5, version 0 → 1.", "b.grad_fn: MulBackward0 → AddBackward0."]),
        (LEAF + "b = a * 2\nb.retain_grad()", ["b will keep its .grad."]),
        (LEAF + "b = a * 2\nb.retain_grad()\nb.sum().backward()", [
            "a.grad: None → 2, 2.", "b.grad: None → 1, 1."]),
        ("x = [1, 2]", ["x is [1, 2]."]),
    ],
)  # fmt: skip
def test_a_change_in_a_sentence(text, changes):
    assert list(last(text).changes) == changes


def test_statements_have_their_lines_and_a_block_its_head():
    text = "# five\na = tensor([1.,\n    2.])\nwith torch.no_grad():\n    b = a\n    c = a\n\nd = a"
    assert [(one.first, one.last) for one in told(text)] == [(2, 3), (4, 5), (6, 6), (8, 8)]


def test_under_no_grad_nothing_is_recorded_and_after_it_all_is_as_before():
    text = LEAF + "with torch.no_grad():\n    b = a * 2\nc = a * 2\nwith torch.no_grad():\n    d = nothing"
    with run(text) as book:
        assert (book.workspace.names["b"].requires_grad, book.workspace.names["c"].requires_grad) == (
            False,
            True,
        )
    assert book.done[-1].error.type == "NameError"
    assert torch.is_grad_enabled()


def test_an_error_ends_the_notebook_and_keeps_what_was_before():
    done = told("a = tensor([1.])\nb = a + c\nd = a")
    assert [one.first for one in done] == [1, 2]
    assert (done[-1].error.type, done[-1].error.text) == ("NameError", "name 'c' is not defined")
    assert not done[-1].error.refused


def test_what_a_line_did_before_it_raised_is_said():
    one = last("a = tensor([1.])\nb = tensor([2.])\na.mul_(2.) + b.numpy()")
    assert one.error.refused
    assert one.changes == ("a was written into: 1 → 2, version 0 → 1.",)


def test_none_has_pythons_own_error():
    assert last("a = tensor([1.])\na.grad.norm()").error.text == "'NoneType' object has no attribute 'norm'"
    assert last("a = tensor([1.])\na.grad.data").error.text == "'NoneType' object has no attribute 'data'"


def test_warnings_stand_at_their_lines_every_time():
    text = LEAF + "b = a * 2\nb.sum().backward()\nb.grad\nb.grad\nc = torch.tensor(a)"
    for _ in range(2):
        warned = [one.warnings for one in told(text)]
        assert [len(found) for found in warned] == [0, 0, 0, 1, 1, 1]
        assert "not a leaf Tensor" in warned[3][0] and "copy construct" in warned[5][0]


def test_an_error_of_many_words_is_cut():
    assert len(last("torch.pow(2, 3)").error.text) <= notebook.MAX_SAID


def test_until_stops_after_so_many_statements():
    with run("a = tensor([1.])\na.mul_(3.)\nb = a + 1", 2) as book:
        assert len(book.done) == 2 and list(book.workspace.names) == ["a"]
        assert (float(book.before["a"].values), float(book.now["a"].values)) == (1.0, 3.0)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a = 1\nfor x in [1]: pass", 2, "A loop is not allowed here. Allowed are assignments"),
        ("a = 1\nimport os", 2, "An import of anything but torch is not allowed here."),
        ("a = (1\nb = 2", 1, "'(' was never closed"),
        ("a = 1\nb = é", 2, "Character 5 of this line is not allowed"),
        ("1; 2", 1, "only one statement"),
        ("a = 1\n" * 41, 0, "at most 2,000 characters, in 40 lines of 200"),
        ("a = 1\nb = " + "-" * 40 + "a", 2, "nested at most 30 deep"),
        ("a = [" + "1," * 605 + "]", 0, "2,000"),
        ("a = [\n" + ("1," * 66 + "\n") * 10 + "]", 11, "at most 600 names, numbers and operations"),
    ],
)
def test_a_text_is_refused_with_the_line_and_a_sentence(text, line, words):
    with pytest.raises(RefusedError) as refused:
        told(text)
    assert (refused.value.line, words in str(refused.value)) == (line, True), refused.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zeros(401)", "Sizes here are plain numbers, at most 400."),
        ("zeros(21, 20)", "at most 400 entries in 6 dimensions"),
        ("x = ones(30, 1)\nx + ones(30)", "at most 400 entries"),
        ("10 ** 65", "a base up to 1,000,000 and an exponent up to 64"),
        ("a = b = 1", "Assign to one name at a time."),
        ("\n".join(f"a{i} = {i}" for i in range(27)), "at most 26 names"),
        (LEAF + "tensor((a * 2).grad_fn)", "only be displayed"),
        ("a = tensor([1.])\na.numpy()", "Methods here are those of tensors: backward, "),
        ("a = tensor([1.])\na.name", "Attributes here are those of tensors: grad, "),
        ("torch.cumsum(1)", "Functions here are torch.tensor, "),
        ("foo(1)", "Functions here are tensor, "),
        ("tensor([1.], device=1)", "Keywords of this call are, once each: dtype, requires_grad."),
        ("tensor([1.], dtype=float, dtype=float)", "once each"),
        ("torch.sum(tensor([1.]), 0, True)", "at most 2 arguments by position"),
        ("x = tensor([1])\nx.data", "floating-point"),
        ("with torch.enable_grad():\n    1", "A with block takes torch.no_grad() alone"),
    ],
)
def test_a_statement_is_refused_with_what_is_allowed(text, words):
    error = last(text).error
    assert error.refused and words in error.text


@pytest.mark.parametrize(
    "call",
    [
        "tensor(1, 2)", "zeros(1, 1, 1, 1, 1, 1, 1)", "ones(1, 1, 1, 1, 1, 1, 1)",
        "randn(1, 1, 1, 1, 1, 1, 1)", "arange(0, 4, 2)", "torch.manual_seed(1, 2)", "torch.matmul(a, a, a)",
        "torch.zeros_like(a, a)",
        "torch.exp(a, a)", "torch.pow(a, a, a)", "torch.mean(a, 0, 0)", "torch.std(a, 0, 1)",
        "torch.softmax(a, 0, 0)", "F.mse_loss(a, a, a)", "F.relu(a, a)", "F.softmax(a, 0, 0)",
        "print(1, 2, 3, 4, 5)", "a.backward(a, a)", "a.requires_grad_(1, 2)", "a.detach(1)", "a.add_(a, a)",
        "a.matmul(a, a)", "a.view(1, 1, 1, 1, 1, 1, 1)", "a.expand(1, 1, 1, 1, 1, 1, 1)", "a.squeeze(0, 0)",
        "a.exp(1)", "a.pow(1, 2)", "a.sum(0, 1, 2)", "a.var(0, 1, 2)", "a.softmax(0, 0)",
    ],
)  # fmt: skip
def test_one_argument_more_than_a_call_takes_is_refused(call):
    error = last(f"{LEAF}{call}").error
    assert error.refused and f"at most {call.count(',')} argument" in error.text


def test_what_may_be_walked_and_shown_is_bounded_together():
    walk = "a = ones(1, requires_grad=True)\nb = a" + " + a" * 25 + "\n"
    several = walk + "b.backward(retain_graph=True)\n" * 30
    nodes = 27  # 26 ones that add or accumulate, and none for b = a
    assert told(several)[-1].error is None and 30 * nodes < workspace.MAX_WALKED
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(workspace, "MAX_WALKED", 26 * 5)
        done = told(several)
        assert (len(done), done[-1].error.refused) == (2 + 6, True)
    done = told("a = ones(400)\n" + "a\n" * 30)
    assert (len(done), done[-1].error.refused) == (1 + 10 + 1, True)  # 4,000 entries and no more


def test_the_bounds_leave_room_for_every_example():
    for example in EXAMPLES.values():
        assert len(example.text) < syntax.MAX_TEXT / 2 and example.text.count("\n") < syntax.MAX_LINES / 2


def test_names_of_functions_can_be_taken_as_in_python():
    assert shows("zeros = 1\nzeros + 1") == "2"
    assert last("zeros = 1\nzeros(2)").error.text == "'int' object is not callable"


@given(
    st.recursive(
        st.sampled_from(["a", "1.", "2"]),
        lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner),
        max_leaves=12,
    )
)
@settings(deadline=None, max_examples=50)
def test_arithmetic_is_pythons(tree):
    def text(node):
        return node if isinstance(node, str) else f"({text(node[0])} {node[1]} {text(node[2])})"

    lines = f"a = tensor([3.])\nb = {text(tree)}"
    names, error = by_python(lines)
    if error is not None:
        assert last(lines).error.type == type(error).__name__
        return
    with run(lines) as book:
        assert repr(book.workspace.names["b"]) == repr(names["b"])


@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, 8), st.lists(st.integers(0, 3), max_size=2))
@settings(deadline=None, max_examples=60)
def test_a_product_that_is_let_through_is_no_larger_than_was_said(rows, inner, columns, batch):
    """The bound on a matrix product is never below its real size."""
    one, other = torch.zeros(*batch, rows, inner), torch.zeros(inner, columns)
    entries = (one @ other).numel()
    try:
        sizes.product([one, other])
    except sizes.NotAllowedError:
        return
    assert entries <= sizes.MAX_ENTRIES


@given(st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=3))
@settings(deadline=None, max_examples=100)
def test_what_broadcasts_is_let_through_if_and_only_if_it_is_small(shapes):
    tensors = [torch.zeros(shape) for shape in shapes]
    try:
        entries = torch.broadcast_tensors(*tensors)[0].numel()
    except RuntimeError:
        return  # PyTorch refuses these
    try:
        sizes.together(tensors)
    except sizes.NotAllowedError:
        assert entries > sizes.MAX_ENTRIES or any(0 in shape for shape in shapes)  # 0 counts as 1
        return
    assert entries <= sizes.MAX_ENTRIES


def test_the_tree_of_a_known_import_is_dropped_and_nothing_is_imported():
    for line in syntax.IMPORTS:
        assert syntax.read(line) == [] and ast.parse(line)


def test_a_method_that_is_not_called_is_refused_by_its_name():
    error = last("tensor([1.]).sum").error
    assert error.refused
    assert error.text == "A method has to be called: .sum()."


def test_numbers_assigned_to_data_are_those_of_the_tensor():
    assert shows("a = tensor([1.], requires_grad=True)\na.data = tensor([5.])\na.item()") == "5.0"


@pytest.mark.parametrize("head", ["torch.no_grad(), torch.no_grad()", "torch.no_grad() as off"])
def test_no_grad_stands_alone_in_its_with(head):
    error = told(f"with {head}:\n    x = tensor([1.])")[0].error
    assert error is not None
    assert error.refused
