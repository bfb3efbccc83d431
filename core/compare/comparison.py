"""Several runs side by side: a baseline, and variants that change one or more fields of it.

A variant is text, as in a link: `lr~x20` is twenty times the baseline's learning rate,
`loop~FLBS` its loop without zero_grad, `lr~0.1~seed~1~name~Slow` two changes under a name of one's own.
A kept run starts from the defaults instead, so that it stays the same while the baseline moves on; its text
begins with `keep`. The address of a comparison holds the baseline's fields and a `run` for each variant.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any, NamedTuple

from core.budget import MAX_RUNS
from core.config import DEFAULTS, KNOBS, Config, nearest, parse, with_changes
from core.data import TASKS, Own
from core.fields import arguments_in_words, columns_text
from core.lines import (
    BEFORE,
    PRACTICES,
    USUAL,
    letters,
    loop_label,
    practices_in,
    with_practice,
    without_zero_grad,
)
from core.losses import fitting
from core.words import counted, shown

SEPARATOR = "~"
NO_RUNS = "none"
FREE = "-"  # of a place that no run has: the runs after it keep theirs
KEPT = "keep"  # begins a variant of the defaults
NAME = "name"  # before a run's own name, which comes last and may hold any character, the separator too
MAX_NAME = 40  # characters of it
MAX_TEXT = 4000  # characters of one variant; the longest that this module writes is shorter
READY_LOSSES = 5  # of those that fit a data set; the others are in the choice of any change
MAX_VALUE = 60  # characters of a value in the name of a run
MAX_LISTED = 8  # columns, or ranges of them, in the name of a run
MAX_NOTES = 3  # sentences about a bad link; the rest is counted


@dataclass(frozen=True)
class Variant:
    """Changes as (field, text) pairs, on the baseline, or on the defaults if kept.

    name: one's own, "" for one derived from the changes. It is whatever a visitor typed: never Markdown.
    Raises ValueError if it is too long or cannot be printed.
    """

    changes: tuple[tuple[str, str], ...]
    kept: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name.strip())
        if len(self.name) > MAX_NAME:
            raise ValueError(f"{NAME} must be at most {MAX_NAME} characters; got {len(self.name):,}")
        if not self.name.isprintable():
            raise ValueError(f"{NAME} must be printable characters; got {shown(self.name)}")

    @property
    def unnamed(self) -> "Variant":
        """The same changes, under the name derived from them."""
        return replace(self, name="")

    def config(self, baseline: Config) -> tuple[Config, list[str]]:
        """The variant's Config, and a sentence for each choice that had to give way.

        Raises ValueError that names field, limit and value if a change is not possible on this baseline.
        """
        start = Config() if self.kept else baseline
        changes = {name: _value(name, text, start) for name, text in self.changes}
        return with_changes(start, changes, firm=() if self.kept else changes)

    def check(self) -> None:
        """Raises ValueError that names field, limit and value if a change is not possible on any baseline."""
        for name, text in self.changes:
            if _factor(name, text) is None:
                parse(name, text)
        if self.kept:
            self.config(Config())

    def text(self) -> str:
        """As in a link: field~text~field~text, after keep~ if it is kept; its own name comes last."""
        parts = [part for change in self.changes for part in change]
        named = [NAME, self.name] if self.name else []
        return SEPARATOR.join([*([KEPT] if self.kept else []), *parts, *named])


def _value(name: str, text: str, start: Config) -> Any:
    """A field's value from text; for numbers, x and a factor multiply the value at the start."""
    factor = _factor(name, text)
    if factor is None:
        return parse(name, text)
    scaled = getattr(start, name) * factor
    return parse(name, repr(float(f"{scaled:.12g}")))  # 0.5 * 0.1 without its rounding tail


def _factor(name: str, text: str) -> float | None:
    """The number behind the x of text; None where text is to be read as a value."""
    between = KNOBS[name].between
    if not (text.startswith("x") and between and isinstance(between[0], float)):
        return None
    try:
        factor = KNOBS["lr"].parse(text[1:])
    except ValueError:
        factor = -1.0
    if factor < 0:
        raise ValueError(f"{name} must be x and a factor; got {shown(text)}")
    return factor


def kept(config: Config) -> Variant:
    """A variant that holds on to a Config whatever the baseline becomes."""
    return Variant(tuple(config.to_params().items()), kept=True)


class Named(NamedTuple):
    """A run of a comparison. place: decides its color and dash, 0 for the baseline."""

    place: int
    name: str
    config: Config


