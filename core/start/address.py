"""The address of a view: a page and its fields, checked here before anyone is sent there.

Pages say on their own what they ignore in a link. A stop of a path must not have anything to ignore, so an
Address that its page would not take as it is cannot be made.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from core.autograd.examples import EXAMPLES
from core.compare.comparison import read as read_comparison
from core.compare.looks import READ
from core.config import KNOBS
from core.fields import shown
from core.lines import USUAL, from_letters
from core.losses import LOSSES
from core.notes.claim import JUDGEMENTS
from core.notes.notes import NOTES
from core.sweep.measures import offered
from core.sweep.sweep import OWN
from core.sweep.sweep import read as read_sweep
from core.traps.accumulation import CUTS
from core.traps.diagnosis import MAX_SERIES
from core.traps.table import TRAPS
from core.watch.place import read_place

MAX_FIELDS = 40  # of one address; the longest that a page writes is shorter
FIRST_PAGE = "compare"  # whose address may have no name
PANELS = ("tensors", "graph", "ledger", "surface", "memory", "curves")  # of Watch

Fields = Mapping[str, list[str]]
Known = Collection[str] | Callable[[str], bool] | None  # texts of a field; None: any, its widget says which


@dataclass(frozen=True)
class Address:
    """page: as in links. fields: name -> texts.

    Raises ValueError with one sentence if that page does not exist, or would ignore some of it.
    """

    page: str
    fields: Fields

    def __post_init__(self) -> None:
        if self.page not in PAGES:
            raise ValueError(f"a page must be one of {', '.join(PAGES)}; got {shown(self.page)}")
        if len(self.fields) > MAX_FIELDS:
            raise ValueError(f"an address must have at most {MAX_FIELDS} fields; got {len(self.fields)}")
        refused = PAGES[self.page](self.fields)
        if refused:
            raise ValueError(f"{self.page}: {refused[0]}")

    def text(self) -> str:
        """As in a link, from the page's name on."""
        query = urlencode(self.fields, doseq=True)
        return f"{self.page}?{query}" if query else self.page


def address(page: str, fields: Mapping[str, Any]) -> Address:
    """An Address whose fields may also be single texts, as a Config gives them."""
    return Address(
        page, {name: [texts] if isinstance(texts, str) else texts for name, texts in fields.items()}
    )


def read_address(text: str, drop: Collection[str] = ()) -> Address:
    """The inverse of Address.text; also of a whole address copied from the browser, from any host.

    drop: fields to leave out. Raises ValueError with one sentence.
    """
    try:
        parts = urlsplit(text.strip())
        fields = parse_qs(parts.query, keep_blank_values=True, max_num_fields=2 * MAX_FIELDS)
    except ValueError:
        raise ValueError(f"an address must be a page and its fields; got {shown(text)}") from None
    page = parts.path.split("/")[-1] or FIRST_PAGE
    return Address(page, {name: texts for name, texts in fields.items() if name not in drop})


# -- what each page takes ------------------------------------------------------------------


def _compare(fields: Fields) -> list[str]:
    own, rest = _parted(fields, READ)
    known = {name: _reads(read) for name, read in READ.items()}
    return read_comparison(rest)[1] + _unlike(own, known) + _twice(fields, own)


