"""Evaluates typed expressions: a walk over the tree that knows only what `core.autograd.language` lists.

Nothing is looked up by name but in those tables, so no attribute, call or operator outside them can happen.
What is not on the lists raises NotAllowedError; PyTorch's own errors, and Python's, pass through.
"""

import ast
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from core.autograd import sizes
from core.autograd.language import (
    ATTRIBUTES,
    COMPARISONS,
    CONSTANTS,
    FUNCTIONS,
    METHODS,
    MODULES,
    OPERATORS,
    REDUCTIONS,
    SIGNS,
    Allowed,
    compute,
)
from core.autograd.sizes import NotAllowedError, ReprOnly
from core.autograd.workspace import Workspace


def value(node: ast.expr, here: Workspace) -> Any:
    """The value of an expression; raises NotAllowedError, or what PyTorch or Python raise."""
    return here.keep(sizes.checked(_KINDS[type(node)](node, here)))


def dotted(node: ast.expr) -> str:
    """A dotted name such as torch.var; "" for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    before = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{before}.{node.attr}" if before else ""  # type: ignore[attr]


def _constant(node: ast.Constant, here: Workspace) -> Any:
    if type(node.value) not in (int, float, bool, type(None)):
        raise NotAllowedError(f"Constants are numbers, True, False, None, and {_quoted()} for reduction=.")
    return node.value


def _quoted() -> str:
    return ", ".join(f'"{text}"' for text in REDUCTIONS)


def _name(node: ast.Name, here: Workspace) -> Any:
    if node.id in here.names:
        return here.names[node.id]
    if node.id in CONSTANTS:
        return CONSTANTS[node.id]
    if node.id in FUNCTIONS or node.id in MODULES:
        raise NotAllowedError(f"The name {node.id} can only be used in a call, such as torch.sum(a).")
    raise NameError(f"name '{node.id}' is not defined")


def _attribute(node: ast.Attribute, here: Workspace) -> Any:
    if dotted(node) in CONSTANTS:
        return CONSTANTS[dotted(node)]
    base = _owner(node, here, {*ATTRIBUTES, *METHODS})
    if node.attr in METHODS and node.attr not in ATTRIBUTES:
        raise NotAllowedError(f"A method has to be called: .{node.attr}().")
    if node.attr not in ATTRIBUTES:
        raise NotAllowedError(f"Attributes here are those of tensors: {', '.join(ATTRIBUTES)}.")
    return ATTRIBUTES[node.attr](base)


def _owner(node: ast.Attribute, here: Workspace, known: set[str]) -> Tensor:
    """The tensor before a dot. If that is None, raises Python's error for names that tensors have."""
    if isinstance(node.value, ast.Name) and node.value.id in MODULES:
        names = ", ".join(name for name in FUNCTIONS if "." in name)
        raise NotAllowedError(f"Functions here are {names}.")
    base = value(node.value, here)
    if base is None and node.attr in known:
        raise AttributeError(f"'NoneType' object has no attribute '{node.attr}'")
    if not isinstance(base, Tensor):
        raise NotAllowedError("Only a tensor, torch, or F can stand before a dot.")
    return base


def _call(node: ast.Call, here: Workspace) -> Any:
    row, of = _called(node.func, here)
    _asked(row, node)
    given = [*of, *(_argument(argument, row, here) for argument in node.args)]
    keywords = {str(one.arg): _by_name(one, row, here) for one in node.keywords}
    row.check(given)
    return row.call(*([here] if row.inside else []), *given, **keywords)


def _called(node: ast.expr, here: Workspace) -> tuple[Allowed, list[Tensor]]:
    """A function and nothing, or a method and its tensor."""
    if isinstance(node, ast.Name) and node.id in here.names:
        raise TypeError(f"'{type(here.names[node.id]).__name__}' object is not callable")
    if dotted(node) in FUNCTIONS:
        return FUNCTIONS[dotted(node)], []
    if not isinstance(node, ast.Attribute):
        raise NotAllowedError(f"Functions here are {', '.join(FUNCTIONS)}.")
    base = _owner(node, here, {*METHODS})
    if node.attr not in METHODS:
        raise NotAllowedError(f"Methods here are those of tensors: {', '.join(METHODS)}.")
    return METHODS[node.attr], [base]


def _asked(row: Allowed, node: ast.Call) -> None:
    """Refuses arguments that the row does not list, before any of them is evaluated."""
    if len(node.args) > row.most:
        raise NotAllowedError(f"This call takes at most {row.most} arguments by position here.")
    names = [keyword.arg for keyword in node.keywords]
    if not set(names) <= {*row.keywords} or len(set(names)) < len(names):
        raise NotAllowedError(f"Keywords of this call are, once each: {', '.join(row.keywords) or 'none'}.")


def _argument(node: ast.expr, row: Allowed, here: Workspace) -> Any:
    found = value(node, here)
    if isinstance(found, ReprOnly) and row is not FUNCTIONS["print"]:
        raise NotAllowedError("That can only be displayed, not used in a call.")
    return found


def _by_name(node: ast.keyword, row: Allowed, here: Workspace) -> Any:
    if node.arg != "reduction":
        return _argument(node.value, row, here)
    if not isinstance(node.value, ast.Constant) or node.value.value not in REDUCTIONS:
        raise NotAllowedError(f"The reduction is one of {_quoted()}.")
    return node.value.value


def _binary(node: ast.BinOp, here: Workspace) -> Any:
    one = value(node.left, here)
    return compute(node.op, OPERATORS, one, value(node.right, here))


def _sign(node: ast.UnaryOp, here: Workspace) -> Any:
    return compute(node.op, SIGNS, value(node.operand, here))


def _comparison(node: ast.Compare, here: Workspace) -> Any:
    if len(node.ops) != 1:
        raise NotAllowedError("Compare two values at a time.")
    one = value(node.left, here)
    return compute(node.ops[0], COMPARISONS, one, value(node.comparators[0], here))


def _list(node: ast.List, here: Workspace) -> list[Any]:
    """Numbers, or lists of them: what torch.tensor takes."""
    found = [value(element, here) for element in node.elts]
    if not all(isinstance(element, (int, float, list)) for element in found):
        raise NotAllowedError("A list holds numbers or lists of numbers.")
    return found


def _tuple(node: ast.Tuple, here: Workspace) -> tuple[Any, ...]:
    found = tuple(value(element, here) for element in node.elts)
    if not all(_is_index(element) for element in found):
        raise NotAllowedError("A tuple is a shape or an index: whole numbers, and slices in an index.")
    return found


def _slice(node: ast.Slice, here: Workspace) -> slice:
    ends = [None if end is None else value(end, here) for end in (node.lower, node.upper, node.step)]
    if not all(end is None or type(end) is int for end in ends):
        raise NotAllowedError("A slice goes from one whole number to another.")
    return slice(*ends)


def _is_index(found: Any) -> bool:
    return found is None or type(found) in (int, slice)


def _subscript(node: ast.Subscript, here: Workspace) -> Any:
    base, index = value(node.value, here), value(node.slice, here)
    if not isinstance(base, (Tensor, torch.Size)) or not (_is_index(index) or type(index) is tuple):
        raise NotAllowedError("Whole numbers, slices and None index a tensor; a whole number its shape.")
    return base[index]  # type: ignore[index]


_KINDS: dict[type[ast.expr], Callable[[Any, Workspace], Any]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.BinOp: _binary,
    ast.UnaryOp: _sign,
    ast.Compare: _comparison,
    ast.List: _list,
    ast.Tuple: _tuple,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
}
