"""Runs on an own file: like those of other data sets, the script included; a token keeps them apart."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from core import Config, Run, budget, data
from core.build import make_data
from core.config import parse
from core.data import OWN, TABLES, Unusable
from core.export import script
from core.jobs.jobs import Block, Whole
from core.own import columns
from core.own.csv_file import read
from core.report.notebook import notebook
from core.stacked.stack import Stack

ROWS = "".join(f"{n / 7:.6f};{n * n % 11};{'xyz'[n % 3]};{n % 2 + 1}\n".replace(".", ",") for n in range(60))
FILE = f"a;b;word;two\n;1;x;1\n{ROWS}".encode()  # of the first row a cell is empty
CASES = [("regression", 1), ("binary", 3), ("classes", 2)]


@pytest.fixture
def table():
    return read("own.csv", FILE)


def config(table, task, target, **more):
    own = columns.proposal(table)
    inputs = tuple(n for n in (0, 1, 3) if n != target)
    return Config(dataset=OWN, own=own._replace(inputs=inputs, target=target, task=task), steps=6, **more)


@pytest.mark.parametrize("task, target", CASES)
@pytest.mark.parametrize("more", [{}, {"batch_size": 16, "val_share": 0.0, "dtype": "float64"}])
def test_the_script_reads_the_same_file_and_prints_the_same_bits(task, target, more, table, tmp_path):
    one = config(table, task, target, **more)
    (tmp_path / "own.csv").write_bytes(FILE)
    text = script(one)
    (tmp_path / "loop.py").write_text(text)
    done = subprocess.run([sys.executable, "loop.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = [float(line.split()[1]) for line in done.stdout.splitlines()]
    assert printed == Run(one).advance().history.steps["loss"].tolist()
    imports = {line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert {name.partition(".")[0] for name in imports} <= {"torch", "pandas", "collections"}


def test_the_notebook_reads_the_same_file_and_has_the_same_losses(table, tmp_path):
    one = config(table, "classes", 2)
    (tmp_path / "own.csv").write_bytes(FILE)
    cells = json.loads(notebook(one))["cells"]
    assert "pandas reads `own.csv`" in cells[0]["source"]
    code = "\n\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    (tmp_path / "cells.py").write_text(f"{code}\nprint([loss.hex() for loss in losses])\n")
    done = subprocess.run([sys.executable, "cells.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == str([loss.hex() for loss in Run(one).advance().history.losses.tolist()])


@pytest.mark.parametrize("task, target", CASES)
def test_stacked_runs_are_the_single_ones(task, target, table):
    configs = [config(table, task, target, lr=lr) for lr in (0.1, 0.01)]
    for one, stacked in zip(configs, Stack(configs).advance().results(), strict=True):
        single = Run(one).advance().history.steps["loss"].to_numpy()
        np.testing.assert_allclose(stacked.steps["loss"], single, rtol=1e-4, atol=1e-6)


def test_a_rare_class_that_is_held_out_has_an_output_of_its_own():
    lines = "".join(f"{n},{'c' if n == 7 else 'ab'[n % 2]}\n" for n in range(30))
    table = read("own.csv", f"x,y\n{lines}".encode())
    for seed in range(20):
        one = Config(dataset=OWN, own=columns.proposal(table), steps=1, seed=seed)
        made = make_data(one)
        if int(made.targets.max()) < 2:  # class 2 is among the held-out rows alone
            run = Run(one).advance()
            assert run.error is None and budget.parameter_count(one) > 0
            return
    raise AssertionError("no seed holds it out")


def test_a_link_has_no_token_and_without_it_there_are_no_rows(table):
    one = config(table, "classes", 2)
    text = one.to_params()["own"]
    assert table.token not in text
    read_back = parse("own", text)
    assert read_back == one.own._replace(token="") and parse("own", text) != one.own
    with pytest.raises(Unusable):
        make_data(Config(dataset=OWN, own=read_back))


def test_who_has_the_file_gets_its_token_with_the_link(table, monkeypatch):
    monkeypatch.setattr(data, "_look_up", {table.digest: table.token}.get)
    one = config(table, "classes", 2)
    assert Config.from_params(one.to_params()) == one


def test_the_same_file_of_two_visitors_makes_two_runs(table):
    other = read("own.csv", FILE)
    assert other.digest == table.digest and other.token != table.token
    assert config(table, "classes", 2) != config(
        other, "classes", 2
    )  # so no cache answers one with the other


def test_a_table_goes_with_its_session(table):
    other = read("own.csv", FILE)
    one = config(other, "classes", 2)
    Run(one).advance()
    token = other.token
    del other
    assert token not in TABLES
    with pytest.raises(Unusable):
        make_data(one)


def test_jobs_with_an_own_file_stay_in_this_process(table):
    one = config(table, "classes", 2)
    assert Whole(one, "cpu").stays and Block((Config(), one), "cpu").stays
    assert not Whole(Config(), "cpu").stays and not Block((Config(),), "cpu").stays
    assert b"xyz" not in pickle.dumps(one) and FILE[:40] not in pickle.dumps(one)


@pytest.mark.parametrize("changes, said", [
    ({"inputs": (2,), "target": 1, "task": "regression"}, "Column 3 cannot be an input"),
    ({"inputs": (9,), "target": 1, "task": "regression"}, "none with number 10"),
    ({"inputs": (0,), "target": 2, "task": "binary"}, "Column 3 cannot be a target"),
    ({"inputs": (0,), "target": 2, "task": "regression"}, "Column 3 cannot be a target"),
])  # fmt: skip
def test_choices_that_the_file_does_not_have_are_refused_in_a_sentence(changes, said, table):
    with pytest.raises(Unusable, match=said):
        table.rows(columns.proposal(table)._replace(**changes))
