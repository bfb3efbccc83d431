"""The page "Start here", and a path walked with the keyboard, in a real Chromium."""

import re
from urllib.parse import urlencode

import pytest

from core.start.stops import STOPS
from tests.helpers.browser import IDLE, LOOKS, PATIENCE_MS, choose_view, main, press, settle, sound

SEQUENCE = ("losses?view=outlier&y=-10", "notes?judgement=wrong", "losses?view=which")


def at_stop(page, number):
    """Wait for the strip of a stop, from 1, and until no script runs."""
    page.locator(".st-key-path").get_by_text(f"{number} of ", exact=False).first.wait_for()
    page.wait_for_url(re.compile(rf"stop={number}\b"))
    page.wait_for_selector(IDLE, timeout=PATIENCE_MS)


def tabbed_to(page, name):
    """Go to a button as the keyboard does."""
    button = main(page).get_by_role("button", name=name).first
    button.wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {name}")


def test_the_path_is_walked_with_the_keyboard_alone(visit):
    page = visit("/start")
    main(page).get_by_text(f"0 of {len(STOPS)} seen").wait_for()
    page.keyboard.press("Shift+N")
    for number, stop in enumerate(STOPS, 1):
        at_stop(page, number)
        if stop.answers:
            assert page.get_by_role("heading", level=1).count() == 0  # the view waits for a guess
            tabbed_to(page, "Show me")
            page.keyboard.press("Enter")
        settle(page)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_function(
            "document.querySelector('[data-testid=stSidebar]')?.dataset.collapsed !== 'false'"
        )
        page.keyboard.press("Shift+N")
    main(page).get_by_text(f"{len(STOPS)} of {len(STOPS)} seen").wait_for()
    assert page.errors == []


def test_shortcuts_and_the_back_button_lead_through_a_sequence(visit):
    page = visit(f"/start?{urlencode({'path': SEQUENCE, 'stop': '1'}, doseq=True)}", wait=False)
    at_stop(page, 1)
    settle(page)
    page.keyboard.press("Shift+N")
    at_stop(page, 2)
    settle(page)
    page.keyboard.press("Shift+N")
    at_stop(page, 3)
    main(page).get_by_text("What is to be predicted?").wait_for()
    page.keyboard.press("Shift+P")
    at_stop(page, 2)
    main(page).get_by_text("The notes, checked").wait_for()
    assert page.errors == []


def test_a_reload_and_the_browsers_back_keep_the_stop(visit):
    page = visit(f"/start?{urlencode({'path': SEQUENCE, 'stop': '1'}, doseq=True)}", wait=False)
    at_stop(page, 1)
    settle(page)
    page.keyboard.press("Shift+N")
    at_stop(page, 2)
    settle(page)
    page.reload()
    at_stop(page, 2)
    settle(page)
    main(page).get_by_text("The notes, checked").wait_for()
    page.keyboard.press("Shift+N")
    at_stop(page, 3)
    page.wait_for_url(re.compile(r"/losses\?.*task="))  # the page has written the whole of its address
    settle(page)
    page.go_back()  # once: each choice is one entry of the history
    at_stop(page, 2)
    main(page).get_by_text("The notes, checked").wait_for()
    assert page.errors == []


def test_a_sequence_is_put_together_and_presented(visit):
    page = visit("/start?view=sequence")
    page.get_by_label("Addresses, one a line").fill("\n".join(SEQUENCE))
    page.keyboard.press("Control+Enter")
    press(page, "Present")
    at_stop(page, 1)
    main(page).get_by_role("heading", name="Losses", level=1).wait_for()
    assert page.errors == []


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_axe_finds_nothing_of_our_own_and_nothing_sticks_out(visit, scheme, width, height):
    """In every view; and on a stop, before the guess and after it."""
    page = visit("/start", width, height, color_scheme=scheme)
    assert sound(page)
    for view in ("My loss explodes", "A sequence of yours", "The words"):
        choose_view(page, view)
        assert sound(page)
    choose_view(page, "A path")
    main(page).get_by_role("button", name="Begin").first.click()
    at_stop(page, 1)
    main(page).get_by_role("button", name="Show me").click()
    settle(page)
    assert sound(page)


def test_saved_runs_are_taken_away_and_come_back_in_another_session(visit, tmp_path):
    page = visit("/?lr=0.3&steps=20&scale=linear")
    settle(page)
    press(page, "Save")
    main(page).get_by_role("button", name="Saved").wait_for()
    page.get_by_role("link", name="Start here").click()
    page.wait_for_url(re.compile("/start"))
    settle(page)
    choose_view(page, "My runs")
    with page.expect_download() as coming:
        press(page, "my-runs.json")
    coming.value.save_as(tmp_path / "my-runs.json")
    other = visit("/start?view=runs")
    settle(other)
    other.locator("input[type=file]").set_input_files(tmp_path / "my-runs.json")
    main(other).get_by_role("button", name="Open").wait_for()
    settle(other)
    main(other).get_by_role("button", name="Open", exact=True).click()  # leads to another page
    main(other).get_by_role("button", name="Saved").wait_for()  # it has trained, and ends the same
    other.wait_for_url(re.compile(r"lr=0\.3.*steps=20.*scale=linear"))
    assert page.errors == [] and other.errors == []
