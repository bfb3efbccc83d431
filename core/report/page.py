"""A comparison as one HTML file: settings, verdicts, curves to hover and zoom, code, last numbers, the link.

It opens from a disk, and its own policy forbids it the network. The menu of the curves saves them as PNG,
at twice their size, or as SVG. All text is escaped here; the numbers of the curves are JSON without a "<".
"""

import json
import math
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
import torch

from core.charts import ZOOMED
from core.compare.looks import SHORTEST_ZOOM
from core.report import vega

SIZE = 2  # of a saved PNG, against the screen
POLICY = (  # Vega makes functions of a chart's expressions
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:"
)
LOOK = {  # of the curves: to be read on a slide
    "font": "system-ui, sans-serif",
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
    "legend": {"labelFontSize": 13},
    "title": {"fontSize": 14},
}
# Dragging zooms, as on the page; a double click shows the whole run again.
ZOOM = """({ view }) => {
  const show = (low, high) => view.signal("low", low).signal("high", high).runAsync();
  const whole = [view.signal("low"), view.signal("high")];
  view.container().addEventListener("dblclick", () => show(...whole));
  addEventListener("pointerup", async () => {
    const [from, to] = (await view.runAsync()).signal("zoom").step ?? [];
    if (to === undefined) return;
    const [low, high] = [Math.min(from, to), Math.max(from, to)].map(Math.round);
    if (high - low >= SHORTEST) await show(Math.max(low, whole[0]), Math.min(high, whole[1]));
    dispatchEvent(new Event("ZOOMED"));
  });
}""".replace("SHORTEST", f"{SHORTEST_ZOOM}").replace("ZOOMED", ZOOMED)
STYLE = """
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #10182b; }
body { max-width: 1140px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.75rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.runs { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 1rem; }
.run { border: 1px solid #e1e6f0; border-radius: .6rem; padding: .7rem 1rem; overflow-wrap: anywhere; }
.run h3 { margin: 0; font-size: 1rem; } .run p { margin: .3rem 0 0; }
.dot { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .4em; }
#charts { width: 100%; overflow-x: auto; }
pre { background: #f7f8fc; border-radius: .6rem; padding: .8rem 1rem; overflow-x: auto; font-size: .86rem; }
pre mark { background: #dbe5ff; color: inherit; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; }
summary { cursor: pointer; } footer { margin-top: 2rem; color: #46526a; }
"""


@dataclass(frozen=True)
class Card:
    """What the page says of a run.

    word, because: its verdict; `so` in it is code. code: its listing. changed: numbers, from 1, of lines that
    the baseline does not have there. numbers: name -> text.
    """

    name: str
    color: str
    word: str
    because: str
    code: Sequence[str]
    changed: Sequence[int]
    numbers: Mapping[str, str]


def page(
    title: str,
    link: str,
    facts: Sequence[str],
    cards: Sequence[Card],
    spec: Mapping[str, Any],
    frame: pd.DataFrame,
    colors: Sequence[str],
) -> str:
    """The text of the file. spec, frame: the curves and their numbers. colors: of the runs, by place."""
    drawn = {**spec, "data": {"values": _rows(frame)}}
    drawn["config"] = LOOK | {"range": {"category": list(colors)}}
    drawn.pop("usermeta", None)  # how a page of the app draws it
    actions = {"actions": {"export": True, "source": False, "compiled": False, "editor": False}}
    options = actions | {"scaleFactor": SIZE, "downloadFileName": "loop-lab", "renderer": "canvas"}
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(' · '.join(facts))}</p>",
        f'<div class="runs">{"".join(map(_card, cards))}</div>',
        '<h2>Curves</h2><div id="charts"></div>',
        f"<h2>Code</h2>{''.join(map(_code, cards))}",
        f"<h2>Numbers</h2>{_table(cards)}",
        f"<footer>{_versions()} The experiment itself: <code>{escape(link)}</code></footer>",
        f"<script>{vega.bundle()}</script>",
        f"<script>vegaEmbed('#charts', {_json(drawn)}, {_json(options)}).then({ZOOM})</script>",
    ]
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{_joined(body)}</body></html>\n'


def _rows(frame: pd.DataFrame) -> list[dict[str, float | None]]:
    """What is no number is null."""
    return [
        {name: float(value) if math.isfinite(value) else None for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines)


def _json(value: Any) -> str:
    """For a script element: no text in it can end that."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


def _prose(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _name(card: Card) -> str:
    return f'<span class="dot" style="background: {escape(card.color)}"></span>{escape(card.name)}'


def _card(card: Card) -> str:
    word = f"<strong>{escape(card.word.capitalize())}.</strong>"
    return f'<section class="run"><h3>{_name(card)}</h3><p>{word} {_prose(card.because)}</p></section>'


def _code(card: Card) -> str:
    lines = [
        f"<mark>{escape(line)}</mark>" if number in card.changed else escape(line)
        for number, line in enumerate(card.code, 1)
    ]
    return f"<details><summary>{_name(card)}</summary><pre>{_joined(lines)}</pre></details>"


def _table(cards: Sequence[Card]) -> str:
    names = list(dict.fromkeys(name for card in cards for name in card.numbers))
    head = "".join(f"<th>{escape(name)}</th>" for name in ("Run", *names))
    rows = (
        "<tr><td>"
        + "</td><td>".join([_name(card), *(escape(card.numbers.get(name, "")) for name in names)])
        + "</td></tr>"
        for card in cards
    )
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _versions() -> str:
    return f"Computed by PyTorch {escape(torch.__version__)}, Python {escape(platform.python_version())}."
