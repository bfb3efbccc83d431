"""The app on a free port of this machine, and a real Chromium to use it with."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.helpers.browser import PATIENCE_MS, settle

ROOT = Path(__file__).parents[2]
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
def server():
    """A fresh server, ready to answer: its address and its process; it ends with the tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(address, server)
        yield address, server
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="session")
def address(server):
    return server[0]


def _wait_until_healthy(address, server):
    give_up = time.monotonic() + 60
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
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


AT_ONCE = """addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = "*, *::before, *::after { transition-duration: 0s !important;"
    + " transition-delay: 0s !important; animation-duration: 0s !important; }";
  document.head.append(style);
});"""  # no colour fades, nothing slides: what is looked at is what it will be


@pytest.fixture(scope="session")
def contexts(chromium):
    """Colour scheme -> a browser context, which keeps the app's files from one page to the next."""
    made = {scheme: chromium.new_context(color_scheme=scheme) for scheme in ("light", "dark")}
    for context in made.values():
        context.add_init_script(AT_ONCE)
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def visit(contexts, address):
    """Open a path as a new visitor: every page is a session of its own."""
    pages = []

    def open_page(path="/", width=1440, height=900, wait=True, color_scheme="light", before=None):
        page = contexts[color_scheme].new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(PATIENCE_MS)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        if before is not None:
            before(page)
        page.goto(address + path)
        if wait:
            settle(page)
        return page

    yield open_page
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def clean_environment():
    """An environment in which nothing of the project can be imported by accident."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
