"""What are the five lines? One table: it is shown, executed and exported.

The order follows the page of torch.optim; the beginners' tutorial calls zero_grad after
the loss instead. Both are right, and so are two more orders: the page lets you try all 120.
"""

from dataclasses import dataclass
from types import CodeType


@dataclass(frozen=True)
class Line:
    """One statement of the loop: its source text, its letter in links, what it does.

    version_of: the one of the five lines that it stands in for, if it is not one of them.
    """

    text: str
    letter: str
    about: str
    version_of: str = ""

    def compiled(self, name: str) -> CodeType:
        """The code object of this line, named for tracebacks."""
        return compile(self.text, f"<{name}>", "exec")


LINES = {
    "zero_grad": Line("optimizer.zero_grad()", "Z", "forget the previous gradients"),
    "forward": Line("outputs = model(inputs)", "F", "predict, and record the graph"),
    "loss": Line("loss = loss_fn(outputs, targets)", "L", "one number: how wrong"),
    "backward": Line("loss.backward()", "B", "add this batch's gradient to every .grad"),
    "step": Line("optimizer.step()", "S", "move the weights against .grad"),
    "zero_grad_zeros": Line(
        "optimizer.zero_grad(set_to_none=False)",
        "0",
        "write zeros over the previous gradients",
        version_of="zero_grad",
    ),
}

USUAL = tuple(name for name, line in LINES.items() if not line.version_of)


def part(name: str) -> str:
    """Which of the five lines this is, or stands in for."""
    return LINES[name].version_of or name


def parts(loop: tuple[str, ...]) -> tuple[str, ...]:
    """A loop in terms of the five lines."""
    return tuple(map(part, loop))


def letters(loop: tuple[str, ...]) -> str:
    """A loop as letters, for links: ("forward", "loss") -> "FL"."""
    return "".join(LINES[name].letter for name in loop)


def from_letters(text: str) -> tuple[str, ...]:
    """The inverse of letters; raises KeyError on a letter that no line has."""
    names = {line.letter: name for name, line in LINES.items()}
    return tuple(names[letter] for letter in text)
