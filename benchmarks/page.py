"""How long from a click to the screen, how many bytes, does memory stay flat? python -m benchmarks.page

Starts the app on a free port of this machine, and opens it in Chromium (playwright, see
requirements-dev.txt). Compare is given 60 new seeds one after the other: each retrains four runs of
1,000 steps. Printed are seconds from the key press until the page is idle with its new numbers, and the
server's resident memory (Linux) on the way. Sweep is given 15: each retrains 64 runs of 1,000 steps.
Printed are seconds from the key press until the map shows all of them. Both also as multiples of what one
such run takes by a bare loop, trained in turn with them, since no two machines are equally fast. Of these
and of a first visit also, medians: KB that the websocket carries to the browser, and processor time of server
and browser (Linux; no other Chromium may run). Last, what is done to the curves of three runs of 300
steps: milliseconds from the moment of an event to the first frame that shows it, and KB on the wire then.
"""

import math
import shutil
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import torch
from playwright.sync_api import Page, sync_playwright

from benchmarks.recording import bare
from benchmarks.server import Relay, browser_seconds, cpu_seconds, resident_mb, start
from core import Config
from core.sweep.map_picture import CHOSEN

T = TypeVar("T")
RUN = Config(steps=1000)  # the baseline of both
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
EVERY = 10  # seeds between two looks at the memory
VISITS = 5
QUIET_S = 1.0  # after which a page has asked for all it asks for by itself
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# All texts of the map, once a cell is framed as the chosen one: that comes with the last drawing only.
MAP = f"""() => {{
  const map = document.querySelector('.st-key-sweep svg.marks');
  const framed = map && map.querySelector('g.mark-rect path[stroke="{CHOSEN}"]');
  return framed ? [...map.querySelectorAll('g.mark-text text')].map(text => text.textContent).join() : null;
}}"""


def type_seed(page: Page, seed: int) -> float:
    """Type a new seed; the moment at which Enter is pressed."""
    field = page.get_by_label("Seed", exact=True)
    field.fill(str(seed))
    begun = time.perf_counter()
    field.press("Enter")
    return begun


