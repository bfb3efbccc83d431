"""The ledger of .grad: this batch plus leftover, held against hand calculation and a plain loop."""

import math
import re

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core import Config, Run
from core.history import History
from core.lines import from_letters
from core.watch.ledger import (
    MAX_BARS,
    axis_end,
    element_name,
    joined,
    ledger,
    overrules,
    table,
    why_norms_only,
)

COLUMNS = ["step", "loss", "fresh", "leftover", "grad", "overruled"]


def zeros(dtype=torch.float32):
    """A line that starts at w = b = 0."""
    model = nn.Linear(1, 1, dtype=dtype)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return model


def deliveries(letters="FLBS", full=True, **choices):
    given_things = {"dataset": "deliveries", "model": "linear", "lr": 0.01, "steps": 12} | choices
    config = Config(**given_things, loop=from_letters(letters))
    return Run(config, model=zeros(getattr(torch, config.dtype)), full=full).advance()


def mlp(letters="FLBS", full=True, **choices):
    given_things = {"dataset": "moons", "hidden": (5,), "lr": 0.1, "steps": 30} | choices
    return Run(Config(**given_things, loop=from_letters(letters)), full=full).advance()


def made(fresh, leftover, dtype=torch.float32):
    """The history of one weight of shape (1, 2): rows of two numbers, None where there was none."""
    history = History(nn.Linear(2, 1, bias=False, dtype=dtype), full=True)
    for new, old in zip(fresh, leftover, strict=True):
        row = history.begin()
        row.loss = torch.tensor(1.0)
        row.fresh_grads = None if new is None else [torch.tensor([new], dtype=dtype)]
        row.leftovers = None if old is None else [torch.tensor([old], dtype=dtype)]
    history.flush()
    return history


# -- the deliveries ------------------------------------------------------------------------

# The weight of a line on x = 1, 2, 3, 4 and y = 6.96, 12.11, 16.77, 22.21, SGD at lr 0.01, without
# zero_grad, run with torch 2.13 line by line and rounded to two places: loss, this batch, leftover,
# .grad, and whether the leftover overrules the fresh sign.
WITHOUT_ZERO_GRAD = [
    (242.40, -85.17, 0.0, -85.17, False),
    (168.21, -70.94, -85.17, -156.10, False),
    (67.31, -44.86, -156.10, -200.97, False),
    (4.30, -11.29, -200.97, -212.26, False),
    (19.51, 24.17, -212.26, -188.09, True),
    (103.21, 55.60, -188.09, -132.49, True),
    (201.81, 77.74, -132.49, -54.75, True),
    (252.20, 86.90, -54.75, 32.15, False),  # 32.15 has the fresh sign again
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_deliveries_without_zero_grad_give_the_known_table(dtype):
    found = ledger(deliveries(dtype=dtype).history, "weight", 0)
    assert list(found.columns) == COLUMNS
    assert found["step"].tolist() == list(range(12))
    for row, expected in zip(found.itertuples(index=False), WITHOUT_ZERO_GRAD, strict=False):
        assert row[1:5] == pytest.approx(expected[:4], abs=0.0051)
        assert bool(row.overruled) is expected[4]


def test_the_first_gradient_is_that_of_the_formula():
    """d MSE / dw at w = b = 0 is -2 * mean(x * y), and d MSE / db is -2 * mean(y)."""
    history = deliveries(dtype="float64").history
    x, y = np.array([1.0, 2, 3, 4]), np.array([6.96, 12.11, 16.77, 22.21])
    assert ledger(history, "weight", 0)["fresh"][0] == pytest.approx(-2 * np.mean(x * y), rel=1e-6)
    assert ledger(history, "bias", 0)["fresh"][0] == pytest.approx(-2 * np.mean(y), rel=1e-6)


def test_with_zero_grad_nothing_is_left_over_and_nothing_overruled():
    for letters in ("ZFLBS", "FLBSZ", "0FLBS"):
        found = ledger(deliveries(letters).history, "weight", 0)
        assert (found["leftover"] == 0).all() and not found["overruled"].any()
        np.testing.assert_array_equal(found["grad"], found["fresh"])
        assert (found["fresh"] != 0).all()


def test_the_display_table_has_the_same_numbers_in_words():
    shown = table(ledger(deliveries().history, "weight", 0))
    assert list(shown.columns) == ["Step", "Loss", "This batch", "Leftover", ".grad", "Leftover overrules"]
    assert shown["Step"].tolist() == list(range(12))
    assert shown["Leftover overrules"][:8].tolist() == ["", "no", "no", "no", "yes", "yes", "yes", "no"]
    assert shown["This batch"][:2].tolist() == ["−85.17", "−70.94"]
    assert shown[".grad"][1] == "−156.1" and shown["Leftover"][0] == "0"


# -- the bits of autograd ------------------------------------------------------------------

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
}


