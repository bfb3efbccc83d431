"""The journeys a person takes on the Compare page, in a real Chromium."""

import re
import subprocess
import sys
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from core import Config, Run
from core.compare.comparison import FIRST
from tests.helpers.browser import LOOKS, settle, sound, still, tip_says

FIRST_RATE = repr(Config().lr)  # which the address leaves out
FEW = "/?steps=40"  # the first comparison, with few steps


def card(page, index):
    return page.locator(f".st-key-card_{index}")


def last_losses(page):
    """The last loss on each card."""
    page.locator(".st-key-numbers_0").wait_for()
    return [text.split(" ")[0] for text in page.locator("[class*=st-key-numbers_]").all_inner_texts()]


def chart(page):
    page.locator(".st-key-curves canvas, .st-key-curves svg").first.wait_for()
    page.wait_for_function("document.querySelector('.st-key-curves').getBoundingClientRect().height > 300")
    return page.locator(".st-key-curves").bounding_box()


def in_loss_panel(page, share):
    """A place in the left panel, `share` of its width from its left edge."""
    box = chart(page)
    return box["x"] + 60 + share * (box["width"] / 2 - 90), box["y"] + 160


def scroll_to_chart(page):
    curves = page.locator(".st-key-curves")
    curves.scroll_into_view_if_needed()
    still(curves)


def reading(page):
    return page.get_by_text(re.compile(r"^Step \d+ ·")).first


def test_a_first_visitor_sees_three_finished_runs(visit):
    page = visit()
    for index, word in enumerate(["Learns", "Diverged", "Oscillates"]):
        card(page, index).get_by_text(word).wait_for()
    page.wait_for_function(  # once the curves know their room, and have written their own CSS again
        "document.querySelector('.st-key-curves') && getComputedStyle(document.querySelector("
        "'.st-key-changed_code pre code')).backgroundImage.includes('gradient')"
    )
    assert page.url.endswith("/")
    assert page.errors == []


def test_controls_by_mouse_and_keyboard_change_runs_and_address_and_back_undoes_it(visit):
    page = visit(FEW)
    before = last_losses(page)[0]
    page.locator("[class*=st-key-line_zero_grad] label").click()
    page.wait_for_url(re.compile("loop=FLBS"))
    settle(page)
    page.wait_for_function(
        "before => !document.querySelector('.st-key-numbers_0').innerText.startsWith(before + ' ')",
        arg=before,
    )
    page.go_back()
    page.wait_for_url(lambda url: "loop" not in url)
    settle(page)
    page.wait_for_function("document.querySelector('input[aria-label*=zero_grad]')?.checked !== false")
    page.get_by_role("slider", name="Learning rate").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("lr=1"))
    settle(page)


def test_keys_that_come_faster_than_the_page_is_drawn_all_count(visit):
    """Six times to the right from 0.01: 0.02, 0.05, 0.1, 0.2, 0.5, 1; and back."""
    page = visit("/?steps=40&lr=0.01&run=none")
    slider = page.get_by_role("slider", name="Learning rate")
    for key, end in [("ArrowRight", "1.0"), ("ArrowLeft", "0.01")] * 3:
        slider.focus()
        for _ in range(6):
            page.keyboard.press(key)
        page.wait_for_url(lambda url, end=end: parse_qs(urlsplit(url).query).get("lr", [FIRST_RATE]) == [end])
        settle(page)
        assert float(slider.get_attribute("aria-valuetext") or "nan") == float(end)


TWICE = """new Promise(done => {
  const press = () => document.querySelector("input[aria-label*=zero_grad]").click();
  press();
  setTimeout(() => { press(); done(); }, 60);
})"""


def test_a_switch_that_is_pressed_twice_at_once_never_leaves_the_address_behind(visit):
    """Whether a busy browser has taken both presses or one: switch, address and what was trained agree."""
    page = visit(FEW + "&run=none")
    switch = page.locator("input[aria-label*=zero_grad]")
    switch.wait_for(state="attached")
    for _ in range(3):
        page.evaluate(TWICE)  # until both are pressed
        settle(page)
        page.wait_for_timeout(1000)  # an address that came late would press it once more
        settle(page)
        left_out = parse_qs(urlsplit(page.url).query).get("loop") == ["FLBS"]
        assert switch.is_checked() != left_out
        page.locator(".st-key-top").get_by_text(
            "No zero_grad" if left_out else "zero_grad each step"
        ).wait_for()


