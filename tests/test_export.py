"""Taking a run home: scripts that repeat it to the last bit, and a file with its numbers."""

import ast
import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from core import Config, Run, build
from core.compare.comparison import read
from core.config import KNOBS
from core.data import DATASETS
from core.export import data_file, listing, script
from core.lines import LETTERED, LINES, USUAL, from_letters, parts
from core.losses import LOSSES
from core.models import ACTIVATIONS, MODELS, STARTS
from core.optimizers import OPTIMIZERS
from core.result import result
from tests.helpers.strategies import configs

CASES = [  # every data set, model, activation, loss and optimizer; batches, orders, omissions
    {},
    {"loop": "FLBS", "seed": 3},
    {"dataset": "deliveries", "model": "linear", "lr": 0.05},
    {"dataset": "deliveries", "model": "linear", "lr": 1.0, "optimizer": "sgd_by_hand"},  # inf, then nan
    {"dataset": "line", "loss": "huber", "noise": 0.7, "optimizer": "adam", "lr": 0.01, "dtype": "float64"},
    {"dataset": "line", "loss": "l1", "model": "linear", "optimizer": "adagrad", "batch_size": 32,
     "val_share": 0.0},
    {"dataset": "sine", "optimizer": "nesterov", "lr": 0.05, "hidden": (32,), "activation": "tanh",
     "seed": 7},
    {"dataset": "sine", "optimizer": "rmsprop", "lr": 0.001, "momentum": 0.9, "weight_decay": 0.01,
     "batch_size": 7, "activation": "gelu"},
    {"dataset": "xor", "loss": "cross_entropy", "optimizer": "adamw", "weight_decay": 0.1, "lr": 0.01,
     "hidden": (8, 8, 8), "activation": "sigmoid"},
    {"dataset": "xor", "loss": "mse", "optimizer": "sgd_by_hand", "lr": 0.1, "loop": "FLBS", "batch_size": 64,
     "dtype": "float64"},
    {"loss": "l1", "loop": "FZLBS"},
    {"loss": "huber", "loop": "FLBSZ", "batch_size": 1024, "momentum": 0.5},  # a batch of all rows
    {"dataset": "spirals", "loop": "SZFLB", "val_share": 0.5, "noise": 0.0},
    {"dataset": "spirals", "momentum": 1.0, "weight_decay": 0.05, "dtype": "float64", "seed": 999_999},
    {"dataset": "diabetes", "model": "linear", "loop": "FLSZB", "lr": 0.05},  # stale gradients
    {"dataset": "diabetes", "optimizer": "adam", "batch_size": 100, "loop": "ZFLB"},
    {"dataset": "breast_cancer", "loss": "cross_entropy", "optimizer": "adagrad", "lr": 0.01},
    {"dataset": "breast_cancer", "model": "linear", "loop": "ZFLS"},
    {"dataset": "iris", "loss": "bce", "optimizer": "nesterov", "momentum": 0.5, "batch_size": 16,
     "loop": "FLBS"},
    {"dataset": "iris", "model": "linear", "loss": "mse", "optimizer": "rmsprop", "lr": 0.01,
     "dtype": "float64"},
    {"dataset": "digits", "model": "lenet", "lr": 0.1, "batch_size": 64, "steps": 8},
    {"dataset": "digits", "model": "lenet", "loss": "bce", "optimizer": "adamw", "lr": 0.001,
     "batch_size": 100, "dtype": "float64", "steps": 6},
    {"dataset": "digits", "loss": "l1", "optimizer": "adam", "lr": 0.01, "loop": "FLBS", "steps": 8},
    {"dataset": "digits", "model": "linear", "momentum": 0.9, "steps": 8},
    {"loop": "SFLZB"},
    {"loop": "FSLZB", "model": "linear", "batch_size": 40},
    {"loop": "ZFS"},  # no loss: only the steps are printed
    {"loop": ""},
    {"dataset": "deliveries_exact", "model": "linear", "lr": 0.01, "start": (3.0, 11.0), "loop": "0FLBS",
     "schedule": ((2, 0.05), (5, 0.001))},
    {"dataset": "deliveries", "model": "linear", "lr": 0.01, "start": (0.0,), "optimizer": "sgd_by_hand",
     "schedule": ((3, 0.02),), "dtype": "float64"},
    {"model": "mlp_norm", "batch_size": 16, "optimizer": "adam", "lr": 0.01},
    {"dataset": "deliveries", "model": "linear", "lr": 0.01, "before": ("weights_by_hand",),
     "loop": "Z.forward_by_hand.LB.step_by_hand."},
    {"loop": "ZflBS", "batch_size": 20},
    {"loop": "ZflaUCAG", "autocast": "float16", "optimizer": "adam", "lr": 0.05, "max_norm": 0.2},
    {"loop": "FLaAG", "dataset": "iris", "dtype": "float64"},
    {"model": "mlp_dropout", "dropout": 0.2, "batch_size": 20},
    {"model": "mlp_dropout", "loop": "TZFLBSE", "dataset": "iris", "loss": "nll", "dtype": "float64"},
    {"model": "mlp_norm", "loop": "ZFLBSE"},
    {"loop": "ZFLBWS"},
    {"loop": "ZFpBS", "penalty": 0.1, "optimizer": "adam", "lr": 0.01},
    {"scheduler": "step", "loop": "ZFLBSR", "optimizer": "adam", "lr": 0.05, "gamma": 0.5},
    {"scheduler": "exponential", "loop": "ZFLBSR", "schedule": ((7, 0.3),)},
    {"scheduler": "cosine", "loop": "ZFLBSR", "batch_size": 20, "momentum": 0.9},
    {"scheduler": "warmup", "loop": "ZFLBSR", "optimizer": "rmsprop", "lr": 0.01},
    {"scheduler": "warmup_cosine", "loop": "zFLDsr", "dtype": "float64"},
    {"scheduler": "one_cycle", "loop": "ZFLBSR", "dataset": "iris"},
    {"scheduler": "plateau", "loop": "ZFLBSP", "lr": 2.0, "gamma": 0.3},
    {"before": ("optimizer_of_a_copy",), "dtype": "float64"},
    {"loop": "ZF.loss_unreduced."},  # no number to print
    {"dataset": "deliveries", "model": "linear", "lr": 0.01, "loop": "ZFL.backward_micro_mean.S"},
    {"dataset": "line", "loss": "smooth_l1", "model": "linear", "lr": 0.1},
    {"dataset": "digits", "model": "lenet", "loss": "nll", "lr": 0.1, "batch_size": 64, "steps": 6},
    {"dataset": "iris", "loss": "nll", "model": "linear", "loop": "FLBS"},
    {"loss": "bce_of_sigmoid", "batch_size": 32, "dtype": "float64"},
    {"dataset": "iris", "loss": "bce_of_sigmoid", "optimizer": "adam", "lr": 0.01},
    {"loss": "focal", "seed": 5},
    {"dataset": "iris", "loss": "focal", "model": "mlp_norm", "batch_size": 16},
    {"dataset": "iris", "loss": "smoothed"},
    {"dataset": "breast_cancer", "loss": "weighted", "dtype": "float64", "lr": 0.1},
    {"dataset": "digits", "loss": "weighted", "model": "linear", "batch_size": 100, "steps": 8},
    {"loss": "kl_div"},
    {"dataset": "iris", "loss": "kl_div", "model": "linear", "start": (0.0,), "batch_size": 20},
    {"dataset": "deliveries", "model": "linear", "start": (0.0,), "lr": 0.2, "loop": "ZFLBCS"},
    {"loop": "FLBCVS", "max_norm": 0.3, "clip_value": 0.01, "optimizer": "adam", "lr": 0.05,
     "batch_size": 20},
    {"loop": "zFLDs", "accumulate": 3, "batch_size": 20},
    {"loop": "zFLwCs", "accumulate": 4, "batch_size": 50, "optimizer": "nesterov", "dtype": "float64"},
    {"loop": "zFLws", "accumulate": 2},
    {"optimizer": "adamax", "weight_decay": 0.1, "schedule": ((5, 0.1),)},
    {"optimizer": "nadam", "batch_size": 32},
    {"optimizer": "radam", "lr": 0.1, "dtype": "float64"},
    {"optimizer": "adadelta", "loop": "FLBS"},
    {"optimizer": "adafactor", "dataset": "digits", "model": "lenet", "batch_size": 100, "steps": 6},
    {"optimizer": "asgd", "lr": 0.5, "weight_decay": 0.01},
    {"optimizer": "rprop", "schedule": ((10, 0.5),)},
    {"optimizer": "muon", "schedule": ((10, 0.05),), "weight_decay": 0.1},
    {"optimizer": "muon", "dataset": "digits", "model": "lenet", "batch_size": 100, "steps": 6},
    {"optimizer": "lbfgs", "steps": 5},
    {"optimizer": "lbfgs", "steps": 5, "optimizer_arguments": (("line_search_fn", "strong_wolfe"),
     ("max_iter", 4))},
    {"optimizer": "adam", "lr": 0.01, "optimizer_arguments": (("amsgrad", True), ("betas", (0.8, 0.95)))},
    {"momentum": 0.9, "lr": 0.01, "optimizer_arguments": (("dampening", 0.5), ("maximize", True))},
    {"optimizer": "rmsprop", "lr": 0.01, "optimizer_arguments": (("centered", True), ("alpha", 0.9))},
    {"optimizer": "muon", "optimizer_arguments": (("ns_steps", 3), ("adjust_lr_fn", "original"))},
    {"optimizer": "adafactor", "optimizer_arguments": (("eps", (None, 0.01)),)},
    {"dataset": "line", "loss": "huber", "lr": 0.01,
     "loss_arguments": (("delta", 0.5), ("reduction", "sum"))},
    {"dataset": "iris", "loss": "cross_entropy", "dtype": "float64", "batch_size": 32,
     "loss_arguments": (("label_smoothing", 0.2), ("weight", (1.0, 2.0, 0.5)))},
    {"start": ("xavier",), "seed": 4},
    {"start": ("he",), "dtype": "float64", "hidden": (8,) * 6, "activation": "tanh"},
    {"start": ("small",), "dataset": "digits", "model": "lenet", "batch_size": 100, "steps": 6},
    {"start": ("large",), "model": "mlp_norm", "loss": "bce_of_sigmoid", "dtype": "float64"},
    {"loss": "bce", "loss_arguments": (("pos_weight", (3.0,)),)},
    {"loss": "focal", "loss_arguments": (("gamma", 0.5),)},
    {"optimizer": "lbfgs", "batch_size": 50, "steps": 8, "dtype": "float64", "lr": 0.1},
]  # fmt: skip
RAISING = [
    {"loop": "FLSZB"},  # the second step finds its weights modified in place
    {"loop": "ZBFLS"},
    {"loop": "ZLFBS", "batch_size": 16},
    {"loop": "ZLBS", "dataset": "iris"},
    {"loop": "ZFBS", "dataset": "deliveries", "model": "linear"},
    {"loop": "FSLZB", "optimizer": "sgd_by_hand", "lr": 0.1},
    {"loop": "ZFLB.backward_again.S"},
    {"loop": "ZF.loss_module.BS", "dataset": "deliveries"},
]


