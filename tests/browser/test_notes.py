"""The journeys a person takes on the page "The notes, checked", in a real Chromium."""

import re

import pytest

from core.notes.notes import CLAIMS
from tests.helpers.browser import LOOKS, main, settle, sound, still


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
    page.wait_for_function(
        "() => { const { top } = document.querySelector('#new_weight').getBoundingClientRect();"
        " return 0 <= top && top < 900; }"
    )
    assert 0 <= still(page.locator("#new_weight"))["y"] < 900  # and it stays there
    assert page.url.endswith("#new_weight")


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_axe_finds_nothing_of_our_own_and_nothing_sticks_out(visit, scheme, width, height):
    page = visit("/notes?note=losses&lines=shown", width, height, color_scheme=scheme)
    page.get_by_text("def progress()").wait_for(state="attached")
    assert sound(page)
