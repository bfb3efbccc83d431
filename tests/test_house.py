"""The house: which package may import from which, and that core knows nothing of Streamlit."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [  # of core/, the main job first; a package imports from itself and from the layers before its own
    {"core"},
    {"graph"},
    {"compare", "stacked", "autograd"},
    {"watch", "loss_lessons", "sweep", "jobs", "report"},
    {"traps"},
    {"notes", "own"},
    {"start"},
]


def modules(folder):
    """name -> path of everything below a folder; a package has the name of its folder."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in paths
    }


CORE, UI = modules("core"), modules("pages/_ui")


def imported(path):
    """What a file imports, wherever in it: modules of ours, else the name as it is written."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in CORE or inner in UI else node.module


def package(name):
    """Of a module of core: the wing it stands in, or core itself."""
    parts = name.split(".")
    inside = (ROOT / "core" / parts[1]).is_dir() if len(parts) > 1 else False
    return parts[1] if inside else "core"


def layer(name):
    return next(number for number, packages in enumerate(LAYERS) if package(name) in packages)


def test_each_package_of_core_has_its_place_and_says_what_it_holds():
    found = {package(name) for name in CORE}
    assert found == set().union(*LAYERS)
    for name in found - {"core"}:
        assert ast.get_docstring(ast.parse(CORE[f"core.{name}"].read_text()))


@pytest.mark.parametrize("name", CORE)
def test_a_module_imports_only_from_its_own_package_and_from_layers_before(name):
    ours = {one for one in imported(CORE[name]) if one.split(".")[0] in ("core", "pages", "tests")}
    assert all(one in CORE for one in ours)
    others = {one for one in ours if package(one) != package(name)}
    assert {one for one in others if layer(one) >= layer(name)} == set()


def test_no_modules_of_core_import_each_other_in_a_circle():
    graph = {
        name: set(imported(path)) & CORE.keys() - {"core"} for name, path in CORE.items() if name != "core"
    }
    TopologicalSorter(graph).prepare()  # raises on a circle


@pytest.mark.parametrize("name", UI)
def test_a_page_has_only_its_own_and_the_shared_interface(name):
    place = name.split(".")[2]
    used = {one.split(".")[2] for one in imported(UI[name]) if one.startswith("pages._ui.")}
    assert used - {"shared", place} == set()


@pytest.mark.parametrize("page", sorted(path.stem for path in (ROOT / "pages").glob("*.py")))
def test_a_page_draws_with_its_own_folder(page):
    used = {one.split(".")[2] for one in imported(ROOT / f"pages/{page}.py") if one.startswith("pages._ui.")}
    assert used <= {"shared", page}


def test_core_never_imports_streamlit(core_alone):
    roots = {one.split(".")[0] for path in CORE.values() for one in imported(path)}
    assert "streamlit" not in roots
    packages, _ = core_alone
    assert "torch" in packages and "streamlit" not in packages


@pytest.mark.parametrize("name", CORE)
def test_a_module_says_first_what_it_holds(name):
    docstring = ast.get_docstring(ast.parse(CORE[name].read_text()))
    assert docstring and docstring.splitlines()[0].endswith((".", "?", ":"))
