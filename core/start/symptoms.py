"""My loss explodes: from what somebody sees to the lines that do it, the number that tells, and the repair.

Each cause names a trap, which is executed where it is shown. What a symptom claims of its traps is one of
`core.traps.outcomes.OUTCOMES`, and tested on their runs.
"""

from dataclasses import dataclass

from core.start.address import Address, address
from core.traps.outcomes import OUTCOMES


@dataclass(frozen=True)
class Cause:
    """What may be behind a symptom.

    what: in a few words. look: the number that tells it from the other causes. repair: what to write instead.
    shown: where one can see it happen; made from `trap`, a key of TRAPS, if that is given. Raises ValueError
    if there is neither.
    """

    what: str
    look: str
    repair: str
    trap: str = ""
    shown: Address | None = None

    def __post_init__(self) -> None:
        if self.trap:
            object.__setattr__(self, "shown", address("traps", {"view": "traps", "trap": self.trap}))
        if self.shown is None:
            raise ValueError(f"a cause must name a trap or an address; got neither for {self.what!r}")


@dataclass(frozen=True)
class Symptom:
    """title: as somebody says who sees it. outcomes: what the runs of its traps come to, one of these."""

    title: str
    outcomes: tuple[str, ...]
    causes: tuple[Cause, ...]

    def __post_init__(self) -> None:
        unknown = set(self.outcomes) - OUTCOMES.keys()
        if unknown or not self.causes:
            raise ValueError(f"{self.title!r} must have causes, and known outcomes; got {sorted(unknown)}")


