"""Pay once, before the first visitor waits: imports, the first optimizer, and the collector.

Streamlit collects garbage after every script run. With torch and pandas loaded that takes 0.2 s
each time, unless what is loaded by then is frozen: the collector no longer looks at it. That must not be
done again later, when what visitors hold would never be collected; so no cache of Streamlit remembers it,
which any browser may clear.
"""

import gc
import threading

from core import Config, Run, charts, export
from core.autograd.examples import EXAMPLES
from core.autograd.notebook import told
from core.compare import curves, fit, fit_picture
from core.result import result

_lock, _done = threading.Lock(), threading.Event()


def up() -> None:
    """Run once per process what every visit needs; whoever comes meanwhile waits for it."""
    with _lock:
        if not _done.is_set():
            _warm()
            _done.set()


def _warm() -> None:
    trained = result(Run(Config(steps=2)).advance())
    curves.curves_frame([trained])
    charts.curves_spec(("a",), ("Loss", "Gradient"), (True, True), (None, None), (0.0, 2.0), 1000, True)
    fit_picture.fit_spec("surface", "x", "y")
    fit.picture(trained, 0)
    export.script(trained.config)
    told(EXAMPLES["not_scalar"].text)  # the first backward with a gradient imports more of torch
    gc.collect()
    gc.freeze()
