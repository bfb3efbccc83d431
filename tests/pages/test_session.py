"""What is written to the address, and when. Outside an app, there is one session state for all."""

import pytest
import streamlit as st

from pages._ui.shared import session


class Browser(dict):
    """The address that the browser has sent, and those that were written to it since."""

    def __init__(self):
        super().__init__()
        self.written = []

    def get_all(self, name):
        return self[name]

    def from_dict(self, params):
        self.written.append(params)


@pytest.fixture
def browser(monkeypatch):
    browser = Browser()
    st.session_state.clear()
    monkeypatch.setattr(st, "query_params", browser)
    yield browser
    st.session_state.clear()


def test_an_address_is_written_once(browser):
    session.write_address({"lr": ["1"]})
    browser["lr"] = ["1"]  # it has it
    session.write_address({"lr": ["1"]})
    assert browser.written == [{"lr": ["1"]}]


def test_a_choice_that_is_taken_back_at_once_is_written_though_the_browser_has_sent_that(browser):
    """It will have the one before in a moment, which is on its way."""
    session.write_address({"loop": ["FLBS"]})
    session.write_address({})
    assert browser.written == [{"loop": ["FLBS"]}, {}]


def test_an_address_whose_writing_was_interrupted_is_written_again(browser, monkeypatch):
    class EndedError(BaseException):
        """As Streamlit ends a run of a page."""

    def ends(params):
        raise EndedError

    session.write_address({"lr": ["1"]})
    with monkeypatch.context() as patch, pytest.raises(EndedError):
        patch.setattr(browser, "from_dict", ends)
        session.write_address({})
    session.write_address({})
    assert browser.written == [{"lr": ["1"]}, {}]
    assert {} in st.session_state.behind and {"lr": ["1"]} in st.session_state.behind
