"""What all tests share: no clocks, two processes for a whole run, and traps that are trained once."""

import os
from functools import cache
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, settings
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from xdist.scheduler import LoadScopeScheduling

from core import Run
from core.result import result
from core.traps.table import TRAPS

HERE = Path(__file__).parent
PROCESSES = 2  # at most; each holds PyTorch and Streamlit, 0.8 GB
TRAINED_TRAPS = (
    "tests/start/test_symptoms.py",
    "tests/traps/test_diagnosis.py",
    "tests/traps/test_export.py",
    "tests/traps/test_table.py",
)  # these files share them

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


class Together(LoadScopeScheduling):
    """What is made once is made in one process: for a file, or for files that share it.

    By names of files, since the mark xdist_group does nothing with pytest 9.2 (pytest-xdist #1386).
    """

    def _split_scope(self, nodeid):
        file = PurePosixPath(nodeid.split("::")[0])
        if file.parent.name == "browser":  # one server and one browser
            return "browser"
        return "traps" if str(file) in TRAINED_TRAPS else str(file)


def pytest_xdist_make_scheduler(config, log):
    return Together(config, log)


@pytest.fixture(autouse=True)
def whole_messages():
    """The app hides error details from visitors; a test that fails should show them."""
    before = config.get_option("client.showErrorDetails")
    config.set_option("client.showErrorDetails", "full")
    yield
    config.set_option("client.showErrorDetails", before)


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
