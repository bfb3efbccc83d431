"""How long from a click to the screen, and does memory stay flat? python -m benchmarks.page

Starts the app on a free port of this machine, and opens it in Chromium (playwright, see
requirements-dev.txt). Compare is given 60 new seeds one after the other: each retrains four runs of
1,000 steps. Printed are seconds from the key press until the page is idle with its new numbers, and the
server's resident memory (Linux) on the way. Sweep is given 15: each retrains 64 runs of 1,000 steps.
Printed are seconds from the key press until the map shows all of them. Both also as multiples of what one
such run takes by a bare loop, trained in turn with them, since no two machines are equally fast.
"""

import shutil
import statistics
import time

import torch
from playwright.sync_api import Page, sync_playwright

from benchmarks.recording import bare
from benchmarks.server import resident_mb, start
from core import Config

COMPARE = "/?steps=1000&run=lr~x100&run=loop~FLBS&run=lr~x0.1"
SWEEP = "/sweep?steps=1000&x=lr~0.001..100..32"  # times two loops
RUN = Config(steps=1000)  # the baseline of both
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
COMPARISONS, EVERY = 60, 10
SWEEPS = 15
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# All texts of the map, once a cell is framed as the chosen one: that comes with the last drawing only.
MAP = """() => {
  const map = document.querySelector('.st-key-sweep svg.marks');
  const framed = map && map.querySelector('g.mark-rect path[stroke="#F76707"]');
  return framed ? [...map.querySelectorAll('g.mark-text text')].map(text => text.textContent).join() : null;
}"""


def type_seed(page: Page, seed: int) -> float:
    """Type a new seed; the moment at which Enter is pressed."""
    field = page.get_by_label("Seed", exact=True)
    field.fill(str(seed))
    begun = time.perf_counter()
    field.press("Enter")
    return begun


def compare(page: Page, seed: int) -> float:
    """Seconds until the baseline's card shows a new number and the page is idle."""
    before = page.get_by_test_id("stMetricValue").first.inner_text()
    begun = type_seed(page, seed)
    page.wait_for_function(
        "before => { const now = document.querySelectorAll('[data-testid=stMetricValue]');"
        " return now.length === 4 && now[0].innerText !== before; }",
        arg=before,
    )
    page.wait_for_selector(IDLE)
    return time.perf_counter() - begun


def sweep(page: Page, seed: int) -> float:
    """Seconds until the map shows the new numbers of all runs."""
    before = page.evaluate(MAP)
    begun = type_seed(page, seed)
    page.wait_for_function(
        f"before => {{ const now = ({MAP})(); return now && now !== before; }}", arg=before
    )
    seconds = time.perf_counter() - begun
    page.wait_for_selector(IDLE)
    return seconds


def visit(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_text("All numbers").wait_for()
    page.wait_for_selector(IDLE)
    page.get_by_text("Data, model and seed").click()


def comparisons(page: Page, address: str, server: int) -> None:
    visit(page, address + COMPARE)
    seconds, ratios = [], []
    for seed in range(1, COMPARISONS + 1):
        alone = bare(RUN, None)
        seconds.append(compare(page, seed))
        ratios.append(seconds[-1] / alone)
        if seed % EVERY == 0:
            print(f"after {seed} comparisons: {resident_mb(server):.0f} MB", flush=True)
    print(f"four runs of 1,000 steps, key press to screen: {in_words(seconds, ratios)}", flush=True)


def sweeps(page: Page, address: str) -> None:
    visit(page, address + SWEEP)
    seconds, ratios = [], []
    for seed in range(1, SWEEPS + 1):
        alone = bare(RUN, None)
        seconds.append(sweep(page, seed))
        ratios.append(seconds[-1] / alone)
    print(f"64 runs of 1,000 steps, key press to map: {in_words(seconds, ratios)}")


def in_words(seconds: list[float], ratios: list[float]) -> str:
    middle, multiple = statistics.median(seconds), statistics.median(ratios)
    ends = f"fastest {min(seconds):.2f} s, slowest {max(seconds):.2f} s"
    return f"median {middle:.2f} s, {ends}; as long as {multiple:.1f} bare runs"


def main() -> None:
    torch.set_num_threads(1)
    server, port = start()
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(60_000)
            comparisons(page, f"http://127.0.0.1:{port}", server.pid)
            sweeps(page, f"http://127.0.0.1:{port}")
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
