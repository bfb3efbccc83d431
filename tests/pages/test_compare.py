"""The Compare page through app.py, control by control, without a browser."""

import json
import re
import tomllib
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from core import Config, budget
from core.compare.comparison import FIRST, MAX_NAME, Comparison, Variant, kept
from core.config import KNOBS
from core.lines import letters
from pages._ui.compare import curves as panel
from pages._ui.shared import progress, training
from pages._ui.shared.badges import RUNS, dot
from tests.helpers.app import address, baseline, charts, press, sound, texts, widget
from tests.helpers.app import opened as open_page

opened = partial(open_page, "compare")
ROOT = Path(__file__).parents[2]
ARGUMENTS = ("optimizer_arguments", "loss_arguments")


def _markdown(app):
    return [element.value for element in app.main.markdown]


def _runs(app) -> int:
    return len(app.session_state.comparison.variants) + 1


def names(app):
    """What the cards are called, in their order; other panels name the runs again below."""
    titles = [
        text.split("**")[1] for text in _markdown(app) if re.match(r":color\[●\]\S+ (:gray\[)?\*\*", text)
    ]
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


LOOKED = ("pinned", "low", "high", "hidden")


def signals(app) -> dict:
    """What the curves were drawn with first: pin, zoom and hidden runs."""
    given = {one["name"]: one.get("value") for one in curves(app)[0]["params"]}
    return {name: given[name] for name in LOOKED}


def looked_at(app) -> dict:
    """What the browser is told that they are by now."""
    return {name: told(app)["signals"][name] for name in LOOKED}


def told(app) -> dict:
    """All that it is told of the curves."""
    found = (one.proto.json for one in app.get("bidi_component") if one.proto.component_name == "at_once")
    return json.loads(next(found))


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
    assert {"l0", "l1", "l2", "g0", "g1", "g2", "step"} <= set(frame.columns)
    assert {p["name"] for p in spec["params"] if "select" in p} == {"hover", "pin", "zoom"}
    assert frame["l0"].notna().sum() == Config().steps


ELSEWHERE = ("hidden", "loop", "lr", "loss", "own", *ARGUMENTS)  # what tests of their own choose


@pytest.mark.parametrize("field", [f for f in KNOBS if f not in ELSEWHERE])
def test_every_field_has_a_control_that_changes_the_baseline(field):
    """Controls that depend on others are opened by a link; the steps are few, to be quick."""
    opening = {
        "momentum": {"optimizer": "sgd"},
        "noise": {"dataset": "moons"},
        "max_norm": {"loop": "ZFLBCS"},
        "clip_value": {"loop": "ZFLBVS"},
        "accumulate": {"loop": "zFLDs"},
        "scheduler": {"loop": "ZFLBSR"},
        "dropout": {"model": "mlp_dropout"},
        "penalty": {"loop": "ZFLBWS"},
        "autocast": {"loop": "ZflBS"},
        "gamma": {"loop": "ZFLBSR", "scheduler": "step"},
    }.get(field, {})
    app = opened(steps="5", run="none", **opening)
    new = {
        "dataset": "iris",
        "model": "linear",
        "activation": "tanh",
        "optimizer": "adam",
        "dtype": "float64",
        "start": "he",
        "schedule": "3_0.1",
        "before": ["dead_relu"],
        "noise": 0.1,
        "val_share": 0.4,
        "momentum": 0.5,
        "weight_decay": 0.01,
        "batch_size": 16,
        "steps": 7,
        "seed": "9223372036854775807",
        "max_norm": 0.5,
        "clip_value": 0.5,
        "accumulate": 3,
        "scheduler": "one_cycle",
        "gamma": 0.5,
        "autocast": "float16",
        "dropout": 0.2,
        "penalty": 0.1,
    }[field]
    widget(app, field).set_value(new)
    sound(app.run())
    assert getattr(baseline(app), field) == {
        "start": ("he",),
        "seed": 2**63 - 1,
        "schedule": ((3, 0.1),),
        "before": ("dead_relu",),
    }.get(field, new)
    assert app.query_params.get(field) == {"before": "dead_relu"}.get(field, str(new))


def test_more_lines_are_put_in_and_taken_out_by_switches():
    app = opened(steps="5", run="none")
    sound(widget(app, "practices").set_value(["clip", "accumulate"]).run())
    assert letters(baseline(app).loop) == "zFLDcs" and app.query_params["loop"] == "zFLDcs"
    assert widget(app, "max_norm").value == 1.0 and widget(app, "accumulate").value == 4
    assert any("every 4 passes" in one.value for one in app.caption)
    sound(widget(app, "line_clip_every").set_value(False).run())
    assert widget(app, "practices").value == ["accumulate"]
    sound(widget(app, "practices").set_value([]).run())
    assert baseline(app) == Config(steps=5)
    sound(widget(app, "practices").set_value(["accumulate", "scaler"]).run())
    assert letters(baseline(app).loop) == "zFLduxg" and not app.warning


