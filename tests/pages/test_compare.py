"""The Compare page through app.py, control by control, without a browser."""

import re
from functools import partial

import pandas as pd
import pytest

from core import Config, budget
from core.compare.comparison import FIRST, Comparison, Variant, kept
from core.config import KNOBS
from core.lines import letters
from pages._ui.shared.badges import dot
from tests.helpers.app import baseline, charts, sound, widget
from tests.helpers.app import opened as open_page

opened = partial(open_page, "compare")


def _markdown(app):
    return [element.value for element in app.main.markdown]


def _runs(app) -> int:
    return len(app.session_state.comparison.variants) + 1


def names(app):
    """What the cards are called, in their order; other panels name the runs again below."""
    titles = [text.split("**")[1] for text in _markdown(app) if re.match(r":color\[●\]\S+ \*\*", text)]
    return titles[: _runs(app)]


def words(app):
    """The verdict on each card."""
    badges = [text for text in _markdown(app) if "-badge[:material/" in text]
    return [badge.split(": ")[1].rstrip("]") for badge in badges][: _runs(app)]


def losses(app):
    """The last loss on each card."""
    shown = [re.match(r"\*\*(\S+)\*\* :small\[:gray\[loss\]\]", text) for text in _markdown(app)]
    return [found[1] for found in shown if found]


def curves(app) -> tuple[dict, pd.DataFrame]:
    """Spec and data of the linked curves."""
    return next((spec, data) for spec, data in charts(app) if "hconcat" in spec or "vconcat" in spec)


@pytest.fixture(scope="module")
def first():
    return opened()


def test_a_first_visitor_sees_a_finished_comparison(first):
    assert first.title[0].value == "Compare runs"
    assert names(first) == ["Baseline", "Learning rate × 100", "No zero_grad"]
    assert words(first) == ["Learns", "Diverged", "Oscillates"]
    assert not first.warning and not first.error and not first.info
    assert not first.query_params  # the address of the first comparison is clean


def test_the_cards_show_the_last_loss_of_each_run(first):
    from core import Run
    from core.result import loss_path, result
    from core.words import number

    configs = [Config(), *(v.config(Config())[0] for v in FIRST.variants)]
    last = [number(loss_path(result(Run(c).advance()))["loss"].iloc[-1]) for c in configs]
    assert losses(first) == last


def test_the_linked_curves_hold_every_run_and_listen_in_both_panels(first):
    spec, frame = curves(first)
    assert {"l0", "l1", "l2", "g0", "g1", "g2", "step", "pinned"} <= set(frame.columns)
    assert {p["name"] for p in spec["params"]} == {"hover", "pin", "zoom"}
    assert frame["l0"].notna().sum() == Config().steps


@pytest.mark.parametrize("field", [f for f in KNOBS if f not in ("hidden", "loop", "lr", "loss")])
def test_every_field_has_a_control_that_changes_the_baseline(field):
    """Controls that depend on others are opened by a link; the steps are few, to be quick."""
    opening = {
        "momentum": {"optimizer": "sgd"},
        "noise": {"dataset": "moons"},
        "max_norm": {"loop": "ZFLBCS"},
        "clip_value": {"loop": "ZFLBVS"},
        "accumulate": {"loop": "zFLbs"},
        "scheduler": {"loop": "ZFLBSR"},
        "gamma": {"loop": "ZFLBSR", "scheduler": "step"},
    }.get(field, {})
    app = opened(steps="5", run="none", **opening)
    new = {
        "dataset": "iris",
        "model": "linear",
        "activation": "tanh",
        "optimizer": "adam",
        "dtype": "float64",
        "start": "0.5",
        "schedule": "3_0.1",
        "before": ["dead_relu"],
        "noise": 0.1,
        "val_share": 0.4,
        "momentum": 0.5,
        "weight_decay": 0.01,
        "batch_size": 16,
        "steps": 7,
        "seed": 3,
        "max_norm": 0.5,
        "clip_value": 0.5,
        "accumulate": 3,
        "scheduler": "one_cycle",
        "gamma": 0.5,
    }[field]
    widget(app, field).set_value(new)
    sound(app.run())
    assert getattr(baseline(app), field) == {
        "start": (0.5,),
        "schedule": ((3, 0.1),),
        "before": ("dead_relu",),
    }.get(field, new)
    assert app.query_params.get(field) == {"before": "dead_relu"}.get(field, str(new))


