"""How runs and verdicts look in text: the same colour, badge and name everywhere."""

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


def dot(index: int) -> str:
    return f":{COLOURS[index]}[●]"


def badge(word: str) -> str:
    return f":{WORD_COLOURS[word]}-badge[{WORDS[word]} {word.capitalize()}]"


def judgement_icon(word: str) -> str:
    return JUDGEMENT_LOOKS[word][1]


def judgement(word: str) -> str:
    return f":{JUDGEMENT_LOOKS[word][0]}-badge[:material/{judgement_icon(word)}: {word.capitalize()}]"
