"""The training loop, taken apart: no Streamlit, only PyTorch, NumPy and pandas.

Read the modules in this order; each imports only from those above it:

    streams     one seeded generator per purpose
    lines       the five lines of the loop, as source text
    data        data sets by name -> inputs and targets
    models      models by name -> nn.Module
    losses      losses by name -> loss module, target form, formula, when to use it
    optimizers  optimizers by name, SGD written by hand among them
    knobs       what a field of Config says about itself: label, limits, text in links
    config      Config: everything that decides a run; its labels, limits and URL form
    task        Config -> tensors, model, loss, optimizer and batches of one run
    devices     which devices this machine has
    work        what a comparison costs, and how much is allowed
    vectors     weights and gradients of every step -> norms and arrays
    history     what a run recorded -> arrays and data frames
    evaluation  scores on the whole sets
    gradients   .grad around backward: fresh, left over, used
    loop        Run: executes the five lines and records around them
    looks       what PyTorch holds between two lines
    tape        back and forth through a run, to the same bits
    results     a run as plain data, for caches and pages
    theory      curvature and stability limits to hold runs against
    verdict     a run in words, with the numbers they rest on
    comparison  several runs, one change each; their labels and their link
    fit         what the model computes at a step: curve, surface, confusion matrix
    thinning    few enough rows for a chart, and where its axis ends
    curves      results -> the wide frame that the linked curves show
    charts      Vega-Lite specs: the linked curves, a sparkline
    pictures    Vega-Lite specs of what a model computes
    export      Config -> script, listing and data file
"""

import torch

# These models are tiny: two threads are slower than one, and can change bits.
torch.set_num_threads(1)

from core import export  # noqa: E402  (after the thread setting)
from core.config import Config  # noqa: E402
from core.loop import Run  # noqa: E402

__all__ = ["Config", "Run", "export"]
