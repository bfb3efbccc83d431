"""The Watch page through app.py, without a browser: moves, panels, links, and what is refused."""

import json
import re
from collections import deque
from dataclasses import replace
from functools import partial

import pytest
import torch

from core import Config, Run, export
from core.lines import LINES, USUAL
from core.watch import surface
from core.watch.examples import PRESETS
from pages._ui.shared import slices
from pages._ui.watch import player
from pages._ui.watch.body import PANELS
from tests.helpers.app import baseline, sound, texts, widget
from tests.helpers.app import opened as open_page

LINEAR = {"dataset": "deliveries", "model": "linear", "lr": "0.01", "steps": "30"}


opened = partial(open_page, "watch")


def tape(app):
    return app.session_state.tape


def press(app, label):
    key = "play" if label in ("Play", "Pause") else f"do_{label}"
    return sound(app.button(key=key).click().run())


def weights(app):
    return [p.detach().clone() for p in tape(app).run.parameters]


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_first_visitor_stands_before_the_first_line():
    app = opened()
    assert app.title[0].value == "Watch the loop"
    assert tape(app).place == (0, 0) and baseline(app) == Config()
    assert f"Next: `{LINES['zero_grad'].text}`" in texts(app)
    assert [app.button(key=f"do_{name}").disabled for name in ("Restart", "Back one line")] == [True, True]
    assert not app.warning and not app.error and not app.query_params


def test_columns_of_numbers_are_as_wide_as_their_texts():
    """A number that is cut off is another number. A letter of the table takes less than 6 pixels."""
    frame = next(f for f in opened(steps="30", at="3.4").main.dataframe if "grad_fn" in f.value.columns)
    columns = json.loads(frame.proto.columns)
    for name in ("values", ".grad"):
        longest = max(frame.value[name], key=len)
        assert "norm" in longest and columns[name]["width"] >= 6 * len(longest)


@pytest.mark.parametrize("at", ["3.2", "3.4"])
def test_what_has_changed_has_room_for_its_words_at_every_line(at):
    """After forward there is a new tensor; and columns that are wider at one line than at the next jump."""
    frame = next(f for f in opened(steps="30", at=at).main.dataframe if "grad_fn" in f.value.columns)
    assert json.loads(frame.proto.columns)["changed"]["width"] >= 6 * len("new tensor, values")
    assert ("new tensor, values" in list(frame.value["changed"])) == (at == "3.2")


@pytest.mark.parametrize("loop", ["ZFLBCS", "FLSZB"])
def test_the_ring_of_the_ledger_is_the_sum_whatever_step_uses(loop):
    """Clipped or a step old: then step does not use the sum of this batch's gradient and the leftover."""
    app = opened(**LINEAR | {"loop": loop, "at": "3.0"}, look="ledger")
    history = tape(app).run.history
    sums = history.fresh_grads["weight"] + history.leftovers["weight"]
    assert not (history.grads["weight"] == sums).all()
    assert "The ring is `.grad` after backward: their sum." in texts(app)


def test_memory_is_counted_for_every_optimizer():
    """L-BFGS takes no step without a closure; what a kept loss holds does not depend on how weights move."""
    held = [texts(opened(**LINEAR, optimizer=name, look="memory")) for name in ("sgd", "lbfgs")]
    counted = [re.search(r"Without backward, each kept loss holds [^.]*\.", text)[0] for text in held]
    assert counted[0] == counted[1]


def test_next_line_executes_one_line_and_says_what_it_did():
    app = opened(**LINEAR, start="5_2")
    for number, name in enumerate(USUAL):
        assert f"Next: `{LINES[name].text}`" in texts(app)
        press(app, "Next line")
        assert tape(app).place == divmod(number + 1, len(USUAL))
    assert "**Step 0**: what each line did" in texts(app)


def test_scaling_clipping_and_accumulation_are_stepped_through_in_numbers():
    """The whole of what scripts do: pass 1 adds up, pass 2 unscales, clips, steps and updates the scale."""
    app = opened(**LINEAR | {"loop": "zfLducxg", "lr": "0.2", "start": "0"}, accumulate="2")
    lines = baseline(app).loop
    for _ in range(2 * len(lines)):
        press(app, "Next line")
        said = texts(app)
        if tape(app).place == (0, len(lines) - 1):
            assert "Nothing was clipped: this is pass 1 of 2, and the last one updates." in said
    assert tape(app).place == (2, 0) and not app.error
    assert "Every .grad was divided by the scale, 65536" in said
    assert re.search(r"The norm of all gradients was [\d.]+; each was multiplied by 0\.01\d+\.", said)
    assert "The scale stays 65536." in said and "weight went from 0 to" in said


