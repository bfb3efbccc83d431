"""The drawn graph: DOT that is well formed whatever the names are, and labels that say what is so."""

import math
import re
import tomllib
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.graph.flow import Flow
from core.graph.graph import graph
from core.graph.nodes import MAX_NODES
from core.graph.picture import LEAF_LINE, LINE, NAME, SHOWN, dot, words
from core.models import build

STRING = r'"(?:[^"\\\n]|\\.)*"'
VALUE = rf"(?:{STRING}|[\w.]+)"
ATTRIBUTES = rf"\[((?:\w+={VALUE} ?)*)\]"
SETTING = re.compile(rf"  (\w+)={VALUE}")
DEFAULTS = re.compile(rf"  (node|edge) {ATTRIBUTES}")
NODE = re.compile(rf"  (\w+) {ATTRIBUTES}")
EDGE = re.compile(rf"  (\w+) -> (\w+) {ATTRIBUTES}")


def parsed(text):
    """(node -> attributes, edges, defaults) of DOT text in which nothing is left over."""
    first, *lines, last, end = text.split("\n")
    assert (first, last, end) == ("digraph {", "}", "")
    nodes, edges, defaults = {}, [], {}
    for line in lines:
        if match := EDGE.fullmatch(line):
            edges.append((match[1], match[2], attributes(match[3])))
        elif match := DEFAULTS.fullmatch(line):
            defaults[match[1]] = attributes(match[2])
        elif match := NODE.fullmatch(line):
            assert match[1] not in nodes
            nodes[match[1]] = attributes(match[2])
        else:
            match = SETTING.fullmatch(line)
            assert match, line
            defaults[match[1]] = attributes(line.strip())[match[1]]
    assert {end for edge in edges for end in edge[:2]} <= set(nodes)
    return nodes, edges, defaults


def attributes(text):
    return {name: read(value) for name, value in re.findall(rf"(\w+)=({VALUE})", text)}


def read(value):
    """What Graphviz takes a value for: escapes in quotes, then entities as in HTML."""
    if not value.startswith('"'):
        return value
    plain = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value[1:-1])
    assert not re.search(r"&(?!amp;)", plain)
    return plain.replace("&amp;", "&")


def labels(text):
    nodes, _, _ = parsed(text)
    return [node["label"].split("\n") for node in nodes.values()]


def forward(model, loss_fn, inputs, targets):
    outputs = model(inputs)
    loss = loss_fn(outputs, targets)
    known = dict(model.named_parameters()) | {"inputs": inputs, "targets": targets}
    return loss, known | {"outputs": outputs, "loss": loss}


def deliveries():
    """Weight 5 and bias 5 where bias 2 is right: each of four outputs is 3 too large, the loss 9.

    Gradients by hand: 2 x 3 x mean of the inputs 1, 2, 3, 4 is 15, and 2 x 3 is 6.
    """
    inputs = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    model = nn.utils.skip_init(nn.Linear, 1, 1)
    nn.init.constant_(model.weight, 5.0)
    nn.init.constant_(model.bias, 5.0)
    return forward(model, nn.MSELoss(), inputs, 5 * inputs + 2)


def mlp():
    model = build("mlp", 2, 1, (8, 8), "tanh", torch.Generator().manual_seed(0))
    inputs = torch.randn(200, 2, generator=torch.Generator().manual_seed(1))
    return model, forward(model, nn.BCEWithLogitsLoss(), inputs, (inputs[:, :1] > 0).float())


def lenet():
    model = build("lenet", 64, 10, (), "tanh", torch.Generator().manual_seed(0))
    inputs = torch.randn(1438, 64, generator=torch.Generator().manual_seed(1))
    return model, forward(model, nn.CrossEntropyLoss(), inputs, torch.arange(1438) % 10)


def after_backward(loss, known):
    with Flow(loss) as flow:
        loss.backward()
    return graph(loss, known, flow)


MODELS = {"linear": lambda: (None, deliveries()), "mlp": mlp, "lenet": lenet}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", MODELS)
def test_every_node_and_edge_is_drawn(kind, dark):
    loss, known = MODELS[kind]()[1]
    for shown in (graph(loss, known), after_backward(loss, known)):
        nodes, edges, defaults = parsed(dot(shown, dark))
        assert len(nodes) == len(shown.nodes) + 1  # and the loss itself
        assert sum(node["label"].startswith("loss") for node in nodes.values()) == 1
        ends = [(f"n{edge.to}", f"n{place}") for place, node in enumerate(shown.nodes) for edge in node.edges]
        assert sorted(edge[:2] for edge in edges) == sorted([*ends, ("n0", "root")])
        assert (defaults["rankdir"], defaults["bgcolor"]) == ("TB", "transparent")
        # Leaves stand at the top, and the arrow points to them: the way of backward.
        assert defaults["edge"]["dir"] == "back"
        tops = {start for start, _, _ in edges} - {end for _, end, _ in edges}
        assert {nodes[top]["style"] for top in tops} == {"rounded,filled"}
        assert len(tops) == len(shown.leaves)


