"""Claims of the third note on losses: what comes out of one, and what cross-entropy does."""

# pyright: reportArgumentType=false
# (a step without its closure raises, and the reader is told)

import torch
from torch import nn

from core.config import Config
from core.loop import Run
from core.notes.claim import Claim, compared, example, gives, losses, said, trap


def single_scalar() -> dict:
    outputs, targets = torch.tensor([1.0, 4.0]), torch.tensor([0.0, 2.0])
    return {
        "MSELoss()": nn.MSELoss()(outputs, targets),
        'MSELoss(reduction="none")': nn.MSELoss(reduction="none")(outputs, targets),
    }


def uses_loss() -> dict:
    moved = {}
    for extra in (0.0, 100.0):
        weight = torch.tensor(3.0, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        loss = (weight - 1) ** 2 + extra
        loss.backward()
        optimizer.step()
        moved[f"weight after step, loss {loss.item()}"] = weight.item()
    without_loss = said(torch.optim.LBFGS([weight]).step)
    return {**moved, "LBFGS.step() without a closure that computes the loss": without_loss}


def ten_classes() -> dict:
    config = Config(dataset="digits", model="linear", lr=0.5, steps=30)
    scores = Run(config).advance().history.evaluations.iloc[-1]
    return {
        "loss": config.loss,
        "training accuracy after 30 steps": float(scores["train_accuracy"]),
        "on digits not trained on": float(scores["val_accuracy"]),
    }


def shapes() -> dict:
    logits, targets = torch.zeros(64, 10), torch.arange(64) % 10
    loss_fn = nn.CrossEntropyLoss()
    return {
        "logits (64, 10), targets (64,)": loss_fn(logits, targets).item(),
        "targets (64, 1)": said(lambda: loss_fn(logits, targets[:, None])),
    }


def class_index() -> dict:
    logits, loss_fn = torch.tensor([[2.0, 1.0, 0.0]]), nn.CrossEntropyLoss()
    return {
        "class 0, int64": loss_fn(logits, torch.tensor([0])),
        "class 0, int32": said(lambda: loss_fn(logits, torch.tensor([0], dtype=torch.int32))),
        "probabilities 1, 0, 0": loss_fn(logits, torch.tensor([[1.0, 0.0, 0.0]])),
        "probabilities 0.5, 0.5, 0": loss_fn(logits, torch.tensor([[0.5, 0.5, 0.0]])),
    }


def log_softmax_nll() -> dict:
    logits = torch.randn(64, 10, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(64) % 10
    both = nn.NLLLoss()(nn.LogSoftmax(dim=1)(logits), targets)
    return {
        "equal to LogSoftmax, then NLLLoss, to the bit": nn.CrossEntropyLoss()(logits, targets).equal(both),
        "ten equal logits": nn.CrossEntropyLoss()(torch.zeros(1, 10), targets[:1]).item(),
    }


def stability() -> dict:
    logits = torch.tensor([200.0, 0.0, 0.0])
    return {
        "softmax([2, 1, 0]).sum()": torch.tensor([2.0, 1.0, 0.0]).softmax(dim=0).sum(),
        "[200, 0, 0]: softmax, then log": logits.softmax(dim=0).log(),
        "log_softmax": logits.log_softmax(dim=0),
    }


def low_probability() -> dict:
    losses = {}
    for probability in (0.9, 0.1, 0.001):
        log_probabilities = torch.tensor([[probability, 1 - probability]]).log()
        loss = nn.NLLLoss()(log_probabilities, torch.tensor([0]))
        losses[f"loss at probability {probability}"] = loss.item()
    return losses


CLAIMS = {
    "single_scalar": Claim(
        "It outputs a single scalar value (the loss).",
        "imprecise",
        'By default, yes: the mean. With reduction="none" it gives one number per entry, and backward needs '
        "a mean or a sum first.",
        single_scalar,
        gives(2.5, [1.0, 4.0]),
        trap("not_scalar"),
    ),
    "uses_loss": Claim(
        "Optimization algorithms (like Gradient Descent) use the loss to figure out how to adjust the "
        "model's internal parameters",
        "imprecise",
        "SGD, Adam, and most others see only gradients: a loss that is 100 higher everywhere moves the "
        "weight to the same place. LBFGS is one that does evaluate the loss, through a closure.",
        uses_loss,
        gives(2.6, 2.6, "missing 1 required positional argument: 'closure'"),
    ),
    "ten_classes": Claim(
        "Ideal for multi-class classification tasks (like MNIST digit recognition, where you have 10 "
        "classes).",
        "holds",
        "Trained with it, one linear layer gets most of the handwritten digits right.",
        ten_classes,
        gives("cross_entropy", lambda share: share > 0.85, lambda share: share > 0.8),
        compared(Config(dataset="digits", model="linear", lr=0.5, steps=30)),
        also=("bridge",),
    ),
    "shapes": Claim(
        "For a batch of N samples and C classes, this is typically a tensor of shape `(N, C)`. Example: "
        "`(64, 10)` for MNIST. … (Targets): … typically a tensor of shape `(N,)`",
        "holds",
        "Ten equal logits give log 10, whatever the targets. A column of targets is refused.",
        shapes,
        gives(2.302585, "0D or 1D target tensor expected, multi-target not supported"),
        trap("targets_column"),
    ),
    "class_index": Claim(
        "True Labels (Targets): The correct class index for each sample … integers representing the class "
        "index (e.g., 0-9 for MNIST).",
        "imprecise",
        "Not any integers: int64 or uint8. And a row of float probabilities is a valid target, too: with "
        "all of it on one class, it gives the same loss.",
        class_index,
        gives(0.407606, "expected target dtype to be Long or Byte, but got Int", 0.407606, 0.907606),
        trap("targets_int"),
    ),
    "log_softmax_nll": Claim(
        "It implicitly applies `LogSoftmax` to the model's logits. … It then calculates the loss based on "
        "the log-probabilities and the true target labels.",
        "holds",
        "Written out, the two give the same bits. Ten equal logits give log 10.",
        log_softmax_nll,
        gives(True, 2.302585),
        example("cross_entropy"),
    ),
    "stability": Claim(
        "Softmax converts logits into probabilities that sum to 1 … `LogSoftmax` takes the logarithm for "
        "numerical stability",
        "holds",
        "A softmax that has underflowed to 0 has the logarithm −inf; computed in one go, it is −200.",
        stability,
        gives(1.0, [0.0, float("-inf"), float("-inf")], [0.0, -200.0, -200.0]),
    ),
    "low_probability": Claim(
        "It heavily penalizes the model if it assigns a low probability to the correct class.",
        "holds",
        "The loss is minus the logarithm of that probability: it has no upper limit.",
        low_probability,
        gives(0.1053605, 2.302585, 6.907755),
        losses("cross_entropy"),
    ),
}
