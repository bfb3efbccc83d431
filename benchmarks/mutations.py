"""Do the tests notice a wrong line? python -m benchmarks.mutations --changes 100 --seed 0

Changes one place of core/ at a time, in a copy of the tree, and runs the tests that concern it: flips a
comparison or a sign, swaps `and` and `or`, adds 1 to a number, drops a `not`, a `.clone()` or a `.detach()`,
swaps two arguments, removes a statement. Left alone are annotations, texts with values in them, sizes of
caches, and numbers in a chart that are a matter of taste (LOOKS). Prints each change with the test that
noticed it, and at the end those that survived: a test is missing, or the change is equivalent, or it is a
matter of presentation. `--at core/tape.py:219` picks from one place only.

Which tests run: the MAX_FILES files nearest to the module (see `concerned`), and in each those that call the
changed function, fastest first; a first run of the file finds out which. Tests that open pages are left out,
as slow, so a survivor may still be noticed further away. Importing PyTorch and Streamlit takes longer than
most tests. So one process imports them, a fork of it imports a file of tests, and a fork of that replaces the
changed function's code in memory. A change outside of functions makes it import the file anew.
"""

import argparse
import ast
import compileall
import copy
import functools
import gc
import itertools
import multiprocessing
import os
import py_compile
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import altair  # noqa: F401  (imported once here, for all forks)
import hypothesis
import pandas  # noqa: F401
import pytest
import streamlit.testing.v1  # noqa: F401
import torch

ROOT = Path(__file__).parent.parent
EXAMPLES = 15  # of each Hypothesis test, always the same ones
FIRST_S = 900.0  # for the first run of a file
TESTS_S = 40.0  # of work of tests for one change and one file, by their first run
PATIENCE, LEAST_S = 3, 60.0  # times as long as in the first run, and at least so long: it hangs
MAX_FILES = 6  # of tests for one change

FLIPPED: dict[type, type] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
    **{ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And},
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
}
SYMMETRIC = (  # names as in their calls
    *("max", "min", "addcmul", "addcmul_", "add", "mul", "same", "digits_apart", "mse_loss", "MSELoss()"),
)
LOOKS = {  # keywords of a chart whose plain numbers only change how it looks
    *("size", "strokeWidth", "strokeDash", "opacity", "cornerRadius", "cornerRadiusEnd", "angle", "dx", "dy"),
    *("fontSize", "labelAngle", "labelLimit", "symbolSize", "tickCount", "columns", "spacing", "height"),
    "gradientLength",
}
COPIES = ("clone", "detach")
INNER = re.compile(r"(\.<locals>)?\.?<(?!locals).*")  # a lambda or comprehension, part of its function
IMPOSSIBLE = "cannot be changed in memory"


# What there is to change.


@dataclass(frozen=True)
class Change:
    """Bytes from start to end of a file become `new`. function: qualified name of the one around, or ""."""

    path: Path
    line: int
    function: str
    start: int
    end: int
    new: str

    def made(self) -> bytes:
        """The file with the change."""
        source = self.path.read_bytes()
        return source[: self.start] + self.new.encode() + source[self.end :]

    def __str__(self) -> str:
        old = self.path.read_bytes()[self.start : self.end].decode()
        return f"{self.path}:{self.line}  {' '.join(old.split())}  ->  {self.new}"


def expressions(node: ast.AST) -> Iterator[ast.expr]:
    """An expression with one thing in it changed, in every way."""
    match node:
        case ast.Compare(ops=ops):
            for number, op in enumerate(ops):
                yield _with(node, ops=[*ops[:number], FLIPPED[type(op)](), *ops[number + 1 :]])
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in FLIPPED:
            yield _with(node, op=FLIPPED[type(op)]())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=value) if type(value) is int:
            yield ast.Constant(value + 1)
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=[]) if name in COPIES:
            yield value
        case ast.Call(func=func, args=[one, other, *rest]) if ast.dump(one) != ast.dump(other):
            name = ast.unparse(func).rsplit(".", 1)[-1]
            if name not in SYMMETRIC and not any(isinstance(given, ast.Starred) for given in node.args):
                yield _with(node, args=[other, one, *rest])


