"""The CSS of the app finds what it is meant for in Streamlit's HTML, which an update may change."""

from pages._ui.shared import style
from tests.helpers.browser import settle

# Pages on which every rule has something to find.
PAGES = (
    "/autograd?text=a%20%3D%20tensor(%5B3.0%5D%2C%20requires_grad%3DTrue)%0Aa%20*%202",
    "/traps",
    "/traps?view=orders",
    "/watch?at=0.3&steps=5",
    "/notes",
    "/notes?judgement=wrong&path=notes%3Fjudgement%3Dwrong&path=losses%3Fview%3Dwhich&stop=1",
)


def test_every_rule_finds_an_element(visit):
    left = {*style.COLORS, *style.RULES}
    for path in PAGES:
        page = visit(path)
        page.locator(".stCode .token").first.wait_for(state="attached")  # code is colored a little later
        left -= {rule for rule in left if page.locator(rule).count()}
    for rule in left:  # of the last page, where it may come a little later
        page.locator(rule).first.wait_for(state="attached")


def test_the_next_line_is_marked_in_its_code_block(visit):
    """A band of one line's height behind the code, which has no line numbers to mark."""
    page = visit("/watch?steps=5")
    code = page.locator(".st-key-changed_code pre code")
    code.first.wait_for()
    settle(page)
    assert code.count() == 1
    assert "gradient" in code.evaluate("code => getComputedStyle(code).backgroundImage")
