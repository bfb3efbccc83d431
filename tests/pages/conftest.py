"""What tests of several pages share."""

import pytest

from pages._ui.watch import body


@pytest.fixture
def all_panels(monkeypatch):
    """The Watch page draws all its panels, one below the other: each run of the page tests them all."""

    def draw(held, device):
        for _, panel in body.PANELS.values():
            panel(held, device)

    monkeypatch.setattr(body, "_panel", draw)
