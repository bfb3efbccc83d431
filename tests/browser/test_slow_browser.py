"""What a slow browser must not do to what is chosen."""

import re

from tests.helpers.browser import main, settle, until

WIDGETS = re.compile(r"/(Selectbox|Slider|Multiselect|NumberInput|ButtonGroup|Checkbox|TextInput)\.[^/]*js$")
LINK = (
    "/sweep?dataset=moons&lr=0.02&optimizer=adam&seed=3&steps=50&x=lr~0.01~0.1&y=momentum~0&measure=accuracy"
)
RUNS = 3  # asked for: the address, the page once its CSS is there, and the map that knows its width


def test_widgets_that_come_late_begin_with_what_the_link_says(visit):
    """Streamlit loads each kind of widget when it is needed; the page may have been run again by then."""
    held, sent = [], []

    def hold(page):
        page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))
        page.route(WIDGETS, lambda route: held.append(route) if len(sent) < RUNS else route.continue_())

    page = visit(LINK, wait=False, before=hold)
    page.locator("[data-testid=stExpander]:has-text('All numbers')").wait_for(state="attached")
    until(page, lambda: len(sent) >= RUNS)
    settle(page)
    assert held
    for route in held:
        route.continue_()
    page.get_by_label("Each cell shows", exact=True).wait_for()
    opened = page.url
    main(page).get_by_text("Its column", exact=True).click()
    page.wait_for_url(re.compile("along=column"))
    settle(page)
    assert page.url == f"{opened}&along=column"
    assert page.errors == []
