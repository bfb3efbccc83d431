"""Ways to keep a loss: a plain number, a tensor, or a sum; with backward or without."""

from dataclasses import dataclass

from core.lines import LINES, USUAL

PREDICT = (LINES["forward"].text, LINES["loss"].text)
TRAIN = tuple(LINES[name].text for name in USUAL)
NO_GRAD = ("with torch.no_grad():", *("    " + line for line in PREDICT))
LIST, SUM = "losses = []", "total = 0"


@dataclass(frozen=True)
class Way:
    """A loop that keeps its losses: the line before it, its own lines, and the one that keeps.

    title: short, for a panel of a picture. about: what stays alive, and why.
    """

    title: str
    before: str
    lines: tuple[str, ...]
    keeps: str
    about: str

    @property
    def text(self) -> str:
        """The lines of one step, as they are executed and shown."""
        return "\n".join((*self.lines, self.keeps))


# With backward, and beside it the same without.
WAYS = {
    "item": Way(
        "loss.item()",
        LIST,
        TRAIN,
        "losses.append(loss.item())",
        "A plain number has no grad_fn: the graph is freed as soon as the next step replaces the loss.",
    ),
    "no_grad": Way(
        "loss, no_grad",
        LIST,
        NO_GRAD,
        "losses.append(loss)",
        "Under no_grad nothing is recorded: the loss is a tensor without a grad_fn.",
    ),
    "after": Way(
        "loss, after backward",
        LIST,
        TRAIN,
        "losses.append(loss)",
        "Backward frees the saved tensors, but the loss still holds every node of its graph.",
    ),
    "without": Way(
        "loss, no backward",
        LIST,
        PREDICT,
        "losses.append(loss)",
        "An evaluation that forgot no_grad: the saved tensors wait for a backward that never comes.",
    ),
    "sum_after": Way(
        "sum, after backward",
        SUM,
        TRAIN,
        "total += loss",
        "Every addition is recorded too: one chain that reaches back to the first step.",
    ),
    "sum_without": Way(
        "sum, no backward",
        SUM,
        PREDICT,
        "total += loss",
        "The one number at the end of the chain holds the saved tensors of all steps.",
    ),
}
