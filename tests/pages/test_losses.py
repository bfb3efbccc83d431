"""The page "Losses" through app.py, without a browser: every view, links, what is refused."""

import json
import re
from functools import partial

import pytest

from core.compare.comparison import read
from core.loss_lessons import outlier, softmax_twice
from core.loss_lessons.choice import shown_on
from core.loss_lessons.curves import readings
from core.loss_lessons.targets import answers
from core.losses import LOSSES
from core.words import number
from pages._ui.shared.address_fields import joined
from tests.helpers.app import address, choose, sound, texts
from tests.helpers.app import opened as open_page

VIEWS = ("one", "cross_entropy", "softmax", "outlier", "stability", "which")


opened = partial(open_page, "losses")


def spec_and_names(app):
    """The linked pair, and the names in its legend."""
    for chart in app.get("vega_lite_chart"):
        spec = json.loads(chart.proto.spec)
        if "hconcat" in spec:
            label = spec["hconcat"][0]["layer"][0]["encoding"]["color"]["legend"]["labelExpr"]
            return spec, list(json.loads(label.removesuffix("[datum.label]")).values())
    raise AssertionError("no linked pair on the page")


def links(app):
    """Where each link of the page leads: label -> page, parameters."""
    found = {}
    for element in app.main.get("page_link"):
        proto = element.proto
        params = dict(part.split("=", 1) for part in proto.query_string.split("&") if part)
        found.setdefault(proto.label, []).append((proto.page, params))
    return found


def test_a_first_visitor_sees_a_loss_beside_others():
    app = opened()
    assert app.title[0].value == "Losses" and not app.warning
    assert spec_and_names(app)[1] == ["BCE with logits", "MSE", "Focal"]
    assert address(app)["view"] == "one"


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_shows_what_it_is(loss):
    app = opened(loss=loss, over="none", at="0.5")
    assert spec_and_names(app)[1] == [LOSSES[loss].title]
    shown, row = texts(app), LOSSES[loss]
    assert row.when in shown and row.formula in shown
    assert f"loss_fn = {row.expression(3 if 'zero_one' not in row.takes else 1)}" in shown
    value, grad = readings([loss], 1.0, 0.5)[0]
    assert number(value) in shown and number(grad) in shown
    for one in answers(loss):
        assert one.about in shown and one.targets in shown
    assert app.table[1].value["PyTorch"].str.contains("badge").all()
    assert not app.warning


def test_losses_are_laid_over_each_other_and_the_target_is_a_slider():
    app = opened(loss="mse", over="none")
    choose(app, "Laid over it", ["l1", "huber"])
    assert spec_and_names(app)[1] == ["MSE", "L1", "Huber"]
    choose(app, "Target", "-2.5")
    choose(app, "Prediction", "-1")
    assert address(app) == {"view": "one", "loss": "mse", "over": "l1.huber", "target": "-2.5", "at": "-1"}
    assert app.table[0].value["loss"].tolist() == ["2.25", "1.5", "1"]
    assert app.table[0].value["gradient"].tolist() == ["3", "1", "1"]


def test_more_than_five_over_a_loss_are_left_out_with_a_sentence():
    app = opened(loss="mse", over="none")
    choose(app, "Laid over it", list(LOSSES)[1:8])
    assert len(spec_and_names(app)[1]) == 6 and "at most 5" in app.warning[0].value
    choose(app, "Target", "0")
    assert not app.warning


def test_targets_give_way_where_a_loss_does_not_take_them():
    app = opened(loss="mse", over="none", target="-2.5")
    choose(app, "Laid over it", ["nll"])
    assert address(app)["target"] == "1"  # class numbers
    assert next(w for w in app.select_slider if w.label == "Target").options == ["0", "1"]


