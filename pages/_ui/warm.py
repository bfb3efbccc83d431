"""Pay once, before the first visitor waits: imports, the first optimizer, and the collector.

Streamlit collects garbage after every script run. With torch and pandas loaded that takes 0.2 s
each time, unless what is loaded by then is frozen: the collector no longer looks at it.
"""

import gc

import streamlit as st

from core import Config, Run, charts, curves, export, fit, pictures
from core.notebook import told
from core.notebook_examples import EXAMPLES
from core.results import result


@st.cache_resource(show_spinner=False)
def up() -> None:
    """Run once per process what every visit needs."""
    trained = result(Run(Config(steps=2)).advance())
    curves.curves_frame([trained])
    charts.curves_spec(("a",), ("Loss", "Gradient"), (True, True), (None, None), (0.0, 2.0), 1000, True)
    pictures.fit_spec("surface", "x", "y")
    fit.picture(trained, 0)
    export.script(trained.config)
    told(EXAMPLES["not_scalar"].text)  # the first backward with a gradient imports more of torch
    gc.collect()
    gc.freeze()
