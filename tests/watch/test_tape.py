"""Going through a run by lines and back: the same bits whatever way leads to a place."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from core import Config, Run
from core.fields import MAX_CHANGES
from core.lines import USUAL, from_letters, with_step
from core.optimizers import OPTIMIZERS
from core.watch import tape
from core.watch.tape import Tape
from tests.helpers.strategies import loops

DELIVERIES = Config(dataset="deliveries", model="linear", lr=0.01, steps=12)
BATCHED = Config(dataset="xor", hidden=(6,), activation="tanh", batch_size=32, steps=9, lr=0.3)
RAISING = replace(BATCHED, loop=from_letters("FLSZB"))  # the second backward raises on an MLP


def state(run):
    """Everything a run holds at a place, as something that can be compared to the bit."""

    def bits(tensor):
        return None if tensor is None else (tuple(tensor.shape), tensor.detach().numpy().tobytes())

    optimizer = getattr(run.namespace["optimizer"], "state", {})
    moments = [
        {k: bits(v) if isinstance(v, torch.Tensor) else v for k, v in optimizer.get(p, {}).items()}
        for p in run.parameters
    ]
    names = ("inputs", "targets", "outputs", "loss")
    tensors = {name: bits(run.namespace.get(name)) for name in names}
    weights = [(bits(p), p._version, bits(p.grad)) for p in run.parameters]
    return weights, moments, tensors, run.step, run.next_line, run.error and str(run.error.exception)


def straight(config, step, line):
    """The state at a place, by a new Run that only goes forward, line by line."""
    run = Run(config)
    while (run.step, run.next_line) < (step, line) and not run.done:
        run.line()
    return run


def assert_there(one, config=None):
    """The tape's run holds what a new run of its Config holds at the same place."""
    other = straight(config or one.run.config, *one.place)
    if one.run.error is not None:
        other.line()
    assert state(one.run) == state(other)


def assert_same_losses(run, other):
    count = min(run.step, other.step)  # of a step under way, rows are not read yet
    assert len(run.history.losses) >= count
    np.testing.assert_array_equal(run.history.losses[:count], other.history.losses[:count])
    for name in run.history.weights:
        ours, theirs = run.history.weights[name], other.history.weights[name]
        np.testing.assert_array_equal(ours[:count], theirs[:count])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loop", ["ZFLBS", "FLBS", "0FLBS", "SZFLB", "FLZSB"])
def test_line_by_line_gives_the_bits_of_one_go(optimizer, loop):
    lines = with_step(from_letters(loop), OPTIMIZERS[optimizer].step)
    config = replace(BATCHED, optimizer=optimizer, momentum=None, lr=0.01, loop=lines)
    one, other = Tape(Run(config)), Run(config).advance()
    while not one.run.done:
        one.line()
    assert_same_losses(one.run, other)
    assert [p.detach().numpy().tobytes() for p in one.run.parameters] == [
        p.detach().numpy().tobytes() for p in other.parameters
    ]


@given(loop=loops(), batch_size=st.sampled_from([0, 1, 7]))
@settings(deadline=None, max_examples=25)
def test_any_loop_by_lines_is_that_loop(loop, batch_size):
    config = replace(BATCHED, loop=loop, batch_size=batch_size, steps=4)
    one, other = Tape(Run(config)), Run(config).advance()
    while not one.run.done:
        one.line()
    assert_same_losses(one.run, other)
    assert str(one.run.error and one.run.error.exception) == str(other.error and other.error.exception)


ACTIONS = st.lists(
    st.one_of(
        st.sampled_from(["line", "next_step", "settle", "back_line", "back_step", "restart"]),
        st.tuples(st.just("play"), st.integers(1, 12)),
        st.tuples(st.just("change_lr"), st.sampled_from([0.0, 0.05, 0.5])),
        st.tuples(st.just("go"), st.integers(0, 9), st.integers(0, 4)),
    ),
    min_size=1,
    max_size=14,
)


def do(one, action):
    if isinstance(action, str):
        getattr(one, action)()
    elif action[0] == "play":
        one.play(action[1], budget_s=60)
    elif action[0] == "change_lr":
        one.change_lr(action[1])
    else:
        lines = len(one.run.config.loop)
        one.go(action[1], min(action[2], max(lines - 1, 0)))


