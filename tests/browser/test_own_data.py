"""A CSV of one's own in a real Chromium: chosen from the disk, trained on, and not in the link."""

import re
from urllib.parse import urlsplit

from tests.helpers.browser import main, press, settle

ROWS = "".join(f"{n},{n * n % 7},{3 * n + n % 5}\n" for n in range(40))
NUMBERS = "[class*=st-key-numbers_]"


def choose(page, label, option):
    page.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=option, exact=True).click()


def upload(page, area, path):
    with page.expect_file_chooser() as coming:
        page.get_by_test_id(area).get_by_role("button", name="Upload", exact=True).click()
    coming.value.set_files(path)


def test_an_own_file_trains_and_its_link_needs_the_file(visit, tmp_path):
    file = tmp_path / "ages.csv"
    file.write_text(f"month,day,weight\n{ROWS}")
    page = visit("/?steps=20")
    choose(page, "Data set", "Own file")
    upload(page, "stSidebar", file)
    page.get_by_text("ages.csv: 40 rows, 3 columns").wait_for()
    settle(page)
    choose(page, "Target", "day")
    page.wait_for_url(re.compile("own=[0-9a-f]{16}_0_1_classes_ages.csv"))
    settle(page)
    ends = page.locator(NUMBERS).all_inner_texts()
    press(page, "Share")
    link = page.get_by_test_id("stPopoverBody").get_by_test_id("stCode").first.inner_text()
    other = visit(f"/?{urlsplit(link.strip()).query}", wait=False)
    main(other).get_by_text(re.compile(r"^These runs use the file ages\.csv \(hash ")).wait_for()
    assert "40 rows" not in other.locator("body").inner_text() and not other.locator(NUMBERS).count()
    upload(other, "stMain", file)
    other.get_by_text("ages.csv: 40 rows, 3 columns").wait_for()
    settle(other)
    assert other.locator(NUMBERS).all_inner_texts() == ends and len(ends) == 3
    assert page.errors == other.errors == []
