"""Words are explained by what the app applies: thresholds, lines, limits."""

import re

import pytest

from core import curvature, verdict
from core.data import DATASETS
from core.lines import LINES, USUAL
from core.start.glossary import TERMS, VERDICTS
from pages._ui.shared import explain


def test_every_verdict_has_its_rule():
    assert set(verdict.WORDS) == set(VERDICTS) <= TERMS.keys()


@pytest.mark.parametrize("name", TERMS)
def test_an_explanation_is_short(name):
    text = TERMS[name].text
    assert text.endswith(".") and len(text) < 420
    assert explain.words(name) == f"**{TERMS[name].title}**: {text}"


def test_every_verdict_is_explained_by_its_own_rule():
    assert {word: TERMS[word].text for word in VERDICTS} == verdict.RULES
    assert [*VERDICTS] == [*verdict.WORDS]


def test_letters_are_those_of_the_lines():
    for name in USUAL:
        assert f"{LINES[name].letter} is `{LINES[name].text}`" in TERMS["letters"].text


def test_limits_are_those_that_are_computed():
    said = {"usual": "2/λ for the usual", "stale": "1/λ on the gradient", "skipped": "4/λ without"}
    for name, limit in curvature.limits(1.0).items():
        assert f"{limit:g}/λ" == said[name].split()[0] and said[name] in TERMS["limit"].text


def test_data_that_stay_as_they_are_are_named():
    raw = [row.title for row in DATASETS.values() if row.scale == "raw"]
    assert f"{' and '.join(raw)} stay as they are" in TERMS["standardized"].text
    assert all(DATASETS[name].targets == "minutes" for name in DATASETS if DATASETS[name].scale == "raw")
    assert re.search("squared minutes", TERMS["standardized"].text)
