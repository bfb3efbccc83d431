"""How runs and verdicts look in text: the same colour, badge and name everywhere."""

from core.verdict import WORDS

COLOURS = ["blue", "orange", "violet", "green", "red", "yellow"]  # as chartCategoricalColors
WORD_COLOURS = {
    "learns": "green",
    "slow": "gray",
    "stuck": "gray",
    "bounces": "orange",
    "oscillates": "orange",
    "diverged": "red",
    "raised": "red",
}


def dot(index: int) -> str:
    return f":{COLOURS[index]}[●]"


def badge(word: str) -> str:
    return f":{WORD_COLOURS[word]}-badge[{WORDS[word]} {word.capitalize()}]"
