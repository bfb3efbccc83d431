"""Nothing that is typed does more than compute with a few small tensors, whatever it is."""

import ast
import gc
import json
import pickle
import re
import subprocess
import sys
import threading
import warnings
import weakref
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import torch_warnings
from core.autograd import interpreter, language, notebook, sizes, syntax, workspace
from core.autograd.after_line import inside
from core.autograd.language import ATTRIBUTES, FUNCTIONS, METHODS
from core.autograd.notebook import run, told
from core.autograd.syntax import RefusedError
from core.graph import nodes
from tests.helpers.notebooks import GROUPS, by_python

KINDS = (torch.Tensor, int, float, list, tuple, type(None), torch.dtype, sizes.ReprOnly, slice, type(float))
HOSTILE = [text for group in GROUPS.values() for text in group]
# Shown as they are, since there is nothing wrong with them.
HARMLESS = {"a = 1;\\\n b = 2", "tensor([1.]).sum(dim=None)", "torch.float"}


@pytest.fixture(scope="module", autouse=True)
def all_is_imported():
    """The first backward with a gradient imports more, which adds filters of warnings; as in the app."""
    told("a = tensor([1.], requires_grad=True)\na.backward(gradient=tensor([1.]))")


def end(text):
    """How a text ends: what is refused or raised, or None."""
    try:
        done = told(text)
    except RefusedError as error:
        return "Not allowed", str(error)
    return (done[-1].error.type, done[-1].error.text) if done and done[-1].error else None


def globals_of_torch():
    """What all sessions share, in as far as lines could reach it."""
    return (
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_anomaly_enabled(),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        str(torch.get_default_device()),
        vars(torch._tensor_str.PRINT_OPTS).copy(),
        [one for one in warnings.filters if one is not torch_warnings.FILTER],
    )


@contextmanager
def all_else_stays(text):
    """Nothing that sessions share changes, and no thread is left behind."""
    before, threads = globals_of_torch(), {*threading.enumerate()}
    yield
    assert globals_of_torch() == before, text
    assert threads >= {*threading.enumerate()}, text


def test_there_are_enough_of_them_and_none_twice():
    assert len(HOSTILE) == len(set(HOSTILE)) >= 400


@pytest.mark.parametrize("group", GROUPS)
def test_a_hostile_text_ends_with_a_sentence_or_an_error(group):
    for text in GROUPS[group]:
        with all_else_stays(text):
            found = end(text)
        if found is None:
            assert text in HARMLESS, text
        elif found[0] == "Not allowed":
            assert re.fullmatch(r"[A-Z][^\n]*\.", found[1]) and len(found[1]) <= notebook.MAX_SAID, text
        else:
            assert found[0] == type(by_python(text)[1]).__name__, text  # as of these very lines in Python


LIMITS = """
import json, resource, sys
import torch
torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)  # imports what the app has imported, too
from core.autograd.after_line import inside
from core.autograd.notebook import told
from core.autograd.syntax import RefusedError

told("a = tensor([1.], requires_grad=True)\\na.backward(gradient=tensor([1.]))")
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 100 * 2**20,) * 2)
hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
for number, text in enumerate(json.load(sys.stdin)):
    print(number, flush=True)
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 2, hard))
    try:
        done = told(text)
        if done:
            inside(text, len(done))
        raised = [one.error for one in done if one.error is not None]
        assert not any(e.type == "MemoryError" or "allocate memory" in e.text for e in raised), raised
    except RefusedError:
        pass
    assert torch.is_grad_enabled()
print("all")
"""


def run_under_ceilings(texts):
    """Each under ceilings that would end the process: of its memory, and of processor time (1 to 2 s)."""
    folder = Path(language.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIMITS],
        cwd=folder, input=json.dumps(texts), capture_output=True, text=True,
    )  # fmt: skip
    last = done.stdout.split()[-1]
    assert last == "all", (texts[int(last)] if last.isdigit() else last, done.stderr[-800:])


HAS_PROC = Path("/proc/self/statm").exists()  # where the size of a process is read


@pytest.mark.skipif(not HAS_PROC, reason="the size of a process is read from /proc")
def test_none_takes_more_than_a_second_or_100_mb_or_ends_the_process(under_ceilings):
    assert under_ceilings == {*HOSTILE, *(text for text, _ in FED_BACK.values())}


# Any text; words of the language in any order; whole programs of it.


MAX_BYTES = 8 * sizes.MAX_ENTRIES  # of one storage
MAX_PLAIN = 2**20  # bytes of all that the page shows, and caches