SYMPTOMS = {
    "nan": Symptom(
        "The loss becomes inf or nan",
        ("explodes",),
        (
            Cause(
                "The learning rate is above the limit",
                "The gradient norm grows by about the same factor at every step, from the first one on. At a "
                "tenth of the learning rate the loss falls.",
                "Divide the learning rate by 10 until it falls, then find the limit with Sweep's range test.",
                "rate_far_too_large",
            ),
            Cause(
                "backward runs twice in a step",
                "The gradient of the first step is exactly twice that of one backward.",
                "Call backward once; retain_graph=True only hides the error of the second call.",
                "graph_retained",
            ),
            Cause(
                "Micro-batches add up whole losses",
                "The gradient of the first step is as many times too large as there are micro-batches.",
                "Divide each loss by the number of micro-batches: (loss / n).backward().",
                "micro_batches",
            ),
        ),
    ),
    "grows": Symptom(
        "The loss grows, or swings wider and wider",
        ("explodes",),
        (
            Cause(
                "The learning rate is just above the limit",
                "From some step on the loss grows by the same factor at every step: on a quadratic by "
                "(1 - learning rate × curvature) squared.",
                "Take a learning rate below 2 / curvature; half of what diverges is a good first try.",
                "rate_too_large",
            ),
            Cause(
                "step runs between forward and backward",
                "At the first step .grad is still None and no weight moves; afterward each step uses the "
                "gradient of the one before.",
                "Put the lines in order: zero_grad, forward, loss, backward, step.",
                "stale",
            ),
        ),
    ),
    "flat": Symptom(
        "The loss is flat from the first step on",
        ("constant",),
        (
            Cause(
                "zero_grad stands between backward and step",
                "No weight moves by a single bit, and .grad is None when step comes.",
                "Move zero_grad to the top of the step, or to its end.",
                "cleared_before_step",
            ),
            Cause(
                "step is named, not called",
                "The weights never move, though .grad is filled.",
                "Write the parentheses: optimizer.step().",
                "step_uncalled",
            ),
            Cause(
                "The optimizer holds the parameters of another model",
                "The weights never move, and .grad grows from step to step, since nobody clears it.",
                "Make the optimizer last: after the model is copied, or gets a new layer or parameter.",
                "optimizer_elsewhere",
            ),
            Cause(
                "The loss was put into a new tensor",
                "model.weight.grad is None after backward.",
                "Call backward on what loss_fn returned; no torch.tensor(...), no .item() on the way.",
                "asks_for_grad",
            ),
            Cause(
                "The sigmoid is saturated",
                "The gradient of the first step is exactly 0; each row that is wrong costs 100.",
                "BCEWithLogitsLoss on the logits, in place of a sigmoid and BCELoss.",
                "saturated",
            ),
        ),
    ),
    "stuck": Symptom(
        "The loss falls, then sticks far above 0",
        ("worse",),
        (
            Cause(
                "Targets of shape (n,) against outputs of shape (n, 1)",
                "The loss ends at the variance of the targets, all outputs at their mean. MSELoss warns.",
                "Give both one shape: targets.reshape(-1, 1), or outputs.squeeze(1).",
                "broadcast",
            ),
            Cause(
                "The hidden layer is dead",
                "Every hidden unit gives 0 for every row, and the gradients of its weights are exactly 0.",
                "A smaller learning rate, and PyTorch's own starting weights.",
                "dead_relu",
            ),
            Cause(
                "A parameter was replaced after the optimizer was made",
                "One parameter has a gradient and never moves.",
                "Change it in place under torch.no_grad(), or make the optimizer afterward.",
                "weight_replaced",
            ),
        ),
    ),
    "swings": Symptom(
        "The loss swings up and down",
        ("swings",),
        (
            Cause(
                "zero_grad is never called",
                "What is left over in .grad from earlier steps is longer than what this batch adds.",
                "optimizer.zero_grad() at the top of every step.",
                "skipped",
            ),
        ),
    ),
    "perfect": Symptom(
        "The loss is too good",
        ("constant", "below"),
        (
            Cause(
                "Cross-entropy of a model with one output",
                "The loss is 0 at the first step, whatever the weights are, and so is every gradient.",
                "BCEWithLogitsLoss for one output, or one output for each class.",
                "one_output",
            ),
            Cause(
                "NLLLoss on logits",
                "The loss falls below 0, which no cross-entropy of class numbers does.",
                "CrossEntropyLoss on logits, or LogSoftmax before NLLLoss.",
                "nll_on_logits",
            ),
        ),
    ),
    "accurate": Symptom(
        "The accuracy is fine, the loss stays high",
        ("worse",),
        (
            Cause(
                "A softmax before cross-entropy",
                "The loss stays above ln(1 + (C - 1)/e) for C classes: 1.4612 for ten.",
                "Hand the logits to CrossEntropyLoss; softmax only to show probabilities.",
                "softmax_twice_10",
            ),
            Cause(
                "A sigmoid before BCE with logits",
                "Probabilities lie between 0.5 and 0.73, so a row of class 0 never costs less than 0.6931.",
                "Hand the logits to BCEWithLogitsLoss.",
                "sigmoid_twice",
            ),
        ),
    ),
    "memory": Symptom(
        "The memory grows from step to step",
        (),
        (
            Cause(
                "Losses are summed as tensors",
                "total.grad_fn is not None: the sum holds the graph of every step.",
                "total += loss.item(), or loss.detach() where the number stays on a GPU.",
                shown=address("watch", {"dataset": "moons", "at": "0.0", "look": "memory"}),
            ),
        ),
    ),
    "raises": Symptom(
        "It raises an error",
        ("raises",),
        (
            Cause(
                "step between forward and backward",
                "“modified by an inplace operation”: a tensor was written to after forward saved it.",
                "backward before step.",
                "step_before_backward",
            ),
            Cause(
                "backward on a graph that is gone",
                "“Trying to backward through the graph a second time”.",
                "One backward for one forward.",
                "backward_twice",
            ),
            Cause(
                "Nothing was recorded",
                "“does not require grad and does not have a grad_fn”: loss.requires_grad is False.",
                "No detach, no torch.no_grad(), no .item() between model and loss.",
                "detached",
            ),
            Cause(
                "A loss for each row",
                "“grad can be implicitly created only for scalar outputs”: loss.shape is not ().",
                'reduction="mean", or .mean().',
                "not_scalar",
            ),
            Cause(
                "Class numbers as floats",
                "“expected target dtype to be Long or Byte, but got Float”: targets.dtype.",
                "targets.long() for class numbers.",
                "targets_float",
            ),
        ),
    ),
}