ELSEWHERE = [  # on a device by another name than the usual one
    {"device": "cpu:0"},
    {"device": "cpu:0", "batch_size": 32, "dtype": "float64"},
    {"device": "cpu:0", "dataset": "iris", "loss": "weighted"},
    {"device": "cpu:0", "loop": "ZflaAG"},
]


def config_of(case):
    choices = {name: value for name, value in case.items() if name != "device"}
    loop = {"loop": from_letters(case["loop"])} if "loop" in case else {}
    return Config(**{"steps": 40} | choices | loop)


def script_of(case):
    return script(config_of(case), case.get("device", "cpu"))


def name_of(case):
    return "-".join(f"{field}={value}" for field, value in case.items()) or "default"


# Runs each script as a program of its own, and tells what it printed and what it raised; then one that ends
# it. The directory holds nothing of this project and -I keeps the search path from leading to it.
DRIVER = """
import contextlib, io, json, runpy, sys, warnings
import sklearn.datasets, torch
for name in ("core", "streamlit", "tests"):
    assert name not in sys.modules
warnings.simplefilter("error")
told = []
for number in range(int(sys.argv[1])):
    raised, text = None, io.StringIO()
    with contextlib.redirect_stdout(text):
        try:
            runpy.run_path(f"script_{number}.py", run_name="__main__")
        except Exception as error:
            raised = [type(error).__name__, str(error)]
    told.append([text.getvalue(), raised])
assert "core" not in sys.modules
print(json.dumps(told), flush=True)
runpy.run_path("raises.py", run_name="__main__")
"""


