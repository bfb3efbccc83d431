"""The border: core knows nothing of Streamlit, and each module only those before it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import core

FOLDER = Path(core.__file__).parent
ORDER = re.findall(r"^    (\w+) ", core.__doc__, re.MULTILINE)


def imported(path):
    """Modules of core that a file imports, whatever the form of the import."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("core."))
        elif isinstance(node, ast.ImportFrom) and node.module == "core":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core."):
            yield node.module.split(".")[1]


def test_the_order_names_every_module_once():
    assert sorted(ORDER) == sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_from_those_above_it(name):
    above = ORDER[: ORDER.index(name)]
    source = FOLDER / f"{name}.py"
    assert set(imported(source)) <= set(above)
    relative = [
        n for n in ast.walk(ast.parse(source.read_text())) if isinstance(n, ast.ImportFrom) and n.level
    ]
    assert not relative  # would escape the check above


def test_no_module_of_core_brings_streamlit_along():
    modules = ", ".join(f"core.{name}" for name in ORDER)
    program = f"import sys, {modules}; sys.exit('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=FOLDER.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ORDER)
def test_a_module_says_first_what_it_answers(name):
    docstring = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text()))
    assert docstring and docstring.splitlines()[0].endswith((".", "?", ":"))