def accumulated(make_optimizer, dtype, steps=40):
    """.grad of the weight after each backward of a plain loop that never calls zero_grad."""
    model, seen = zeros(dtype), []
    inputs = torch.tensor([[1.0], [2], [3], [4]], dtype=dtype)
    targets = torch.tensor([[6.96], [12.11], [16.77], [22.21]], dtype=dtype)
    optimizer = make_optimizer(model.parameters())
    for _ in range(steps):
        nn.functional.mse_loss(model(inputs), targets).backward()
        seen.append(model.weight.grad.item())
        optimizer.step()
    return seen


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fresh_plus_leftover_has_the_bits_of_autograds_own_accumulation(name, dtype):
    kind = {"sgd": {}, "momentum": {"momentum": 0.9}, "adam": {"optimizer": "adam"}}[name]
    inputs = torch.tensor([[1.0], [2], [3], [4]], dtype=getattr(torch, dtype))
    targets = torch.tensor([[6.96], [12.11], [16.77], [22.21]], dtype=getattr(torch, dtype))
    choices = {"dataset": "deliveries", "model": "linear", "lr": 0.01, "steps": 40, "dtype": dtype}
    config = Config(**choices, **kind, loop=from_letters("FLBS"))
    run = Run(config, model=zeros(getattr(torch, dtype)), data=(inputs, targets)).advance()
    expected = accumulated(OPTIMIZERS[name], getattr(torch, dtype))
    assert ledger(run.history, "weight", 0)["grad"].tolist() == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "kind",
    [{}, {"momentum": 0.9}, {"optimizer": "adam"}, {"batch_size": 16}, {"batch_size": 7, "momentum": 0.5}],
    ids=str,
)
def test_the_sum_has_the_bits_of_what_the_optimizer_saw(kind, dtype):
    history = mlp(dtype=dtype, **kind).history
    for name, grads in history.grads.items():
        flat = grads.reshape(len(grads), -1)
        for element in {0, flat.shape[1] // 2, flat.shape[1] - 1}:
            found = ledger(history, name, element)
            np.testing.assert_array_equal(found["grad"].to_numpy().astype(dtype), flat[:, element])
            assert (found["leftover"][1:].to_numpy().astype(dtype) == flat[:-1, element]).all()


def test_the_sum_is_rounded_as_the_tensor_is():
    """2^24 + 1 lies between two numbers of float32 and goes to the even one; double holds it."""
    big = 2.0**24
    single, double = (
        ledger(made([[1.0, 0.0]], [[big, 0.0]], dtype), "weight", 0)["grad"][0]
        for dtype in (torch.float32, torch.float64)
    )
    assert (single, double) == (big, big + 1)


# -- what overrules ------------------------------------------------------------------------

CASES = [  # fresh, leftover, overruled
    (2.0, 0.0, False),
    (2.0, 5.0, False),
    (2.0, -1.0, False),  # .grad is smaller, and still points where the batch points
    (2.0, -3.0, True),
    (-2.0, 3.0, True),
    (-2.0, -3.0, False),
    (2.0, -2.0, True),  # canceled: .grad does not go where the batch points
    (0.0, -3.0, False),  # the batch asked for nothing
    (0.0, 0.0, False),
    (2.0, -math.inf, True),
    (math.inf, -math.inf, False),  # there is no sum
    (math.nan, 1.0, False),
]


@pytest.mark.parametrize(("fresh", "leftover", "expected"), CASES)
def test_the_leftover_overrules_where_the_sum_has_not_the_fresh_sign(fresh, leftover, expected):
    found = ledger(made([[9.0, fresh]], [[9.0, leftover]]), "weight", 1)
    assert found["overruled"].dtype == bool
    assert found["overruled"].tolist() == [expected]


numbers = st.floats(-1e6, 1e6, width=32)


@given(numbers, numbers)
def test_overruling_is_what_the_signs_say(fresh, leftover):
    total = np.float32(fresh) + np.float32(leftover)
    followed = (total > 0 and fresh > 0) or (total < 0 and fresh < 0)
    expected = fresh != 0 and leftover != 0 and not followed
    assert bool(overrules(torch.tensor(fresh), torch.tensor(leftover))) == expected


# -- whole parameters ----------------------------------------------------------------------


def test_a_whole_parameter_has_norms_and_a_share():
    # (3, 4) + (0, -8) = (3, -4): lengths 5, 8, 5; the second of two entries is overruled
    found = ledger(made([[3.0, 4.0], [6.0, 8.0]], [[0.0, -8.0], None]), "weight")
    assert list(found.columns) == COLUMNS
    assert found["fresh"].tolist() == pytest.approx([5.0, 10.0])
    assert found["leftover"].tolist() == pytest.approx([8.0, 0.0])
    assert found["grad"].tolist() == pytest.approx([5.0, 10.0])
    assert found["overruled"].tolist() == [0.5, 0.0]
    shown = table(found)
    assert shown[".grad (norm)"].tolist() == ["5", "10"]
    assert shown["Leftover overrules"].tolist() == ["50% of entries", ""]


def test_norms_and_share_are_those_of_all_elements():
    history = mlp().history
    for name, shape in history.layout.shapes.items():
        whole, each = ledger(history, name), [ledger(history, name, i) for i in range(math.prod(shape))]
        for column in ("fresh", "leftover", "grad"):
            squares = sum(one[column].to_numpy() ** 2 for one in each)
            np.testing.assert_allclose(whole[column], np.sqrt(squares), rtol=1e-5)
        share = np.mean([one["overruled"] for one in each], axis=0)
        np.testing.assert_allclose(whole["overruled"], share, atol=1e-12)


# Where the step comes before backward, or never, the sum of the last step is not known.
LOOPS = [("FLBS", True), ("ZFLBS", True), ("FLBSZ", True), ("FLZSB", True), ("SFLB", False), ("FLB", False)]


@pytest.mark.parametrize(("letters", "last_is_known"), LOOPS)
def test_where_only_norms_were_kept_they_are_the_same_norms(letters, last_is_known):
    lean, full = (deliveries(letters, full=kept).history for kept in (False, True))
    found, expected = ledger(lean, "weight"), ledger(full, "weight")
    for column in ("step", "loss", "fresh", "leftover"):
        np.testing.assert_allclose(found[column], expected[column], rtol=1e-6)
    known = slice(None) if last_is_known else slice(-1)
    np.testing.assert_allclose(found["grad"][known], expected["grad"][known], rtol=1e-6)
    assert np.isfinite(found["grad"].iloc[-1]) == last_is_known
    assert found["overruled"].isna().all()


def test_why_there_are_no_elements_is_said():
    lean = deliveries(full=False).history
    reason = why_norms_only(lean)
    assert reason is not None and "norms" in reason
    with pytest.raises(ValueError, match=re.escape(reason)):
        ledger(lean, "weight", 0)
    assert why_norms_only(deliveries().history) is None


# -- gaps, parts of a run, names -----------------------------------------------------------


def test_steps_without_backward_are_gaps():
    found = ledger(made([[1.0, 2.0], None, [3.0, 4.0]], [None, [5.0, 6.0], [7.0, 8.0]]), "weight", 0)
    np.testing.assert_array_equal(found["fresh"], [1.0, math.nan, 3.0])
    np.testing.assert_array_equal(found["leftover"], [0.0, math.nan, 7.0])
    np.testing.assert_array_equal(found["grad"], [1.0, math.nan, 10.0])
    assert found["overruled"].tolist() == [False, False, False]
    assert table(found)[".grad"].tolist() == ["1", "–", "10"]
    assert table(found)["Leftover overrules"].tolist() == ["", "", "no"]
    whole = ledger(made([None, [3.0, 4.0]], [None, None]), "weight")
    np.testing.assert_array_equal(whole["grad"], [math.nan, 5.0])
    np.testing.assert_array_equal(whole["overruled"], [math.nan, 0.0])


def test_a_run_that_raises_has_a_gap_at_that_step():
    run = mlp("FLSZB")
    assert run.error is not None and run.error.step == 1
    found = ledger(run.history, "0.weight", 3)
    assert np.isfinite(found["grad"][0]) and np.isnan(found["grad"][1]) and len(found) == 2


@pytest.mark.parametrize("element", [None, 1])
def test_part_of_a_run_is_that_part_of_the_whole(element):
    history = mlp().history
    whole = ledger(history, "0.weight", element)
    for first, last in ((0, 29), (3, 7), (5, 5), (20, 99), (-4, 2), (40, 50)):
        part = ledger(history, "0.weight", element, (first, last))
        expected = whole[whole["step"].between(first, last)].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, expected, check_exact=element is not None)


