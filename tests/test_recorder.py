"""The recorder: it changes no bit of a loop, is bounded, survives what goes wrong, and counts well."""

import ast
import copy
import io
import json
import math
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core import Config, Run, recorder
from core.recorder import record
from tests.helpers.own_loops import RIGHT, ROWS, STEPS, data, net, trained

FILE = Path(recorder.__file__)


def recorded(loop):
    """(what came of it, the recording) of a loop with a recorder on it."""
    made = []
    came = trained(loop, lambda *args: made.append(record(*args)))
    (recording,) = made
    contents = recording.contents()
    recording.close()
    assert recording.failure == ""
    return came, contents


def orders(contents):
    return {lines: count for lines, count, _, _ in contents["orders"]}


def test_it_needs_pytorch_and_the_standard_library_alone():
    tree = ast.parse(FILE.read_text())
    names = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    roots = {(getattr(n, "module", None) or n.names[0].name).split(".")[0] for n in names}
    assert roots - {"torch"} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", RIGHT)
def test_it_changes_no_bit_of_a_loop(name):
    bare, random_state = trained(RIGHT[name])
    (hung, same_random_state), _ = recorded(RIGHT[name])
    assert all(torch.equal(one, other) for one, other in zip(bare, hung, strict=True))
    assert torch.equal(random_state, same_random_state)


