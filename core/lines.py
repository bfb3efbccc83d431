"""The five lines of the loop as a table: it is shown, executed, and exported.

The order follows the page of torch.optim; the beginners' tutorial calls zero_grad after
the loss instead. Both are right, and so are two more orders: the page lets you try all 120.
"""

from core.line import Line
from core.mistakes import BEFORE, MISTAKES

LINES = {
    "zero_grad": Line("optimizer.zero_grad()", "forget the previous gradients", "Z"),
    "forward": Line("outputs = model(inputs)", "predict, and record the graph", "F"),
    "loss": Line("loss = loss_fn(outputs, targets)", "one number: how wrong", "L"),
    "backward": Line("loss.backward()", "add this batch's gradient to every .grad", "B"),
    "step": Line("optimizer.step()", "move the weights against .grad", "S"),
    "zero_grad_zeros": Line(
        "optimizer.zero_grad(set_to_none=False)",
        "write zeros over the previous gradients",
        "0",
        version_of="zero_grad",
    ),
    **MISTAKES,
}

LETTERED = tuple(name for name, line in LINES.items() if line.letter)
USUAL = tuple(name for name in LETTERED if not LINES[name].version_of)
MAX_LINES = 12


def text_of(name: str) -> str:
    """Source text of a line of the loop, or before it."""
    return (LINES.get(name) or BEFORE[name]).text


def first_line(name: str) -> str:
    """The same in a sentence: the first of its lines, and … for more."""
    first, *more = text_of(name).split("\n")
    return first + " …" * bool(more)


def part(name: str) -> str:
    """Which of the five lines this is, or stands in for."""
    return LINES[name].version_of or name


def parts(loop: tuple[str, ...]) -> tuple[str, ...]:
    """A loop in terms of the five lines; what stands between them is left out."""
    return tuple(known for known in map(part, loop) if known in USUAL)


def without_zero_grad(loop: tuple[str, ...]) -> tuple[str, ...]:
    """A loop that never clears .grad, in whichever version it did."""
    return tuple(name for name in loop if part(name) != "zero_grad")


def plain(loop: tuple[str, ...]) -> bool:
    """Whether a loop has none but the five lines and their everyday versions."""
    return all(LINES[name].letter for name in loop)


def letters(loop: tuple[str, ...]) -> str:
    """A loop as text for links: letters, with names between dots for lines that have none.

    ("forward", "loss") -> "FL"; ("forward", "loss_squeezed", "backward") -> "F.loss_squeezed.B".
    """
    return "".join(LINES[name].letter or f".{name}." for name in loop)


def from_letters(text: str) -> tuple[str, ...]:
    """The inverse of letters; raises KeyError on what is no line."""
    by_letter = {line.letter: name for name, line in LINES.items() if line.letter}
    pieces = text.split(".")
    if len(pieces) % 2 == 0:
        raise KeyError(text)
    names: list[str] = []
    for number, piece in enumerate(pieces):
        names += [_unlettered(piece)] if number % 2 else [by_letter[letter] for letter in piece]
    return tuple(names)


def _unlettered(name: str) -> str:
    if LINES[name].letter:  # it has a letter: one loop, one text
        raise KeyError(name)
    return name


def loop_label(loop: tuple[str, ...]) -> str:
    """A loop in words: which lines are left out, else the order of all of them."""
    if loop == USUAL:
        return "Usual loop"
    if not loop:
        return "No lines"
    others = [_line_label(name) for name in loop if name not in USUAL]
    if others:
        usual = [] if parts(loop) == USUAL else [loop_label(parts(loop))]
        label = ", ".join(usual + others)
        return label if plain(loop) else label[:1].upper() + label[1:]
    left_out = [name for name in USUAL if name not in loop]
    kept_in_order = tuple(name for name in USUAL if name in loop) == loop
    if left_out and kept_in_order:
        return f"No {', '.join(left_out)}"
    return f"Order {' '.join(letters(loop))}"


def _line_label(name: str) -> str:
    line = LINES[name]
    return line.text.split(".", 1)[-1] if line.letter else line.about
