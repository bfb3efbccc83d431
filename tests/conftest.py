"""What all tests share: no clocks, two processes for a whole run, and traps that are trained once."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from streamlit import config

from core import Run
from core.results import result
from core.traps import TRAPS

HERE = Path(__file__).parent
PROCESSES = 2  # at most; each holds PyTorch and Streamlit, 0.8 GB
TOGETHER = {  # groups of files that share what takes long to make: a server and a browser, trained traps
    "test_diagnosis": "traps",
    "test_trap_export": "traps",
    "test_traps": "traps",
}

settings.register_profile("no clocks", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clocks")


def pytest_xdist_auto_num_workers(config):
    """A process for each of two cores for the whole suite; one file takes less time than to start them."""
    whole = all(Path(argument).resolve() in (HERE, HERE.parent) for argument in config.args)
    return min(os.cpu_count() or 1, PROCESSES) if whole else 0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What is made once for a file, or for files that share it, is made in one process."""
    for item in items:
        folder, file = item.path.parent.name, item.path.stem
        group = folder if folder == "browser" else TOGETHER.get(file, file)
        item.add_marker(pytest.mark.xdist_group(group))


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
