"""Runs a few typed lines, interpreted one after the other, and says what each did to the tensors.

Nothing typed is ever compiled or executed: `core.autograd.syntax` parses it, `core.autograd.interpreter`
walks the tree over short lists of what is allowed. PyTorch's own error at a line ends the notebook there.
"""

import ast
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from core import torch_warnings
from core.autograd.changes import changes, holding
from core.autograd.interpreter import dotted, value
from core.autograd.language import CONSTANTS, IN_PLACE, MODULES, SETTABLE, compute
from core.autograd.sizes import NotAllowedError
from core.autograd.syntax import read
from core.autograd.workspace import Workspace, show

HEAD = """\
import torch
import torch.nn.functional as F
from torch import arange, ones, randn, tensor, zeros

torch.manual_seed(0)
"""  # before these lines in Python, what the notebook shows is what Python shows
MAX_NAMES = 26
MAX_SAID = 2000  # characters of one error or warning; … stands for what is left out


@dataclass(frozen=True)
class LineError:
    """Type and text of an exception; refused: it is a sentence of the notebook's own."""

    type: str
    text: str
    refused: bool


@dataclass(frozen=True)
class Done:
    """A statement that was executed, as plain data.

    first, last: its lines, from 1. shows: what it printed, and what an expression is worth. changes: a
    sentence each. warnings: PyTorch's own, each once. error: why the notebook ended here.
    """

    first: int
    last: int
    shows: str | None
    changes: tuple[str, ...]
    warnings: tuple[str, ...]
    error: LineError | None


@dataclass
class Notebook:
    """What has come of a text so far. before, now: what the names stood for around the last statement."""

    workspace: Workspace = field(default_factory=Workspace)
    done: list[Done] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    now: dict[str, Any] = field(default_factory=dict)


def told(text: str) -> tuple[Done, ...]:
    """Interpret a text to its end, or to the line that raises; RefusedError where nothing is executed."""
    with run(text) as book:
        return tuple(book.done)


@contextmanager
def run(text: str, until: int | None = None) -> Iterator[Notebook]:
    """Runs the first `until` statements; yields the notebook with its tensors, freed after the block."""
    book, statements = Notebook(), read(text)
    try:
        for statement, first, records in _flat(statements):
            if len(book.done) == until:
                break
            with nullcontext() if records else torch.no_grad():
                book.done.append(_do(statement, first, book))
            if book.done[-1].error is not None:
                break
        yield book
    finally:
        book.workspace.let_go()


def _flat(statements: list[ast.stmt]) -> Iterator[tuple[ast.stmt, int, bool]]:
    """Statements, those under no_grad too, each with its first line and whether autograd records it."""
    for statement in statements:
        if not isinstance(statement, ast.With) or not _is_no_grad(statement):
            yield statement, statement.lineno, True
            continue
        for number, inner in enumerate(statement.body):
            yield inner, inner.lineno if number else statement.lineno, False


def _is_no_grad(statement: ast.With) -> bool:
    """Whether this is with torch.no_grad(): and statements that are no `with` again."""
    item, call = statement.items[0], statement.items[0].context_expr
    plain = (
        isinstance(call, ast.Call)
        and dotted(call.func) == "torch.no_grad"
        and not (call.args or call.keywords)
    )
    alone = len(statement.items) == 1 and item.optional_vars is None
    return plain and alone and not any(isinstance(inner, ast.With) for inner in statement.body)


def _do(statement: ast.stmt, first: int, book: Notebook) -> Done:
    here, said, error = book.workspace, list[str](), None
    here.printed.clear()
    try:
        with torch_warnings.collecting(said.append):
            _KINDS[type(statement)](statement, here)
    except NotAllowedError as refused:
        error = LineError("Not allowed", str(refused), True)
    except Exception as raised:  # noqa: BLE001  (whatever PyTorch says, the learner sees)
        error = LineError(type(raised).__name__, _shortened(str(raised)), False)
    book.before, book.now = book.now, holding(here.names)
    changed, warnings = changes(book.before, book.now), dict.fromkeys(map(_shortened, said))
    last = statement.end_lineno or statement.lineno
    shows = "\n".join(here.printed) if here.printed else None
    return Done(first, last, shows, tuple(changed), tuple(warnings), error)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_SAID else f"{text[: MAX_SAID - 1]}…"


def _expression(statement: ast.Expr, here: Workspace) -> None:
    found = value(statement.value, here)
    if found is not None or not isinstance(statement.value, ast.Call):
        show(here, found)


def _assignment(statement: ast.Assign, here: Workspace) -> None:
    if len(statement.targets) != 1:
        raise NotAllowedError("Assign to one name at a time.")
    target, found = statement.targets[0], value(statement.value, here)
    if isinstance(target, ast.Attribute):
        owner = value(target.value, here)
        if target.attr not in SETTABLE or not isinstance(owner, Tensor):
            raise NotAllowedError(
                "The only attributes that can be assigned to are .grad and .data of a tensor."
            )
        SETTABLE[target.attr](owner, found)
    elif isinstance(target, ast.Name):
        _bind(target.id, found, here)
    else:
        raise NotAllowedError("Only a name, or .grad or .data of a tensor, can be assigned to.")


def _bind(name: str, found: Any, here: Workspace) -> None:
    if name in MODULES or name in CONSTANTS or name.startswith("_"):
        raise NotAllowedError(f"Names here may not begin with _, and {', '.join(MODULES)}, float are taken.")
    if name not in here.names and len(here.names) >= MAX_NAMES:
        raise NotAllowedError(f"There may be at most {MAX_NAMES} names.")
    here.names[name] = found


def _in_place(statement: ast.AugAssign, here: Workspace) -> None:
    if not isinstance(statement.target, ast.Name):
        raise NotAllowedError("A name must stand to the left of += and the like.")
    one = value(ast.Name(statement.target.id, ast.Load()), here)
    found = compute(statement.op, IN_PLACE, one, value(statement.value, here))
    _bind(statement.target.id, here.keep(found), here)


def _other_with(statement: ast.With, here: Workspace) -> None:
    raise NotAllowedError("A with block takes torch.no_grad() alone, and no other with can be inside it.")


_KINDS = {ast.Expr: _expression, ast.Assign: _assignment, ast.AugAssign: _in_place, ast.With: _other_with}