def python(folder, *arguments):
    command = [sys.executable, "-I", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def driven(tmp_path_factory):
    """How the driver ended."""
    folder = tmp_path_factory.mktemp("scripts")
    cases = [*CASES, *RAISING, *ELSEWHERE]
    for number, case in enumerate(cases):
        (folder / f"script_{number}.py").write_text(script_of(case), encoding="utf-8")
    (folder / "raises.py").write_text(script_of({"loop": "ZBFLS"}), encoding="utf-8")
    (folder / "driver.py").write_text(DRIVER, encoding="utf-8")
    return python(folder, "driver.py", len(cases))


@pytest.fixture(scope="module")
def told(driven):
    """What the script of each case printed, and the exception it ended with."""
    cases, lines = [*CASES, *RAISING, *ELSEWHERE], driven.stdout.splitlines()
    assert lines, driven.stderr
    return {name_of(case): told for case, told in zip(cases, json.loads(lines[0]), strict=True)}


def printed(text):
    """Steps and losses of a script's output; nan for a step printed without a loss."""
    rows = [line.split() for line in text.splitlines()]
    losses = [float(row[1]) if len(row) == 2 else np.nan for row in rows]
    return [int(row[0]) for row in rows], np.array(losses)


def same_bits(one, other):
    return np.array_equal(np.asarray(one, dtype=float), np.asarray(other, dtype=float), equal_nan=True)


@pytest.mark.parametrize("case", [*CASES, *ELSEWHERE], ids=name_of)
def test_a_script_prints_the_losses_of_the_app_to_the_last_bit(case, told):
    config = config_of(case)
    run = Run(config).advance()
    text, raised = told[name_of(case)]
    steps, losses = printed(text)
    assert raised is None and run.error is None
    assert steps == list(range(config.steps))
    assert same_bits(losses, run.history.losses)


@pytest.mark.parametrize("case", RAISING, ids=name_of)
def test_a_script_raises_what_the_app_raised_after_the_same_losses(case, told):
    run = Run(config_of(case)).advance()
    text, raised = told[name_of(case)]
    steps, losses = printed(text)
    assert raised == [type(run.error.exception).__name__, str(run.error.exception)]
    assert steps == list(range(run.error.step))
    assert same_bits(losses, run.history.losses[: run.error.step])


def test_the_cases_cover_every_choice():
    configs_of_cases = [config_of(case) for case in CASES]
    for field, table in (
        ("dataset", DATASETS), ("model", MODELS), ("activation", ACTIVATIONS), ("loss", LOSSES),
        ("optimizer", OPTIMIZERS), ("dtype", KNOBS["dtype"].choices),
    ):  # fmt: skip
        assert {getattr(config, field) for config in configs_of_cases} == set(table)
    assert {(name,) for name in STARTS} < {config.start for config in configs_of_cases}


def test_a_script_runs_alone_with_nothing_of_this_project(tmp_path):
    """One that needs all a script may need, scikit-learn too; the others run in the driver."""
    config = config_of(CASES[20])
    assert config.dataset == "digits" and config.batch_size
    (tmp_path / "script.py").write_text(script(config), encoding="utf-8")
    ended = python(tmp_path, "-W", "error", "script.py")
    assert ended.returncode == 0 and ended.stderr == ""
    assert same_bits(printed(ended.stdout)[1], Run(config).advance().history.losses)


def test_a_script_that_raises_ends_as_any_program_does(driven):
    assert driven.returncode == 1
    assert "    loss.backward()\n" in driven.stderr
    assert driven.stderr.endswith("NameError: name 'loss' is not defined\n")


@pytest.mark.parametrize("case", ELSEWHERE, ids=name_of)
def test_a_script_for_another_device_moves_model_inputs_and_targets_there(case):
    moved = [line.split()[0] for line in script_of(case).splitlines() if ".to('cpu:0')" in line]
    prefix = "all_" if "batch_size" in case else ""
    weights = ["loss_fn.to('cpu:0')"] if "loss" in case else []
    assert moved == [f"{prefix}inputs", f"{prefix}targets", "model.to('cpu:0')", *weights]


# -- what is in a script -------------------------------------------------------------------


def loop_of(text):
    """The for loop of a script."""
    loops = [node for node in ast.parse(text).body if isinstance(node, ast.For)]
    (loop,) = (node for node in loops if not ast.unparse(node.target).startswith(("parameter", "layer")))
    return loop


@given(configs())
@settings(deadline=None, max_examples=60)
def test_every_script_compiles_and_its_loop_is_the_five_lines(config):
    body = [ast.unparse(statement) for statement in loop_of(script(config)).body]
    if config.batch_size:
        assert body.pop(0) == "inputs, targets = (all_inputs[rows], all_targets[rows])"
    if config.schedule:
        set_lr = [f"    {line}" for line in OPTIMIZERS[config.optimizer].set_lr.replace('"', "'").split("\n")]
        assert body.pop(0).split("\n") == ["if step in schedule:", "    lr = schedule[step]", *set_lr]
    assert body.pop().startswith("print(step")
    lines = [ast.parse(LINES[name].text).body for name in config.loop]
    assert body == [ast.unparse(statement) for line in lines for statement in line]


@given(configs())
@settings(deadline=None, max_examples=60)
def test_a_line_that_is_left_out_stands_as_a_comment(config):
    inside = [line.strip() for other in config.loop for line in LINES[other].text.split("\n")]
    lines = [line.strip() for line in script(config).splitlines()]
    for name in (name for name in LETTERED if "\n" not in LINES[name].text):
        assert (LINES[name].text in lines) == (LINES[name].text in inside)
    for name in USUAL:
        assert (f"# {LINES[name].text}  # left out" in lines) == (name not in parts(config.loop))


@given(configs())
@settings(deadline=None, max_examples=60)
def test_the_listing_is_part_of_the_script(config):
    rest = iter(script(config).splitlines())
    heading, *lines = listing(config)
    assert heading.startswith(f"# {DATASETS[config.dataset].title}: ")
    for line in lines:
        if not (config.batch_size and line.startswith("for step")):  # batches have a for line of their own
            assert line in rest  # in this order


@given(configs())
@settings(deadline=None, max_examples=60)
def test_a_script_imports_only_what_anybody_has(config):
    tree = ast.parse(script(config))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert modules <= {"math", "collections.abc", "typing", "torch", "sklearn"}
    assert {"torch"} <= modules
    assert ("sklearn" in modules) == (config.dataset in ("diabetes", "breast_cancer", "iris", "digits"))


@given(configs(), configs())
@settings(deadline=None, max_examples=30)
def test_a_value_changes_a_script_only_as_a_literal(config, other):
    """Numbers of a Config reach the script as plain literals, and nothing else of them does."""
    numbers = {name: getattr(other, name) for name in ("noise", "val_share", "lr", "seed", "steps")}
    one, another = (script(c) for c in (config, replace(config, **numbers)))

    def without_numbers(text):
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
                node.value = 0
        del tree.body[0]  # the docstring, which names the steps
        return ast.dump(tree)

    if (numbers["val_share"] == 0) == (config.val_share == 0):  # else there is no validation to split off
        held_out = [text.count("split(len(inputs)") for text in (one, another)]
        if held_out[0] == held_out[1]:
            assert without_numbers(one) == without_numbers(another)


PAYLOADS = [
    '"""\nimport os\nos.system("echo owned")\n"""',
    "0.5\nimport os",
    "0.5; import os",
    "__import__('os').system('echo owned')",
    "moons#\nimport os",
    "{owned}",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_of_a_visitor_gets_into_a_script(payload):
    comparison, _ = read({name: [payload] for name in KNOBS})
    assert script(comparison.baseline) == script(Config())
    runs = [f"{name}~{payload}" for name in KNOBS]
    for start in range(0, len(runs), 5):
        comparison, _ = read({"run": runs[start : start + 5], "keep": runs[start : start + 5]})
        for variant in comparison.variants:
            text = script(variant.config(comparison.baseline)[0])
            assert "owned" not in text and "os" not in {n.id for n in names_in(text)}


@pytest.mark.parametrize("name", [
    "Too fast", '"""', "'''", "# -*- coding: utf-16 -*-", "\\", "\\n", "{x}", "Größer als 2 ✓", "x = 1",
])  # fmt: skip
def test_a_runs_name_is_one_comment_below_the_docstring_and_changes_nothing_else(name):
    config = Config(steps=3)
    named = script(config, name=name)
    assert ast.dump(ast.parse(named.encode())) == ast.dump(ast.parse(script(config)))
    assert named.splitlines().index(f"# Run: {name}") > 2  # above it could name the file's encoding


@pytest.mark.parametrize("name", ["a\nimport os", "a\rb", "a\x0cb", "a\u2028b", "a\x00"])
def test_a_name_of_two_lines_gets_into_no_script(name):
    with pytest.raises(ValueError, match=r"^name must be printable characters; got "):
        script(Config(steps=3), name=name)


def names_in(text):
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]


# -- the data file -------------------------------------------------------------------------


def parsed(text):
    """The file as pandas reads it; numbers by Python's float, which is exact in every version."""
    frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    numbers = {column: [float(cell or "nan") for cell in frame[column]] for column in frame.columns[1:]}
    return frame[["run"]].assign(**numbers)


@pytest.fixture(scope="module")
def three_runs():
    usual = result(Run(Config(steps=30)).advance())
    batches = result(Run(Config(steps=25, batch_size=32, dtype="float64")).advance())
    diverged = result(Run(config_of(CASES[3])).advance())
    return {"Baseline": usual, "Batch size 32": batches, "Learning rate × 2": diverged}


def test_the_data_file_holds_the_recorded_numbers_to_the_last_bit(three_runs):
    frame = parsed(data_file(three_runs))
    assert list(frame["run"].unique()) == list(three_runs)
    for label, run in three_runs.items():
        rows = frame[frame["run"] == label].set_index("step")
        for recorded in (run.steps, run.evaluations):
            recorded = recorded.set_index("step")
            for column in recorded:
                assert same_bits(rows.loc[recorded.index, column], recorded[column])


def test_the_data_file_has_one_row_per_run_and_step(three_runs):
    frame = parsed(data_file(three_runs))
    assert not frame.duplicated(["run", "step"]).any()
    assert len(frame) == 31 + 26 + 41  # the last row has the scores after the last step


def test_the_data_file_keeps_inf_and_leaves_nan_empty(three_runs):
    lines = data_file({"run": three_runs["Learning rate × 2"]}).splitlines()
    assert any(",inf," in line for line in lines)
    assert not any("nan" in line for line in lines)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_data_file_begins_a_formula(start, three_runs):
    frame = parsed(data_file({f"{start}1+1": three_runs["Baseline"]}))
    (cell,) = frame["run"].unique()
    assert cell.startswith("'") and cell.endswith("1+1")


def test_a_carriage_return_does_not_begin_a_row_with_a_formula(three_runs):
    text = data_file({"a\r=1+1": three_runs["Baseline"]})
    assert not any(line.startswith("=") for line in text.splitlines())


def test_quotes_commas_and_line_breaks_in_a_label_stay_in_their_cell(three_runs):
    label = 'a "b", c\nd'
    assert set(parsed(data_file({label: three_runs["Baseline"]}))["run"]) == {label}


def test_script_and_listing_make_the_data_and_the_model_once(monkeypatch):
    made = []
    for name in ("make_data", "make_model", "make_loss", "make_optimizer"):
        real = getattr(build, name)
        monkeypatch.setattr(
            build, name, lambda *given, real=real, name=name: made.append(name) or real(*given)
        )
    for export in (script, listing):
        export(Config(batch_size=16))
        assert sorted(made) == ["make_data", "make_loss", "make_model", "make_optimizer"]
        made.clear()