def test_more_lines_are_put_in_and_taken_out_by_switches():
    app = opened(steps="5", run="none")
    sound(widget(app, "practices").set_value(["clip", "accumulate"]).run())
    assert letters(baseline(app).loop) == "zFLbCs" and app.query_params["loop"] == "zFLbCs"
    assert widget(app, "max_norm").value == 1.0 and widget(app, "accumulate").value == 4
    assert any("every 4 passes" in one.value for one in app.caption)
    sound(widget(app, "line_clip").set_value(False).run())
    assert widget(app, "practices").value == ["accumulate"]
    sound(widget(app, "practices").set_value([]).run())
    assert baseline(app) == Config(steps=5)


def test_the_learning_rate_has_a_slider_and_an_exact_field():
    app = opened(steps="5", run="none")
    sound(widget(app, "lr").set_value(0.1).run())
    assert baseline(app).lr == 0.1
    sound(widget(app, "exact_lr").set_value("0.123").run())
    assert baseline(app).lr == 0.123
    assert widget(app, "lr").value == 0.123
    assert widget(app, "exact_lr").value == ""  # one widget shows the rate


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1e9", "", "<b>", "٣"])
def test_a_bad_learning_rate_gets_a_sentence_and_loses_nothing(text):
    app = opened(steps="5", run="none", lr="0.2")
    sound(widget(app, "exact_lr").set_value(text).run())
    assert baseline(app) == Config(steps=5, lr=0.2)
    if text:  # an empty field is no choice at all
        assert "from 0 to 100" in app.warning[0].value and "<" not in app.warning[0].value


def test_losses_that_do_not_fit_are_not_offered():
    app = opened(dataset="diabetes", steps="5", run="none")
    assert widget(app, "loss").options == ["MSE", "L1", "Huber", "Smooth L1"]


def test_another_data_set_takes_its_usual_loss():
    app = opened(steps="5", run="none")
    sound(widget(app, "dataset").set_value("digits").run())
    assert baseline(app).loss == "cross_entropy"
    sound(widget(app, "dataset").set_value("diabetes").run())
    assert baseline(app).loss == "mse"


def test_a_chosen_loss_stays_while_it_fits_and_gives_way_with_a_sentence():
    app = opened(loss="cross_entropy", steps="5", run="none")
    sound(widget(app, "dataset").set_value("iris").run())
    assert baseline(app).loss == "cross_entropy" and not app.warning
    app = opened(loss="cross_entropy", steps="5", run="none")
    sound(widget(app, "dataset").set_value("sine").run())
    assert baseline(app).loss == "mse"
    assert "mse is taken" in app.warning[0].value


def test_the_switch_leaves_zero_grad_out_and_takes_it_in():
    app = opened(steps="5", run="none")
    sound(widget(app, "line_zero_grad").set_value(False).run())
    assert baseline(app).loop == ("forward", "loss", "backward", "step")
    sound(widget(app, "line_zero_grad").set_value(True).run())
    assert baseline(app) == Config(steps=5)


