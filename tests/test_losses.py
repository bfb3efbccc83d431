"""Losses: hand formulas, exact gradients, their terms, which goes with which data set, accuracy."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core import Config, Run
from core.build import build
from core.config import KNOBS
from core.data import DATASETS, FORMS_OF_TASK
from core.evaluation import accuracy
from core.export import setup
from core.losses import LOSSES, FocalLoss, Loss, fitting, form, refusal, terms, unreduced

OUTPUTS = np.array([[2.0, -1.0, 0.5], [-0.3, 4.0, 1.0], [0.2, 0.1, -6.0], [9.0, 9.5, 10.0]])
CLASSES = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(3)[CLASSES]


SHARES = np.array([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0], [0.25, 0.5, 0.25], [1.0, 0.0, 0.0]])


def written(config, device="cpu"):
    return setup(config, build(config), device)


def huber(errors):
    return np.where(abs(errors) < 1, errors**2 / 2, abs(errors) - 0.5).mean()


def softmax(outputs):
    return np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)


def sigmoid(outputs):
    return 1 / (1 + np.exp(-outputs))


LOGS = np.log(softmax(OUTPUTS))
PICKED = LOGS[np.arange(4), CLASSES]
P = np.where(ONE_HOT == 1, sigmoid(OUTPUTS), sigmoid(-OUTPUTS))  # of the right answer
HAND = {  # loss -> targets and value, from the formula shown with it
    "mse": (ONE_HOT, ((OUTPUTS - ONE_HOT) ** 2).mean()),
    "l1": (ONE_HOT, abs(OUTPUTS - ONE_HOT).mean()),
    "huber": (ONE_HOT, huber(OUTPUTS - ONE_HOT)),
    "smooth_l1": (ONE_HOT, huber((OUTPUTS - ONE_HOT) / 0.5).mean() * 0.5),
    "cross_entropy": (CLASSES, -PICKED.mean()),
    "smoothed": (CLASSES, -(0.9 * PICKED + 0.1 * LOGS.mean(axis=1)).mean()),
    "weighted": (CLASSES, -(np.array([3, 1, 1, 1]) * PICKED).sum() / 6),  # class 0 in the first row alone
    "nll": (CLASSES, -PICKED.mean()),
    "kl_div": (SHARES, np.where(SHARES > 0, SHARES * (np.log(np.maximum(SHARES, 1e-9)) - LOGS), 0).sum() / 4),
    "focal": (ONE_HOT, -((1 - P) ** 2 * np.log(P)).mean()),
    "bce_of_sigmoid": (ONE_HOT, -np.log(P).mean()),
    "bce": (
        ONE_HOT,
        -(ONE_HOT * np.log(sigmoid(OUTPUTS)) + (1 - ONE_HOT) * np.log(1 - sigmoid(OUTPUTS))).mean(),
    ),
}


def loss_fn(name):
    """Of three logits or values a row, as a model that ends in the loss's own layer has it."""
    row = LOSSES[name]
    loss, last = row.build(3).double(), row.last() if row.last else torch.nn.Identity()
    return lambda outputs, targets: loss(last(outputs), targets)


def test_every_loss_has_its_hand_formula():
    assert HAND.keys() == LOSSES.keys()


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_the_mean_over_all_entries_of_its_formula(name):
    targets, expected = HAND[name]
    loss = loss_fn(name)(torch.tensor(OUTPUTS), torch.tensor(targets))
    assert loss.shape == () and loss.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_a_loss_agrees_with_finite_differences(name):
    targets = torch.tensor(HAND[name][0])
    outputs = torch.tensor(OUTPUTS, requires_grad=True)  # nowhere at a kink of L1, Huber or smooth L1
    assert torch.autograd.gradcheck(lambda z: loss_fn(name)(z, targets), (outputs,))


def test_softmax_is_inside_cross_entropy_and_sigmoid_inside_bce():
    # 0 everywhere: every class equally likely, so log(3) and log(2) nats
    zeros = torch.zeros(4, 3, dtype=torch.float64)
    assert loss_fn("cross_entropy")(zeros, torch.tensor(CLASSES)).item() == pytest.approx(np.log(3))
    assert loss_fn("bce")(zeros, torch.tensor(ONE_HOT)).item() == pytest.approx(np.log(2))