OF_ONE_COLOR = """(() => {
  const color = (element, name, pseudo) => getComputedStyle(element, pseudo)[name];
  const all = (where) => [...document.querySelectorAll(where)];
  const cards = all("[class*=st-key-card_] .stMarkdownColoredText").filter((one) => one.innerText === "●")
    .map((one) => color(one, "color"));
  const lines = all(".st-key-curves svg .mark-line.role-mark path").map((one) => color(one, "stroke"));
  const dots = all(".st-key-curves svg .mark-symbol.role-mark path");
  const tips = all("#vg-tooltip-element tr + tr .key").map((one) => color(one, "color", "::before"));
  return new Set(cards).size === 3 && cards.every((one) => lines.includes(one))
    && dots.length > 0 && dots.every((one) => cards.includes(color(one, "fill"))
    && (one.getAttribute("fill-opacity") ?? one.getAttribute("opacity") ?? "1") === "1")
    && (POINTED ? JSON.stringify(tips) === JSON.stringify(cards) : true);
})()"""  # of cards, lines, dots and names in the tooltip, run by run


def test_pointing_reads_all_runs_a_click_pins_a_step_and_dragging_zooms(visit):
    page = visit(FEW)
    scroll_to_chart(page)
    names = ("step", "Baseline", "Learning rate × 100", "No zero_grad")
    assert tip_says(page, lambda: in_loss_panel(page, 0.5), names)
    page.wait_for_function(OF_ONE_COLOR.replace("POINTED", "true"))
    page.locator(".st-key-curves svg.marks").evaluate("svg => { svg.first = true; }")
    page.mouse.click(*in_loss_panel(page, 0.5))
    reading(page).wait_for()
    assert_true(reading(page).inner_text())
    zoom(page)
    rescale(page)
    assert page.locator(".st-key-curves svg.marks").evaluate("svg => svg.first === true")  # not drawn anew
    fill_the_window(page)


def fill_the_window(page):
    """Streamlit's own button enlarges the curves, and Escape brings them back."""
    width = "width => Math.abs(document.querySelector('.st-key-curves svg.marks').clientWidth - width) < 100"
    before = page.locator(".st-key-curves svg.marks").evaluate("svg => svg.clientWidth")
    page.locator(".st-key-curves").hover()
    page.locator(".st-key-curves").get_by_role("button", name="Fullscreen").click()
    page.wait_for_function(width, arg=1440)
    page.locator(".st-key-curves").get_by_text("No zero_grad").wait_for()  # the legend: cards are behind
    page.keyboard.press("Escape")
    page.wait_for_function(width, arg=before)
    settle(page)


def assert_true(text):
    """A reading of a step has the numbers of the runs."""
    step = int(re.match(r"Step (\d+)", text)[1])
    shown = [float(loss) for loss in re.findall(r"loss ([\d.e+-]+)", text)]
    config = Config(steps=40)
    runs = [config, *(variant.config(config)[0] for variant in FIRST.variants)]
    true = [Run(c).advance().history.losses[step] for c in runs]
    assert 10 <= step <= 30
    assert shown == pytest.approx(true, rel=1e-3)


LABELED = """[...document.querySelectorAll(".st-key-curves svg .role-axis-label text")]
  .map((label) => label.textContent)"""


def zoom(page):
    """Drag over a part of the chart; a button shows the whole run again."""
    (left, y), (right, _) = in_loss_panel(page, 0.25), in_loss_panel(page, 0.6)
    page.mouse.move(left, y)
    page.mouse.down()
    page.mouse.move((left + right) / 2, y, steps=4)
    page.mouse.move(right, y, steps=4)
    page.mouse.up()
    whole = page.get_by_role("button", name="Whole run")
    whole.wait_for()
    page.wait_for_function(f"!{LABELED}.includes('40')")
    settle(page)
    whole.click()
    whole.wait_for(state="detached")
    page.wait_for_function(f"{LABELED}.includes('40')")


