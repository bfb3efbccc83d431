"""The page Sweep through app.py, without a browser: axes, map, cell, stop, links."""

import re
from collections import OrderedDict
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from urllib.parse import parse_qs

import numpy as np
import pytest

from core import Config, budget
from core.compare.comparison import read
from core.config import KNOBS
from core.jobs import cluster, jobs
from core.run_summary import Brief
from core.stacked.blocks import Training
from core.sweep.axes import usual
from core.sweep.sweep import MAX_RUNS
from pages._ui.shared import job_runs, progress
from pages._ui.shared.cache import SMALL_BYTES, Cache, cache
from pages._ui.shared.locks import SLOT
from pages._ui.shared.progress import Progress
from pages._ui.sweep.training import _Filling
from tests.helpers.app import address, baseline, charts, press, sound, texts, widget
from tests.helpers.app import opened as open_page

SMALL = {"dataset": "deliveries", "model": "linear", "start": "0", "steps": "30", "x": "lr~0.01~0.05~0.2"}


opened = partial(open_page, "sweep")


def cells(app):
    """The rows of the map that are cells."""
    frame = charts(app)[0][1]
    return frame.loc[frame["limit"].isna()]


def choose(app, key, value):
    return sound(widget(app, key).set_value(value).run())


def test_the_deliveries_diverge_right_of_the_lines_of_the_theory():
    app = opened(**SMALL)
    assert app.title[0].value == "Sweep"
    assert "3 × 2 = **6 runs** of 30 steps" in texts(app)
    frame = cells(app)
    # 2 / λ = 0.1198 for the usual loop, 4 / λ = 0.2395 without zero_grad; 30 steps are enough to see it.
    assert frame["state"].tolist() == ["value", "value", "diverged", "value", "value", "value"]
    lines = charts(app)[0][1]["limit"].dropna()
    assert lines.round(4).tolist() == [0.1198, 0.2395]
    assert "0.1198 (Usual loop), 0.2395 (No zero_grad), from λ = 16.7" in texts(app)
    assert not app.warning and not app.error and not app.info


def test_three_runs_are_held_against_the_plain_loop():
    """In double: in float32 a loss near its minimum has few digits that every processor agrees on."""
    said = rechecked(opened(**SMALL, dtype="float64"))
    found = re.search(r"all 93 losses are the same|at most ([\de.-]+) of their size", said)
    assert found and float(found[1] or 0) < 1e-9


def rechecked(app):
    return next((c.value for c in app.main.caption if "trained again" in c.value), "")


def test_the_same_bits_are_said_only_of_the_losses_on_the_map(monkeypatch):
    """What was found of a run holds until it is trained again, elsewhere or beside others."""
    monkeypatch.setattr(cache(), "_kept", OrderedDict())
    with monkeypatch.context() as alone:  # in blocks of one config, which have no shape: by the plain loop
        alone.setattr("core.stacked.blocks.shape", lambda config: None)
        assert "all 93 losses are the same, to the last bit" in rechecked(opened(**SMALL))
    kept = cache()._kept
    for key, one in kept.items():
        if key[0] is Brief:
            kept[key] = replace(one, losses=one.losses * np.float32(1.5))
    assert "differ by at most 33% of their size" in rechecked(opened(**SMALL))


def test_a_run_that_is_not_trained_again_to_its_end_is_not_held_against_anything(monkeypatch):
    monkeypatch.setattr(cache(), "_kept", OrderedDict())
    opened(**SMALL | {"steps": "1501", "x": "lr~0.01", "y": "loop~ZFLBS"})
    kept = cache()._kept
    for key in [key for key in kept if key[0].__name__ == "Alone"]:
        del kept[key]
    monkeypatch.setattr(budget, "TIME_LIMIT_S", 0.0)
    assert rechecked(opened(**SMALL | {"steps": "1501", "x": "lr~0.01", "y": "loop~ZFLBS"})) == ""


def test_the_lowest_loss_is_chosen_first_and_another_cell_by_the_lists():
    app = opened(**SMALL)
    frame = cells(app)
    assert frame.loc[frame["chosen"] == 1, ["x", "y"]].values.tolist() == [["0.05", "Usual loop"]]
    assert address(app).get("cell") is None
    choose(app, "cell_x", 2)
    frame = cells(app)
    assert frame.loc[frame["chosen"] == 1, ["x", "y"]].values.tolist() == [["0.2", "Usual loop"]]
    assert "Diverged" in texts(app)
    assert address(app).get("cell") == "0.2~ZFLBS"
    again = opened(**{name: app.query_params[name] for name in app.query_params})
    assert cells(again)["chosen"].tolist() == frame["chosen"].tolist()