def test_a_clip_switched_on_ends_in_verdict_curve_and_link():
    """Deliveries at 0.2: the usual loop is inf, and with gradients of length 1 it ends at 0.0652."""
    app = opened(dataset="deliveries", model="linear", start="0", lr="0.2", steps="60", run="none")
    assert words(app) == ["Diverged"]
    sound(widget(app, "practices").set_value(["clip"]).run())
    assert words(app) == ["Learns"] and app.query_params["loop"] == "ZFLBCS"
    losses_now = curves(app)[1]["l0"].dropna()
    assert len(losses_now) == 60 and losses_now.iloc[-1] == pytest.approx(0.0652, abs=5e-5)
    sound(widget(app, "max_norm").set_value(0.5).run())
    assert app.query_params["max_norm"] == "0.5" and curves(app)[1]["l0"].iloc[-1] != losses_now.iloc[-1]


def test_what_an_optimizer_does_not_take_gets_a_sentence_and_trains_without():
    app = opened(steps="5", run="none", optimizer="lbfgs")
    sound(widget(app, "practices").set_value(["scaler"]).run())
    (said,) = (one.value for one in app.warning)
    assert "must have no scaler for lbfgs, since scaler.step takes no closure" in said.replace("\\", "")
    assert baseline(app) == Config(steps=5, optimizer="lbfgs")


def test_arguments_are_given_one_by_one_and_taken_back():
    app = opened(steps="5", run="none", optimizer="adam")
    widget(app, "optimizer_arguments_amsgrad").set_value(True)
    sound(app.run())
    widget(app, "optimizer_arguments_betas").set_value("(0.8, 0.9)")
    sound(app.run())
    assert baseline(app).optimizer_arguments == (("amsgrad", True), ("betas", (0.8, 0.9)))
    assert address(app)["optimizer_arguments"] == "amsgrad_1__betas_0.8_0.9"
    assert "amsgrad=True, betas=(0.8, 0.9)" in " ".join(code.value for code in app.main.code)
    widget(app, "optimizer_arguments_betas").set_value("0.9, 0.999")  # the default
    widget(app, "optimizer_arguments_amsgrad").set_value(False)
    sound(app.run())
    assert baseline(app) == Config(optimizer="adam", steps=5)


def test_an_argument_that_pytorch_refuses_is_refused_in_its_words_and_nothing_is_lost():
    app = opened(steps="5", run="none", optimizer="adam", optimizer_arguments="amsgrad_1")
    before = baseline(app)
    for typed, said in (("2, 2", "Invalid beta parameter at index 0: 2.0"), ("x", "1 to 10 numbers")):
        widget(app, "optimizer_arguments_betas").set_value(typed)
        sound(app.run())
        assert baseline(app) == before and said in app.warning[0].value


def test_arguments_of_the_loss_have_controls_too():
    app = opened(steps="5", run="none", loss="cross_entropy")
    widget(app, "loss_arguments_weight").set_value("3, 1")
    sound(app.run())
    widget(app, "loss_arguments_reduction").set_value("sum")
    sound(app.run())
    assert baseline(app).loss_arguments == (("reduction", "sum"), ("weight", (3.0, 1.0)))
    assert any("cannot be compared with each other" in one.value for one in app.main.caption)


def test_arguments_in_a_link_that_do_not_fit_are_said_and_the_rest_is_kept():
    app = opened(steps="5", run="none", optimizer="adam", optimizer_arguments="betas_0.9_1.5", seed="3")
    assert baseline(app) == Config(optimizer="adam", steps=5, seed=3)
    assert "Invalid beta parameter at index 1: 1.5" in app.warning[0].value


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
        assert "from 0 to 1000000" in app.warning[0].value and "<" not in app.warning[0].value


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
    assert "1 to 6 layers of 1 to 256 units" in app.warning[0].value


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


