"""The exported tests pass on the repaired loop and fail on the mistake, as programs of their own."""

import json
import re
import subprocess
import sys

import pytest

from core.traps.export import trap_test
from core.traps.table import TRAPS

SUBJECT = "loop = repaired"

# Runs every file of a directory in one interpreter, with both loops in turn, and says which tests failed;
# then what pytest says of those in another directory.
DRIVER = """
import contextlib, io, json, pathlib, runpy, sys
failed = {"repaired": {}, "mistaken": {}}
for path in sorted(pathlib.Path(".").glob("*.py")):
    names = runpy.run_path(str(path))
    assert not [name for name in sys.modules if name == "core" or name.startswith("core.")]
    tests = {name: test for name, test in names.items() if name.startswith("test_")}
    for loop in failed:
        failed[loop][path.stem] = []
        for name, test in tests.items():
            test.__globals__["loop"] = names[loop]
            try:
                test()
            except BaseException:
                failed[loop][path.stem].append(name)
import pytest
with contextlib.redirect_stdout(io.StringIO()) as said:
    pytest.main(["-q", "-p", "no:cacheprovider", "under_pytest"])
print(json.dumps([failed, said.getvalue()]))
"""


@pytest.fixture(scope="module")
def files(results):
    return {name: trap_test(trap, *results(name)) for name, trap in TRAPS.items()}


@pytest.fixture(scope="module")
def driven(files, tmp_path_factory):
    """Which tests of which file fail, with the repaired loops and with the mistakes; and what pytest says."""
    folder = tmp_path_factory.mktemp("exported")
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    inner, mistaken = folder / "under_pytest", files["batch_of_one"].replace(SUBJECT, "loop = mistaken")
    inner.mkdir()
    (inner / "test_repaired.py").write_text(files["batch_of_one"], encoding="utf-8")
    (inner / "test_mistaken.py").write_text(mistaken, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", DRIVER],
        capture_output=True, text=True, check=True, cwd=folder,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", TRAPS)
def test_a_file_passes_on_the_repair_and_fails_on_the_mistake(name, driven, files):
    failed, _ = driven
    assert files[name].count(SUBJECT) == 1
    assert failed["repaired"][name] == []
    assert failed["mistaken"][name] == ["test_the_loop_trains"]


def test_pytest_itself_says_the_same(driven):
    _, said = driven
    assert "FAILED under_pytest/test_mistaken.py::test_the_loop_trains" in said
    assert "1 failed, 3 passed" in said


def test_losses_are_pinned_from_the_first_step_to_the_last(files):
    for name, text in files.items():
        steps = json.loads(re.search(r"for step in (\[.*?\])", text)[1])
        assert steps == sorted(steps) and (steps[0], steps[-1]) == (0, TRAPS[name].right.steps - 1)


@pytest.mark.parametrize("name", TRAPS)
def test_the_message_is_pinned_where_there_is_one(name, files):
    assert ("def test_the_mistake_raises" in files[name]) == (TRAPS[name].group == "raises")