def test_outputs_are_those_of_the_notes():
    app = opened(**LINEAR, start="5_2", at="0.2")
    assert all(f"{value:g}" in texts(app) for value in (7, 12, 17, 22))  # 5 x distance + 2


def test_going_back_shows_the_same_bits_again():
    app = opened(dataset="moons", batch_size="32", optimizer="adam", steps="10")
    press(app, "Next step")
    first = weights(app)
    press(app, "Next step")
    second = weights(app)
    assert not equal(first, second)
    press(app, "Back one step")
    assert tape(app).place == (1, 0) and equal(weights(app), first)
    press(app, "Next step")
    assert tape(app).place == (2, 0) and equal(weights(app), second)
    press(app, "Back one line")
    assert tape(app).place == (1, 4) and equal(weights(app), first)
    press(app, "Restart")
    fresh = Run(baseline(app))
    assert tape(app).at_start and equal(weights(app), fresh.parameters)


def test_play_goes_on_until_pause_and_the_bits_are_those_of_one_go():
    app = opened(**LINEAR)
    sound(app.select_slider(key="pace").set_value(5).run())
    press(app, "Play")
    while tape(app).run.step < 10:
        assert app.button(key="play").label == "Pause"
        assert app.button(key="do_Next line").disabled
        sound(app.run())  # one drawing
    press(app, "Pause")
    step = tape(app).run.step
    assert app.button(key="play").label == "Play" and step < 30
    sound(app.run())
    assert tape(app).run.step == step
    assert equal(weights(app), Run(baseline(app)).advance(step).parameters)


def test_play_shows_the_curves_in_place_of_the_panel_and_they_stay_after_pause():
    app = opened(**LINEAR, at="2.3")
    sound(widget(app, "look").set_value("graph").run())
    sound(app.select_slider(key="pace").set_value(5).run())
    assert "grad_fn chain" in texts(app) and not app.get("vega_lite_chart")
    press(app, "Play")
    for playing in (True, False):
        assert widget(app, "look").value == "curves" and widget(app, "look").disabled == playing
        assert app.get("vega_lite_chart") and "grad_fn chain" not in texts(app)
        press(app, "Pause") if playing else None
    assert app.select_slider(key="pace").value == 5
    sound(widget(app, "look").set_value("graph").run())
    assert "grad_fn chain" in texts(app)


def test_what_plays_says_nothing_of_a_line_that_is_long_past():
    app = opened(**LINEAR, at="2.3")
    assert "**Step 2**" in texts(app) and "Next: " in texts(app)
    press(app, "Play")
    assert "**Step 2**" not in texts(app) and "Next: " not in texts(app)
    assert "Pause" in texts(app)


def test_play_ends_with_the_run():
    app = opened(**LINEAR)
    sound(app.select_slider(key="pace").set_value(500).run())
    press(app, "Play")
    while app.button(key="play").label == "Pause":
        sound(app.run())
    assert tape(app).run.step == 30 and app.button(key="play").disabled
    assert "The run is over" in texts(app)


def lr_field(app):
    return next(field for field in app.number_input if (field.key or "").startswith("new_lr_"))


def test_a_changed_learning_rate_is_in_address_run_and_script():
    app = opened(**LINEAR)
    for _ in range(3):
        press(app, "Next step")
    sound(lr_field(app).set_value(0.05).run())
    assert app.query_params["schedule"] == "3_0.05"
    assert tape(app).place == (3, 0)
    while not tape(app).run.done:
        press(app, "Next step")
    anew = Run(replace(Config.from_params(LINEAR), schedule=((3, 0.05),))).advance()
    assert equal(weights(app), anew.parameters)
    assert "schedule = {3: 0.05}" in export.script(baseline(app))


def test_more_changes_than_allowed_get_a_sentence():
    changes = "__".join(f"{step}_0.0{step % 9 + 1}" for step in range(1, 21))
    app = opened(**LINEAR, schedule=changes, at="25.0")
    before = baseline(app)
    sound(lr_field(app).set_value(0.07).run())
    assert "at most 20" in app.warning[0].value
    assert baseline(app) == before and tape(app).place == (25, 0)


