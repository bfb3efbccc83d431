"""What stands around every page: navigation, its place in another page, the history; and nothing jumps."""

import re

import pytest

from tests.helpers.browser import main, press, settle

PAGES = ["Compare", "Start here", "Watch", "Break", "Sweep", "Losses", "Autograd", "Notes"]
SHIFT = 0.1  # of https://web.dev/articles/cls: good up to here
SHIFTS = """window.shifts = [];
new PerformanceObserver(list => window.shifts.push(...list.getEntries().map(one => one.value)))
  .observe({type: "layout-shift", buffered: true});"""


@pytest.mark.parametrize("path, width, height", [
    ("/?steps=40", 1440, 900),
    ("/?steps=40", 390, 844),
    ("/?steps=2000&batch_size=32&run=none", 1280, 720),  # facts wrap beside the buttons
    ("/watch?steps=40&at=3.0", 1440, 900),
    ("/sweep?steps=20", 1440, 900),
    ("/traps", 1440, 900),
    ("/traps", 390, 844),
    ("/losses", 390, 844),
    ("/autograd", 390, 844),
])  # fmt: skip
def test_nothing_jumps_while_a_page_is_loaded(visit, path, width, height):
    page = visit(path, width, height, before=lambda page: page.add_init_script(SHIFTS))
    settle(page)
    if path.startswith(("/?", "/watch", "/sweep")):
        page.locator("canvas, svg.marks").first.wait_for(state="attached")
    assert page.evaluate("PerformanceObserver.supportedEntryTypes.includes('layout-shift')")
    assert page.evaluate("window.shifts.reduce((sum, one) => sum + one, 0)") < SHIFT


def test_a_note_comes_and_goes_without_moving_anything(visit):
    page = visit("/?steps=40&foo=3")
    curves, note = page.locator(".st-key-curve_panel"), main(page).get_by_text("1 unknown field")
    before = curves.bounding_box()
    note.wait_for()
    press(page, "Close")
    note.wait_for(state="detached")
    assert curves.bounding_box() == before


def places(page):
    """Name -> left edge of each link of the navigation."""
    links = page.get_by_test_id("stTopNavLink")
    links.nth(len(PAGES) - 1).wait_for()
    return {link.inner_text().split("\n")[-1]: round(link.bounding_box()["x"]) for link in links.all()}


def test_the_navigation_is_in_the_same_place_with_a_sidebar_and_without(visit):
    with_sidebar, without = places(visit("/?steps=40&run=none")), places(visit("/notes?judgement=wrong"))
    assert [*with_sidebar] == PAGES and with_sidebar == without


def test_on_a_phone_a_labeled_menu_lists_all_pages(visit):
    page = visit("/notes?judgement=wrong", 390, 844)
    menu = page.get_by_role("button", name="Menu", exact=True)
    assert menu.evaluate("button => getComputedStyle(button, '::after').content") == '"Menu"'
    menu.click()
    links = page.get_by_test_id("stSidebarNavLink")
    links.nth(len(PAGES) - 1).wait_for()
    assert [text.split("\n")[-1] for text in links.all_inner_texts()] == PAGES
    links.filter(has_text="Losses").click()
    main(page).get_by_role("heading", name="Losses", level=1).wait_for()
    menu.wait_for()  # it went while the list was open
    page.evaluate("localStorage.clear()")  # where Streamlit keeps that the sidebar was opened


def test_a_view_in_a_frame_has_it_to_itself_and_stays_so(visit):
    page = visit("/losses?view=outlier&y=-10&embed=true", 900, 600)
    assert page.get_by_test_id("stTopNavLink").count() == page.get_by_test_id("stSidebar").count() == 0
    main(page).get_by_role("radio", name="Which loss?").click()
    page.wait_for_url(re.compile("view=which"))
    settle(page)
    assert "embed=true" in page.url
    page.reload()
    main(page).get_by_text("What is to be predicted?").wait_for()
    page.goto(page.url.split("/losses")[0] + "/?steps=40&embed=true")
    settle(page)
    curves = page.locator(".st-key-curve_panel")
    page.wait_for_function(
        "document.querySelector('.st-key-curve_panel').getBoundingClientRect().width > 850"
    )
    assert curves.bounding_box()["x"] < 20 and page.get_by_test_id("stSidebar").count() == 0


def test_one_press_of_back_leads_to_the_page_before(visit):
    page = visit("/notes?judgement=wrong")
    page.get_by_test_id("stTopNavLink").filter(has_text="Losses").click()
    page.wait_for_url(re.compile(r"/losses\?.*view="))  # the page has written the whole of its address
    settle(page)
    page.go_back()
    main(page).get_by_text("The notes, checked").wait_for()
    page.wait_for_url(re.compile(r"/notes\?.*judgement=wrong"))
    assert page.errors == []


BYTES = 10**7  # of a message at most; see .streamlit/config.toml


def test_messages_are_compressed_and_one_that_grows_too_large_only_when_unpacked_is_refused(address):
    from websockets.exceptions import ConnectionClosedError
    from websockets.sync.client import connect

    stream = f"{address.replace('http', 'ws')}/_stcore/stream"
    with connect(stream, subprotocols=["streamlit"]) as socket:
        assert "permessage-deflate" in socket.response.headers["Sec-WebSocket-Extensions"]
        socket.send(bytes(BYTES + 1))  # a thousandth of that on the wire
        with pytest.raises(ConnectionClosedError, match="1009"):
            socket.recv(timeout=60)
    with connect(stream, subprotocols=["streamlit"]):
        pass  # others are still answered
