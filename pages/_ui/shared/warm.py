"""Slow things done once, before the first visitor waits: imports, the first optimizer, garbage collection.

A full garbage collection takes 0.2 s with torch and pandas loaded, unless everything loaded so far is frozen,
so that the collector skips it. Freezing again later would keep what visitors hold forever; so the fact that
it was done is not kept in a Streamlit cache, which any browser may clear.
"""

import gc
import threading

from pages._ui.shared import memory

_lock, _done = threading.Lock(), threading.Event()


def up() -> None:
    """Warm up once per process; visitors who arrive meanwhile wait."""
    with _lock:
        if not _done.is_set():
            gc.disable()  # almost all that is made now stays: looking through it, over and over, took 0.9 s
            try:
                _warm()
                gc.collect()  # what modules leave behind them while they are made: 7 MB
                gc.freeze()
                memory.give_back()
            finally:
                gc.enable()
            _done.set()


def _warm() -> None:
    from core import Config, Run, budget, charts, export
    from core.autograd.examples import EXAMPLES
    from core.autograd.notebook import told
    from core.compare import curves, fit, fit_picture
    from core.result import result
    from pages._ui.shared import session  # noqa: F401  (it imports most of core)

    memory.few_arenas()
    budget.measured("cpu")
    trained = result(Run(Config(steps=2)).advance())
    curves.curves_frame([trained])
    charts.curves_spec(("a",), ("Loss", "Gradient"), (True, True), (None, None), (0.0, 2.0), 1000, True)
    fit_picture.fit_spec("surface", "x", "y")
    fit.picture(trained, 0)
    export.script(trained.config)
    told(EXAMPLES["not_scalar"].text)  # the first backward with a gradient imports more of torch