def test_part_of_a_run_of_norms_knows_the_step_after_it():
    lean, full = (deliveries("SFLB", full=kept).history for kept in (False, True))
    found, expected = (ledger(history, "weight", None, (2, 5)) for history in (lean, full))
    np.testing.assert_allclose(found["grad"], expected["grad"], rtol=1e-6)


@pytest.mark.parametrize("full", [True, False])
def test_a_run_that_has_not_begun_has_an_empty_ledger(full):
    history = Run(Config(dataset="deliveries", model="linear"), full=full).history
    for element in (None, 0)[: 1 + full]:
        found = ledger(history, "weight", element)
        assert list(found.columns) == COLUMNS and len(found) == 0
        assert len(joined([found, found], 0, 10)) == len(table(found)) == 0
        assert axis_end(joined([found, found], 0, 10)) is None


def test_names_of_elements():
    assert element_name("weight", (2, 4), 3) == "weight[0, 3]"
    assert element_name("weight", (2, 4), 4) == "weight[1, 0]"
    assert element_name("0.bias", (16,), 5) == "0.bias[5]"
    assert element_name("scale", (), 0) == "scale"


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_the_name_of_an_element_is_where_it_stands(shape, data):
    element = data.draw(st.integers(0, math.prod(shape) - 1))
    places = [int(part) for part in re.findall(r"\d+", element_name("w", shape, element))]
    assert np.arange(math.prod(shape)).reshape(shape)[tuple(places)] == element