@given(
    actions=ACTIONS,
    optimizer=st.sampled_from(["sgd", "sgd_by_hand", "nesterov", "adam", "rmsprop"]),
    loop=st.sampled_from(["ZFLBS", "FLBS", "0FLBS", "SFLZB", "FLSZB", "SFLB", "BZ", ""]),
    spacing=st.sampled_from([1, 3]),
    bound=st.sampled_from([2000, tape.KEPT_BYTES]),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_way_to_a_place_holds_the_same(actions, optimizer, loop, spacing, bound):
    config = replace(BATCHED, optimizer=optimizer, momentum=0.5, loop=from_letters(loop), lr=0.05)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tape, "SPACING", spacing)
        patched.setattr(tape, "KEPT_BYTES", bound)
        one = Tape(Run(config))
        for action in actions:
            do(one, action)
        assert_there(one)
        assert_same_losses(one.run, Run(one.run.config).advance())


@pytest.mark.parametrize("choices", [{}, {"scheduler": "step"}])
def test_going_on_does_nothing_again(choices, monkeypatch):
    one = Tape(Run(replace(BATCHED, **choices)))
    one.go(2, 0)
    monkeypatch.setattr(tape, "restore", lambda *given: pytest.fail("went back"))
    run = one.run
    one.go(3, 1)
    assert one.run is run and one.place == (3, 1)


@pytest.mark.parametrize("loop", ["ZFLBS", "FLBS", "SFLZB"])
def test_back_and_on_again_looks_the_same_as_the_first_time(loop):
    one = Tape(Run(replace(BATCHED, loop=from_letters(loop))))
    places, looks = [], []
    for _ in range(14):
        one.line()
        places.append(one.place)
        looks.append(list(one.looks))
    for place, seen in zip(places[::-1], looks[::-1], strict=True):
        assert one.place == place
        assert_same_looks(one.looks, seen)
        one.back_line()
    assert one.at_start


def assert_same_looks(ours, theirs):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert list(one.tensors) == list(other.tensors)
        for name, held in one.tensors.items():
            there = other.tensors[name]
            assert held.values.numpy().tobytes() == there.values.numpy().tobytes(), name
            assert held.version == there.version, name
            assert (held.grad is None) == (there.grad is None), name
            if held.grad is not None:
                assert torch.equal(held.grad, there.grad), name


def flowed(one):
    """What has arrived at the root of the graph shown, by the name of the root."""
    shown = one.graph()
    return shown.name, [gradient.values for gradient in shown.nodes[0].grads if gradient is not None]


def test_gradients_are_shown_in_the_graph_from_backward_until_the_next_forward():
    one = Tape(Run(BATCHED))
    with pytest.raises(ValueError, match="Nothing was recorded yet"):
        one.graph()
    one.line()
    for _ in range(2):  # in the second step, a loss of the first one is still there
        shown = []
        for _ in USUAL:
            one.line()  # forward, loss, backward, step, and the next step's zero_grad
            shown.append(flowed(one))
        names, gradients = zip(*shown, strict=True)
        assert names == ("outputs", "loss", "loss", "loss", "loss")
        assert [len(there) for there in gradients] == [0, 0, 1, 1, 1]
        assert gradients[2] == [(1.0,)]  # of the loss by itself


def test_play_and_settle_look_at_the_lines_that_stepping_has_looked_at():
    played, stepped = Tape(Run(BATCHED)), Tape(Run(BATCHED))
    played.play(5, budget_s=60)
    assert played.place == (5, 0)
    assert not played.looks
    played.settle()
    for _ in range(5):
        stepped.next_step()
    assert_same_looks(played.looks, stepped.looks)
    assert len(played.details) == len(USUAL)


def test_play_without_time_trains_one_step_all_the_same():
    one = Tape(Run(BATCHED))
    one.play(5, budget_s=0.0)
    assert one.place == (1, 0)


def test_a_line_that_raises_stays_raised_and_back_takes_it_back():
    one = Tape(Run(RAISING))
    while not one.run.done:
        one.line()
    assert one.run.error.line == "backward"
    assert "modified by an inplace operation" in str(one.run.error.exception)
    place = one.place
    assert place == (1, 4)
    one.line()  # nothing more to execute
    assert one.place == place
    one.back_line()
    assert one.run.error is None
    assert one.place == place
    assert_there(one)
    one.line()
    assert "modified by an inplace operation" in str(one.run.error.exception)
    one.back_step()
    assert one.place == (1, 0)
    one.restart()
    assert one.at_start
    assert_there(one)


def test_backward_without_a_loss_is_a_name_error_of_the_run():
    one = Tape(Run(replace(BATCHED, loop=from_letters("BZ"))))
    one.line()
    assert str(one.run.error.exception) == "name 'loss' is not defined"


