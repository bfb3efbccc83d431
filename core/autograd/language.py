"""What may be typed in the notebook: tables of functions, methods, attributes and operators, nothing else.

What is not here does not exist for the notebook. Adding something takes one entry, which must keep what the
others keep: the call reads and writes nothing but its arguments, its check bounds the size of the result
before anything is computed, and it takes no name, file, device, function or text from outside.
"""

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.autograd import sizes, workspace
from core.autograd.sizes import NotAllowedError, ReprOnly
from core.torch_internals import version


@dataclass(frozen=True)
class Allowed:
    """A function, or a method and its tensor.

    most: how many arguments it takes by position, besides the tensor of a method. keywords: those it takes
    by name. check: raises NotAllowedError if the result would be too large. inside: whether it is
    called with the workspace first.
    """

    call: Callable[..., Any]
    most: int
    keywords: tuple[str, ...] = ()
    check: Callable[[Sequence[Any]], None] = sizes.together
    inside: bool = False


def _named(names: str, of: Any, most: int = 0, keywords: str = "", **options: Any) -> dict[str, Allowed]:
    """A row for each of these names, all alike."""
    keys = tuple(keywords.split())
    return {name: Allowed(getattr(of, name), most, keys, **options) for name in names.split()}


def _unchecked(given: Sequence[Any]) -> None:
    """For calls that make no tensor."""


MANY = sizes.MAX_DIMS  # arguments of a shape
_NEW = ("dtype", "requires_grad")
_MAKERS = {
    "tensor": Allowed(torch.tensor, 1, _NEW),
    "zeros": Allowed(torch.zeros, MANY, _NEW, sizes.shape),
    "ones": Allowed(torch.ones, MANY, _NEW, sizes.shape),
    "randn": Allowed(workspace.randn, MANY, _NEW, sizes.shape, inside=True),
    "arange": Allowed(torch.arange, 2, _NEW, sizes.ranged),
}
_TORCH = {
    **_MAKERS,
    "manual_seed": Allowed(workspace.manual_seed, 1, inside=True),
    "matmul": Allowed(torch.matmul, 2, check=sizes.product),
    **_named("zeros_like ones_like", torch, 1, "requires_grad"),
    **_named("exp log sqrt square abs sin cos tanh sigmoid relu", torch, 1),
    **_named("pow maximum minimum equal allclose", torch, 2),
    **_named("sum mean", torch, 2, "dim keepdim"),
    **_named("var std", torch, 2, "dim correction keepdim"),
    **_named("softmax log_softmax", torch, 2, "dim"),
}
_LOSSES = (
    "mse_loss l1_loss huber_loss smooth_l1_loss cross_entropy nll_loss kl_div binary_cross_entropy "
    "binary_cross_entropy_with_logits"
)
_FUNCTIONAL = {
    **_named(_LOSSES, nn.functional, 2, "reduction"),
    **_named("relu", nn.functional, 1),
    **_named("softmax log_softmax", nn.functional, 2, "dim"),
}
FUNCTIONS = {
    **_MAKERS,  # as after: from torch import tensor
    **{f"torch.{name}": row for name, row in _TORCH.items()},
    **{f"F.{name}": row for name, row in _FUNCTIONAL.items()},
    "print": Allowed(workspace.show, 4, check=_unchecked, inside=True),
}
METHODS = {
    "backward": Allowed(workspace.backward, 1, ("gradient", "retain_graph"), inside=True),
    **_named("requires_grad_", Tensor, 1),
    **_named("detach clone item retain_grad zero_ numel dim t float double long int", Tensor),
    **_named("add_ sub_ mul_ div_ copy_", Tensor, 1),
    **_named("matmul", Tensor, 1, check=sizes.product),
    **_named("view reshape", Tensor, MANY, check=sizes.other_shape),
    **_named("expand", Tensor, MANY, check=sizes.expanded),
    **_named("squeeze unsqueeze", Tensor, 1, "dim"),
    **_named("exp log sqrt square abs sin cos tanh sigmoid relu max min norm", Tensor),
    **_named("pow", Tensor, 1),
    **_named("sum mean argmax", Tensor, 2, "dim keepdim"),
    **_named("var std", Tensor, 2, "dim correction keepdim"),
    **_named("softmax log_softmax", Tensor, 1, "dim"),
}


def _data(tensor: Tensor) -> Tensor:
    """Writes into it are not counted: class indices that are changed so would be used unchecked."""
    if not tensor.is_floating_point():
        raise NotAllowedError("Here only floating-point tensors have .data.")
    return tensor.data


def _turned(tensor: Tensor) -> Tensor:
    if tensor.ndim != 2:
        raise NotAllowedError("Here only tensors with two dimensions have .T.")
    return tensor.T


ATTRIBUTES: dict[str, Callable[[Tensor], Any]] = {
    "grad": lambda t: t.grad,
    "data": _data,
    "requires_grad": lambda t: t.requires_grad,
    "is_leaf": lambda t: t.is_leaf,
    "grad_fn": lambda t: None if t.grad_fn is None else ReprOnly(f"<{type(t.grad_fn).__name__}>"),
    "retains_grad": lambda t: t.retains_grad,
    "shape": lambda t: t.shape,
    "dtype": lambda t: t.dtype,
    "ndim": lambda t: t.ndim,
    "T": _turned,
    "_version": version,
}


def set_grad(tensor: Tensor, value: Any) -> None:
    """As an optimizer does when it sets gradients to None."""
    if value is not None:
        raise NotAllowedError("Only None can be assigned to .grad.")
    tensor.grad = None


def set_data(tensor: Tensor, value: Any) -> None:
    """Other numbers of the same shape and type, which what was saved for backward relies on."""
    kind = (tensor.shape, tensor.dtype)
    if not tensor.is_floating_point() or not isinstance(value, Tensor) or (value.shape, value.dtype) != kind:
        raise NotAllowedError("Only a tensor of the same shape and float dtype can be assigned to .data.")
    tensor.data = value


SETTABLE: dict[str, Callable[[Tensor, Any], None]] = {"grad": set_grad, "data": set_data}

_DTYPES = "float float32 float64 double long int64 int32 bool"
CONSTANTS: dict[str, Any] = {
    "float": float,  # torch.tensor takes it for a dtype
    **{f"torch.{name}": getattr(torch, name) for name in _DTYPES.split()},
}
MODULES = ("torch", "F", "nn")  # what names before a dot may stand for

REDUCTIONS = ("mean", "sum", "none", "batchmean")  # the only texts there are: reduction="sum"


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
