"""Start here, and the strip above every page while a session is on a path."""

from urllib.parse import urlencode

import pytest
from streamlit.testing.v1 import AppTest

from core.start.glossary import TERMS
from core.start.path import FIRST, MAX_STOPS
from core.start.stops import STOPS
from core.start.symptoms import SYMPTOMS
from core.traps.table import TRAPS
from core.verdict import RULES
from pages._ui.start.sequence import TEXT
from tests.helpers.addresses import HOST, MARKUP
from tests.helpers.app import APP, sound, texts, widget

SEQUENCE = ("losses?view=outlier&y=-10", "notes?judgement=wrong", "losses?view=outlier&y=10")


def opened(page="compare", **params):
    """The app as somebody sees it who opens this address."""
    app = AppTest.from_file(APP, default_timeout=120)
    for name, text in params.items():
        app.query_params[name] = text
    if page != "compare":
        app.switch_page(f"pages/{page}.py")
    sound(app.run())
    app._page_hash = ""  # from here on the app leads, as in a browser
    return app


def labels(app):
    return [button.label for button in app.main.button]


def press(app, label):
    (button,) = [button for button in app.main.button if button.label == label]
    return sound(button.click().run())


def address(app):
    """Name -> texts, as a browser has them."""
    given = app.query_params
    return {name: [given[name]] if isinstance(given[name], str) else given[name] for name in given}


def at(app):
    """Number of the stop that the strip shows."""
    return int(address(app)["stop"][0])


# -- the path ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(STOPS)))
def test_a_stop_asks_then_opens_its_view_and_the_page_ignores_nothing(number):
    stop = STOPS[number]
    app = opened("start", path=FIRST, stop=str(number + 1))
    assert (
        address(app) == {**stop.address.fields, "path": [FIRST], "stop": [str(number + 1)]}
        or not stop.answers
    )
    assert f"{number + 1} of {len(STOPS)}" in app.main.markdown[0].value
    assert stop.question in app.main.markdown[0].value
    if stop.answers:
        assert not app.title and stop.sentence not in texts(app)  # no view yet
        press(app, stop.right)
        assert "Right." in texts(app)
    assert app.title and stop.sentence in texts(app)
    assert not app.warning
    assert address(app)["path"] == [FIRST] and at(app) == number + 1


def test_a_wrong_guess_is_told_and_no_guess_is_no_guess():
    app = opened("start", path=FIRST, stop="1")
    press(app, "The loss")
    assert "Not this time." in texts(app) and STOPS[0].sentence in texts(app)
    app = opened("start", path=FIRST, stop="1")
    press(app, "Show me")
    assert "Not this time." not in texts(app) and "Right." not in texts(app)
    assert STOPS[0].sentence in texts(app)


def test_a_path_is_walked_from_start_to_finish_and_what_was_seen_is_marked():
    app = opened("start")
    assert f"0 of {len(STOPS)} seen" in texts(app)
    press(app, "Begin")
    for number, stop in enumerate(STOPS, 1):
        assert at(app) == number
        press(app, "Show me") if stop.answers else None
        press(app, "Next" if number < len(STOPS) else "Finish")
    assert address(app) == {"view": ["path"]}
    assert f"{len(STOPS)} of {len(STOPS)} seen" in texts(app) and "Begin again" in labels(app)


def test_back_shows_a_stop_as_it_was_though_its_page_has_moved_on():
    """Stops 1 and 3 are both on Watch."""
    app = opened("start", path=FIRST, stop="1")
    press(app, "Show me")
    press(app, "Next line")  # the view is moved
    assert address(app)["at"] == ["1.0"] and at(app) == 1
    press(app, "Next")
    press(app, "Next")
    press(app, "Show me")
    assert address(app)["at"] == ["8.0"]
    press(app, "Back")
    press(app, "Back")
    assert address(app)["at"] == ["0.4"] and at(app) == 1
    assert STOPS[0].sentence in texts(app)  # and what was told stays told


def test_an_answered_stop_can_be_reloaded():
    app = opened("start", path=FIRST, stop="5")
    press(app, "Show me")
    again = opened("losses", **address(app))
    assert STOPS[4].question in again.main.markdown[0].value
    press(again, "Show me")
    assert address(again) == address(app) and not again.warning