@pytest.mark.parametrize("kind", MODELS)
def test_boxes_are_narrow_enough_for_a_phone(kind):
    loss, known = MODELS[kind]()[1]
    for shown in (graph(loss, known), after_backward(loss, known)):
        nodes, edges, _ = parsed(dot(shown, False))
        for node in nodes.values():
            width = LEAF_LINE if node["style"] == "rounded,filled" else LINE
            assert max(map(len, node["label"].split("\n"))) <= width
        assert all(len(edge["label"]) <= 1 + len("|g| 0.000123") for *_, edge in edges if "label" in edge)


def test_boxes_say_what_is_kept_and_which_tensor_it_is():
    loss, known = deliveries()
    mse, addmm, bias, transposed, weight, root = labels(dot(graph(loss, known), False))
    assert mse == [
        "MseLoss",
        "keeps self (4, 1)",
        "= outputs, 16 bytes",
        "keeps target (4, 1)",
        "= targets, 16 bytes",
    ]
    assert addmm == ["Addmm", "keeps mat1 (4, 1)", "= inputs, 16 bytes"]
    assert bias == ["bias", "(1,)", "= 5", ".grad None"]
    assert transposed == ["T"]
    assert weight == ["weight", "(1, 1)", "= 5", ".grad None"]
    assert root == ["loss", "= 9"]


def test_after_backward_boxes_are_freed_and_gradients_stand_at_the_arrows():
    loss, known = deliveries()
    text = dot(after_backward(loss, known), False)
    mse, addmm, bias, _, weight, _ = labels(text)
    assert (mse, addmm) == (["MseLoss", "freed"], ["Addmm", "freed"])
    assert (bias[-1], weight[-1]) == (".grad 6", ".grad 15")
    nodes, edges, _ = parsed(text)
    along = {(start, end): edge["label"].strip("\N{NO-BREAK SPACE}") for start, end, edge in edges}
    # Of four outputs, each 3 too large: 2 x 3 / 4 each, of length 3.
    assert along == {
        ("n0", "root"): "1",
        ("n1", "n0"): "|g| 3",
        ("n2", "n1"): "6",
        ("n3", "n1"): "15",
        ("n4", "n3"): "15",
    }
    assert [name for name, node in nodes.items() if "dashed" in node["style"]] == ["n0", "n1"]
    assert all(edge["penwidth"] == "1.8" for *_, edge in edges)
    _, edges, _ = parsed(dot(graph(loss, known), False))
    assert not any("label" in edge or "penwidth" in edge for *_, edge in edges)


def test_bytes_stand_where_a_storage_is_met_first():
    _, (loss, known) = mlp()
    shown = graph(loss, known)
    text = "\n".join(" ".join(lines) for lines in labels(dot(shown, False)))
    amounts = re.findall(r", ([\d.]+) (bytes|KiB)", text)
    counted = sum(float(n) * {"bytes": 1, "KiB": 1024}[unit] for n, unit in amounts)
    assert shown.kept.nbytes == 16_000 == pytest.approx(counted, abs=100)  # a digit of each KiB is shown
    assert text.count("shared") == 2  # what tanh gave is what the next layer keeps
    assert "keeps mat2 (8, 8) = 2.weight.T" in text  # without bytes: a parameter is there anyway


def test_a_changed_tensor_stands_out():
    model, (loss, known) = mlp()
    with torch.no_grad():
        model[2].weight.mul_(0.5)
    text = dot(graph(loss, known), False)
    nodes, _, _ = parsed(text)
    (warned,) = [node for node in nodes.values() if float(node.get("penwidth", 1)) >= 2]
    assert "changed: mat2\n(8, 8) = 2.weight.T" in warned["label"]
    assert "mat1" in warned["label"]
    assert "1 saved tensor changed in place since" in words(graph(loss, known))


def test_none_zeros_values_and_norms_of_grad_differ():
    a = torch.tensor([3.0, -0.25], requires_grad=True)
    last = []
    for grad in (None, torch.zeros(2), torch.tensor([0.5, 0.0])):
        a.grad = grad
        last.append(labels(dot(graph((a * 2).sum(), {"a": a}), False))[2][-1])
    assert last == [".grad None", ".grad all 0", ".grad 0.5, 0"]
    many = torch.ones(9, requires_grad=True)
    many.grad = torch.full((9,), 2.0)
    leaf = labels(dot(graph(many.sum(), {"many": many}), False))[1]
    assert leaf == ["many", "(9,)", "norm 3", ".grad norm 6"]


@pytest.mark.parametrize(("entries", "shown"), [(4, "= 2, 2, 2, 2"), (5, "norm 4.472")])
def test_entries_are_written_out_while_a_box_has_room(entries, shown):
    a = torch.full((entries,), 2.0, requires_grad=True)
    assert labels(dot(graph(a.sum(), {"a": a}), False))[1][2] == shown