def test_curves_are_those_of_the_row_or_the_column():
    app = opened(**SMALL, cell="0.2~FLBS")
    assert charts(app)[1][1]["name"].unique().tolist() == ["0.01", "0.05", "0.2"]
    assert "Loop: No zero_grad." in texts(app)
    choose(app, "sweep_along", "column")
    assert charts(app)[1][1]["name"].unique().tolist() == ["Usual loop", "No zero_grad"]
    assert "Learning rate: 0.2." in texts(app)
    assert address(app).get("along") == "column"


def test_every_measure_is_shown_and_linked():
    app = opened(steps="20", x="lr~0.1~1")
    for measure in ("val_loss", "accuracy", "val_accuracy", "reached", "verdict"):
        choose(app, "sweep_measure", measure)
        assert address(app).get("measure") == measure
        assert (cells(app)["state"] != "").all()
    assert set(cells(app)["sign"]) <= set("LSBOT")
    choose(app, "sweep_measure", "reached")
    choose(app, "sweep_goal_of", 0.68)
    assert address(app).get("goal") == "0.68"
    assert cells(app)["state"].eq("value").any()


def test_axes_are_chosen_and_change_places():
    app = opened(steps="5", x="lr~0.1~1")
    choose(app, "axis_y", "loss")
    assert cells(app)["y"].nunique() == len(usual("loss", Config()).values)
    assert address(app).get("y") == "loss"
    choose(app, "axis_x", "loss")
    assert (address(app).get("x"), address(app).get("y")) == ("loss", "lr~0.1~1.0")


def test_an_axis_that_changes_nothing_is_not_offered():
    more = {"max_norm", "accumulate", "scheduler", "dropout"}
    titles = {KNOBS[name].label: name for name in more}

    def offered(**params):
        options = widget(opened(steps="5", x="lr~0.1~1", **params), "axis_y").options
        return {titles[option] for option in options if option in titles}

    assert offered() == set()
    assert offered(loop="zFLDcsr") == {"max_norm", "accumulate", "scheduler"}
    assert offered(model="mlp_dropout") == {"dropout"}


def test_a_sweep_of_clips_trains_and_says_what_each_did():
    app = opened(steps="5", loop="ZFLBCS", x="max_norm~0.1~10", y="loop")
    assert cells(app)["y"].unique().tolist() == ["Clip by norm", "No zero_grad, clip by norm"]
    assert cells(app)["state"].eq("value").all() and cells(app)["value"].nunique() == 4


def test_values_are_chosen_typed_and_spread():
    app = opened(steps="5", x="lr~0.1~1", y="batch_size~8")
    choose(app, "texts_y", "0, 16")
    assert cells(app)["y"].unique().tolist() == ["all rows", "16"]
    choose(app, "texts_y", "0, many")
    assert "batch_size must be a whole number" in app.warning[0].value
    assert cells(app)["y"].nunique() == 2
    choose(app, "axis_y", "loop")
    choose(app, "values_y", ["FLBS", "FLSZB"])
    assert cells(app)["y"].unique().tolist() == ["No zero_grad", "Order F L S Z B"]
    choose(app, "high_x", 10.0)
    assert cells(app)["x"].unique().tolist() == ["0.1", "10"]
    choose(app, "count_x", 3)
    assert cells(app)["x"].unique().tolist() == ["0.1", "1", "10"]
    choose(app, "low_x", 50.0)
    assert "lr must start above 0 and rise" in app.warning[0].value


def test_several_seeds_have_a_median_and_a_range():
    app = opened(steps="5", x="lr~0.1~1")
    choose(app, "sweep_seeds", 3)
    assert "2 × 2 × 3 seeds = **12 runs**" in texts(app)
    assert cells(app)["range"].str.startswith("median ").all()
    assert "Verdicts of its 3 seeds" in texts(app)
    choose(app, "axis_y", "seed")
    assert address(app).get("seeds") is None  # the seed varies once only
    assert widget(app, "sweep_seeds").disabled