def test_another_page_keeps_the_path_and_a_way_back():
    app = opened("notes", path=FIRST, stop="5")
    assert labels(app)[:4] == ["Back to this stop", "Back", "Next", "Leave"]
    assert app.title[0].value == "The notes, checked"
    assert address(app)["stop"] == ["5"]
    press(app, "Back to this stop")
    assert address(app)["view"] == ["softmax"]


def test_leaving_a_path_takes_it_out_of_the_address():
    app = opened("start", path=FIRST, stop="5")
    press(app, "Show me")
    press(app, "Leave")
    assert address(app) == STOPS[4].address.fields
    assert "Leave" not in labels(app)


@pytest.mark.parametrize("params, said", [
    ({"path": "elsewhere"}, "address 1: a page must be one of"),
    ({"path": FIRST, "stop": "8"}, "stop must be a whole number from 1 to 7"),
    ({"path": FIRST, "stop": MARKUP[0]}, "stop must be a whole number from 1 to 7"),
    ({"stop": "1"}, "A stop without a path is ignored"),
    ({"path": MARKUP[0], "stop": "1"}, "address 1: "),
    ({"path": ["losses"] * 21, "stop": "1"}, "1 to 20 addresses; got 21"),
    ({"path": ["autograd?text=" + "a" * 9000], "stop": "1"}, "at most 8,000 characters"),
    ({"path": [FIRST], "stop": ["1", "2"]}, "stop was given twice"),
])  # fmt: skip
@pytest.mark.parametrize("page", ["notes", "start"])
def test_a_path_that_cannot_be_is_said_and_leads_nowhere(page, params, said):
    app = opened(page, **params)
    assert len(app.warning) == 1 and said in app.warning[0].value.replace("\\", "")
    assert HOST not in app.warning[0].value
    if "twice" not in said:
        assert "path" not in app.query_params and "Leave" not in labels(app)


# -- a sequence ----------------------------------------------------------------------------


def test_a_sequence_is_put_together_sent_and_presented():
    app = opened("start", view="sequence")
    lines = "\n".join(["http://127.0.0.1:8501/losses?view=outlier&y=-10&path=first&stop=3", *SEQUENCE[1:]])
    app.text_area[0].set_value(lines).run()
    assert address(app)["path"] == list(SEQUENCE) and not app.warning
    (link,) = [code.value for code in app.code if "path=" in code.value]
    assert link.endswith(f"/start?{urlencode({'path': SEQUENCE, 'stop': ['1']}, doseq=True)}")
    again = opened("start", **address(app))  # without a stop it is there to be changed
    assert again.text_area[0].value == "\n".join(SEQUENCE) and "Present" in labels(again)
    press(again, "Present")
    presented = opened("start", path=list(SEQUENCE), stop="1")
    for shown in (again, presented):
        assert widget(shown, "losses_y").value == "-10"
        assert "1 of 3" in shown.main.markdown[0].value and not shown.warning
    press(again, "Next")
    assert again.title[0].value == "The notes, checked" and address(again)["judgement"] == ["wrong"]
    press(again, "Next")
    assert widget(again, "losses_y").value == "10" and at(again) == 3
    press(again, "Back")
    press(again, "Back")
    assert widget(again, "losses_y").value == "-10"


def test_a_presented_view_has_no_sidebar_and_one_of_the_path_keeps_it():
    assert not opened("start", path=["compare?steps=2", "losses"], stop="1").sidebar.toggle
    assert opened("start", path=["compare?steps=2", "losses"]).title
    path = opened("start", path=FIRST, stop="2")
    assert press(path, "Show me").sidebar.toggle


ADDED = "Add this view to a sequence"


def test_views_are_added_from_their_pages():
    app = opened("losses", view="outlier", y="-10")
    press(app, ADDED)
    app.switch_page("pages/compare.py")
    app.query_params.clear()
    for name, text in {"steps": "2", "pin": "1", "run": "none"}.items():
        app.query_params[name] = text
    press(sound(app.run()), ADDED)
    app.switch_page("pages/start.py")
    app.query_params.clear()
    app.query_params["view"] = "sequence"
    sound(app.run())
    assert app.text_area[0].value == "losses?view=outlier&y=-10\ncompare?steps=2&pin=1&run=none"
    assert "Present" in labels(app) and not app.warning


def test_a_sequence_takes_no_more_views_than_it_may():
    app = opened("losses", view="outlier")
    app.session_state[TEXT] = "\n".join(["losses"] * MAX_STOPS)
    press(app, ADDED)
    assert app.session_state[TEXT].count("\n") == MAX_STOPS - 1
    assert "1 to 20 addresses; got 21" in app.warning[0].value.replace("\\", "")


