"""The app on a free port of this machine, and a real Chromium to use it with."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

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
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
PATIENCE_MS = 60_000


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


# What is drawn last on a page; on Compare it is the table.
LAST = {"watch": ".st-key-so_far [data-testid=stMetric]"}
LAST |= dict.fromkeys(("traps", "losses", "autograd", "notes"), ".st-key-drawn")


def settle(page):
    """Wait until the page has been drawn and no script runs."""
    from playwright.sync_api import TimeoutError

    name = urllib.parse.urlsplit(page.url).path.strip("/")
    last = LAST.get(name, "[data-testid=stExpander]:has-text('All numbers')")
    try:
        page.wait_for_selector(IDLE, timeout=PATIENCE_MS)
        page.locator(last).first.wait_for(state="attached", timeout=PATIENCE_MS)
        page.wait_for_selector(IDLE, timeout=PATIENCE_MS)
        page.wait_for_function("() => !document.querySelector('[data-stale=true]')", timeout=PATIENCE_MS)
    except TimeoutError as error:
        app = page.get_by_test_id("stApp").evaluate("app => JSON.stringify(app.dataset)")
        shown = page.locator("body").inner_text()
        raise AssertionError(f"{page.url} {app} does not settle; it shows\n{shown}") from error


def main(page):
    """The page without its sidebar: Streamlit's own buttons are elsewhere."""
    return page.get_by_test_id("stMain")


def press(page, name):
    main(page).get_by_role("button", name=name, exact=True).first.click()
    settle(page)


def choose_view(page, title):
    """On a page of several views."""
    main(page).get_by_role("radio", name=title, exact=True).click()
    main(page).get_by_role("radio", name=title, exact=True, checked=True).wait_for()
    settle(page)


def tip_says(page, where, names):
    """Whether a tooltip at a place of a chart says all of these.

    The pointer moves on a little each time: a slow machine may be drawing the chart anew under it.
    """
    tip = page.locator("#vg-tooltip-element")
    for number in range(60):
        x, y = where()
        page.mouse.move(x + 8 * (number % 3), y)
        page.wait_for_timeout(300)
        if tip.is_visible() and all(name in tip.inner_text() for name in names):
            return True
    return False


LOOKS = [("light", 1440, 900), ("dark", 390, 844)]  # colour scheme, width, height
FINDINGS_ONLY = {"resultTypes": ["violations"]}  # a full list of what is in order takes much longer
LOOK_AGAIN = 2  # times
TALL = 5000  # pixels: axe measures the contrast of what is within the window
# Findings in elements that we cannot mark up: code and tables of Streamlit scroll without taking focus,
# Vega's handles of a drag selection carry no description.
DRAWN_BY_OTHERS = {
    "scrollable-region-focusable": ("stCode", "<pre", "stDataFrame"),
    "svg-img-alt": ("zoom_brush",),
}


def findings(page):
    """What axe finds in our own elements."""
    from axe_playwright_python.sync_playwright import Axe

    return [
        (one["id"], node["html"][:200])
        for one in Axe().run(page, options=FINDINGS_ONLY).response["violations"]
        for node in one["nodes"]
        if not any(mark in node["html"] for mark in DRAWN_BY_OTHERS.get(one["id"], ()))
    ]


def sound(page):
    """Whether axe finds nothing of our own on the whole page, nothing sticks out, and nothing went wrong."""
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    seen = page.viewport_size
    page.set_viewport_size({"width": seen["width"], "height": TALL})
    page.mouse.move(2, 2)  # colours change under the mouse
    settle(page)
    ours = findings(page)
    for _ in range(LOOK_AGAIN):
        if ours:  # in a page that is just being drawn again, which is pale; what is ours stays
            page.wait_for_timeout(700)
            settle(page)
            ours = findings(page)
    assert ours == []
    page.wait_for_function(  # once the linked charts know how wide the page is
        "(() => { const main = document.querySelector('[data-testid=stMain]');"
        " return main.scrollWidth <= main.clientWidth; })()"
    )
    page.set_viewport_size(seen)
    assert page.errors == []
    return True


@pytest.fixture(scope="session")
def clean_environment():
    """An environment in which nothing of the project can be imported by accident."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
