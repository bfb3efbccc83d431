"""The journeys a person takes on the page "Losses", in a real Chromium."""

import re

import pytest

from core.loss_lessons import outlier
from core.words import number
from tests.helpers.browser import LOOKS, choose_view, main, settle, sound, tip_says


def test_a_loss_is_laid_over_another_and_the_target_moves(visit):
    page = visit("/losses?view=one&loss=mse&over=none&target=1")
    main(page).get_by_role("button", name="Huber", exact=True).click()
    page.wait_for_url(re.compile("over=huber"))
    settle(page)
    target = page.get_by_role("slider").first
    target.focus()
    for _ in range(4):  # faster than the page is drawn: none is undone by the address of the one before
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(60)
    page.wait_for_url(re.compile("target=0(&|$)"))
    settle(page)
    chart = main(page).get_by_test_id("stVegaLiteChart").first
    box = chart.bounding_box()
    assert tip_says(page, lambda: (box["x"] + 300, box["y"] + 120), ("MSE", "Huber"))
    assert main(page).get_by_role("cell", name="Huber", exact=True).count() == 1
    assert page.errors == []


def test_an_outlier_is_dragged_by_keyboard(visit):
    page = visit("/losses?view=outlier&y=-10")
    card = page.locator(".st-key-fit_mse")
    card.get_by_text(f"{number(outlier.fit('mse', -10.0).weight)} x").wait_for()
    thumb = page.get_by_role("slider").first
    thumb.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("y=-9"))
    card.get_by_text(f"{number(outlier.fit('mse', -9.0).weight)} x").wait_for()
    page.locator(".st-key-fit_l1").get_by_text("0.1111").wait_for()
    assert page.errors == []


def test_three_questions_a_loss_and_a_run_in_compare(visit):
    page = visit("/losses?view=which&task=classes&form=one_hot&last=LogSoftmax")
    main(page).get_by_text("KL divergence", exact=True).wait_for()
    main(page).get_by_text("Train with it").click()
    page.wait_for_url(re.compile("loss=kl_div"))
    settle(page)
    main(page).get_by_text("KL divergence").first.wait_for()
    main(page).get_by_text("Learns").first.wait_for()
    assert page.errors == []


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_axe_finds_nothing_of_our_own_and_nothing_sticks_out(visit, scheme, width, height):
    """In every view, one after the other."""
    page = visit("/losses?view=one&loss=cross_entropy", width, height, color_scheme=scheme)
    assert sound(page)
    for view in ("Cross-entropy", "Softmax twice", "Outlier", "Stability", "Which loss?"):
        choose_view(page, view)
        assert sound(page)