def statements(node: ast.AST) -> Iterator[str]:
    """What may stand in place of a statement."""
    match node:
        case ast.AugAssign(op=op) if type(op) in FLIPPED:
            yield ast.unparse(_with(node, op=FLIPPED[type(op)]()))
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.AugAssign() | ast.Continue():
            yield "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "pass"
        case ast.If(body=[ast.Return()], orelse=[]):
            yield "pass"


def _with(node: Any, **changed: Any) -> Any:
    other = copy.copy(node)
    for name, value in changed.items():
        setattr(other, name, value)
    return other


def changes(path: Path) -> Iterator[Change]:
    """Everything that can be changed in a module, but what the docstring of this file leaves alone."""
    source = path.read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def visit(node: ast.AST, function: str, prefix: str) -> Iterator[Change]:
        within = function, prefix
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            within = f"{prefix}{node.name}", f"{prefix}{node.name}.<locals>."
        elif isinstance(node, ast.ClassDef):
            within = function, f"{prefix}{node.name}."
        for name, field in ast.iter_fields(node):
            for child in field if isinstance(field, list) else [field]:
                if isinstance(child, ast.AST) and not left_alone(name, child):
                    # Defaults and decorators are computed where the function is defined.
                    yield from visit(child, *(within if name == "body" else (function, prefix)))
        for new in (*(f"({ast.unparse(made)})" for made in expressions(node)), *statements(node)):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            yield Change(path, node.lineno, function, start, end, new)

    yield from visit(ast.parse(source), "", "")


def left_alone(field: str, node: ast.AST) -> bool:
    """Whether nothing is changed in it. field: of the node that it is in."""
    match node:
        case ast.keyword(arg=name, value=ast.Constant() | ast.List(elts=[ast.Constant(), *_])):
            return name in LOOKS
        case ast.Call(func=ast.Name("lru_cache")):
            return True
    return field in ("annotation", "returns") or isinstance(node, ast.JoinedStr)


# Which tests concern a module.


def module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules of core/ that a file names in its imports, also by way of a package that passes them on."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {source(node.module, name.name, modules) for name in node.names}
    return found & set(modules)


def source(package: str, name: str, modules: dict[str, Path]) -> str:
    """The module that `from package import name` is about."""
    if f"{package}.{name}" in modules:
        return f"{package}.{name}"
    if package in modules and modules[package].name == "__init__.py":
        for node in ast.parse(modules[package].read_bytes()).body:
            if isinstance(node, ast.ImportFrom) and name in {one.name for one in node.names}:
                return source(str(node.module), name, modules)
    return package


def concerned(
    change: Change, tests: dict[Path, set[str]], modules: dict[str, Path], imports: dict[str, set[str]]
) -> list[Path]:
    """Files of tests, nearest first: named like the module, sharing a word of its name, with the function's
    name in them, named like a module that calls it, named like one that imports the module, importing it,
    importing what does."""
    near: dict[str, int] = {module_name(change.path): 1}
    for name in (new := list(near)):  # grows on the way
        users = [user for user, used in imports.items() if name in used and user not in near]
        near |= dict.fromkeys(users, near[name] + 1)
        new += users
    own, *users = (name for name, distance in near.items() if distance <= 2)
    word = re.compile(rf"\b{change.function.rsplit('.', 1)[-1] or None}\b")
    callers = [name for name in users if word.search(modules[name].read_text())]

    def named_like(path: Path, names: list[str]) -> bool:
        return path.stem in [f"test_{name.rsplit('.', 1)[-1]}" for name in names]

    def order(path: Path) -> tuple[Any, ...]:
        text, distance = path.read_text(), min(near[name] for name in tests[path] & set(near))
        of_module, of_caller, of_user = (named_like(path, names) for names in ([own], callers, users))
        akin = set(path.stem.split("_")) & set(change.path.stem.split("_"))
        return not of_module, not akin, not word.search(text), not of_caller, not of_user, distance, len(text)

    return sorted((path for path, used in tests.items() if used & set(near)), key=order)[:MAX_FILES]


