"""The rows that each of many runs sees: data and batches with a leading run axis, features before rows.

Runs of one seed share their rows: these are kept once, and the run axis is a view of them.
"""

from collections.abc import Sequence
from itertools import cycle, islice

import torch
from torch import Tensor

from core import build
from core.build import Data
from core.config import Config
from core.seeds import stream


class StackedData:
    """Data of runs with equal shapes; each tensor is (runs, features, rows), classes are (runs, rows).

    inputs, targets: of training. val_inputs, val_targets: of validation, None where there is none.
    """

    def __init__(self, configs: Sequence[Config], device: torch.device):
        first = {(c.noise, c.seed): c for c in configs}  # one Config for each set of rows
        keys = list(first)
        same = torch.tensor([keys.index((c.noise, c.seed)) for c in configs], device=device)
        self._of_run = same if len(keys) > 1 else None
        self._runs, self._batch_size = len(configs), configs[0].batch_size
        sets = [build.make_data(config).to(device) for config in first.values()]
        self.target_form = sets[0].target_form
        self._inputs = torch.stack([columns(one.inputs) for one in sets])
        self._targets = torch.stack([columns(one.targets) for one in sets])
        self.inputs, self.targets = self._spread(self._inputs), self._spread(self._targets)
        self.val_inputs, self.val_targets = self._validation(sets)
        rows = self._inputs.shape[2]
        orders = [stream(config.seed, "batches") for config in first.values()]
        self._orders = [build.batches(rows, self._batch_size or rows, order) for order in orders]

    def _validation(self, sets: Sequence[Data]) -> tuple[Tensor | None, Tensor | None]:
        pairs = [(s.val_inputs, s.val_targets) for s in sets if s.val_inputs is not None]
        if not pairs:
            return None, None
        inputs, targets = zip(*pairs, strict=True)
        return tuple(self._spread(torch.stack([columns(t) for t in one])) for one in (inputs, targets))  # type: ignore[return-value]

    def _spread(self, sets: Tensor) -> Tensor:
        """(sets, ...) -> (runs, ...): to each run the set it has."""
        if self._of_run is None:
            return sets.expand(self._runs, *sets.shape[1:])
        return sets.index_select(0, self._of_run)

    def sizes(self, steps: int) -> list[int]:
        """Rows of the batch of each step."""
        epoch = torch.empty(self._inputs.shape[2]).split(self._batch_size or self._inputs.shape[2])
        return list(islice(cycle(map(len, epoch)), steps))

    def batch(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets of the next step."""
        if not self._batch_size:
            return self.inputs, self.targets
        rows = torch.stack([next(order) for order in self._orders]).to(self._inputs.device)
        return self._spread(_taken(self._inputs, rows)), self._spread(_taken(self._targets, rows))


def columns(rows: Tensor) -> Tensor:
    """(rows, features) -> (features, rows); class numbers stay (rows,)."""
    return rows.T.contiguous() if rows.ndim > 1 else rows


def _taken(sets: Tensor, rows: Tensor) -> Tensor:
    """Of each set the rows with these numbers: (sets, ..., all), (sets, batch) -> (sets, ..., batch)."""
    if sets.ndim > 2:
        rows = rows.unsqueeze(1).expand(-1, sets.shape[1], -1)
    return sets.gather(-1, rows)
