"""Line: source text that is shown, executed, and exported, and what it is for."""

from dataclasses import dataclass
from types import CodeType


@dataclass(frozen=True)
class Line:
    """One statement of the loop, or a few that belong together: source text, and what it does.

    letter: in links; only the five lines and their everyday versions have one. version_of: the one
    of the five lines that it stands in for. number: for a line that makes the loss, whether that is
    a tensor with one entry.
    """

    text: str
    about: str
    letter: str = ""
    version_of: str = ""
    number: bool = True

    def compiled(self, name: str) -> CodeType:
        """The code object of this line, named for tracebacks."""
        return compile(self.text, f"<{name}>", "exec")
