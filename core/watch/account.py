"""Says what a line has just changed: one sentence, the arithmetic behind it, and the numbers.

Read off two looks, before and after the line; only the terms of the loss are computed again, by its
own module. A line that raised has no account.
"""

from dataclasses import dataclass

import pandas as pd

from core.config import Config
from core.lines import LINES, part
from core.watch.forward_account import forward_account
from core.watch.gradient_account import backward_account, zero_grad_account
from core.watch.line_effect import Executed
from core.watch.loss_account import loss_account
from core.watch.other_account import other_account
from core.watch.snapshot import Look
from core.watch.step_account import step_account
from core.watch.tape import Details

ACCOUNTS = {
    "zero_grad": zero_grad_account,
    "forward": forward_account,
    "loss": loss_account,
    "backward": backward_account,
    "step": step_account,
}


@dataclass(frozen=True)
class Account:
    """line: its name. headline: one sentence. formulas: lines of plain text. numbers: a frame of text."""

    line: str
    headline: str
    formulas: tuple[str, ...] = ()
    numbers: pd.DataFrame | None = None


def account(name: str, before: Look, after: Look, config: Config, details: Details | None = None) -> Account:
    """What an executed line has changed.

    name: of the line, a key of LINES. details: what its looks do not hold. Raises ValueError if they
    lack the fresh gradients of a backward that found something in .grad: the difference of two sums
    would be rounded wrongly.
    """
    say = ACCOUNTS[part(name)] if _known(name, config) else other_account
    headline, formulas, numbers = say(Executed(before, after, config, details or Details()))
    return Account(name, headline, tuple(formulas), numbers)


def _known(name: str, config: Config) -> bool:
    """Whether the line does just what one of the five does; then its arithmetic is known."""
    replaced = config.before and name in ("zero_grad", "step")  # perhaps by an optimizer of other weights
    return bool(LINES[name].letter) and not replaced
