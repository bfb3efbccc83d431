"""Which line a recording names: on right loops none, on the gallery's mistakes the line that is one."""

import itertools
import json
import linecache
import textwrap
import warnings

import pytest
import torch
from torch import nn

from core import Run
from core.lines import text_of
from core.models import Dropout
from core.own.diagnosis import Finding, findings, unseen
from core.own.recording import read
from core.recorder import record
from core.traps.table import TRAPS
from tests.helpers.own_loops import RIGHT, data, net, trained

STEPS = 100
NUMBERS = itertools.count()


def recording_of(loop, *given, **named):
    """A recording of a function that runs a loop, written and read again."""
    with warnings.catch_warnings(), record(*given, **named, path="/dev/null") as one:
        warnings.simplefilter("ignore")  # PyTorch's own about some mistakes
        try:
            loop()
        except Exception as error:  # noqa: BLE001  (whatever a mistake raises)
            one._raised(error)
    assert one.failure == ""
    return read(json.dumps(one.contents(), allow_nan=False).encode())


def of_config(config):
    """The loop of a trap as a script of its own, so that an exception has a line of source."""
    run = Run(config, full=False, evaluate=False)
    assert run.error is None
    names = run.namespace | {"batch": lambda: names.update(given(next(batches)))}
    batches = run._rows()

    def given(rows):
        return {} if rows is None else {"inputs": run.data.inputs[rows], "targets": run.data.targets[rows]}

    lines = ["batch()", *(text_of(name) for name in config.loop)]
    text = f"for step in range({min(config.steps, STEPS)}):\n" + textwrap.indent("\n".join(lines), "    ")
    file = f"<loop {next(NUMBERS)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    code = compile(text, file, "exec")
    return recording_of(
        lambda: exec(code, names),  # noqa: S102  (the fixed table of lines)
        *(names[name] for name in ("model", "optimizer", "loss_fn")),
        scaler=names.get("scaler"),
    )


# Traps whose mistake no hook sees, and why. Where they raise, the line that raised is still named.
BY_HAND = "the loss is written out, or a function: there is no module to hook"
NOT_SEEN = {
    "broadcast_by_hand": BY_HAND,
    "nll_on_logits": BY_HAND,
    "one_output": BY_HAND + "; what is seen is that every gradient is exactly 0",
    "data_edit": "a write through .data is counted nowhere; what is seen is that every gradient is exactly 0",
    "layers_in_a_list": "it raises while the optimizer is made, before there is anything to record",
    "clip_before_backward": "there is no gradient yet that could change",
    "scheduler_per_pass": "its rate changes right after an update, as that of a right scheduler may",
    "rate_by_hand": "the rates are recorded, and not which ones were meant",
}
# What is seen, or raised, is just what another trap does, and so may lead to that one.
SAME_WORDS = {"argmax": "detached", "rewrapped": "detached", "undivided": "micro_batches"}
SAME_WORDS |= {"step_every_batch": "skipped"}  # .grad of two batches at every second step
RAISING = [name for name, trap in TRAPS.items() if trap.group == "raises" and name != "layers_in_a_list"]


@pytest.fixture(scope="module")
def mistakes():
    made = {}

    def of(name):
        if name not in made:
            made[name] = of_config(TRAPS[name].wrong)
        return made[name]

    return of


@pytest.mark.parametrize("name", [name for name in TRAPS if name not in NOT_SEEN])
def test_the_line_of_a_mistake_is_named_and_leads_to_its_trap(name, mistakes):
    assert SAME_WORDS.get(name, name) in {one.trap for one in findings(mistakes(name))}


def test_a_weight_that_was_replaced_is_named_and_what_is_held_in_its_place_is_counted(mistakes):
    (found,) = findings(mistakes("weight_replaced"))
    said = "no optimizer holds weight: step never moves it. Held instead: 1 parameter from outside the model."
    assert found == Finding("optimizer = ...", said, "weight_replaced")


@pytest.mark.parametrize("name", [name for name in NOT_SEEN if name != "layers_in_a_list"])
def test_what_cannot_be_seen_is_not_claimed(name, mistakes):
    found = findings(mistakes(name))
    assert name not in {one.trap for one in found}
    zeros = [one for one in found if one.trap == "saturated"]
    assert bool(zeros) == ("exactly 0" in NOT_SEEN[name])
    assert BY_HAND not in NOT_SEEN[name] or unseen(mistakes(name))[0].startswith("loss_fn (")


