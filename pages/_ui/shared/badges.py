"""How runs and verdicts look in text: the same color, badge, and name everywhere."""

import re

from core.verdict import WORDS
from core.words import JOINER

# On a light page, on a dark one: color of a run's curves by its place, as chartCategoricalColors.
RUNS = [
    ("#3B6EF5", "#7C9BFF"),
    ("#E8590C", "#FF922B"),
    ("#9C36B5", "#D58BF0"),
    ("#0C8599", "#3BC9DB"),
    ("#D6336C", "#F783AC"),
    ("#8F6B00", "#E9C46A"),
]
WORD_COLORS = {
    "learns": "green",
    "slow": "gray",
    "stuck": "gray",
    "rebounds": "orange",
    "oscillates": "orange",
    "diverged": "red",
    "raised": "red",
}

JUDGEMENT_LOOKS = {  # judgement on a claim -> color, icon
    "holds": ("green", "check_circle"),
    "imprecise": ("orange", "adjust"),
    "wrong": ("red", "cancel"),
    "open": ("gray", "help"),
}


MARKUP = re.compile(r"[\\`*\[\]{}<>$~#|!&]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
# Streamlit turns text into links, icons and emojis even where it is escaped.
REPLACED = re.compile(r"(?<=www)(?=\.)|(?<=http)(?=s?://)|(?=@)|(?<=:)(?=\S)", re.IGNORECASE)


def plain(text: str) -> str:
    """Markdown that shows this text verbatim: for any name, value or sentence a link may have supplied."""
    return REPLACED.sub(JOINER, MARKUP.sub(r"\\\g<0>", text))


def dot(place: int) -> str:
    """A run's dot. Its color is that on a light page, from which `style` makes the one on a dark page.

    Streamlit's own colors of text are darker or paler than those of its charts.
    """
    return f':color[●]{{foreground="{RUNS[place][0]}"}}'


def badge(word: str) -> str:
    return f":{WORD_COLORS[word]}-badge[{WORDS[word]} {word.capitalize()}]"


def judgement_icon(word: str) -> str:
    return JUDGEMENT_LOOKS[word][1]


def judgement(word: str) -> str:
    return f":{JUDGEMENT_LOOKS[word][0]}-badge[:material/{judgement_icon(word)}: {word.capitalize()}]"
