"""What a stop may open: the tables are those of the pages, and nothing that a page would ignore passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import Config
from core.start.address import MAX_FIELDS, PAGES, PANELS, SWEEP_LOOKS, VIEWS, Address, address, read_address
from core.sweep.sweep import OWN
from pages._ui.autograd import after_line, editor
from pages._ui.losses import cross_entropy, one, outlier, softmax_twice, stability, which
from pages._ui.notes import claims
from pages._ui.sweep import session as sweep
from pages._ui.traps import accumulation, diagnosis, mistakes, momentum, orders
from pages._ui.watch import body
from tests.helpers.addresses import OWN as FIELDS_OF_PAGES
from tests.helpers.addresses import addresses

PANELS_OF = {
    ("traps", "traps"): [mistakes],
    ("traps", "orders"): [orders],
    ("traps", "momentum"): [momentum],
    ("traps", "accumulation"): [accumulation],
    ("traps", "diagnosis"): [diagnosis],
    ("losses", "one"): [one],
    ("losses", "cross_entropy"): [cross_entropy],
    ("losses", "softmax"): [softmax_twice],
    ("losses", "outlier"): [outlier],
    ("losses", "stability"): [stability],
    ("losses", "which"): [which],
    ("autograd", ""): [editor, after_line],
    ("notes", ""): [claims],
}


def test_fields_are_those_of_the_pages():
    assert {(page, view) for page, views in VIEWS.items() for view in views} == PANELS_OF.keys()
    for (page, view), panels in PANELS_OF.items():
        assert list(VIEWS[page][view]) == [field for panel in panels for field in panel.FIELDS]
    assert tuple(body.PANELS) == PANELS
    assert (*OWN, *SWEEP_LOOKS) == sweep.FIELDS
    assert SWEEP_LOOKS["along"] == tuple(sweep.ALONG)
    assert VIEWS["traps"]["orders"]["model"] == tuple(orders.MODELS)
    assert VIEWS["traps"]["momentum"]["on"] == tuple(momentum.SETTINGS)
    assert PAGES.keys() == FIELDS_OF_PAGES.keys() - {"start"}


@pytest.mark.parametrize("text", [
    "elsewhere",
    "start",
    "compare?color=red",
    "compare?lr=nan",
    "compare?scale=cubic",
    "compare?zoom=5..5",
    "compare?hide=6",
    "compare?pin=1&pin=2",
    "watch?scale=linear",
    "compare?lr=1&lr=2",
    "watch?at=3",
    "watch?steps=2&at=3.0",
    "watch?look=inside",
    "sweep?x=lr&y=lr",
    "sweep?measure=weight",
    "sweep?along=both",
    "sweep?goal=low",
    "traps?view=all",
    "traps?trap=none_of_that_name",
    "traps?view=orders&trap=skipped",
    "traps?view=orders&loop=ZZ",
    "traps?view=diagnosis&series=10000",
    "traps?view=diagnosis&series=٣",
    "losses?view=one&view=which",
    "losses?loss=mean",
    "autograd?example=six",
    "notes?judgement=good",
    "notes?" + "&".join(f"f{number}=1" for number in range(MAX_FIELDS + 1)),
    "http://[broken",
])  # fmt: skip
def test_what_a_page_would_ignore_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError) as error:
        read_address(text)
    assert len(str(error.value)) < 400 and not set(str(error.value)) & set("<>`[]")


@pytest.mark.parametrize("text, page, fields", [
    ("watch?lr=0.5&at=3.2", "watch", {"lr": ["0.5"], "at": ["3.2"]}),
    (" https://lab.example.org:8501/sweep?y=loss ", "sweep", {"y": ["loss"]}),
    ("http://localhost:8501/", "compare", {}),
    ("http://localhost:8501/?run=lr~2&run=lr~3", "compare", {"run": ["lr~2", "lr~3"]}),
    ("https://lab.example.org/base/traps?trap=stale", "traps", {"trap": ["stale"]}),
    ("losses?y=-10", "losses", {"y": ["-10"]}),  # the view that has it
])  # fmt: skip
def test_an_address_is_read_as_it_is_copied_from_anywhere(text, page, fields):
    assert read_address(text) == Address(page, fields)


def test_fields_that_belong_to_the_frame_can_be_left_out():
    text = "traps?trap=stale&path=first&stop=2"
    with pytest.raises(ValueError, match="there is no field 'path'"):
        read_address(text)
    assert read_address(text, ("path", "stop")).fields == {"trap": ["stale"]}


@given(st.sampled_from(sorted(PAGES)).flatmap(lambda page: st.tuples(st.just(page), addresses(page))))
def test_an_address_that_can_be_made_is_read_from_its_text(given):
    page, fields = given
    try:
        made = Address(page, fields)
    except ValueError as error:
        assert len(str(error)) < 2000
        return
    assert read_address(made.text()) == made


def test_a_config_gives_single_texts():
    assert address("compare", Config(lr=0.25).to_params()).text() == "compare?lr=0.25"


def test_what_is_looked_at_on_compare_may_be_in_the_address_of_a_view():
    """As the browser has it after a few clicks there."""
    text = "compare?lr=0.1&curve=val_loss&scale=linear&smooth=0.9&pin=20&zoom=5..90&fit=10&hide=0.2"
    assert read_address(text).text() == text
