"""The README does what it says: its code runs, its output is real, its link opens."""

import importlib
import json
import math
import re
import runpy
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import torch
from torch import Tensor, nn

from core import Config, Run
from core.autograd.examples import EXAMPLES, Example
from core.autograd.notebook import told
from core.build import build
from core.compare.comparison import read
from core.config import KNOBS
from core.curvature import limits, starting_curvature
from core.data import DATASETS
from core.export import script, setup
from core.lines import EVERYDAY, LINES, PRACTICES, Line, Practice, from_letters
from core.loss_lessons.softmax_twice import logits, of_logits
from core.losses import FLOATS, LOSSES, Loss, clipped
from core.notes.claim import JUDGEMENTS, answer
from core.notes.notes import CLAIMS
from core.optimizers import OPTIMIZERS
from core.result import result
from core.stacked.blocks import Training, blocks
from core.start.address import address
from core.start.path import THE_PATH
from core.start.path import read as read_path
from core.start.stops import STOPS, Stop
from core.sweep.sweep import read as read_sweep
from core.traps.accumulation import CUTS, added
from core.traps.diagnosis import CASES, series
from core.traps.orders import Trials
from core.traps.outcomes import outcome
from core.traps.table import DELIVERIES
from core.traps.trap import trap
from core.verdict import verdict
from tests.helpers.accounts import of

ROOT = Path(__file__).parents[1]
PAGES = {path.name: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
README = PAGES["README.md"]
DOCS = "\n".join(PAGES.values())
PYTHON = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)


def block(text):
    """The Python of the README or of docs/ that has this text in it."""
    (found,) = [code for code in PYTHON if text in code]
    return found


def test_the_notebook_lines_print_the_columns_that_are_shown(capsys):
    code, shown = PYTHON[0], re.search(r"```\n( +step .*?)```", README, re.DOTALL)[1]
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102  (our own file)
    printed = capsys.readouterr().out
    rows = [[float(cell) for cell in line.split()] for line in printed.splitlines()[1:]]
    said = [[float(cell) for cell in line.split()] for line in shown.splitlines()[1:]]
    assert printed.split("\n")[0].split() == shown.split("\n")[0].split()
    for row, other in zip(rows, said, strict=True):
        assert row == pytest.approx(other, rel=1e-3)


def test_the_lesson_shows_what_is_said_about_it():
    link = re.search(r"^ {4}\?(\S+)$", README, re.MULTILINE)[1]
    comparison, notes = read(parse_qs(link))
    assert notes == []
    runs = [comparison.baseline, *(v.config(comparison.baseline)[0] for v in comparison.variants)]
    curvature = starting_curvature(comparison.baseline)
    assert f"{curvature:.2f}" == "16.70" and f"{curvature:.2f}" in README
    assert all(f"{limits(curvature)[name]:.4f}" in README for name in ("usual", "skipped"))
    words = [verdict(result(Run(c).advance())).word for c in runs]
    assert words == ["diverged", "learns", "oscillates"]


def test_the_second_lesson_opens_where_it_says():
    link = re.search(r"^ {4}watch\?(\S+)$", DOCS, re.MULTILINE)[1]
    params = {name: values[0] for name, values in parse_qs(link).items()}
    assert (params.pop("at"), params.pop("look")) == ("8.0", "ledger")
    history = Run(Config.from_params(params)).advance(8).history
    fresh, grads = history.fresh_grads["weight"].ravel(), history.grads["weight"].ravel()
    assert [step for step in range(8) if fresh[step] * grads[step] < 0] == [4, 5, 6]


IMPORTS = """
import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from core.data import DATASETS, DataSet
from core.losses import FLOATS, LOSSES, Loss, clipped
from core.optimizers import OPTIMIZERS, Optimizer

"""


def test_added_entries_train_and_are_written_into_the_script(monkeypatch, tmp_path, capsys):
    """One entry each is all: check, link and script derive from the tables."""
    tables = {"dataset": DATASETS, "loss": LOSSES, "optimizer": OPTIMIZERS}
    before = {field: set(table) for field, table in tables.items()}
    (tmp_path / "added_entries.py").write_text(IMPORTS + "\n\n".join([block("DATASETS["), block("LOSSES[")]))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("added_entries")
    for field, table in tables.items():
        (added,) = table.keys() - before[field]
        monkeypatch.setitem(table, added, table.pop(added))  # taken out again afterward
        monkeypatch.setitem(KNOBS[field].choices, added, table[added].title)
    config = Config(dataset="parabola", loss="log_cosh", optimizer="sign_sgd", steps=200)
    assert Config.from_params(config.to_params()) == config
    run = Run(config).advance()
    assert run.error is None
    assert run.history.losses[-1] < 0.5 * run.history.losses[0]
    assert setup(config, build(config))[-2:] == [
        "loss_fn = LogCosh()",
        "optimizer = SignSGD(model.parameters(), lr=0.01)",
    ]
    (tmp_path / "taken_home.py").write_text(script(config))
    with torch.random.fork_rng():
        runpy.run_path(str(tmp_path / "taken_home.py"))
    printed = [float(line.split()[1]) for line in capsys.readouterr().out.splitlines()]
    assert printed == run.history.losses.tolist()


