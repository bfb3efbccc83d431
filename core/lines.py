"""What are the five lines? One table: it is shown, executed and exported.

The order follows the page of torch.optim; the beginners' tutorial calls zero_grad after
the loss instead. Both are right, and so are two more orders: the page lets you try all 120.
"""

from dataclasses import dataclass
from types import CodeType


@dataclass(frozen=True)
class Line:
    """One statement of the loop: its source text, its letter in links, what it does."""

    text: str
    letter: str
    about: str

    def compiled(self, name: str) -> CodeType:
        """The code object of this line, named for tracebacks."""
        return compile(self.text, f"<{name}>", "exec")


LINES = {
    "zero_grad": Line("optimizer.zero_grad()", "Z", "forget the previous gradients"),
    "forward": Line("outputs = model(inputs)", "F", "predict, and record the graph"),
    "loss": Line("loss = loss_fn(outputs, targets)", "L", "one number: how wrong"),
    "backward": Line("loss.backward()", "B", "add this batch's gradient to every .grad"),
    "step": Line("optimizer.step()", "S", "move the weights against .grad"),
}

USUAL = tuple(LINES)


def letters(loop: tuple[str, ...]) -> str:
    """A loop as letters, for links: ("forward", "loss") -> "FL"."""
    return "".join(LINES[name].letter for name in loop)


def from_letters(text: str) -> tuple[str, ...]:
    """The inverse of letters; raises KeyError on a letter that no line has."""
    names = {line.letter: name for name, line in LINES.items()}
    return tuple(names[letter] for letter in text)
