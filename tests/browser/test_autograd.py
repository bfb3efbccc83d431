"""The journeys a person takes on the page "Autograd", in a real Chromium."""

import re
from urllib.parse import urlsplit

import pytest

from core.autograd.examples import EXAMPLES
from tests.helpers.browser import LOOKS, main, press, settle, sound

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


def test_the_question_comes_before_the_answer_and_then_one_goes_back_line_by_line(visit):
    page = visit("/autograd")
    five = EXAMPLES["five"]
    assert five.why not in page.content() and "AddBackward0" not in page.content()
    main(page).get_by_text(five.answers[0], exact=True).click()
    press(page, "Run")
    main(page).get_by_text("Right. C and E have a history").wait_for()
    main(page).get_by_text("A.grad: None → 2.", exact=True).wait_for()
    graph = main(page).get_by_test_id("stGraphVizChart").locator("svg")
    graph.get_by_text("freed").wait_for()
    thumb = main(page).get_by_role("slider")
    thumb.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("line=5"))
    settle(page)
    graph.get_by_text("keeps other").wait_for()
    assert graph.get_by_text("freed").count() == 0
    marked = page.locator(".st-key-line_5 pre").evaluate("pre => getComputedStyle(pre).backgroundColor")
    other = page.locator(".st-key-line_4 pre").evaluate("pre => getComputedStyle(pre).backgroundColor")
    assert marked != other
    assert page.errors == []


def test_lines_are_pasted_run_by_keyboard_mended_and_sent_as_a_link(visit):
    page = visit("/autograd")
    editor = main(page).get_by_role("textbox", name="Lines")
    expect(editor).to_have_value(EXAMPLES["five"].text)
    editor.click()
    page.keyboard.press("Control+A")
    lines = "x = tensor([2.], requires_grad=True)\ny = x ** 3 # ![](http://x.invalid/x.png)\ny.bakward()"
    page.keyboard.insert_text(lines)
    page.keyboard.press("Control+Enter")
    main(page).get_by_text("Methods here are those of tensors: backward,").wait_for()
    settle(page)
    assert editor.evaluate("area => area === document.activeElement")  # one goes on typing
    assert main(page).locator("img").count() == 0
    page.keyboard.press("Control+End")
    for _ in "bakward()":
        page.keyboard.press("Backspace")
    page.keyboard.type("backward()")
    page.keyboard.press("Control+Enter")
    main(page).get_by_text("x.grad: None → 12.", exact=True).wait_for()
    page.wait_for_url(re.compile(r"text=x\+%3D|text=x%20%3D"))
    settle(page)
    sent = urlsplit(page.url)
    again = visit(f"{sent.path}?{sent.query}")
    main(again).get_by_text("x.grad: None → 12.", exact=True).wait_for()
    expect(main(again).get_by_role("textbox", name="Lines")).to_have_value(re.compile(r"y\.backward\(\)$"))
    assert page.errors == again.errors == []


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_axe_finds_nothing_of_our_own_and_nothing_sticks_out(visit, scheme, width, height):
    page = visit("/autograd?example=broadcast", width, height, color_scheme=scheme)
    run = main(page).get_by_role("button", name="Run", exact=True)
    assert run.bounding_box()["y"] < height  # on the first screen
    assert sound(page)
    run.click()
    settle(page)
    assert sound(page)
    press(page, "Next")  # the update by hand, which raises
    page.wait_for_url(lambda url: "example=broadcast" not in url)
    settle(page)
    press(page, "Run")
    main(page).get_by_text("RuntimeError: a leaf Variable").wait_for()
    assert sound(page)