def test_the_added_loss_is_what_its_formula_says():
    names = {"nn": nn, "Tensor": Tensor, "math": math, "LOSSES": {}, "Loss": Loss}
    names |= {"FLOATS": FLOATS, "clipped": clipped}
    exec(compile(block("LOSSES[").split("class SignSGD")[0], "README.md", "exec"), names)  # noqa: S102  (our own file)
    errors = torch.tensor([-3.0, -0.1, 0.0, 2.0], dtype=torch.float64)
    expected = errors.cosh().log().mean().item()
    assert names["LogCosh"]()(errors, torch.zeros(4)).item() == pytest.approx(expected, rel=1e-12)
    assert names["LogCosh"]()(torch.tensor([1000.0]), torch.zeros(1)).item() == pytest.approx(
        1000 - math.log(2)
    )


def test_an_added_trap_is_run_beside_its_repair():
    names = {"TRAPS": {}, "trap": trap, "DELIVERIES": DELIVERIES}
    exec(compile(block("TRAPS["), "README.md", "exec"), names)  # noqa: S102  (our own file)
    (added,) = names["TRAPS"].values()
    wrong, right = (Run(config).advance() for config in (added.wrong, added.right))
    assert outcome(result(wrong), result(right)) == added.group == "raises"
    assert str(wrong.error.exception) == "name 'loss' is not defined"


def test_an_added_claim_stands_and_has_its_lines(monkeypatch, tmp_path):
    imports = "import torch\nfrom core.notes.claim import Claim, gives\n\nCLAIMS = {}\n\n\n"
    code = block("CLAIMS[")
    (tmp_path / "added_claim.py").write_text(imports + code)
    monkeypatch.syspath_prepend(tmp_path)
    (added,) = importlib.import_module("added_claim").CLAIMS.values()
    assert answer(added).stands
    assert answer(added).values == (("x.grad", "tensor(0.)"),)
    assert added.source.strip() == code.split("\n\n\n")[0].strip()


def test_the_counts_of_claims_are_those_of_the_table():
    said = re.search(
        r"(\d+) claims of five course notes.*: (\d+) hold, (\d+) are imprecise, (\d+) are wrong", README
    )
    counts = Counter(claim.judgement for claim in CLAIMS.values())
    assert list(map(int, said.groups())) == [counts.total(), *(counts[word] for word in JUDGEMENTS)]
    link = re.search(r"^ {4}notes\?(\S+)$", DOCS, re.MULTILINE)[1]
    assert parse_qs(link) == {"judgement": ["wrong"]}


def test_an_added_stop_is_whole_and_true():
    names = {"Stop": Stop, "address": address}
    exec(compile(block("later = Stop("), "README.md", "exec"), names)  # noqa: S102  (our own file)
    (loop,) = names["later"].address.fields["loop"]
    assert names["later"].right == "Yes, one gradient late"
    deliveries = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01)
    assert Trials(deliveries, []).tried(from_letters(loop)).outcome == "stale"
    assert limits(1.0)["stale"] * 2 == limits(1.0)["usual"]


def test_the_links_of_start_here_open_a_path():
    first, own = (parse_qs(link) for link in re.findall(r"^ {4}start\?(\S+)$", DOCS, re.MULTILINE))
    assert read_path(first["path"]) is THE_PATH and len(STOPS) == 7 and "seven questions" in DOCS
    assert len(read_path(own["path"]).stops) == 2
    assert first["stop"] == own["stop"] == ["1"]


def test_an_added_example_is_true():
    names = {"EXAMPLES": {}, "Example": Example}
    exec(compile(block("EXAMPLES["), "README.md", "exec"), names)  # noqa: S102  (our own file)
    (added,) = names["EXAMPLES"].values()
    assert added.answers[0] == "Yes: a.grad is 1" and told(added.text)[-1].shows == "tensor([1.])"


def test_the_lesson_on_autograd_shows_what_is_said_about_it():
    params = parse_qs(re.search(r"^ {4}autograd\?(\S+)$", DOCS, re.MULTILINE)[1])
    text, line = EXAMPLES[params["example"][0]].text, int(params["line"][0])
    (one,) = [one for one in told(text) if one.last == line]
    assert one.shows == "tensor([0., 0.])"  # of exp at 1 and 2, whose derivatives are e and e squared


def test_the_link_of_a_series_opens_it():
    link, _ = re.findall(r"^ {4}traps\?(\S+)$", DOCS, re.MULTILINE)
    assert parse_qs(link) == {"view": ["diagnosis"], "series": ["7"]}
    assert len(series(7)) == CASES


