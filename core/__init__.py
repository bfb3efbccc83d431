"""The training loop, taken apart: no Streamlit, only PyTorch, NumPy and pandas.

The modules here are the main job: one run, from its Config to its verdict and its script. In this order:
words, charts; seeds, lines, data, models, losses, optimizers; fields, config, build, devices; vectors,
histograms, torch_internals, history, gradients, evaluation, torch_warnings, loop; budget, result, curvature,
verdict, run_summary, units, export. recorder stands alone: it is a file to take away. Each package is what a
page shows beyond these; it imports from here and from packages above it:

    graph          what autograd records and keeps for backward; one tensor in words
    compare        several runs, each with changes of its own
    stacked        many runs of one shape, trained as one
    autograd       lines that somebody types, interpreted and never executed
    watch          one line at a time, forward and back
    loss_lessons   what each loss does, and what goes wrong with it
    sweep          a grid of runs
    jobs           where runs run: here, on an executor, on a Dask cluster
    traps          mistakes, their evidence, orders of the lines
    own            a loop of one's own, recorded, read and judged; a CSV of one's own to train on
    notes          what course notes say, held against PyTorch
    report         a comparison to take away: one HTML file, a notebook
    start          a path through the pages, symptoms, saved runs, and the words they use
"""

import torch

# These models are tiny: two threads are slower than one, and can change bits.
torch.set_num_threads(1)

from core import export  # noqa: E402  (after the thread setting)
from core.config import Config  # noqa: E402
from core.loop import Run  # noqa: E402

__all__ = ["Config", "Run", "export"]
