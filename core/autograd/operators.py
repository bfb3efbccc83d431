"""The operators that may be typed, and what they make of tensors and numbers."""

import ast
import operator
from collections.abc import Callable
from typing import Any

from torch import Tensor

from core.autograd import sizes
from core.autograd.sizes import NotAllowedError

Table = dict[type[ast.AST], Callable[..., Any]]

OPERATORS: Table = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
IN_PLACE: Table = {
    ast.Add: operator.iadd,
    ast.Sub: operator.isub,
    ast.Mult: operator.imul,
    ast.Div: operator.itruediv,
}
COMPARISONS: Table = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
SIGNS: Table = {ast.USub: operator.neg, ast.UAdd: operator.pos}


def compute(kind: ast.AST, table: Table, *operands: Any) -> Any:
    """An operator of a table on tensors or numbers.

    Raises: NotAllowedError if it is not on the table, takes something else, or its result is too large.
    """
    if type(kind) not in table:
        raise NotAllowedError("Operators here are + - * / ** @, comparisons, and += -= *= /= after a name.")
    if not all(isinstance(operand, (Tensor, int, float)) for operand in operands):
        raise NotAllowedError("Operators here take tensors and numbers.")
    (sizes.product if isinstance(kind, ast.MatMult) else sizes.together)(operands)
    if isinstance(kind, ast.Pow) and not any(isinstance(operand, Tensor) for operand in operands):
        sizes.power(*operands)
    return sizes.checked(table[type(kind)](*operands))