def test_an_unknown_leaf_and_a_nameless_tensor_are_drawn():
    a = torch.zeros(0, requires_grad=True)
    _, leaf, root = labels(dot(graph(a.sum(), {}), False))
    assert leaf == ["a leaf", "(0,)", "norm 0", ".grad None"]
    assert root == ["tensor", "= 0"]


def test_numbers_that_are_none_are_words():
    a = torch.tensor([math.nan, math.inf, -math.inf], requires_grad=True)
    leaf = labels(dot(graph((a * 2).sum(), {"a": a}), False))[2]
    assert " ".join(leaf) == "a (3,) = nan, inf, −inf .grad None"


HOSTILE = [
    '"',
    "\\",
    '\\"',
    "a\nb",
    "<b>bold</b>",
    "&lt;",
    "\\N \\G \\l",
    '"] x -> y [label="',
    "}",
    "\ud800",
    "\0",
    "x" * NAME,
    "y" * 999,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_names(name):
    drawn(name)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_name_stays_a_name(name):
    drawn(name)


def drawn(name):
    """A parameter of this name is one label, read back as it is but for what cannot be printed."""
    w = torch.ones(2, requires_grad=True)
    frozen = torch.ones(2)
    shown = graph((w * frozen).sum(), {f"{name}2": frozen, name: w})
    text = dot(shown, True)
    text.encode()
    found = labels(text)
    assert len(found) == len(shown.nodes) + 1
    expected = "".join(letter if letter.isprintable() else " " for letter in name)
    if len(expected) > NAME:
        expected = expected[: NAME - 1] + "…"
    assert found[2][0] == (expected or "a leaf")
    assert all(len(line) <= NAME + 4 for lines in found for line in lines)


class Keeps(torch.autograd.Function):
    """An operation of one's own that keeps many tensors."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(*(torch.zeros(i) for i in range(1, SHOWN + 4)))
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad


def test_an_operation_that_keeps_many_tensors_shows_some():
    x = torch.ones(1, requires_grad=True)
    box = labels(dot(graph(Keeps.apply(x), {}), False))[0]
    assert box[0] == "Keeps"
    assert sum(line.startswith("keeps") for line in box) == SHOWN
    assert box[-1] == "and 3 more"


def test_an_unreadable_tensor_is_named_without_the_message():
    def refuse(packed):
        raise OSError('The "disk" is full.')

    a = torch.tensor([1.0, 2.0], requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, refuse):
        loss = a.exp().sum()
    text = dot(graph(loss, {}), False)
    assert ["Exp", "cannot read result"] in labels(text)
    assert "disk" not in text


def test_the_longest_graph_can_be_drawn():
    tensor = torch.ones(1, requires_grad=True)
    for _ in range(MAX_NODES - 1):
        tensor = tensor.exp()
    nodes, edges, _ = parsed(dot(graph(tensor, {}), False))
    assert (len(nodes), len(edges)) == (MAX_NODES + 1, MAX_NODES)


# Colors.


def luminance(color):
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_lines_can_be_told_from_what_is_behind_them(dark):
    theme = tomllib.loads((Path(__file__).parents[2] / ".streamlit/config.toml").read_text())
    page = theme["theme"]["dark" if dark else "light"]["backgroundColor"]
    model, (loss, known) = mlp()
    resting = parsed(dot(graph(loss, known), dark))
    with torch.no_grad():
        model[2].weight.mul_(0.5)
    warned = parsed(dot(graph(loss, known), dark))
    _, (loss, known) = mlp()
    flowed = parsed(dot(after_backward(loss, known), dark))
    for nodes, edges, defaults in (resting, warned, flowed):
        assert contrast(defaults["edge"]["fontcolor"], page) >= 4.5
        for node in nodes.values():
            assert contrast(defaults["node"]["fontcolor"], node["fillcolor"]) >= 4.5
            assert contrast(node["color"], page) >= 3
        assert all(contrast(edge["color"], page) >= 3 for *_, edge in edges)


def test_light_and_dark_differ_in_colors_alone():
    loss, known = deliveries()
    shown = after_backward(loss, known)
    light, dark = (re.sub(r"#[0-9A-F]{6}", "", dot(shown, theme)) for theme in (False, True))
    assert light == dark
    assert dot(shown, False) != dot(shown, True)


# Words.


def test_the_words_count_operations_leaves_and_bytes():
    _, (loss, known) = mlp()
    before = words(graph(loss, known))
    assert (
        before == "Autograd graph of loss: 9 operations and 6 leaves. It keeps 15.6 KiB besides parameters."
    )
    assert words(after_backward(loss, known)).endswith("What it kept for backward is freed.")
    a = torch.tensor(1.0, requires_grad=True)
    assert (
        words(graph(-a, {})) == "Autograd graph: 1 operation and 1 leaf. It keeps 0 bytes besides parameters."
    )
