"""The autograd graph as DOT text for Graphviz, and in two sentences.

Top to bottom as the code runs: parameters first, the loss last. The arrows point up, the way that
backward goes from the loss, and carry the gradient once it has flowed. What an operation keeps
stands in its box, with bytes where a storage is met first, so that they add up.
"""

import re
from collections.abc import Iterable

from core.graph.graph import Graph, Leaf, Node
from core.graph.saved import CHANGED, FREED, UNREADABLE, Saved
from core.graph.tensor_summary import Summary
from core.words import number, size_text

LINE, LEAF_LINE = 19, 15  # characters; an operation fits between two leaves on a phone
NAME = 40  # most characters of a name
SHOWN, ENTRIES = 6, 4  # most saved tensors of one operation, and most entries of one tensor
# Streamlit draws all text of a graph in Source Sans at 0.6 rem: 9 units, at its base size of 15.
# Graphviz makes room for it by the fonts that it knows; Helvetica at 8.4 is about as wide.
FONT, FONT_SIZE = "Helvetica", 8.4
# By theme, dark or not. Text on a fill or on the page has a contrast of 4.5 or more, lines of 3.
INK = {False: "#10182B", True: "#E6EAF4"}
OPERATION = {False: ("#EEF2F9", "#46526A"), True: ("#1F2940", "#B8C2D9")}  # fill and outline
LEAF = {False: ("#E4EBFF", "#3457D5"), True: ("#1B2A52", "#7C9BFF")}
WARNING = {False: "#D6336C", True: "#F783AC"}
RESTING = {False: "#6B7690", True: "#808A9C"}  # arrows, before and after a gradient has come along
FLOWED = {False: "#E8590C", True: "#FF922B"}


def dot(graph: Graph, dark: bool) -> str:
    """DOT text: boxes for operations, rounded ones for leaves, the tensor itself at the bottom.

    A dashed box has freed what it kept. A thick outline warns of a tensor that was changed after
    it was kept: backward will raise there. A thick arrow has carried a gradient, written beside it.
    """
    font = f'fontname="{FONT}" fontsize={FONT_SIZE} fontcolor="{INK[dark]}"'
    grads = graph.nodes[0].grads
    statements = [
        "rankdir=TB",
        "bgcolor=transparent",
        "nodesep=0.12",
        "ranksep=0.22",
        "margin=0.02",
        f'node [shape=box margin="0.06,0.04" width=0.2 height=0.2 {font}]',
        f"edge [dir=back arrowsize=0.6 {font}]",
        *(f"n{place} [{_looks(node, dark)}]" for place, node in enumerate(graph.nodes)),
        f"root [label={_quoted(_root(graph))} shape=ellipse style=filled {_colors(LEAF[dark])}]",
        *(
            f"n{edge.to} -> n{place} [{_arrow(edge.grad, dark)}]"
            for place, node in enumerate(graph.nodes)
            for edge in node.edges
        ),
        f"n0 -> root [{_arrow(grads[0] if grads else None, dark)}]",
    ]
    return "digraph {\n" + "".join(f"  {statement}\n" for statement in statements) + "}\n"


def words(graph: Graph) -> str:
    """The graph in two sentences, for screen readers."""
    leaves, of = len(graph.leaves), f" of {_name(graph.name)}" if graph.name else ""
    counted = f"{_counted(len(graph.nodes) - leaves, 'operation')} and {_counted(leaves, 'leaf', 'leaves')}"
    return f"Autograd graph{of}: {counted}. {_kept(graph)}."


def _kept(graph: Graph) -> str:
    states = [saved.state for saved in graph.saved]
    if CHANGED in states:
        changed = _counted(states.count(CHANGED), "saved tensor")
        return f"It keeps {size_text(graph.kept.nbytes)} besides parameters; {changed} changed in place since"
    if FREED in states and not graph.kept.nbytes:
        return "What it kept for backward is freed"
    return f"It keeps {size_text(graph.kept.nbytes)} besides parameters"


def _counted(many: int, one: str, more: str = "") -> str:
    return f"{many} {one if many == 1 else more or one + 's'}"


