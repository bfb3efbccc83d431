"""The comparison as one HTML file that opens anywhere."""

from collections.abc import Sequence
from typing import Any

from core import charts, export
from core.compare import curves
from core.report.page import Card, page
from core.words import percent
from pages._ui.compare import table
from pages._ui.shared import code
from pages._ui.shared.badges import RUNS
from pages._ui.shared.training import Trained

WIDTH = 1100  # pixels of both charts


def report(trained: Sequence[Trained], facts: Sequence[str], link: str, log: bool) -> str:
    """The text of the file. facts: of the baseline. link: to all this. log: whether scales are logarithmic.

    It is made when it is asked for, by a thread that knows no session.
    """
    colors = [light for light, _ in RUNS]  # the report is on white
    baseline = export.listing(trained[0].config)
    rows = table.frame(trained).drop(columns=["run", "verdict", "loss history"]).to_dict("records")
    cards = [_card(one, colors, baseline, row) for one, row in zip(trained, rows, strict=True)]
    places, results = tuple(one.place for one in trained), [one.result for one in trained]
    logs = (log, log)
    frame, tops = curves.curves_frame(results, logs=logs, places=places)
    names, last = tuple(one.name for one in trained), float(max(one.config.steps for one in trained))
    titles = ("Training loss, each step (dots: validation)", curves.QUANTITIES["grad_norm"])
    spec = charts.curves_spec(names, titles, logs, tops, (0.0, last), WIDTH, True, places)
    return page("Loop Lab: runs compared", link, facts, cards, spec, frame, colors)


def _card(one: Trained, colors: Sequence[str], baseline: Sequence[str], row: dict[str, Any]) -> Card:
    numbers = {name: _shown(value) for name, value in row.items()}
    listing = export.listing(one.config)
    changed = code.changed_lines(baseline, listing)
    verdict = one.verdict
    return Card(one.name, colors[one.place], verdict.word, verdict.because, listing, changed, numbers)


def _shown(value: Any) -> str:
    """A share as percent; none where there is none."""
    if isinstance(value, float):
        return percent(value, 1) if value == value else ""
    return "" if value is None else f"{value}"