def test_a_run_has_a_name_of_its_own_everywhere_and_none_is_the_derived_one():
    app = opened(steps="3")
    sound(widget(app, "name_1").set_value(" Too fast ").run())
    assert names(app) == ["Baseline", "Too fast", "No zero_grad"]
    assert app.query_params["run"] == ["lr~x100~name~Too fast", "loop~FLBS"]
    assert widget(app, "runs").options[:2] == ["Too fast", "No zero_grad"]
    assert app.dataframe[0].value["run"].tolist() == ["Baseline", "Too fast", "No zero_grad"]
    assert 'Too fast"' in json.dumps(curves(app)[0])
    assert f"{dot(1)} Too fast" in widget(app, "code_of_3").options
    again = opened(**app.query_params)
    assert names(again) == names(app) and not again.warning
    sound(widget(again, "name_1").set_value("").run())
    assert names(again) == ["Baseline", "Learning rate × 100", "No zero_grad"]
    assert "run" not in again.query_params


def test_a_name_that_is_too_long_is_refused_with_a_sentence_and_loses_nothing():
    app = opened(steps="3", run="lr~x2~name~Mine")
    sound(widget(app, "name_1").set_value("W" * (MAX_NAME + 1)).run())
    assert app.warning[0].value == "name must be at most 40 characters; got 41."
    assert names(app) == ["Baseline", "Mine"]


def test_a_name_is_drawn_as_text_and_never_as_markdown():
    app = opened(steps="3", run="lr~x2~name~**x** [y](http://z)")
    drawn = [text for text in _markdown(app) if "●" in text and "y" in text]
    assert drawn and all(r"\*\*x\*\* \[y\](http" in text for text in drawn)


def test_a_run_that_is_not_possible_waits_in_its_card_and_comes_back_by_itself():
    app = opened(steps="3")
    sound(widget(app, "exact_lr").set_value("20000").run())
    assert not app.warning
    assert names(app) == ["Baseline", "Learning rate × 100", "No zero_grad"]
    assert words(app)[1] == "Waits" and "Waits" not in (words(app)[0], words(app)[2])
    assert any(text.startswith(f"{dot(1)} :gray[**Learning rate × 100**") for text in _markdown(app))
    reasons = [caption.value for caption in app.caption]
    assert "Learning rate must be a number from 0 to 1000000; got 2000000.0." in reasons
    assert app.query_params["run"] == ["lr~x100", "loop~FLBS"]
    again = opened(**app.query_params)
    assert words(again) == words(app) and not again.warning
    sound(widget(again, "exact_lr").set_value("0.5").run())
    assert "Waits" not in words(again) and len(losses(again)) == 3
    assert dict(again.query_params) == {"steps": "3"}


def test_a_run_that_waits_can_be_renamed_and_removed():
    app = opened(steps="3", lr="20000", run=["lr~x100", "seed~1"])
    sound(widget(app, "name_1").set_value("Later").run())
    assert names(app) == ["Baseline", "Later", "Seed 1"] and words(app)[1] == "Waits"
    sound(app.button(key="remove_1").click().run())
    assert names(app) == ["Baseline", "Seed 1"]


def test_a_baseline_that_becomes_a_run_is_said_and_the_usual_loop_is_offered():
    app = opened(steps="5")
    assert not any("Same as" in caption.value for caption in app.caption)
    sound(widget(app, "line_zero_grad").set_value(False).run())
    assert [c.value.split(". ")[0] for c in app.caption if "Same as" in c.value] == [
        "Same as the baseline now"
    ]
    assert names(app) == ["Baseline", "Learning rate × 100", "No zero_grad"]
    trained, _ = app.session_state.training.thing
    assert len(trained) == 2  # the same numbers once
    offered = widget(app, "runs").options
    assert offered.count("No zero_grad") == 1 and "Usual loop" in offered


def test_a_run_can_have_several_changes_and_its_name_lists_them():
    app = opened(steps="3")
    for field, text in (("seed", "7"), ("momentum", "0.9")):
        widget(app, "any_of").set_value(2)
        sound(widget(app, "any_field").set_value(field).run())
        widget(app, "any_value").set_value(text)
        press(app, "Add this change")
    assert names(app) == ["Baseline", "Learning rate × 100", "No zero_grad, Seed 7, Momentum 0.9"]
    assert app.query_params["run"] == ["lr~x100", "loop~FLBS~seed~7~momentum~0.9"]
    assert "one change" not in texts(app).lower()
    assert not any("one change" in group.label.lower() for group in app.get("button_group"))


@pytest.mark.parametrize("text, said", [
    ("1e30", "lr must be a number from 0 to 1000000"),
    ("x100", "a run must not make the same changes as another run"),
])  # fmt: skip
def test_a_change_of_a_run_that_cannot_be_is_refused_and_loses_nothing(text, said):
    app = opened(steps="3", run=["lr~x100", "lr~x5"])
    widget(app, "any_of").set_value(2)
    sound(widget(app, "any_field").set_value("lr").run())
    widget(app, "any_value").set_value(text)
    press(app, "Add this change")
    assert said in app.warning[0].value
    assert names(app) == ["Baseline", "Learning rate × 100", "Learning rate × 5"]