def within_the_bounds(text):
    """Run a text: every value, and all that is kept or told of it, is of a kind and size that are known."""
    with all_else_stays(text), suppress(RefusedError):
        with run(text) as book:
            here = book.workspace
            for value in here.names.values():
                assert isinstance(value, KINDS)
                assert type(value) is not int or abs(value) <= sizes.MAX_WHOLE
                limit = sizes.MAX_ENTRIES if isinstance(value, torch.Tensor) else sizes.MAX_PARTS
                assert sizes.entries(value) <= limit and len(repr(value)) <= 100 * limit
            assert all(tensor.untyped_storage().nbytes() <= MAX_BYTES for tensor in here.made)
            assert len(here.names) <= notebook.MAX_NAMES and len(here.made) <= syntax.MAX_NODES
            recorded = nodes.walk(filter(tells_its_history, here.made))
            assert len(recorded) <= 8 * syntax.MAX_NODES  # a product of batches records the most, six
            assert all(nbytes <= MAX_BYTES for node in recorded for nbytes in saved_bytes(node))
            noted = [len(flow.arrived) + len(flow.sent) for _, flow in here.flows.values()]
            assert sum(noted) <= 2 * workspace.MAX_WALKED
        said = [text for one in book.done for text in (*one.warnings, *one.changes)]
        assert max(map(len, said), default=0) <= notebook.MAX_SAID
        assert len(pickle.dumps(book.done)) <= MAX_PLAIN
        if book.done:
            assert len(pickle.dumps(inside(text, len(book.done)))) <= MAX_PLAIN


def tells_its_history(tensor):
    """PyTorch refuses for a view made under no_grad whose base was written into since."""
    try:
        return tensor.grad_fn is not None
    except RuntimeError:
        return False


def saved_bytes(node):
    """Of each tensor that a node keeps for backward."""
    for name in dir(node):
        with suppress(RuntimeError):  # freed, or changed since
            kept = getattr(node, name) if name.startswith("_saved_") else None
            if isinstance(kept, torch.Tensor):
                yield kept.untyped_storage().nbytes()


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=60)
def test_any_text_is_run_or_refused(text):
    within_the_bounds(text)


@given(st.text(st.sampled_from("ab01.,()[]=+-*/@ \n'\"\\#:_\t"), max_size=80))
@settings(deadline=None, max_examples=60)
def test_any_signs_of_python_are_run_or_refused(text):
    within_the_bounds(text)


WORDS = [
    *FUNCTIONS, *(f".{name}" for name in (*METHODS, *ATTRIBUTES)), "a", "b", " = ", "(", ")", "[", "]", ", ",
    "1.", "2", "-1", " + ", " - ", " * ", " @ ", " ** ", "\n", "requires_grad=True", "dim=0", "=",
    ".backward()", "with torch.no_grad():\n    ",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=40).map("".join))
@settings(deadline=None, max_examples=60)
def test_words_of_the_language_in_any_order_stay_within_the_bounds(text):
    within_the_bounds(text)


NAMES = "abcd"
VALUES = {  # by keyword: what is given for it
    "dim": ["0", "1", "-1", "(0, 1)"],
    "keepdim": ["True", "False"],
    "correction": ["0", "1", "2"],
    "dtype": ["float", "torch.float32", "torch.long"],
    "requires_grad": ["True"],
    "retain_graph": ["True"],
    "reduction": ['"mean"', '"sum"', '"none"'],
}
SHAPES = ["2", "3", "(2, 3)", "2, 3", "[3, 2]", "1, 3, 1", "-1", "(3, -1)", "0", "20, 20", "400", "a.shape"]
SHAPED = ["zeros", "ones", "randn", "arange", "view", "reshape", "expand"]
leaves = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(["2", "0.5", "-1.0", "1e30", "None", "True", "tensor([0, 1])", "randn(2, 3)"]),
    st.sampled_from(["tensor([1.0, 2.0, 3.0])", "tensor([[1.0], [2.0]], requires_grad=True)"]),
)


@st.composite
def called(draw, inner):
    """A call of anything that is listed, with arguments that often fit."""
    name, row = draw(st.sampled_from([*FUNCTIONS.items(), *METHODS.items()]))
    shaped = name.split(".")[-1] in SHAPED
    given = [draw(st.sampled_from(SHAPES))] if shaped else [draw(inner) for _ in range(row.most)]
    given = given if draw(st.booleans()) or shaped else given[:1]
    for keyword in row.keywords:
        if draw(st.integers(0, 4)) == 0:
            value = draw(inner) if keyword == "gradient" else draw(st.sampled_from(VALUES[keyword]))
            given.append(f"{keyword}={value}")
    before = f"({draw(inner)})." if name in METHODS else ""
    return f"{before}{name}({', '.join(given)})"


