"""What many runs recorded: losses, norms, and scores of each, in the frames that `History` gives of one.

Every step's weights, fresh gradients and used gradients pass through a buffer of one chunk of steps,
where their lengths are taken for all runs together; whole vectors are kept only if asked for.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.config import Config
from core.history import CHUNK_BYTES, CHUNK_STEPS, SCORES, Scores, ratio
from core.lines import LINES, part
from core.vectors import lengths


class StackedHistory:
    """The record of runs whose weights are one tensor (runs, entries).

    configs: of one `core.stacked.stack.shape`. full: whether to keep whole vectors.
    rated: (runs,), whether a run has a scheduler, and so a rate of each step.
    """

    def __init__(self, configs: Sequence[Config], weights: Tensor, full: bool):
        self._now, self.full = weights, full
        self._keeps = np.array(["zero_grad" not in map(part, config.loop) for config in configs])
        self.rated = np.array([config.scheduler != "none" for config in configs])
        loops = {name for config in configs for name in config.loop}
        # Passes from one zero_grad to the next, of runs that call it.
        self._every = configs[0].accumulate if "zero_grad_every" in loops else 1
        written = any(LINES[name].writes_grads for name in loops)
        self._apart = bool(self._keeps.any()) or written  # what `step` uses, from what backward computes
        row_bytes = weights.numel() * weights.element_size()
        self._room = max(1, min(CHUNK_STEPS, CHUNK_BYTES // row_bytes))
        self._kept: dict[str, list[Tensor]] = {name: [] for name in ("weights", "fresh_grads", "grads")}
        self._rates: list[np.ndarray] = []
        self._norms: dict[str, list[np.ndarray]] = {name: [] for name in (*self._kept, "updates")}
        self._losses: list[np.ndarray] = []
        self._scores: list[tuple[int, Scores]] = []
        self._new_buffers()

    def _new_buffers(self) -> None:
        runs, shape = len(self._now), self._now.shape
        self._weights = self._now.new_empty(self._room + 1, *shape)  # before each step, and after the last
        self._fresh = self._now.new_empty(self._room, *shape)
        self._used = self._now.new_empty(self._room, *shape) if self._apart else self._fresh
        self._loss = self._now.new_empty(self._room, runs)
        buffers = (self._weights, self._fresh, self._used, self._loss)
        self._rows = list(zip(*(buffer.unbind(0) for buffer in buffers), strict=False))
        self._count = 0

    def begin(self) -> tuple[Tensor, Tensor, Tensor]:
        """Take the weights; room for this step's fresh gradients, used ones (both runs x entries) and losses.

        Where `step` uses what backward computes, the first two are the same room.
        """
        if self._count == self._room:
            self.flush()
        weights, fresh, used, losses = self._rows[self._count]
        weights.copy_(self._now)
        self._count += 1
        return fresh, used, losses

    def take_rates(self, rates: Sequence[float]) -> None:
        """The learning rate of each run in this step."""
        self._rates.append(np.array(rates))

    def evaluate(self, step: int, scores: Scores) -> None:
        """Take in scores on the whole sets, each (runs,)."""
        self._scores.append((step, scores))

    def flush(self) -> None:
        """Reduce the steps so far to lengths, and make room."""
        count, self._count = self._count, 0
        if not count:
            return
        self._weights[count].copy_(self._now)
        self._losses.append(self._loss[:count].to("cpu", torch.float64, copy=True).numpy())
        whole = {"weights": self._weights, "fresh_grads": self._fresh, "grads": self._used}
        for name, buffer in whole.items():
            same = name == "grads" and not self._apart
            norms = self._norms["fresh_grads"][-1] if same else _norms(buffer[:count])
            self._norms[name].append(norms)
        self._norms["updates"].append(_norms(self._weights[1 : count + 1] - self._weights[:count]))
        if self.full:
            for name, buffer in whole.items():
                self._kept[name].append(buffer[:count].cpu())
            self._new_buffers()

    def vectors(self, name: str) -> np.ndarray:
        """(steps, runs, entries) of weights, fresh_grads or grads; raises ValueError if not kept."""
        if not self.full:
            raise ValueError("full must be True for whole vectors; got False")
        return torch.cat(self._kept[name]).numpy()

    def _lengths(self, name: str) -> np.ndarray:
        """(steps, runs)."""
        return np.concatenate(self._norms[name] or [np.empty((0, len(self._now)))])

    @property
    def losses(self) -> np.ndarray:
        """(steps, runs) in double."""
        return np.concatenate(self._losses or [np.empty((0, len(self._now)))])

    def steps(self) -> list[pd.DataFrame]:
        """For each run one row per step, as `History.steps`."""
        used = self._lengths("grads")
        step = np.arange(len(used))
        left = np.vstack([np.zeros_like(used[:1]), used[:-1]])
        kept = self._keeps | (step % self._every != 0)[:, np.newaxis]
        columns = {
            "loss": self.losses,
            "grad_norm": used,
            "fresh_norm": self._lengths("fresh_grads"),
            "leftover_norm": np.where(kept, left, 0.0),
            "update_ratio": ratio(self._lengths("updates"), self._lengths("weights")),
        }
        each = range(len(self._now))
        frames = [pd.DataFrame({"step": step, **{n: c[:, run] for n, c in columns.items()}}) for run in each]
        for run in np.flatnonzero(self.rated):
            frames[run]["lr"] = [rates[run] for rates in self._rates]
        return frames

    def evaluations(self) -> list[pd.DataFrame]:
        """For each run one row per evaluated step, as `History.evaluations`."""
        steps = np.array([step for step, _ in self._scores], dtype=np.int64)
        columns = {name: self._score(name) for name in SCORES}
        each = range(len(self._now))
        return [pd.DataFrame({"step": steps, **{n: c[:, run] for n, c in columns.items()}}) for run in each]

    def _score(self, name: str) -> np.ndarray:
        """(evaluated steps, runs); nan where there is no such score."""
        found = [getattr(scores, name) for _, scores in self._scores]
        if not found or found[0] is None:
            return np.full((len(found), len(self._now)), np.nan)
        return torch.stack(found).cpu().double().numpy()


def _norms(vectors: Tensor) -> np.ndarray:
    return lengths(vectors).cpu().numpy()