def files_of_tests(modules: dict[str, Path]) -> dict[Path, set[str]]:
    """Every file of tests but those of pages -> the modules it imports, itself or by a helper."""
    files = [path for path in Path("tests").rglob("*.py") if not of_pages(path)]
    direct = {path: imported(path, modules) for path in files}
    helpers = {module_name(path): used for path, used in direct.items() if not path.stem.startswith("test_")}
    return {
        path: used.union(*(helpers[name] for name in helpers if f"from {name} import" in path.read_text()))
        for path, used in direct.items()
        if path.stem.startswith("test_")
    }


def of_pages(path: Path) -> bool:
    """Whether a file of tests opens pages, which takes long and looks at little of core/."""
    return bool({"browser", "pages"} & set(path.parts))


# Running tests. A server has imported a file of tests, and forks for each run of some of them.


@dataclass(frozen=True)
class Known:
    """A test by its first run: what of core/ it called, as (file, function), seconds of work, and in all.

    A machine that has other things to do makes it wait, which must not leave tests out.
    """

    test: str
    called: frozenset[tuple[str, str]]
    work_s: float
    seconds: float


def forked(work: Callable[[Callable[[Any], None]], None], limit_s: float) -> tuple[list[Any], bool]:
    """Call work(tell) in a fork; what it told, and whether it came to its end in time."""

    def child() -> None:
        os.setsid()
        receive.close()
        work(send.send)
        send.close()
        os._exit(0)

    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    send.close()
    told, deadline = [], time.monotonic() + limit_s
    while receive.poll(max(deadline - time.monotonic(), 0.0)):
        try:
            told.append(receive.recv())
        except EOFError:
            process.join()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # servers that its tests have started
            assert process.exitcode is not None and process.exitcode <= 0, "a fork of this script has failed"
            return [*told, "crashed"] if process.exitcode else told, True
    os.killpg(process.pid, signal.SIGKILL)
    process.join()
    return told, False


class Serving:
    """A plugin of pytest: in place of running what was collected, does so in forks, as asked by a pipe."""

    def __init__(self, pipe: Any):
        self.pipe, self.failed = pipe, ""
        self.called: set[CodeType] = set()
        self.of_fixtures: dict[str, set[CodeType]] = {}  # what is called while they are made

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[Any]:
        before, self.called = self.called, set()
        try:
            return (yield)
        finally:
            self.of_fixtures[fixturedef.argname] = self.called
            self.called = before | self.called

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:  # at the import
            return True
        for item in session.items:
            fewer_examples(item)
        self.pipe.send(None)  # ready
        while (asked := self.pipe.recv()) is not None:
            names, change, limit_s = asked
            first = functools.partial(self.first, session.items)
            work = first if names is None else functools.partial(self.some, session, names, change)
            self.pipe.send(forked(work, limit_s))
        return True

    def first(self, items: list[pytest.Item], tell: Callable[[Any], None]) -> None:
        """Run all, and tell of those that pass what they and their fixtures call, and how long they take."""
        caches = [one for one in gc.get_objects() if type(one) is functools._lru_cache_wrapper]
        caches = [one for one in caches if one.__module__.startswith("core.")]
        for item, after in itertools.pairwise([*items, None]):
            for one in caches:
                one.cache_clear()  # or a test that asks for the same again would call nothing
            self.called, self.failed = set(), ""
            worked, begun = time.process_time(), time.monotonic()
            for module in (threading, sys):  # what a test starts in a thread, too
                module.settrace(lambda frame, event, argument: self.called.add(frame.f_code))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            for module in (threading, sys):
                module.settrace(None)
            fixtures = (self.of_fixtures.get(name, set()) for name in getattr(item, "fixturenames", ()))
            called = self.called.union(*fixtures)
            ours = [(code.co_filename, code.co_qualname) for code in called if "/core/" in code.co_filename]
            names = frozenset((os.path.relpath(file), INNER.sub("", name)) for file, name in ours)
            if not self.failed:
                tell(Known(item.nodeid, names, time.process_time() - worked, time.monotonic() - begun))

    def some(
        self, session: pytest.Session, names: list[str], change: Change | None, tell: Callable[[Any], None]
    ) -> None:
        """Run these until one fails, and tell which; with a change made to the functions in memory."""
        if change is not None and not swapped(change):
            return tell(IMPOSSIBLE)
        by_name = {item.nodeid: item for item in session.items}
        for name, after in itertools.pairwise([*names, None]):
            by_name[name].config.hook.pytest_runtest_protocol(
                item=by_name[name], nextitem=by_name[after] if after else None
            )
            if self.failed:
                return tell(self.failed)


