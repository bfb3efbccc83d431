"""All claims of the five course notes, note by note, in their order."""

from dataclasses import dataclass

from core import (
    claims_backward,
    claims_bridge,
    claims_forward,
    claims_lessons,
    claims_losses,
    claims_methods,
    claims_network,
    claims_order,
    claims_passes,
    claims_recap,
    claims_tracking,
    claims_training,
    claims_updates,
    claims_zeroing,
)
from core.claim import Claim


@dataclass(frozen=True)
class Note:
    """Its title, and its claims by id."""

    title: str
    claims: dict[str, Claim]


NOTES = {
    "bridge": Note(
        "Day 05: Forward/Backward + Loss - The Learning Bridge",
        claims_bridge.CLAIMS | claims_lessons.CLAIMS,
    ),
    "passes": Note(
        "Forward, Loss and Backward Pass",
        claims_passes.CLAIMS | claims_methods.CLAIMS | claims_tracking.CLAIMS,
    ),
    "losses": Note(
        "Loss Functions & The Training Loop",
        claims_losses.CLAIMS | claims_training.CLAIMS,
    ),
    "recap": Note("RECAP", claims_recap.CLAIMS | claims_network.CLAIMS),
    "steps": Note(
        "Detailed Explanation of the Training Loop Steps",
        claims_zeroing.CLAIMS
        | claims_forward.CLAIMS
        | claims_backward.CLAIMS
        | claims_updates.CLAIMS
        | claims_order.CLAIMS,
    ),
}

CLAIMS = {name: claim for note in NOTES.values() for name, claim in note.claims.items()}
