"""What a line that is none of the five has changed: every tensor that differs now."""

from core.graph.tensor_state import Held, same
from core.watch.line_effect import Executed, Said, recorded_in_words
from core.words import grad_in_words, in_words


def other_account(done: Executed) -> Said:
    """Which tensors are new or have other values, versions or gradients, each in words."""
    changes = []
    for name, now in done.after.tensors.items():
        earlier = done.before.tensors.get(name)
        changes += _changes(name, earlier, now, done)
    if not changes:
        return "Nothing shown here has changed.", [], None
    names = list(dict.fromkeys(change.split(":")[0] for change in changes))
    return f"Changed: {', '.join(names)}.", changes, None


def _changes(name: str, earlier: Held | None, now: Held, done: Executed) -> list[str]:
    if earlier is None or earlier.version != now.version or not same(earlier.values, now.values):
        operations = done.details.operations if name in ("outputs", "loss") else []
        recorded = f" {recorded_in_words(operations, now)}" if name in ("outputs", "loss") else ""
        return [f"{name}: {now.shape}, {in_words(now.values)}.{recorded}"]
    if not same(earlier.grad, now.grad):
        return [f".grad of {name}: {grad_in_words(now.grad)}"]
    return []