OPERATORS = ["+", "-", "*", "/", "**", "@", ">", "=="]
INDICES = ["0", "-1", ":1", "None", "0, 0"]


def larger(inner):
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map("({0[0]} {0[1]} {0[2]})".format),
        st.tuples(inner, st.sampled_from(list(ATTRIBUTES))).map("({0[0]}).{0[1]}".format),
        st.tuples(inner, st.sampled_from(INDICES)).map("({0[0]})[{0[1]}]".format),
        called(inner),
    )


expressions = st.recursive(leaves, larger, max_leaves=5)
names = st.sampled_from(NAMES)
statements = st.one_of(
    st.tuples(names, st.sampled_from(["=", "=", "+=", "*=", "-="]), expressions).map(" ".join),
    st.tuples(names, st.just(".data = "), names).map("".join),
    names.map("{0}.sum().backward()".format),
    names.map("{0}.grad.add_({0})".format),
    st.tuples(names, expressions).map("with torch.no_grad():\n    {0[0]} += {0[1]}".format),
    expressions,
)
START = "a = randn(2, 3, requires_grad=True)\nb = ones(3, requires_grad=True)\nc = a * b\nd = c.view(-1)"
programs = st.lists(statements, min_size=1, max_size=6).map(lambda lines: "\n".join([START, *lines]))


@given(programs)
@example(f"{START}\nwith torch.no_grad():\n    a += a + a[0]")
@settings(deadline=None, max_examples=100)
def test_a_program_of_the_language_does_what_python_does_or_is_refused(text):
    within_the_bounds(text)
    found = end(text)
    if found is not None and found[0] == "Not allowed":
        return
    names, error = by_python(text)
    expected = None if error is None else (type(error).__name__, notebook._shortened(str(error)))
    assert found == expected or "randn()" in found[1]  # there PyTorch names the generator as well
    with run(text) as book:
        for name, value in book.workspace.names.items():
            if isinstance(value, torch.Tensor):
                assert alike(value, names[name]), name
            else:
                assert repr(value) == repr(names[name]) or isinstance(value, sizes.ReprOnly)


def alike(one, other):
    """Whether two tensors are the same in all that the notebook shows."""
    said = [(t.dtype, t.shape, t.requires_grad, t._version, t.retains_grad) for t in (one, other)]
    grads = [t.grad if t.is_leaf or t.retains_grad else None for t in (one, other)]
    pairs = [(one, other), *([] if grads[0] is None else [grads])]
    equal = all(torch.allclose(x.detach(), y.detach(), rtol=0, atol=0, equal_nan=True) for x, y in pairs)
    return said[0] == said[1] and (grads[0] is None) == (grads[1] is None) and equal


# What is applied to its own result, over and over: a text, and with what words it is refused, if it is.

