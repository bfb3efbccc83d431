"""How long from a click to the screen, and does memory stay flat? python -m benchmarks.page

Starts the app on a free port of this machine, opens it in Chromium (playwright, see
requirements-dev.txt), and gives it 60 new seeds one after the other: each retrains four runs of
1,000 steps. Printed are seconds from the key press until the page is idle with its new numbers,
and the server's resident memory (Linux) on the way.
"""

import shutil
import statistics
import time

from playwright.sync_api import Page, sync_playwright

from benchmarks.server import resident_mb, start

ADDRESS = "/?steps=1000&run=lr~x100&run=loop~FLBS&run=lr~x0.1"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
COMPARISONS, EVERY = 60, 10
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def compare(page: Page, seed: int) -> float:
    """Type a new seed; seconds until the baseline's card shows it and the page is idle."""
    field = page.get_by_label("Seed", exact=True)
    before = page.get_by_test_id("stMetricValue").first.inner_text()
    field.fill(str(seed))
    begun = time.perf_counter()
    field.press("Enter")
    page.wait_for_function(
        "before => { const now = document.querySelectorAll('[data-testid=stMetricValue]');"
        " return now.length === 4 && now[0].innerText !== before; }",
        arg=before,
    )
    page.wait_for_selector(IDLE)
    return time.perf_counter() - begun


def main() -> None:
    server, port = start()
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(60_000)
            page.goto(f"http://127.0.0.1:{port}{ADDRESS}")
            page.get_by_test_id("stMetricValue").nth(3).wait_for()
            page.wait_for_selector(IDLE)
            page.get_by_text("Data, model and seed").click()
            seconds = []
            for seed in range(1, COMPARISONS + 1):
                seconds.append(compare(page, seed))
                if seed % EVERY == 0:
                    print(f"after {seed} comparisons: {resident_mb(server.pid):.0f} MB", flush=True)
            print(
                f"four runs of 1,000 steps, key press to screen: median {statistics.median(seconds):.2f} s, "
                f"fastest {min(seconds):.2f} s, slowest {max(seconds):.2f} s"
            )
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
