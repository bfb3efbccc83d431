"""What came out of each cell: numbers over seeds, and a word for every cell that has none."""

import math

import numpy as np
import pytest

from core import Config
from core.run_summary import Brief
from core.sweep.axes import Axis, usual
from core.sweep.grid import LETTERS, STATES, best, grid, run_table
from core.sweep.measures import LOSS, MEASURES, SHARE, STEP, WORD, offered
from core.sweep.sweep import Sweep
from core.verdict import WORDS

LINEAR = Config(dataset="deliveries", model="linear", steps=4)
RATES = Axis("lr", (0.01, 0.1))
SWEEP = Sweep(LINEAR, RATES, usual("loop", LINEAR))


def known(config, losses=(4.0, 1.0), word="learns", done=4, raised=None, **scores):
    """A run with these losses at its first and last step."""
    steps = np.linspace(0, 4, len(losses)).astype(np.int16)
    nothing = dict.fromkeys(("train_loss", "val_loss", "train_accuracy", "val_accuracy"), math.nan)
    return Brief(config, done, steps, np.array(losses), nothing | scores, word, "", raised)


def briefs(sweep, *each):
    """Runs in the sweep's order; None where a run is not there."""
    pairs = zip(sweep.configs, each, strict=True)
    return {config: known(config, **choices) for config, choices in pairs if choices is not None}


def test_every_cell_has_a_row_and_says_why_it_has_no_number():
    raised = {"raised": "RuntimeError: no", "done": 1, "word": "raised"}
    frame = grid(SWEEP, briefs(SWEEP, {}, None, {"done": 2}, raised))
    assert frame["state"].tolist() == ["value", "waiting", "stopped", "raised"]
    assert frame["value"].tolist()[0] == 1.0 and frame["value"].isna().tolist() == [False, True, True, True]
    assert frame["sign"].tolist() == ["", "·", "◐", "!"]
    assert frame["words"].tolist() == [
        "learns", "not trained yet", "stopped before it was done", "RuntimeError: no",
    ]  # fmt: skip
    assert frame[["x", "y"]].iloc[3].tolist() == ["0.1", "No zero_grad"]


def test_a_cell_whose_choices_do_not_fit_is_there_with_its_reason():
    sweep = Sweep(Config(), Axis("momentum", (0.0, 0.9)), Axis("optimizer", ("nesterov", "sgd")))
    frame = grid(sweep, {})
    assert frame["state"].tolist() == ["refused", "waiting", "waiting", "waiting"]
    assert "above 0 for nesterov" in frame["words"].iloc[0]


def test_a_diverged_run_is_marked_whether_its_loss_is_a_number_or_not():
    diverged = {"word": "diverged", "losses": (4.0, math.nan)}
    growing = {"word": "diverged", "losses": (4.0, 1e9)}
    frame = grid(SWEEP, briefs(SWEEP, {}, diverged, growing, {}))
    assert frame["state"].tolist() == ["value", "diverged", "diverged", "value"]
    assert frame["sign"].tolist() == ["", "✖", "✖", ""]
    assert frame["range"].tolist()[1:3] == ["nan", "1e+9"]  # the number is told


def seeded(*each):
    sweep = Sweep(LINEAR, Axis("lr", (0.1,)), Axis("loop", (LINEAR.loop,)), seeds=len(each))
    return sweep, briefs(sweep, *each)


def test_of_several_seeds_the_median_and_the_range_are_shown():
    frame = grid(*seeded({"losses": (4.0, 3.0)}, {"losses": (4.0, 1.0)}, {"losses": (4.0, 2.0)}))
    row = frame.iloc[0]
    assert (row["value"], row["low"], row["high"]) == (2.0, 1.0, 3.0)
    assert row["range"] == "median 2, from 1 to 3"
    assert (row["word"], row["words"]) == ("learns", "3 learns")


def test_the_median_of_five_is_the_third():
    row = grid(*seeded(*({"losses": (9.0, end)} for end in (5.0, 1.0, 4.0, 2.0, 8.0)))).iloc[0]
    assert (row["value"], row["range"]) == (4.0, "median 4, from 1 to 8")


def test_seeds_that_read_alike_are_said_to_and_no_others():
    two, nearly = {"losses": (4.0, 2.0)}, {"losses": (4.0, 2.00001)}
    assert grid(*seeded(two, nearly, two))["range"].iloc[0] == "2 for all 3 seeds"
    assert grid(*seeded({"losses": (4.0, 1.0)}, nearly, two))["range"].iloc[0] == "median 2, from 1 to 2"