@pytest.mark.parametrize("loop, name, expected", [
    ("ZFLBS", "loss", "ZFBS"), ("FBS", "loss", "FLBS"), ("FLSB", "zero_grad", "ZFLSB"),
    ("BS", "forward", "FBS"), ("none", "step", "S"), ("ZF.loss_squeezed.BS", "loss_squeezed", "ZFBS"),
    ("ZF.loss_squeezed.BS", "step", "ZF.loss_squeezed.B"),
])  # fmt: skip
def test_a_switch_puts_its_line_before_those_that_come_later(loop, name, expected):
    app = opened(dataset="deliveries", model="linear", lr="0.01", steps="3", run="none", loop=loop)
    switch = widget(app, f"line_{name}")
    sound(switch.set_value(not switch.value).run())
    assert KNOBS["loop"].text(baseline(app).loop) == expected


def test_what_runs_change_is_marked_at_its_control():
    app = opened(steps="3", run=["lr~x2", "loop~FLBS", "optimizer~adam"])
    assert dot(1) in widget(app, "lr").label and dot(2) not in widget(app, "lr").label
    assert dot(2) in widget(app, "line_zero_grad").label
    assert "●" not in widget(app, "line_step").label
    assert dot(3) in widget(app, "optimizer").label


def test_the_lines_of_the_loop_can_be_put_in_any_order():
    app = opened(steps="5", run="none")
    sound(widget(app, "loop").set_value("ZBFLS").run())
    assert baseline(app).loop == ("zero_grad", "backward", "forward", "loss", "step")
    assert words(app) == ["Raised"]
    assert any("NameError: name 'loss' is not defined" in code.value for code in app.code)


def test_hidden_sizes_are_text_and_bad_text_gets_a_sentence():
    app = opened(steps="5", run="none")
    sound(widget(app, "hidden").set_value("8-4").run())
    assert baseline(app).hidden == (8, 4)
    sound(widget(app, "hidden").set_value("8-9999").run())
    assert baseline(app).hidden == (8, 4)
    assert "1 to 3 layers of 1 to 256 units" in app.warning[0].value


def test_runs_are_added_and_taken_away_with_one_click():
    app = opened(steps="5")
    runs = widget(app, "runs")
    sound(runs.set_value([*runs.value, "optimizer~adam"]).run())
    assert names(app) == ["Baseline", "Learning rate × 100", "No zero_grad", "Adam"]
    sound(widget(app, "runs").set_value(["optimizer~adam"]).run())
    assert names(app) == ["Baseline", "Adam"]
    assert app.query_params["run"] == ["-", "-", "optimizer~adam"]  # it keeps its color
    sound(widget(app, "runs").set_value([]).run())
    assert names(app) == ["Baseline"] and app.query_params["run"] == "none"


def test_more_than_six_runs_are_refused_with_a_sentence():
    app = opened(steps="2")
    wanted = ["lr~x5", "lr~x100", "loop~FLBS", "loss~mse", "optimizer~adam", "seed~1"]
    sound(widget(app, "runs").set_value(wanted).run())
    assert len(names(app)) == budget.MAX_RUNS
    assert "at most 6" in app.warning[0].value


def test_keep_holds_the_baseline_while_the_controls_move_on():
    app = opened(steps="5", run="none", lr="0.2")
    next(b for b in app.button if b.label == "Keep").click()
    sound(app.run())
    sound(widget(app, "exact_lr").set_value("0.4").run())
    assert [v.config(baseline(app))[0].lr for v in app.session_state.comparison.variants] == [0.2]
    assert names(app) == ["Baseline", "Kept: Learning rate 0.2"]


def test_any_field_can_be_changed_to_any_value():
    app = opened(steps="5", run="none")
    sound(widget(app, "any_field").set_value("seed").run())
    widget(app, "any_value").set_value("41")
    next(b for b in app.button if b.label == "Add this run").click()
    sound(app.run())
    assert names(app) == ["Baseline", "Seed 41"]


def test_an_impossible_change_is_refused_with_its_limit():
    app = opened(steps="5", run="none")
    sound(widget(app, "any_field").set_value("lr").run())
    widget(app, "any_value").set_value("1e30")
    next(b for b in app.button if b.label == "Add this run").click()
    sound(app.run())
    assert names(app) == ["Baseline"]
    assert "lr must be a number from 0 to 100" in app.warning[0].value


