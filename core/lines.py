"""The lines of a loop, in one table that is shown, executed and exported: the five, everyday ones, mistakes.

The five come in the order of the page of torch.optim; the beginners' tutorial calls zero_grad after
the loss instead. Both are right, and so are two more orders: the page lets you try all 120. Everyday
lines are right where they stand; mistakes are lines that people write and that go wrong, and their
repairs. Those of BEFORE run once, between the making of the optimizer and the loop. All of them see the
names model, loss_fn, optimizer, inputs, targets, outputs, loss, torch, nn and copy, and what lines before
them have made. None may draw from torch's global random state or change a setting of the process.
"""

from collections.abc import Mapping
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


FIVE = {
    "zero_grad": Line("optimizer.zero_grad()", "forget the previous gradients", "Z"),
    "forward": Line("outputs = model(inputs)", "predict, and record the graph", "F"),
    "loss": Line("loss = loss_fn(outputs, targets)", "one number: how wrong", "L"),
    "backward": Line("loss.backward()", "add this batch's gradient to every .grad", "B"),
    "step": Line("optimizer.step()", "move the weights against .grad", "S"),
}

EVERYDAY = {
    "zero_grad_zeros": Line(
        "optimizer.zero_grad(set_to_none=False)",
        "write zeros over the previous gradients",
        "0",
        version_of="zero_grad",
    ),
    "step_closure": Line(
        "def closure():\n"
        "    optimizer.zero_grad()\n"
        "    loss = loss_fn(model(inputs), targets)\n"
        "    loss.backward()\n"
        "    return loss\n"
        "optimizer.step(closure)",
        "step with a closure",
        version_of="step",
    ),
    "scheduler_step": Line("scheduler.step()", "the schedule of the learning rate"),
    "look_in_eval_mode": Line(
        "model.eval()\nwith torch.no_grad():\n    answers = model(inputs[:8])\nmodel.train()",
        "predictions in eval mode",
    ),
}

_FORWARD = {
    "forward_detached": Line("outputs = model(inputs).detach()", "outputs cut off from the graph"),
    "forward_no_grad": Line(
        "with torch.no_grad():\n    outputs = model(inputs)", "outputs computed without a graph"
    ),
    "forward_softmax": Line("outputs = model(inputs).softmax(dim=1)", "a softmax after the model"),
    "forward_sigmoid": Line("outputs = model(inputs).sigmoid()", "a sigmoid after the model"),
    "forward_exp": Line("outputs = model(inputs).exp()", "an exponential after the model"),
    "forward_exp_data": Line(
        "outputs = model(inputs).exp()\noutputs.data.zero_()", "outputs overwritten through .data"
    ),
    "forward_exp_in_place": Line(
        "outputs = model(inputs).exp()\noutputs.mul_(0.5)", "outputs changed in place"
    ),
    "forward_by_hand": Line("outputs = inputs * weight + bias", "a linear model, written out"),
}

_LOSS = {
    "loss_squeezed": Line("loss = loss_fn(outputs, targets.squeeze(1))", "targets of shape (n,)"),
    "loss_by_hand": Line("loss = ((outputs - targets) ** 2).mean()", "the squared error, written out"),
    "loss_by_hand_squeezed": Line(
        "loss = ((outputs - targets.squeeze(1)) ** 2).mean()", "written out, targets of shape (n,)"
    ),
    "loss_unreduced": Line("loss = (outputs - targets) ** 2", "one error per row", number=False),
    "loss_of_classes": Line(
        "loss = (outputs.argmax(dim=1) != targets).float().mean()", "the share of wrong predictions"
    ),
    "loss_rewrapped": Line("loss = torch.tensor(loss_fn(outputs, targets))", "the loss in a new tensor"),
    "loss_from_item": Line(
        "loss = torch.tensor(loss_fn(outputs, targets).item(), requires_grad=True)",
        "a new tensor that asks for a gradient",
    ),
    "loss_cross_entropy": Line(
        "loss = nn.functional.cross_entropy(outputs, targets)", "cross-entropy with a single output"
    ),
    "loss_targets_float": Line("loss = loss_fn(outputs, targets.float())", "targets as floats"),
    "loss_targets_int": Line("loss = loss_fn(outputs, targets.int())", "targets as 32-bit integers"),
    "loss_targets_long": Line("loss = loss_fn(outputs, targets.long())", "targets as 64-bit integers"),
    "loss_targets_column": Line("loss = loss_fn(outputs, targets.unsqueeze(1))", "targets as a column"),
    "loss_targets_one_hot": Line(
        "loss = loss_fn(outputs, nn.functional.one_hot(targets))", "targets one-hot, as integers"
    ),
    "loss_targets_from_1": Line("loss = loss_fn(outputs, targets + 1)", "classes counted from 1"),
    "loss_bce": Line(
        "loss = nn.functional.binary_cross_entropy(outputs, targets)", "BCE that takes probabilities"
    ),
    "loss_bce_of_sigmoid": Line(
        "loss = nn.functional.binary_cross_entropy(outputs.sigmoid(), targets)", "sigmoid, then BCE"
    ),
    "loss_nll": Line("loss = nn.functional.nll_loss(outputs, targets)", "NLL that takes log-probabilities"),
    "loss_module": Line("loss = nn.MSELoss(outputs, targets)", "a loss made, not called", number=False),
}

