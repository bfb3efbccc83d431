"""What all tests share."""

import pytest
from streamlit import config


@pytest.fixture(autouse=True)
def whole_messages():
    """The app hides error details from visitors; a test that fails should show them."""
    before = config.get_option("client.showErrorDetails")
    config.set_option("client.showErrorDetails", "full")
    yield
    config.set_option("client.showErrorDetails", before)
