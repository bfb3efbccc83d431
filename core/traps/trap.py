"""Trap: a mistake as two Configs, with it and repaired.

Both share data, starting weights and batches, so whatever differs between the two runs comes from the
mistake. What the runs do is written nowhere: `core.traps.outcomes` and `core.traps.evidence` read it off
them.
"""

from dataclasses import dataclass, replace
from typing import Any

from core.config import Config
from core.lines import LINES, USUAL, from_letters, parts

GROUPS = {
    "nothing": "Nothing happens",
    "explodes": "The loss explodes or swings",
    "raises": "It raises an error",
    "fine": "It looks fine but is wrong",
}
BEFORE_LOOP = "before"
PLACES = {**{name: name for name in USUAL}, BEFORE_LOOP: "Before the loop"}


@dataclass(frozen=True)
class Trap:
    """title: as a learner would say it. group: a key of GROUPS. why: one paragraph.

    place: a key of PLACES, the line that is wrong or stands in the wrong place. first: whether it is one to
    begin with.

    notice: which number, curve, shape or message gives it away in a real script, in a sentence or two.
    evidence: keys of core.traps.evidence.EVIDENCE, what to look at. offers: keys of
    core.traps.outcomes.OUTCOMES that the learner chooses from before seeing the run.
    """

    title: str
    group: str
    wrong: Config
    right: Config
    why: str
    notice: str
    evidence: tuple[str, ...]
    offers: tuple[str, ...]
    place: str
    first: bool


def _config(choices: dict[str, Any], loop: str, **more: Any) -> Config:
    return Config(**{**choices, "loop": from_letters(loop), **more})


def _place(wrong: Config, right: Config) -> str:
    """The line that was replaced or left out; before the loop if both loops are the same."""
    if wrong.loop == right.loop:
        return BEFORE_LOOP
    replaced = [LINES[name].version_of for name in wrong.loop if name not in right.loop]
    left_out = [name for name in parts(right.loop) if name not in parts(wrong.loop)]
    found = next((name for name in (*replaced, *left_out) if name), "")
    if not found:
        raise ValueError(f"a trap that only moves or adds lines must name its place; got {wrong.loop}")
    return found


def trap(
    title: str,
    group: str,
    choices: dict[str, Any],
    loop: str,
    why: str,
    *evidence: str,
    notice: str,
    repair: str = "",
    right: dict[str, Any] | None = None,
    before: tuple[str, ...] = (),
    offers: tuple[str, ...] = ("raises", "constant", "explodes", "worse", "same"),
    place: str = "",
    first: bool = False,
) -> Trap:
    """A trap from few words.

    choices: fields of both Configs. loop: with the mistake, as in links. repair: the loop without it, the
    usual one if not given. before: lines before the loop with the mistake. right: what else the repaired
    Config has, such as its own lines before the loop. place: read off the lines, if they tell.
    """
    wrong = _config(choices, loop, before=before)
    repaired = replace(wrong, **({"before": (), "loop": from_letters(repair) or USUAL} | (right or {})))
    found = place or _place(wrong, repaired)
    return Trap(title, group, wrong, repaired, why, notice, evidence, offers, found, first)