def test_one_diverged_seed_of_three_leaves_the_median_and_is_marked():
    gone = {"word": "diverged", "losses": (4.0, math.inf)}
    row = grid(*seeded({"losses": (4.0, 1.0)}, gone, {"losses": (4.0, 2.0)})).iloc[0]
    assert (row["state"], row["value"], row["sign"]) == ("value", 2.0, "✖")
    assert row["range"] == "median 2, from 1 to inf"
    assert row["words"] == "2 learns, 1 diverged"


def test_two_of_three_make_it_diverged():
    gone = {"word": "diverged", "losses": (4.0, math.nan)}
    row = grid(*seeded({"losses": (4.0, 1.0)}, gone, gone)).iloc[0]
    assert (row["state"], row["sign"]) == ("diverged", "✖")
    assert math.isnan(row["value"])
    assert row["words"] == "2 diverged, 1 learns"


def test_a_cell_waits_for_all_of_its_seeds():
    assert grid(*seeded({}, None, {})).iloc[0]["state"] == "waiting"


def test_steps_to_a_loss():
    found = briefs(SWEEP, {"losses": (4.0, 2.0, 1.0)}, {"losses": (4.0, 3.0)}, {"losses": (0.5, 3.0)}, {})
    frame = grid(SWEEP, found, "reached", 2.0)
    assert frame["state"].tolist() == ["value", "never", "value", "value"]
    assert frame["value"].tolist()[0] == 2.0 and frame["value"].tolist()[2:] == [0.0, 4.0]
    assert frame["range"].tolist()[:2] == ["step 2", "never"]
    some = grid(
        *seeded({"losses": (4.0, 1.0)}, {"losses": (4.0, 3.0)}, {"losses": (1.0, 1.0)}), "reached", 2.0
    )
    assert some["range"].iloc[0] == "median step 4, from step 0 to never"


def test_a_diverged_run_keeps_its_accuracy_and_its_mark():
    gone = {"word": "diverged", "losses": (4.0, math.nan), "train_accuracy": 0.5}
    right = {"train_accuracy": 0.9}
    frame = grid(SWEEP, briefs(SWEEP, right, gone, right, right), "accuracy")
    assert frame["state"].tolist() == ["value"] * 4
    assert frame["value"].tolist() == [0.9, 0.5, 0.9, 0.9]
    assert frame["sign"].tolist() == ["", "✖", "", ""]
    assert frame["range"].iloc[1] == "50.0%"


def test_verdicts_as_letters():
    each = [{"word": word} for word in ("learns", "slow", "diverged", "stuck")]
    frame = grid(SWEEP, briefs(SWEEP, *each), "verdict")
    assert frame["sign"].tolist() == ["L", "S", "✖", "T"]
    assert set(LETTERS) == set(WORDS)
    signs = [*LETTERS.values(), *(sign for sign, _ in STATES.values() if sign)]
    assert len(set(signs)) == len(signs) - 2  # diverged and raised have one sign each, wherever they stand


def test_the_best_cell_is_the_lowest_loss_and_the_highest_accuracy():
    found = briefs(
        SWEEP, {"train_accuracy": 0.7}, {"losses": (4.0, 0.5), "train_accuracy": 0.9},
        {"losses": (4.0, math.nan), "word": "diverged", "train_accuracy": 0.8}, None,
    )  # fmt: skip
    assert best(grid(SWEEP, found), "loss") == 1
    assert best(grid(SWEEP, found, "accuracy"), "accuracy") == 1
    assert best(grid(SWEEP, {}), "loss") is None
    assert best(grid(SWEEP, found, "verdict"), "verdict") is None


def test_the_table_has_a_row_per_run_that_is_there():
    sweep, found = seeded({}, {"losses": (4.0, math.nan), "word": "diverged"}, {})
    table = run_table(sweep, found)
    assert table["Seed"].tolist() == [0, 1, 2]
    assert table["Verdict"].tolist() == ["learns", "diverged", "learns"]
    assert table["Last training loss"].tolist()[0] == 1.0 and math.isnan(table["Last training loss"][1])
    assert len(run_table(sweep, {})) == 0


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (LINEAR, ["loss", "reached", "verdict"]),  # four rows, nothing held out, no classes
        (Config(dataset="diabetes"), ["loss", "val_loss", "reached", "verdict"]),
        (Config(val_share=0.0), ["loss", "accuracy", "reached", "verdict"]),
        (Config(), list(MEASURES)),
    ],
)
def test_only_measures_that_have_a_number_are_offered(config, names):
    assert offered(config) == names


def test_every_measure_is_of_a_kind_that_is_shown():
    assert {how.kind for how in MEASURES.values()} == {LOSS, SHARE, STEP, WORD}