def test_a_data_set_brings_what_suits_it_unless_something_else_was_chosen():
    app = opened(steps="5", run="none")
    sound(widget(app, "dataset").set_value("deliveries").run())
    assert baseline(app) == Config(dataset="deliveries", lr=0.05, model="linear", steps=5)
    assert not app.warning
    sound(widget(app, "dataset").set_value("moons").run())
    assert baseline(app) == Config(steps=5)
    sound(widget(app, "exact_lr").set_value("0.3").run())
    sound(widget(app, "dataset").set_value("deliveries").run())
    assert baseline(app) == Config(dataset="deliveries", lr=0.3, model="linear", steps=5)


def test_a_link_that_names_only_a_data_set_means_what_it_always_meant():
    assert baseline(opened(dataset="digits", steps="2", run="none")) == Config(
        dataset="digits", steps=2, lr=0.5
    )


def test_the_steps_that_fit_are_offered_and_taken(monkeypatch):
    monkeypatch.setattr(budget, "MAX_WORK_S", 60)
    monkeypatch.setattr(budget, "expected_s", lambda group, machine: group[0].steps)  # two runs
    app = opened(dataset="deliveries", model="linear", lr="0.01", steps="100", run="seed~1")
    assert app.error[0].value.endswith("With 30 steps it fits.")
    press(app, "Take 30 steps")
    assert not app.error and baseline(app).steps == 30 and len(losses(app)) == 2


def test_where_no_number_of_steps_fits_none_is_offered(monkeypatch):
    monkeypatch.setattr(budget, "MAX_WORK_S", 50)
    monkeypatch.setattr(budget, "expected_s", lambda group, machine: group[0].steps)
    app = opened(dataset="deliveries", model="linear", lr="0.01", steps="3", run="steps~100")
    assert "must take at most 50 s" in app.error[0].value and "fit" not in app.error[0].value
    assert not [button for button in app.main.button if button.label.startswith("Take")]


def test_the_code_of_a_run_has_the_color_of_its_run():
    app = opened(steps="3", run=["-", "loop~FLBS"])
    assert widget(app, "code_of_2").options == [f"{dot(0)} Baseline", f"{dot(2)} No zero_grad"]


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
    assert "lr must be a number from 0 to 1000000" in app.warning[0].value


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


@pytest.mark.parametrize("model", [{"hidden": "256-256-256"}, {"model": "lenet"}, {"optimizer": "lbfgs"}])
def test_too_much_work_is_refused_before_it_starts(model):
    app = opened(dataset="digits", steps="20000", run="none", **model)
    assert not app.exception
    assert app.error[0].value.startswith("Training must take at most 30 s; here it would take about ")
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
    assert looked_at(app) == signals(app) == {"pinned": 7, "low": 5, "high": 25, "hidden": ["1"]}
    assert widget(app, "fit_step").value == 20
    assert names(app) == ["Baseline", "Learning rate × 100", "No zero_grad"]
    assert dict(app.query_params) == looked and not app.warning
    spec, frame = curves(app)
    app.button(key="hide_1").click()
    sound(app.run())
    assert looked_at(app)["hidden"] == [] and "hide" not in app.query_params
    assert curves(app)[0] == spec and list(curves(app)[1]) == list(frame)  # what is drawn is not drawn anew


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_another_scale_is_set_in_the_browser_with_the_ends_that_it_has_when_it_is_drawn_anew(scale):
    app = opened(steps="40", scale="log" if scale == "linear" else "linear")
    spec, ends = curves(app)[0], told(app)["tops"][scale]
    assert any(ends.values()) and ends != told(app)["tops"][app.session_state.choices["view_scale"]]
    sound(widget(app, "view_scale").set_value(scale).run())
    assert curves(app)[0] == spec and told(app)["signals"].items() >= ends.items()
    anew = opened(steps="40", scale=scale)
    assert told(app)["signals"] == told(anew)["signals"] and told(app)["signals"]["log_l"] == (scale == "log")
    pd.testing.assert_frame_equal(curves(app)[1], curves(anew)[1])