_BACKWARD = {
    "backward_retained": Line("loss.backward(retain_graph=True)", "backward that keeps the graph"),
    "backward_micro": Line(
        "for rows, answers in zip(inputs.chunk(4), targets.chunk(4)):\n"
        "    loss_fn(model(rows), answers).backward()",
        "four micro-batches",
    ),
    "backward_micro_mean": Line(
        "for rows, answers in zip(inputs.chunk(4), targets.chunk(4)):\n"
        "    (loss_fn(model(rows), answers) / 4).backward()",
        "four micro-batches, each a quarter",
    ),
}

_STEP = {
    "step_uncalled": Line("optimizer.step", "step without parentheses"),
    "step_rebinds": Line(
        "weight = weight - lr * weight.grad\nbias = bias - lr * bias.grad",
        "new tensors for the weights",
    ),
    "step_in_place": Line(
        "weight -= lr * weight.grad\nbias -= lr * bias.grad", "weights changed while autograd is recording"
    ),
    "step_by_hand": Line(
        "with torch.no_grad():\n    weight -= lr * weight.grad\n    bias -= lr * bias.grad",
        "the update, written out",
    ),
}

_BETWEEN = {
    "backward_again": Line("loss.backward()", "backward a second time"),
    "step_again": Line("optimizer.step()", "step a second time"),
    "read_grad": Line("size = model.weight.grad.norm()", "the norm of the gradient"),
    "look_in_training_mode": Line(
        "with torch.no_grad():\n    answers = model(inputs[:8])", "predictions in training mode"
    ),
}


def _versions(part: str, table: dict[str, Line]) -> dict[str, Line]:
    return {name: Line(line.text, line.about, "", part, line.number) for name, line in table.items()}


MISTAKES = {
    **_versions("forward", _FORWARD),
    **_versions("loss", _LOSS),
    **_versions("backward", _BACKWARD),
    **_versions("step", _STEP),
    **_BETWEEN,
}

BEFORE = {
    "optimizer_of_a_copy": Line(
        "optimizer = torch.optim.SGD(copy.deepcopy(model).parameters(), lr=0.01)",
        "an optimizer for another model",
    ),
    "weight_replaced": Line(
        "model.weight = nn.Parameter(torch.zeros_like(model.weight))", "a weight replaced after the optimizer"
    ),
    "layers_in_a_list": Line(
        "net = nn.Module()\nnet.layers = [*model.children()]\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)",
        "layers in a Python list",
    ),
    "layers_in_a_module_list": Line(
        "net = nn.Module()\nnet.layers = nn.ModuleList(model.children())\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)",
        "layers in an nn.ModuleList",
    ),
    "weights_by_hand": Line("weight, bias, lr = model.weight, model.bias, 0.01", "weights by name"),
    "dead_relu": Line("nn.init.constant_(model[0].bias, -10.0)", "hidden biases of -10"),
    "scheduler": Line(
        "scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)",
        "a learning rate that shrinks",
    ),
}


def check(sections: Mapping[str, Mapping[str, Line]]) -> None:
    """Raise ValueError, in one sentence that names the line, where a section's entry cannot be right."""
    seen: dict[str, str] = {}  # name or letter -> the section or the line that has it
    for section, table in sections.items():
        for name, line in table.items():
            _check_one(name, line)
            if name in seen:
                raise ValueError(f"line {name} must have a name of its own; it is in {seen[name]}, too")
            if line.letter in seen:
                taken = f"{line.letter} is that of {seen[line.letter]}"
                raise ValueError(f"line {name} must have its own letter; {taken}")
            seen |= {name: section} | ({line.letter: name} if line.letter else {})


def _check_one(name: str, line: Line) -> None:
    if not name.isidentifier() or len(name) < 2:  # it stands between dots in links, beside letters
        raise ValueError(f"line {name!r} must have a name like that of a variable, of two letters or more")
    if len(line.letter) > 1 or line.letter == ".":
        raise ValueError(f"line {name} must have one letter or none; got {line.letter!r}")
    if line.version_of and line.version_of not in FIVE:
        raise ValueError(f"line {name} must be a version of {', '.join(FIVE)}; got {line.version_of!r}")
    try:
        line.compiled(name)
    except SyntaxError as error:
        raise ValueError(f"line {name} must be Python: {error.msg}") from None


check({"FIVE": FIVE, "EVERYDAY": EVERYDAY, "MISTAKES": MISTAKES, "BEFORE": BEFORE})
LINES = FIVE | EVERYDAY | MISTAKES
LETTERED = tuple(name for name, line in LINES.items() if line.letter)
USUAL = tuple(FIVE)
MAX_LINES = 12


def text_of(name: str) -> str:
    """Source text of a line of the loop, or before it."""
    return (LINES.get(name) or BEFORE[name]).text


def first_line(name: str) -> str:
    """The same in a sentence: the first of its lines, and … for more; after a function, what calls it."""
    first, *more = text_of(name).split("\n")
    return f"… {more[-1]}" if first.startswith("def ") else first + " …" * bool(more)


def part(name: str) -> str:
    """Which of the five lines this is, or stands in for."""
    return LINES[name].version_of or name


def parts(loop: tuple[str, ...]) -> tuple[str, ...]:
    """A loop in terms of the five lines; what stands between them is left out."""
    return tuple(known for known in map(part, loop) if known in USUAL)


def without_zero_grad(loop: tuple[str, ...]) -> tuple[str, ...]:
    """A loop that never clears .grad, in whichever version it did."""
    return tuple(name for name in loop if part(name) != "zero_grad")


def with_step(loop: tuple[str, ...], line: str) -> tuple[str, ...]:
    """A loop with this version of the step."""
    return tuple(line if name == "step" else name for name in loop)


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
