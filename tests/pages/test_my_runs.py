"""A comparison is saved, taken away in a file, and brought back in another session."""

import json

import pytest

from core.start.my_runs import FORMAT, text
from tests.helpers.app import address, opened, press, sound, texts
from tests.helpers.own_loops import skipped

PARAMS = {"lr": "0.3", "steps": "20", "run": ["lr~x5", "loop~FLBS"], "scale": "linear"}


def save():
    return press(opened("compare", **PARAMS), "Save")


def shelf(app):
    """The same session at My runs."""
    app.switch_page("pages/start.py")
    app.query_params.clear()
    app.query_params["view"] = "runs"
    return sound(app.run())


def file_of(app):
    (found,) = [button for button in app.get("download_button") if button.label == "my-runs.json"]
    return found


def upload(app, data, name="my-runs.json"):
    (uploader,) = app.get("file_uploader")
    return sound(uploader.set_value((name, data, "application/json")).run())


def saved(app):
    return text(app.session_state.my_runs).encode()


def test_what_is_kept_is_listed_with_its_settings_and_ends():
    app = shelf(save())
    said = texts(app)
    assert "learning rate 0.3" in said and "20 steps" in said and "No zero_grad" in said
    assert file_of(app)


def test_a_saved_comparison_is_the_same_to_the_last_bit_as_long_as_nothing_changes():
    app = save()
    (button,) = [button for button in app.main.button if button.label == "Saved"]
    assert button.disabled and "ends the same, to the last bit" in button.help
    assert not app.warning


def test_another_session_opens_it_with_the_view_that_was_kept():
    data = saved(save())
    app = upload(shelf(opened("compare", steps="10")), data)
    press(app, "Open")
    given = address(app)
    assert {name: given[name] for name in ("lr", "steps", "scale")} == {
        "lr": "0.3",
        "steps": "20",
        "scale": "linear",
    }
    assert app.session_state.comparison.to_params()["run"] == PARAMS["run"]
    assert any(button.label == "Saved" for button in app.main.button) and not app.warning


def test_a_run_that_ends_otherwise_than_then_is_said():
    contents = json.loads(saved(save()))
    contents["entries"][0]["runs"][1] |= {"loss": 0.123, "verdict": "learns"}
    app = upload(shelf(opened("compare", steps="10")), json.dumps(contents).encode())
    press(app, "Open")
    (said,) = [warning.value for warning in app.warning]
    assert said.startswith("Learning rate × 5 ends otherwise") and "learns, loss 0.123" in said
    assert any(button.label == "Save" for button in app.main.button)


def test_the_recording_of_ones_own_loop_comes_back_with_it():
    app = opened("compare", **PARAMS)
    upload(app, skipped(), "run.json")
    data = saved(press(app, "Save"))
    app = press(upload(shelf(opened("compare", steps="10")), data), "Open")
    assert "zero_grad was never called: .grad is the sum of 30 batches." in texts(app)


def test_one_is_removed_and_brought_back():
    app = shelf(save())
    data = saved(app)
    press(app, next(b.label for b in app.main.button if b.label.startswith("Remove what was saved")))
    assert "Nothing is saved yet." in texts(app)
    upload(app, data)
    assert "learning rate 0.3" in texts(app)


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01", b"{}", json.dumps({"format": FORMAT, "entries": [{"address": "<img>"}]}).encode()],
)
def test_a_file_of_another_making_gets_a_sentence_and_what_was_kept_stays(data):
    app = upload(shelf(save()), data)
    assert len(app.warning) == 1 and "learning rate 0.3" in texts(app)


def test_another_session_sees_nothing_of_it():
    save()
    assert "Nothing is saved yet." in texts(shelf(opened("compare", steps="10")))