def test_a_line_that_raises_shows_pytorchs_message_and_back_undoes_it():
    app = opened(loop="FLSZB", steps="10")  # step between forward and backward, on an MLP
    for _ in range(2):
        press(app, "Next step")
    assert tape(app).run.error is not None
    said = "modified by an inplace operation"
    assert said in texts(app) and "`loss.backward()` raised" in texts(app)
    assert app.button(key="do_Next line").disabled
    press(app, "Back one line")
    assert tape(app).run.error is None and said not in texts(app)
    press(app, "Next line")
    assert said in texts(app)


def test_set_to_none_is_a_switch_that_keeps_the_place():
    app = opened(**LINEAR, at="2.1")
    assert "None" in table(app).loc["weight", ".grad"]
    sound(app.toggle(key="set_to_none_True").set_value(False).run())
    assert baseline(app).loop[0] == "zero_grad_zeros" and tape(app).place == (2, 1)
    assert "zeros" in table(app).loc["weight", ".grad"]


def table(app):
    """The tensor table by names."""
    frame = next(f.value for f in app.main.dataframe if ".grad" in f.value.columns)
    return frame.set_index("name")


def test_every_example_opens_at_its_place_and_panel_with_the_numbers_of_its_title():
    """Gradients 15 and 6: 2 x mean(3 x distance) with distances 1 to 4, and 2 x 3; 3 - 0.01 x 15 = 2.85."""
    numbers = {
        "forward": ("5 × 1 + 2 = 7", "= 12", "= 17", "= 22", "outputs (4, 1): 7, 12, 17, 22"),
        "loss": ("The loss is 0.027675.", "(0.0016 + 0.0121 + 0.0529 + 0.0441) / 4 = 0.027675"),
        "backward": ("weight.grad is 15 = 15 fresh", "bias.grad is 6 = 6 fresh", "The loss is 9."),
        "step": ("weight went from 3 to 2.85", "3 − 0.01 × 15 = 2.85"),
        "skipped": ("weight.grad is 32.15 = 86.9 fresh + (−54.75) left over",),
        "accumulated": ("weight.grad is −85.16 = −44.42 fresh + (−40.74) left over",),
        "clipped": ("The norm of all gradients was 89.98; each was multiplied by 0.01111.",),
        "dying": ("This loop's limit is 0.1198: 0.13 is above it.",),
    }
    assert numbers.keys() == PRESETS.keys()
    app = opened()
    for name, preset in PRESETS.items():
        sound(app.button(key=f"preset_{name}").click().run())
        assert tape(app).place == preset.place and baseline(app) == preset.config
        assert app.session_state.choices["look"] == preset.panel
        assert [number for number in numbers[name] if number not in texts(app)] == [], name


SETTINGS = {
    "linear": LINEAR,
    "mlp, mini-batches, Adam": {"optimizer": "adam", "batch_size": "32", "steps": "12"},
    "lenet": {"dataset": "digits", "model": "lenet", "batch_size": "16", "steps": "6"},
    "zero_grad skipped": {**LINEAR, "loop": "FLBS"},
    "no lines": {**LINEAR, "loop": "none"},
    "backward left out": {**LINEAR, "loop": "ZFLS"},
    "mixed precision": {**LINEAR, "loop": "ZflaUCAGR"},
    "mixed precision, mini-batches": {"loop": "zflDs", "batch_size": "32", "steps": "12"},
    "dropout, two losses": {"model": "mlp_dropout", "loop": "TZFpBWSE", "steps": "12"},
    "raises at once": {**LINEAR, "loop": "BFLSZ"},
    "diverges": {**LINEAR, "lr": "100", "dtype": "float32"},
}


def test_each_panel_is_chosen_and_drawn():
    app = opened(**LINEAR, at="1.2")
    for panel in PANELS:
        sound(widget(app, "look").set_value(panel).run())
        assert app.session_state.choices["look"] == panel and not app.error


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_panel_bears_every_kind_of_run(setting, monkeypatch, all_panels):
    """Before the first line, within a step, and between two."""
    monkeypatch.setattr(surface, "SIZES", (7,))  # points each way: enough here, and LeNet has its time
    app = opened(**SETTINGS[setting])
    for label in ("Next line", "Next line", "Next step", "Next step"):
        assert not app.error
        if not app.button(key=f"do_{label}").disabled:
            press(app, label)
    assert not app.error


