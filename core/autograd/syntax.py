"""Typed text -> statements as a syntax tree, refused before anything of it is evaluated.

Nothing typed is ever compiled or executed: it is parsed, and only the kinds of nodes in NODES pass. So there
is no function, class, comprehension, loop, lambda, format string or star among them. Length and depth are
bounded first.
"""

import ast
from collections.abc import Iterator

from core import torch_warnings
from core.autograd.sizes import NotAllowedError

MAX_TEXT, MAX_LINES, MAX_LINE = 2000, 40, 200
MAX_NODES, MAX_DEPTH = 600, 30
NODES = (
    ast.Module, ast.Assign, ast.AugAssign, ast.Expr, ast.With, ast.withitem,
    ast.Name, ast.Constant, ast.Attribute, ast.Call, ast.keyword, ast.BinOp, ast.UnaryOp, ast.Compare,
    ast.List, ast.Tuple, ast.Subscript, ast.Slice,
    ast.Load, ast.Store, ast.operator, ast.unaryop, ast.cmpop,
)  # fmt: skip
# What these make known is known anyway: the lines are passed over, and nothing is imported.
IMPORTS = (
    "import torch",
    "import torch.nn as nn",
    "from torch import nn",
    "import torch.nn.functional as F",
    "from torch import arange, ones, randn, tensor, zeros",
    "from torch import tensor",
)
IN_WORDS = {
    "A loop": (ast.For, ast.While, ast.AsyncFor),
    "A comprehension": (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    "A function of your own": (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda),
    "A class": (ast.ClassDef,),
    "An import of anything but torch": (ast.Import, ast.ImportFrom),
    "A condition": (ast.If, ast.IfExp, ast.BoolOp, ast.Match),
    "A format string": (ast.JoinedStr,),
    "A star": (ast.Starred,),
}
ALLOWED = (
    "Allowed are assignments to a name, += and its like, + - * / ** @, comparisons, the listed functions and "
    "methods, indexing, and a block under torch.no_grad()"
)


class RefusedError(NotAllowedError):
    """A text of which nothing is executed. line: where it is refused, from 1; 0 for the whole."""

    def __init__(self, line: int, sentence: str):
        super().__init__(sentence)
        self.line = line


def read(text: str) -> list[ast.stmt]:
    """The statements of a text; raises RefusedError."""
    _plain(text)
    try:
        with torch_warnings.collecting(lambda said: None):  # of Python's parser, about style
            tree = ast.parse(text)
    except SyntaxError as error:
        raise RefusedError(error.lineno or 0, f"Python cannot read this line: {error.msg}.") from None
    except (ValueError, MemoryError, RecursionError):
        raise RefusedError(0, "Python cannot read this text.") from None
    tree.body = [statement for statement in tree.body if not _is_known_import(statement)]
    _bounded(tree)
    _one_to_a_line(tree)
    return tree.body


def _plain(text: str) -> None:
    lines = text.split("\n")
    if len(text) > MAX_TEXT or len(lines) > MAX_LINES or max(map(len, lines)) > MAX_LINE:
        limit = f"{MAX_TEXT:,} characters, in {MAX_LINES} lines of {MAX_LINE}"
        raise RefusedError(0, f"The text may have at most {limit}.")
    for number, line in enumerate(lines, 1):
        for place, sign in enumerate(line, 1):
            if not " " <= sign <= "~":
                plain = "letters, digits and signs of ASCII, and no tabs"
                raise RefusedError(
                    number, f"Character {place} of this line is not allowed here; allowed are {plain}."
                )


def _is_known_import(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Import, ast.ImportFrom)) and ast.unparse(statement) in IMPORTS


def _bounded(tree: ast.Module) -> None:
    """Refuse what is too much or too deep, then any node of another kind."""
    count = line = 0
    for node, depth in _walk(tree):
        line = getattr(node, "lineno", line)
        count += isinstance(node, (ast.expr, ast.stmt))
        if count > MAX_NODES or depth > MAX_DEPTH:
            limit = f"{MAX_NODES} names, numbers and operations, nested at most {MAX_DEPTH} deep"
            raise RefusedError(line, f"The text may have at most {limit}.")
        if not isinstance(node, NODES):
            raise RefusedError(line, f"{_in_words(node)} is not allowed here. {ALLOWED}.")


def _in_words(node: ast.AST) -> str:
    return next((words for words, kinds in IN_WORDS.items() if isinstance(node, kinds)), type(node).__name__)


def _walk(tree: ast.AST) -> Iterator[tuple[ast.AST, int]]:
    """Every node with its depth, in the order of the text; not by recursion, since it may be deep."""
    todo = [(tree, 0)]
    while todo:
        node, depth = todo.pop()
        yield node, depth
        todo += [(child, depth + 1) for child in ast.iter_child_nodes(node)][::-1]


def _one_to_a_line(tree: ast.Module) -> None:
    """Refuse two statements in a line: what each did could not be said."""
    ends = 0
    for node, _ in _walk(tree):
        if isinstance(node, ast.stmt):
            if node.lineno <= ends:
                raise RefusedError(node.lineno, "A line may hold only one statement.")
            ends = node.lineno if isinstance(node, ast.With) else node.end_lineno or node.lineno
