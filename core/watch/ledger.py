"""The ledger of .grad: at each step, this batch's gradient plus what was left over.

Of one element of a parameter with its sign, or of a whole parameter as norms. The frames here
have internal column names; `table` is the one to show.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from core.history import History
from core.words import number, percent

MAX_BARS = 120  # steps of one run in one picture
EXPLODES = 1e5  # an axis follows no run that ends so many times above where it began
BEGINNING = 2  # steps in which a run shows its size before it may explode
TINY, HUGE = 1e-300, 1e300  # beyond them an axis has no round end
NONE = "–"


def why_norms_only(history: History) -> str | None:
    """Why this run has no single elements, in one sentence; None if it has."""
    if history.full:
        return None
    return "This run has too many weights and steps to keep every gradient; only their norms were kept."


def element_name(parameter: str, shape: Sequence[int], element: int) -> str:
    """A flat index in words: ("weight", (2, 4), 3) -> "weight[0, 3]"; a number alone has no index."""
    places = np.unravel_index(element, shape) if shape else ()
    return f"{parameter}[{', '.join(str(int(place)) for place in places)}]" if shape else parameter


def ledger(
    history: History, parameter: str, element: int | None = None, between: tuple[int, int] | None = None
) -> pd.DataFrame:
    """One row per step of a run, or of the steps `between` (both ends included).

    Columns: step (from 0), loss, fresh, leftover, grad, overruled. Steps without a backward, or
    whose fresh gradient is nan, are gaps: nan in all but step and loss.

    With an element (an index into the flattened parameter): fresh + leftover = grad, added in the
    tensor's dtype, so with the bits that autograd's own accumulation gives. overruled is True where
    the fresh gradient asked for one direction and .grad does not go there because of the leftover:
    its sign is the other one, or it is exactly 0.

    Without: Euclidean norms of the three; overruled is the share of entries of which that is true.
    Where only norms were kept it is nan, and so is `grad` of a last step of which it is not known.

    Raises ValueError if there is no such parameter or element.
    """
    shapes = history.layout.shapes
    if parameter not in shapes:
        raise ValueError(f"parameter must be one of {', '.join(shapes)}; got {parameter!r}")
    step, loss = np.arange(len(history.losses)), history.losses
    first, last = between or (0, len(step))
    rows = slice(max(first, 0), max(last + 1, 0))
    if element is not None:
        columns = _of_element(history, parameter, element, rows)
    elif history.full:
        columns = _of_entries(history, parameter, rows)
    else:
        columns = {name: values[rows] for name, values in _of_norms(history, parameter).items()}
    for name in ("leftover", "grad"):
        columns[name] = np.where(np.isnan(columns["fresh"]), np.nan, columns[name])
    return pd.DataFrame({"step": step[rows], "loss": loss[rows]} | columns)


def overrules(fresh: torch.Tensor, leftover: torch.Tensor) -> torch.Tensor:
    """Where fresh is not 0 and fresh + leftover has not its sign. Any shape, that shape out."""
    total = fresh + leftover
    turned = total.sign() != fresh.sign()  # 0 too: the leftover has canceled the fresh gradient
    return turned & (fresh != 0) & ~total.isnan()


def _size(history: History, parameter: str) -> int:
    return math.prod(history.layout.shapes[parameter])


def _flat(history: History, parameter: str, rows: slice) -> tuple[torch.Tensor, torch.Tensor]:
    """(steps, entries) of the fresh gradients and of the leftovers."""
    arrays, size = (history.fresh_grads, history.leftovers), _size(history, parameter)
    fresh, leftover = (torch.from_numpy(a[parameter].reshape(-1, size)[rows]) for a in arrays)
    return fresh, leftover


def _of_element(history: History, parameter: str, element: int, rows: slice) -> dict[str, np.ndarray]:
    reason, size = why_norms_only(history), _size(history, parameter)
    if reason is not None:
        raise ValueError(f"element must be None for this run: {reason}")
    if not 0 <= element < size:
        raise ValueError(f"element must be from 0 to {size - 1}; got {element}")
    fresh, leftover = (part[:, element] for part in _flat(history, parameter, rows))
    parts = {"fresh": fresh, "leftover": leftover, "grad": fresh + leftover}
    columns = {name: part.double().numpy() for name, part in parts.items()}
    return columns | {"overruled": overrules(fresh, leftover).numpy()}


def _of_entries(history: History, parameter: str, rows: slice) -> dict[str, np.ndarray]:
    fresh, leftover = _flat(history, parameter, rows)
    norms = history.layout.norms([fresh, leftover, fresh + leftover])
    share = overrules(fresh, leftover).double().mean(dim=1).numpy()
    columns = dict(zip(("fresh", "leftover", "grad"), norms.T, strict=True))
    return columns | {"overruled": np.where(np.isnan(norms[:, 0]), np.nan, share)}


def _of_norms(history: History, parameter: str) -> dict[str, np.ndarray]:
    frame = history.parameters
    frame = frame.loc[frame["parameter"] == parameter]
    fresh, leftover, used = (
        frame[f"{name}_norm"].to_numpy(dtype=float) for name in ("fresh", "leftover", "grad")
    )
    # What the step used is the sum, unless it came before backward: then the sum is what is left next.
    after = np.append(leftover[1:], np.nan)
    grad = np.where((used == leftover) | np.isnan(used), after, used if history.sums else np.nan)
    grad = np.where(leftover == 0, fresh, grad)
    return {"fresh": fresh, "leftover": leftover, "grad": grad, "overruled": np.full(len(fresh), np.nan)}


def joined(ledgers: Sequence[pd.DataFrame], first: int, last: int) -> pd.DataFrame:
    """Ledgers of several runs in one frame, ready to be drawn as stacked bars.

    first, last: the steps shown, both included; of a wider window the last MAX_BARS that there are.
    Columns besides those of `ledger` (overruled as a share, 0 to 1): run ("0", "1"); start and end:
    from where to where the fresh bar goes, on top of the leftover bar if both have one sign, else
    from zero; mark: 1 where more than half is overruled; answer: overruled in words.
    A step with a number that is not finite is a gap: nan in all of its numbers but the step.
    """
    last = min(last, max(int(one["step"].to_numpy().max(initial=0)) for one in ledgers))
    first = max(first, last - MAX_BARS + 1)
    shown = [one.loc[one["step"].between(first, last)] for one in ledgers]
    numbers = ("step", "loss", "fresh", "leftover", "grad", "overruled")
    columns = {name: np.concatenate([one[name].to_numpy(dtype=float) for one in shown]) for name in numbers}
    columns |= _stacked(columns["fresh"], columns["leftover"])
    columns["mark"] = np.where(columns["overruled"] > 0.5, 1.0, np.nan)
    finite = np.isfinite([columns[name] for name in ("fresh", "leftover", "grad", "end")]).all(axis=0)
    for name in ("fresh", "leftover", "grad", "start", "end", "mark"):
        columns[name] = np.where(finite, columns[name], np.nan)
    columns["loss"] = np.where(np.isfinite(columns["loss"]), columns["loss"], np.nan)
    run = np.repeat([str(i) for i in range(len(shown))], [len(one) for one in shown])
    answer = [answer for one in shown for answer in _answers(one)]
    return pd.DataFrame({"run": run} | columns | {"answer": answer})


def _stacked(fresh: np.ndarray, leftover: np.ndarray) -> dict[str, np.ndarray]:
    """Where the fresh bars start and end; those of the leftover start at zero."""
    start = np.where(np.sign(fresh) == np.sign(leftover), leftover, 0.0)
    with np.errstate(over="ignore"):  # two huge numbers: no bar
        return {"start": start, "end": start + fresh}


def axis_end(frame: pd.DataFrame) -> float | None:
    """How far up and down the axis of a `joined` frame goes; None: to the data.

    A run that explodes is left to leave the chart, so that it flattens neither its own beginning
    nor the other run. Rounded up to 1, 2 or 5 times a power of ten, so that the axis stays the
    same while a run goes on.
    """
    run, sizes = frame["run"].to_numpy(), np.abs(frame[["leftover", "end"]].to_numpy()).max(axis=1)
    usual = 0.0
    for name in np.unique(run):
        of_run = sizes[(run == name) & (sizes > 0)]
        begins, ends = of_run[:BEGINNING].max(initial=0), of_run[-BEGINNING:].max(initial=0)
        usual = max(usual, begins if ends > EXPLODES * begins else of_run.max(initial=0))
    if not TINY < usual < min(np.nanmax(sizes, initial=0), HUGE):
        return None
    decade = 10.0 ** math.floor(math.log10(usual))
    return float(next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= usual))


def table(one: pd.DataFrame) -> pd.DataFrame:
    """A ledger as text to show; a step without a fresh gradient has a dash."""
    of_element = one["overruled"].dtype == bool
    numbers = {"Loss": "loss", "This batch": "fresh", "Leftover": "leftover", ".grad": "grad"}
    columns = {title: _numbers(one[name].to_numpy()) for title, name in numbers.items()}
    if not of_element:
        columns = {f"{title}{' (norm)' if title != 'Loss' else ''}": v for title, v in columns.items()}
    shown = {"Step": one["step"].to_numpy()} | columns | {"Leftover overrules": _answers(one)}
    return pd.DataFrame(shown)


def _numbers(values: np.ndarray) -> list[str]:
    return [NONE if np.isnan(value) else number(value) for value in values]


def _answers(one: pd.DataFrame) -> list[str]:
    """Whether the leftover overrules: yes or no, or the share of entries; empty if nothing was left."""
    asked = (one["leftover"].abs() > 0) & one["overruled"].notna()
    words = {True: "yes", False: "no"} if one["overruled"].dtype == bool else {}
    values = zip(one["overruled"], asked, strict=True)
    return [words.get(value, f"{percent(value)} of entries") if ask else "" for value, ask in values]
