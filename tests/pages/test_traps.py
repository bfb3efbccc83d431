"""The page "Break the loop" through app.py, without a browser: gallery, map, momentum, diagnosis."""

import re
from collections import Counter
from functools import partial
from urllib.parse import parse_qs

import pytest

from core import Config, Run
from core.compare.comparison import Comparison, kept, read
from core.lines import text_of
from core.seeds import stream_seed
from core.traps.accumulation import CUTS, WAYS
from core.traps.diagnosis import CASES, series
from core.traps.outcomes import OUTCOMES
from core.traps.table import TRAPS
from core.traps.trap import GROUPS, PLACES
from pages._ui.traps.orders import FIELDS as ORDER_FIELDS
from tests.helpers.app import address, choose, press, sound, texts
from tests.helpers.app import opened as open_page

opened = partial(open_page, "traps")


def test_a_first_visitor_is_asked_before_anything_is_shown():
    app = opened()
    assert app.title[0].value == "Break the loop"
    first = next(iter(TRAPS))
    assert app.radio[0].options == [OUTCOMES[name] for name in TRAPS[first].offers]
    assert app.radio[0].value is None
    assert TRAPS[first].why not in texts(app) and TRAPS[first].notice not in texts(app)
    assert app.query_params["trap"] in (first, [first])


@pytest.mark.parametrize(("guess", "said"), [("worse", "Right. "), ("constant", "Not this time. ")])
def test_a_guess_is_held_against_the_run(guess, said):
    app = opened(trap="broadcast")
    app.radio[0].set_value(guess)
    press(app, "Run both")
    assert f"{said}{OUTCOMES['worse']}." in texts(app)
    assert TRAPS["broadcast"].why in texts(app)
    assert "Using a target size (torch.Size([4]))" in texts(app)
    assert "31.79" in texts(app)


def test_who_looks_by_symptom_sees_the_result_at_once():
    app = opened()
    choose(app, "What do you see?", "raises")
    assert not app.radio
    assert "AttributeError: 'NoneType'" in texts(app)  # the first of them, by line
    assert len(app.main.selectbox[0].options) == sum(t.group == "raises" for t in TRAPS.values())


ALL_SORTS = (
    "skipped",
    "layers_in_a_list",
    "one_output",
    "nll_on_logits",
    "rewrapped",
    "no_eval",
    "dead_relu",
)


@pytest.mark.parametrize("name", ALL_SORTS)
def test_every_trap_is_shown_with_both_loops_and_its_words(name):
    app = opened(trap=name)
    app.session_state.guesses = {name: ""}
    sound(app.run())
    shown = texts(app)
    assert shown.index(TRAPS[name].why) < shown.index(f"**How you would notice.** {TRAPS[name].notice}")
    assert len(app.main.code) >= 2
    listed = [code.value for code in app.main.code[:2]]
    assert listed[0] != listed[1]


def test_next_goes_through_all_of_them():
    """Line by line; and from the last to the first."""
    app = opened()
    assert len(app.main.selectbox[0].options) == len(TRAPS)
    met = []
    for _ in range(4):
        met.append(app.main.selectbox[0].value)
        press(app, "Next")
    assert met == [name for name, trap in TRAPS.items() if trap.place == "zero_grad"]
    app = opened(trap=[name for name, trap in TRAPS.items() if trap.place == "before"][-1])
    press(app, "Next")
    assert app.main.selectbox[0].value == next(iter(TRAPS))


def offered(app):
    return app.main.selectbox[0].options


def test_mistakes_are_grouped_by_the_line_that_is_wrong():
    app = opened()
    assert offered(app)[0] == "zero_grad: zero_grad is never called ★"
    for place in PLACES:
        choose(app, "Which line is wrong?", place)
        assert len(offered(app)) == sum(trap.place == place for trap in TRAPS.values())
    choose(app, "Which line is wrong?", "backward")
    choose(app, "What do you see?", "nothing")  # which no mistake of that line does
    assert {option.split(":")[0] for option in offered(app)} >= {"step", "loss"}


def test_five_mistakes_are_marked_to_begin_with():
    app = opened()
    assert sum("★" in option for option in offered(app)) == 5
    choose(app, "Which line is wrong?", "first")
    assert len(offered(app)) == 5 and all("★" in option for option in offered(app))


