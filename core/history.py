"""What a run recorded: arrays of every step, and data frames with a column per quantity.

Full vectors are kept while they fit FULL_BYTES; norms, losses, scores on the whole sets and
snapshots of the weights always are. Steps count from 0: row t was computed with the weights
after t updates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from core.histograms import Histograms
from core.torch_internals import copy_all
from core.vectors import Layout, Vector, Vectors

FULL_BYTES = 64 * 2**20  # of one run; a server of 1 GB holds several sessions with such runs
CHUNK_STEPS, CHUNK_BYTES = 250, 8 * 2**20
# Gradients stay where backward put them until their chunk ends, and activations do not fit the gaps between
# them: three runs on all digits took 80 MB instead of 45. With fewer steps, ending a chunk takes longer.
GAPS_BYTES, GAPS_STEPS = 2**20, 32
MANY_CHUNKS = 24  # then they are joined: Python's garbage collector looks at every tensor there is
SNAPSHOT_BYTES = 4 * 2**20
MAX_EVALUATIONS, MIN_EVALUATIONS = 200, 10


@dataclass(slots=True)
class Row:
    """What one step left behind; None where it did not happen.

    grads: .grad as the line `step` found it, whether or not weights move in this pass. fresh_grads: the
    gradient of this backward alone.
    leftovers: what was in .grad before it. After backward, .grad = fresh + leftover. lr: the learning rate
    that `step` uses, where it can change.
    """

    loss: Tensor | None = None
    grads: Vector | None = None
    fresh_grads: Vector | None = None
    leftovers: Vector | None = None
    lr: float = float("nan")


@dataclass(frozen=True)
class Scores:
    """Losses and accuracies on the whole sets, each (), at one step; None where there is none."""

    train_loss: Tensor
    val_loss: Tensor | None = None
    train_accuracy: Tensor | None = None
    val_accuracy: Tensor | None = None


SCORES = tuple(f.name for f in fields(Scores))


def evaluation_steps(steps: int, batch_rows: float, rows: int, parameters: int) -> list[int]:
    """Steps at which the whole sets are evaluated, 0 and `steps` among them.

    batch_rows: seen by a step. Where that is all, the loop itself computes the training loss of every
    step: every eighth step is enough. Else as many as look at half as many rows as the training. And as
    many as have snapshots of the weights that fit SNAPSHOT_BYTES; never more than MAX_EVALUATIONS.
    """
    looks = 8 * rows if batch_rows >= rows else 2 * rows
    affordable = max(int(steps * batch_rows // looks), MIN_EVALUATIONS)
    storable = max(SNAPSHOT_BYTES // (8 * max(parameters, 1)), 2)
    count = min(MAX_EVALUATIONS, affordable, storable, steps + 1)
    return np.unique(np.linspace(0, steps, count).round().astype(int)).tolist()


def _losses(rows: list[Row]) -> np.ndarray:
    """(steps,) in double; nan where no loss was computed."""
    known = next((row.loss for row in rows if row.loss is not None), None)
    if known is None:
        return np.full(len(rows), np.nan)
    spare = torch.full_like(known, torch.nan)
    return torch.stack([spare if row.loss is None else row.loss for row in rows]).cpu().double().numpy()


def _chunk_steps(wanted: int, bytes_each: int) -> int:
    return max(1, min(wanted, CHUNK_BYTES // bytes_each, max(GAPS_STEPS, GAPS_BYTES // bytes_each)))


class History:
    """Everything recorded so far; grows by `begin`, reads as arrays and data frames.

    evaluations: how many there will be at most. rated: whether the learning rate of each step is kept. sums:
    whether what `step` finds in .grad is what backward has left there, fresh + leftover.
    """

    rated, sums = False, True

    def __init__(
        self,
        model: nn.Module,
        full: bool,
        histograms: bool = False,
        chunk_steps: int = CHUNK_STEPS,
        evaluations: int = 0,
    ):
        self.layout = Layout(model)
        self.full = full
        self._weights = [p.detach() for p in self.layout.parameters]  # the same memory, no graph
        chunk = _chunk_steps(chunk_steps, 8 * max(self.layout.size, 1))
        self._path = self.layout.buffer(chunk + 1)  # weights before each step, and after the last
        self._places = list(zip(*(part.unbind(0) for part in self._path), strict=True))
        self._scratch = self.layout.buffer(chunk)
        self._room = chunk
        self._rows: list[Row] = []
        self._losses: list[np.ndarray] = []
        self._rates: list[float] = []
        self._vectors = {name: Vectors(self.layout, full) for name in ROW_VECTORS}
        self._updates = Vectors(self.layout, full=False)
        self.histograms = Histograms(self.layout) if histograms else None  # of .grad as used
        # One block for all: a small tensor that stays would split the memory that large ones have left.
        self._snapshots = self.layout.buffer(evaluations)
        self._scores: list[tuple[int, list[float]]] = []

    def begin(self) -> Row:
        """The row of a step that is about to begin; the weights are taken now."""
        if len(self._rows) == self._room:
            self.flush()
        row = Row()
        self._take_weights()
        self._rows.append(row)
        return row

    def _take_weights(self) -> None:
        place = self._places[len(self._rows)]
        copy_all(place, self._weights)

    def evaluate(self, step: int, scores: Scores) -> None:
        """Take in the scores on the whole sets, and the weights they belong to."""
        copy_all([part[len(self._scores)] for part in self._snapshots], self._weights)
        values = (getattr(scores, name) for name in SCORES)
        self._scores.append((step, [torch.nan if value is None else value.item() for value in values]))

    def cut(self, steps: int) -> None:
        """Forget everything from the step of this number on, and evaluations after its beginning."""
        self.flush()
        self._losses, self._rates = [self.losses[:steps]], self._rates[:steps]
        for vectors in (*self._vectors.values(), self._updates):
            vectors.cut(steps)
        if self.histograms is not None:
            self.histograms.cut(steps)
        self._scores = [score for score in self._scores if score[0] <= steps]

    def flush(self) -> None:
        """Reduce the rows so far: stack, copy to the CPU, take norms."""
        if not self._rows:
            return
        self._take_weights()
        rows, self._rows = self._rows, []
        self._losses.append(_losses(rows))
        if self.rated:
            self._rates += [row.lr for row in rows]
        count = len(rows)
        updates = [
            torch.sub(path[1 : count + 1], path[:count], out=spare[:count])
            for path, spare in zip(self._path, self._scratch, strict=True)
        ]
        self._updates.take([part.cpu() for part in updates])
        self._vectors["weights"].take([path[:count].cpu() for path in self._path])
        self._take_gradients(rows)
        if len(self._losses) > MANY_CHUNKS:
            self._join()

    def _join(self) -> None:
        """Make one chunk of the many that short slices leave."""
        self._losses = [self.losses]
        joined: dict[tuple[int, ...], list[Tensor]] = {}
        for vectors in (*self._vectors.values(), self._updates):
            vectors.join(joined)

    def _take_gradients(self, rows: list[Row]) -> None:
        vectors = self._vectors
        fresh, missing = self._stacked([row.fresh_grads for row in rows], torch.nan)
        vectors["fresh_grads"].take(fresh, missing)
        if all(row.grads is row.fresh_grads for row in rows):  # nothing left over
            vectors["grads"].take_same(vectors["fresh_grads"])
            used = fresh
        else:
            used, missing = self._stacked([row.grads for row in rows], torch.nan)
            vectors["grads"].take(used, missing)
        if self.histograms is not None:
            self.histograms.take(used, missing)
        self._take_leftovers(rows, missing is None)

    def _take_leftovers(self, rows: list[Row], all_had_grads: bool) -> None:
        """What was left over: nothing, or just what the step before has used, or something else."""
        leftovers = self._vectors["leftovers"]
        if all(row.leftovers is None for row in rows):
            leftovers.take_zeros(len(rows))
            return
        # Where .grad was None, nothing was left over: 0, not nan.
        if all_had_grads and all(row.leftovers is before.grads for before, row in pairwise(rows)):
            first = self._stacked([rows[0].leftovers], 0.0)[0]
            leftovers.take_shifted(self._vectors["grads"], first)
        else:
            leftovers.take(self._stacked([row.leftovers for row in rows], 0.0)[0])

    def _stacked(self, rows: Sequence[Vector | None], empty: float) -> tuple[list[Tensor], np.ndarray | None]:
        return self.layout.fill(self._scratch, rows, empty)

    @property
    def losses(self) -> np.ndarray:
        """(steps,): the loss that the loop computed at each step, in double."""
        return np.concatenate(self._losses or [np.empty(0)])

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Parameter -> (steps, *shape): before each step."""
        return self._vectors["weights"].arrays()

    @property
    def grads(self) -> dict[str, np.ndarray]:
        """Parameter -> (steps, *shape): .grad as the optimizer saw it; nan where it was None."""
        return self._vectors["grads"].arrays()

    @property
    def fresh_grads(self) -> dict[str, np.ndarray]:
        """Parameter -> (steps, *shape): the gradient of each backward alone."""
        return self._vectors["fresh_grads"].arrays()

    @property
    def leftovers(self) -> dict[str, np.ndarray]:
        """Parameter -> (steps, *shape): what was in .grad before each backward."""
        return self._vectors["leftovers"].arrays()

    @property
    def steps(self) -> pd.DataFrame:
        """One row per step: loss, norms over all parameters, update-to-weight ratio; lr under a scheduler."""
        totals = {column: self._vectors[name].totals for name, column in NORM_COLUMNS.items()}
        ratios = ratio(self._updates.totals, self._vectors["weights"].totals)
        step = np.arange(len(self.losses))
        rates = {"lr": np.array(self._rates)} if self.rated else {}
        return pd.DataFrame({"step": step, "loss": self.losses, **totals, "update_ratio": ratios, **rates})

    @property
    def parameters(self) -> pd.DataFrame:
        """One row per step and parameter: the same norms, of that parameter alone."""
        names, count = list(self.layout.shapes), len(self.losses)
        norms = {column: self._vectors[name].norms for name, column in NORM_COLUMNS.items()}
        ratios = ratio(self._updates.norms, self._vectors["weights"].norms)
        codes = np.tile(np.arange(len(names)), count)
        columns = {
            "step": np.repeat(np.arange(count), len(names)),
            "parameter": pd.Categorical.from_codes(codes, categories=names),
        }
        values = {name: array.ravel() for name, array in (norms | {"update_ratio": ratios}).items()}
        return pd.DataFrame(columns | values)

    @property
    def evaluations(self) -> pd.DataFrame:
        """One row per evaluated step: losses and accuracies on the whole sets; nan if none."""
        steps = np.array([step for step, _ in self._scores], dtype=np.int64)
        values = np.array([values for _, values in self._scores]).reshape(-1, len(SCORES))
        return pd.DataFrame({"step": steps, **dict(zip(SCORES, values.T, strict=True))})

    @property
    def snapshots(self) -> np.ndarray:
        """(evaluated steps, all entries): the weights at each row of `evaluations`."""
        kept = [part[: len(self._scores)].flatten(1) for part in self._snapshots]
        return torch.cat(kept, dim=1).cpu().numpy()


ROW_VECTORS = ("weights", "grads", "fresh_grads", "leftovers")
NORM_COLUMNS = {"grads": "grad_norm", "fresh_grads": "fresh_norm", "leftovers": "leftover_norm"}


def ratio(updates: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Update-to-weight ratio; nan where the weights are all zero and there is no ratio."""
    with np.errstate(invalid="ignore"):  # inf / inf, once both have overflowed, is nan
        return np.divide(updates, weights, out=np.full_like(updates, np.nan), where=weights != 0)
