"""What all tests share: no clocks, two processes for a whole run, and traps that are trained once."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from xdist.scheduler import LoadScopeScheduling

from core import Run, budget
from core.result import result
from core.traps.table import TRAPS

HERE = Path(__file__).parent
PROCESSES = 2  # at most; each holds PyTorch and Streamlit, 0.8 GB
SHARING = {  # file -> scope, of files that share what is made once: trained traps, and a child process
    **{f"tests/traps/test_{name}.py": "traps" for name in ("diagnosis", "export", "table")},
    "tests/start/test_symptoms.py": "traps",
    **dict.fromkeys(("tests/test_house.py", "tests/test_torch_warnings.py"), "core alone"),
}
# What takes longest, in this order: what is short comes last, so that both processes end together. A folder
# stands for its files.
LONGEST = [
    *(f"tests/browser/test_{name}.py" for name in ("watch", "compare", "hostile_links", "traps")),
    "tests/browser",
    "tests/jobs/test_cluster.py",
    "tests/pages",
    "tests/autograd/test_hostile.py",
    "tests/test_export.py",
    *SHARING,
    *("tests/stacked/test_stack.py", "tests/test_loop.py", "tests/watch/test_tape.py"),
]

settings.register_profile(
    "no clocks", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("no clocks"), max_examples=2000)
settings.load_profile("no clocks")

# An AppTest reads the metadata of every installed package, for components that these might bring.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def pytest_xdist_auto_num_workers(config):
    """A process for each of two cores for the whole suite; one file takes less time than to start them."""
    whole = all(Path(argument).resolve() in (HERE, HERE.parent) for argument in config.args)
    return min(os.cpu_count() or 1, PROCESSES) if whole else 0


def pytest_collection_modifyitems(items):
    """The longest first."""

    def place(item):
        file = item.nodeid.split("::")[0]
        found = (number for number, name in enumerate(LONGEST) if f"{file}/".startswith(f"{name}/"))
        return next(found, len(LONGEST))

    items.sort(key=place)


class Together(LoadScopeScheduling):
    """What is made once is made in one process: for a file, or for files that share it.

    The browser's files are scopes like any other: a second server and Chromium cost some seconds, while in
    one process they would go on alone for minutes. By names of files, since the mark xdist_group does nothing
    with pytest 9.2 (pytest-xdist #1386).
    """

    def _split_scope(self, nodeid):
        file = nodeid.split("::")[0]
        return SHARING.get(file, file)


def pytest_xdist_make_scheduler(config, log):
    return Together(config, log)


@pytest.fixture(autouse=True)
def whole_messages():
    """The app hides error details from visitors; a test that fails should show them."""
    before = config.get_option("client.showErrorDetails")
    config.set_option("client.showErrorDetails", "full")
    yield
    config.set_option("client.showErrorDetails", before)


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """What is too much work does not depend on the machine that runs the tests."""
    monkeypatch.setattr(budget, "measured", lambda device: budget.Machine(20e-6, 30e-12))


@pytest.fixture(scope="session")
def pair():
    """name -> the run with this mistake and the repaired one, trained once; to look at, not to change."""
    trained = {}

    def runs(name):
        if name not in trained:
            trained[name] = tuple(Run(config).advance() for config in (TRAPS[name].wrong, TRAPS[name].right))
        return trained[name]

    return runs


@pytest.fixture(scope="session")
def results(pair):
    """name -> the same as plain data."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = tuple(map(result, pair(name)))
        return made[name]

    return of


# All of core in a process of its own, which trains some of the traps that PyTorch warns of.
CORE_ALONE = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
import torch
from core import Run, budget
from core.traps.table import TRAPS
for name in ("broadcast", "scheduler_first", "not_a_leaf", "rewrapped"):
    assert len(Run(TRAPS[name].wrong).advance().warnings) == 1, name
torch.tensor(torch.zeros(1))
print(*(name for name in sys.modules if "." not in name))
"""


@pytest.fixture(scope="session")
def core_alone():
    """The packages that core brings along, and what its process said on standard error."""
    files = sorted((HERE.parent / "core").rglob("*.py"))
    names = [".".join(file.relative_to(HERE.parent).with_suffix("").parts) for file in files]
    command = [sys.executable, "-c", CORE_ALONE, *(name.removesuffix(".__init__") for name in names)]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split()), done.stderr
