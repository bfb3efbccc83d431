"""A server that ends while someone works, and another in its place: nothing is lost but time."""

import re

from tests.helpers.browser import IDLE, PATIENCE_MS, press, settle

NUMBERS = "[class*=st-key-numbers_]"


def test_after_a_server_was_killed_the_next_one_shows_the_same_runs(visit, mortal):
    """The browser says that it waits, connects by itself, and its address has all that was chosen."""
    address, process, start = mortal
    page = visit("/?steps=40", at=address)
    page.get_by_role("button", name="Adam", exact=True).click()
    page.wait_for_url(re.compile("run="))
    page.get_by_role("radio", name="linear", exact=True).first.click()
    page.wait_for_url(re.compile("scale=linear"))
    settle(page)
    chosen, numbers = page.url, page.locator(NUMBERS).all_inner_texts()
    process.kill()
    process.wait()
    page.wait_for_selector("[data-testid=stApp]:not([data-test-connection-state=CONNECTED])")
    page.get_by_text("Connection error").wait_for()
    start()
    page.wait_for_selector(IDLE, timeout=PATIENCE_MS)
    settle(page)
    page.get_by_text("Connection error").wait_for(state="detached")
    assert page.locator(NUMBERS).all_inner_texts() == numbers and len(numbers) == 4
    assert page.url.partition("?")[2] == chosen.partition("?")[2]
    press(page, "Remove Adam")
    page.locator(NUMBERS).nth(3).wait_for(state="detached")
    assert page.locator(NUMBERS).all_inner_texts() == numbers[:3]
    assert page.errors == []