def test_a_number_alone_is_a_parameter_of_one_element():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(0.0))

        def forward(self, inputs):
            return self.scale * inputs

    config = Config(dataset="deliveries", model="linear", lr=0.01, steps=3, loop=from_letters("FLBS"))
    history = Run(config, model=Scaled()).advance().history
    one, whole = ledger(history, "scale", 0), ledger(history, "scale")
    np.testing.assert_allclose(one["grad"].abs(), whole["grad"], rtol=1e-6)
    assert len(one) == 3 and (one["fresh"] != 0).all()


def test_what_is_not_there_is_refused_in_words():
    history = deliveries().history
    with pytest.raises(ValueError, match="parameter must be one of weight, bias; got 'wait'"):
        ledger(history, "wait")
    for element in (-1, 1):
        with pytest.raises(ValueError, match=f"element must be from 0 to 0; got {element}"):
            ledger(history, "weight", element)


# -- two runs in one frame -----------------------------------------------------------------


def series(fresh, leftover=None, loss=1.0):
    """A ledger of one element with these numbers."""
    fresh = np.asarray(fresh, dtype=float)
    leftover = np.zeros(len(fresh)) if leftover is None else np.asarray(leftover, dtype=float)
    turned = np.sign(fresh + leftover) != np.sign(fresh)
    columns = {"loss": loss, "fresh": fresh, "leftover": leftover, "grad": fresh + leftover}
    return pd.DataFrame({"step": np.arange(len(fresh))} | columns | {"overruled": turned & (leftover != 0)})


def test_two_runs_stand_in_one_frame_step_by_step():
    with_zero_grad, without = (ledger(deliveries(x).history, "weight", 0) for x in ("ZFLBS", "FLBS"))
    frame = joined([with_zero_grad, without], 2, 6)
    assert frame["run"].tolist() == ["0"] * 5 + ["1"] * 5
    assert frame["step"].tolist() == [2, 3, 4, 5, 6] * 2
    for run, one in (("0", with_zero_grad), ("1", without)):
        part = frame[frame["run"] == run]
        for column in ("loss", "fresh", "leftover", "grad"):
            np.testing.assert_array_equal(part[column], one[column][2:7])
    marked = frame[frame["mark"] == 1]
    assert marked["run"].unique().tolist() == ["1"] and marked["step"].tolist() == [4, 5, 6]
    assert frame["answer"].tolist() == [""] * 5 + ["no", "no", "yes", "yes", "yes"]


def test_a_wide_window_is_cut_to_the_last_steps_that_fit():
    runs = [series(np.ones(1000)), series(np.ones(300))]
    frame = joined(runs, 0, 280)
    for run in "01":
        assert frame["step"][frame["run"] == run].tolist() == list(range(281 - MAX_BARS, 281))
    assert joined(runs, 0, 5000)["step"].max() == 999
    assert joined(runs, 900, 950)["run"].unique().tolist() == ["0"]
    assert joined(runs, 100, 100 + MAX_BARS - 1)["step"].min() == 100


values = st.floats(-1e9, 1e9)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=20))
@settings(deadline=None)
def test_bars_stack_up_and_down_apart_from_zero(pairs):
    frame = joined([series(*zip(*pairs, strict=True))], 0, 100)
    for (fresh, leftover), row in zip(pairs, frame.itertuples(), strict=True):
        assert row.end - row.start == pytest.approx(fresh, rel=1e-6, abs=1e-6)
        reached = [0.0, row.leftover, row.start, row.end]
        assert max(reached) == pytest.approx(max(fresh, 0) + max(leftover, 0), rel=1e-12)
        assert min(reached) == pytest.approx(min(fresh, 0) + min(leftover, 0), rel=1e-12)
        between = sorted([0.0, row.leftover]), sorted([row.start, row.end])  # the bars do not overlap
        assert min(between[0][1], between[1][1]) <= max(between[0][0], between[1][0])