class Waiting(NamedTuple):
    """A run that is not possible on the present baseline, and why: one sentence. It keeps its place."""

    place: int
    name: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """A baseline and at most MAX_RUNS - 1 variants.

    places: of the variants, each from 1 to MAX_RUNS - 1; 1, 2, ... if not given. A variant keeps its place,
    and so its color, whatever becomes of the others.
    """

    baseline: Config
    variants: tuple[Variant, ...]
    places: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.places:
            object.__setattr__(self, "places", tuple(range(1, len(self.variants) + 1)))

    def to_params(self) -> dict[str, list[str]]:
        """The address: nothing at all for the comparison that a first visitor sees."""
        params = {name: [text] for name, text in self.baseline.to_params().items()}
        all_first = first_runs(self.baseline)[0] == FIRST.variants  # or a link without runs would drop some
        if not all_first or (self.variants, self.places) != (FIRST.variants, FIRST.places):
            texts = dict.fromkeys(range(1, max(self.places, default=0) + 1), FREE)
            texts |= {place: v.text() for place, v in zip(self.places, self.variants, strict=True)}
            params["run"] = list(texts.values()) or [NO_RUNS]
        return params

    def runs(self) -> list[Named | Waiting]:
        """Every run, each with a name that no other has, the baseline first."""
        found: dict[str, Named | Waiting] = {"Baseline": Named(0, "Baseline", self.baseline)}
        for place, variant in zip(self.places, self.variants, strict=True):
            name = next(one for one in _numbered(label(variant, self.baseline)) if one not in found)
            try:
                found[name] = Named(place, name, variant.config(self.baseline)[0])
            except ValueError as error:
                field, _, rest = str(error).partition(" ")
                found[name] = Waiting(place, name, f"{KNOBS[field].label} {rest}.")
        return list(found.values())

    def named(self) -> list[Named]:
        """The runs that are possible on this baseline."""
        return [run for run in self.runs() if isinstance(run, Named)]

    def with_runs(self, variants: Sequence[Variant]) -> "Comparison":
        """Other variants; those that were there keep their places, new ones take those that are free."""
        known = dict(zip(self.variants, self.places, strict=True))
        taken = {known[v] for v in variants if v in known}
        free = iter(sorted({*range(1, MAX_RUNS)} - taken))
        placed = sorted((known[v] if v in known else next(free), n) for n, v in enumerate(variants))
        return Comparison(
            self.baseline, tuple(variants[n] for _, n in placed), tuple(place for place, _ in placed)
        )

    def with_run(self, place: int, variant: Variant) -> "Comparison":
        """Another variant at a place; raises ValueError if another run makes its changes already."""
        others = {v.unnamed for v, at in zip(self.variants, self.places, strict=True) if at != place}
        if variant.unnamed in others:
            raise ValueError("a run must not make the same changes as another run")
        pairs = zip(self.variants, self.places, strict=True)
        return replace(self, variants=tuple(variant if at == place else v for v, at in pairs))


def _numbered(name: str) -> Iterator[str]:
    return chain([name], (f"{name} ({number})" for number in count(2)))


SKIP = Variant((("loop", letters(without_zero_grad(USUAL))),))
FIRST = Comparison(Config(), (Variant((("lr", "x100"),)), SKIP))


def first_runs(baseline: Config) -> tuple[tuple[Variant, ...], list[str]]:
    """The runs where no link names any, and a sentence for each that is not possible on this baseline."""
    possible, notes = [], []
    for variant in FIRST.variants:
        try:
            variant.config(baseline)
        except ValueError as error:
            notes.append(f"The run {variant.text()} of the first page is left out: {error}.")
        else:
            possible.append(variant)
    return tuple(possible), notes


def read(params: Mapping[str, Sequence[str]]) -> tuple[Comparison, list[str]]:
    """The comparison of an address, and one sentence for each thing in it that was ignored.

    Never raises: a value that is not valid leaves the default, a pair that does not fit takes
    the nearest choice that does, runs over the limit are left out.
    """
    notes: list[str] = []
    values = dict(DEFAULTS)
    unknown = [name for name in params if name not in KNOBS and name != "run"]
    if unknown:
        notes.append(counted(len(unknown), "unknown field"))
    for name in KNOBS:
        texts = params.get(name, [])
        if len(texts) > 1:
            notes.append(f"{name} was given {len(texts)} times; the first counts")
        try:
            if texts:
                values[name] = parse(name, texts[0])
        except ValueError as error:
            notes.append(str(error))
    baseline, given_way = nearest(values)
    return _read_variants(params, baseline, notes), notes + given_way


def _read_variants(params: Mapping[str, Sequence[str]], baseline: Config, notes: list[str]) -> Comparison:
    if "run" not in params:
        return Comparison(baseline, first_runs(baseline)[0])
    texts = [text for text in params["run"] if text != NO_RUNS]
    variants: dict[Variant, int] = {}
    gaps = 0
    for text in texts[: 4 * MAX_RUNS]:
        if text == FREE:
            gaps += 1
            continue
        try:
            variant = _read_variant(text)
        except ValueError as error:
            notes.append(f"a run: {error}")
            continue
        notes += _given_way(variant, baseline)
        if variant.unnamed not in {known.unnamed for known in variants}:
            variants[variant] = len(variants) + 1 + gaps
    if len(variants) > MAX_RUNS - 1 or len(texts) > 4 * MAX_RUNS:
        notes.append(f"runs must be at most {MAX_RUNS}, with the baseline; got {len(texts) - gaps + 1}")
    shown = list(variants)[: MAX_RUNS - 1]
    places = [variants[v] for v in shown]
    if max(places, default=0) >= MAX_RUNS:  # more free places than there are: they are given up
        places = []
    return Comparison(baseline, tuple(shown), tuple(places))


