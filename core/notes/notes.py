"""All claims of the five course notes, note by note, in their order."""

from dataclasses import dataclass

from core.notes import (
    backward,
    bridge,
    forward,
    lessons,
    losses,
    methods,
    network,
    order,
    passes,
    recap,
    steps,
    tracking,
    training,
    updates,
)
from core.notes.claim import Claim


@dataclass(frozen=True)
class Note:
    """Its title, and its claims by id."""

    title: str
    claims: dict[str, Claim]


NOTES = {
    "bridge": Note(
        "Day 05: Forward/Backward + Loss - The Learning Bridge",
        bridge.CLAIMS | lessons.CLAIMS,
    ),
    "passes": Note(
        "Forward, Loss and Backward Pass",
        passes.CLAIMS | methods.CLAIMS | tracking.CLAIMS,
    ),
    "losses": Note(
        "Loss Functions & The Training Loop",
        losses.CLAIMS | training.CLAIMS,
    ),
    "recap": Note("RECAP", recap.CLAIMS | network.CLAIMS),
    "steps": Note(
        "Detailed Explanation of the Training Loop Steps",
        steps.CLAIMS | forward.CLAIMS | backward.CLAIMS | updates.CLAIMS | order.CLAIMS,
    ),
}

CLAIMS = {name: claim for note in NOTES.values() for name, claim in note.claims.items()}
