"""A recording as a run beside others: the frames that curves and the ledger read, and its verdict."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.config import KNOBS
from core.history import SCORES
from core.own.diagnosis import Finding, findings, unseen
from core.own.recording import Recording
from core.result import LossPath, Message
from core.verdict import Verdict, of_losses

SHOWN_UPDATES = int((KNOBS["steps"].between or (0, 0))[1])  # beside runs of this app, which have no more
NORMS = {"grad": "grad_norm", "fresh": "fresh_norm", "leftover": "leftover_norm", "ratio": "update_ratio"}


class Loop(NamedTuple):
    """What curves ask of a Config: the number of steps, and whether the loop had a loss."""

    steps: int
    loop: tuple[str, ...]


@dataclass(frozen=True)
class OwnRun:
    """The parts of `core.result.Result` that curves read. done: updates shown, SHOWN_UPDATES at most.

    whole: losses of all updates that the file has. findings: which lines are named. unseen: sentences.
    """

    config: Loop
    done: int
    steps: pd.DataFrame
    parameters: pd.DataFrame
    evaluations: pd.DataFrame
    message: Message | None
    whole: LossPath
    updates: int
    findings: list[Finding]
    unseen: list[str]

    @property
    def cut(self) -> bool:
        """Whether curves show the beginning alone."""
        return self.updates > self.done

    @property
    def verdict(self) -> Verdict | None:
        """The word for its losses, or for the line that raised; None where no loss was seen."""
        first = self.findings[0].because if self.findings else ""
        if self.message is not None:
            return Verdict("raised", first)
        if not len(self.whole.losses):
            return None
        word, why = of_losses(self.whole)
        return Verdict(word, why)


def own_run(found: Recording) -> OwnRun:
    """A recording as a run."""
    updates = np.array(found.rows["update"], dtype=np.int64)
    frame = pd.DataFrame({"step": updates, "loss": _floats(found.rows["loss"])})
    for name, column in NORMS.items():
        frame[column] = _floats(found.rows[name])
    done = min(found.updates, SHOWN_UPDATES)
    known = np.array([loss is not None for loss in found.rows["loss"]], dtype=bool)
    error = found.error
    message = Message(error["update"], error["source"], error["type"], error["text"]) if error else None
    if message is not None and message.step > done:
        message = None  # beyond what the curves show
    return OwnRun(
        Loop(done, ("loss",) if known.any() else ()),
        done,
        frame.loc[frame["step"] < done].reset_index(drop=True),
        _parameters(found, done),
        pd.DataFrame({"step": np.empty(0, dtype=np.int64)} | dict.fromkeys(SCORES, np.empty(0))),
        message,
        LossPath(updates[known], frame["loss"].to_numpy()[known]),
        found.updates,
        findings(found),
        unseen(found),
    )


def _floats(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _parameters(found: Recording, done: int) -> pd.DataFrame:
    """One row per kept update and parameter, with the same norms."""
    names = list(dict.fromkeys(one["name"] for one in found.parameters))
    parts = []
    for one in found.details:
        rows, held = len(one["update"]), [found.parameters[place]["name"] for place in one["parameters"]]
        codes = np.tile([names.index(name) for name in held], rows).astype(int)
        columns = {
            "step": np.repeat(np.array(one["update"], dtype=np.int64), len(held)),
            "parameter": pd.Categorical.from_codes(codes, categories=names),
        }
        columns |= {to: _floats([v for row in one[name] for v in row]) for name, to in NORMS.items()}
        parts.append(pd.DataFrame(columns))
    frame = pd.concat(parts, ignore_index=True)
    return frame.loc[frame["step"] < done].sort_values("step", kind="stable").reset_index(drop=True)


def ledger(run: OwnRun) -> pd.DataFrame:
    """A row per update as `core.watch.ledger.joined` takes it: norms over all parameters.

    Where nothing was left over and .grad differs from the fresh gradient, it was clipped or scaled in
    between; the ring stands at what step used.
    """
    steps = run.steps
    columns = {"fresh": "fresh_norm", "leftover": "leftover_norm", "grad": "grad_norm"}
    frame = pd.DataFrame({"step": steps["step"], "loss": steps["loss"]})
    for name, column in columns.items():
        frame[name] = steps[column]
    return frame.assign(overruled=np.nan)