def test_a_link_shows_its_mistake_whatever_was_chosen():
    app = opened()
    choose(app, "Which line is wrong?", "step")
    app.query_params["trap"] = "broadcast"
    sound(app.run())
    assert app.main.selectbox[0].value == "broadcast" and len(offered(app)) == len(TRAPS)


def test_a_trap_that_is_not_there_gets_a_sentence():
    app = opened(trap="<b>x</b>")
    assert "no trap of that name" in app.warning[0].value
    assert "<b>" not in texts(app)


def test_an_unknown_field_or_view_is_ignored():
    app = opened(view="nothing", foo="1")
    assert app.title[0].value == "Break the loop"
    assert [w.value for w in app.warning] == [
        "Ignored in this link: 1 unknown field.",
        "Ignored in this link: its view.",
    ]


# The map of all orders.


def outcomes(app):
    """Title -> count, from the legend."""
    found = re.findall(r"\*\*(\d+) ([a-z ]+)\*\*", texts(app))
    return {title: int(count) for count, title in found}


def test_the_map_of_the_linear_model_has_the_counts_that_are_known():
    app = opened(view="orders")
    # As measured with PyTorch 2.13, each order in a fresh interpreter.
    assert outcomes(app) == {
        "same": 4,
        "one step behind": 3,
        "never trains": 10,
        "stale gradient": 3,
        "raises": 100,
    }
    assert "60 times NameError: name 'loss' is not defined" in texts(app)
    assert "40 times NameError: name 'outputs' is not defined" in texts(app)


def test_on_the_mlp_stale_gradients_raise():
    app = opened(view="orders", model="mlp", loop="FLSZB")
    assert {*ORDER_FIELDS} <= {*app.query_params}  # both are in the address
    assert outcomes(app) == {"same": 4, "one step behind": 3, "never trains": 10, "raises": 103}
    assert "3 times RuntimeError: one of the variables needed" in texts(app)


def code(app):
    return app.main.code[0].value


def test_moving_a_line_lights_another_tile():
    app = opened(view="orders")
    assert "**ZFLBS: same.**" in texts(app)
    assert app.button(key="Up_zero_grad").disabled
    assert app.button(key="Down_step").disabled
    sound(app.button(key="Down_zero_grad").click().run())
    assert "**FZLBS: same.**" in texts(app)
    assert app.query_params["loop"] in ("FZLBS", ["FZLBS"])
    sound(app.button(key="Down_backward").click().run())
    assert "**FZLSB: never trains.**" in texts(app)
    assert code(app).index("optimizer.step()") < code(app).index("loss.backward()")


def test_a_line_left_out_is_on_the_other_map_and_comes_back():
    app = opened(view="orders")
    sound(app.button(key="Leave out_zero_grad").click().run())
    assert "**FLBS: gradients add up.**" in texts(app)
    assert sum(outcomes(app).values()) == 205  # 5 x 24 + 10 x 6 + 10 x 2 + 5
    sound(app.button(key="Put back_zero_grad").click().run())
    assert "**FLBSZ: same.**" in texts(app)
    assert sum(outcomes(app).values()) == 120


def test_the_last_line_stays():
    app = opened(view="orders", loop="Z")
    assert app.button(key="Leave out_zero_grad").disabled


def test_a_linked_loop_that_raises_shows_the_words_of_python():
    app = opened(view="orders", loop="BFLZS")
    assert "NameError: name 'loss' is not defined" in texts(app)


@pytest.mark.parametrize("text", ["X", "0FLBS", "ZZ", "<script>", "Z.loss_squeezed.", "none"])
def test_a_loop_that_is_not_on_the_map_gets_a_sentence(text):
    app = opened(view="orders", loop=text)
    assert "some of the letters Z, F, L, B, S" in app.warning[0].value
    assert "**ZFLBS: same.**" in texts(app)


# Skipping zero_grad.


def loops(app):
    """What is said of each of the three loops."""
    said = re.findall(r"\*\*(.+?)\*\* :\w+-badge\[\S+ (\w+)\]", texts(app))
    return dict(said)