def fewer_examples(item: pytest.Item) -> None:
    """Of a Hypothesis test, and the same ones every time."""
    given = getattr(item, "obj", None)
    settings = getattr(given, "_hypothesis_internal_use_settings", None)
    if settings is not None:
        few = min(EXAMPLES, settings.max_examples)
        made = hypothesis.settings(settings, max_examples=few, derandomize=True, database=None)
        getattr(given, "__func__", given)._hypothesis_internal_use_settings = made


def swapped(change: Change) -> bool:
    """Give every function of the module in memory its changed code; False if that is impossible."""
    texts = change.path.read_bytes(), change.made()
    before, after = (list(inside(compile(text, str(change.path), "exec"))) for text in texts)
    if [code.co_qualname for code in before] != [code.co_qualname for code in after]:
        return False
    codes = dict(zip(before, after, strict=True))
    file = os.path.abspath(change.path)
    try:
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename == file:
                thing.__code__ = codes[thing.__code__]
    except ValueError:  # a name of the function around it is not used any more
        return False
    return True


def inside(code: CodeType) -> Iterator[CodeType]:
    """The functions in a piece of code; comprehensions are no functions that anything could hold."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_name == "<lambda>" or "<" not in constant.co_name:
                yield constant
            yield from inside(constant)


class Server:
    """A process that has imported a file of tests."""

    def __init__(self, path: Path):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=serve, args=(path, theirs))
        self.process.start()
        theirs.close()
        try:
            self.ready = self.pipe.recv() is None
        except EOFError:  # the tests cannot even be imported
            self.ready = False

    def ask(self, names: list[str] | None, change: Change | None, limit_s: float) -> tuple[list[Any], bool]:
        """Names of tests that failed, or Known ones; and whether it came to the end. None of a file that is
        skipped as a whole."""
        try:
            self.pipe.send((names, change, limit_s))
            return self.pipe.recv()
        except (EOFError, BrokenPipeError):
            self.ready = False
            return [], True

    def close(self) -> None:
        if self.ready:
            self.pipe.send(None)
        self.process.join()


def serve(path: Path, pipe: Any) -> None:
    sys.path[0] = os.getcwd()
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    options = ["-q", "-s", "-p", "no:cacheprovider", "-o", "addopts=", "-n", "0"]
    # The parent has imported plugins of pytest; a warning would be an error.
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    pytest.main([*options, str(path)], plugins=[Serving(pipe)])
    os._exit(0)


SERVERS: dict[Path, Server] = {}


def server(path: Path) -> Server:
    """The server of a file of tests; at most MAX_FILES are kept, each holds PyTorch."""
    if path not in SERVERS:
        if len(SERVERS) == MAX_FILES:
            SERVERS.pop(next(iter(SERVERS))).close()
        SERVERS[path] = Server(path)
    return SERVERS[path]


@functools.cache
def first_run(path: Path) -> list[Known]:
    """The tests of a file that pass, the fastest first."""
    found = sorted(server(path).ask(None, None, FIRST_S)[0], key=lambda known: known.work_s)
    if not found:
        print(f"     no test of {path} passes as it stands", flush=True)
    return found


def noticed(change: Change, files: list[Path]) -> str | None:
    """The test that fails once this change is made; None if all pass.

    Those that call what is changed; where none does, it runs at the import, and any test may notice.
    """
    where, called = (str(change.path), change.function), False
    for path in files if change.function else ():
        names, limit_s = affordable([one for one in first_run(path) if where in one.called])
        called = called or bool(names)
        if names and (by := answer(server(path).ask(names, change, limit_s), path)) == IMPOSSIBLE:
            by = anew(change, path, names, limit_s)
        if names and by:
            return by
    for path in () if called else files:
        if by := anew(change, path, *affordable(first_run(path))):
            return by
    return None


def anew(change: Change, path: Path, names: list[str], limit_s: float) -> str | None:
    """The test that fails if the change is made before anything is imported."""
    if not names:
        return None
    with changed(change):
        new = Server(path)
        try:
            return answer(new.ask(names, None, limit_s), path) if new.ready else f"{path} (at the import)"
        finally:
            new.close()


def affordable(tests: list[Known]) -> tuple[list[str], float]:
    """The fastest tests, and a time limit after which they hang."""
    until = itertools.accumulate(one.work_s for one in tests)
    taken = [one for one, seconds in zip(tests, until, strict=True) if seconds < TESTS_S]
    return [one.test for one in taken], max(LEAST_S, PATIENCE * sum(one.seconds for one in taken))


def answer(told_and_ended: tuple[list[str], bool], path: Path) -> str | None:
    told, ended = told_and_ended
    return told[0] if told else None if ended else f"{path} (hangs)"


@contextmanager
def changed(change: Change) -> Iterator[None]:
    source, made = change.path.read_bytes(), change.made()
    change.path.write_bytes(made)
    try:
        yield
    finally:
        change.path.write_bytes(source)


def check(chosen: list[Change], modules: dict[str, Path]) -> None:
    """Make each change, and print who notices it."""
    tests = files_of_tests(modules)
    imports = {name: imported(path, modules) for name, path in modules.items()}
    survived = []
    for number, change in enumerate(chosen, 1):
        by = noticed(change, concerned(change, tests, modules, imports))
        if by is None:
            survived.append(change)
        print(f"{number:4} {'survived' if by is None else 'noticed '} {change}  {by or ''}", flush=True)
    print(f"{len(chosen) - len(survived)} of {len(chosen)} noticed. Survived:")
    for change in survived:
        print(change)


def copy_tree(folder: str) -> None:
    """What git knows or would take in, compiled by content: a changed file is never taken for the old one."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in listed.stdout.split():
        to = Path(folder, name)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, to)
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(f"{folder}/core", quiet=2, invalidation_mode=mode)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--changes", type=int, default=100, help="how many, chosen by the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--at", action="append", help="only there: core/tape.py or core/tape.py:219, also several"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)  # no threads that a fork would miss
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)  # the first one imports half of PyTorch
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(folder)
        os.chdir(folder)
        modules = {module_name(path): path for path in sorted(Path("core").rglob("*.py"))}
        places = [
            change for path in modules.values() if b"def " in path.read_bytes() for change in changes(path)
        ]
        if given.at:
            places = [c for c in places if {str(c.path), f"{c.path}:{c.line}"} & set(given.at)]
        chosen = random.Random(given.seed).sample(places, min(given.changes, len(places)))
        chosen.sort(key=lambda change: (str(change.path), change.line))
        print(f"{len(places)} changes can be made; {len(chosen)} of them are", flush=True)
        try:
            check(chosen, modules)
        finally:
            for running in SERVERS.values():
                running.close()
            os.chdir(ROOT)


if __name__ == "__main__":
    # Streamlit's AppTest takes the place of __main__, where what a fork tells would be looked up.
    from benchmarks import mutations

    mutations.main()