def rescale(page):
    """Another scale, with labels of its own, and back."""
    for name, labels in (("linear", "['20', '40', '60', '80']"), ("log", "['0.1', '1', '10', '1,000']")):
        page.locator(".st-key-view_scale").get_by_role("radio", name=name).click()
        page.wait_for_function(f"{labels}.every((label) => {LABELED}.includes(label))")
        settle(page)


def test_the_downloaded_script_prints_the_losses_of_the_app_and_the_data_has_every_run(
    visit, tmp_path, clean_environment
):
    page = visit(FEW)
    with page.expect_download() as download:
        page.get_by_role("button", name="Script").click()
    path = tmp_path / "loop.py"
    download.value.save_as(path)
    ran = subprocess.run(
        [sys.executable, "-I", path],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_environment,
        check=True,
    )
    printed = [float(line.split()[1]) for line in ran.stdout.splitlines()]
    skipped = FIRST.variants[1].config(Config(steps=40))[0]
    assert printed == Run(skipped).advance().history.losses.tolist()
    with page.expect_download() as download:
        page.get_by_role("button", name="Data", exact=True).click()
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("run,step,loss")
    assert all(name in text for name in ("Baseline", "Learning rate × 100", "No zero_grad"))


def test_a_shared_link_shows_the_same_in_a_second_session(visit):
    page = visit("/?steps=40&lr=0.2&run=optimizer~adam&run=seed~3&run=keep~steps~40")
    page.get_by_role("button", name="Share").click()
    link = page.get_by_test_id("stPopoverBody").locator("code").inner_text()
    card(page, 3).wait_for()
    values = last_losses(page)
    other = visit("/" + link.split("/", 3)[3])
    card(other, 3).wait_for()
    assert last_losses(other) == values
    assert len(values) == 4


def test_a_hostile_link_is_answered_in_one_line_and_nothing_is_interpreted(visit):
    text = quote("<img src=x onerror=alert(1)>")
    page = visit(f"/?steps=40&lr={text}&dataset=../../etc&run={text}&foo=1&seed=nan")
    alert = page.get_by_test_id("stAlert")
    assert alert.count() == 1
    assert "Ignored in this link:" in alert.inner_text()
    assert page.locator("img[src=x]").count() == 0
    assert page.errors == []


def test_a_raised_line_shows_the_words_of_pytorch(visit):
    page = visit("/?steps=40&run=loop~FSLZB")
    card(page, 1).get_by_text("Raised").first.wait_for()
    page.get_by_text("modified by an inplace operation").first.wait_for()


def test_long_work_can_be_stopped_and_goes_on(visit):
    page = visit("/?dataset=digits&model=lenet&batch_size=64&steps=3000&lr=0.1&run=none", wait=False)
    page.get_by_role("button", name="Stop", exact=True).locator("visible=true").last.wait_for()
    page.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Go on").wait_for()
    settle(page)
    assert page.get_by_text(re.compile(r"Training stopped: [\d,]+ of 3,000 steps are done")).count() == 1
    assert last_losses(page)[0] != "none"
    page.get_by_role("button", name="Go on").click()
    page.get_by_test_id("stMain").get_by_role("button", name="Stop").wait_for()


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_axe_finds_nothing_of_our_own_and_nothing_sticks_out(visit, scheme, width, height):
    page = visit(FEW, width=width, height=height, color_scheme=scheme)
    scroll_to_chart(page)
    page.wait_for_function(OF_ONE_COLOR.replace("POINTED", "false"))
    assert sound(page)
    if width < 500:  # the charts stand below each other on a phone
        page.wait_for_function(
            "(() => { const box = document.querySelector('.st-key-curves').getBoundingClientRect();"
            " return box.height > 500 && box.width < 390; })()"
        )


SIX = "/?steps=40&run=lr~x100&run=loop~FLBS&run=loss~mse&run=optimizer~adam&run=seed~1"


