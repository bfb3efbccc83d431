"""That new code on the disk beside old modules in memory is said."""

import logging

import pytest

from pages._ui.shared import changed
from tests.helpers.app import opened


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of its own, which this process has imported as it is."""
    for folder in changed.FOLDERS:
        (tmp_path / folder / "inner").mkdir(parents=True)
        (tmp_path / folder / "inner" / "one.py").write_text("")
    monkeypatch.setattr(changed, "ROOT", tmp_path)
    monkeypatch.setattr(changed, "AGAIN_S", -1.0)
    monkeypatch.setattr(changed, "_begun", changed.stamp())
    monkeypatch.setattr(changed, "_changed", False)
    return tmp_path


def said(app):
    return [one.value for one in app.warning] == [changed.SENTENCE]


@pytest.mark.parametrize("how", ["changed", "added", "removed"])
def test_a_file_that_is_another_one_now_is_said_on_every_page_and_once_in_the_log(how, project, caplog):
    app = opened("notes")
    assert not app.warning
    file = project / "core" / "inner" / ("two.py" if how == "added" else "one.py")
    file.unlink() if how == "removed" else file.write_text("new = True")
    with caplog.at_level(logging.WARNING, logger="looplab"):
        assert said(app.run()) and said(opened("notes"))
    assert [record.message for record in caplog.records if record.name == "looplab"] == [changed.SENTENCE]


def test_what_is_read_anew_each_time_does_not_count(project):
    (project / "pages" / "compare.py").write_text("new = True")
    (project / "core" / "notes.txt").write_text("new")
    assert not opened("notes").warning
