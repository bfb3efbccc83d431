"""A recording as a run beside others: the frames that curves and the ledger read, and its verdict."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.fields import STEPS
from core.history import SCORES
from core.own.diagnosis import Finding, findings, unseen
from core.own.recording import Recording
from core.result import LossPath, Message
from core.verdict import Verdict, of_losses

SHOWN_UPDATES = STEPS[1]  # beside runs of this app, which have no more
NORMS = {"grad": "grad_norm", "fresh": "fresh_norm", "leftover": "leftover_norm", "ratio": "update_ratio"}


class Loop(NamedTuple):
    """What curves ask of a Config: the number of steps, and whether the loop had a loss."""

    steps: int
    loop: tuple[str, ...]


@dataclass(frozen=True)
class OwnRun:
    """The parts of `core.result.Result` that curves read. done: updates shown, SHOWN_UPDATES at most.

    whole: losses of all updates that the file has. optimizers: how many. findings: which lines are named.
    unseen: what could not be seen, in sentences.
    """

    config: Loop
    done: int
    steps: pd.DataFrame
    parameters: pd.DataFrame
    evaluations: pd.DataFrame
    message: Message | None
    raised: bool
    whole: LossPath
    updates: int
    optimizers: int
    findings: list[Finding]
    unseen: list[str]

    @property
    def cut(self) -> bool:
        """Whether curves show the beginning alone."""
        return self.updates > self.done

    @property
    def verdict(self) -> Verdict | None:
        """The word for its losses, or for the line that raised.

        None where no loss was seen, or where those of several optimizers take turns.
        """
        if self.raised:
            return Verdict("raised", self.findings[0].because)
        if not len(self.whole.losses) or self.optimizers > 1:
            return None
        word, why = of_losses(self.whole)
        return Verdict(word, why)


def own_run(found: Recording) -> OwnRun:
    """A recording as a run."""
    updates = np.array(found.rows["update"], dtype=np.int64)
    frame = pd.DataFrame(
        {"step": updates, "loss": _floats(found.rows["loss"]), "lr": _floats(found.rows["lr"])}
    )
    for name, column in NORMS.items():
        frame[column] = _floats(found.rows[name])
    done = min(found.updates, SHOWN_UPDATES)
    known = np.array([loss is not None for loss in found.rows["loss"]], dtype=bool)
    error = found.error
    message = Message(error["update"], error["source"], error["type"], error["text"]) if error else None
    if message is not None and message.step > done:
        message = None  # beyond what the curves show
    return OwnRun(
        Loop(done, ("loss",) if known.all() else ()),  # a row without a loss is no end of the run
        done,
        frame.loc[frame["step"] < done].reset_index(drop=True),
        _parameters(found, done),
        pd.DataFrame({"step": np.empty(0, dtype=np.int64)} | dict.fromkeys(SCORES, np.empty(0))),
        message,
        error is not None,
        LossPath(updates[known], frame["loss"].to_numpy()[known]),
        found.updates,
        len(found.optimizers),
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
        flat = {name: [value for row in one[name] for value in row] for name in NORMS}
        flat["leftover"] = [  # None beside a gradient: nothing was left over
            0.0 if left is None and fresh is not None else left
            for left, fresh in zip(flat["leftover"], flat["fresh"], strict=True)
        ]
        columns |= {to: _floats(flat[name]) for name, to in NORMS.items()}
        parts.append(pd.DataFrame(columns))
    frame = pd.concat(parts, ignore_index=True)
    return frame.loc[frame["step"] < done].sort_values("step", kind="stable").reset_index(drop=True)


def of_these(run: OwnRun, names: Collection[str]) -> OwnRun:
    """The same with single norms of these parameters alone: those that the runs beside it have, too."""
    frame = run.parameters
    kept = [name for name in frame["parameter"].cat.categories if name in names]
    frame = frame.loc[frame["parameter"].isin(kept)]
    return replace(run, parameters=frame.assign(parameter=frame["parameter"].cat.set_categories(kept)))


def ledger(run: OwnRun, parameter: str = "") -> pd.DataFrame:
    """A row per update as `core.watch.ledger.joined` takes it: norms of a parameter, or over all ("").

    Where .grad was clipped or scaled in between, the ring is not at the sum but at what step used.
    """
    rows = run.parameters.loc[run.parameters["parameter"] == parameter] if parameter else run.steps
    columns = {
        "step": rows["step"],
        "loss": run.steps.set_index("step")["loss"].reindex(rows["step"]).to_numpy(),
        "fresh": rows["fresh_norm"],
        "leftover": rows["leftover_norm"],
        "grad": rows["grad_norm"],
    }
    return pd.DataFrame(columns).assign(overruled=np.nan).reset_index(drop=True)
