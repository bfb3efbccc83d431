"""The journeys a person takes on the Watch page, in a real Chromium."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from core import Config, Run, export
from core.config import KNOBS
from tests.helpers.browser import IDLE, LOOKS, settle, sound, until

LINEAR = "/watch?dataset=deliveries&model=linear&lr=0.01&steps=60"
LONG = "/watch?dataset=digits&model=lenet&batch_size=64&steps=2000&lr=0.1"


def push(page, name):
    page.locator(f".st-key-do_{name.replace(' ', '-')} button:visible").first.click()
    settle(page)


def place(page):
    """Step, and number of the next line (from 1), as the page says."""
    text = page.get_by_test_id("stProgress").first.inner_text()
    found = re.search(r"Step (\d+) of \d+(?:, line (\d))?", text)
    return int(found[1]), int(found[2] or 1)


def wait_for_place(page, step, line=1):
    words = f"Step {step} of" if line == 1 else rf"Step {step} of \d+, line {line} of"
    page.get_by_test_id("stProgress").filter(has_text=re.compile(words)).wait_for()
    settle(page)


def at_least(page, step):
    """Wait until a run that plays has come so far."""
    page.wait_for_function(
        "step => Number((document.querySelector('[data-testid=stProgress]')?.innerText"
        ".match(/Step (\\d+)/) || [])[1]) >= step",
        arg=step,
    )


def metric(page, name):
    return page.get_by_test_id("stMetric").filter(has_text=name).get_by_test_id("stMetricValue").inner_text()


def test_the_five_lines_of_a_step_and_back_by_button_and_by_key(visit):
    page = visit(f"{LINEAR}&look=curves")
    page.get_by_text("Nothing has been executed yet.").wait_for()
    for line in (2, 3, 4, 5):
        push(page, "Next line")
        wait_for_place(page, 0, line)
    push(page, "Next line")
    wait_for_place(page, 1)
    loss = metric(page, "loss, step 0")
    assert float(loss) == pytest.approx(float(Run(config(page)).advance(1).history.losses[0]), rel=1e-3)
    push(page, "Next step")
    wait_for_place(page, 2)
    push(page, "Back one line")
    wait_for_place(page, 1, 5)
    push(page, "Back one step")
    wait_for_place(page, 1)
    assert metric(page, "loss, step 0") == loss
    push(page, "Restart")
    wait_for_place(page, 0)
    page.get_by_role("heading", name="Watch the loop").click()  # away from any field
    presses = [("n", 0, 2), ("s", 1, 1), ("n", 1, 2), ("b", 1, 1), ("Shift+B", 0, 1), ("n", 0, 2)]
    for key, step, line in presses:
        page.keyboard.press(key)
        wait_for_place(page, step, line)
    page.keyboard.press("0")
    wait_for_place(page, 0)
    page.keyboard.press("p")
    page.get_by_role("button", name="Pause").wait_for()
    at_least(page, 2)
    page.keyboard.press("p")
    page.get_by_role("button", name="Play").wait_for()
    assert page.errors == []


STAYS = (".st-key-transport", ".st-key-step_bar", ".st-key-changed_code", "h2:has-text('Look inside')")


def boxes(page):
    return {what: page.locator(what).first.bounding_box() for what in STAYS}


def chart_place(page):
    """Where a chart stands, and its height: its width follows the longest label, which changes in playing."""
    box = page.get_by_test_id("stVegaLiteChart").bounding_box()
    return box["x"], box["y"], box["height"]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_play_and_pause_move_nothing_and_the_curves_stay_where_they_were_drawn(visit, width, height):
    """Nor does a line: what each did stands below, and is of another length each time."""
    page = visit(f"{LINEAR}&at=3.3&look=curves", width, height)
    before = boxes(page)
    push(page, "Next line")
    wait_for_place(page, 3, 5)
    assert boxes(page) == before
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    at_least(page, 6)
    chart = chart_place(page)
    assert boxes(page) == before
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    settle(page)
    assert boxes(page) == before and chart_place(page) == chart


def config(page):
    params = dict(parse_qsl(urlsplit(page.url).query))
    return Config.from_params({name: params[name] for name in KNOBS if name in params})


def test_play_draws_and_pause_stops(visit):
    """A fragment draws; the script of the page does not run on."""
    page = visit(LONG)
    page.get_by_role("button", name="Play").click()
    at_least(page, 3)
    page.wait_for_selector(IDLE)
    at_least(page, place(page)[0] + 2)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    settle(page)
    step = place(page)
    page.wait_for_timeout(1200)  # six drawings, if it still played
    assert place(page) == step
    page.get_by_text("what each line did").wait_for()
    assert page.errors == []


def test_a_changed_learning_rate_is_in_address_and_script(visit):
    page = visit(LINEAR)
    for step in (1, 2, 3):
        push(page, "Next step")
        wait_for_place(page, step)
    field = page.get_by_role("spinbutton", name="Learning rate from here")
    field.fill("0.05")
    field.press("Enter")
    page.wait_for_url(re.compile("schedule=3_0.05"))
    settle(page)
    assert place(page) == (3, 1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Script").click()
    assert config(page).schedule == ((3, 0.05),)
    assert download.value.path().read_text(encoding="utf-8") == export.script(config(page))


def test_a_line_that_raises_and_back(visit):
    page = visit("/watch?loop=FLSZB&steps=40")
    push(page, "Next step")
    wait_for_place(page, 1)
    push(page, "Next step")
    said = page.get_by_text("modified by an inplace operation").first
    said.wait_for()
    push(page, "Back one line")
    said.wait_for(state="detached")
    push(page, "Next line")
    said.wait_for()
    assert page.errors == []


def test_an_example_opens_with_its_numbers(visit):
    page = visit("/watch")
    page.get_by_role("button", name="Examples").click()
    page.get_by_role("button", name="Outputs 7, 12, 17, 22").click()
    page.wait_for_url(re.compile("start=5_2"))
    settle(page)
    wait_for_place(page, 0, 3)
    page.get_by_test_id("stGraphVizChart").locator("svg").wait_for()
    lines = page.get_by_test_id("stMain").inner_text()
    assert all(number in lines for number in ("7", "12", "17", "22"))


PANELS = {
    "Graph": ".st-key-panel_graph [data-testid=stGraphVizChart] svg",
    "Gradient ledger": ".st-key-panel_ledger canvas, .st-key-panel_ledger svg.marks",
    "Loss surface": ".st-key-panel_surface canvas, .st-key-panel_surface svg.marks",
    "Memory": ".st-key-panel_memory canvas, .st-key-panel_memory svg.marks",
    "Curves": ".st-key-panel_curves canvas, .st-key-panel_curves svg.marks",
    "Tensors": ".st-key-panel_tensors [data-testid=stDataFrame]",
}


def test_a_card_of_compare_is_watched_here(visit):
    page = visit("/?steps=40")
    page.get_by_role("link", name="Watch No zero_grad line by line").click()
    page.wait_for_url(re.compile(r"/watch\?.*loop=FLBS"))
    settle(page)
    assert place(page) == (0, 1)
    assert "optimizer.zero_grad()" not in page.locator(".st-key-changed_code").inner_text()


def test_a_link_opens_the_same_place_in_another_session(visit):
    page = visit(LINEAR)
    push(page, "Next step")
    push(page, "Next line")
    wait_for_place(page, 1, 2)
    page.get_by_role("button", name="Share").click()
    link = page.get_by_test_id("stPopoverBody").locator("code").inner_text()
    other = visit("/" + link.split("/", 3)[3])
    wait_for_place(other, 1, 2)


def test_a_reload_and_back_bring_back_place_and_panel(visit):
    page = visit(LINEAR)
    for step in (1, 2):
        push(page, "Next step")
        wait_for_place(page, step)
    push(page, "Next line")
    wait_for_place(page, 2, 2)
    page.get_by_role("radio", name="Graph", exact=True).click()
    page.wait_for_url(re.compile("look=graph"))
    settle(page)
    page.reload()
    wait_for_place(page, 2, 2)
    page.locator(".st-key-panel_graph").wait_for()
    push(page, "Next line")
    wait_for_place(page, 2, 3)
    page.go_back()
    wait_for_place(page, 2, 2)
    assert page.errors == []


def cpu_ticks(process):
    """User and system time of a process, in clock ticks."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


