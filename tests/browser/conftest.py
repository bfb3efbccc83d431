"""The app on a free port of this machine, and a real Chromium to use it with."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.helpers.browser import PATIENCE_MS, settle

ROOT = Path(__file__).parents[2]
FAILURES = Path(__file__).parent / "failures"  # what each page showed when a test failed, as text and picture
LOG = 6000  # bytes of what the server wrote, the last ones
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def log(tmp_path_factory):
    """The file into which the server writes what went wrong: a page says only that something did."""
    return tmp_path_factory.mktemp("server") / "log.txt"


@pytest.fixture(scope="session")
def server(log):
    """A fresh server, ready to answer: its address and its process; it ends with the tests."""
    with serving(free_port(), log) as (address, process):
        yield address, process


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(port, log):
    """A server on a port of this machine, once it is ready to answer: its address and its process."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1"]
    with log.open("ab") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(address, process)
        yield address, process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def mortal(chromium, tmp_path):
    """A server that a test may kill: its address, its process, and what starts another in its place."""
    port, log = free_port(), tmp_path / "log.txt"
    with ExitStack() as ends:
        yield *ends.enter_context(serving(port, log)), lambda: ends.enter_context(serving(port, log))


@pytest.fixture(scope="session")
def address(server):
    return server[0]


def _wait_until_healthy(address, server):
    give_up = time.monotonic() + 180  # it imports PyTorch first, on a machine that may have much to do
    while time.monotonic() < give_up and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)  # the server is still starting
    raise RuntimeError("the app did not start")


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = _chromium()
    if path is None:
        pytest.skip("no Chromium on this machine")
    playwright.expect.set_options(timeout=PATIENCE_MS)
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


AT_ONCE = """addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = "*, *::before, *::after { transition-duration: 0s !important;"
    + " transition-delay: 0s !important; animation-duration: 0s !important; }";
  document.head.append(style);
});"""  # no color fades, nothing slides: what is looked at is what it will be


@pytest.fixture(scope="session")
def contexts(chromium):
    """Color scheme -> a browser context, which keeps the app's files from one page to the next."""
    made = {scheme: chromium.new_context(color_scheme=scheme) for scheme in ("light", "dark")}
    for context in made.values():
        context.add_init_script(AT_ONCE)
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def visit(contexts, address, log):
    """Open a path as a new visitor: every page is a session of its own."""
    pages, before_it = [], log.stat().st_size

    def open_page(path="/", width=1440, height=900, wait=True, color_scheme="light", before=None, at=address):
        page = contexts[color_scheme].new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(PATIENCE_MS)
        page.errors, page.console = [], []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda said: page.console.append(said.text) if said.type == "error" else None)
        if before is not None:
            before(page)
        page.goto(at + path)
        if wait:
            settle(page)
        return page

    open_page.pages = pages
    open_page.said = lambda: log.read_bytes()[before_it:][-LOG:].decode("utf-8", "replace")
    yield open_page
    for page in pages:
        page.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Of a test that failed: what its pages show, in FAILURES and, without the picture, in the report."""
    report = yield
    if report.when == "call" and report.failed and "visit" in item.funcargs:
        name = re.sub(r"\W+", "_", f"{item.path.stem}-{item.name}")
        for number, page in enumerate(item.funcargs["visit"].pages):
            report.sections.append((f"Browser page {number}", _shown(page, FAILURES / f"{name}-{number}")))
        report.sections.append(("Server, since the test began", item.funcargs["visit"].said()))
    return report


def _shown(page, stem):
    """Address, errors and text of a page; these and a picture are left in files of this stem."""
    from playwright.sync_api import Error

    said = [f"errors: {page.errors}", f"console: {page.console}"]
    try:
        said = [page.url, *said, page.locator("body").inner_text(timeout=5000)]
        FAILURES.mkdir(exist_ok=True)
        page.screenshot(path=stem.with_suffix(".png"), timeout=20_000)
        said.append(f"picture: {stem.with_suffix('.png').relative_to(ROOT)}")
    except Error as error:  # closed by the test, or it hangs: what is known so far is told
        said.append(f"no more of it: {error}")
    FAILURES.mkdir(exist_ok=True)
    stem.with_suffix(".txt").write_text("\n".join(said), encoding="utf-8")
    return "\n".join(said)


@pytest.fixture(scope="session")
def clean_environment():
    """An environment in which nothing of the project can be imported by accident."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
