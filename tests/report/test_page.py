"""The report: all of the comparison is in it, and nothing that is markup of others or needs the network."""

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from core import charts
from core.report import vega
from core.report.page import Card, page

EVIL = '</script><img src=x onerror=alert(1)> <!-- & "quotes" `code`'
SPEC = charts.curves_spec((EVIL,), ("Loss", "Gradient"), (True, True), (None, None), (0.0, 2.0), 900, True)
FRAME = pd.DataFrame({"step": [0.0, 1.0, 2.0], "l0": [0.1, float("nan"), 0.3]})
LINK = "http://localhost:8501/?lr=1&x=<y>"
CARD = Card(EVIL, "#3B6EF5", "learns", f"Loss 1. `x = 1` {EVIL}", ["a = 1", "b < 2"], [2], {"last": "0.3"})


class Outline(HTMLParser):
    """Elements and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.scripts, self._in = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._in.append(tag)

    def handle_endtag(self, tag):
        while self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data):
        (self.scripts if self._in and self._in[-1] == "script" else self.texts).append(data)


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(vega, "bundle", lambda: "var vegaEmbed = () => 0;")
    return page("A title", LINK, ["Moons", EVIL], [CARD], SPEC, FRAME, ["#3B6EF5"])


def test_texts_are_texts(made):
    found = Outline(made)
    assert not [tag for tag, _ in found.tags if tag in ("img", "a", "link", "iframe")]
    assert sum(tag == "script" for tag, _ in found.tags) == 2
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on") or name == "src"]
    said = "".join(found.texts)
    assert said.count(EVIL) >= 3  # among the facts, above its card and its code
    assert LINK in said and "b < 2" in said
    marked = re.findall("<mark>(.*?)</mark>", made)
    assert marked == ["b &lt; 2"] and "<code>x = 1</code>" in made


def test_the_curves_are_those_of_the_app_with_their_numbers(made):
    (call,) = [text for text in Outline(made).scripts if text.startswith("vegaEmbed")]
    spec, at = json.JSONDecoder().raw_decode(call[call.index("{") :])
    options, _ = json.JSONDecoder().raw_decode(call[call.index("{") + at + 2 :])
    assert [row["step"] for row in spec["data"]["values"]] == [0.0, 1.0, 2.0]
    assert [row["l0"] for row in spec["data"]["values"]] == [0.1, None, 0.3]
    assert spec["hconcat"] == json.loads(json.dumps(SPEC["hconcat"]))
    assert options["actions"]["export"] and options["scaleFactor"] == 2


def test_the_javascript_is_all_there_and_asked_for_once(monkeypatch):
    pytest.importorskip("vl_convert", reason="vl-convert is not installed")
    found = vega.bundle()
    assert len(found) > 500_000 and "vegaEmbed" in found and "</script" not in found
    monkeypatch.setattr(vega, "_ask", lambda: pytest.fail("asked again"))
    assert vega.bundle() is found


def test_without_the_library_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(vega, "_ASK", "raise SystemExit(1)")
    with pytest.raises(RuntimeError, match="vl-convert does not give"):
        vega._ask()
