"""The lines of a loop, in one table that is shown, executed and exported: the five, everyday ones, mistakes.

The five come in the order of the page of torch.optim; the beginners' tutorial calls zero_grad after
the loss instead. Both are right, and so are two more orders: the page lets you try all 120. Everyday
lines are right where they stand; mistakes are lines that people write and that go wrong, and their
repairs. Those of BEFORE run once, between the making of the optimizer and the loop. All of them see the
names model, loss_fn, optimizer, inputs, targets, outputs, loss, torch, nn and copy, and what lines before
them have made; everyday lines also see what they say they use. None may draw from torch's global random
state or change a setting of the process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import CodeType


@dataclass(frozen=True)
class Line:
    """One statement of the loop, or a few that belong together: source text, and what it does.

    letter: in links; a line that has one does what is known here, so that a run with it can be explained and
    gone back through. version_of: the line that it stands in for. number: for a line that
    makes the loss, whether that is a tensor with one entry. after: the line that it follows in the usual
    order; "" if it comes first. label: what a run with it is called. uses: names that are there only for
    lines which call them: fields of Config, step (number of the pass), sizes (rows of every pass's batch),
    scaler, scheduler.
    writes_grads: whether it writes into gradients that are there, or clears them only now and then.
    """

    text: str
    about: str
    letter: str = ""
    version_of: str = ""
    number: bool = True
    after: str = ""
    label: str = ""
    uses: tuple[str, ...] = ()
    writes_grads: bool = False

    def compiled(self, name: str) -> CodeType:
        """The code object of this line, named for tracebacks."""
        return compile(self.text, f"<{name}>", "exec")


FIVE = {
    "zero_grad": Line("optimizer.zero_grad()", "forget the previous gradients", "Z"),
    "forward": Line("outputs = model(inputs)", "predict, and record the graph", "F"),
    "loss": Line("loss = loss_fn(outputs, targets)", "one number: how wrong", "L"),
    "backward": Line("loss.backward()", "add this batch's gradient to every .grad", "B"),
    "step": Line("optimizer.step()", "use .grad to move the weights", "S"),
}

EVERYDAY = {
    "zero_grad_zeros": Line(
        "optimizer.zero_grad(set_to_none=False)",
        "write zeros over the previous gradients",
        "0",
        version_of="zero_grad",
        label="zero_grad(set_to_none=False)",
        writes_grads=True,
    ),
    "zero_grad_every": Line(
        "if step % accumulate == 0:\n    optimizer.zero_grad()",
        "forget the previous gradients, at the first of every k passes",
        "z",
        version_of="zero_grad",
        label="zero_grad every k passes",
        uses=("step", "accumulate"),
        writes_grads=True,
    ),
    "backward_divided": Line(
        "(loss / accumulate).backward()",
        "add a k-th of this batch's gradient to every .grad",
        "D",
        version_of="backward",
        label="Loss divided by k",
        uses=("accumulate",),
    ),
    "backward_by_rows": Line(
        "first = step - step % accumulate\n"
        "(loss * len(inputs) / sum(sizes[first : first + accumulate])).backward()",
        "add this batch's gradient, weighted by its share of the rows of k passes",
        "w",
        version_of="backward",
        label="Loss weighted by rows",
        uses=("step", "accumulate", "sizes"),
    ),
    "forward_autocast": Line(
        "with torch.autocast(inputs.device.type, dtype=autocast):\n    outputs = model(inputs)",
        "predict in lower precision where that is safe, and record the graph",
        "f",
        version_of="forward",
        label="forward in autocast",
        uses=("autocast",),
    ),
    "loss_autocast": Line(
        "with torch.autocast(inputs.device.type, dtype=autocast):\n    loss = loss_fn(outputs, targets)",
        "one number: how wrong, in float32 for most losses",
        "l",
        version_of="loss",
        label="loss in autocast",
        uses=("autocast",),
    ),
    "backward_scaled": Line(
        "scaler.scale(loss).backward()",
        "add the gradient of the loss times the scale, so that small entries do not become 0",
        "a",
        version_of="backward",
        label="Loss scaled",
        uses=("scaler",),
    ),
    "backward_scaled_divided": Line(
        "scaler.scale(loss / accumulate).backward()",
        "add a k-th of the gradient of the loss times the scale to every .grad",
        "d",
        version_of="backward",
        label="Loss scaled and divided by k",
        uses=("scaler", "accumulate"),
    ),
    "unscale": Line(
        "scaler.unscale_(optimizer)",
        "divide every .grad by the scale",
        "U",
        after="backward",
        label="Unscale",
        uses=("scaler",),
        writes_grads=True,
    ),
    "step_scaled": Line(
        "scaler.step(optimizer)",
        "unscale what is still scaled, and move the weights unless a gradient is inf or nan",
        "A",
        version_of="step",
        label="step by the scaler",
        uses=("scaler",),
        writes_grads=True,
    ),
    "scaler_update": Line(
        "scaler.update()",
        "halve the scale after inf or nan, double it after 2,000 steps in a row without",
        "G",
        after="step",
        label="Update of the scale",
        uses=("scaler",),
    ),
    "loss_penalty": Line(
        "loss = loss_fn(outputs, targets) + penalty * sum((p**2).sum() for p in model.parameters())",
        "how wrong, and how large the weights are, in one number",
        "p",
        version_of="loss",
        label="Penalty in the loss",
        uses=("penalty",),
    ),
    "backward_penalty": Line(
        "(penalty * sum((p**2).sum() for p in model.parameters())).backward()",
        "add the gradient of a second loss, how large the weights are, to every .grad",
        "W",
        after="backward",
        label="Two losses",
        uses=("penalty",),
        writes_grads=True,
    ),
    "clip": Line(
        "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
        "shrink all gradients by one factor, so that their norm is at most max_norm",
        "C",
        after="backward",
        label="Clip by norm",
        uses=("max_norm",),
        writes_grads=True,
    ),
    "clip_value": Line(
        "nn.utils.clip_grad_value_(model.parameters(), clip_value)",
        "cut every entry of the gradients to at most clip_value in size",
        "V",
        after="backward",
        label="Clip by value",
        uses=("clip_value",),
        writes_grads=True,
    ),
    "scheduler_step": Line(
        "scheduler.step()",
        "the learning rate of the next step",
        "R",
        after="step",
        label="Scheduler",
        uses=("scheduler",),
    ),
    "scheduler_step_loss": Line(
        "scheduler.step(loss.item())",
        "the learning rate of the next step, from how the loss goes",
        "P",
        version_of="scheduler_step",
        label="Scheduler by loss",
        uses=("scheduler",),
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
    "look_in_eval_mode": Line(
        "model.eval()\nwith torch.no_grad():\n    answers = model(inputs[:8])\nmodel.train()",
        "predictions in eval mode",
        after="step",
    ),
    "train_mode": Line(
        "model.train()",
        "switch dropout on, and batch normalization to the statistics of the batch",
        "T",
        label="train()",
    ),
    "eval_mode": Line(
        "model.eval()",
        "switch dropout off, and batch normalization to its running averages",
        "E",
        after="step",
        label="eval()",
    ),
}

AT_UPDATES = {  # lines of an update -> the letter of the version that waits for the last of k passes
    **{"step": "s", "step_scaled": "x", "scheduler_step": "r"},
    **{"clip": "c", "clip_value": "v", "unscale": "u", "scaler_update": "g", "backward_penalty": "y"},
}


def _at_updates(name: str) -> Line:
    line = {**FIVE, **EVERYDAY}[name]
    return replace(
        line,
        text=f"if (step + 1) % accumulate == 0:\n    {line.text}",
        about=f"{line.about}, at the last of every k passes",
        letter=AT_UPDATES[name],
        version_of=line.version_of or name,
        after="",
        label=f"{line.label or name} every k passes",
        uses=(*line.uses, "step", "accumulate"),
    )


EVERYDAY |= {f"{name}_every": _at_updates(name) for name in AT_UPDATES}
ACCUMULATED = {  # what a line becomes where gradients of k passes add up before an update
    "zero_grad": "zero_grad_every",
    "backward": "backward_divided",
    "backward_scaled": "backward_scaled_divided",
    **{name: f"{name}_every" for name in AT_UPDATES},
}
_AT_ONCE = {late: name for name, late in ACCUMULATED.items()}

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
    return {name: replace(line, version_of=part) for name, line in table.items()}


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
    of = (*FIVE, *(base for base, everyday in EVERYDAY.items() if base in AT_UPDATES and everyday.after))
    if line.version_of and line.version_of not in of:
        raise ValueError(f"line {name} must be a version of {', '.join(of)}; got {line.version_of!r}")
    if line.after and line.after not in FIVE:
        raise ValueError(f"line {name} must come after one of {', '.join(FIVE)}; got {line.after!r}")
    try:
        called = line.compiled(name).co_names
    except SyntaxError as error:
        raise ValueError(f"line {name} must be Python: {error.msg}") from None
    for field in line.uses:
        if field not in called:
            raise ValueError(f"line {name} must call {field} by name, since it uses it")


check({"FIVE": FIVE, "EVERYDAY": EVERYDAY, "MISTAKES": MISTAKES, "BEFORE": BEFORE})
LINES = FIVE | EVERYDAY | MISTAKES
LETTERED = tuple(name for name, line in LINES.items() if line.letter)
USUAL = tuple(FIVE)
MAX_LINES = 16


def _usual_order() -> tuple[str, ...]:
    """The five lines, and the everyday ones between them."""
    between = {
        at: [n for n, e in EVERYDAY.items() if not e.version_of and e.after == at] for at in ("", *FIVE)
    }
    return tuple(name for at, more in between.items() for name in ((at, *more) if at else more))


USUAL_ORDER = _usual_order()


def text_of(name: str) -> str:
    """Source text of a line of the loop, or before it."""
    return (LINES.get(name) or BEFORE[name]).text


def first_line(name: str) -> str:
    """The same in a sentence: the first of its lines, and … for more; after a function, what calls it."""
    first, *more = text_of(name).split("\n")
    return f"… {more[-1]}" if first.startswith("def ") else first + " …" * bool(more)


def part(name: str) -> str:
    """The line that this one is, or stands in for."""
    return LINES[name].version_of or name


def parts(loop: tuple[str, ...]) -> tuple[str, ...]:
    """A loop in terms of the five lines; what stands between them is left out."""
    return tuple(known for known in map(part, loop) if known in USUAL)


def at_once(name: str) -> str:
    """This line where every pass updates."""
    return _AT_ONCE.get(name, name)


def without_zero_grad(loop: tuple[str, ...]) -> tuple[str, ...]:
    """A loop that never clears .grad, in whichever version it did."""
    return tuple(name for name in loop if part(name) != "zero_grad")


def with_step(loop: tuple[str, ...], line: str) -> tuple[str, ...]:
    """A loop with this version of the step."""
    return tuple(line if name == "step" else name for name in loop)


def plain(loop: tuple[str, ...]) -> bool:
    """Whether a loop has none but lines of which all is known: the five, and everyday ones."""
    return all(LINES[name].letter for name in loop)


def only_five(loop: tuple[str, ...]) -> bool:
    """Whether each line does in every step just what one of the five does."""
    return all(name in FIVE or name == "zero_grad_zeros" for name in loop)


def waits(loop: tuple[str, ...]) -> bool:
    """Whether weights move at the last of every k passes alone."""
    return any(part(name) == "step" and name in _AT_ONCE for name in loop)


def own_loss(loop: tuple[str, ...]) -> bool:
    """Whether the loss of a step is another one than loss_fn(model(inputs), targets), as evaluated."""
    return any(LINES[name].version_of in ("forward", "loss") for name in loop)


def uses(loop: tuple[str, ...]) -> tuple[str, ...]:
    """The names that are there only for lines of this loop, each once."""
    return tuple(dict.fromkeys(field for name in loop for field in LINES[name].uses))


@dataclass(frozen=True)
class Practice:
    """What scripts do by several lines at once. label: of a run with them. about: in one sentence."""

    label: str
    lines: tuple[str, ...]
    about: str


PRACTICES = {
    "clip": Practice("Clip by norm", ("clip",), "No update uses a gradient longer than max_norm."),
    "clip_value": Practice(
        "Clip by value", ("clip_value",), "No entry of a gradient exceeds clip_value in size."
    ),
    "schedule": Practice("Scheduler", ("scheduler_step",), "The learning rate changes as the run goes on."),
    "accumulate": Practice(
        "Accumulate",
        ("zero_grad_every", "backward_divided", "step_every"),
        "The gradients of k batches add up before one update, as if they were one large batch.",
    ),
    "modes": Practice(
        "train(), eval()",
        ("train_mode", "eval_mode"),
        "Training mode for the step, eval mode after it; for models with dropout or batch norm.",
    ),
    "penalty": Practice(
        "Two losses",
        ("backward_penalty",),
        "A second backward, of a penalty on large weights, adds to the first: the gradient of the sum.",
    ),
    "autocast": Practice(
        "Autocast",
        ("forward_autocast", "loss_autocast"),
        "Matrix products in bfloat16 or float16; the weights stay as they are.",
    ),
    "scaler": Practice(
        "Loss scaling",
        ("backward_scaled", "unscale", "step_scaled", "scaler_update"),
        "Backward of a scaled loss, so that gradients in float16 do not become 0.",
    ),
}


def practices_in(loop: tuple[str, ...]) -> tuple[str, ...]:
    """The practices of which every line is in the loop, at once or at the last of k passes."""
    late = {ACCUMULATED.get(part(name)) for name in loop if name in _AT_ONCE}
    there = {*loop, *map(part, loop), *map(at_once, loop), *late}
    return tuple(name for name, row in PRACTICES.items() if there.issuperset(row.lines))


def with_practice(loop: tuple[str, ...], name: str, on: bool = True) -> tuple[str, ...]:
    """The loop with all lines of a practice at their usual places, or without them.

    Where gradients add up over k passes, lines that belong to an update wait for the last of them.
    """
    if name == "accumulate":
        return _accumulating(loop) if on else tuple(map(at_once, loop))
    for line in PRACTICES[name].lines:
        loop = put_in(loop, _as_in(loop, line)) if on else _without(loop, line)
    return loop


def _accumulating(loop: tuple[str, ...]) -> tuple[str, ...]:
    for line in PRACTICES["accumulate"].lines:
        if not any(part(other) == part(line) and other in {**ACCUMULATED, **_AT_ONCE} for other in loop):
            loop = put_in(loop, line)
    return tuple(ACCUMULATED.get(line, line) for line in loop)


def _as_in(loop: tuple[str, ...], line: str) -> str:
    """The version of a line that goes with its like in the loop, or else with the step."""
    like = [name for kind in (part(line), "step") for name in loop if part(name) == kind]
    return ACCUMULATED.get(line, line) if like and "accumulate" in LINES[like[0]].uses else line


def _without(loop: tuple[str, ...], line: str) -> tuple[str, ...]:
    """The loop without a line at once or at updates; a version gives way to the line it stands in for."""
    if usual := LINES[line].version_of:
        usual = _as_in(loop, usual)
        return tuple(usual if at_once(other) == line else other for other in loop)
    return take_out(loop, line)


def put_in(loop: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The loop with this line: in place of another version of it, else at its usual place."""
    if name in loop:
        return loop
    if part(name) in map(part, loop):
        return tuple(name if part(other) == part(name) else other for other in loop)
    later = {*USUAL_ORDER[USUAL_ORDER.index(part(name)) + 1 :]}
    at = next((place for place, other in enumerate(loop) if part(other) in later), len(loop))
    return (*loop[:at], name, *loop[at:])


def take_out(loop: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The loop without this line, in whichever version; a version gives way to the line it stands in for."""
    usual = LINES[name].version_of
    if not usual:
        return tuple(other for other in loop if part(other) != name)
    return tuple(usual if other == name else other for other in loop)


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
    others = [name for name in loop if name not in USUAL]
    if others:
        usual = [] if parts(loop) == USUAL else [loop_label(parts(loop))]
        first, *more = usual + _labels(others)
        return ", ".join([first, *(text[:1].lower() + text[1:] for text in more)])
    left_out = [name for name in USUAL if name not in loop]
    kept_in_order = tuple(name for name in USUAL if name in loop) == loop
    if left_out and kept_in_order:
        return f"No {', '.join(left_out)}"
    return f"Order {' '.join(letters(loop))}"


def _labels(names: list[str]) -> list[str]:
    """A practice as a whole, then lines that are in none."""
    whole = [PRACTICES[name] for name in practices_in(tuple(names))]
    covered = {line for practice in whole for line in practice.lines}
    rest = [LINES[n] for n in names if not covered & {n, at_once(n)}]
    return [row.label for row in whole] + [e.label or e.about[:1].upper() + e.about[1:] for e in rest]