def test_back_by_steps_goes_to_the_beginning_of_this_step_and_then_of_the_one_before():
    one = Tape(Run(BATCHED))
    one.go(3, 2)
    for place in ((3, 0), (2, 0), (1, 0), (0, 0), (0, 0)):
        one.back_step()
        assert one.place == place
        assert_there(one)


def test_play_into_a_raise_shows_the_step_that_raised():
    one = Tape(Run(RAISING))
    one.play(9, budget_s=60)
    one.settle()
    assert one.run.error is not None
    assert one.place == (1, 4)
    assert len(one.looks) == 6  # before the first line, and after each of five, the raising one too


@pytest.mark.parametrize("lines", [3, 4, 5, 7])
def test_a_changed_learning_rate_is_that_of_the_config(lines):
    one = Tape(Run(BATCHED))
    for _ in range(lines):
        one.line()
    one.change_lr(0.01)
    one.play(20, budget_s=60)
    assert one.run.done
    again = Run(one.run.config).advance()
    assert_same_losses(one.run, again)
    assert not np.array_equal(one.run.history.losses, Run(BATCHED).advance().history.losses)


def test_a_learning_rate_changed_in_the_past_replaces_those_after_it():
    one = Tape(Run(DELIVERIES))
    one.play(8, budget_s=60)
    one.change_lr(0.02)
    one.go(3, 0)
    one.change_lr(0.03)
    assert one.run.config.schedule == ((3, 0.03),)


@pytest.mark.parametrize("line", [0, 2])
def test_back_to_after_a_changed_rate_is_a_place_of_the_new_run(monkeypatch, line):
    """Checkpoints of later steps were reached with the old rate: none of them may be restored."""
    monkeypatch.setattr(tape, "SPACING", 1)
    one = Tape(Run(BATCHED))
    one.play(7, budget_s=60)
    one.go(3, line)
    one.change_lr(0.01)
    one.play(6, budget_s=60)
    one.go(6, 0)
    assert_there(one)


def test_a_changed_rate_keeps_the_checkpoint_of_the_step_it_is_in(monkeypatch):
    """What came before the change is still true; going back to it must not take the whole way."""
    monkeypatch.setattr(tape, "SPACING", 1)
    one = Tape(Run(BATCHED))
    one.play(7, budget_s=60)
    one.go(3, 0)
    one.change_lr(0.01)
    assert list(one.checkpoints) == [0, 1, 2, 3]


@pytest.mark.parametrize("line", range(4))
@pytest.mark.parametrize("loop", ["FLBSZ", "SFLZB", "FLBS"])
def test_a_rate_changed_at_any_line_counts_from_the_next_update_on(loop, line):
    """Once this step has made its update, the new rate is for the next one."""
    one = Tape(Run(replace(BATCHED, loop=from_letters(loop))))
    one.go(2, line)
    assert_rate_from(one, 2 + ("S" in loop[:line]))


def test_a_rate_changed_after_the_update_with_a_line_still_to_come_is_for_the_next_step():
    one = Tape(Run(replace(BATCHED, loop=from_letters("FLBSZ"))))
    one.go(2, 4)  # zero_grad is left
    assert_rate_from(one, 3)


def assert_rate_from(one, step):
    """A rate changed now is used from this step on: plain SGD by hand, w <- w - lr * .grad."""
    old, new = one.run.config.lr, 0.01
    one.change_lr(new)
    assert one.run.config.schedule == ((step, new),)
    in_use = new if step == one.run.step else old  # no update of this step is still to come: the old one
    assert one.run.namespace["optimizer"].param_groups[0]["lr"] == in_use
    one.play(20, budget_s=60)
    history = one.run.history
    weights, grads = history.weights["0.weight"], np.nan_to_num(history.grads["0.weight"])
    rates = np.where(np.arange(len(grads) - 1) < step, old, new)[:, None, None]
    np.testing.assert_allclose(weights[1:], weights[:-1] - rates * grads[:-1], rtol=1e-5, atol=1e-6)
    assert_same_losses(one.run, Run(one.run.config).advance())


def test_one_change_too_many_is_said_and_changes_nothing():
    one = Tape(Run(replace(DELIVERIES, steps=40)))
    for number in range(MAX_CHANGES):
        one.next_step()
        one.change_lr(0.001 * (number + 1))
    one.next_step()
    before, config = state(one.run), one.run.config
    with pytest.raises(ValueError, match=f"at most {MAX_CHANGES}"):
        one.change_lr(0.5)
    assert state(one.run) == before
    assert one.run.config == config
    with pytest.raises(ValueError, match="from 0 to 1000000"):
        Tape(Run(DELIVERIES)).change_lr(1e7)
    one.play(40, budget_s=60)
    assert_same_losses(one.run, Run(config).advance())


