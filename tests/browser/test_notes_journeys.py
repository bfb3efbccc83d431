"""The journeys a person takes on the page "The notes, checked", in a real Chromium."""

import re

import pytest
from conftest import settle

from core.claims import CLAIMS

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")

# As on the other pages: findings in elements that we cannot mark up; here also the colours of code.
DRAWN_BY_OTHERS = {
    "scrollable-region-focusable": ("stCode", "<pre"),
    "color-contrast": ('<span class="token ',),
}


def main(page):
    return page.get_by_test_id("stMain")


def test_the_wrong_ones_the_lines_of_one_and_what_it_leads_to(visit):
    page = visit("/notes")
    main(page).get_by_role("radio", name=re.compile("Wrong")).click()
    page.wait_for_url(re.compile("judgement=wrong"))
    settle(page)
    wrong = [name for name, claim in CLAIMS.items() if claim.judgement == "wrong"]
    assert main(page).locator("[class*='st-key-claim_']").count() == len(wrong)
    one = page.locator(".st-key-claim_target_view")
    one.get_by_text("its loss: 1.7212").wait_for()
    lines = one.get_by_text("def target_view()")
    assert not lines.is_visible()
    one.get_by_text("The lines", exact=True).click()
    lines.wait_for()
    one.get_by_text("Ask autograd").click()
    page.wait_for_url(re.compile(r"/autograd\?.*example=broadcast"))
    settle(page)
    assert page.errors == []


def test_an_anchor_leads_to_one_claim(visit):
    page = visit("/notes?note=steps#new_weight")
    page.locator("#new_weight").wait_for()
    page.wait_for_timeout(1000)
    assert 0 <= page.locator("#new_weight").bounding_box()["y"] < 900
    assert page.url.endswith("#new_weight")


@pytest.mark.parametrize(("scheme", "width", "height"), [("light", 1440, 900), ("dark", 390, 844)])
def test_axe_finds_nothing_of_our_own_and_nothing_sticks_out(visit, scheme, width, height):
    page = visit("/notes?note=losses&lines=shown", width, height, color_scheme=scheme)
    page.get_by_text("def progress()").wait_for(state="attached")
    page.mouse.move(2, 2)
    page.wait_for_timeout(700)
    found = axe.Axe().run(page).response["violations"]
    ours = [
        (one["id"], node["html"])
        for one in found
        for node in one["nodes"]
        if not any(mark in node["html"] for mark in DRAWN_BY_OTHERS.get(one["id"], ()))
    ]
    assert ours == []
    assert page.evaluate(
        "(() => { const main = document.querySelector('[data-testid=stMain]');"
        " return main.scrollWidth <= main.clientWidth; })()"
    )
    assert page.errors == []
