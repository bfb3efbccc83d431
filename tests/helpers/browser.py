"""What the journeys in a real browser share: waiting, clicking, and what axe finds."""

import urllib.parse

import pytest

IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
PATIENCE_MS = 120_000  # for a machine that has much else to do
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# What is drawn last on a page; on Compare it is the table.
LAST = {"watch": ".st-key-look_row [class*=st-key-panel_] > *"}
LAST |= dict.fromkeys(("start", "traps", "losses", "autograd", "notes"), ".st-key-drawn")


def settle(page):
    """Wait until the page has been drawn and no script runs."""
    from playwright.sync_api import TimeoutError

    name = urllib.parse.urlsplit(page.url).path.strip("/")
    last = LAST.get(name, "[data-testid=stExpander]:has-text('All numbers')")
    try:
        page.evaluate(TWO_FRAMES)  # what was pressed has come to React, which says so in its next drawing
        page.wait_for_selector(IDLE, timeout=PATIENCE_MS)
        page.locator(last).first.wait_for(state="attached", timeout=PATIENCE_MS)
        page.wait_for_selector(IDLE, timeout=PATIENCE_MS)
        page.wait_for_selector(".st-key-stop", state="detached", timeout=PATIENCE_MS)  # nothing trains on
        page.wait_for_selector(IDLE, timeout=PATIENCE_MS)
        page.wait_for_function("() => !document.querySelector('[data-stale=true]')", timeout=PATIENCE_MS)
    except TimeoutError as error:
        app = page.get_by_test_id("stApp").evaluate("app => JSON.stringify(app.dataset)")
        shown = page.locator("body").inner_text()
        raise AssertionError(f"{page.url} {app} does not settle; it shows\n{shown}") from error


def until(page, true):
    """Wait for what the page itself does not know."""
    for _ in range(PATIENCE_MS // 100):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come to that")


def still(where):
    """The box of an element once it stays as it is: charts grow while they are drawn."""
    boxes = []

    def stays():
        boxes.append(where.bounding_box())
        return len(boxes) > 5 and all(box == boxes[-1] for box in boxes[-6:])

    until(where.page, stays)
    return boxes[-1]


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


LOOKS = [("light", 1440, 900), ("dark", 390, 844)]  # color scheme, width, height
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
    page.mouse.move(2, 2)  # colors change under the mouse
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
