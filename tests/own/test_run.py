"""A recording as a run beside others: what the curves and the ledger get of it, and its word."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from core import Config, Run
from core.compare.curves import QUANTITIES, curves_frame, ends_at, value_at
from core.own.recording import read
from core.own.run import ledger, of_these, own_run
from core.recorder import record
from core.result import result
from core.watch.ledger import joined
from tests.helpers.own_loops import gan, trained

CONFIG = Config(
    dataset="deliveries", model="linear", lr=0.01, steps=40, loop=("forward", "loss", "backward", "step")
)


def own(contents):
    return own_run(read(json.dumps(contents, allow_nan=False).encode()))


def recorded(config):
    """The loop of a Config, written out and recorded from outside."""
    names = Run(config, evaluate=False).namespace
    model, optimizer, loss_fn = names["model"], names["optimizer"], names["loss_fn"]
    with record(model, optimizer, loss_fn, path="/dev/null") as recording:
        for _ in range(config.steps):
            if "zero_grad" in config.loop:
                optimizer.zero_grad()
            loss_fn(model(names["inputs"]), names["targets"]).backward()
            optimizer.step()
    return recording.contents()


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("parameter", ["", "weight"])
def test_the_curves_of_a_recording_are_those_of_the_same_run_here(quantity, parameter):
    here, there = result(Run(CONFIG).advance()), own(recorded(CONFIG))
    frame, _ = curves_frame([here, there], quantity, parameter, logs=(False, False))
    np.testing.assert_allclose(frame["l1"], frame["l0"], rtol=1e-6)
    np.testing.assert_allclose(frame["g1"], frame["g0"], rtol=1e-4)
    assert frame["l1"].notna().sum() == CONFIG.steps
    assert value_at(there, "loss", "", 3) == value_at(here, "loss", "", 3)


def test_its_word_is_that_of_its_losses_and_the_line_is_named():
    there = own(recorded(CONFIG))
    assert there.verdict.word in ("oscillates", "rebounds", "diverged", "slow", "learns")
    assert there.findings[0].because == "zero_grad was never called: .grad is the sum of 40 batches."


def test_of_more_updates_than_runs_here_may_have_the_first_are_shown(monkeypatch):
    monkeypatch.setattr("core.own.run.SHOWN_UPDATES", 30)
    there = own(recorded(CONFIG))
    assert (there.done, there.updates) == (30, 40)
    assert there.steps["step"].tolist() == list(range(30))


def test_a_run_that_diverges_is_marked_where_its_loss_ends():
    config = Config(dataset="deliveries", model="linear", lr=1.0, steps=40)
    there = own(recorded(config))
    losses = Run(config).advance().history.losses
    assert ends_at(there) == int(np.flatnonzero(~np.isfinite(losses))[0])
    assert there.verdict.word == "diverged"


def test_losses_of_several_optimizers_take_turns_and_get_no_word():
    made = []
    trained(gan, lambda *given: made.append(record(*given)))
    there = own(made[0].contents())
    made[0].close()
    assert there.verdict is None and there.optimizers == 2
    assert set(there.parameters["parameter"].cat.categories) == {
        f"{number}:{name}" for number in (0, 1) for name in ("0.weight", "0.bias", "2.weight", "2.bias")
    }


def test_a_loop_that_raised_is_a_run_that_raised():
    model, loss_fn = nn.Linear(2, 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = record(model, optimizer, loss_fn, path="/dev/null")
    with pytest.raises(RuntimeError, match="shapes"), recording:
        model(torch.ones(3, 7))
    there = own(recording.contents())
    assert (
        there.verdict.word == "raised"
        and "model(torch.ones(3, 7)) raised RuntimeError" in there.verdict.because
    )
    assert there.done == 0 and not len(there.steps)
    frame, _ = curves_frame([result(Run(CONFIG).advance()), there])
    assert frame["l1"].isna().all()


def test_the_ledger_has_this_batch_the_leftover_and_what_step_used():
    there = own(recorded(CONFIG))
    here = Run(CONFIG).advance().history.parameters
    weight = here.loc[here["parameter"] == "weight"]
    frame = ledger(there, "weight")
    np.testing.assert_allclose(frame["fresh"], weight["fresh_norm"], rtol=1e-4)
    np.testing.assert_allclose(frame["leftover"], weight["leftover_norm"], rtol=1e-4)
    np.testing.assert_allclose(frame["grad"], weight["grad_norm"], rtol=1e-4)
    bars = joined([ledger(there)], 0, 39)
    assert len(bars) == 40 and bars["end"].notna().all()


def test_names_that_the_file_alone_has_are_no_choice_on_the_page():
    there = own(recorded(CONFIG))
    assert list(of_these(there, {"weight", "0.weight"}).parameters["parameter"].cat.categories) == ["weight"]
    assert len(of_these(there, set()).parameters) == 0
