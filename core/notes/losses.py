"""Claims of the third note: what comes out of a loss, which loss is for what, what the loop's lines do."""

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


def mse_average() -> dict:
    errors = torch.tensor([[1.0, 1.0], [3.0, 5.0]])  # two samples of two outputs
    loss = nn.MSELoss()(errors, torch.zeros(2, 2))
    return {
        "sum of squares": errors.square().sum().item(),
        "loss": loss.item(),
        "sum / loss": errors.square().sum().item() / loss.item(),
    }


def larger_errors() -> dict:
    outputs = torch.tensor([1.0, 10.0], requires_grad=True)
    (grad,) = torch.autograd.grad(nn.MSELoss(reduction="sum")(outputs, torch.zeros(2)), outputs)
    return {"errors": outputs.detach(), "squared": outputs.detach() ** 2, "gradients": grad}


def l1_average() -> dict:
    errors = torch.tensor([[1.0, -1.0], [3.0, -5.0]])  # two samples of two outputs
    loss = nn.L1Loss()(errors, torch.zeros(2, 2))
    return {
        "sum of absolute errors": errors.abs().sum().item(),
        "loss": loss.item(),
        "sum / loss": errors.abs().sum().item() / loss.item(),
    }


def outliers() -> dict:
    targets = torch.tensor([1.0, 2.0, 3.0, 4.0, 100.0])
    mean, median = targets.mean().expand(5), targets.median().expand(5)
    return {
        "mean and median of the targets": [mean[0].item(), median[0].item()],
        "MSE of either": [nn.MSELoss()(guess, targets).item() for guess in (mean, median)],
        "L1 of either": [nn.L1Loss()(guess, targets).item() for guess in (mean, median)],
    }


def sigmoid_inside() -> dict:
    one, zero = torch.ones(1), torch.zeros(1)
    logit = torch.tensor([2.0])
    far = torch.tensor([200.0], requires_grad=True)
    losses = nn.BCELoss()(far.sigmoid(), zero), nn.BCEWithLogitsLoss()(far, zero)
    return {
        "logit 2, target 1: BCEWithLogits": nn.BCEWithLogitsLoss()(logit, one),
        "−log of the sigmoid": -logit.sigmoid().log(),
        "logit 200, target 0: sigmoid and BCE, with logits": [loss.item() for loss in losses],
        "their gradients": [torch.autograd.grad(loss, far)[0].item() for loss in losses],
    }


def zero_or_one() -> dict:
    logit, loss_fn = torch.tensor([5.0]), nn.BCEWithLogitsLoss()
    return {
        "logit 5, target 0.5": loss_fn(logit, torch.tensor([0.5])).item(),
        "target 2.0": loss_fn(logit, torch.tensor([2.0])).item(),
        "target 1, an integer": said(lambda: loss_fn(logit, torch.tensor([1]))),
    }


def problem_type() -> dict:
    outputs = torch.tensor([[3.0], [-2.0]], requires_grad=True)  # one output for two classes
    loss = nn.CrossEntropyLoss()(outputs, torch.tensor([0, 0]))
    refused = said(lambda: nn.CrossEntropyLoss()(outputs, torch.tensor([0, 1])))
    return {
        "loss, all rows of class 0": loss.item(),
        "gradient": torch.autograd.grad(loss, outputs)[0],
        "a row of class 1": refused,
    }


def training_mode() -> dict:
    norm, rows = nn.BatchNorm1d(1), torch.tensor([[1.0], [3.0]])
    begins = norm.training
    training = norm(rows).flatten()
    evaluating = norm.eval()(rows).flatten()
    return {
        "training, at first": begins,
        "batch norm of 1 and 3, training": training,
        "evaluating": evaluating,
        "requires_grad then": evaluating.requires_grad,
    }


def to_device() -> dict:
    data, model = torch.zeros(2), nn.Linear(1, 1, device="meta").to_empty(device="cpu")
    moved = data.to("meta")  # a device that every machine has
    model.to("meta")
    return {
        "data, data.to(device)": [data.device.type, moved.device.type],
        "weight of the model after model.to(device)": model.weight.device.type,
        'data.to("cpu") is data': data.to("cpu") is data,
    }


def progress() -> dict:
    batches = torch.arange(200).split(64)  # as a loader of 200 rows gives them
    printed = [f"{number * len(data)}/200" for number, data in enumerate(batches)]
    return {"printed": printed, "first row of each batch": [data[0].item() for data in batches]}