@pytest.mark.parametrize("name", RAISING)
def test_the_line_that_raised_is_quoted_first(name, mistakes):
    first = findings(mistakes(name))[0]
    texts = [line.strip() for step in TRAPS[name].wrong.loop for line in text_of(step).split("\n")]
    assert first.line in texts and f"{first.line} raised " in first.because


@pytest.mark.parametrize("name", [name for name, trap in TRAPS.items() if name != "layers_in_a_list"])
def test_the_repaired_loop_has_nothing_against_it(name):
    clips = [line for line in TRAPS[name].right.loop if "clip" in line and name != "clip_before_unscale"]
    found = findings(of_config(TRAPS[name].right))
    assert [(one.line, one.trap) for one in found] == [("clip", "")] * bool(clips)  # said, and no mistake


@pytest.mark.parametrize("name", RIGHT)
def test_loops_as_people_write_them_have_nothing_against_them(name):
    made = []
    trained(RIGHT[name], lambda *given: made.append(record(*given)))
    found = read(json.dumps(made[0].contents(), allow_nan=False).encode())
    made[0].close()
    clips = name in ("amp", "fine_tuning")
    assert [one.line for one in findings(found)] == ["clip"] * clips


def parts():
    x, y = data()
    torch.manual_seed(0)
    model, loss_fn = net(), nn.MSELoss()
    return x, y, model, torch.optim.SGD(model.parameters(), lr=0.01), loss_fn


@pytest.fixture(autouse=True)
def own_random_state():
    with torch.random.fork_rng(devices=[]):
        yield


def found_in(write, *, steps=412):
    """What is found in a loop whose step is a function of inputs, targets, model, optimizer and loss_fn."""
    x, y, model, optimizer, loss_fn = parts()

    def loop():
        for step in range(steps):
            write(step, x, y, model, optimizer, loss_fn)

    return findings(recording_of(loop, model, optimizer, loss_fn))


def test_zero_grad_that_is_never_called_is_said_with_the_number_of_batches():
    def step(_, x, y, model, optimizer, loss_fn):
        loss_fn(model(x), y).backward()
        optimizer.step()

    because = "zero_grad was never called: .grad is the sum of 412 batches."
    assert found_in(step)[0] == Finding("zero_grad", because, "skipped")


def test_zero_grad_once_an_epoch_is_no_zero_grad():
    def step(number, x, y, model, optimizer, loss_fn):
        if number % 10 == 0:
            optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        optimizer.step()

    first = found_in(step, steps=40)[0]
    assert (
        first.line == "zero_grad"
        and "36 of 40 steps" in first.because
        and "up to 10 batches" in first.because
    )


def test_two_losses_of_one_forward_are_not_said_to_be_one():
    def step(_, x, y, model, optimizer, loss_fn):
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        (0.01 * sum(p.square().sum() for p in model.parameters())).backward()
        optimizer.step()

    (twice,) = found_in(step, steps=10)
    assert "unless these are two losses" in twice.because


def test_a_rate_set_by_hand_before_step_is_not_said_to_be_a_mistake():
    def step(number, x, y, model, optimizer, loss_fn):
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        optimizer.param_groups[0]["lr"] = 0.01 * (number + 1) / 10  # a warm-up without a scheduler
        optimizer.step()

    (moved,) = found_in(step, steps=10)
    assert moved.line == "scheduler.step" and "If a scheduler did that" in moved.because


@pytest.mark.parametrize("whole", [False, True])
def test_whole_targets_are_not_said_to_have_lost_anything(whole):
    def step(_, x, y, model, optimizer, loss_fn):
        optimizer.zero_grad()
        loss_fn(model(x), y.round().long() if whole else y).backward()
        optimizer.step()

    cut = [one.because for one in found_in(step, steps=10) if one.trap == "targets_cut"]
    assert len(cut) == whole and all("if they were floats before" in because for because in cut)


def test_clipping_after_step_is_said_with_how_often():
    def step(_, x, y, model, optimizer, loss_fn):
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        optimizer.step()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)

    (late,) = found_in(step, steps=10)
    assert (
        late.line == "clip" and late.because.startswith("clip ran after step") and " 9 times" in late.because
    )