def test_smoothing_is_drawn_linked_and_explained_and_changes_no_number():
    """A run that diverged keeps its mark and its verdict."""
    plain = opened(dataset="deliveries", model="linear", lr="1.0", steps="60", run="none")
    app = opened(dataset="deliveries", model="linear", lr="1.0", steps="60", run="none", smooth="0.9")
    spec, frame = curves(app)
    _, true = curves(plain)
    pd.testing.assert_frame_equal(frame[true.columns], true)
    assert {"s0", "t0"} <= set(frame.columns) and frame["m0"].sum() == 1
    assert words(app) == words(plain) == ["Diverged"] and losses(app) == losses(plain)
    assert any("moving average, factor 0.9" in caption.value for caption in app.caption)
    sound(widget(app, "view_smooth").set_value("0").run())
    assert "smooth" not in app.query_params and curves(app)[0] == curves(plain)[0] != spec
    sound(widget(app, "view_smooth").set_value("0.97").run())
    assert dict(app.query_params)["smooth"] == "0.97"


def test_the_way_back_from_a_zoom_stands_below_the_charts_and_says_where_one_is():
    app = opened(steps="40", zoom="5..25")
    assert "Steps 5 to 25" in _markdown(app)
    sound(next(one for one in app.main.button if one.label == "Whole run").click().run())
    assert "zoom" not in app.query_params and looked_at(app)["high"] == 40


@pytest.mark.parametrize("field, text", [
    ("smooth", "0.5"), ("smooth", "1"), ("smooth", "nan"),
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


def test_curves_grow_while_they_train(monkeypatch):
    """The page is drawn again and again with what there is, never with another comparison's numbers."""
    monkeypatch.setattr(training, "FIRST_S", 0.0)
    monkeypatch.setattr(training, "EACH_S", 0.0)
    monkeypatch.setattr(training, "PER_DRAWING", 0.0)
    monkeypatch.setattr(training, "SLICE_S", 0.0)  # a step
    drawn = []
    draw = panel.draw
    monkeypatch.setattr(panel, "draw", lambda trained: (drawn.append(trained), draw(trained)))
    app = opened(steps="23", run="lr~0.01")
    assert {one.config.steps for trained in drawn for one in trained} == {23}
    done = [[one.result.done for one in trained] for trained in drawn]
    assert len(done) > 3 and all(0 < len(counts) == 2 for counts in done)
    assert done == sorted(done) and done[0] < done[1] and done[-1] == [23, 23]
    assert curves(app)[1]["l0"].notna().sum() == 23
    assert not app.info and not app.get("progress")


def test_what_costs_more_to_draw_than_to_train_is_drawn_rarely(monkeypatch):
    """Beside many others the clock runs faster than its own training."""
    for name in ("FIRST_S", "EACH_S", "SLICE_S"):
        monkeypatch.setattr(training, name, 0.0)
    monkeypatch.setattr(training, "PER_DRAWING", 1e6)
    drawn = []
    draw = panel.draw
    monkeypatch.setattr(panel, "draw", lambda trained: (drawn.append(trained), draw(trained)))
    opened(steps="23", run="lr~0.01", seed="34")
    assert [[one.result.done for one in trained] for trained in drawn] == [[1, 1], [23, 23]]


def test_time_left_is_at_the_pace_so_far_and_the_limit_is_said(monkeypatch):
    assert progress.time_left(10.0, 100, 400) == ", about 30 s left"
    assert progress.time_left(60.0, 100, 400) == ", about 3 min left"
    assert progress.time_left(10.0, 0, 400) == progress.time_left(1.0, 99, 100) == ""
    now = progress.Progress("a comparison")
    now.begin(100)  # of another visitor, done before
    now.spent_s = 10.0
    now.since = (now.since[0] - 10.0, 100)
    assert now.time_left(200, 300) == ", about 10 s left"
    assert now.time_left(200, 600) == ", stops after 30 s of training"
    now.set_stopped(False)
    assert now.since is None and now.time_left(200, 600) == ""


def test_dots_in_text_have_the_colors_of_the_charts():
    """Streamlit reads those of the charts in its configuration, in the order of places."""
    theme = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))["theme"]
    assert [light for light, _ in RUNS] == theme["chartCategoricalColors"]
    assert [dark for _, dark in RUNS] == theme["dark"]["chartCategoricalColors"]
    assert dot(3) == ':color[●]{foreground="#0C8599"}'


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


def test_no_chart_is_drawn_for_a_browser_that_is_about_to_tell_how_wide_it_is():
    """It would be drawn twice. Who never answers is not waited for, as in all other tests."""
    app = opened(steps="5", run="none")
    app.session_state["answers"] = True  # as the frame's component says
    app.session_state["rooms"] = {}
    assert len(charts(sound(app.run()))) == 1  # the fit
    app.session_state["rooms"] = {"curves_width": 1000}  # as the ruler says
    spec, _ = curves(sound(app.run()))
    assert 400 < spec["hconcat"][0]["width"] < 500