def repeats() -> dict:
    choices = {"dataset": "digits", "model": "linear", "optimizer": "adam", "lr": 0.001}
    history = Run(Config(**choices, batch_size=64, steps=46)).advance().history  # 2 epochs
    rises = history.losses[1:] > history.losses[:-1]
    return {
        "loss on all rows, before and after": history.evaluations["train_loss"].iloc[[0, -1]].tolist(),
        "of 45 batches, a higher loss than the one before": int(rises.sum()),
    }


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
    "mse_average": Claim(
        "`nn.MSELoss` … Calculates the average squared difference … "
        r"$L = \frac{1}{N} \sum_{i=1}^{N} (y_i - \hat{y}_i)^2$",
        "imprecise",
        "True of N samples with one number each. In general the sum is divided by the number of entries: "
        "here by 4, for two samples of two outputs.",
        mse_average,
        gives(36.0, 9.0, 4.0),
        losses("one", loss="mse"),
        also=("recap", "steps"),
    ),
    "larger_errors": Claim(
        "Penalizes larger errors more significantly due to squaring. Mathematically convenient and "
        "differentiable.",
        "holds",
        "Ten times the error means a hundred times the loss and ten times the gradient.",
        larger_errors,
        gives([1.0, 10.0], [1.0, 100.0], [2.0, 20.0]),
        losses("one", loss="mse"),
    ),
    "l1_average": Claim(
        "`nn.L1Loss` … Calculates the average absolute difference … "
        r"$L = \frac{1}{N} \sum_{i=1}^{N} |y_i - \hat{y}_i|$",
        "imprecise",
        "As with MSE: true of N samples with one number each. In general the sum is divided by the number of "
        "entries: here by 4, for two samples of two outputs.",
        l1_average,
        gives(10.0, 2.5, 4.0),
        losses("one", loss="l1"),
    ),
    "outliers": Claim(
        "`nn.L1Loss` … Useful when the dataset might contain significant outliers, as it's less sensitive to "
        "them than MSE.",
        "holds",
        "The best single guess is the mean for MSE, and the median for L1; one outlier of 100 pulls only the "
        "mean away.",
        outliers,
        gives([22.0, 3.0], [1522.0, 1883.0], [31.2, 20.2]),
        losses("outlier"),
    ),
    "sigmoid_inside": Claim(
        "`nn.BCEWithLogitsLoss` … Combines a `Sigmoid` activation and `BCELoss` for numerical stability. … "
        "directly evaluating the predicted probability for the positive class.",
        "holds",
        "Far out, a separate sigmoid rounds to 1: BCELoss stops at 100 with a gradient of 0, where the "
        "combination still has the full gradient.",
        sigmoid_inside,
        gives(0.126928, [0.126928], [100.0, 200.0], [0.0, 1.0]),
        losses("stability"),
    ),
    "zero_or_one": Claim(
        "When the model outputs a single raw logit per sample, and the target is either 0 or 1.",
        "imprecise",
        "Any float is accepted: 0.5 as a probability, and 2 without a complaint, which can make the loss "
        "negative. Integers are refused.",
        zero_or_one,
        gives(2.506715, -4.993285, "result type Float can't be cast to the desired output type Long"),
        losses("one", loss="bce"),
    ),
    "problem_type": Claim(
        "The choice depends critically on the problem type … and the nature of the model's output.",
        "holds",
        "With a single output, softmax is always 1: for class 0, cross-entropy and its gradient are 0 "
        "whatever the output, and nothing is learned; class 1 raises, since there is no such class.",
        problem_type,
        gives(0.0, [[0.0], [0.0]], "IndexError: Target 1 is out of bounds"),
        losses("which"),
    ),
    "training_mode": Claim(
        "`model.train()` # Set the model to training mode",
        "holds",
        "Modules start in it. It changes what layers such as batch norm and dropout do, and nothing else: "
        "gradients flow in both modes.",
        training_mode,
        gives(True, [-1.0, 1.0], [0.762761, 2.669676], True),
        trap("no_eval"),
    ),
    "to_device": Claim(
        "Move data to the target device … `data, target = data.to(device), target.to(device)`",
        "holds",
        "A tensor's .to returns the moved tensor, or the same one if it is there already, so it has to be "
        "assigned, as the notes do; a module's .to moves its own parameters.",
        to_device,
        gives(["cpu", "meta"], "meta", True),
    ),
    "progress": Claim(
        "`print(f'Epoch: {epoch} [{batch_idx * len(data)}/{len(train_loader.dataset)}]…')`",
        "imprecise",
        "Right until the last batch: if that one is smaller, the count falls back, here to 24, although 192 "
        "rows had been seen.",
        progress,
        gives(["0/200", "64/200", "128/200", "24/200"], [0, 64, 128, 192]),
    ),
    "repeats": Claim(
        "This cycle repeats for multiple batches and epochs, gradually improving the model.",
        "holds",
        "With Adam at the notes' learning rate, the loss on all rows falls, while that of the batches goes "
        "up and down.",
        repeats,
        gives(lambda losses: losses[1] < 0.9 * losses[0], lambda rises: 5 < rises < 40),
        compared(Config(dataset="digits", model="linear", optimizer="adam", lr=0.001, batch_size=64)),
    ),
}