@pytest.mark.parametrize(("path", "width", "height"), [(FEW, 1280, 720), (SIX, 1440, 900), (FEW, 390, 844)])
def test_the_curves_are_in_the_first_screen(visit, path, width, height):
    """Whole where there is room beside each other; on a phone they begin by 700 pixels."""
    page = visit(path, width=width, height=height)
    chart(page)
    page.wait_for_function(  # once the browser has told how wide the page is
        "(() => { const main = document.querySelector('[data-testid=stMain]');"
        " const box = document.querySelector('.st-key-curves').getBoundingClientRect();"
        " return main.scrollWidth <= main.clientWidth && box.right <= innerWidth; })()"
    )
    box = chart(page)
    if width < 500:
        assert box["y"] <= 700
    else:
        assert box["y"] + box["height"] <= height
    if width == 1440:
        page.wait_for_function(
            "document.querySelector('.st-key-curves').getBoundingClientRect().width >= 1030"
        )


def test_a_run_is_hidden_and_shown_again_and_removed_from_its_card(visit):
    page = visit(FEW)
    lines = ".st-key-curves svg .mark-line.role-mark path"
    page.wait_for_function(f"document.querySelectorAll('{lines}').length === 6")  # three runs, two panels
    card(page, 1).get_by_role("button", name="Hide Learning rate × 100 in the charts").click()
    page.wait_for_url(re.compile("hide=1"))
    page.wait_for_function(f"document.querySelectorAll('{lines}').length === 4")
    card(page, 1).get_by_role("button", name="Show Learning rate × 100 in the charts").click()
    page.wait_for_url(lambda url: "hide" not in url)
    page.wait_for_function(f"document.querySelectorAll('{lines}').length === 6")
    card(page, 1).get_by_role("button", name="Remove Learning rate × 100").click()
    card(page, 1).wait_for(state="detached")
    settle(page)
    assert card(page, 2).get_by_text("No zero_grad").first.is_visible()
    assert page.errors == []


LABELS = """(() => {
  const canvas = document.querySelector("#charts canvas"), top = Math.floor(0.8 * canvas.height);
  const below = canvas.getContext("2d").getImageData(0, top, canvas.width, canvas.height - top);
  return below.data.reduce((sum, value) => (31 * sum + value) >>> 0, 0);
})()"""  # what stands below the panels: neither the pointer nor a frame that is dragged changes it


def zoom_report(report):
    """Dragging over a part changes the steps below it; a double click brings the whole run back."""
    box = report.locator("#charts canvas").bounding_box()
    x, y = box["x"] + 0.15 * box["width"], box["y"] + 150
    whole = report.evaluate(LABELS)
    report.mouse.move(x, y)
    report.mouse.down()
    report.mouse.move(x + 100, y, steps=4)
    assert report.evaluate(LABELS) == whole
    report.mouse.up()
    report.wait_for_function(f"whole => {LABELS} !== whole", arg=whole)
    report.mouse.dblclick(x, y)
    report.wait_for_function(f"whole => {LABELS} === whole", arg=whole)


def test_the_report_opens_from_a_disk_without_the_network(visit, contexts, tmp_path):
    page = visit("/?steps=20")
    page.get_by_test_id("stMain").get_by_role("button", name="Share").click()
    with page.expect_download() as coming:
        page.get_by_role("button", name="Report").click()
    file = tmp_path / "report.html"
    coming.value.save_as(file)
    context = contexts["light"].browser.new_context(offline=True)
    try:
        report, asked = context.new_page(), []
        report.on("request", lambda request: asked.append(request.url))
        report.on("pageerror", lambda error: asked.append(str(error)))
        report.on("console", lambda said: asked.append(said.text) if said.type == "error" else None)
        report.goto(file.as_uri())
        report.locator("#charts canvas").wait_for()
        names = report.locator(".run h3").all_inner_texts()
        assert names == ["Baseline", "Learning rate × 100", "No zero_grad"]
        zoom_report(report)
        report.locator("#charts summary").click()
        with report.expect_download() as picture:
            report.get_by_text("Save as PNG").click()
        assert picture.value.suggested_filename == "loop-lab.png"
        assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
        report.screenshot(path=tmp_path / "report.png", full_page=True)
    finally:
        context.close()
    assert page.errors == []
