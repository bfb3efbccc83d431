"""What was measured of kept losses, as a table and in sentences."""

from collections.abc import Iterable

import pandas as pd

from core.watch.memory import MAX_BYTES, STEPS, Held, Watch
from core.watch.ways import WAYS
from core.words import size_text


def table(rows: Iterable[Held]) -> pd.DataFrame:
    """One row per way at its last step: way, saved, per_loss, nodes, keeps, own.

    saved, per_loss and own are bytes; keeps is the line that keeps.
    """
    last = {row.way: row for row in rows}
    return pd.DataFrame(
        {
            "way": WAYS[name].title,
            "saved": row.saved,
            "per_loss": round(row.saved / max(row.kept, 1)),
            "nodes": row.nodes,
            "keeps": WAYS[name].keeps,
            "own": row.own,
        }
        for name, row in last.items()
    )


def words(watch: Watch) -> str:
    """What a finished Watch has found, in sentences with its numbers."""
    last = {row.way: row for row in watch.rows}
    after, without, total = (last[name] for name in ("after", "without", "sum_after"))
    count = "1 loss" if watch.steps == 1 else f"{watch.steps} losses"
    own = last["no_grad"].own // watch.steps
    # nn.MSELoss computes its mean in place of the squared errors, and the storage keeps their size.
    buffer = (
        f" The loss, one number, sits in a storage of {size_text(own)}, even under no_grad."
        if own > 8
        else ""
    )
    return (
        f"Without backward, each kept loss holds the {size_text(watch.per_loss)} saved for it: "
        f"{size_text(without.saved)} for {count}. Backward frees those bytes "
        f"({size_text(after.saved)} left), yet {after.nodes:,} graph nodes stay with the kept losses, and "
        f"{total.nodes:,} with their sum. With `loss.item()`, {last['item'].nodes} nodes stay.{buffer}"
    )


def limit_words(watch: Watch, asked: int = STEPS) -> str | None:
    """Why fewer losses were kept than asked for; None if all were."""
    if watch.steps == asked:
        return None
    return (
        f"{watch.steps} instead of {asked}: at {size_text(watch.per_loss)} per loss, one more "
        f"could pass the limit of {size_text(MAX_BYTES)}."
    )