def test_large_logits_do_not_overflow():
    outputs, targets = torch.tensor([[200.0], [-200.0]]), torch.tensor([[0.0], [1.0]])
    assert loss_fn("bce")(outputs, targets).item() == 200
    assert loss_fn("cross_entropy")(torch.tensor([[0.0, 500.0]]), torch.tensor([0])).item() == 500


ANY = ("mse", "l1", "huber", "smooth_l1")
YES_OR_NO = ("bce", "bce_of_sigmoid", "focal")
BY_INDEX = dict.fromkeys(("cross_entropy", "smoothed", "weighted", "nll"), "class_index")
FITTING = {
    "regression": dict.fromkeys(ANY, "values"),
    "binary": {**dict.fromkeys(ANY + YES_OR_NO, "zero_one"), **BY_INDEX, "kl_div": "one_hot"},
    "classes": {**dict.fromkeys(ANY + YES_OR_NO, "one_hot"), **BY_INDEX, "kl_div": "one_hot"},
}


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_data_set_offers_the_losses_whose_targets_it_has(dataset):
    expected = FITTING[DATASETS[dataset].task]
    usual = {"regression": "mse", "binary": "bce", "classes": "cross_entropy"}[DATASETS[dataset].task]
    assert fitting(dataset)[0] == usual and sorted(fitting(dataset)) == sorted(expected)
    assert {name: form(name, dataset) for name in expected} == expected


@pytest.mark.parametrize("dataset", ["deliveries", "line", "sine", "diabetes"])
@pytest.mark.parametrize("loss", [*BY_INDEX, *YES_OR_NO, "kl_div"])
def test_regression_is_never_offered_a_loss_for_classes(dataset, loss):
    assert form(loss, dataset) is None
    assert loss not in fitting(dataset)


def test_every_form_that_a_loss_takes_is_offered_by_some_task():
    offered = {name for forms in FORMS_OF_TASK.values() for name in forms}
    assert {name for row in LOSSES.values() for name in row.takes} == offered


def test_accuracy_with_one_output_asks_for_its_side_of_the_threshold():
    outputs = torch.tensor([[-2.0], [0.1], [0.4], [0.6]])
    targets = torch.tensor([[0.0], [1.0], [1.0], [1.0]])
    # logits name class 1 above 0; outputs trained toward 0 and 1 do above 0.5
    assert accuracy(outputs, targets, "zero_one", LOSSES["bce"].share).item() == 1.0
    assert accuracy(outputs, targets, "zero_one", LOSSES["focal"].share).item() == 1.0
    for loss in (*ANY, "bce_of_sigmoid"):
        assert accuracy(outputs, targets, "zero_one", LOSSES[loss].share).item() == 0.5


def test_one_half_is_not_above_one_half():
    zero = torch.tensor([[0.0]])
    assert accuracy(zero, zero, "zero_one", LOSSES["bce"].share).item() == 1.0
    assert accuracy(zero + 0.5, zero, "zero_one", LOSSES["mse"].share).item() == 1.0


def test_accuracy_with_several_outputs_asks_for_the_largest():
    # the largest outputs are 0, 1, 0, 2; the classes 0, 2, 1, 2
    outputs = torch.tensor(OUTPUTS)
    assert accuracy(outputs, torch.tensor(CLASSES), "class_index", None).item() == 0.5
    assert accuracy(outputs, torch.tensor(ONE_HOT), "one_hot", None).item() == 0.5


def test_accuracy_of_regression_is_refused():
    with pytest.raises(ValueError, match="must be classes for an accuracy; got values"):
        accuracy(torch.zeros(2, 1), torch.zeros(2, 1), "values", None)


# -- terms, arguments, last layers ------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_the_terms_of_a_loss_over_their_divisor_are_the_loss(name):
    targets, expected = HAND[name]
    row = LOSSES[name]
    outputs = row.last()(torch.tensor(OUTPUTS)) if row.last else torch.tensor(OUTPUTS)
    found = terms(name, outputs, torch.tensor(targets))
    assert found.values.sum().item() / found.divisor == pytest.approx(expected, rel=1e-12)
    assert found.divisor == {"weighted": 6, "kl_div": 4}.get(name, 4 if name in BY_INDEX else 12)
    assert found.values.shape == ((4,) if name in BY_INDEX else (4, 3))


