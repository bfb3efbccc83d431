"""All claims of the five course notes, note by note, in their order."""

from dataclasses import dataclass

from core.notes import bridge, losses, passes, recap, steps
from core.notes.claim import Claim


@dataclass(frozen=True)
class Note:
    """Its title, and its claims by id."""

    title: str
    claims: dict[str, Claim]


NOTES = {
    "bridge": Note("Day 05: Forward/Backward + Loss - The Learning Bridge", bridge.CLAIMS),
    "passes": Note("Forward, Loss and Backward Pass", passes.CLAIMS),
    "losses": Note("Loss Functions & The Training Loop", losses.CLAIMS),
    "recap": Note("RECAP", recap.CLAIMS),
    "steps": Note("Detailed Explanation of the Training Loop Steps", steps.CLAIMS),
}

CLAIMS = {name: claim for note in NOTES.values() for name, claim in note.claims.items()}