def here(app):
    """What the address says of place and panel."""
    return {name: app.query_params[name] for name in ("at", "look") if name in app.query_params}


def again(app):
    """The same address, opened by a new session: after a reload, or another start of the server."""
    return opened(**{name: app.query_params[name] for name in app.query_params})


def test_a_link_opens_at_its_place():
    app = opened(**LINEAR, at="3.2", look="graph")
    assert tape(app).place == (3, 2) and app.session_state.choices["look"] == "graph"
    assert here(app) == {"at": "3.2", "look": "graph"}


def test_the_address_goes_along_and_brings_back_place_and_panel():
    app = opened(**LINEAR)
    assert here(app) == {}
    for label, at in (("Next step", "1.0"), ("Next line", "1.1"), ("Back one line", "1.0")):
        press(app, label)
        assert here(app) == {"at": at}
    press(app, "Next line")
    sound(widget(app, "look").set_value("graph").run())
    assert here(app) == {"at": "1.1", "look": "graph"}
    other = again(app)
    assert tape(other).place == (1, 1) and other.session_state.choices["look"] == "graph"
    assert equal(weights(other), weights(app)) and here(other) == here(app)
    press(app, "Restart")
    assert here(app) == {"look": "graph"}


def test_a_pause_is_in_the_address():
    app = opened(**LINEAR)
    press(app, "Play")
    while tape(app).run.step < 3:
        sound(app.run())
    press(app, "Pause")
    assert here(app) == {"at": "{}.{}".format(*tape(app).place), "look": "curves"}
    assert tape(again(app)).place == tape(app).place


def test_an_address_without_a_place_means_the_first_line_and_the_first_panel():
    """The Back button brings it, after the first step and the first choice of a panel."""
    app = opened(**LINEAR, at="3.2", look="graph")
    for name in ("at", "look"):
        del app.query_params[name]
    app.query_params["seed"] = "0"  # the default: another address of the same run
    sound(app.run())
    assert tape(app).place == (0, 0) and app.session_state.choices["look"] == "tensors"


def test_an_address_that_the_page_wrote_some_steps_ago_undoes_nothing():
    """The browser has not caught up: keys come faster than the page is drawn."""
    app = opened(**LINEAR)
    press(app, "Next line")
    late = {name: app.query_params[name] for name in app.query_params}
    press(app, "Next line")
    app.query_params.clear()
    for name, text in late.items():
        app.query_params[name] = text
    press(app, "Next line")
    assert tape(app).place == (0, 3) and here(app) == {"at": "0.3"}


def test_another_page_keeps_the_place():
    app = opened(**LINEAR, at="3.2")
    for page in ("compare", "watch"):  # as the navigation opens them, without an address
        app.query_params.clear()
        app.switch_page(f"pages/{page}.py")
        sound(app.run())
    assert tape(app).place == (3, 2) and here(app) == {"at": "3.2"}


def test_a_place_that_is_not_in_the_run_gets_a_sentence():
    app = opened(**LINEAR)
    for at in ("31.0", "30.1", "3.5", "-1.0", "x", "3", "9999999999.0", "٣.0", "<b>"):
        app.query_params["at"] = at
        sound(app.run())
        assert tape(app).place == (0, 0)
        assert "at must be a step and a line of this run" in app.warning[0].value
        assert here(app) == {}


def test_a_panel_that_is_none_gets_a_sentence():
    app = opened(**LINEAR, look="<b>")
    assert app.warning[0].value == "look must be one of tensors, graph, ledger, surface, memory, curves."
    assert here(app) == {}


def test_a_run_that_is_too_much_gets_a_sentence():
    app = opened(dataset="digits", hidden="256-256-256", steps="5000")
    assert "Training must take at most 30 s" in app.error[0].value
    assert app.query_params["hidden"] == "256-256-256"
    assert "tape" not in app.session_state
    sound(widget(app, "steps").set_value(100).run())  # the controls are still there
    assert tape(app).place == (0, 0) and not app.error


def test_a_card_of_compare_leads_to_watch_with_its_run():
    app = open_page("compare", steps="5")
    links = [link.proto for link in app.get("page_link") if "watch" in link.proto.page.lower()]
    assert len(links) == 3
    assert "loop=FLBS" in links[2].query_string and "steps=5" in links[2].query_string