def compare(page: Page, seed: int) -> float:
    """Seconds until the baseline's card shows a new number and the page is idle."""
    before = page.locator(".st-key-numbers_0").inner_text()
    begun = type_seed(page, seed)
    page.wait_for_function(
        "before => { const now = document.querySelectorAll('[class*=st-key-numbers_]');"
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


KINDS = (  # what is timed, its address, how many seeds, and once
    (
        "four runs of 1,000 steps, key press to screen",
        "/?steps=1000&run=lr~x100&run=loop~FLBS&run=lr~x0.1",
        60,
        compare,
    ),
    ("64 runs of 1,000 steps, key press to map", "/sweep?steps=1000&x=lr~0.001..100..32", 15, sweep),
)


CURVES = ".st-key-curves"
# From the next event of this kind to the end of the first frame with other rules, labels or lines.
FRAME = f"""kind => {{
  const of = (marks) => [...document.querySelectorAll("{CURVES} svg.marks " + marks)];
  const look = () => [of(".mark-rule.role-mark line:not([opacity])").map(rule => rule.outerHTML),
    of(".role-axis-label text").map(label => label.textContent), of(".mark-line.role-mark path").length];
  let begun, before;
  window.shown = null;
  addEventListener(kind, event => {{ begun ??= event.timeStamp; before ??= `${{look()}}`; }}, true);
  new MutationObserver((_, observer) => {{
    if (begun === undefined || !look()[2] || `${{look()}}` === before) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => {{ shown = performance.now() - begun; }}));
  }}).observe(document.body, {{ childList: true, subtree: true, attributes: true }});
}}"""
ACTS = 20  # of each kind


def visit(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_text("All numbers").wait_for()
    page.wait_for_selector(IDLE)


class Spent:
    """What acts on a page take, one after the other: KB on the wire, seconds of server and browser."""

    def __init__(self, relay: Relay, server: int):
        self.relay, self.server = relay, server
        self.each: list[tuple[float, ...]] = []

    def _now(self) -> tuple[float, ...]:
        return self.relay.bytes / 1024, cpu_seconds(self.server), browser_seconds()

    def of(self, act: Callable[[], T]) -> T:
        before = self._now()
        found = act()
        time.sleep(QUIET_S)
        self.each.append(tuple(now - then for now, then in zip(self._now(), before, strict=True)))
        return found

    def __str__(self) -> str:
        wire, server, browser = (statistics.median(column) for column in zip(*self.each, strict=True))
        return f"{wire:.0f} KB on the wire; processor time of server {server:.2f} s, browser {browser:.2f} s"


def visited(pages: Callable[[], Page], address: str, spent: Spent) -> Page:
    """The page of the last of some first visits. The very first does not count: server and cache are cold."""
    page = pages()
    visit(page, address)
    for _ in range(VISITS):
        page.close()
        page = pages()
        spent.of(lambda page=page: visit(page, address))
    return page


def retrained(page: Page, times: int, once: Callable[[Page, int], float], spent: Spent) -> str:
    """What so many new seeds take, in words; the server's memory on the way."""
    page.get_by_text("Batches, seed and precision").click()
    seconds, ratios = [], []
    for seed in range(1, times + 1):
        alone = bare(RUN, None)
        seconds.append(spent.of(lambda seed=seed: once(page, seed)))
        ratios.append(seconds[-1] / alone)
        if seed % EVERY == 0:
            print(f"after {seed}: {resident_mb(spent.server):.0f} MB", flush=True)
    return in_words(seconds, ratios)


def in_words(seconds: list[float], ratios: list[float]) -> str:
    middle, multiple = statistics.median(seconds), statistics.median(ratios)
    ends = f"fastest {min(seconds):.2f} s, slowest {max(seconds):.2f} s"
    return f"median {middle:.2f} s, {ends}; as long as {multiple:.1f} bare runs"


def at(page: Page, share: float) -> tuple[float, float]:
    """A place in the left panel, so far from its left edge."""
    box = page.locator(CURVES).bounding_box()
    assert box is not None
    return box["x"] + 60 + share * (box["width"] / 2 - 90), box["y"] + 160


def drag(page: Page, to: float) -> None:
    """From a fifth of the panel to there; the button stays down."""
    page.mouse.move(*at(page, 0.2))
    page.mouse.down()
    page.mouse.move(*at(page, to), steps=4)
    time.sleep(QUIET_S / 4)  # the frame is drawn, and what is pointed at


def acts(page: Page, share: float) -> Iterator[tuple[str, str, Callable[[], None]]]:
    """What is done to the curves, the event that does it, and how."""
    press = partial(page.get_by_role, "button")
    scale = page.locator(".st-key-view_scale").get_by_role("radio")
    yield "pointing", "pointerover", lambda: page.mouse.move(*at(page, share))
    yield "a pin", "click", lambda: page.mouse.click(*at(page, share))
    drag(page, share)
    yield "a zoom", "pointerup", page.mouse.up
    yield "the whole run", "click", press(name="Whole run").click
    yield "hiding a run", "click", press(name="Hide No zero_grad in the charts").click
    yield "showing it", "click", press(name="Show No zero_grad in the charts").click
    yield "another scale", "click", scale.and_(page.get_by_role("radio", checked=False)).click


def curves(page: Page, spent: Spent) -> None:
    """Prints what each takes."""
    found = defaultdict[str, list[tuple[float, float]]](list)
    for number in range(ACTS):
        for name, event, act in acts(page, 0.4 + 0.3 * (number % 2) + 0.1 * number / ACTS):
            page.evaluate(FRAME, event)
            spent.of(act)
            found[name].append((page.wait_for_function("shown").json_value(), spent.each[-1][0]))
            page.wait_for_selector(IDLE)
    for name, each in found.items():
        ms, wire = zip(*each, strict=True)
        worst = sorted(ms)[math.ceil(0.95 * len(ms)) - 1]
        said = (
            f"{name}: median {statistics.median(ms):.0f} ms, 95 % within {worst:.0f}, slowest {max(ms):.0f}"
        )
        print(f"{said}; {statistics.median(wire):.0f} KB on the wire", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    server, port = start()
    relay = Relay(port)
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.set_default_timeout(60_000)
            for said, path, times, once in KINDS:
                first, keys = Spent(relay, server.pid), Spent(relay, server.pid)
                page = visited(context.new_page, f"http://127.0.0.1:{relay.port}{path}", first)
                print(f"first visit of {path}: {first}", flush=True)
                print(f"{said}: {retrained(page, times, once, keys)}; {keys}", flush=True)
            page = context.new_page()
            visit(page, f"http://127.0.0.1:{relay.port}/")
            curves(page, Spent(relay, server.pid))
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