def test_zeros_and_none_are_different_things_in_grad():
    for letter, expected in (("Z", None), ("0", 0.0)):
        one = Tape(Run(replace(DELIVERIES, loop=from_letters(f"{letter}FLBS"))))
        one.next_step()
        one.line()
        grad = one.looks[-1].tensors["weight"].grad
        assert (grad if grad is None else float(grad)) == expected


@pytest.mark.parametrize("bound", [1, 3000, 10**6])
def test_checkpoints_stay_within_their_memory(monkeypatch, bound):
    monkeypatch.setattr(tape, "SPACING", 1)
    monkeypatch.setattr(tape, "KEPT_BYTES", bound)
    one = Tape(Run(replace(BATCHED, steps=40)))
    one.play(40, budget_s=60)
    sizes = [kept.nbytes for kept in one.checkpoints.values()]
    assert sum(sizes) <= bound or len(sizes) <= 2  # the start and one more always stay
    for step in (33, 17, 0):
        one.go(step, 0)
        assert_there(one)


def test_a_checkpoint_is_kept_every_so_many_steps_whether_played_or_stepped(monkeypatch):
    monkeypatch.setattr(tape, "SPACING", 3)
    played, stepped = Tape(Run(BATCHED)), Tape(Run(BATCHED))
    played.play(8, budget_s=60)
    for _ in range(8):
        stepped.next_step()
    assert list(played.checkpoints) == list(stepped.checkpoints) == [0, 3, 6]


def test_every_second_checkpoint_is_dropped_once_they_are_over_the_bound_and_two_always_stay(monkeypatch):
    """By hand: the start has weights alone, every other one .grad too."""
    weights = sum(p.nbytes for p in Run(BATCHED).parameters)
    monkeypatch.setattr(tape, "SPACING", 1)
    for bound, after_2, after_4, after_7 in (
        (5 * weights, [0, 1, 2], [0, 2, 4], [0, 4]),  # three just fit
        (5 * weights - 1, [0, 2], [0, 4], [0, 4]),
        (1, [0, 2], [0, 4], [0, 4]),
    ):
        monkeypatch.setattr(tape, "KEPT_BYTES", bound)
        one = Tape(Run(BATCHED))
        for steps, expected in ((3, after_2), (2, after_4), (3, after_7)):  # kept before each step
            one.play(steps, budget_s=60)
            assert list(one.checkpoints) == expected


def test_a_checkpoint_counts_every_tensor_in_it():
    run = Run(replace(BATCHED, optimizer="adam", steps=1)).advance()
    sizes = [p.nbytes for p in run.parameters]
    # weights, .grad, and Adam's two moments; its step counts are tensors of one float each
    assert tape.checkpoint(run).nbytes == 4 * sum(sizes) + 4 * len(sizes)


class Counting(nn.Module):
    """A model with a buffer: running statistics that forward changes."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.norm = nn.BatchNorm1d(3)
        self.last = nn.Linear(3, 1)

    def forward(self, inputs):
        return self.last(self.norm(self.first(inputs)))


def test_buffers_go_back_with_the_weights():
    one = Tape(Run(BATCHED, model=Counting()))
    one.next_step()
    kept = {name: b.clone() for name, b in one.run.model.named_buffers()}
    one.play(4, budget_s=60)
    one.go(1, 0)
    for name, buffer in one.run.model.named_buffers():
        assert torch.equal(buffer, kept[name]), name


class Pair(nn.Module):
    """A model whose output is no tensor."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 1)

    def forward(self, inputs):
        return self.inner(inputs), inputs


def test_outputs_that_are_no_tensor_are_no_problem_of_the_tape():
    one = Tape(Run(BATCHED, model=Pair(), evaluate=False))
    for _ in range(3):
        one.line()
    assert one.run.error.line == "loss"  # the loss function's own complaint
    one.back_line()
    assert one.place == (0, 2)


def test_the_place_runs_through_all_lines_of_all_steps():
    one = Tape(Run(replace(DELIVERIES, steps=3)))
    seen = [one.place]
    while not one.run.done:
        one.line()
        seen.append(one.place)
    assert seen == [*itertools.product(range(3), range(5)), (3, 0)]
