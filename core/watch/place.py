"""A place in a run, as a link writes it: 3.2 is before the third line of step 3, both counted from 0."""

import re

from core.config import Config


def read_place(text: str, config: Config) -> tuple[int, int] | None:
    """(step, line); None if this run has no such place."""
    found = re.fullmatch(r"(\d{1,5})\.(\d)", text, re.ASCII)
    if not found:
        return None
    step, line = int(found[1]), int(found[2])
    good = (step < config.steps and line <= max(len(config.loop) - 1, 0)) or (step, line) == (config.steps, 0)
    return (step, line) if good else None
