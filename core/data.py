"""Data sets by name, all available offline.

A data set makes inputs (rows, features) and labels in float64: one value per row for
regression, a class number for classification. `standardize` and `split` prepare them;
`FORMS` turns labels into the targets that a loss takes. The exported script contains these
very functions, so each is plain PyTorch and needs nothing else of this module. scikit-learn takes
longer to import than a run to train, and 69 MB: the app reads its files instead, where they hold just what
its functions return.

A file of one's own is a data set too: `Own` says what is taken of it, TABLES holds what was read
(`core.own.table`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd
import torch
from torch import Tensor

MIN_ROWS_TO_SPLIT = 20  # fewer rows than this leave nothing to validate on


def deliveries() -> tuple[Tensor, Tensor]:
    """Distances of four deliveries, and the minutes each took."""
    distances = torch.tensor([[1.0], [2.0], [3.0], [4.0]], dtype=torch.float64)
    minutes = torch.tensor([[6.96], [12.11], [16.77], [22.21]], dtype=torch.float64)
    return distances, minutes


def deliveries_exact() -> tuple[Tensor, Tensor]:
    """The same distances; minutes are exactly 5 x distance + 2."""
    distances = torch.tensor([[1.0], [2.0], [3.0], [4.0]], dtype=torch.float64)
    return distances, 5 * distances + 2


def line(noise: float, generator: torch.Generator, rows: int = 120) -> tuple[Tensor, Tensor]:
    """y = 2x + noise; every twelfth row is moved up by 6."""
    inputs = 2 * torch.rand(rows, 1, generator=generator, dtype=torch.float64) - 1
    labels = 2 * inputs + noise * torch.randn(rows, 1, generator=generator, dtype=torch.float64)
    labels[::12] += 6
    return inputs, labels


def sine(noise: float, generator: torch.Generator, rows: int = 160) -> tuple[Tensor, Tensor]:
    """y = sin(3x) + noise on x from -2 to 2."""
    inputs = 4 * torch.rand(rows, 1, generator=generator, dtype=torch.float64) - 2
    errors = noise * torch.randn(rows, 1, generator=generator, dtype=torch.float64)
    return inputs, torch.sin(3 * inputs) + errors


def xor(noise: float, generator: torch.Generator, rows: int = 250) -> tuple[Tensor, Tensor]:
    """Class 1 where the two inputs differ in sign; the noise moves the points afterward."""
    inputs = 2 * torch.rand(rows, 2, generator=generator, dtype=torch.float64) - 1
    labels = (inputs[:, 0] * inputs[:, 1] < 0).long()
    return inputs + noise * torch.randn(rows, 2, generator=generator, dtype=torch.float64), labels


def moons(noise: float, generator: torch.Generator, rows: int = 250) -> tuple[Tensor, Tensor]:
    """Two interleaving half circles."""
    labels = torch.arange(rows) % 2
    angle = math.pi * torch.rand(rows, generator=generator, dtype=torch.float64)
    upper = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    lower = torch.stack([1 - torch.cos(angle), 0.5 - torch.sin(angle)], dim=1)
    inputs = torch.where(labels[:, None] == 0, upper, lower)
    return inputs + noise * torch.randn(rows, 2, generator=generator, dtype=torch.float64), labels


def spirals(noise: float, generator: torch.Generator, rows: int = 250) -> tuple[Tensor, Tensor]:
    """Two arms of one turn and a half, each the other turned by half a circle."""
    labels = torch.arange(rows) % 2
    radius = torch.rand(rows, generator=generator, dtype=torch.float64).sqrt()
    angle = 3 * math.pi * radius + math.pi * labels
    inputs = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)
    shifts = noise / 4 * torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    return inputs + shifts, labels


def diabetes() -> tuple[Tensor, Tensor]:
    """442 patients, 10 measurements; progression of the disease one year later."""
    from sklearn import datasets

    inputs, labels = datasets.load_diabetes(return_X_y=True)
    return torch.tensor(inputs), torch.tensor(labels)[:, None]


def breast_cancer() -> tuple[Tensor, Tensor]:
    """569 tumors, 30 measurements of cell nuclei; 1 = benign."""
    from sklearn import datasets

    inputs, labels = datasets.load_breast_cancer(return_X_y=True)
    return torch.tensor(inputs), torch.tensor(labels)


def iris() -> tuple[Tensor, Tensor]:
    """150 flowers, 4 measurements; three species."""
    from sklearn import datasets

    inputs, labels = datasets.load_iris(return_X_y=True)
    return torch.tensor(inputs), torch.tensor(labels)


def digits() -> tuple[Tensor, Tensor]:
    """1,797 images of 8 x 8 pixels, one row of 64 each; ten digits."""
    from sklearn import datasets

    inputs, labels = datasets.load_digits(return_X_y=True)
    return torch.tensor(inputs), torch.tensor(labels)


def own_rows(
    file, separator: str, decimal: str, width: int, inputs: list[int], target: int, words: bool, classes: bool
) -> tuple[Tensor, Tensor]:
    """The rows of a CSV in which no chosen column is empty; columns are numbered from 0.

    width: columns of the file. words: whether the target is text. classes: whether its values become class
    numbers, in ascending order.
    """
    kinds: dict = dict.fromkeys(inputs, "float64") | {target: "str" if words else "float64"}
    layout: dict = {"sep": separator, "decimal": decimal, "encoding": "utf-8-sig", "header": 0}
    table = pd.read_csv(file, **layout, names=range(width), usecols=list(kinds), dtype=kinds).dropna()
    labels = pd.factorize(table[target], sort=True)[0] if classes else table[[target]].to_numpy()
    return torch.tensor(table[inputs].to_numpy()), torch.tensor(labels)


@dataclass(frozen=True)
class DataSet:
    """One row of DATASETS.

    make: the function above. task: "regression", "binary" or "classes". noisy: whether
    `make` takes noise and a generator. scale: what one mean and one standard deviation are
    taken over ("column", "image"), or "raw" for no standardizing. lr, model: what suits it: plain SGD
    on all rows learns within 300 steps. file: of scikit-learn, with the same rows, labels last; header: how
    many lines of it come before them.
    """

    title: str
    about: str
    make: Callable[..., tuple[Tensor, Tensor]]
    task: str
    noisy: bool = False
    scale: str = "column"
    inputs: str = "inputs"
    targets: str = "targets"
    lr: float = 0.1
    model: str = "mlp"
    file: str = ""
    header: int = 0

    def rows(self, noise: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """What `make` makes, from `file` if there is one."""
        if self.file:
            return _read(self.file, self.header)
        return self.make(noise, generator) if self.noisy else self.make()


def _read(file: str, header: int) -> tuple[Tensor, Tensor]:
    """Inputs and class numbers of a file that is installed with scikit-learn, without importing it."""
    package = find_spec("sklearn")
    assert package is not None and package.origin is not None  # it is in requirements.txt
    path = Path(package.origin).parent / "datasets" / "data" / file
    table = torch.from_numpy(np.loadtxt(path, delimiter=",", skiprows=header))
    return table[:, :-1].contiguous(), table[:, -1].long()


DATASETS = {
    "deliveries": DataSet(
        "Deliveries",
        "Four deliveries, minutes against distance, from the course notes this project began with.",
        deliveries,
        "regression",
        scale="raw",
        inputs="distance",
        targets="minutes",
        lr=0.05,
        model="linear",
    ),
    "deliveries_exact": DataSet(
        "Deliveries, exact",
        "The same four distances; each delivery takes exactly 5 × distance + 2 minutes.",
        deliveries_exact,
        "regression",
        scale="raw",
        inputs="distance",
        targets="minutes",
        lr=0.05,
        model="linear",
    ),
    "line": DataSet(
        "Line with outliers",
        "A straight line: 120 generated points; every twelfth is an outlier, far too high.",
        line,
        "regression",
        noisy=True,
        model="linear",
    ),
    "sine": DataSet(
        "Sine",
        "160 generated points on a sine wave.",
        sine,
        "regression",
        noisy=True,
    ),
    "xor": DataSet(
        "XOR",
        "250 generated points; the class says whether the two inputs differ in sign.",
        xor,
        "binary",
        noisy=True,
        lr=0.5,
    ),
    "moons": DataSet(
        "Two moons",
        "250 generated points on two interleaving half circles.",
        moons,
        "binary",
        noisy=True,
        lr=0.5,
    ),
    "spirals": DataSet(
        "Two spirals",
        "250 generated points on two arms that wind around each other.",
        spirals,
        "binary",
        noisy=True,
        lr=0.5,
    ),
    "diabetes": DataSet(
        "Diabetes",
        "442 patients: ten measurements, and how far the disease was a year later (Efron et al. 2004, from "
        "scikit-learn).",
        diabetes,
        "regression",
        lr=0.05,
    ),
    "breast_cancer": DataSet(
        "Breast cancer",
        "569 tumors: thirty measurements of their cell nuclei, malignant (0) or benign (1) "
        "(Wisconsin 1995, from scikit-learn).",
        breast_cancer,
        "binary",
        file="breast_cancer.csv",
        header=1,
    ),
    "iris": DataSet(
        "Iris",
        "150 flowers of three species, four measurements each: lengths and widths (Fisher 1936, from "
        "scikit-learn).",
        iris,
        "classes",
        lr=0.2,
        file="iris.csv",
        header=1,
    ),
    "digits": DataSet(
        "Digits",
        "1,797 handwritten digits, 8 x 8 pixels each (UCI optical digits, from scikit-learn).",
        digits,
        "classes",
        scale="image",
        lr=0.2,
        file="digits.csv.gz",
    ),
}


OWN = "own"  # not in DATASETS: its rows, and what is to be predicted, are a visitor's
OWN_FILE = DataSet("Own file", "A CSV file of your own.", own_rows, "regression")


class Own(NamedTuple):
    """What a run takes of an own file: which file, and which of its columns, numbered from 0.

    digest: of the file's content, "" for no file. task: as of a DataSet. token: of its table in TABLES; it
    stands in no link, and is "" for whoever does not have the file.
    """

    name: str = ""
    digest: str = ""
    inputs: tuple[int, ...] = ()
    target: int = 0
    task: str = "regression"
    token: str = ""


NO_FILE = Own()
TASKS = {"regression": "numbers", "binary": "two classes", "classes": "several classes"}  # of an own file


def data_set(dataset: str, own: Own = NO_FILE) -> DataSet:
    """What the table says of a data set; of an own file the task is what its reader chose."""
    return replace(OWN_FILE, task=own.task) if dataset == OWN else DATASETS[dataset]


class Unusable(ValueError):  # noqa: N818  (as in "the file is unusable")
    """An own file is not here, or these columns cannot be trained on; the text is a sentence."""


class OwnTable(Protocol):
    """A file that was read and checked; see `core.own.table`."""

    @property
    def nbytes(self) -> int: ...

    def rows(self, own: Own) -> tuple[Tensor, Tensor]:
        """What `own_rows` returns for these choices. Raises Unusable."""
        ...

    def arguments(self, own: Own) -> tuple:
        """Those of `own_rows` after the file."""
        ...


# token -> table. Weak: a table lives as long as its session. A token cannot be guessed, so nobody gets at a
# table by the digest of its file, which every link to it shows; and as part of a Config it keeps what the
# caches hold of one session's runs from all others.
TABLES: WeakValueDictionary[str, OwnTable] = WeakValueDictionary()


def at_hand(digest: str) -> str:
    """The token of the table that whoever asks has of this file; "" if there is none."""
    return _look_up(digest)


def _nowhere(digest: str) -> str:
    return ""


_look_up: Callable[[str], str] = _nowhere


def look_up_with(find: Callable[[str], str]) -> None:
    """Where `at_hand` looks from now on: the app, in the session of whoever asks."""
    global _look_up
    _look_up = find


def own_table(own: Own) -> OwnTable:
    """Raises Unusable if it is not there."""
    found = TABLES.get(own.token)
    if found is None:
        raise Unusable("The file is not here")
    return found


def split(rows: int, val_share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Row numbers to train on and to validate on, each in ascending order.

    The shuffle decides which rows are held out, val_share of all, rounded down.
    """
    order = torch.randperm(rows, generator=generator)
    held_out = int(val_share * rows)
    return order[held_out:].sort().values, order[:held_out].sort().values