def test_at_0_2_the_right_loop_dies_and_the_wrong_one_lives():
    app = opened(view="momentum")
    assert loops(app)["The usual order"] == "Diverged"
    assert loops(app)["zero_grad never called"] == "Oscillates"
    assert "All 100 losses and 200 weights on the way are equal, to the last bit" in texts(app)
    assert "0.2 is above its limit, 2/λ = 0.1198." in texts(app)
    assert "0.2 is below its limit, 4/λ = 0.2395." in texts(app)


@pytest.mark.parametrize("lr", ["0.0593", "0.0605", "0.119", "0.121", "0.237", "0.242", "1.0"])
def test_words_agree_with_the_side_of_the_limit(lr):
    app = opened(view="momentum", lr=lr)
    multiples = {"1": "A gradient one step old", "2": "The usual order", "4": "zero_grad never called"}
    for multiple, title in multiples.items():
        (side,) = re.findall(rf"is (above|below) its limit, {multiple}/λ", texts(app))
        assert (side == "above") == (float(lr) > int(multiple) / 16.7006)  # the Hessian's larger eigenvalue
        if float(lr) > 1.5 * int(multiple) / 16.7006:
            assert loops(app)[title] == "Diverged"


def test_the_slider_moves_the_rate_and_the_address():
    app = opened(view="momentum")
    choose(app, "Learning rate", 0.05)
    assert loops(app)["The usual order"] == "Learns"
    assert app.query_params["lr"] in ("0.05", ["0.05"])


def test_on_the_mlp_both_runs_are_one_too():
    app = opened(view="momentum", on="mlp", lr="0.5")
    assert "are equal, to the last bit" in texts(app)
    assert "changes" in texts(app)  # its curvature is that of the start
    assert "its limit" not in texts(app) and "Each bar" not in texts(app)  # mini-batches have none


@pytest.mark.parametrize("given", [{"lr": "fast"}, {"lr": "1e9"}, {"on": "lenet"}])
def test_a_bad_link_to_the_limits_gets_a_sentence(given):
    app = opened(view="momentum", **given)
    assert len(app.warning) == 1
    assert "0.2 is above its limit" in texts(app)


# Why gradients add up.


def ways(app):
    """Title of each way of adding up -> whether it is said to be equal."""
    return dict(re.findall(r"\*\*(.+?)\*\* :\w+-badge\[\S+ (Equal|Not equal)\]", texts(app)))


def link(app, label):
    """The fields of a link to another page."""
    (found,) = [one.proto for one in app.get("page_link") if one.proto.label == label]
    return parse_qs(found.query_string)


def test_parts_are_held_against_one_big_batch():
    app = opened(view="accumulation", cut="deliveries_3")
    assert ways(app) == {
        "Weighted by rows": "Equal",
        "Divided by k": "Not equal",
        "Not divided": "Not equal",
        "A step on every part": "Not equal",
    }
    assert "the first entry of `.grad` is **−85.165**" in texts(app)
    assert "at the first update: **−116.003**; the whole gradient is off by 35 %" in texts(app)
    choose(app, "Rows of each part", "moons_50")
    assert list(ways(app).values()) == ["Equal", "Equal", "Not equal", "Not equal"]
    assert address(app) == {"view": "accumulation", "cut": "moons_50"}


def test_its_links_lead_to_the_very_runs():
    app = opened(view="accumulation")
    big, *parts = read(link(app, "Compare all five"))[0].named()
    assert big.config == CUTS["deliveries_2"].big
    assert {one.name: one.config for one in parts} == {
        row.title: CUTS["deliveries_2"].run_of(way) for way, row in WAYS.items()
    }
    watched = link(app, "Watch the gradients add up")
    assert watched["loop"] == ["zFLws"] and watched["accumulate"] == ["2"]


def test_a_bad_cut_gets_a_sentence():
    app = opened(view="accumulation", cut="deliveries_9")
    assert "cut must be one of" in app.warning[0].value
    assert ways(app)["Divided by k"] == "Equal"


# Diagnosis.


def answer(app, name):
    app.radio[0].set_value(name)
    press(app, "Repair it")


def sent(node):
    """The bytes of every element under a node of the page: all that a browser gets."""
    proto = None if node.type == "radio" else getattr(node, "proto", None)
    own = proto.SerializeToString() if hasattr(proto, "SerializeToString") else b""
    return own + b"".join(sent(child) for child in getattr(node, "children", {}).values())


