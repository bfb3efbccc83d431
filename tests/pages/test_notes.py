"""The page "The notes, checked" through app.py, without a browser: its filter, its links, and bad ones."""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from core.notes.notes import CLAIMS, NOTES
from pages._ui.notes import claims
from pages._ui.notes.claims import AT_ONCE
from tests.helpers.app import opened as open_page
from tests.helpers.app import sound

COUNTS = Counter(claim.judgement for claim in CLAIMS.values())


opened = partial(open_page, "notes")


def quotes(app):
    return [heading.value.strip("“”") for heading in app.main.subheader]


def words_of(names):
    return [CLAIMS[name].words for name in names]


def pills(app):
    return app.main.button_group(key="claims_judgement")


def test_a_first_visitor_sees_counts_and_the_first_claims_with_their_lines():
    app = opened()
    assert app.title[0].value == "The notes, checked"
    assert [option.split(": ")[-1] for option in pills(app).options] == [
        f"All {len(CLAIMS)}",
        *(f"{word.capitalize()} {COUNTS[word]}" for word in ("holds", "imprecise", "wrong")),
    ]
    assert quotes(app) == words_of(list(CLAIMS)[:AT_ONCE])
    first = next(iter(CLAIMS.values()))
    assert any(first.why in text.value for text in app.main.markdown)
    code = [element.value for element in app.main.code]
    assert first.source.strip() in code
    assert any("last loss: 0.02541" in text for text in code)
    assert not app.warning and not app.query_params


@pytest.mark.parametrize("word", COUNTS)
def test_a_judgement_is_chosen_and_linked(word):
    app = opened()
    sound(pills(app).set_value(word).run())
    expected = words_of(name for name, claim in CLAIMS.items() if claim.judgement == word)[:AT_ONCE]
    assert quotes(app) == expected
    assert app.query_params["judgement"] in (word, [word])
    assert quotes(opened(judgement=word)) == expected


def test_a_note_is_chosen_and_its_counts_are_its_own():
    app = opened(note="recap")
    assert quotes(app) == words_of(NOTES["recap"].claims)
    assert [header.value for header in app.main.header] == ["RECAP"]
    assert pills(app).options[0] == f"All {len(NOTES['recap'].claims)}"
    sound(app.main.selectbox[0].set_value("all").run())
    assert len(quotes(app)) == AT_ONCE
    assert "note" not in app.query_params


def test_a_click_draws_more_and_a_link_as_many():
    app = opened()
    sound(app.main.button[0].click().run())
    assert quotes(app) == words_of(list(CLAIMS)[: 2 * AT_ONCE])
    assert app.query_params["upto"] in (str(2 * AT_ONCE), [str(2 * AT_ONCE)])
    sound(pills(app).set_value("holds").run())  # every filter has its own count
    assert "upto" not in app.query_params
    assert len(quotes(app)) == AT_ONCE


def test_all_claims_are_there_in_the_notes_order():
    app = opened(upto=str(-(-len(CLAIMS) // AT_ONCE) * AT_ONCE))
    assert quotes(app) == words_of(CLAIMS)
    assert [header.value for header in app.main.header] == [note.title for note in NOTES.values()]
    assert [button.key for button in app.main.button] == ["add_view"]  # none for more claims
    assert not app.warning


def test_all_lines_open_at_once_and_a_link_keeps_them_open():
    app = opened(judgement="wrong")
    assert not any(expander.proto.expanded for expander in app.main.expander)
    sound(app.main.toggle[0].set_value(True).run())
    assert all(expander.proto.expanded for expander in app.main.expander)
    assert app.query_params["lines"] in ("shown", ["shown"])
    assert all(expander.proto.expanded for expander in opened(judgement="wrong", lines="shown").main.expander)


def test_a_note_without_a_judgement_says_so():
    app = opened(note="losses", judgement="wrong")
    assert not quotes(app)
    assert app.main.info[0].value == "No claim here was judged this way."


HOSTILE = [
    ({"judgement": "<script>"}, ["judgement"]),
    ({"note": "../../etc/passwd"}, ["note"]),
    ({"upto": "0"}, ["upto"]),
    ({"upto": "1e9"}, ["upto"]),
    ({"upto": "２０"}, ["upto"]),
    ({"upto": "999999999", "lines": "x" * 5000}, ["lines", "upto"]),
]


@pytest.mark.parametrize(("params", "ignored"), HOSTILE)
def test_bad_values_get_a_sentence(params, ignored):
    app = opened(**params)
    assert [w.value for w in app.warning] == [f"Ignored in this link: its {field}." for field in ignored]
    assert len(quotes(app)) == AT_ONCE


def test_an_unknown_field_is_said():
    app = opened(foo="1", judgement="wrong")
    assert [w.value for w in app.warning] == ["Ignored in this link: 1 unknown field."]
    assert len(quotes(app)) == COUNTS["wrong"]


@pytest.fixture
def other_pytorch(monkeypatch):
    """What the page would show if PyTorch gave something else than a judgement rests on."""
    claims._answers.clear()
    claim = CLAIMS["target_view"]
    monkeypatch.setitem(CLAIMS, "target_view", replace(claim, rests_on=lambda values: False))
    yield
    claims._answers.clear()


def test_a_judgement_that_no_longer_stands_is_not_shown(other_pytorch):
    app = opened(note="recap")
    assert "Wrong 0" in pills(app).options[-2] and "Open 1" in pills(app).options[-1]
    sound(pills(app).set_value("open").run())
    assert quotes(app) == words_of(["target_view"])
    shown = "\n".join(text.value for text in app.main.markdown)
    assert "this PyTorch does not give the values that the judgment rests on" in shown
    assert "-badge[:material/cancel: Wrong]" not in shown
    assert CLAIMS["target_view"].why not in shown


def test_its_choices_outlive_a_visit_to_another_page():
    app = opened(judgement="imprecise", note="steps")
    app.query_params.clear()
    app.switch_page("pages/traps.py")
    sound(app.run())
    app.query_params.clear()
    app.switch_page("pages/notes.py")
    sound(app.run())
    assert app.query_params["note"] in ("steps", ["steps"])
    assert quotes(app) == words_of(n for n, c in NOTES["steps"].claims.items() if c.judgement == "imprecise")
