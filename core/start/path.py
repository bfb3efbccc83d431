"""A path of stops: the one of the app, or a sequence of views that a link brings along."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.start.address import Address, read_address
from core.start.stops import STOPS, Stop

FIRST = "first"  # name of the app's own path, in links
FIELDS = ("path", "stop")  # of the address of every page, beside its own
MAX_STOPS, MAX_CHARS = 20, 8000  # of a sequence; addresses that long still pass every proxy we know of


@dataclass(frozen=True)
class Path:
    """texts: what the field `path` holds, the name or all addresses. stops: at least one."""

    texts: tuple[str, ...]
    stops: tuple[Stop, ...]

    @property
    def own(self) -> bool:
        """Whether it is the app's path, with questions, rather than somebody's sequence."""
        return self.texts == (FIRST,)


THE_PATH = Path((FIRST,), STOPS)


def read(texts: Sequence[str]) -> Path:
    """The path of a link; raises ValueError with one sentence that says what is refused."""
    if tuple(texts) == THE_PATH.texts:
        return THE_PATH
    return sequence(_checked(texts, ()))


def from_lines(text: str) -> Path:
    """A sequence from addresses, one in a line, as they are copied from the browser.

    One that was copied while on a path has that path in it, which is left out. Raises ValueError with one
    sentence that says what is refused.
    """
    return sequence(_checked([line for line in text.splitlines() if line.strip()], FIELDS))


def _checked(texts: Sequence[str], drop: Sequence[str]) -> list[Address]:
    if not 1 <= len(texts) <= MAX_STOPS:
        raise ValueError(f"a sequence must have 1 to {MAX_STOPS} addresses; got {len(texts)}")
    size = sum(map(len, texts))
    if size > MAX_CHARS:
        raise ValueError(f"a sequence must be at most {MAX_CHARS:,} characters; got {size:,}")
    found = []
    for number, text in enumerate(texts, 1):
        try:
            found.append(read_address(text, drop))
        except ValueError as error:
            raise ValueError(f"address {number}: {error}") from None
    return found


def sequence(addresses: Sequence[Address]) -> Path:
    """A path of views, without questions."""
    return Path(tuple(one.text() for one in addresses), tuple(Stop(one) for one in addresses))


def read_stop(text: str, path: Path) -> int:
    """Number of a stop, from 0; in links from 1. Raises ValueError with the limits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= len(path.stops)):
        raise ValueError(f"stop must be a whole number from 1 to {len(path.stops)}")
    return int(text) - 1