def test_rows_that_are_ignored_do_not_weigh_either():
    outputs, targets = torch.tensor(OUTPUTS), torch.tensor([0, -100, 1, -100])
    found = terms("weighted", outputs, targets)
    assert found.divisor == 4 and found.values[1] == 0
    expected = torch.nn.functional.cross_entropy(outputs, targets, torch.tensor([3.0, 1, 1]).double())
    assert found.values.sum() / found.divisor == pytest.approx(expected.item())


def test_terms_of_a_loss_leave_the_loss_as_it_is():
    loss = LOSSES["weighted"].build(3)
    assert unreduced(loss).reduction == "none" and loss.reduction == "mean"
    assert unreduced(loss).weight is loss.weight


class Total(torch.nn.Module):
    def forward(self, outputs, targets):
        return (outputs - targets).sum()


def test_a_loss_that_is_no_mean_has_no_terms(monkeypatch):
    monkeypatch.setitem(LOSSES, "mse", replace(LOSSES["mse"], module=Total))
    assert terms("mse", torch.zeros(2, 1), torch.zeros(2, 1)) is None


def test_a_sum_is_its_terms_undivided():
    found = terms("mse", torch.tensor([[3.0], [1.0]]), torch.zeros(2, 1), (("reduction", "sum"),))
    assert found.values.flatten().tolist() == [9.0, 1.0] and found.divisor == 1