def test_three_rows_and_one_are_what_is_said_of_them():
    _, link = re.findall(r"^ {4}traps\?(\S+)$", DOCS, re.MULTILINE)
    params = parse_qs(link)
    big, ways = added(CUTS[params["cut"][0]])
    assert params["view"] == ["accumulation"]
    assert f"−{-ways['divided'].first:.2f}; weighted by\nrows" in DOCS
    assert f"whole batch, −{-big.first:.3f}" in DOCS and big.first == pytest.approx(ways["by_rows"].first)


def test_the_link_of_the_losses_opens_what_is_said_about_it():
    link = re.search(r"^ {4}losses\?(\S+)$", DOCS, re.MULTILINE)[1]
    given = {name: values[0] for name, values in parse_qs(link).items()}
    assert given.pop("view") == "softmax"
    z = logits(float(given["right"]), float(given["rival"]), int(given["classes"]))
    once, twice = (of_logits(z, way)[1].norm().item() for way in (False, True))
    assert f"{once / twice:,.0f}"[:2] == "60" and "60,000\ntimes as small" in DOCS


def test_the_lesson_of_the_map_agrees_with_the_theory():
    link = re.search(r"^ {4}sweep\?(\S+)$", DOCS, re.MULTILINE)[1]
    params = {name: values[0] for name, values in parse_qs(link).items()}
    own = {name: params.pop(name) for name in ("x", "y")}
    sweep, notes = read_sweep(own, Config.from_params(params))
    assert notes == []
    curvature = starting_curvature(sweep.baseline)
    ends = [limits(curvature)[name] for name in ("stale", "usual", "skipped")]
    for block in blocks(sweep.configs):
        for one in Training(block, "cpu").advance(lambda steps: True).results():
            row = sweep.y.values.index(one.config.loop)
            near = abs(one.config.lr / ends[row] - 1) < 0.01  # too near to be seen in so few steps
            assert near or (verdict(one).word == "diverged") == (one.config.lr > ends[row])


def test_links_between_the_files_lead_somewhere():
    for name, text in {**PAGES, "CONTRIBUTING.md": (ROOT / "CONTRIBUTING.md").read_text()}.items():
        folder = ROOT if name in ("README.md", "CONTRIBUTING.md") else ROOT / "docs"
        targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
        assert all((folder / target).exists() for target in targets), name
        named = re.findall(r"`((?:core|pages|tests|docs|benchmarks)/[\w/.]+\.\w+)`", text)
        assert all((ROOT / path).exists() for path in named if path != "pages/x.py"), name


def test_every_text_that_names_a_version_of_torch_names_the_one_that_is_required():
    required = re.search(r"^torch==([\d.]+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)[1]
    texts = [(ROOT / name).read_text() for name in ("README.md", ".devcontainer/devcontainer.json")]
    assert {version for text in texts for version in re.findall(r"torch==([\d.]+)", text)} == {required}
    json.loads(texts[1])


def test_the_line_that_is_shown_is_the_one_in_the_table():
    names = {"EVERYDAY": {}, "PRACTICES": {}, "Line": Line, "Practice": Practice}
    exec(compile(block('EVERYDAY["clip_value"]'), "extending.md", "exec"), names)  # noqa: S102  (our own file)
    assert names["EVERYDAY"]["clip_value"] == EVERYDAY["clip_value"]
    assert names["PRACTICES"]["clip_value"] == PRACTICES["clip_value"]


def test_a_line_that_is_added_trains_and_is_taken_home_and_accounted_for(monkeypatch, tmp_path, capsys):
    """One entry, which uses a field that no line has used yet."""
    shown = block('EVERYDAY["clip_value"]').split("PRACTICES")[0]
    shown = shown.replace("clip_grad_value_(", "clip_grad_norm_(").replace('"V"', '"k"')
    shown = shown.replace('EVERYDAY["clip_value"]', 'EVERYDAY["other"]').replace("clip_value", "noise")
    names = {"EVERYDAY": {}, "Line": Line}
    exec(compile(shown, "extending.md", "exec"), names)  # noqa: S102  (our own file)
    monkeypatch.setitem(LINES, "other", names["EVERYDAY"]["other"])
    config = Config(loop=from_letters("ZFLBkS"), noise=0.05, steps=30)
    assert config.to_params()["loop"] == "ZFLBkS" and Config.from_params(config.to_params()) == config
    run = Run(config).advance()
    assert run.error is None and run.history.steps["grad_norm"].max() <= 0.05
    (tmp_path / "taken_home.py").write_text(script(config))
    with torch.random.fork_rng():
        runpy.run_path(str(tmp_path / "taken_home.py"))
    printed = [float(line.split()[1]) for line in capsys.readouterr().out.splitlines()]
    assert printed == run.history.losses.tolist()
    assert of("other", Run(config)).headline.startswith("Changed: .grad of ")