def test_a_link_restores_the_whole_comparison():
    config = Config(dataset="sine", lr=0.05, steps=20, hidden=(8,), seed=4)
    variants = (Variant((("lr", "x0.1"),)), Variant((("loop", "FLBSZ"),)), kept(Config(steps=10)))
    app = opened(**Comparison(config, variants).to_params())
    assert app.session_state.comparison == Comparison(config, variants)
    assert not app.warning


HOSTILE = [
    {"lr": "nan"},
    {"steps": "999999999999"},
    {"dataset": "../../etc/passwd", "loss": "Module", "optimizer": "LBFGS", "dtype": "meta"},
    {"hidden": "16-" * 1000},
    {"loop": "ZZZZ", "seed": "-1", "noise": "inf"},
    {"run": ["lr~x20"] * 900},
    {"run": ["<script>alert(1)</script>", "lr~nan", "~~~~", "keep~![x](http://x)~1"]},
    {"foo": "<b>bar</b>", "__proto__": "1", "constructor": "x"},
    {"lr": [""] * 900},
    {"dataset": "diabetes", "loss": "cross_entropy", "model": "lenet"},
]


@pytest.mark.parametrize("params", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_link_opens_valid_choices_and_says_what_was_ignored(params):
    app = opened(**{"steps": "5", **params})
    assert len(app.warning) == 1
    assert app.warning[0].value.startswith("Ignored in this link: ")
    assert len(app.warning[0].value) < 600
    assert not set("<>`[]") & set(app.warning[0].value)
    assert words(app)


def test_too_much_work_is_refused_before_it_starts():
    app = opened(dataset="digits", hidden="256-256-256", steps="5000", run="none")
    assert not app.exception
    assert f"{budget.MAX_WORK:,}" in app.error[0].value
    assert not losses(app)


def test_every_data_set_is_shown_with_its_picture():
    for dataset in ("deliveries", "sine", "xor", "diabetes", "iris", "digits"):
        app = opened(dataset=dataset, steps="5", run="none", lr="0.01")
        assert len(app.get("vega_lite_chart")) == 2  # curves, fit
        assert len(names(app)) == 1


def test_a_diverged_run_is_marked_and_its_curve_ends_in_a_gap():
    app = opened(dataset="deliveries", model="linear", lr="1.0", steps="60", run="none")
    assert words(app) == ["Diverged"]
    _, frame = curves(app)
    assert frame["m0"].sum() == 1
    assert frame["l0"].dropna().between(0, 1e39, inclusive="neither").all()


def test_the_panel_shows_any_quantity_of_any_parameter_on_either_scale():
    app = opened(steps="5", run="none")
    sound(widget(app, "view_show").set_value("fresh_norm").run())
    sound(widget(app, "view_of").set_value("2.weight").run())
    sound(widget(app, "view_scale").set_value("linear").run())
    sound(widget(app, "view_curve").set_value("val_loss").run())
    spec, frame = curves(app)
    panel = spec.get("hconcat", spec.get("vconcat"))[1]
    assert panel["title"]["text"] == "Gradient norm, fresh (2.weight)"
    assert panel["layer"][0]["encoding"]["y"]["scale"]["type"] == "linear"
    assert frame["g0"].notna().any()
    chosen = {"show": "fresh_norm", "of": "2.weight", "scale": "linear", "curve": "val_loss"}
    assert dict(app.query_params) == {"steps": "5", "run": "none"} | chosen
    again = opened(**app.query_params)
    assert curves(again)[0] == spec and not again.warning


def test_pin_zoom_fit_and_hidden_runs_come_from_the_link_and_stay_in_it():
    looked = {"steps": "40", "pin": "7", "zoom": "5..25", "fit": "20", "hide": "1"}
    app = opened(**looked)
    _, frame = curves(app)
    assert frame["step"].between(5, 25).all() and frame.loc[frame["pinned"] == 1, "step"].tolist() == [7]
    assert {name for name in frame.columns if re.fullmatch(r"l\d", name)} == {"l0", "l2"}
    assert widget(app, "fit_step").value == 20
    assert names(app) == ["Baseline", "Learning rate × 100", "No zero_grad"]
    assert dict(app.query_params) == looked and not app.warning
    app.button(key="hide_1").click()
    sound(app.run())
    assert {"l0", "l1", "l2"} <= set(curves(app)[1].columns) and "hide" not in app.query_params


@pytest.mark.parametrize("field, text", [
    ("pin", "-1"), ("pin", "99999"), ("pin", "1e3"), ("zoom", "9..9"), ("zoom", "a..b"), ("zoom", "5"),
    ("fit", "x"), ("hide", "9"), ("hide", ""), ("hide", "1.2.3.4.5.0.1"), ("curve", "loss2"),
    ("show", "norm"), ("scale", "LOG"), ("of", "<b>"), ("of", "w" * 500),
])  # fmt: skip
def test_what_cannot_be_looked_at_is_said_and_the_default_stands(field, text):
    app = opened(steps="5", **{field: text})
    assert f"{field}, which cannot be" in app.warning[0].value
    assert field not in app.query_params and len(names(app)) == 3


def test_a_run_keeps_its_color_when_another_is_removed_and_some_run_is_always_drawn():
    app = opened(steps="5")
    app.button(key="remove_1").click()
    sound(app.run())
    assert names(app) == ["Baseline", "No zero_grad"]
    assert any(text.startswith(f"{dot(2)} **No zero") for text in _markdown(app))
    assert app.query_params["run"] == ["-", "loop~FLBS"]
    app.button(key="hide_0").click()
    sound(app.run())
    assert app.button(key="hide_2").disabled


def test_the_code_of_a_run_can_be_chosen_and_shows_what_changed():
    app = opened(steps="5")
    shown = [code.value for code in app.code if "for step in range" in code.value]
    assert "# optimizer.zero_grad()  # left out" in shown[0]
    assert any("Changed against the baseline: line 8" in c.value for c in app.caption)


def test_a_run_that_exhausts_its_time_is_stopped_and_kept_and_can_go_on(monkeypatch):
    monkeypatch.setattr(budget, "TIME_LIMIT_S", 0.0)
    app = opened(dataset="digits", model="lenet", steps="3001", run="none", lr="0.1")
    assert "The limit of 0 s of training is reached" in app.info[0].value
    assert losses(app) != ["none"]
    done = app.session_state.unfinished[baseline(app), "cpu"].step
    assert 0 < done < 3001
    next(b for b in app.button if b.label == "Go on").click()
    sound(app.run())
    assert app.session_state.unfinished[baseline(app), "cpu"].step > done


def test_a_card_shows_accuracy_or_the_validation_loss_where_there_is_one():
    app = opened(dataset="deliveries", model="linear", steps="5", run="none", lr="0.01")
    (shown,) = [text for text in _markdown(app) if ":small[:gray[loss]]" in text]
    assert "val" not in shown and "right" not in shown
    app = opened(dataset="sine", steps="60", run="none", lr="50.0")
    assert words(app) == ["Diverged"]
    assert any("**nan** :small[:gray[validation]]" in text for text in _markdown(app))


def test_the_title_row_names_what_is_not_the_default():
    app = opened(steps="5", run="none", momentum="0.9", batch_size="16", model="mlp_norm", optimizer="sgd")
    (badges,) = [text for text in _markdown(app) if text.startswith(":gray-badge[Two moons]")]
    for said in ("MLP, batch norm", "SGD", "momentum 0.9", "batch size 16", "5 steps"):
        assert said in badges
    assert "weight decay" not in badges