EXPECTED = {
    "plain": {"ZFLBS": STEPS},
    "loader": {"ZFLBS": 10, "EZFLBS": 2},
    "accumulation": {"ZFLBFLBFLBFLBS": STEPS},
    "amp": {"ZFLBUS": STEPS},
    "gan": {"FLBFFLBS": STEPS, "FLBS": STEPS},
    "tied": {"ZFLBS": STEPS},
    "by_model": {"FLBS": STEPS},
    "zeros_by_hand": {"FLBS": STEPS},
    "compiled": {"ZFLBS": STEPS},
    "fine_tuning": {"ZFLBS": STEPS},
    "endless": {"ZFLBS": STEPS},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_it_notes_which_lines_ran_in_which_order(name):
    _, contents = recorded(RIGHT[name])
    found = orders(contents)
    if name == "gan":  # the discriminator's forward of the generator's step comes without another loss
        found = {"".join(sorted(lines)): count for lines, count in found.items()}
        assert found == {"".join(sorted(lines)): count for lines, count in EXPECTED[name].items()}
        return
    assert found == EXPECTED[name]


def test_its_numbers_are_those_of_a_run_of_this_app():
    """The same loop, recorded from outside and by core.loop, which keeps every vector."""
    config = Config(
        dataset="deliveries", model="linear", lr=0.01, steps=30, loop=("forward", "loss", "backward", "step")
    )
    run = Run(config).advance()
    again = Run(config)
    names = again.namespace
    recording = record(names["model"], names["optimizer"], names["loss_fn"])
    for _ in range(config.steps):
        outputs = names["model"](names["inputs"])
        names["loss_fn"](outputs, names["targets"]).backward()
        names["optimizer"].step()
    rows, steps = recording.contents()["rows"], run.history.steps
    recording.close()
    pairs = {
        "loss": "loss",
        "grad": "grad_norm",
        "fresh": "fresh_norm",
        "leftover": "leftover_norm",
        "ratio": "update_ratio",
    }
    for name, column in pairs.items():
        np.testing.assert_allclose(np.array(rows[name], dtype=float), steps[column], rtol=1e-6, err_msg=name)
    assert rows["batches"] == list(range(1, 31))


def test_norms_of_single_parameters_are_those_of_its_tensors():
    x, y = data()
    model, loss_fn = net(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = record(model, optimizer, loss_fn)
    expected = []
    for _ in range(3):
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        before = [p.detach().clone() for p in model.parameters()]
        grads = [p.grad.norm().item() for p in model.parameters()]
        optimizer.step()
        ratios = [((p - b).norm() / b.norm()).item() for p, b in zip(model.parameters(), before, strict=True)]
        expected.append((grads, ratios))
    detail = recording.contents()["details"][0]
    recording.close()
    for at, (grads, ratios) in enumerate(expected):
        assert detail["grad"][at] == pytest.approx(grads, rel=1e-4)
        assert detail["ratio"][at] == pytest.approx(ratios, rel=1e-4)


def test_a_scaled_gradient_is_shown_unscaled_and_its_clipping_is_seen():
    _, contents = recorded(RIGHT["amp"])
    rows = contents["rows"]
    assert max(rows["fresh"]) < 10  # not times 1024
    assert max(rows["grad"]) <= 0.05 * (1 + 1e-3) and contents["counts"]["grad_changed"] == STEPS

    details = contents["details"][0]["fresh"]
    assert [math.hypot(*norms) for norms in details] == pytest.approx(rows["fresh"], rel=1e-3)


def test_steps_that_the_scaler_skips_are_no_steps():
    _, contents = recorded(RIGHT["amp_overflow"])
    counts = contents["counts"]
    assert (
        counts["skipped"] > 0
        and counts["steps"] > 0
        and counts["skipped"] + counts["steps"] == STEPS == contents["updates"]
    )
    assert "nonfinite" not in contents["first"]


def test_of_two_losses_the_mean_is_shown_and_weights_written_by_hand_are_those_before_the_next_step():
    """The output is w, the losses w² and (w − 2)²: w − 0.25 × (2 w + 2 (w − 2)) is 1, whatever w was."""
    model, loss_fn = nn.Linear(1, 1, bias=False), nn.MSELoss()
    nn.init.constant_(model.weight, 4.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.25)
    recording = record(model, optimizer, loss_fn)
    for before_step, after_step in ((None, 5.0), (None, None), (3.0, None)):
        optimizer.zero_grad()
        for target in (0.0, 2.0):
            loss_fn(model(torch.ones(1, 1)), torch.tensor([[target]])).backward()
        if before_step:
            nn.init.constant_(model.weight, before_step)
        optimizer.step()
        if after_step:
            nn.init.constant_(model.weight, after_step)
    contents = recording.contents()
    recording.close()
    rows = contents["rows"]
    assert contents["counts"]["accumulated_whole"] == 3  # neither loss was halved
    assert rows["loss"] == [(16 + 4) / 2, (25 + 9) / 2, (1 + 1) / 2]
    assert rows["ratio"] == pytest.approx([3 / 4, 4 / 5, 0])  # at 1 the two gradients are 2 and -2


def test_what_is_written_into_gradients_after_step_is_seen_where_nothing_clears_them():
    model, loss_fn = nn.Linear(1, 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    recording = record(model, optimizer, loss_fn)
    for _ in range(3):
        loss_fn(model(torch.ones(1, 1)), torch.zeros(1, 1)).backward()
        optimizer.step()
        nn.utils.clip_grad_value_(model.parameters(), 1e-6)
    contents = recording.contents()
    recording.close()
    assert contents["counts"]["written_after_step"] == 2  # of the last one no later line tells
    assert orders(contents) == {"FLBS": 1, "CFLBS": 2}


def test_a_rate_that_changes_between_backward_and_step_is_counted_each_time():
    model, loss_fn = nn.Linear(1, 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    recording = record(model, optimizer, loss_fn)
    for step in range(5):
        optimizer.zero_grad()
        loss_fn(model(torch.ones(1, 1)), torch.zeros(1, 1)).backward()
        optimizer.param_groups[0]["lr"] = 0.02 if step < 3 else 0.04
        optimizer.step()
        optimizer.param_groups[0]["lr"] = 0.01 if step < 2 else 0.04
    contents = recording.contents()
    recording.close()
    assert contents["counts"]["rate_moved"] == 3  # from 0.01 to 0.02; later it stays at 0.04
    assert contents["first"]["rate_moved"] == {"update": 0, "before": 0.01, "after": 0.02}


def test_tensors_that_wait_take_the_bytes_that_they_may_and_no_more():
    weight = torch.zeros(100_000)
    chunk = recorder._Chunk([weight], 1)
    each = 5 * weight.nbytes
    assert sum(one.nbytes for one in chunk.shelves) == chunk.room * each
    assert chunk.room * each <= 8 * 2**20 < (chunk.room + 1) * each


def test_weights_moved_by_hand_make_an_update_of_each_pass_without_a_step():
    """The output is w, the loss w², and w - 0.25 x 2 w is half of w: 4, 2, 1."""
    model, loss_fn = nn.Linear(1, 1, bias=False), nn.MSELoss()
    nn.init.constant_(model.weight, 4.0)
    recording = record(model, torch.optim.SGD(model.parameters(), lr=0.25), loss_fn)
    for _ in range(4):
        model.zero_grad()
        loss_fn(model(torch.ones(1, 1)), torch.zeros(1, 1)).backward()
        with torch.no_grad():
            model.weight -= 0.25 * model.weight.grad
    contents = recording.contents()
    recording.close()
    rows, counts = contents["rows"], contents["counts"]
    assert contents["failure"] == "" and counts["weights_written"] == 3  # of the last one no later line tells
    assert rows["optimizer"] == [None] * 4 and rows["batches"] == [1] * 4
    assert rows["loss"] == [16, 4, 1, 0.25] and rows["fresh"] == [8, 4, 2, 1]


def test_what_was_left_over_is_forgotten_where_grad_is_taken_away_by_hand():
    """The output is w, the loss w²: gradients of 8 at 4, of 4 at 2, of 2 at 1."""
    model, loss_fn = nn.Linear(1, 1, bias=False), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.25)
    nn.init.constant_(model.weight, 4.0)
    recording = record(model, optimizer, loss_fn)
    for step in range(3):
        loss_fn(model(torch.ones(1, 1)), torch.zeros(1, 1)).backward()
        if step == 1:
            model.weight.grad = None
            loss_fn(model(torch.ones(1, 1)), torch.zeros(1, 1)).backward()
        optimizer.step()
    contents = recording.contents()
    recording.close()
    assert contents["rows"]["grad"] == [8, 4, 6] and contents["rows"]["leftover"] == [0, 0, 4]


def test_steps_that_raise_leave_the_updates_around_them_as_they_were():
    """The output is w, the loss w²: from 4, each step that comes to its end takes half of w."""

    def refuse(*args):
        if fails:
            raise ValueError

    model, loss_fn = nn.Linear(1, 1, bias=False), nn.MSELoss()
    nn.init.constant_(model.weight, 4.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.25)
    recording = record(model, optimizer, loss_fn)
    optimizer.register_step_pre_hook(refuse)
    fails = False
    for step in range(3):
        optimizer.zero_grad()
        loss_fn(model(torch.ones(1, 1)), torch.zeros(1, 1)).backward()
        if step != 1:
            fails = True
            for _ in range(2 * recorder.CHUNK_ROWS):
                with pytest.raises(ValueError):
                    optimizer.step()
            fails = False
        optimizer.step()
    contents = recording.contents()
    recording.close()
    assert contents["failure"] == ""
    assert contents["rows"]["grad"] == [8, 4, 2] and contents["rows"]["ratio"] == [0.5] * 3


def test_gradients_that_were_cleared_before_step_do_not_wait_with_their_update():
    model, loss_fn = nn.Linear(1, 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    recording = record(model, optimizer, loss_fn)
    kept = []
    for _ in range(3):
        loss_fn(model(torch.ones(1, 1)), torch.zeros(1, 1)).backward()
        optimizer.zero_grad()
        kept += [weakref.ref(grad) for grad in recording._stash.fresh.values()]
        optimizer.step()
    assert len(kept) == 6 and not any(grad() is not None for grad in kept)
    recording.close()


def test_a_closure_counts_as_one_update():
    _, contents = recorded(RIGHT["lbfgs"])
    assert contents["updates"] == contents["counts"]["closures"] == STEPS
    assert set(orders(contents)) == {"ZFLB" * 4 + "S"}
    assert contents["counts"]["backwards"] > STEPS and contents["counts"]["with_leftover"] == 0


def test_a_shared_weight_is_one_parameter_with_two_names():
    _, contents = recorded(RIGHT["tied"])
    (weight,) = contents["parameters"]
    assert (weight["name"], weight["shared"], weight["gradients"]) == ("embed.weight", 1, STEPS)


def loop_of(steps, spoil=lambda step, model: None, x=None):
    x = torch.linspace(-1, 1, 4)[:, None] if x is None else x
    model, loss_fn = nn.Linear(1, 1), nn.MSELoss()
    nn.init.zeros_(model.weight), nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    recording = record(model, optimizer, loss_fn)
    for step in range(steps):
        optimizer.zero_grad()
        loss = loss_fn(model(x), x + 1)
        loss.backward()
        spoil(step, model)
        optimizer.step()
    contents = recording.contents()
    recording.close()
    assert recording.failure == ""
    return contents, recording


def test_what_it_keeps_is_bounded_and_spread_over_the_run(monkeypatch):
    monkeypatch.setattr(recorder, "MAX_ROWS", 64)
    monkeypatch.setattr(recorder, "MAX_CELLS", 160)
    contents, recording = loop_of(1001)
    updates = contents["rows"]["update"]
    assert 16 < len(updates) <= 33 and updates[0] == 0 and updates[-1] == 1000
    strides = np.diff(updates)[:-1]
    assert len(set(strides)) == 1 and strides[0] in (32, 64)
    assert len(contents["details"][0]["update"]) <= 20
    assert contents["updates"] == contents["counts"]["steps"] == 1001
    assert recording._waiting == 0 and not recording._blocks


def test_orders_beyond_the_limit_are_counted_together(monkeypatch):
    monkeypatch.setattr(recorder, "MAX_ORDERS", 2)
    model, loss_fn, x = nn.Linear(1, 1), nn.MSELoss(), torch.ones(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    recording = record(model, optimizer, loss_fn)
    for passes in (1, 2, 3, 4):
        optimizer.zero_grad()
        for _ in range(passes):
            loss_fn(model(x), x).backward()
        optimizer.step()
    contents = recording.contents()
    recording.close()
    assert orders(contents) == {"ZFLBS": 1, "ZFLBFLBS": 1, "other": 2}


def test_the_file_stays_below_the_upload_limit():
    from core.own.recording import MAX_BYTES

    contents, _ = loop_of(2100)
    assert len(json.dumps(contents)) < MAX_BYTES / 2


@pytest.mark.parametrize(
    ("line", "spoil", "tensor"),
    [
        ("backward", lambda p: p.register_hook(lambda grad: grad / 0), "weight"),
        ("between", None, "weight"),
    ],
)
def test_the_first_tensor_that_is_not_finite_is_found_with_its_line(line, spoil, tensor):
    def at_7(step, model):
        if step == 7:
            model.weight.grad.fill_(torch.inf)

    if spoil is None:
        contents, _ = loop_of(12, at_7)
        assert contents["first"]["nonfinite"] == {"update": 7, "line": line, "tensor": tensor}
        return
    x, y = data()
    model, loss_fn = net(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    spoil(model[0].weight)
    recording = record(model, optimizer, loss_fn)
    loss_fn(model(x), y).backward()
    optimizer.step()
    found = recording.contents()["first"]["nonfinite"]
    recording.close()
    assert found == {"update": 0, "line": line, "tensor": "0.weight"}


def test_inputs_that_are_not_finite_are_told_from_a_loss_that_is_not():
    contents, _ = loop_of(3, x=torch.tensor([[1.0], [torch.nan]]))
    assert contents["first"]["nonfinite"] == {"update": 0, "line": "", "tensor": "inputs"}


def test_inputs_that_are_not_finite_are_found_where_a_model_returns_more_than_its_outputs():
    class Both(nn.Linear):
        def forward(self, x):
            return super().forward(x), x

    model, loss_fn, x = Both(1, 1), nn.MSELoss(), torch.tensor([[math.inf]])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = record(model, optimizer, loss_fn)
    loss_fn(model(x)[0], torch.ones(1, 1)).backward()
    optimizer.step()
    found = recording.contents()["first"]["nonfinite"]
    recording.close()
    assert found == {"update": 0, "line": "", "tensor": "inputs"}


def test_a_loss_that_overflows_is_named_as_the_loss():
    contents, _ = loop_of(2, x=torch.tensor([[1e25], [1.0]]))
    assert contents["first"]["nonfinite"] == {"update": 0, "line": "loss", "tensor": "loss"}


def test_norms_do_not_overflow_before_their_tensor_does():
    rows = torch.tensor([[3e30, 4e30], [torch.inf, 1.0], [0.0, 0.0]])
    assert recorder._norms(rows).tolist() == pytest.approx([5e30, torch.inf, 0.0], rel=1e-6)
    assert recorder._norms(torch.tensor([[3e200, 4e200]], dtype=torch.float64)).tolist() == pytest.approx(
        [5e200]
    )


def test_a_loop_that_raises_leaves_what_came_before(tmp_path):
    x, y = data()
    model, loss_fn = net(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(RuntimeError), record(model, optimizer, loss_fn, path=str(tmp_path / "run.json")):
        for step in range(5):
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            if step == 3:
                loss.backward()
            optimizer.step()
    contents = json.loads((tmp_path / "run.json").read_text())
    assert contents["updates"] == 4 and contents["counts"]["steps"] == 3
    assert contents["error"]["source"] == "loss.backward()" and contents["error"]["lines"] == "ZFLB"
    assert "a second time" in contents["error"]["text"]
    assert not model._forward_hooks and "zero_grad" not in vars(optimizer)


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import torch
from torch import nn
from recorder import record
model, loss_fn = nn.Linear(2, 1), nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
recording = record(model, optimizer, loss_fn)
for step in range(9):
    loss = loss_fn(model(torch.ones(3, 2)), torch.ones(3, 1))
    loss.backward()
    optimizer.step()
    if step == 5:
        raise OSError("the disk is full")
recording.save("run.json")
"""


def test_a_script_that_ends_by_an_exception_still_leaves_its_recording(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT.format(folder=str(FILE.parent)))
    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "the disk is full" in done.stderr
    contents = json.loads((tmp_path / "run.json").read_text())
    assert contents["updates"] == 6 and contents["error"]["type"] == "OSError"
    assert contents["error"]["source"] == 'raise OSError("the disk is full")'


def test_copies_of_a_recorded_model_are_models_of_their_own():
    model, loss_fn = net(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = record(model, optimizer, loss_fn)
    twin, file = copy.deepcopy(model), io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    for other in (twin, loaded):
        other(torch.ones(2, 4)).sum().backward()
    assert recording.counts["backwards"] == 0 and recording._pass.lines == []
    recording.close()


def test_what_goes_wrong_within_it_does_not_end_the_training(monkeypatch):
    monkeypatch.setattr(recorder.Recording, "_begin_backward", lambda self: 1 / 0)
    model, loss_fn = net(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = record(model, optimizer, loss_fn)
    loss_fn(model(torch.ones(ROWS, 4)), torch.ones(ROWS, 1)).backward()
    optimizer.step()
    assert recording.contents()["failure"].startswith("ZeroDivisionError")
    recording.close()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_parameter_without_entries_has_length_0(dtype):
    model, loss_fn = nn.Linear(2, 1, dtype=dtype), nn.MSELoss()
    model.none = nn.Parameter(torch.empty(0, dtype=dtype))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = recorder.record(model, optimizer, loss_fn)
    outputs = model(torch.ones(3, 2, dtype=dtype)) + model.none.sum()
    loss_fn(outputs, torch.ones(3, 1, dtype=dtype)).backward()
    optimizer.step()
    contents = recording.contents()
    recording.close()
    assert contents["failure"] == "" and contents["details"][0]["grad"][0][2] == 0.0
