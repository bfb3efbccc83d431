"""One's own loop on the Compare page: uploaded, shown beside the runs, refused with a sentence, removed."""

import json

import pytest

from core.own.recording import MAX_BYTES
from tests.helpers.app import address, charts, opened, sound, texts
from tests.helpers.own_loops import skipped

SKIPPED = "zero_grad was never called: .grad is the sum of 30 batches."


def upload(app, data, name="run.json"):
    (uploader,) = app.get("file_uploader")
    return sound(uploader.set_value((name, data, "application/json")).run())


def curves(app):
    return next(frame for spec, frame in charts(app) if "l0" in frame)


def press(app, label):
    return sound(next(button for button in app.main.button if button.label == label).click().run())


def test_a_recording_is_a_run_beside_the_others_and_names_its_line():
    app = opened("compare")
    before = address(app)
    assert SKIPPED not in texts(app) and "l3" not in curves(app)
    upload(app, skipped())
    said = texts(app)
    assert "Your own loop" in said and SKIPPED in said
    frame = curves(app)
    assert frame["l3"].notna().sum() == 30 and {"l0", "l1", "l2"} <= set(frame)
    assert any({"fresh", "leftover", "grad"} <= set(bars) for _, bars in charts(app))
    links = [link for link in app.get("page_link") if "zero_grad is never called" in link.proto.label]
    assert links and "trap=skipped" in links[0].proto.query_string
    assert address(app) == before  # the link says nothing of it


def test_what_cannot_be_read_gets_a_sentence_and_what_was_there_stays():
    app = opened("compare")
    upload(app, skipped())
    upload(app, b"\x80\x04 no JSON")
    assert app.warning[0].value.startswith("The file must be") and ".grad is the sum of 30 batches" in texts(
        app
    )
    upload(app, skipped())
    assert not app.warning


def test_a_file_that_is_too_large_is_refused_before_it_is_read():
    app = opened("compare")
    upload(app, b"[" * (MAX_BYTES + 1))
    assert "at most 1.0 MiB" in app.warning[0].value


def test_a_name_that_is_markup_or_a_formula_is_drawn_as_it_is():
    app = opened("compare")
    upload(app, skipped("=HYPERLINK(1)"))
    assert not app.warning and "=HYPERLINK" not in json.dumps(address(app))
    upload(app, skipped("![x](http://x.example)"))
    assert "must be a name" in app.warning[0].value and "http://" not in app.warning[0].value


def test_the_recording_is_removed_and_can_be_uploaded_again():
    app = opened("compare")
    upload(app, skipped())
    press(app, "Remove your own loop")
    assert "l3" not in curves(app) and ".grad is the sum of" not in texts(app)
    upload(app, skipped())
    assert "l3" in curves(app)


def test_another_session_sees_nothing_of_it():
    upload(opened("compare"), skipped())
    assert "l3" not in curves(opened("compare"))


def test_where_the_curves_are_full_it_is_said():
    runs = ["lr~x5", "lr~x0.1", "optimizer~adam", "seed~1", "loop~FLBS"]
    app = opened("compare", run=runs, steps="20")
    upload(app, skipped())
    assert "room for 6 runs" in texts(app) and "l6" not in curves(app)


@pytest.mark.parametrize("show", ["lr", "update_ratio", "leftover_norm"])
def test_it_is_in_every_quantity_of_the_curves(show):
    app = opened("compare", show=show, steps="40")
    upload(app, skipped())
    assert curves(app)["g3"].notna().any() or show == "leftover_norm"
