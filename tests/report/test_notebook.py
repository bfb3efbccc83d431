"""The notebook of a run: cells in the format's own words, and the same bits as the run."""

import json
import subprocess
import sys

import pytest

from core import Config, Run
from core.report.notebook import notebook

CONFIGS = [
    Config(dataset="moons", steps=5),
    Config(dataset="iris", batch_size=32, steps=5, optimizer="sgd_by_hand", lr=0.1),
    Config(dataset="deliveries", model="linear", lr=0.01, steps=5, start=(5.0,), dtype="float64"),
]


def code_of(text):
    return "\n\n".join(cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


@pytest.mark.parametrize("config", CONFIGS)
def test_its_cells_repeat_the_run_to_the_bit(config, tmp_path):
    run = Run(config).advance()
    file = tmp_path / "cells.py"
    file.write_text(
        code_of(notebook(config)) + "\nprint([loss.hex() for loss in losses])\n", encoding="utf-8"
    )
    done = subprocess.run([sys.executable, "-I", str(file)], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == str([loss.hex() for loss in run.history.losses.tolist()]), done.stderr


def test_a_loop_without_a_loss_has_no_chart_of_it():
    code = code_of(notebook(Config(loop=("zero_grad", "forward"), steps=2)))
    assert "losses" not in code and "altair" not in code and "print(step)" in code


def test_jupyter_runs_it_from_top_to_bottom():
    nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed (requirements-dev.txt)")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed (requirements-dev.txt)")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed (requirements-dev.txt)")
    found = nbformat.reads(notebook(CONFIGS[0]), 4)
    nbformat.validate(found)
    nbclient.NotebookClient(found, timeout=300).execute()
    assert "text/html" in found.cells[-1].outputs[0]["data"]
    assert not [
        out for cell in found.cells for out in cell.get("outputs", []) if out["output_type"] == "error"
    ]
