"""Warnings as data: only of the thread that collects, each run anew, nothing changed for others."""

import runpy
import threading
import warnings
from dataclasses import replace

import pytest
import torch
from torch import nn

from core import Run, torch_warnings
from core.result import result
from core.traps.table import TRAPS

SQUEEZED = replace(TRAPS["broadcast"].wrong, steps=5)


def warn():
    nn.functional.mse_loss(torch.zeros(4, 1), torch.zeros(4))


def test_what_is_collected_is_not_shown_and_what_is_not_is():
    taken = []
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with torch_warnings.collecting(taken.append):
            warn()
        assert shown == []
        warn()
        assert len(shown) == 1
    assert len(taken) == 1
    assert taken[0].startswith("Using a target size")


def test_collecting_inside_of_collecting_goes_to_the_inner_one_only():
    outer, inner = [], []
    with torch_warnings.collecting(outer.append):
        with torch_warnings.collecting(inner.append):
            warn()
        assert (len(outer), len(inner)) == (0, 1)
        warn()
    assert (len(outer), len(inner)) == (1, 1)


def test_collecting_ends_with_an_exception():
    with pytest.raises(KeyError), torch_warnings.collecting(lambda text: None):
        raise KeyError
    with pytest.warns(UserWarning, match="Using a target size"):
        warn()


def test_another_thread_keeps_its_warnings():
    taken, shown = [], []
    inside, done = threading.Event(), threading.Event()

    def other():
        inside.wait(10)
        with pytest.warns(UserWarning, match="Using a target size"):
            warn()
        shown.append(True)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with torch_warnings.collecting(taken.append):
        inside.set()
        assert done.wait(10)
    thread.join()
    assert taken == []
    assert shown == [True]


def test_two_runs_in_two_threads_are_warned_of_their_own():
    other = replace(TRAPS["scheduler_first"].wrong, steps=200)
    runs = {}

    def train(name, config):
        runs[name] = Run(config).advance()

    configs = {"squeezed": replace(SQUEEZED, steps=200), "scheduler": other}
    threads = [threading.Thread(target=train, args=item) for item in configs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [w.text[:19] for w in runs["squeezed"].warnings] == ["Using a target size"]
    assert [w.text[:13] for w in runs["scheduler"].warnings] == ["Detected call"]


def test_every_run_is_warned_anew_once():
    for _ in range(2):
        run = Run(SQUEEZED).advance()
        assert len(run.warnings) == 1
        assert result(run).warnings == tuple(run.warnings)


def test_slices_and_single_lines_are_warned_too():
    run = Run(SQUEEZED)
    for _ in range(3):
        run.line()
    assert (run.warnings[0].step, run.warnings[0].line) == (0, "loss_squeezed")
    run.advance(1)
    assert len(run.warnings) == 1


def test_a_run_leaves_the_filters_as_they_were():
    torch_warnings.put_in_front()
    before = list(warnings.filters)
    Run(SQUEEZED).advance()
    Run(TRAPS["layers_in_a_list"].wrong).advance()
    assert warnings.filters == before


def test_the_filter_is_in_front_from_the_import_on():
    """So a copy that another thread takes of the list, and puts back during a run, has it too."""
    with warnings.catch_warnings():
        again = runpy.run_path(torch_warnings.__file__)
        assert warnings.filters[0] is again["FILTER"]


def test_nothing_of_a_run_gets_into_the_log_of_the_server_and_other_warnings_do(core_alone):
    _, said = core_alone
    assert said.count("UserWarning") == 1  # that of the last tensor, which no run has made
    assert "To copy construct from a tensor" in said