SUM = (("reduction", "sum"),)
BY_HAND = [  # loss, arguments, outputs, targets -> its value, from the formula on the page of its class
    ("huber", (("delta", 2.0),), [[3.0], [1.0]], [[0.0], [0.0]], (2 * (3 - 1) + 0.5) / 2),
    ("huber", (("delta", 2.0), *SUM), [[3.0], [1.0]], [[0.0], [0.0]], 4.5),
    ("smooth_l1", (("beta", 2.0),), [[3.0], [1.0]], [[0.0], [0.0]], ((3 - 1) + 0.25) / 2),
    ("smooth_l1", (("beta", 0.0),), [[3.0], [1.0]], [[0.0], [0.0]], 2.0),
    ("l1", SUM, [[3.0], [-1.0]], [[0.0], [0.0]], 4.0),
    ("mse", SUM, [[3.0], [-1.0]], [[0.0], [0.0]], 10.0),
    ("focal", (("gamma", 0.0),), [[0.0], [0.0]], [[1.0], [0.0]], math.log(2)),
    ("focal", (("gamma", 1.0), *SUM), [[0.0], [0.0]], [[1.0], [0.0]], 2 * 0.5 * math.log(2)),
    ("bce", (("pos_weight", (3.0,)),), [[0.0], [0.0]], [[1.0], [0.0]], (3 + 1) / 2 * math.log(2)),
    ("bce", (("weight", (3.0,)),), [[0.0], [0.0]], [[1.0], [0.0]], 3 * math.log(2)),
    ("bce_of_sigmoid", SUM, [[0.5], [0.25]], [[1.0], [0.0]], -math.log(0.5) - math.log(0.75)),
    ("cross_entropy", (("weight", (3.0, 1.0)),), [[0.0, 0.0], [0.0, math.log(3)]], [0, 1],
     (3 * math.log(2) - math.log(0.75)) / 4),
    ("cross_entropy", (("label_smoothing", 0.5),), [[0.0, math.log(3)]], [1],
     -0.5 * math.log(0.75) - 0.25 * (math.log(0.25) + math.log(0.75))),
    ("cross_entropy", (("ignore_index", 1),), [[0.0, 0.0], [0.0, 5.0]], [0, 1], math.log(2)),
    ("nll", (("weight", (2.0, 1.0)), *SUM), [[-1.0, -3.0], [-0.5, -4.0]], [0, 1], 2 * 1.0 + 4.0),
    ("kl_div", (("reduction", "mean"),), [[math.log(0.25), math.log(0.75)]], [[0.5, 0.5]],
     (0.5 * math.log(2) + 0.5 * math.log(0.5 / 0.75)) / 2),
    ("kl_div", (("log_target", True), *SUM), [[math.log(0.25)] * 2], [[math.log(0.5)] * 2], math.log(2)),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # KLDivLoss says what it will change
@pytest.mark.parametrize(("loss", "given", "outputs", "targets", "value"), BY_HAND)
def test_an_argument_of_a_loss_has_the_effect_of_its_formula(loss, given, outputs, targets, value):
    outputs = torch.tensor(outputs, dtype=torch.float64)
    targets = torch.tensor(targets, dtype=torch.long if isinstance(targets[0], int) else torch.float64)
    built = LOSSES[loss].build(outputs.shape[1], given).double()
    assert built(outputs, targets).item() == pytest.approx(value, rel=1e-12)
    assert refusal(loss, given) is None
    names = {"nn": torch.nn, "torch": torch, "FocalLoss": FocalLoss}
    again = eval(LOSSES[loss].expression(outputs.shape[1], given), names)
    assert again.double()(outputs, targets).item() == built(outputs, targets).item()


def test_arguments_of_losses_are_those_of_their_classes_and_all_are_tried():
    tried = {(loss, name) for loss, given, *_ in BY_HAND for name, _ in given}
    assert {name for _, name in tried} == {name for row in LOSSES.values() for name in row.offered}
    assert all(name in LOSSES[loss].offered for loss, name in tried)
    assert not any({"size_average", "reduce"} & row.offered.keys() for row in LOSSES.values())


@pytest.mark.parametrize(("loss", "given", "said"), [
    ("cross_entropy", (("label_smoothing", 2.0),), "label_smoothing must be between 0.0 and 1.0. Got: 2"),
    ("mse", (("reduction", "batchmean"),), "batchmean is not a valid value for reduction"),
    ("focal", (("reduction", "batchmean"),), "batchmean is not a valid value for reduction"),
])  # fmt: skip
def test_what_a_loss_does_not_take_is_refused_in_the_words_of_its_class(loss, given, said):
    assert said in refusal(loss, given)
    dataset = "line" if loss == "mse" else "moons"
    with pytest.raises(ValueError, match=r"^loss_arguments must be what PyTorch takes, which says") as caught:
        Config(dataset=dataset, loss=loss, loss_arguments=given)
    assert said in str(caught.value)


WRITTEN = {
    "smooth_l1": "nn.SmoothL1Loss(beta=0.5)",
    "focal": "FocalLoss(gamma=2.0)",
    "smoothed": "nn.CrossEntropyLoss(label_smoothing=0.1)",
    "weighted": "nn.CrossEntropyLoss(weight=torch.tensor([3.0, 1.0, 1.0]))",
    "kl_div": "nn.KLDivLoss(reduction='batchmean')",
    "bce_of_sigmoid": "nn.BCELoss()",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_arguments_of_a_loss_are_those_of_the_script(name):
    assert f"loss_fn = {WRITTEN[name]}" in written(Config(dataset="iris", loss=name))
    known = {"nn": torch.nn, "torch": torch, "FocalLoss": FocalLoss}
    built = eval(WRITTEN[name], known)
    own = LOSSES[name].build(3)
    plain = [{k: v for k, v in vars(one).items() if not k.startswith("_")} for one in (built, own)]
    assert plain[0] == plain[1]
    assert [b.tolist() for b in built.buffers()] == [b.tolist() for b in own.buffers()]


def test_weights_are_in_the_precision_of_the_run():
    assert written(Config(dataset="iris", loss="weighted", dtype="float64"))[2].endswith("])).double()")
    assert written(Config(dataset="iris", loss="smoothed", dtype="float64"))[2].endswith("=0.1)")
    assert written(Config(dataset="iris", loss="weighted"), "cuda:0")[4] == "loss_fn.to('cuda:0')"
    run = Run(Config(dataset="iris", loss="weighted", dtype="float64", steps=2)).advance()
    assert run.error is None and run.history.losses.dtype == np.float64


@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_log_softmax_and_nll_are_cross_entropy_to_the_last_bit(model):
    """CrossEntropyLoss "is equivalent to applying LogSoftmax on an input, followed by NLLLoss" (PyTorch)."""
    nll, usual = (
        Run(Config(dataset="iris", model=model, loss=loss, batch_size=16, steps=40)).advance()
        for loss in ("nll", "cross_entropy")
    )
    assert np.array_equal(nll.history.losses, usual.history.losses)
    for one, other in zip(nll.model.parameters(), usual.model.parameters(), strict=True):
        assert torch.equal(one, other)
    scores = [run.history.evaluations for run in (nll, usual)]
    assert scores[0].equals(scores[1])


@pytest.mark.parametrize(
    ("loss", "dataset", "same"), [("bce_of_sigmoid", "moons", "bce"), ("kl_div", "iris", "cross_entropy")]
)
def test_a_last_layer_makes_what_the_loss_takes(loss, dataset, same):
    runs = [
        Run(Config(dataset=dataset, loss=name, dtype="float64", steps=60)).advance() for name in (loss, same)
    ]
    np.testing.assert_allclose(runs[0].history.losses, runs[1].history.losses, rtol=1e-9)
    scores = [run.history.evaluations["train_accuracy"] for run in runs]
    assert scores[0].equals(scores[1])


# -- the focal loss -----------------------------------------------------------------------------


def test_focal_of_gamma_0_is_bce_and_of_2_shrinks_what_is_easy():
    outputs, targets = torch.tensor(OUTPUTS), torch.tensor(SHARES)
    bce = torch.nn.BCEWithLogitsLoss(reduction="none")(outputs, targets)
    assert torch.equal(FocalLoss(0.0, "none")(outputs, targets), bce)
    # Lin et al. 2017, section 3.2: with gamma 2, p = 0.9 counts 100 times less, p = 0.968 about 1000 times
    for p, times in ((0.9, 100), (0.968, 1 / 0.032**2)):
        z, one = torch.tensor([np.log(p / (1 - p))]), torch.ones(1, dtype=torch.float64)
        ratio = torch.nn.BCEWithLogitsLoss()(z, one) / FocalLoss(2.0)(z, one)
        assert ratio.item() == pytest.approx(times, rel=1e-9)


def test_focal_adds_up_as_it_is_told_and_refuses_other_shapes():
    outputs, targets = torch.tensor(OUTPUTS), torch.tensor(ONE_HOT)
    each = FocalLoss(reduction="none")(outputs, targets)
    assert each.shape == (4, 3)
    assert FocalLoss(reduction="sum")(outputs, targets).item() == pytest.approx(each.sum().item())
    assert FocalLoss()(outputs, targets).item() == pytest.approx(each.mean().item())
    with pytest.raises(ValueError, match="must be the same as input size"):
        FocalLoss()(outputs, targets[:, 0])


def test_focal_keeps_its_digits_where_the_answer_is_sure():
    z = torch.tensor([30.0])
    tiny = FocalLoss()(z, torch.ones(1)).item()
    assert tiny == pytest.approx(np.exp(-90.0), rel=1e-4)  # (1 - p)^2 times -log p, both about e^-30


def new_loss(module, share):
    return Loss("Mine", module, ("zero_one", "one_hot"), "f", "Two classes.", "nats", share)


@pytest.mark.parametrize(
    "share",
    [
        None,
        lambda z: z,  # no probability
        lambda z: -z.sigmoid() + 1,  # falls
        lambda z: z.sigmoid().round().bool(),
        lambda z: z.sigmoid().mean(),
        lambda z: z.sigmoid() * 2,
        lambda z: z.sigmoid() / 2 + 0.5,
        lambda z: z.sigmoid() * torch.nan,
        lambda z: z.nosuch(),
        lambda z: 0.5,
    ],
)  # fmt: skip
def test_a_loss_that_does_not_say_what_its_outputs_mean_is_refused_by_name(share):
    with pytest.raises(ValueError, match=r"^share of the loss Mine must say how outputs become"):
        new_loss(nn.BCEWithLogitsLoss, share)


def test_only_losses_for_targets_of_0_and_1_need_a_share():
    assert {name for name, loss in LOSSES.items() if loss.share} == {*ANY, *YES_OR_NO}


def test_a_new_loss_of_logits_shows_the_accuracy_of_its_logits(monkeypatch):
    """Before share was asked for, it was that of outputs above 0.5, in silence."""
    monkeypatch.setitem(LOSSES, "mine", new_loss(nn.BCEWithLogitsLoss, torch.sigmoid))
    monkeypatch.setitem(KNOBS["loss"].choices, "mine", "Mine")
    run = Run(Config(dataset="moons", loss="mine", steps=15, lr=0.2)).advance()
    with torch.no_grad():
        logits = run.model(run.data.inputs)
    expected = ((logits > 0) == (run.data.targets > 0.5)).double().mean().item()
    at_half = ((logits > 0.5) == (run.data.targets > 0.5)).double().mean().item()
    assert run.history.evaluations["train_accuracy"].iloc[-1] == pytest.approx(expected, abs=1e-6)
    assert expected - at_half > 0.3
