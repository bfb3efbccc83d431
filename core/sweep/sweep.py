"""Sweep: a baseline with two of its fields varied, a grid of cells with one or more seeds each.

A sweep is data, and its address is the whole of it: the baseline's fields, `x` and `y` as in
`core.sweep.axes`, and `seeds`, the number of runs per cell. Runs are counted before any is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from core.budget import too_much
from core.config import KNOBS, Config, with_changes
from core.seeds import MAX_SEED
from core.stacked.blocks import blocks
from core.sweep.axes import Axis, axis_text, misfit, read_axis, usual
from core.words import shown

MAX_RUNS = 512
SEEDS = (1, 3, 5, 9, 15)  # per cell; odd, so that the median is one of the runs
OWN = ("x", "y", "seeds")  # fields of the address beside the baseline's
AXES = ("lr", "loop")  # of a sweep that nobody has set: across, and down


@dataclass(frozen=True)
class Cell:
    """One place of the grid, with a Config for each seed; or none, and why."""

    column: int
    row: int
    configs: tuple[Config, ...]
    refused: str = ""


@dataclass(frozen=True)
class Sweep:
    """A baseline, the field that varies across and the one that varies down, and the seeds of each cell.

    Raises ValueError if both are the same field, or if seeds vary twice.
    """

    baseline: Config
    x: Axis
    y: Axis
    seeds: int = 1

    def __post_init__(self) -> None:
        if self.x.field == self.y.field:
            raise ValueError(f"x and y must be different fields; got {self.x.field} twice")
        if self.seeds not in SEEDS:
            raise ValueError(f"seeds must be one of {', '.join(map(str, SEEDS))}; got {shown(self.seeds)}")
        if self.seeds > 1 and "seed" in (self.x.field, self.y.field):
            raise ValueError(f"seeds must be 1 where an axis is the seed; got {self.seeds}")

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Row after row."""
        return _cells(self)

    @cached_property
    def configs(self) -> tuple[Config, ...]:
        """All runs: of the first row, from left to right, and so on."""
        return tuple(config for cell in self.cells for config in cell.configs)

    def to_params(self) -> dict[str, list[str]]:
        """The address: only what differs from the default sweep."""
        params = {name: [text] for name, text in self.baseline.to_params().items()}
        for name, axis, field in (("x", self.x, AXES[0]), ("y", self.y, _other(self.x.field))):
            if axis != usual(field, self.baseline):
                params[name] = [axis_text(axis, self.baseline)]
        return params | ({"seeds": [str(self.seeds)]} if self.seeds > 1 else {})


def _other(field: str) -> str:
    """The last of the usual axes that is not this field."""
    return next(name for name in reversed(AXES) if name != field)


@lru_cache(maxsize=32)
def _cells(sweep: Sweep) -> tuple[Cell, ...]:
    places = ((row, column) for row in range(len(sweep.y.values)) for column in range(len(sweep.x.values)))
    return tuple(_cell(sweep, row, column) for row, column in places)


def _cell(sweep: Sweep, row: int, column: int) -> Cell:
    changes = {sweep.x.field: sweep.x.values[column], sweep.y.field: sweep.y.values[row]}
    config, given_way = with_changes(sweep.baseline, changes)
    if given_way:
        return Cell(column, row, (), given_way[0].split("; got ")[0])
    seeds = [(config.seed + number) % (MAX_SEED + 1) for number in range(sweep.seeds)]
    return Cell(column, row, tuple(replace(config, seed=seed) for seed in seeds))


def runs(sweep: Sweep) -> int:
    """Counts the runs without making them, including cells that do not fit."""
    return len(sweep.x.values) * len(sweep.y.values) * sweep.seeds


def problem(sweep: Sweep, device: str = "cpu") -> str | None:
    """One sentence if the sweep is over the limits, else None."""
    count = runs(sweep)
    if count > MAX_RUNS:
        return f"A sweep must be at most {MAX_RUNS} runs; these are {count:,}. Take fewer values or seeds."
    return too_much(blocks(sweep.configs), device)


def read(params: Mapping[str, str], baseline: Config) -> tuple[Sweep, list[str]]:
    """The sweep of an address whose baseline is known, and a sentence for each thing that was ignored."""
    notes: list[str] = []
    x = _read(params, "x", baseline, notes) or usual(AXES[0], baseline)
    y = _read(params, "y", baseline, notes)
    if y is not None and y.field == x.field:
        notes.append(f"y must be another field than x; got {y.field}")
        y = None
    y = y or usual(_other(x.field), baseline)
    seeds = params.get("seeds", "1")
    try:
        sweep = Sweep(baseline, x, y, int(seeds) if seeds in map(str, SEEDS) else seeds)  # type: ignore[arg-type]
    except ValueError as error:
        notes.append(str(error))
        sweep = Sweep(baseline, x, y)
    return fitted(sweep, notes), notes


def _read(params: Mapping[str, str], name: str, baseline: Config, notes: list[str]) -> Axis | None:
    try:
        return read_axis(params[name], baseline) if name in params else None
    except ValueError as error:
        notes.append(f"{name}: {error}")
        return None


def fitted(sweep: Sweep, notes: list[str]) -> Sweep:
    """The sweep without values that do not fit its baseline, each with a sentence in `notes`."""
    x, y = (_fitted(axis, sweep.baseline, notes) for axis in (sweep.x, sweep.y))
    return replace(sweep, x=x, y=y)


def _fitted(axis: Axis, baseline: Config, notes: list[str]) -> Axis:
    problems = {value: misfit(axis.field, value, baseline) for value in axis.values}
    notes += [
        f"{axis.field} {KNOBS[axis.field].text(value)} is left out: {said}"
        for value, said in problems.items()
        if said is not None
    ]
    fit = tuple(value for value, said in problems.items() if said is None)
    return replace(axis, values=fit) if fit else usual(axis.field, baseline)