def test_parameters_that_never_got_a_gradient_are_named():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(4, 1), nn.Linear(4, 1)

        def forward(self, x):
            return self.used(x)

    x, y, *_ = parts()
    model, loss_fn = Half(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loop():
        for _ in range(5):
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()

    (found,) = findings(recording_of(loop, model, optimizer, loss_fn))
    assert found.because == "2 parameters never got a gradient: idle.weight, idle.bias."


def test_parameters_that_no_optimizer_holds_are_named():
    x, y, model, _, loss_fn = parts()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)

    def loop():
        for _ in range(5):
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()

    first = findings(recording_of(loop, model, optimizer, loss_fn))[0]
    assert first.because == "no optimizer holds 0.weight, 0.bias: step never moves them."


def test_a_model_left_in_eval_mode_is_noticed_where_that_matters():
    x, y, *_ = parts()
    model, loss_fn = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1)), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def loop():
        model.eval()
        for _ in range(6):
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()

    (found,) = findings(recording_of(loop, model, optimizer, loss_fn))
    assert found.line == "model.train" and "in 6 training forwards" in found.because


@pytest.mark.parametrize(("layer", "named"), [(nn.Dropout(0.0), False), (Dropout(0.5), True)])
def test_dropout_matters_if_it_drops_whoever_wrote_it(layer, named):
    x, y, *_ = parts()
    model, loss_fn = nn.Sequential(nn.Linear(4, 1), layer), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def loop():
        for _ in range(3):
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
            with torch.no_grad():
                model(x)

    found = findings(recording_of(loop, model, optimizer, loss_fn))
    assert [one.trap for one in found] == ["eval_forgotten"] * named


@pytest.mark.parametrize("unscaled", [False, True])
def test_a_step_on_scaled_gradients_is_named_unless_they_were_divided_by_hand(unscaled):
    x, y, model, optimizer, loss_fn = parts()
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)

    def loop():
        for _ in range(5):
            optimizer.zero_grad()
            scaler.scale(loss_fn(model(x), y)).backward()
            for p in model.parameters() if unscaled else ():
                p.grad.div_(8)
            optimizer.step()

    found = findings(recording_of(loop, model, optimizer, loss_fn, scaler))
    said = "step used gradients that were still multiplied by the scale, 8, in all 5 steps."
    assert [one.because.startswith(said) for one in found] == [True] * (not unscaled)
    assert [one.trap for one in found] == ["step_without_scaler"] * (not unscaled)


def test_an_optimizer_that_divides_by_the_scale_itself_has_nothing_against_it():
    x, y, model, _, loss_fn = parts()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)

    def loop():
        for _ in range(5):
            optimizer.zero_grad()
            scaler.scale(loss_fn(model(x), y)).backward()
            scaler.step(optimizer)
            scaler.update()

    assert findings(recording_of(loop, model, optimizer, loss_fn, scaler)) == []


@pytest.mark.parametrize("late", [False, True])
def test_clipping_of_two_optimizers_with_one_scaler_belongs_after_unscale(late):
    x, y, model, _, loss_fn = parts()
    optimizers = [torch.optim.SGD(model[n].parameters(), lr=0.01) for n in (0, 2)]
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)

    def loop():
        for _ in range(5):
            for optimizer in optimizers:
                optimizer.zero_grad()
            scaler.scale(loss_fn(model(x), y)).backward()
            for n, optimizer in zip((0, 2), optimizers, strict=True):
                if late:
                    scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model[n].parameters(), 1e-3)
                scaler.step(optimizer)
            scaler.update()

    found = [one for one in findings(recording_of(loop, model, optimizers, loss_fn, scaler)) if one.trap]
    assert [one.trap for one in found] == ["clip_before_unscale"] * (not late)
    assert late or "between backward and unscale_ 10 times" in found[0].because