def hides(app, case):
    """Whether nothing that is sent names the mistake: only among the choices, of which none is marked."""
    data, trap = sent(app._tree), TRAPS[case.name]
    changed = {*trap.wrong.loop, *trap.wrong.before} - {*trap.right.loop, *trap.right.before}
    told = [case.name, trap.why, trap.notice, *(TRAPS[name].title for name in case.choices), *changed]
    told += ["optimizer.", *(text_of(name) for name in changed)]
    quoted = " ".join(warning.text for warning in Run(case.wrong).advance().warnings)  # the page shows these
    assert [text for text in told if text.encode() in data and text not in quoted] == []
    assert app.radio[0].options == [TRAPS[name].title for name in case.choices]
    assert app.radio[0].value is None and set(app.query_params) == {"view", "series"}
    return b"State at the end" in data  # it is the page that was read


def test_a_series_is_answered_and_scored():
    app = opened(view="diagnosis", series="7")
    cases = series(7)
    for place, case in enumerate(cases):
        assert app.header[0].value == f"Case {place + 1} of {CASES}"
        assert hides(app, case)
        wrong = next(name for name in case.choices if name != case.name)
        answer(app, wrong if place == 1 else case.name)
        assert ("Right: " in texts(app)) == (place != 1)
        assert TRAPS[case.name].why in texts(app) and TRAPS[case.name].notice in texts(app)
        press(app, "Next")
    assert app.header[0].value == f"{CASES - 1} of {CASES}"
    assert Counter(re.findall("✓|✗", texts(app))) == {"✓": CASES - 1, "✗": 1}
    press(app, "Start this series over")
    assert app.header[0].value == f"Case 1 of {CASES}"
    assert app.radio[0].value is None


def test_without_an_answer_nothing_is_repaired():
    app = opened(view="diagnosis", series="7")
    press(app, "Repair it")
    assert app.header[0].value == f"Case 1 of {CASES}"
    assert app.radio


def test_both_runs_have_the_seed_of_the_case():
    app = opened(view="diagnosis", series="12")
    case = series(12)[0]
    answer(app, case.name)
    assert texts(app).count(f"torch.manual_seed({stream_seed(case.seed, 'weights')})") == 2


def test_another_series_is_another_one():
    app = opened(view="diagnosis", series="7")
    press(app, "Another series")
    assert app.query_params["series"] not in ("7", ["7"])


@pytest.mark.parametrize("text", ["x", "-1", "99999", "0000081", "9" * 5000, "１", "1e3"])
def test_a_series_that_is_none_gets_a_sentence(text):
    app = opened(view="diagnosis", series=text)
    assert "number from 0 to" in app.warning[0].value


# Between pages.


def test_compare_is_sound_for_who_came_here_first():
    app = opened(view="orders", loop="FLBS")
    app.query_params.clear()
    app.switch_page("pages/compare.py")
    sound(app.run())
    assert app.session_state.comparison.baseline == Config()


def watched(config):
    return open_page("watch", **{**config.to_params(), "at": "1.0"})


@pytest.mark.parametrize("name", ["not_a_leaf", "scheduler_first", "micro_batches", "no_eval", "targets_cut"])
def test_each_opens_in_watch(name, all_panels):
    app = watched(TRAPS[name].wrong)
    assert app.session_state.tape.run.config == TRAPS[name].wrong
    for label in ("Next step", "Next step", "Back one line"):
        if not app.button(key=f"do_{label}").disabled:
            sound(app.button(key=f"do_{label}").click().run())


@pytest.mark.parametrize("name", ["not_a_leaf", "micro_batches"])
def test_a_repair_of_many_lines_opens_in_watch(name):
    assert watched(TRAPS[name].right).session_state.tape.run.config == TRAPS[name].right


@pytest.mark.parametrize("group", GROUPS)
def test_each_opens_in_compare(group):
    name = next(name for name, trap in TRAPS.items() if trap.group == group)
    app = open_page("compare", **Comparison(TRAPS[name].right, (kept(TRAPS[name].wrong),)).to_params())
    assert not app.warning
    assert [one.config for one in app.session_state.comparison.named()] == [
        TRAPS[name].right,
        TRAPS[name].wrong,
    ]
