"""The chart, table and sentences about what kept losses hold: one small panel per way, all on one scale.

Several ways hold the same amount, often none: in one panel their lines would cover each other. So each gets
its own, with backward on the left and without on the right, and its last number in words. The axis is
linear, since most values are zero.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import pandas as pd

from core.charts import DASHES, SPACING, without_data
from core.watch.memory import MAX_BYTES, STEPS, WAYS, KeptLosses, MemoryRun
from core.words import counted, size_text

HEIGHT = 84  # pixels of one panel
COLUMNS = 2
AXIS_WIDTH = 86  # of the left column, with its title; the right column has no labels
MOST_WIDTH = 340  # pixels of one panel
TEXT_PLACE = (6, 11)  # pixels from the panel's left top corner, which a growing line leaves empty
QUANTITIES = {"saved": "saved tensors", "nodes": "graph nodes"}
UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20}


def memory_frame(rows: Sequence[KeptLosses], quantity: str) -> tuple[pd.DataFrame, str]:
    """Rows of the chart, and the title of its vertical axis.

    quantity: a key of QUANTITIES. Columns: way, kept, value in the axis's unit, text (value and unit), saved
    and nodes as they are.
    """
    most = max((row.saved for row in rows), default=0)
    unit = "bytes" if most < 2**10 else "KiB" if most < 2**20 else "MiB"
    of_bytes = quantity == "saved"
    frame = pd.DataFrame(
        {
            "way": row.way,
            "kept": row.kept,
            "value": row.saved / UNITS[unit] if of_bytes else float(row.nodes),
            "text": size_text(row.saved) if of_bytes else counted(row.nodes, "node"),
            "saved": row.saved,
            "nodes": row.nodes,
        }
        for row in rows
    )
    return frame, unit if of_bytes else "nodes"


@lru_cache(maxsize=32)
def memory_spec(title: str, steps: int, top: float, width: int) -> dict[str, Any]:
    """Spec for a frame of `memory_frame` up to `steps` kept losses, in `width` pixels.

    title: of the vertical axis. top: the largest value on it, the same in all panels.
    """
    each = max(60, min(MOST_WIDTH, (width - AXIS_WIDTH - SPACING) // COLUMNS))
    rows = [tuple(WAYS)[start : start + COLUMNS] for start in range(0, len(WAYS), COLUMNS)]
    panels = [
        alt.hconcat(
            *(
                _panel(name, (_x(steps, names is rows[-1]), _y(title, top, name is names[0])), steps, each)
                for name in names
            ),
            spacing=SPACING,
        )
        for names in rows
    ]
    chart = alt.vconcat(*panels, spacing=SPACING // 2)
    return without_data(chart.configure_view(strokeWidth=0))


def _panel(name: str, axes: tuple[Any, Any], steps: int, width: int) -> Any:
    """One way: its line over a filled area, and what it holds at the end."""
    base = alt.Chart().transform_filter(f"datum.way == '{name}'")
    domain = list(WAYS)
    color = alt.Color("way:N").scale(domain=domain).legend(None)
    dash = alt.StrokeDash("way:N").scale(domain=domain, range=DASHES).legend(None)
    area = base.mark_area(opacity=0.18, aria=False).encode(*axes, color)
    line = base.mark_line(strokeWidth=2.5).encode(*axes, color, dash, tooltip=_tips())
    last = base.transform_filter(f"datum.kept == {steps}")
    across, down = TEXT_PLACE
    text = last.mark_text(align="left", baseline="middle", fontSize=12, fontWeight=600, aria=False).encode(
        alt.Text("text:N"), color, x=alt.value(across), y=alt.value(down)
    )
    heading = alt.Title(WAYS[name].title, anchor="start", fontSize=12, offset=4)
    return alt.layer(area, line, text).properties(width=width, height=HEIGHT, title=heading)


def _x(steps: int, bottom: bool) -> Any:
    x = alt.X("kept:Q").title("losses kept" if bottom else None)
    axis = alt.Axis(grid=False, tickMinStep=1, tickCount=4, labels=bottom, ticks=bottom)
    return x.scale(nice=False, domain=[0, steps]).axis(axis)


def _y(title: str, top: float, first: bool) -> Any:
    axis = alt.Axis(format=".4~g", tickCount=3, labels=first, ticks=first, grid=False)
    y = alt.Y("value:Q").title(title if first else None)
    return y.scale(domain=[0, top or 1.0], nice=True).axis(axis)


def _tips() -> list[Any]:
    return [
        alt.Tooltip("kept:Q", title="losses kept", format="d"),
        alt.Tooltip("saved:Q", title="saved bytes", format=",d"),
        alt.Tooltip("nodes:Q", title="graph nodes", format=",d"),
    ]


def memory_table(rows: Iterable[KeptLosses]) -> pd.DataFrame:
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


def memory_words(watch: MemoryRun) -> str:
    """What a finished MemoryRun found, in sentences with its numbers.

    Batches may differ in size, and then what losses hold does, too.
    """
    last = {row.way: row for row in watch.rows}
    after, without, total = (last[name] for name in ("after", "without", "sum_after"))
    count, first = counted(watch.steps, "loss|losses"), size_text(watch.per_loss)
    alike = without.saved == watch.steps * watch.per_loss
    each = f"the {first} saved for it" if alike else f"what was saved for it, {first} for the first"
    own = next(row.own for row in watch.rows if row.way == "no_grad" and row.kept == 1)
    which = "The loss" if last["no_grad"].own == watch.steps * own else "The first loss"
    # nn.MSELoss computes its mean in place of the squared errors, and the storage keeps their size.
    buffer = f" {which}, one number, sits in a storage of {size_text(own)}, even under no_grad."
    return (
        f"Without backward, each kept loss holds {each}: {size_text(without.saved)} for {count}. Backward "
        f"frees those bytes ({size_text(after.saved)} left), yet {after.nodes:,} graph nodes stay with the "
        f"kept losses, and {total.nodes:,} with their sum. With `loss.item()`, {last['item'].nodes} nodes "
        f"stay.{buffer * (own > 8)}"
    )


def limit_words(watch: MemoryRun, asked: int = STEPS) -> str | None:
    """Why fewer losses were kept than asked for; None if all of them were."""
    if watch.steps == asked:
        return None
    return (
        f"{watch.steps} instead of {asked}: at {size_text(watch.per_loss)} per loss, one more "
        f"could pass the limit of {size_text(MAX_BYTES)}."
    )