def test_steep_losses_end_at_the_scale_and_that_is_said():
    app = opened(loss="bce", over="mse")
    spec, _ = spec_and_names(app)
    assert spec["hconcat"][0]["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0, 8]
    assert "Beyond the scales: MSE, loss 0 to 25, gradient −10 to 6." in texts(app)
    alone = opened(loss="mse", over="none")
    assert spec_and_names(alone)[0]["hconcat"][0]["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0, 25]
    assert "Beyond the scales" not in texts(alone)


@pytest.mark.parametrize("loss", LOSSES)
def test_train_with_this_loss_opens_compare_with_it(loss):
    app = opened(loss=loss, over="none")
    ((page, params),) = links(app)["Train with this loss"]
    comparison, notes = read({name: [value.replace("%7E", "~")] for name, value in params.items()})
    assert page == "" or "compare" in page
    assert comparison == shown_on(loss) and not notes
    assert comparison.baseline.loss == loss


def test_cross_entropy_goes_from_logits_to_the_gradient():
    app = opened(view="cross_entropy", z0="0", z1="0", z2="0", rows="1", smoothing="0.3", **{"class": "2"})
    shown = texts(app)
    assert (
        "picked from the log-softmax, −1.099, and its sign is flipped: 1.099. "
        "With one row, that is the loss: **1.099**." in shown
    )
    steps = app.table[0].value.set_index("row 0")
    assert steps.loc["autograd"].tolist() == steps.loc["formula"].tolist() == ["0.3333", "0.3333", "−0.6667"]
    assert steps.loc["log-softmax"].tolist() == ["−1.099"] * 3  # -ln 3
    assert "the formula softmax − one-hot: in float64 the two differ by" in app.success[0].value
    choose(app, "Rows in the batch", "2")
    assert re.search(r"mean over the rows: \(1\.099 \+ 0\.3715\) / 2 = \*\*0\.7351\*\*", texts(app))
    assert "(softmax − one-hot) / 2" in app.success[0].value
    same = app.table[2].value["loss"]
    assert len(set(same.iloc[:2])) == len(set(same.iloc[2:])) == 1 and len(app.table) == 3


def test_softmax_twice_has_the_floor_and_the_faded_gradient():
    app = opened(view="softmax")
    assert [metric.value for metric in app.metric] == ["20", "1.414", "1.551", "2.338e−5"]
    assert "0.3133 for 2 classes, 0.5514 for 3 classes, 1.4612 for 10 classes" in texts(app)
    choose(app, "Classes", "10")
    assert f"**{number(softmax_twice.floor(10))}**" in texts(app)
    choose(app, "Logit of the right class", "12")
    choose(app, "Logit of a wrong class", "-12")
    once, _, twice, _ = (float(metric.value.replace("−", "-")) for metric in app.metric)
    assert once < 1e-3 and twice > softmax_twice.floor(10) - 1e-3
    ((_, params),) = links(app)["Train with both"]
    assert params == {"view": "traps", "trap": "softmax_twice_10"}


def test_the_outlier_is_dragged_through_three_fits():
    app = opened(view="outlier", y="-10")
    fits = {loss: outlier.fit(loss, -10.0) for loss in outlier.FITTED}
    for one in fits.values():
        assert f"y = **{number(one.weight)} x" in texts(app)
        assert f"prediction: **{number(one.pull)}**" in texts(app)
    choose(app, "Where the outlier is", "12")
    assert address(app) == {"view": "outlier", "y": "12"}
    assert f"y = **{number(outlier.fit('mse', 12.0).weight)} x" in texts(app)
    ((_, params),) = links(app)["Train all three on a line with outliers"]
    assert params["dataset"] == "line" and params["model"] == "linear"


def test_stability_at_both_ends():
    app = opened(view="stability")
    assert app.table[0].value["loss"].tolist() == ["200", "100", "inf"]
    assert app.table[0].value["gradient"].tolist() == ["1", "0", "nan"]
    choose(app, "Output z", "5")
    assert len(set(app.table[0].value["gradient"])) == 1
    choose(app, "Output z", "25")
    assert app.table[0].value["loss"].tolist()[:2] == ["25", "100"]
    choose(app, "Precision", "float64")
    assert app.table[0].value["loss"].tolist() == ["25", "25", "25"]


def test_three_questions_lead_to_a_loss():
    app = opened(view="which")
    assert [card.value for card in app.header] == ["MSE", "L1", "Huber", "Smooth L1"]
    choose(app, "What is to be predicted?", "classes")
    assert app.header[0].value == "Cross-entropy"
    choose(app, "What does the model end in?", "LogSoftmax")
    assert [card.value for card in app.header] == ["NLL"]
    assert address(app) == {"view": "which", "task": "classes", "form": "class_index", "last": "LogSoftmax"}
    sound(next(b for b in app.button if b.label == "Look at it").click().run())
    assert address(app)["view"] == "one" and address(app)["loss"] == "nll"


LINKS = [
    {"view": "one", "loss": "kl_div", "over": "nll.bce", "target": "0", "at": "2.25"},
    {"view": "one", "loss": "huber", "over": "none", "target": "-3", "at": "-4"},
    {"view": "cross_entropy", "z0": "-10", "z1": "0.5", "z2": "10", "class": "1", "rows": "4",
     "smoothing": "0.5"},
    {"view": "softmax", "classes": "2", "right": "-3.5", "rival": "12"},
    {"view": "outlier", "y": "7"},
    {"view": "stability", "z": "-200", "label": "1", "dtype": "float64"},
    {"view": "which", "task": "binary", "form": "one_hot", "last": "LogSoftmax"},
]  # fmt: skip


@pytest.mark.parametrize("link", LINKS, ids=lambda link: joined(list(link.values())[:2]))
def test_a_link_restores_every_choice(link):
    app = opened(**link)
    assert address(app) == link and not app.warning


BAD = [
    ({"view": "nothing"}, 1),
    ({"loss": "Module"}, 1),
    ({"loss": "<b>", "target": "nan", "at": "1e9"}, 3),
    ({"loss": "nll", "over": "none", "target": "0.5"}, 1),
    ({"over": "mse.mse.evil.l1"}, 1),
    ({"over": ".".join(LOSSES)}, 1),
    ({"over": "x" * 5000}, 1),
    ({"view": "cross_entropy", "z0": "inf", "class": "3", "rows": "1000000"}, 3),
    ({"view": "softmax", "classes": "100000"}, 1),
    ({"view": "outlier", "y": "1e300"}, 1),
    ({"view": "stability", "dtype": "complex64", "z": "٣"}, 2),
    ({"view": "which", "task": "regression", "form": "class_index"}, 1),
    ({"what": "ever"}, 1),
]


@pytest.mark.parametrize(("link", "sentences"), BAD)
def test_a_bad_link_gets_a_sentence_for_each_and_shows_the_page(link, sentences):
    app = opened(**link)
    assert len(app.warning) == sentences
    for warning in app.warning:
        assert "<" not in warning.value and len(warning.value) < 250
    assert app.table or app.header or app.get("vega_lite_chart")
    assert "over" not in link or len(spec_and_names(app)[1]) <= 6


def test_choices_outlive_another_page():
    app = opened(view="outlier", y="7")
    app.query_params.clear()
    app.switch_page("pages/traps.py")
    sound(app.run())
    app.query_params.clear()
    app.switch_page("pages/losses.py")
    sound(app.run())
    assert address(app) == {"view": "outlier", "y": "7"}


def test_a_choice_is_not_undone_by_an_address_that_the_browser_has_not_caught_up_with():
    app = opened(loss="mse", over="none", target="1")
    choose(app, "Target", "0.75")
    for value in ("0.5", "0.25"):  # both clicked before the browser has heard of 0.75
        app.query_params["target"] = "1"
        choose(app, "Target", value)
        assert address(app)["target"] == value
    app.query_params["target"] = "0.5"  # written by the page, and now out of date
    choose(app, "Prediction", "0")
    assert (address(app)["target"], address(app)["at"]) == ("0.25", "0")
    app.query_params["target"] = "-3"  # a link
    sound(app.run())
    assert address(app)["target"] == "-3"
