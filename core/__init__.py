"""The training loop, taken apart: no Streamlit, only PyTorch, NumPy and pandas.

Read the modules in this order; each imports only from those above it.

What there is to choose:

    streams            one seeded generator per purpose
    line               one line: source text, and what it is for
    mistakes           lines that go wrong, and their repairs, as source text
    lines              the five lines of the loop, as source text
    data               data sets by name -> inputs and targets
    models             models by name -> nn.Module
    focal              the focal loss, as a module of our own
    term_texts         how one term of a loss is written, with its numbers
    losses             losses by name -> loss module, target form, formula, when to use it
    terms              what a loss adds up, and what it divides the sum by
    accuracy           which class a model names, and how often that is right
    optimizers         optimizers by name, SGD written by hand among them
    knobs              what a field of Config says about itself: label, limits, text in links
    config             Config: everything that decides a run
    task               Config -> tensors, model, loss, optimizer and batches of one run
    devices            which devices this machine has
    work               what runs cost, and how much is allowed

The loop, and what is recorded around it:

    vectors            weights and gradients of every step -> norms and arrays
    histograms         how large the entries of the gradients are, over time
    history            what a run recorded -> arrays and data frames
    evaluation         scores on the whole sets
    gradients          .grad around backward: fresh, left over, used
    warned             what PyTorch warns of, as data, with no filter changed for others
    loop               Run: executes the five lines and records around them
    results            a run as plain data, for caches and pages

Many runs as one:

    stacked_data       the rows that each run sees, with a leading run axis
    stacked_model      weights with a leading run axis, and layers that work on all
    stacked_loss       the sum of the losses of all runs
    stacked_optimizers the updates of torch.optim, with a rate for each run
    stacked_history    losses, norms and scores of each run
    stack              Stack: the five lines, for many runs at once
    blocks             runs that train together

What it means:

    theory             curvature and stability limits to hold runs against
    units              which hidden layers no longer tell one row from another
    verdict            a run in words, with the numbers they rest on
    ledger             .grad as this batch plus what was left over
    plane              the plane that shows a run's way through its weights
    surface            the real loss at the points of that plane
    comparison         several runs, one change each; their labels and their link
    presets            moments worth opening at once
    fit                what the model computes at a step: curve, surface, confusion matrix

What a loss does:

    examples           three rows to try each loss on
    loss_curves        value and gradient of a loss, as functions of the prediction
    reductions         mean, sum and none of the same rows
    target_checks      targets that a loss takes, and what PyTorch says to others
    loss_choice        which loss goes with a task, its targets and a last layer
    cross_entropy      from logits to the loss and its gradient, step by step
    soft_targets       class numbers, probabilities and label smoothing
    softmax_twice      the floor and the faded gradient of a softmax too many
    stability          one formula in three ways, far from 0
    outlier            lines fitted with several losses, while one point moves

Many runs at once:

    axes               a field and the values that a sweep gives it
    sweep              a baseline with two fields varied: a grid of Configs
    brief              what a sweep keeps of each run
    measures           by what runs are compared
    grid               what came out of each cell
    rate_limits        up to which learning rate each row is stable
    recheck            three runs again, alone
    range_test         one run whose learning rate grows
    jobs               work that can be sent elsewhere
    executors          where jobs run: here, or behind an Executor
    cluster            on the workers of a Dask cluster

What autograd records and keeps:

    nodes              the operations behind a tensor, by way of its grad_fn
    summary            a tensor in short: shape, norm, few entries
    storage            where the numbers of tensors lie, and their bytes
    saved              the tensors that each node keeps for backward
    flow               the gradients that flow back, noted by hooks
    graph              all of it, as plain data
    ways               six ways to keep a loss, as lines
    memory             what each way keeps alive, measured
    memory_words       what there is to say about it: a table and sentences

One line at a time:

    held               what a tensor is at this moment
    looks              what PyTorch holds between two lines
    tape               back and forth through a run, to the same bits
    updates            what the optimizer does to one weight, in numbers
    tensor_table       every tensor, and what the last line has changed in it
    executed           what was held before a line and after it; words that accounts share
    forward_account    the outputs, and the operations that were recorded
    loss_account       the loss as the mean of its terms
    grad_account       what zero_grad and backward did to .grad
    step_account       the weights that moved, and the optimizer's arithmetic
    other_account      every tensor that another line has changed
    account            what an executed line has changed, in words and numbers

What goes wrong:

    trap               a mistake as two Configs, with it and repaired
    traps              the mistakes that learners make most often
    outcomes           what a run with a mistake did, in one word
    fact               a number of both runs, and what it means
    gradient_facts     where the gradients went
    loss_facts         how low a loss can go, and why
    model_facts        what the model has become
    evidence           which facts show a mistake, by name
    diagnosis          a series of hidden mistakes, drawn by a seed
    orders             what each order of the five lines does
    momentum           why a loop without zero_grad still learns

Lines that somebody types:

    sizes              how large would a result be? asked before it is computed
    workspace          names and tensors of a few typed lines, and how they are let go
    language           functions, methods and attributes that may be typed
    operators          operators that may be typed
    syntax             text -> syntax tree, bounded and refused before anything is done
    interpreter        what an expression is worth, by those lists alone
    changes            what a typed line changed, in sentences
    notebook           the statements of a text, one after the other
    inside             tensors and graph after a typed line
    notebook_examples  lines to begin with, each with a question

What course notes say, held against PyTorch:

    claim              words, a judgement, and the lines that compute what it rests on
    claims_bridge      day 05: losses, backward, gradients that add up
    claims_lessons     day 05: scalars, .item(), who moves the weights
    claims_passes      the second note: gradients, updates, zeroing
    claims_methods     the second note: tensors, requires_grad, detach, item
    claims_tracking    the second note: its exercises
    claims_losses      the third note: cross-entropy
    claims_training    the third note: other losses, and its loop
    claims_recap       the fourth note: tensors, modules, Functions
    claims_network     the fourth note: its steps
    claims_zeroing     the last note: zero_grad
    claims_forward     the last note: forward and loss
    claims_backward    the last note: backward
    claims_updates     the last note: step
    claims_order       the last note: the whole loop
    claims             all of them, note by note

Pictures, and the way home:

    thinning           few enough rows for a chart, and where its axis ends
    curves             results -> the wide frame that the linked curves show
    charts             Vega-Lite specs: the linked curves, a sparkline
    pictures           Vega-Lite specs of what a model computes
    graph_picture      the autograd graph as DOT text
    ledger_picture     bars of fresh and leftover gradients
    histogram_picture  sizes of gradients over time, as heat maps
    surface_picture    contours of the loss, and the path on them
    orders_picture     a map of all orders, a tile for each
    momentum_picture   largest stable learning rates of three loops
    trap_picture       errors of every output against every target
    memory_picture     bytes that kept losses hold
    loss_picture       value and gradient of losses over the prediction
    outlier_picture    points, an outlier and a fitted line
    class_picture      numbers of a few classes
    grid_picture       a sweep as a heat map, with limits as lines
    family_picture     the losses of a row or column of a sweep
    range_picture      the loss against a growing learning rate
    source             pieces of source that make up a run
    export             Config -> script, listing and data file
    trap_export        a trap as a pytest file that fails on the mistake
"""

import torch

# These models are tiny: two threads are slower than one, and can change bits.
torch.set_num_threads(1)

from core import export  # noqa: E402  (after the thread setting)
from core.config import Config  # noqa: E402
from core.loop import Run  # noqa: E402

__all__ = ["Config", "Run", "export"]
