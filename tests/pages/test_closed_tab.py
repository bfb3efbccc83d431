"""A tab that is closed while its page trains: Streamlit asks the page to stop, and the training ends."""

import pytest
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from core import Run
from core.stacked.stack import Stack
from pages._ui.shared.locks import SLOT
from tests.helpers.app import APP

LOOPS = {"compare": Run, "sweep": Stack, "traps": Run}  # page -> what it trains
SLICES = 3  # that may still begin: one for each run of a first comparison


@pytest.mark.parametrize("page", LOOPS)
def test_no_more_than_a_round_of_slices_is_trained_for_it(page, monkeypatch):
    advance, slices = LOOPS[page].advance, []

    def closed(loop, *args, **kwargs):
        slices.append(loop)
        get_script_run_ctx().script_requests.request_stop()
        return advance(loop, 1)

    monkeypatch.setattr(LOOPS[page], "advance", closed)
    app = AppTest.from_file(APP, default_timeout=120)
    if page != "compare":
        app.switch_page(f"pages/{page}.py")
    app.query_params["lr"] = "0.0123"  # that no other test has left in the cache
    app.run()
    assert 1 <= len(slices) <= SLICES
    assert not SLOT.taken and not app.exception