def _reads(read: Callable[[str], Any]) -> Callable[[str], bool]:
    """Whether a text is one that this function reads; others are a ValueError to it."""

    def reads(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return reads


def _watch(fields: Fields) -> list[str]:
    own, rest = _parted(fields, ("at", "look"))
    comparison, refused = read_comparison(rest)
    if read_place(own.get("at", "0.0"), comparison.baseline) is None:
        refused.append("at must be a step and a line of this run, as 3.2")
    return refused + _unlike(own, {"look": PANELS, "at": None}) + _twice(fields, ("at", "look"))


SWEEP_LOOKS = {"measure": None, "goal": None, "cell": None, "along": ("row", "column")}


def _sweep(fields: Fields) -> list[str]:
    own, rest = _parted(fields, (*OWN, *SWEEP_LOOKS))
    comparison, refused = read_comparison(rest)
    refused = refused + read_sweep(own, comparison.baseline)[1]
    looks = {name: text for name, text in own.items() if name in SWEEP_LOOKS}
    known = {**SWEEP_LOOKS, "measure": offered(comparison.baseline), "goal": _is_number}
    return refused + _unlike(looks, known) + _twice(fields, own)


_is_number = _reads(KNOBS["lr"].parse)


def _is_loop(text: str) -> bool:
    try:
        loop = from_letters(text)
    except KeyError:
        return False
    return bool(loop) and len(set(loop)) == len(loop) and set(loop) <= set(USUAL)


def _is_series(text: str) -> bool:
    short = len(text) <= len(str(MAX_SERIES))
    return text.isascii() and text.isdigit() and short and int(text) <= MAX_SERIES


VIEWS: dict[str, dict[str, dict[str, Known]]] = {  # page -> view -> field -> its texts
    "traps": {
        "traps": {"trap": TRAPS},
        "orders": {"model": ("linear", "mlp"), "loop": _is_loop},
        "momentum": {"on": ("linear", "mlp"), "lr": _is_number},
        "accumulation": {"cut": CUTS},
        "diagnosis": {"series": _is_series},
    },
    "losses": {
        "one": {"loss": LOSSES, "over": None, "target": None, "at": None},
        "cross_entropy": dict.fromkeys(("z0", "z1", "z2", "class", "rows", "smoothing")),
        "softmax": dict.fromkeys(("classes", "right", "rival")),
        "outlier": {"y": None},
        "stability": dict.fromkeys(("z", "label", "dtype")),
        "which": dict.fromkeys(("task", "form", "last")),
    },
    "autograd": {"": {"example": EXAMPLES, "text": None, "line": None, "root": None}},
    "notes": {
        "": {
            "judgement": ("all", *JUDGEMENTS, "open"),
            "note": ("all", *NOTES),
            "upto": None,
            "lines": ("all", "shown"),
        }
    },
}


def _views(page: str) -> Callable[[Fields], list[str]]:
    """A page that shows one of its views, each with fields of its own."""
    views = VIEWS[page]

    def refused(fields: Fields) -> list[str]:
        own, _ = _parted(fields, tuple(fields))
        view = own.pop("view", None) if "" not in views else ""
        if view is None:  # the first one that has all these fields, as the page finds it
            view = next((name for name, known in views.items() if own.keys() <= known.keys()), "")
        if view not in views:
            unknown = _unlike(own, {name: None for known in views.values() for name in known})
            return unknown or [f"view must be one of {', '.join(views)}, and the fields those of one view"]
        return _unlike(own, views[view]) + _twice(fields, fields)

    return refused


def _parted(fields: Fields, names: Collection[str]) -> tuple[dict[str, str], Fields]:
    """The first text of each of these fields; and all other fields."""
    own = {name: texts[0] for name, texts in fields.items() if name in names}
    return own, {name: texts for name, texts in fields.items() if name not in names}


def _unlike(own: Mapping[str, str], known: Mapping[str, Known]) -> list[str]:
    """A sentence for each field that is not known, or whose text is none of those it takes."""
    unknown = [f"there is no field {shown(name)}" for name in own if name not in known]
    return unknown + [
        f"{name} cannot be {shown(text)}"
        for name, text in own.items()
        if name in known and not _takes(known[name], text)
    ]


def _takes(known: Known, text: str) -> bool:
    if known is None:
        return True
    return known(text) if callable(known) else text in known


def _twice(fields: Fields, names: Collection[str]) -> list[str]:
    return [f"{name} is given {len(fields[name])} times" for name in names if len(fields.get(name, [])) > 1]


PAGES: dict[str, Callable[[Fields], list[str]]] = {  # -> what it would ignore, in sentences
    "compare": _compare,
    "watch": _watch,
    "sweep": _sweep,
    **{page: _views(page) for page in VIEWS},
}