def test_numbers_that_are_not_finite_are_gaps():
    fresh = [1.0, math.inf, math.nan, 1e308, 5.0]
    leftover = [1.0, 1.0, 1.0, 1e308, -7.0]
    with np.errstate(over="ignore"):
        frame = joined([series(fresh, leftover, loss=[1.0, math.inf, math.nan, 2.0, 3.0])], 0, 9)
    drawn = frame[["loss", "fresh", "leftover", "grad", "start", "end"]]
    assert not np.isinf(drawn.to_numpy()).any()
    assert frame["grad"].notna().tolist() == [True, False, False, False, True]
    assert frame["step"].tolist() == [0, 1, 2, 3, 4]
    assert frame["loss"].notna().tolist() == [True, False, False, True, True]
    assert frame["mark"].notna().tolist() == [False, False, False, False, True]


def test_norms_that_cannot_be_stacked_are_a_gap():
    with np.errstate(over="ignore"):
        one = series([1e308, 1.0], [1e308, 1.0]).assign(grad=[0.0, 2.0])
    frame = joined([one], 0, 9)
    assert frame["end"].tolist()[1] == 2.0 and np.isnan(frame["end"][0]) and np.isnan(frame["grad"][0])


def test_of_a_whole_parameter_more_than_half_is_marked():
    one = series([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]).assign(overruled=[0.5, 0.51, math.nan])
    frame = joined([one], 0, 9)
    assert frame["mark"].notna().tolist() == [False, True, False]
    assert frame["answer"].tolist() == ["50% of entries", "51% of entries", ""]


# -- where the axis ends -------------------------------------------------------------------


def test_the_axis_goes_to_the_data_where_nothing_explodes():
    calm, swinging = 85 * 0.8 ** np.arange(100), 200 * np.sin(np.arange(100))
    assert axis_end(joined([series(calm)], 0, 99)) is None
    assert axis_end(joined([series(calm), series(swinging)], 0, 99)) is None
    assert axis_end(joined([series(np.zeros(9)), series(np.zeros(9))], 0, 99)) is None
    assert axis_end(joined([series([math.nan] * 3)], 0, 99)) is None


@pytest.mark.parametrize("steps", [30, 100, 1000])
def test_an_exploding_run_flattens_neither_its_beginning_nor_the_other(steps):
    growth = np.minimum(np.arange(steps), 900)
    with np.errstate(over="ignore"):
        wild = 85 * (-2.34) ** growth  # the usual loop at lr 0.2 multiplies by 1 - 0.2 * 16.7
    swinging = series(200 * np.sin(np.arange(steps)))
    alone, both = (axis_end(joined(runs, 0, 119)) for runs in ([series(wild)], [series(wild), swinging]))
    assert alone == 200.0  # 85, -198.9, then 465
    assert both == 200.0


def test_a_run_that_begins_with_zeros_does_not_explode_for_that():
    late = series([0.0, 0.0, *[5.0] * 20])
    assert axis_end(joined([late, series(np.ones(22))], 0, 99)) is None


def test_the_axis_holds_bars_and_not_only_their_sum():
    """Leftover 900 and fresh -800 is .grad 100; the other run explodes."""
    frame = joined([series([-800.0] * 40, [900.0] * 40), series(3.0 ** np.arange(40))], 0, 99)
    assert axis_end(frame) == 1000.0


@pytest.mark.parametrize(("size", "end"), [(1.0, 1.0), (1.5, 2.0), (2.0, 2.0), (5.0, 5.0), (5.5, 10.0)])
def test_an_axis_ends_at_the_next_round_number(size, end):
    explodes = series(1e-30 * 10.0 ** np.arange(40))
    assert axis_end(joined([series([size] * 40), explodes], 0, 99)) == end


@given(st.lists(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=30), min_size=1, max_size=2))
@settings(deadline=None)
def test_an_axis_end_is_round_and_not_far_above_the_largest_bar(runs):
    frame = joined([series(one) for one in runs], 0, 99)
    end = axis_end(frame)
    if end is not None:
        assert math.isfinite(end) and f"{end:.0e}"[0] in "125" and float(f"{end:.0e}") == pytest.approx(end)
        assert end < 5 * frame["fresh"].abs().max()
