"""The journeys a person takes on the page "Break the loop", in a real Chromium."""

import re

import pytest

from core.traps.diagnosis import CASES, series
from core.traps.table import TRAPS
from tests.helpers.browser import LOOKS, choose_view, main, press, settle, sound


def pick(page, name):
    main(page).get_by_text(name, exact=True).first.click()
    settle(page)


def test_a_guess_then_both_runs_then_a_test_to_keep_and_the_mistake_in_watch(visit):
    page = visit("/traps?trap=broadcast")
    assert main(page).get_by_text(TRAPS["broadcast"].why).count() == 0
    pick(page, "The loss falls, but ends clearly above that of the repaired run")
    press(page, "Run both")
    main(page).get_by_text("Right. The loss falls").wait_for()
    main(page).get_by_text(TRAPS["broadcast"].why).wait_for()
    main(page).get_by_text("Using a target size").wait_for()
    page.locator(".st-key-errors canvas, .st-key-errors svg, [data-testid=stVegaLiteChart]").first.wait_for()
    with page.expect_download() as download:
        main(page).get_by_role("button", name="Test", exact=True).click()
    text = download.value.path().read_text(encoding="utf-8")
    compile(text, "test_broadcast.py", "exec")
    assert "def test_the_loop_trains" in text
    assert download.value.suggested_filename == "test_broadcast.py"
    main(page).get_by_text("Watch the mistake").click()
    page.wait_for_url(re.compile(r"/watch\?.*loss_squeezed"))
    settle(page)
    assert page.errors == []


def test_the_map_by_keyboard_and_by_a_click(visit):
    page = visit("/traps?view=orders")
    main(page).get_by_text("ZFLBS: same.").wait_for()
    down = page.locator(".st-key-Down_backward button:visible").first
    down.focus()
    page.keyboard.press("Enter")
    main(page).get_by_text("ZFLSB: never trains.").wait_for()
    page.wait_for_url(re.compile("loop=ZFLSB"))
    settle(page)
    # The first tile of the first row: zero_grad and step before all else.
    chart = page.locator(".st-key-orders [data-testid=stVegaLiteChart]")
    chart.click(position={"x": 85, "y": 18})
    main(page).get_by_text("ZSFLB: never trains.").wait_for()
    assert page.errors == []


def test_the_slider_crosses_the_limits(visit):
    page = visit("/traps?view=momentum")
    usual = page.locator(".st-key-loop_usual")
    usual.get_by_text("Diverged").wait_for()
    thumb = page.get_by_role("slider").first
    thumb.focus()
    for _ in range(3):  # 0.2, 0.13, and the two beside 2/λ
        page.keyboard.press("ArrowLeft")
    usual.get_by_text("is below its limit").wait_for()
    main(page).get_by_text("are equal, to the last bit").wait_for()
    assert page.errors == []


def test_a_whole_series_of_diagnoses(visit):
    page = visit("/traps?view=diagnosis&series=7")
    cases = series(7)
    for place, case in enumerate(cases):
        main(page).get_by_text(f"Case {place + 1} of {CASES}").wait_for()
        shown = main(page).inner_text()
        assert TRAPS[case.name].why not in shown
        assert TRAPS[case.name].why[:60] not in page.content()  # nor anywhere behind what is shown
        pick(page, TRAPS[case.name].title)
        press(page, "Repair it")
        main(page).get_by_text(f"Right: {TRAPS[case.name].title}").wait_for()
        press(page, "Next")
    main(page).get_by_text(f"{CASES} of {CASES}", exact=True).wait_for()
    assert "series=7" in page.url
    assert page.errors == []


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_axe_finds_nothing_of_our_own_and_nothing_sticks_out(visit, scheme, width, height):
    """In every view, one after the other; of a mistake before and after the answer."""
    page = visit("/traps?view=traps&trap=softmax_twice_3", width, height, color_scheme=scheme)
    assert sound(page)
    press(page, "Run both")
    assert sound(page)
    for view in ("All orders", "Skipping zero_grad", "Diagnosis"):
        choose_view(page, view)
        assert sound(page)