def test_a_cell_opens_in_compare_and_in_watch_and_as_a_script():
    app = opened(**SMALL, cell="0.2~ZFLBS")
    links = {link.proto.label: link.proto for link in app.get("page_link")}
    comparison, notes = read(parse_qs(links["Compare with the baseline"].query_string))
    chosen = Config(dataset="deliveries", model="linear", start=(0.0,), steps=30, lr=0.2)
    assert notes == [] and comparison.baseline == chosen
    assert [v.config(chosen)[0].lr for v in comparison.variants] == [0.5]
    watched = parse_qs(links["Watch it"].query_string)
    assert watched.pop("at") == ["0.0"]
    assert Config.from_params({name: values[0] for name, values in watched.items()}) == chosen
    assert app.get("download_button")[0].proto.label == "Script"


def test_the_range_test_is_one_run_whose_rate_grows():
    app = opened(**SMALL)
    frame = charts(app)[2][1]
    assert (frame["rate"].iloc[0], frame["rate"].iloc[-1]) == (0.01, 0.2)
    assert "Lowest mean loss at" in texts(app) and "✖ is not finite" not in texts(app)
    app = opened(**SMALL | {"x": "lr~0.1~100"})
    assert charts(app)[2][1]["loss"].isna().any() and "✖ is not finite" in texts(app)


def test_too_many_runs_are_refused_before_they_start():
    app = opened(steps="5", x="lr~0.001..1..64", y="batch_size~0~1~2", seeds="3")
    assert f"at most {MAX_RUNS} runs; these are 576" in app.error[0].value
    assert not app.get("vega_lite_chart")
    app = opened(dataset="digits", hidden="256-256", steps="5000", x="lr~0.1~1")
    assert "Training must take at most 30 s" in app.error[0].value


def test_cells_that_do_not_fit_are_marked_and_not_left_blank():
    app = opened(steps="5", x="momentum~0~0.9", y="optimizer~sgd~nesterov", cell="0.0~nesterov")
    frame = cells(app)
    assert frame["state"].tolist().count("refused") == 1
    assert "momentum must be above 0 for nesterov" in texts(app)
    assert "∅** no run: the two choices do not go together" in texts(app)


def test_stopped_keeps_what_is_there_and_goes_on_from_there(monkeypatch):
    begun: list[object] = []
    monkeypatch.setattr(jobs, "Training", lambda *of: begun.append(of) or Training(*of))
    monkeypatch.setattr(budget, "TIME_LIMIT_S", 0.0)
    app = opened(**SMALL | {"steps": "1501", "x": "lr~0.01~0.02", "y": "loop~FLSZB"})  # by the plain loop
    assert re.search(r"The limit of 0 s of training is reached: \d of 2 runs are done", app.info[0].value)
    frame = cells(app)
    assert frame["state"].isin(["stopped", "waiting", "value"]).all() and frame["state"].ne("value").any()
    before = frame["state"].eq("value").sum()
    monkeypatch.setattr(budget, "TIME_LIMIT_S", 60.0)
    press(app, "Go on")
    assert not app.info
    assert cells(app)["state"].eq("value").all() and before < 2
    assert len(begun) == 2  # each run once


def test_finished_runs_are_there_at_once_for_the_next_visitor(monkeypatch):
    opened(**SMALL)
    monkeypatch.setattr(jobs, "Training", None)  # nothing is trained again
    assert cells(opened(**SMALL))["state"].ne("waiting").all()


def test_a_scheduler_that_is_not_there_gets_one_sentence_and_it_runs_here(monkeypatch):
    pytest.importorskip("distributed", reason="distributed is not installed (requirements-dask.txt)")
    monkeypatch.setattr(cluster, "CONNECT_S", 0.2)
    monkeypatch.setattr(job_runs, "CONNECTION", cluster.Connection())
    monkeypatch.setenv(cluster.VARIABLE, "tcp://127.0.0.1:1")
    app = opened(**SMALL | {"steps": "29"})
    said = "The scheduler that LOOPLAB_SCHEDULER names does not answer: this runs here."
    assert [info.value for info in app.info] == [said]
    assert cells(app)["state"].ne("waiting").all()


