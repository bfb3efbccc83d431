"""A run as a Jupyter notebook: the cells of its script, and its loss as a chart.

Format 4.5 (nbformat.readthedocs.io, "The notebook file format"): JSON, here without outputs.
"""

import json
from typing import Any

from core import build, export
from core.config import Config
from core.data import OWN, data_set
from core.losses import LOSSES

CHART = """import altair as alt
import pandas as pd

curve = pd.DataFrame({"step": range(len(losses)), "loss": losses})
scale = alt.Scale(type="log") if min(losses) > 0 else alt.Scale(zero=False)
alt.Chart(curve).mark_line().encode(x="step", y=alt.Y("loss", scale=scale))"""


def notebook(config: Config, device: str = "cpu") -> str:
    """The text of the file; run from top to bottom, it repeats the run and draws its loss."""
    built = build.build(config)
    number = export.makes_a_number(config)
    loop = export.training(config, built, device, "losses.append(loss.item())")
    setup, _, loop = loop.rpartition("\n\n")
    pieces = [export.functions(config, built), export.data_lines(config, built, device), setup, loop]
    imports = "\n".join(export.imports_for("\n".join(pieces)))
    title = f"{data_set(config.dataset).title}, {LOSSES[config.loss].title}: {export.loop_line(config)}"
    threads = "torch.set_num_threads(1)  # more threads can change the last bit"
    rows = "scikit-learn has the larger data sets"
    if config.dataset == OWN:  # the field has checked that the name is no Markdown
        rows = f"pandas reads `{config.own.name}` from the folder that the notebook is in"
    cells = [
        _text(f"# {title}\n\nPlain PyTorch; {rows}, Altair draws."),
        _code(f"{imports}\n\n{threads}"),
        *_section("What the run calls", pieces[0]),
        *_section("Data", pieces[1]),
        *_section("Model, loss and optimizer", setup),
        *_section("The loop", f"losses = []\n{loop}" if number else loop),
        *(_section("The loss before each update", CHART) if number else []),
    ]
    for place, cell in enumerate(cells):
        cell["id"] = f"cell-{place}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def _section(title: str, code: str) -> list[dict[str, Any]]:
    return [_text(f"## {title}"), _code(code.strip())]


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
