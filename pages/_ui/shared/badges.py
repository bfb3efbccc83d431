"""How runs and verdicts look in text: the same color, badge, and name everywhere."""

import re

from core.verdict import WORDS

COLOURS = ["blue", "orange", "violet", "green", "red", "yellow"]  # as chartCategoricalColors
WORD_COLOURS = {
    "learns": "green",
    "slow": "gray",
    "stuck": "gray",
    "rebounds": "orange",
    "oscillates": "orange",
    "diverged": "red",
    "raised": "red",
}

JUDGEMENT_LOOKS = {  # judgement on a claim -> colour, icon
    "holds": ("green", "check_circle"),
    "imprecise": ("orange", "adjust"),
    "wrong": ("red", "cancel"),
    "open": ("gray", "help"),
}


MARKUP = re.compile(r"[\\`*\[\]{}<>$~#|!&]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
# Streamlit turns text into links, icons and emojis even where it is escaped.
REPLACED = re.compile(r"(?<=www)(?=\.)|(?<=http)(?=s?://)|(?=@)|(?<=:)(?=\S)", re.IGNORECASE)
JOINER = "\u2060"  # of no width


def plain(text: str) -> str:
    """Markdown that shows this text verbatim: for any name, value or sentence a link may have supplied."""
    return REPLACED.sub(JOINER, MARKUP.sub(r"\\\g<0>", text))


def dot(index: int) -> str:
    return f":{COLOURS[index]}[●]"


def badge(word: str) -> str:
    return f":{WORD_COLOURS[word]}-badge[{WORDS[word]} {word.capitalize()}]"


def judgement_icon(word: str) -> str:
    return JUDGEMENT_LOOKS[word][1]


def judgement(word: str) -> str:
    return f":{JUDGEMENT_LOOKS[word][0]}-badge[:material/{judgement_icon(word)}: {word.capitalize()}]"
