"""The pictures of the README and of docs/, taken anew: python -m benchmarks.pictures .github

Starts the app on a free port of this machine, opens each view in Chromium (playwright, see
requirements-dev.txt), and writes a picture of it into the folder. Look at every one before you commit it.
"""

import shutil
import sys
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import sync_playwright

from benchmarks.page import FLAGS, IDLE
from benchmarks.server import start

DRAWN_MS = 4000  # until charts have faded in
TYPED = "x = tensor([1.0, 2.0], requires_grad=True)\ny = x.exp().sum()\ny.backward()\nx.grad"
VIEWS = {  # file -> address, height; all are 1,280 pixels wide
    "compare": ("/", 760),
    "watch": ("/watch?at=2.3&look=graph", 980),
    "traps": ("/traps?trap=skipped", 980),
    "sweep": ("/sweep", 900),
    "losses": ("/losses", 980),
    "autograd": (f"/autograd?text={quote(TYPED)}&line=3", 980),
    "notes": ("/notes", 980),
}


def main(folder: Path) -> None:
    server, port = start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            for name, (address, height) in VIEWS.items():
                page = browser.new_page(viewport={"width": 1280, "height": height})
                page.goto(f"http://127.0.0.1:{port}{address}")
                page.wait_for_selector(IDLE)
                page.wait_for_timeout(DRAWN_MS)
                page.wait_for_selector(IDLE)
                page.screenshot(path=folder / f"{name}.png")
                page.close()
                print(folder / f"{name}.png")
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