def test_a_view_without_fields_is_the_first_one_of_its_page():
    app = opened("start", path=["compare?lr=0.25&steps=2", "compare"], stop="1")
    assert address(app)["lr"] == ["0.25"]
    press(app, "Next")
    assert address(app) == {"path": ["compare?lr=0.25&steps=2", "compare"], "stop": ["2"]}


@pytest.mark.parametrize("text, said", [
    ("losses\nelsewhere", "address 2: a page must be one of"),
    (f"losses\n{MARKUP[0]}", "address 2: "),
    ("\n".join(["losses"] * 21), "1 to 20 addresses; got 21"),
])  # fmt: skip
def test_what_is_typed_and_wrong_gets_a_sentence_and_stays(text, said):
    app = opened("start", view="sequence")
    app.text_area[0].set_value(text).run()
    assert len(app.warning) == 1 and said in app.warning[0].value.replace("\\", "")
    assert app.text_area[0].value == text and "path" not in app.query_params and "Present" not in labels(app)
    app.text_area[0].set_value("").run()
    assert not app.warning


# -- symptoms and words --------------------------------------------------------------------


@pytest.mark.parametrize("name", SYMPTOMS)
def test_a_symptom_shows_its_causes_and_each_link_opens_a_run(name):
    app = opened("start", view="symptoms", symptom=name)
    assert not app.warning
    assert [header.value for header in app.header] == [cause.what for cause in SYMPTOMS[name].causes]
    links = [link.proto for link in app.get("page_link")]
    for link, cause in zip(links, SYMPTOMS[name].causes, strict=True):
        assert link.query_string == urlencode(cause.shown.fields, doseq=True)
        assert not cause.trap or (f"trap={cause.trap}" in link.query_string and cause.trap in TRAPS)


def test_a_symptom_that_is_none_is_said():
    app = opened("start", symptom="hiccups")
    assert len(app.warning) == 1 and "symptom must be one of" in app.warning[0].value.replace("\\", "")


def test_every_word_stands_on_the_page_of_words_and_every_verdict_with_its_rule():
    written = texts(opened("start", view="words"))
    assert all(f"{word.capitalize()}] {rule}" in written for word, rule in RULES.items())
    assert all(f"{term.title}" in written and term.text in written for term in TERMS.values())


@pytest.mark.parametrize("page, params, helps", [
    ("compare", {"steps": "2"}, ["as used", "update ratio", "logits", "the letters of an order"]),
    ("watch", {"look": "ledger", "at": "2.0", "steps": "2"}, ["leftover"]),
    ("watch", {"look": "curves", "at": "2.0", "steps": "2"}, ["as used", "standardized"]),
    ("watch", {"look": "surface", "dataset": "deliveries", "model": "linear", "at": "1.0"}, ["curvature"]),
    ("sweep", {"x": "lr~0.01~0.1", "steps": "2"}, ["curvature", "limit of stability", "standardized"]),
    ("sweep", {"x": "lr~0.01~0.1", "steps": "2", "measure": "verdict"}, ["Diverged", "Stuck"]),
    ("traps", {"view": "momentum"}, ["curvature", "update ratio"]),
    ("losses", {"view": "softmax"}, ["logits"]),
    ("losses", {"view": "cross_entropy"}, ["logits"]),
    ("losses", {"view": "one"}, ["logits"]),
])  # fmt: skip
def test_a_word_is_explained_where_it_first_appears(page, params, helps):
    app = opened(page, **params)
    kinds = (*app.main.markdown, *app.main.caption, *app.main.metric)
    found = "\n".join(one.proto.help for one in kinds)
    assert all(f"**{name}**: " in found for name in helps)


@pytest.mark.parametrize("page, params, question", [
    ("sweep", {"x": "lr~0.01~0.1", "steps": "2"}, "Up to which learning rate"),
    ("losses", {"view": "outlier"}, "Which loss goes with these targets"),
    ("traps", {"view": "orders"}, "Which orders of the five lines train?"),
])  # fmt: skip
def test_a_page_opens_with_the_question_it_answers(page, params, question):
    app = opened(page, **params)
    assert any(one.value.startswith(question) for one in [*app.main.caption, *app.main.markdown][:40])
