"""What a recording says about its loop, line by line: each finding names the line, with its numbers.

A finding rests on what was counted over all updates, never on a guess: what hooks cannot see is said by
`unseen`. Findings come in the order in which one would look at them; `trap` is the key of the trap in
core.traps.table that shows the same mistake, "" if there is none.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from core.own.recording import Recording
from core.words import counted, number

MAX_NAMES = 3  # of parameters in one sentence; the rest is counted
LARGE_RATIO = 0.5  # an update of half the weights' own length, typically: far from the usual 1e-3 (CS231n)
ENOUGH_LOOKS = 3
ELEMENTWISE = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")  # they broadcast, with a warning
WANTS_FLOATS = ELEMENTWISE
AFTER = {
    "": "before the first line",
    "before": "before the first line",
    "forward": "after forward",
    "loss": "after the loss",
    "backward": "after backward",
    "between": "between backward and step",
    "step": "after step",
}


BACKWARD_TWICE = "[Ff]L?BB"


class Finding(NamedTuple):
    """line: of the loop, in a word or two. because: one sentence, with numbers. trap: of TRAPS, or ""."""

    line: str
    because: str
    trap: str = ""


Rule = Callable[[Recording], Iterator[Finding]]


def findings(found: Recording) -> list[Finding]:
    """All that is noticed, the gravest first."""
    return [one for rule in RULES for one in rule(found)]


def _times(found: Recording, pattern: str) -> int:
    """In how many updates the lines ran in an order that has this pattern in it."""
    return sum(count for lines, count, _, _ in found.orders if lines != "other" and re.search(pattern, lines))


def _of(count: int, whole: int, what: str) -> str:
    """ "1 update", "all 12 updates" or "3 of 12 updates"."""
    if whole == 1:
        return f"the only {what}" if count else f"no {what}"
    return f"all {whole:,} {what}s" if count == whole else f"{count:,} of {whole:,} {what}s"


def _names(parameters: list[str]) -> str:
    more = f" and {len(parameters) - MAX_NAMES:,} more" if len(parameters) > MAX_NAMES else ""
    return ", ".join(parameters[:MAX_NAMES]) + more


def _parameters(count: int) -> str:
    return counted(count, "parameter")


def _raised(found: Recording) -> Iterator[Finding]:
    error = found.error
    if error is None:
        return
    line = error["source"] or "a line"
    before = found_lines(error["lines"])
    seen = f", after {before}" if before else ""
    trap = next((trap for part, trap in MESSAGES if part in error["text"]), "")
    if trap == "step_before_backward" and (not found.counts["steps"] or "F" in error["lines"]):
        trap = "in_place_edit"  # no step since forward: something else wrote into what it saved
    if trap == "detached" and "E" in error["lines"]:
        trap = "no_grad"
    because = f"{line} raised {error['type']} in update {error['update']:,}{seen}."
    yield Finding(line, because, trap)


def found_lines(letters: str) -> str:
    """Letters of lines in words, the last few."""
    words = {"Z": "zero_grad", "F": "forward", "f": "forward", "L": "loss", "B": "backward", "S": "step"}
    return ", ".join(words[letter] for letter in letters[-5:] if letter in words)


MESSAGES = (  # part of what PyTorch says -> the trap that raises it
    ("modified by an inplace operation", "step_before_backward"),
    ("backward through the graph a second time", "backward_twice"),
    ("can be implicitly created only for scalar", "not_scalar"),
    ("does not require grad and does not have a grad_fn", "detached"),
    ("has no attribute 'norm'", "read_none"),
    ("but got Float", "targets_float"),
    ("but got Int", "targets_int"),
    ("multi-target not supported", "targets_column"),
    ("floating point type for target with class probabilities", "targets_one_hot"),
    ("is out of bounds", "targets_from_1"),
    ("must be the same as input size", "bce_shape"),
    ("can't be cast to the desired output type", "bce_long"),
    ("should be between 0 and 1", "bce_on_logits"),
    ("a leaf Variable that requires grad", "in_place_leaf"),
    ("'float' and 'NoneType'", "not_a_leaf"),
    ("more than 1 value per channel", "batch_of_one"),
    ("Boolean value of Tensor", "loss_not_called"),
)


def _optimizer_elsewhere(found: Recording) -> Iterator[Finding]:
    lost = [p["name"] for p in found.parameters if p["in_model"] and p["trained"] and not p["optimizers"]]
    held = [p for p in found.parameters if p["in_model"] and p["optimizers"]]
    strangers = sum(1 for p in found.parameters if not p["in_model"])
    if lost and not held:
        because = f"no optimizer holds any parameter of the model: {_names(lost)}."
        yield Finding("optimizer = ...", because, "optimizer_elsewhere")
    elif lost:
        more = f" Held instead: {_parameters(strangers)} from outside the model." if strangers else ""
        because = (
            f"no optimizer holds {_names(lost)}: step never moves {'it' if len(lost) == 1 else 'them'}.{more}"
        )
        yield Finding("optimizer = ...", because, "weight_replaced" if strangers else "")


def _never_stepped(found: Recording) -> Iterator[Finding]:
    backwards, counts = found.counts["backwards"], found.counts
    if found.steps_seen or not backwards or found.error:
        return
    start, end = found.weights
    if counts["weights_written"]:
        times = counted(counts["weights_written"], "time")
        because = f"step was never called; weights were written by hand {times}."
        yield Finding("step", because)
    elif start == end:
        calls = counted(backwards, "backward call")
        because = f"step was never called: {calls} filled .grad, and no weight has moved."
        yield Finding("step", because, "step_uncalled")


def _no_gradients(found: Recording) -> Iterator[Finding]:
    counts = found.counts
    if counts["backwards"]:
        return
    work = max(counts["losses"], counts["steps"])
    if not work or (found.error and counts["steps"] < 1):
        return
    losses = counted(counts["losses"], "loss|losses")
    because = (
        f"no parameter ever got a gradient, with {losses} and {counted(counts['steps'], 'step')}: "
        "backward was not called, or the graph is cut between the model and what backward was called on."
    )
    yield Finding("backward", because, "asks_for_grad")


def _cleared_before_step(found: Recording) -> Iterator[Finding]:
    steps = found.steps_seen
    count = _times(found, "BZ[^B]*s$")
    if not count:
        return
    first = min((first, lines) for lines, _, first, _ in found.orders)[1]
    if "B" not in first and first.endswith("s"):
        because = (
            f"step ran before backward, right after zero_grad: in {_of(count, steps, 'step')} zero_grad had "
            "thrown away the gradient of the pass before, and every .grad was None."
        )
        yield Finding("step", because, "step_first")
    else:
        because = (
            f"zero_grad ran between backward and step in {_of(count, steps, 'step')}: every .grad was None, "
            "and step had nothing to use."
        )
        yield Finding("zero_grad", because, "cleared_before_step")


def _stale(found: Recording) -> Iterator[Finding]:
    count = _times(found, "B[^BS]*[Ff]L?[^BLFf]*S$")
    if not count:
        return
    raised = bool(found.error and "inplace" in found.error["text"])
    because = (
        f"step ran before backward, in {_of(count, found.steps_seen, 'step')}: after forward and loss, it "
        "used the gradient of the pass before."
    )
    yield Finding("step", because, "step_before_backward" if raised else "stale")


def _stepped_first(found: Recording) -> Iterator[Finding]:
    """The same in a loop that raised before it got further."""
    if found.counts["backwards"] > 1 or not found.error or not _times(found, "^[^B]*[Ff]L?s$"):
        return
    because = "step ran before backward: after forward and loss, with every .grad still None."
    trap = "step_before_backward" if "inplace" in found.error["text"] else "stale"
    yield Finding("step", because, trap)


def _never_cleared(found: Recording) -> Iterator[Finding]:
    counts, batches = found.counts, [b for b in found.rows["batches"] if b is not None]
    leftover, steps = counts["with_leftover"], found.steps_seen
    if not leftover or _nobody_holds(found):
        return
    most = max(batches, default=0)
    zeroed = _times(found, "Z")
    if not zeroed and leftover >= steps - len(found.optimizers):
        because = f"zero_grad was never called: .grad is the sum of {most:,} batches."
    else:
        because = (
            f"zero_grad did not run between steps in {_of(leftover, steps, 'step')}: .grad held up to "
            f"{most:,} batches, those of earlier steps among them."
        )
    yield Finding("zero_grad", because, "skipped")


def _nobody_holds(found: Recording) -> bool:
    return not any(p["in_model"] and p["optimizers"] for p in found.parameters)


def _twice(found: Recording) -> Iterator[Finding]:
    count = _times(found, BACKWARD_TWICE)
    if count and not found.counts["closures"]:
        because = (
            f"backward ran twice for one forward in {_of(count, found.steps_seen, 'step')}: unless these are "
            "two losses, the same gradient was added to .grad a second time."
        )
        yield Finding("backward", because, "graph_retained")


def _steps_on_zeros(found: Recording) -> Iterator[Finding]:
    count, moved = found.counts["steps_on_zeros"], found.counts["moved_on_zeros"]
    if moved:
        because = (
            f"step ran {counted(count, 'time')} on a .grad of zeros, without a backward since the last step, "
            f"and moved the weights {counted(moved, 'time')}: by momentum, weight decay or Adam's averages."
        )
        yield Finding("step", because, "zeros_with_momentum")


def _clipped_late(found: Recording) -> Iterator[Finding]:
    count = found.counts["written_after_step"]
    if count:
        because = (
            f"clip ran after step: .grad was written after step {counted(count, 'time')}, when step had "
            "already used it. Clip between backward and step."
        )
        yield Finding("clip", because, "clip_after_step")


def _scaled(found: Recording) -> Iterator[Finding]:
    still, written = found.first.get("still_scaled"), found.first.get("scaled_written")
    if still is not None:
        because = (
            f"step used gradients that were still multiplied by the scale, {number(still['scale'])}, in "
            f"{_of(still['times'], found.steps_seen, 'step')}. scaler.step(optimizer) divides them first."
        )
        yield Finding("step", because, "step_without_scaler")
    if written is not None:
        because = (
            f".grad was written between backward and unscale_ {counted(written['times'], 'time')}, while it "
            "was still multiplied by the scale. If that was clipping, it belongs after unscale_."
        )
        yield Finding("clip", because, "clip_before_unscale")


def _whole_losses(found: Recording) -> Iterator[Finding]:
    counts, first = found.counts, found.first.get("accumulated")
    sums = len(found.optimizers) > 1 or _times(found, BACKWARD_TWICE)  # losses that are meant to be added
    if first is None or not counts["accumulated_whole"] or sums:
        return
    because = (
        f"backward ran {first['backwards']:,} times for one step, each with its whole loss, in "
        f"{_of(counts['accumulated_whole'], counts['accumulated'], 'looked-at step')}: the gradients add up. "
        "If each loss is a mean over its own rows, divide it by the number of micro-batches."
    )
    yield Finding("backward", because, "micro_batches")


def _unequal(found: Recording) -> Iterator[Finding]:
    first = found.first.get("unequal")
    if first is None or len(found.optimizers) > 1:
        return
    because = (
        f"backward ran {first['backwards']:,} times for one step, on batches of {first['least']:,} to "
        f"{first['most']:,} rows whose losses were all divided by the same number, first in update "
        f"{first['update']:,}. If each loss is a mean over its own rows, rows of the smallest batch count "
        f"{number(first['most'] / first['least'])} times as much as those of the largest."
    )
    yield Finding("backward", because, "unequal_divided")


def _rate_moved(found: Recording) -> Iterator[Finding]:
    count, first = found.counts["rate_moved"], found.first.get("rate_moved")
    if first is None:
        return
    because = (
        f"the learning rate changed between backward and step in {_of(count, found.steps_seen, 'step')}, "
        f"first from {number(first['before'])} to {number(first['after'])} in update {first['update']:,}. If "
        "a scheduler did that, it stepped too early and its first value was skipped; set by hand, it is fine."
    )
    yield Finding("scheduler.step", because, "scheduler_first")


def _rate_in_update(found: Recording) -> Iterator[Finding]:
    first, steps = found.first.get("rate_in_update"), found.steps_seen
    if first is None or 2 * first["times"] <= steps:  # now and then an epoch may end within an update
        return
    because = (
        "the learning rate changed between the backward calls of one update in "
        f"{_of(first['times'], steps, 'step')}, first from {number(first['before'])} to "
        f"{number(first['after'])} in update {first['update']:,}. A scheduler that counts updates belongs "
        "after step, once for each."
    )
    yield Finding("scheduler.step", because, "scheduler_per_pass")


def _never_reached(found: Recording) -> Iterator[Finding]:
    counts = found.counts
    if counts["backwards"] < 2:
        return
    trained = [p for p in found.parameters if p["in_model"] and p["trained"]]
    never = [p["name"] for p in trained if not p["gradients"]]
    if never and len(never) < len(trained):
        because = f"{_parameters(len(never))} never got a gradient: {_names(never)}."
        yield Finding("forward", because)
    elif never:
        because = f"none of the model's {_parameters(len(never))} ever got a gradient: {_names(never)}."
        yield Finding("forward", because)
    frozen = [p["name"] for p in found.parameters if p["in_model"] and not p["trained"] and p["optimizers"]]
    if frozen:
        because = (
            f"the optimizer holds {_parameters(len(frozen))} with requires_grad=False: {_names(frozen)}."
        )
        yield Finding("optimizer = ...", because)


def _zeros(found: Recording) -> Iterator[Finding]:
    held = [p for p in found.parameters if p["optimizers"] and p["gradients"]]
    dead = [p["name"] for p in held if p["zeros"] and p["zeros"] >= found.steps_seen > 1]
    every = bool(dead) and len(dead) == len(held)
    if dead:
        whose = "every parameter" if every else _names(dead)
        because = f"the gradient of {whose} was exactly 0 in every step: zeros, not None."
        yield Finding("backward", because, "saturated") if every else Finding("forward", because, "dead_relu")


def _loss_got(found: Recording) -> Iterator[Finding]:
    facts, loss = found.loss_facts, found.loss_fn
    shapes, dtypes = facts.get("shapes", []), facts.get("dtypes", [])
    if len(shapes) == 2 and loss in ELEMENTWISE and shapes[0] != shapes[1]:
        because = (
            f"{loss} got outputs of shape {_shape(shapes[0])} and targets of shape {_shape(shapes[1])}: "
            "broadcasting pairs each with others."
        )
        yield Finding("loss", because, "broadcast")
    if len(dtypes) == 2 and loss in WANTS_FLOATS and "int" in dtypes[1]:
        because = (
            f"{loss} got targets of type {dtypes[1]}: if they were floats before, whatever came after the "
            "decimal point is gone."
        )
        yield Finding("loss", because, "targets_cut")
    if loss == "CrossEntropyLoss" and shapes and len(shapes[0]) == 2 and shapes[0][1] == 1:
        because = (
            f"CrossEntropyLoss got outputs of shape {_shape(shapes[0])}: the softmax of a single output is "
            "always 1, so that neither the loss nor its gradient can be anything but 0."
        )
        yield Finding("loss", because, "one_output")
    looks = facts.get("looks", 0)
    if looks < ENOUGH_LOOKS or "low" not in facts or "high" not in facts:
        return
    between = f"from {number(facts['low'])} to {number(facts['high'])} in all {looks:,} looks"
    if loss == "CrossEntropyLoss" and facts.get("rows_of_one") == looks:
        classes = shapes[0][-1] if shapes and shapes[0] else 0
        because = f"CrossEntropyLoss got rows that sum to 1, {between}: it applies the softmax itself."
        yield Finding("loss", because, f"softmax_twice_{classes if classes in (2, 10) else 3}")
    if loss == "BCEWithLogitsLoss" and facts["low"] >= 0 and facts["high"] <= 1:
        because = (
            f"BCEWithLogitsLoss got outputs {between}: logits would be negative, too. A sigmoid before it is "
            "one too many."
        )
        yield Finding("loss", because, "sigmoid_twice")
    if loss == "NLLLoss" and facts["high"] > 0:
        because = f"NLLLoss got outputs {between}: log-probabilities are never above 0."
        yield Finding("loss", because, "nll_on_logits")


def _shape(sizes: list[int]) -> str:
    return f"({', '.join(map(str, sizes))}{',' * (len(sizes) == 1)})"


def _modes(found: Recording) -> Iterator[Finding]:
    counts = found.counts
    if not found.mode_matters:
        return
    if counts["looks_in_training_mode"]:
        because = (
            f"the model ran in training mode under no_grad, in "
            f"{_of(counts['looks_in_training_mode'], counts['looks'], 'such forward')}: call model.eval() "
            "before predicting, model.train() after it."
        )
        dropout = found.modal and all("dropout" in name.lower() for name in found.modal)
        yield Finding("forward", because, "eval_forgotten" if dropout else "no_eval")
    if counts["forwards_in_eval_mode"]:
        because = (
            f"the model was in eval mode in {counts['forwards_in_eval_mode']:,} training forwards: dropout "
            "was off, or batch normalization used its running averages."
        )
        yield Finding("model.train", because, "train_forgotten")


def _not_finite(found: Recording) -> Iterator[Finding]:
    first = found.first.get("nonfinite")
    if first is None:
        return
    what = "a weight, " + first["tensor"] if first["line"] == "before" else first["tensor"]
    if first["line"] in ("backward", "between"):
        what = f"the gradient of {first['tensor']}"
    if first["line"] == "step":
        what = f"the weight {first['tensor']}"
    because = f"the first inf or nan was in {what}, {AFTER[first['line']]}, in update {first['update']:,}."
    line = {"": "inputs", "before": "weights", "between": "clip"}.get(first["line"], first["line"])
    trap = "rate_far_too_large" if first["line"] not in ("", "before") and _large(found) else ""
    yield Finding(line, because, trap)


def _large(found: Recording) -> float:
    """The typical update-to-weight ratio, where it is large; 0 otherwise."""
    ratios = sorted(ratio for ratio in found.rows["ratio"] if ratio is not None and ratio == ratio)
    middle = ratios[len(ratios) // 2] if ratios else 0.0
    return middle if middle > LARGE_RATIO else 0.0


def _rate(found: Recording) -> Iterator[Finding]:
    middle, rates = _large(found), [lr for lr in found.rows["lr"] if lr is not None]
    if middle and rates:
        because = (
            f"step moves the weights by {number(middle)} times their own length (median), with a learning "
            f"rate of {number(rates[0])}."
        )
        yield Finding("step", because, "rate_too_large")


def _changed(found: Recording) -> Iterator[Finding]:
    count, first = found.counts["grad_changed"], found.first.get("grad_changed")
    if first is not None:
        because = (
            f".grad was changed between backward and step in {_of(count, found.steps_seen, 'step')}, first "
            f"from norm {number(first['before'])} to {number(first['after'])}: clipped or scaled."
        )
        yield Finding("clip", because)


RULES: tuple[Rule, ...] = (
    _raised,
    _optimizer_elsewhere,
    _no_gradients,
    _never_stepped,
    _cleared_before_step,
    _stale,
    _stepped_first,
    _never_cleared,
    _twice,
    _steps_on_zeros,
    _clipped_late,
    _scaled,
    _loss_got,
    _whole_losses,
    _unequal,
    _rate_moved,
    _rate_in_update,
    _not_finite,
    _never_reached,
    _zeros,
    _rate,
    _modes,
    _changed,
)


def unseen(found: Recording) -> list[str]:
    """What the recorder could not see of this loop, a sentence each."""
    said = []
    if found.failure:
        said.append(f"The recorder stopped by an error of its own, the loop went on: {found.failure}")
    if found.loss_fn is None or not found.loss_is_module:
        said.append(
            "The loss was not seen: PyTorch has hooks for modules alone, such as nn.CrossEntropyLoss()."
        )
    elif not found.counts["losses"] and found.error is None:
        said.append(f"loss_fn ({found.loss_fn}) was never called: the loop computes its loss in another way.")
    if found.counts["skipped"]:
        said.append(
            f"The scaler skipped {counted(found.counts['skipped'], 'step')}, whose gradients were inf or nan."
        )
    if found.counts["closures"]:
        said.append(
            "Lines ran in a closure within step: of each step the first loss and last gradient count."
        )
    gone = [p["name"] for p in found.parameters if not p["in_model"] and not p["optimizers"]]
    if gone:
        said.append(f"Replaced in the model after recording began: {_names(gone)}.")
    return said
