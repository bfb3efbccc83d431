"""Claims of the last note on the whole loop: what each line needs of others, and how often it runs."""

# pyright: reportOptionalMemberAccess=false
# (a run that did not raise has no error; then the lines raise, and the reader is told)

from dataclasses import replace

import torch
from torch import nn

from core.config import Config
from core.lines import from_letters
from core.loop import Run
from core.notes.claim import Claim, Link, compared, deliveries, gives, moment, neuron
from core.traps import orders


def total_error() -> dict:
    model, (distances, times) = neuron(0.0, 0.0), deliveries()
    losses = [
        nn.functional.mse_loss(model(distances.repeat(copies, 1)), times.repeat(copies, 1)).item()
        for copies in (1, 100)
    ]
    return {"loss of four examples, of each of them 100 times": losses}


def skip_zero_grad() -> dict:
    config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01, steps=6)
    history = Run(replace(config, loop=from_letters("FLBS"))).advance().history
    return {
        "gradient of the weight, each batch": torch.from_numpy(history.fresh_grads["weight"].flatten()),
        "its .grad": torch.from_numpy(history.grads["weight"].flatten()),
    }


def skip_forward_or_loss() -> dict:
    said = {}
    for letters in ("ZLBS", "ZFBS"):
        config = Config(dataset="deliveries", model="linear", loop=from_letters(letters))
        said[letters] = str(Run(config).advance().error.exception)
    return said


def skip_backward_or_step() -> dict:
    config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01, steps=5)
    left = {}
    for letters in ("ZFLS", "ZFLB"):
        run = Run(replace(config, loop=from_letters(letters))).advance()
        left[f"{letters}: weight, its .grad"] = [run.parameters[0].item(), run.parameters[0].grad]
    return left


def sequence() -> dict:
    config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01)
    tried = orders.Trials(config, [from_letters(o) for o in ("FZLBS", "FLZBS", "FLBSZ", "FLBZS")])
    return {one.name: orders.OUTCOMES[one.outcome].title for one in tried}


def epochs() -> dict:
    config = Config(dataset="digits", model="linear", batch_size=32, lr=0.5, steps=90)
    run = Run(config).advance()
    scores = run.history.evaluations.iloc[-1]
    return {
        "epochs": config.steps * config.batch_size / len(run.data.inputs),
        "accuracy": float(scores["train_accuracy"]),
        "on digits not trained on": float(scores["val_accuracy"]),
    }


CLAIMS = {
    "total_error": Claim(
        "loss = Σ(outputs - times)² / n … Single scalar measuring total error",
        "imprecise",
        "The formula is a mean: the same examples repeated a hundred times have the same loss, not a "
        "hundred times as much.",
        total_error,
        gives([242.4027, 242.4027]),
    ),
    "skip_zero_grad": Claim(
        "If you skip… `zero_grad()`: Gradients accumulate, updates become erratic",
        "imprecise",
        "They accumulate, and what is left over soon outweighs the batch. The updates follow a rule, "
        "momentum 1: on all rows of a quadratic a smooth swing, to and fro; with mini-batches or an MLP one "
        "that can grow.",
        skip_zero_grad,
        gives(
            [-85.165, -70.939, -44.8628, -11.2914, 24.1686, 55.5952],
            [-85.165, -156.104, -200.9668, -212.2583, -188.0896, -132.4944],
        ),
        moment("skipped"),
    ),
    "skip_forward_or_loss": Claim(
        "If you skip… `forward pass`: No predictions, no computational graph … `loss calculation`: Nothing "
        "to minimize, no target",
        "holds",
        "Python stops at the first line that needs what is missing.",
        skip_forward_or_loss,
        gives("name 'outputs' is not defined", "name 'loss' is not defined"),
        Link("traps", {"view": "orders", "loop": "ZLBS"}),
    ),
    "skip_backward_or_step": Claim(
        "If you skip… `backward()`: No gradients computed, `.grad` stays None/zero … `step()`: Gradients "
        "computed but parameters never change",
        "holds",
        "Without backward it is None, not zero. In both cases the weight stays where it began.",
        skip_backward_or_step,
        gives([0.0, None], [0.0, [[-85.165]]]),
        Link("traps", {"view": "orders", "loop": "ZFLB"}),
    ),
    "sequence": Claim(
        "Each step depends on the previous one—this sequence is the heartbeat of neural network training.",
        "imprecise",
        "zero_grad depends on none: three other orders give the same losses and weights, to the last bit. "
        "It just must not come between backward and step.",
        sequence,
        gives("same", "same", "same", "never trains"),
        Link("traps", {"view": "orders", "loop": "FLBSZ"}),
        also=("losses",),
    ),
    "epochs": Claim(
        "This cycle repeats for hundreds or thousands of epochs until the model learns the underlying "
        "pattern in the data.",
        "imprecise",
        "That depends on data, batches, and learning rate. And the cycle is a step, not an epoch: here two "
        "epochs, 90 steps, are enough.",
        epochs,
        gives(2.00278, lambda share: share > 0.93, lambda share: share > 0.9),
        compared(Config(dataset="digits", model="linear", batch_size=32, lr=0.5, steps=90)),
    ),
}
