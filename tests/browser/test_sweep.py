"""The journeys a person takes on the page Sweep, in a real Chromium."""

import re

import pytest

from tests.helpers.browser import LOOKS, main, settle, sound

DELIVERIES = "dataset=deliveries&model=linear&start=0&steps=60"


def test_a_map_a_click_on_a_cell_and_that_run_in_compare(visit):
    page = visit(f"/sweep?{DELIVERIES}&x=lr~0.01~0.05~0.2")
    main(page).get_by_text("6 runs").wait_for()
    main(page).get_by_text("0.1198 (Usual loop), 0.2395 (No zero_grad)").wait_for()
    main(page).get_by_text(re.compile("runs trained again by the plain loop")).wait_for()
    settle(page)
    # The last cells are those without a number: here the usual loop at 0.2, which diverged.
    gone = page.locator(".st-key-sweep svg g.mark-rect path[fill='#343A40']")
    gone.first.click()
    page.wait_for_url(re.compile("cell=0.2%7EZFLBS|cell=0.2~ZFLBS"))
    settle(page)
    main(page).get_by_text(re.compile("Diverged")).first.wait_for()
    main(page).get_by_text("Compare with the baseline").click()
    page.wait_for_url(re.compile(r"/\?.*lr=0.2"))
    settle(page)
    main(page).get_by_text("Kept: Learning rate 0.5").first.wait_for()
    assert page.errors == [] and not [text for text in page.console if "TypeError" in text]


def test_stop_keeps_what_is_there_and_go_on_goes_on(visit):
    page = visit("/sweep?dataset=digits&model=lenet&steps=700&x=lr~0.01~0.02&y=loop~ZFLBS", wait=False)
    stop = main(page).get_by_role("button", name="Stop", exact=True)
    stop.wait_for()
    main(page).get_by_text(re.compile("^0 of 2 runs, about")).wait_for()
    stop.click()
    main(page).get_by_text("Training stopped: 0 of 2 runs are done").wait_for()
    settle(page)
    main(page).get_by_text("stopped before it was done").wait_for()
    step = main(page).get_by_text(re.compile("Stopped at step [\\d,]+ of 700")).inner_text()
    assert int(re.search(r"step ([\d,]+)", step)[1].replace(",", "")) > 0
    main(page).get_by_role("button", name="Go on", exact=True).first.click()
    stop.wait_for()
    assert page.errors == []


def test_a_field_is_chosen_without_a_mouse(visit):
    page = visit(f"/sweep?{DELIVERIES}&x=lr~0.01~0.2&y=momentum~0")
    main(page).get_by_text("2 runs").wait_for()
    page.get_by_role("combobox", name=re.compile("^Selected Momentum. Down|Down")).first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.type("Loss")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("y=loss"))
    main(page).get_by_text(re.compile(r"2 × \d+ = ")).wait_for()
    settle(page)
    assert page.errors == []


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_axe_finds_nothing_of_our_own_and_nothing_sticks_out(visit, scheme, width, height):
    page = visit(f"/sweep?{DELIVERIES}&x=lr~0.01..1..12&seeds=3", width, height, color_scheme=scheme)
    assert sound(page)