def standardize(values: Tensor, training: Tensor, dim: int | None = 0) -> Tensor:
    """(values - mean) / standard deviation of the training rows, in training's units.

    dim 0 takes them per column, None over all entries together (images). A column that
    never changes in training has no deviation; it is only centered.
    """
    mean = training.mean(dim)
    deviation = training.std(dim, correction=0)
    return (values - mean) / torch.where(deviation == 0, torch.ones_like(deviation), deviation)


def one_column(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """(rows,) or (rows, 1) -> (rows, 1) floats."""
    return labels.reshape(-1, 1).to(dtype)


def one_hot(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """(rows,) class numbers -> (rows, classes) floats, 1 at the class."""
    return torch.nn.functional.one_hot(labels).to(dtype)


def class_index(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """(rows,) class numbers -> (rows,) int64; `dtype` is that of the inputs, not of these."""
    return labels.long()


@dataclass(frozen=True)
class Form:
    """A form of target: how it is made from labels, and in words."""

    make: Callable[[Tensor, torch.dtype], Tensor]
    about: str


FORMS = {
    "values": Form(one_column, "one float per row"),
    "zero_one": Form(one_column, "0.0 or 1.0 per row"),
    "one_hot": Form(one_hot, "one float per class, 1.0 for the right one"),
    "class_index": Form(class_index, "the class index, int64"),
}

FORMS_OF_TASK = {
    "regression": ("values",),
    "binary": ("zero_one", "class_index", "one_hot"),
    "classes": ("class_index", "one_hot"),
}