def test_what_the_cluster_leaves_is_said_at_once_and_has_a_pace_of_its_own(monkeypatch):
    told, now, configs = [], Progress(None), [Config(steps=steps) for steps in (10, 20)]
    monkeypatch.setattr(progress, "tell_where", lambda place, now: told.append(now.where))
    filling = _Filling("cpu", now, None, None, None, {}, configs, cache())
    filling.look(5)
    assert told == []
    filling.found[configs[0]], now.where = None, "Gone: this runs here."
    filling.look(5)
    filling.look(10)
    assert told == ["Gone: this runs here."]
    assert filling._progress(10, 3.0) == (0.5, "1 of 2 runs, about 3 s left")


def test_a_sweep_that_takes_long_is_drawn_at_once_so_that_no_map_of_another_stays():
    drawn, configs = [], [Config(steps=10)]
    filling = _Filling(
        "cpu", Progress(None), None, None, lambda found: drawn.append(len(found)), {}, configs, 0
    )
    filling.bar, filling.begun = SimpleNamespace(progress=lambda share, text: None), 0.0
    for _ in range(3):
        filling.look(1)
    assert drawn == [0]  # and again once there are more runs


HOSTILE = [
    {"x": "lr~nan"},
    {"x": "<script>alert(1)</script>", "y": "![x](http://x)"},
    {"x": "loss", "y": "loss"},
    {"seeds": "1e9"},
    {"measure": "<b>", "along": "diagonal", "goal": "nan", "cell": "~~~"},
    {"x": "lr~" + "~".join(["1"] * 5000)},
    {"y": "loop~0FLBS~QQ"},
    {"foo": "1"},
]


@pytest.mark.parametrize("params", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_link_opens_a_valid_sweep_and_says_what_was_ignored(params):
    app = opened(**{"steps": "2", "x": "lr~0.1~1"} | params)
    assert app.warning
    for said in app.warning:
        assert said.value.startswith("Ignored in this link: ") and len(said.value) < 600
        assert not set("<>`[]") & set(said.value)
    assert len(cells(app)) >= 2


def test_the_other_pages_take_the_baseline_and_leave_the_axes():
    app = opened(**SMALL)
    app.query_params.clear()
    app.switch_page("pages/compare.py")
    sound(app.run())
    assert app.session_state.comparison.baseline.dataset == "deliveries"
    app.query_params.clear()
    app.switch_page("pages/sweep.py")
    sound(app.run())
    assert cells(app)["x"].unique().tolist() == ["0.01", "0.05", "0.2"]


def test_the_cache_counts_what_it_keeps_and_drops_the_oldest(monkeypatch):
    kept = Cache()
    monkeypatch.setattr("pages._ui.shared.cache.CACHED_BYTES", 3 * (SMALL_BYTES + 4000))
    losses = np.zeros(1000, dtype=np.float32)
    each = [Brief(Config(seed=i), 1, np.zeros(0, np.int16), losses, {}, "", "") for i in range(4)]
    for brief in each:
        kept.put(brief.config, "cpu", brief)
    assert kept.get(Brief, each[0].config, "cpu") is None
    assert all(kept.get(Brief, brief.config, "cpu") is brief for brief in each[1:])
    assert kept.get(str, each[1].config, "cpu") is None and kept.get(Brief, each[1].config, "cuda:0") is None


def test_nobody_waits_for_the_right_to_train_after_a_sweep():
    opened(**SMALL)
    assert not SLOT.taken


def test_the_steps_that_fit_are_offered_and_taken(monkeypatch):
    monkeypatch.setattr(budget, "MAX_WORK_S", 12)
    monkeypatch.setattr(
        budget, "expected_s", lambda group, machine: len(group) * group[0].steps
    )  # three runs
    app = opened(**SMALL | {"y": "seed~0"})
    assert app.error[0].value.endswith("With 4 steps it fits.")
    press(app, "Take 4 steps")
    assert not app.error and baseline(app).steps == 4


def test_a_sweep_begins_once_the_browser_has_told_how_wide_its_map_is():
    """All that comes after it would be made twice. Who never answers is not waited for."""
    app = opened(**SMALL)
    app.session_state["answers"] = True
    app.session_state["rooms"] = {}
    assert not charts(sound(app.run())) and not app.dataframe
    app.session_state["rooms"] = {"sweep_width": 1000}
    assert len(charts(sound(app.run()))) == 3 and app.dataframe