def _looks(node: Node, dark: bool) -> str:
    if node.leaf is not None:
        return f'label={_quoted(_leaf(node.leaf))} style="rounded,filled" {_colors(LEAF[dark])}'
    label, (fill, outline) = _quoted(_operation(node)), OPERATION[dark]
    states = {saved.state for saved in node.saved}
    if CHANGED in states:
        return f"label={label} style=filled penwidth=2.5 {_colors((fill, WARNING[dark]))}"
    style = '"filled,dashed"' if FREED in states else "filled"
    return f"label={label} style={style} {_colors((fill, outline))}"


def _colors(pair: tuple[str, str]) -> str:
    return f'fillcolor="{pair[0]}" color="{pair[1]}"'


def _arrow(grad: Summary | None, dark: bool) -> str:
    if grad is None:
        return f'color="{RESTING[dark]}"'
    label = _quoted(["\N{NO-BREAK SPACE}" + _length(grad)])  # a little away from the arrow
    return f'color="{FLOWED[dark]}" penwidth=1.8 label={label}'


def _root(graph: Graph) -> list[str]:
    return [_name(graph.name or "tensor"), *_value(graph.value)]


def _leaf(leaf: Leaf) -> list[str]:
    return [_name(leaf.name or "a leaf"), *_value(leaf.value), *_grad(leaf.grad)]


def _value(value: Summary) -> list[str]:
    shape = [] if value.shape == () else [str(value.shape)]
    return shape + _packed(_entries(value, "="), LEAF_LINE)


def _grad(grad: Summary | None) -> list[str]:
    """None, zeros and values are three different things."""
    if grad is None:
        return [".grad None"]
    if grad.zeros:
        return [".grad all 0"]
    return _packed([".grad", *_entries(grad)], LEAF_LINE)


def _entries(summary: Summary, sign: str = "") -> list[str]:
    """The entries, after a sign if there is one; of more than fit, the norm."""
    if summary.values is None or not 0 < len(summary.values) <= ENTRIES:
        return [f"norm {number(summary.norm)}"]
    *before, last = [number(value) for value in summary.values]
    return ([sign] if sign else []) + [f"{value}," for value in before] + [last]


def _length(grad: Summary) -> str:
    """A gradient in one number: itself, if it is one, else its norm."""
    if grad.values is not None and len(grad.values) == 1:
        return number(grad.values[0])
    return f"|g| {number(grad.norm, 3)}"


def _operation(node: Node) -> list[str]:
    name = _name(re.sub(r"Backward\d*$", "", node.name) or node.name)
    lines = _packed(re.split(r"(?!^)(?=[A-Z][a-z])", name), glue="")
    if any(saved.state == FREED for saved in node.saved):  # a node frees all at once
        return [*lines, "freed"]
    for saved in node.saved[:SHOWN]:
        lines += _saved(saved)
    more = len(node.saved) - SHOWN
    return [*lines, f"and {more} more"] if more > 0 else lines


def _saved(saved: Saved) -> list[str]:
    """Such as: keeps mat1 (200, 2) = inputs, 1.6 kB."""
    name = _name(saved.name)
    if saved.state == UNREADABLE:
        return _packed(["cannot read", name])
    parts = [f"{'changed:' if saved.state == CHANGED else 'keeps'} {name}"]
    if saved.shape is not None:
        parts.append(str(saved.shape))
    if saved.tensor is not None:
        parts.append(f"= {_name(saved.tensor)}")
    if not saved.parameter and saved.shape is not None:
        parts[-1] += ","
        parts.append(size_text(saved.nbytes) if saved.counted else "shared")
    return _packed(parts)


def _packed(parts: Iterable[str], width: int = LINE, glue: str = " ") -> list[str]:
    """Packs parts into as few lines of at most `width` characters as possible."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(glue) + len(part) <= width:
            lines[-1] += glue + part
        else:
            lines.append(part)
    return lines


def _name(name: str) -> str:
    """A name in one line, cut if it is long."""
    shown = "".join(letter if letter.isprintable() else " " for letter in name)
    return shown if len(shown) <= NAME else f"{shown[: NAME - 1]}…"


def _quoted(lines: Iterable[str]) -> str:
    """A DOT string. Graphviz reads backslashes and, as HTML does, entities such as &lt;."""
    escaped = (line.replace("\\", r"\\").replace('"', r"\"").replace("&", "&amp;") for line in lines)
    return '"' + r"\n".join(escaped) + '"'