@pytest.mark.parametrize(("reduction", "named"), [("mean", True), ("sum", False)])
def test_batches_of_unequal_size_are_named_where_each_loss_is_a_mean(reduction, named):
    x, y, model, optimizer, _ = parts()
    loss_fn = nn.MSELoss(reduction=reduction)

    def loop():
        for _ in range(3):
            optimizer.zero_grad()
            for rows in (slice(0, 10), slice(10, 20), slice(20, 24)):
                (loss_fn(model(x[rows]), y[rows]) / 24).backward()
            optimizer.step()

    found = findings(recording_of(loop, model, optimizer, loss_fn))
    assert [one.trap for one in found] == ["unequal_divided"] * named
    said = "backward ran 3 times for one step, on batches of 4 to 10 rows whose losses were all divided"
    assert not named or (found[0].because.startswith(said) and "count 2.5 times as much" in found[0].because)


@pytest.mark.parametrize("per_update", [False, True])
def test_a_scheduler_that_runs_at_every_batch_of_an_update_is_named(per_update):
    x, y, model, optimizer, loss_fn = parts()
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)

    def loop():
        for batch in range(12):
            (loss_fn(model(x), y) / 3).backward()
            if last := batch % 3 == 2:
                optimizer.step()
                optimizer.zero_grad()
            if last or not per_update:
                scheduler.step()

    found = findings(recording_of(loop, model, optimizer, loss_fn))
    assert [one.trap for one in found] == ["scheduler_per_pass"] * (not per_update)
    said = "in all 4 steps, first from 0.01 to 0.0025 in update 0."
    assert per_update or said in found[0].because


def test_an_epoch_that_ends_within_an_update_is_no_mistake_of_the_scheduler():
    x, y, model, optimizer, loss_fn = parts()
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)

    def loop():
        for batch in range(30):
            (loss_fn(model(x), y) / 3).backward()
            if batch % 3 == 2:
                optimizer.step()
                optimizer.zero_grad()
            if batch % 10 == 9:
                scheduler.step()

    assert findings(recording_of(loop, model, optimizer, loss_fn)) == []


def test_cross_entropy_of_a_single_output_is_named():
    x, _, model, optimizer, _ = parts()
    loss_fn, classes = nn.CrossEntropyLoss(), torch.zeros(len(x), dtype=torch.long)

    def loop():
        for _ in range(3):
            optimizer.zero_grad()
            loss_fn(model(x), classes).backward()
            optimizer.step()

    first = findings(recording_of(loop, model, optimizer, loss_fn))[0]
    assert first.trap == "one_output" and "outputs of shape (24, 1)" in first.because


def test_a_loss_that_is_a_function_is_said_not_to_be_seen():
    x, y, model, optimizer, _ = parts()

    def loop():
        for _ in range(5):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()

    found = recording_of(loop, model, optimizer, nn.functional.mse_loss)
    assert findings(found) == [] and found.loss_fn == "mse_loss"
    assert unseen(found) == [
        "The loss was not seen: PyTorch has hooks for modules alone, such as nn.CrossEntropyLoss()."
    ]


@pytest.mark.parametrize(("steps", "named"), [(3, []), (4, ["softmax_twice_3"])])
def test_three_looks_at_outputs_are_enough_to_say_what_they_are(steps, named):
    """They are looked at in the 1st, 2nd and 4th loss."""
    x, y = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0, 1, 2])
    model, loss_fn = nn.Sequential(nn.Linear(1, 3), nn.Softmax(dim=1)), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def loop():
        for _ in range(steps):
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()

    assert [one.trap for one in findings(recording_of(loop, model, optimizer, loss_fn))] == named


def test_outputs_up_to_exactly_one_are_those_of_a_sigmoid():
    """In float32 the sigmoid of 20 is 1."""
    x, y = torch.tensor([[-20.0], [20.0]]), torch.tensor([[0.0], [1.0]])
    layer, loss_fn = nn.Linear(1, 1, bias=False), nn.BCEWithLogitsLoss()
    nn.init.ones_(layer.weight)
    model = nn.Sequential(layer, nn.Sigmoid())
    assert model(x).max() == 1
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def loop():
        for _ in range(4):
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()

    assert "sigmoid_twice" in {one.trap for one in findings(recording_of(loop, model, optimizer, loss_fn))}


def test_every_finding_leads_to_a_trap_that_there_is(mistakes):
    said = [one for name in TRAPS if name != "layers_in_a_list" for one in findings(mistakes(name))]
    assert {one.trap for one in said} - {""} <= set(TRAPS)
    assert all(one.because.endswith(".") and one.line for one in said)