LOOKS_AT_CLOCK = 20  # a tenth of a second apart


def used(page, process, little=float("inf")):
    """Clock ticks that a process works from one look to that LOOKS_AT_CLOCK later, once they are so few.

    page: one that nobody looks at, to wait with.
    """
    seen = []

    def enough():
        seen.append(cpu_ticks(process))
        return len(seen) > LOOKS_AT_CLOCK and seen[-1] - seen[-1 - LOOKS_AT_CLOCK] < little

    until(page, enough)
    return seen[-1] - seen[-1 - LOOKS_AT_CLOCK]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see what the server does")
def test_a_closed_tab_leaves_nothing_running(visit, server):
    """Sooner or later; what was begun would play for some minutes."""
    page = visit(LONG)
    page.get_by_role("button", name="Play").click()
    at_least(page, 3)
    empty = page.context.new_page()
    playing = used(empty, server[1])
    page.close()
    assert used(empty, server[1], little=playing / 4) < playing / 4
    empty.close()


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_axe_finds_nothing_of_our_own_and_nothing_sticks_out(visit, scheme, width, height):
    """In every panel, which opens."""
    page = visit("/watch?steps=40&at=8.4", width=width, height=height, color_scheme=scheme)
    for name, drawn in PANELS.items():
        page.get_by_role("radio", name=name, exact=True).click()
        settle(page)
        page.locator(drawn).first.wait_for()
        assert sound(page)