PRINTS = "c = print(1)\n" + "c = print(c, c, c, c)\n" * 15
LONG = "c = [" + "1e-300, " * 20 + "]\nc = [c, c, c, c, c, c, c, c]\n"  # 8 + 8 * 20 parts
LEAF = "a = randn(20, 1, 1, 20, requires_grad=True)\nb = randn(20, 20, 1, requires_grad=True)\n"
SHOWN, PARTS = "All lines may show 4,000", "A list may have at most 800"
LARGE = "A tensor may have at most 400"
FED_BACK = {
    "text": (PRINTS, ""),
    "text in one line": ("c = print(1)\n" + "c = print(print(c, c), print(c, c), c)\n" * 20, ""),
    "text of a grad_fn": (LEAF + "c = (a * 2).grad_fn\n" + "c = print(c, c, c, c)\n" * 30, ""),
    "lists that are printed": (LONG + "print(c, c, c, c)\n" * 37, SHOWN),
    "lists that are shown": (LONG + "c\n" * 37, SHOWN),
    "tuples that are printed": ("c = (" + "99999, " * 27 + ")\n" + "print(c, c, c, c)\n" * 38, SHOWN),
    "shapes that are printed": ("c = ones(1, 1, 1, 1, 1, 400).shape\n" + "print(c, c, c, c)\n" * 38, ""),
    "tensors that are printed": ("c = -ones(400, 1, 1, 1, 1, 1)\n" + "print(c)\n" * 38, SHOWN),
    "lists in lists": ("c = [1.0, 2.0]\n" + "c = [c, c, c, c, c, c, c, c]\n" * 30, PARTS),
    "empty lists": ("c = []\n" + "c = [c, c, c, c, c, c, c, c]\n" * 30, PARTS),
    "names for lists": (LONG + "".join(f"{name} = [c]\n" for name in "abdefghijklmnopqrstuvwxyz"), ""),
    "whole numbers": ("c = 9\n" + "c *= c\n" * 38, "A whole number may be at most"),
    "powers of whole numbers": ("c = 2\n" + "c = c ** c\n" * 38, "an exponent up to 64"),
    "powers of numbers": ("c = 1.5\n" + "c = c ** 64\n" * 38, "a base up to 1,000,000"),
    "dimensions": ("c = ones(1)\n" + "c = c[None, None]\n" * 38, LARGE),
    "sums of all pairs": ("c = ones(2, 1)\n" + "c = c + c.T\nc = c.view(-1, 1)\n" * 19, LARGE),
    "products of batches": (LEAF + "c = a @ b\n" * 30, LARGE),
    "a chain of operations": (LEAF + "c = a\n" + "c = c * c + c * c - c * c\n" * 30, ""),
    "gradients": (
        LEAF + "c = (a * a).sum()\n" + "c.backward(retain_graph=True)\nd = a.grad.mul_(a)\n" * 18, ""
    ),
    "warnings": (LEAF + "c = a * 2\n" + "print(c.grad, c.grad, c.grad, c.grad)\n" * 36, ""),
    "changes": (
        "a = ones(400)\n" + "".join(f"{name} = a.view(-1)\n" for name in "bcdefghijklmnopqrstuvwxy")
        + "z = a.mul_(1.5)\n" * 14, ""
    ),
    "views written into": (LEAF + "c = b * 2\nd = c.view(-1)\n" + "e = d.mul_(d)\ne = c.mul_(c)\n" * 17, ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def under_ceilings():
    """All texts first in a process that may end: what grows would take the memory of all tests."""
    texts = [*HOSTILE, *(text for text, _ in FED_BACK.values())] if HAS_PROC else []
    if texts:
        run_under_ceilings(texts)
    return set(texts)


@pytest.mark.usefixtures("under_ceilings")
@pytest.mark.parametrize("kind", FED_BACK)
def test_what_is_fed_back_stays_within_the_bounds(kind):
    text, words = FED_BACK[kind]
    done = told(text)
    if not words:
        assert done[-1].error is None
    else:
        assert done[-1].error.refused and words in done[-1].error.text
        assert all(one.error is None for one in done[:-1]) and len(done) > 1  # what came before is kept
    within_the_bounds(text)


@pytest.mark.usefixtures("under_ceilings")
def test_what_print_returns_is_none_as_in_python():
    done = told(PRINTS)
    assert [one.shows for one in done] == ["1"] + ["None None None None"] * 15
    assert done[0].changes == ("c is None.",) and not any(one.changes for one in done[1:])
    assert told("print(print(1, 2), 3)\nprint()")[0].shows == "1 2\nNone 3"
    assert told("print(1) + 1")[0].shows == "1"  # it did that before it was refused


def test_what_is_shown_is_counted_in_entries_before_it_is_written(monkeypatch):
    """Lines of 664 entries: six of them are 3,984."""
    done = told(LONG + "print(c, c, c, c)\n" * 9)
    assert [one.shows is not None for one in done] == [False] * 2 + [True] * 5 + [False]
    here = workspace.Workspace(shown=workspace.MAX_SHOWN - 1)
    workspace.show(here, sizes.ReprOnly("1"))  # the last one
    monkeypatch.setattr(sizes.ReprOnly, "__repr__", lambda self: pytest.fail("written"))
    with pytest.raises(sizes.NotAllowedError):
        workspace.show(here, sizes.ReprOnly("1"))


STARTS = {
    "a large matrix": "randn(20, 20, requires_grad=True) * 2",
    "a column": "ones(400, 1)",
    "many dimensions": "ones(2, 2, 2, 2, 2, 2)",
    "class indices": "arange(400)",
    "a whole number": "9",
    "a number": "1.5",
    "a list": "[[1.0, 2.0], [3.0, 4.0]]",
    "a shape": "(3, 3)",
    "a size": "zeros(20, 20).shape",
    "a grad_fn": "ones(1, requires_grad=True).exp().grad_fn",
}
STEPS = [
    *(f"c = c {sign} c" for sign in ["+", "-", "*", "/", "**", "@", "==", "<"]),
    *(f"c {sign} c" for sign in ["+=", "-=", "*=", "/="]),
    *("c = -c", "c = [c, c, c]", "c = (c, c, c)", "c = c[None]", "c = c[0:9]", "c = (c * 2).view(-1, 1)"),
    *(f"c = c.{name}" for name in ATTRIBUTES),
]


def calls():
    """Every function and method, of the result of the line before, with as many arguments as it takes."""
    for name, row in {**FUNCTIONS, **METHODS}.items():
        before, least = ("c.", 0) if name in METHODS else ("", 1)
        for many in {least, min(row.most, 1), min(row.most, 2), row.most}:
            yield f"c = {before}{name}({', '.join(['c'] * many)})"


@pytest.mark.usefixtures("under_ceilings")
@pytest.mark.parametrize("start", STARTS)
def test_no_operation_on_its_own_result_leaves_the_bounds(start):
    for step in [*STEPS, *calls()]:
        within_the_bounds(f"c = {STARTS[start]}\n" + f"{step}\n" * 20 + "c")


@given(st.lists(statements, min_size=1, max_size=4), st.integers(5, 9))
@settings(deadline=None, max_examples=60)
def test_a_program_that_goes_on_and_on_stays_within_the_bounds(lines, times):
    within_the_bounds("\n".join([START, *lines * times]))


# Nothing is left behind.

A = "a = ones(9, requires_grad=True)\n"
GRAD = A + "(a * 2).sum().backward()\n"
CYCLES = {
    "a gradient made of its own tensor": GRAD + "a.grad.add_(a)",
    "a gradient that saved its tensor": GRAD + "a.grad.mul_(a)",
    "a result written into by its view": A + "b = a * 2\nb.mul_(b.view(-1))",
    "a view written into by its result": A + "b = a * 2\nc = b[0:3]\nc.mul_(b[3:6])",
    "the gradient of a gradient": GRAD
    + "b = a.grad\nb.requires_grad_()\n(b * a).sum().backward()\nb.grad.mul_(b)",
    "a graph that is retained": A + "b = (a * a).sum()\nb.backward(retain_graph=True)",
    "an error": GRAD + "a.grad.add_(a)\nb = a + nothing",
}


@pytest.mark.parametrize("text", CYCLES.values(), ids=CYCLES)
def test_all_tensors_are_let_go(text):
    with run(text) as book:
        assert len(book.workspace.made) >= 3
        left = [weakref.ref(tensor) for tensor in book.workspace.made]
        assert all(ref() is not None for ref in left)
    del book  # and no collector comes along: there are no cycles left
    assert [ref() for ref in left if ref() is not None] == []


def test_such_a_cycle_would_stay_if_it_were_not_undone(monkeypatch):
    monkeypatch.setattr(workspace.Workspace, "let_go", lambda self: self.names.clear())
    with run(CYCLES["a gradient made of its own tensor"]) as book:
        left = [weakref.ref(tensor) for tensor in book.workspace.made]
    a = left[0]()
    del book
    gc.collect()
    assert a is not None and sum(ref() is not None for ref in left) >= 2
    a.grad = None


# What could be looked up at all.


def test_only_listed_kinds_of_nodes_have_a_way_to_be_evaluated():
    kinds = {kind for kind in syntax.NODES if issubclass(kind, ast.expr)}
    assert set(interpreter._KINDS) == kinds
    statements = {kind for kind in syntax.NODES if issubclass(kind, ast.stmt)}
    assert set(notebook._KINDS) == statements


def test_no_listed_name_has_underscores_but_for_pytorchs_own():
    for name in (*FUNCTIONS, *METHODS, *ATTRIBUTES):
        assert "__" not in name
        assert not name.startswith("_") or name == "_version"


def test_no_call_takes_what_reaches_outside():
    for row in (*FUNCTIONS.values(), *METHODS.values()):
        assert not {"out", "device", "generator", "create_graph", "inputs", "memory_format", "weight"} & {
            *row.keywords
        }
        assert row.most <= sizes.MAX_DIMS


@pytest.mark.parametrize("text", ["x" * 5000, "1\n" * 100, "é", "a" * 201, "\0"])
def test_a_text_over_the_bounds_is_refused_before_it_is_parsed(monkeypatch, text):
    monkeypatch.setattr(ast, "parse", lambda *_: pytest.fail("parsed"))
    with pytest.raises(RefusedError):
        syntax.read(text)


def test_the_notebook_never_compiles_or_executes():
    """Beside ast.parse, which makes a tree and no code."""
    for module in (sizes, workspace, language, syntax, interpreter, notebook):
        tree = ast.parse(Path(module.__file__).read_text())
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not called & {
            "eval",
            "exec",
            "compile",
            "__import__",
            "ast.literal_eval",
            "setattr",
            "globals",
            "vars",
        }
        assert "getattr" not in called or module in (language, syntax)  # over names in their own tables