def test_a_changed_control_starts_the_new_run_at_its_beginning():
    app = opened(**LINEAR, at="3.2")
    sound(widget(app, "optimizer").set_value("adam").run())
    assert tape(app).run.config.optimizer == "adam" and tape(app).place == (0, 0)


def test_the_curves_show_the_steps_so_far_and_no_others():
    app = opened(**LINEAR, at="7.0", look="curves")
    specs = [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]
    assert any("hconcat" in spec or "vconcat" in spec for spec in specs)
    assert len(tape(app).run.history.steps) == 7


class TestWhatTheServerHolds:
    def test_runs_beyond_its_room_keep_norms_only(self, monkeypatch):
        need = player.budget.vector_bytes(Config())
        monkeypatch.setattr(player, "ALL_FULL_BYTES", 2 * need)
        players = player.Players()
        held = [players.run(Config(), "cpu") for _ in range(3)]
        assert [run.history.full for run in held] == [True, True, False]

    def test_room_comes_back_when_a_run_is_gone(self, monkeypatch):
        monkeypatch.setattr(player, "ALL_FULL_BYTES", player.budget.vector_bytes(Config()))
        players = player.Players()
        first = players.run(Config(), "cpu")
        assert first.history.full
        del first
        assert players.run(Config(), "cpu").history.full

    def test_one_run_too_large_keeps_norms_only(self, monkeypatch):
        monkeypatch.setattr(player, "FULL_BYTES", 10)
        assert not player.Players().run(Config(), "cpu").history.full

    def test_sessions_that_play_share_one_slice(self):
        players = player.Players()
        assert players.count("one") == players.count("one") == 1
        assert players.count("two") == 2
        assert player.budget_s(1) == slices.SLICE_S
        assert player.budget_s(2) == slices.SLICE_S / 2
        assert player.budget_s(40) == player.SHORTEST_S

    def test_drawings_come_further_apart_the_more_play_and_the_longer_one_takes(self):
        players = player.Players()
        for _ in range(30 * player.REMEMBERED):  # e to the -30 of what was assumed is left
            players.drawn(0.03)
        assert players.every_s("0") == player.EVERY_S
        for other in range(1, 20):
            players.count(str(other))
        assert players.every_s("0") == pytest.approx(player.ROOM * 20 * 0.03)
        players.drawn(0.03 + 0.01 * player.REMEMBERED)  # a single slow one: 10 ms more, not 200
        assert players.every_s("0") == pytest.approx(player.ROOM * 20 * 0.04)

    def test_a_session_that_stopped_drawing_no_longer_counts(self, monkeypatch):
        players, now = player.Players(), 100.0
        monkeypatch.setattr(player.time, "monotonic", lambda: now)
        assert players.count("one") == 1 and players.count("two") == 2
        now += player.SEEN_S
        assert players.count("two") == 1


def test_the_steps_that_fit_are_offered_and_taken(monkeypatch):
    monkeypatch.setattr(player.budget, "MAX_WORK_S", 12)
    monkeypatch.setattr(player.budget, "expected_s", lambda group, machine: group[0].steps)
    app = opened(**LINEAR)
    assert app.error[0].value.endswith("With 12 steps it fits.")
    sound(app.main.button[0].click().run())
    assert not app.error and tape(app).run.config.steps == 12


@pytest.mark.parametrize(("sent", "waits"), [(0.3, 0), (0.2, 1)])
def test_the_rate_that_its_field_was_drawn_with_is_no_change(monkeypatch, sent, waits):
    monkeypatch.setattr(player.st, "session_state", {"field": sent})
    waiting = deque()
    player.take_lr("field", 0.3, waiting)
    assert len(waiting) == waits


def test_a_rate_that_comes_with_pause_is_taken():
    """It was typed just before Play. What plays has looked at no lines."""
    app = opened(at="3.1")
    field = next(one for one in app._tree.get_widget_states().widgets if "new_lr_" in one.id)
    press(app, "Play")
    step = tape(app).run.step
    assert not tape(app).looks
    app.button(key="play").click()
    states = app._tree.get_widget_states()
    field.double_value = 0.3
    states.widgets.append(field)
    sound(app._run(states))
    assert app.button(key="play").label == "Play"
    assert baseline(app).schedule == ((step, 0.3),)