def _read_variant(text: str) -> Variant:
    if len(text) > MAX_TEXT:
        raise ValueError(f"must be at most {MAX_TEXT:,} characters; got {len(text):,}")
    text, _, own_name = text.partition(f"{SEPARATOR}{NAME}{SEPARATOR}")
    parts = text.split(SEPARATOR) if text else []
    is_kept = parts[:1] == [KEPT]
    parts = parts[is_kept:]
    fields_given = parts[::2]
    good = len(parts) % 2 == 0 and all(name in KNOBS for name in fields_given)
    if not good or not (parts or is_kept):
        raise ValueError(f"must be field{SEPARATOR}value pairs; got {shown(text)}")
    pairs = dict(zip(fields_given, parts[1::2], strict=True))  # of a field given twice, the last counts
    variant = Variant(tuple(pairs.items()), is_kept, own_name)
    variant.check()
    return variant


def _given_way(variant: Variant, baseline: Config) -> list[str]:
    try:
        return variant.config(baseline)[1]
    except ValueError:
        return []  # it waits, and its card says why


def one_line(notes: Sequence[str]) -> str:
    """What was ignored in a link, as one line of bounded length."""
    more = f"; and {len(notes) - MAX_NOTES} more" if len(notes) > MAX_NOTES else ""
    return f"Ignored in this link: {'; '.join(notes[:MAX_NOTES])}{more}."


def ready(baseline: Config) -> list[Variant]:
    """Changes offered with one click, each of one thing, each different from the baseline."""
    loop = baseline.loop
    without = without_zero_grad(loop)
    changes = [("lr", "x100"), ("lr", "x5"), ("lr", "x0.1")]
    changes += [("loop", letters(without) if without != loop else letters(USUAL))]
    changes += [("loss", name) for name in fitting(baseline.dataset, baseline.own)[:READY_LOSSES]]
    changes += [("optimizer", name) for name in ("adam", "nesterov", "sgd_by_hand")]
    changes += [("seed", str(baseline.seed + 1 if baseline.seed == 0 else 0))]
    changes += [("loop", order) for order in ("FLBSZ", "ZFLSB", "ZBFLS")]
    changes += [
        ("loop", letters(with_practice(loop, name, name not in practices_in(loop)))) for name in PRACTICES
    ]
    return [Variant((c,)) for c in changes if _possible(Variant((c,)), baseline)]


def _possible(variant: Variant, baseline: Config) -> bool:
    try:
        return variant.config(baseline)[0] != baseline
    except ValueError:
        return False


def label(variant: Variant, baseline: Config) -> str:
    """A short name of a variant: its own, or else all that it changes, in the words of the page.

    A derived one is made of checked values alone. It does not ask whether the changes are possible.
    """
    if variant.name:
        return variant.name
    if not variant.kept:
        return ", ".join(_change_label(name, text) for name, text in variant.changes)
    config = variant.config(baseline)[0]
    text = {
        name: (knob.text(getattr(config, name)), knob.text(getattr(baseline, name)))
        for name, knob in KNOBS.items()
    }
    different = [name for name, (own, other) in text.items() if own != other]  # text has no token of a file
    words = [_value_label(name, getattr(config, name)) for name in different]
    return "Kept: " + (", ".join(words) or "same as baseline")


def own_label(own: Own) -> str:
    """What is taken of an own file; not its name, which is a text of somebody's."""
    return f"{columns_label(own)}, {TASKS[own.task]}" if own.digest else "No own file"


def columns_label(own: Own) -> str:
    """Columns of an own file, counted from 1: inputs, then the target."""
    parts = columns_text(column + 1 for column in own.inputs).replace("-", "–").split(".")
    listed = [*parts[:MAX_LISTED], *(["…"] if len(parts) > MAX_LISTED else [])]
    return f"Columns {', '.join(listed)} → {own.target + 1}"


def _change_label(name: str, text: str) -> str:
    factor = _factor(name, text)
    if factor is None:
        return _value_label(name, parse(name, text))
    scaled = f"÷ {1 / factor:g}" if 1e-9 < factor < 1 else f"× {factor:g}"
    return f"{KNOBS[name].label} {scaled}"


def _value_label(name: str, value: Any) -> str:
    knob = KNOBS[name]
    if name == "loop":
        return loop_label(value)
    if name == "own":
        return own_label(value)
    if name == "before":
        return ", ".join(BEFORE[line].about.capitalize() for line in value) or "Nothing before the loop"
    if name in ("optimizer_arguments", "loss_arguments"):
        return arguments_in_words(value)
    if knob.choices:
        return knob.choices[value]
    text = f"{value:g}" if isinstance(value, float) else knob.text(value)
    return f"{knob.label} {text if len(text) <= MAX_VALUE else f'{text[:MAX_VALUE]}…'}"
