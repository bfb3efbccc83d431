"""Claims of the last note, line by line: zero_grad, forward and loss, backward, step, and the whole loop."""

# pyright: reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
# (where a .grad or an error is None, the lines raise, and the reader is told; the stubs do not know the
# variable of a node at which backward ends)

from dataclasses import replace

import torch
from torch import nn

from core import curvature
from core.config import Config
from core.graph import nodes
from core.lines import from_letters
from core.loop import Run
from core.notes.claim import (
    Claim,
    Link,
    added_up,
    compared,
    deliveries,
    example,
    gives,
    losses,
    moment,
    neuron,
    said,
    trap,
)
from core.traps import momentum, orders


def resets_all() -> dict:
    model = neuron(5.0, 5.0)
    optimizer = torch.optim.SGD([model.weight], lr=0.01)  # the bias is not its business
    model(torch.ones(1, 1)).sum().backward()
    optimizer.zero_grad()
    after_optimizer = [model.weight.grad, model.bias.grad]
    model.zero_grad()
    return {
        "weight.grad, bias.grad after optimizer.zero_grad()": after_optimizer,
        "after model.zero_grad()": [model.weight.grad, model.bias.grad],
    }


def back_to_zero() -> dict:
    model = neuron(5.0, 5.0)
    optimizer, after = torch.optim.SGD(model.parameters(), lr=0.01), {}
    for set_to_none in (True, False):
        model.weight.grad, model.bias.grad = torch.tensor([[0.5]]), torch.tensor([0.2])
        optimizer.zero_grad(set_to_none)
        after[f"set_to_none={set_to_none}"] = [model.weight.grad, model.bias.grad]
    return after


def micro_batches() -> dict:
    grads, (inputs, targets) = {}, deliveries()
    ways = {"all rows": ([4], 1), "4 parts": ([1] * 4, 1), "each loss / 4": ([1] * 4, 4)}
    for name, (rows, divided_by) in (ways | {"1 and 3 rows, each loss / 2": ([1, 3], 2)}).items():
        model = neuron(0.0, 0.0)
        for part, times in zip(inputs.split(rows), targets.split(rows), strict=True):
            (nn.functional.mse_loss(model(part), times) / divided_by).backward()
        grads[f"weight.grad, {name}"] = model.weight.grad.item()
    return grads


def several_losses() -> dict:
    weight = torch.tensor(3.0, requires_grad=True)
    (weight**2).backward()
    (weight * 10).backward()
    (of_sum,) = torch.autograd.grad(weight**2 + weight * 10, weight)
    return {"weight.grad after two losses": weight.grad, "gradient of their sum": of_sum}


def sums() -> dict:
    weight, stored = torch.tensor(1.0, requires_grad=True), []
    for gradient in (0.5, 0.3, 0.4):
        (weight * gradient).backward()
        stored.append(weight.grad.item())
    return {"weight.grad": stored}


def erratic() -> dict:
    config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01, steps=120)
    both = momentum.twins(config)  # without zero_grad; with it, and momentum 1
    history = both.skipped.history
    lengths = history.steps["grad_norm"].to_numpy()
    return {
        "losses and weights that differ from momentum 1": both.losses + both.weights,
        "largest .grad, steps 0 to 59": float(lengths[:60].max()),
        "largest .grad, steps 60 to 119": float(lengths[60:].max()),
        "largest loss, steps 60 to 119": float(history.losses[60:].max()),
        "stable up to learning rate": curvature.limits(curvature.starting_curvature(config))["skipped"],
    }


def outputs() -> dict:
    model, (distances, _) = neuron(5.0, 2.0), deliveries()
    return {"outputs": model(distances).flatten().tolist()}


def remembers() -> dict:
    model, (distances, _) = neuron(5.0, 2.0), deliveries()
    by_hand = distances * model.weight + model.bias
    return {
        "model(distances)": nodes.operations(model(distances)),
        "distances * weight + bias": nodes.operations(by_hand),
    }


def squared_errors() -> dict:
    outputs = torch.tensor([7.0, 12.0, 17.0, 22.0])
    times = torch.tensor([6.96, 12.11, 16.77, 22.21])
    return {
        "squared errors": (outputs - times) ** 2,
        "MSELoss": nn.MSELoss()(outputs, times).item(),
    }


def squares() -> dict:
    errors = torch.tensor([2.0, -2.0, 10.0])
    return {"errors": errors, "squared": errors**2}


def smooth() -> dict:
    slopes = {}
    for loss_fn in (nn.functional.mse_loss, nn.functional.l1_loss):
        errors = torch.tensor([-0.1, 0.0, 0.1], requires_grad=True)
        loss_fn(errors, torch.zeros(3), reduction="sum").backward()
        slopes[f"{loss_fn.__name__}, slopes at −0.1, 0, 0.1"] = errors.grad
    return slopes


def complete_path() -> dict:
    model, (distances, times) = neuron(5.0, 2.0), deliveries()
    loss = nn.functional.mse_loss(model(distances), times)
    ends = [node.variable for node in nodes.walk([loss]) if nodes.is_leaf(node)]
    with torch.no_grad():
        untracked = nn.functional.mse_loss(model(distances), times)
    return {
        "it ends in weight and bias": {*map(id, ends)} == {id(model.weight), id(model.bias)},
        "distances among its ends": any(end is distances for end in ends),
        "backward without a graph": said(untracked.backward),
    }


def tiny_amount() -> dict:
    distances, times = (tensor.double() for tensor in deliveries(exact=True))
    weight, tiny = torch.tensor(5.0, dtype=torch.float64, requires_grad=True), 1e-6

    def loss(weight):
        return nn.functional.mse_loss(distances * weight + 5, times)

    return {
        "gradient": torch.autograd.grad(loss(weight), weight)[0].item(),
        "change of the loss / change of the weight": ((loss(weight + tiny) - loss(weight)) / tiny).item(),
    }


def formulas() -> dict:
    model, (distances, times) = neuron(5.0, 2.0), deliveries()
    outputs = model(distances)
    nn.functional.mse_loss(outputs, times).backward()
    errors, n = (outputs - times).detach(), len(times)
    return {
        "(2/n) × Σ(output − times) × distance": (2 / n * (errors * distances).sum()).item(),
        "weight.grad": model.weight.grad.item(),
        "(2/n) × Σ(output − times)": (2 / n * errors.sum()).item(),
        "bias.grad": model.bias.grad.item(),
    }


def fifteen() -> dict:
    model = nn.Sequential(neuron(5.0, 5.0))
    distances, times = deliveries(exact=True)
    loss = nn.functional.mse_loss(model(distances), times)
    loss.backward()
    return {
        "outputs": model(distances).flatten().tolist(),
        "model[0].weight.grad": model[0].weight.grad,
        "model[0].bias.grad": model[0].bias.grad,
        "loss": loss.item(),
    }


def in_reverse() -> dict:
    model, (distances, times) = neuron(5.0, 2.0), deliveries()
    loss, order = nn.functional.mse_loss(model(distances), times), []
    for node in nodes.walk([loss]):
        name = nodes.operation(node)
        node.register_prehook(lambda _, name=name: order.append(name))
    loss.backward()
    return {
        "order": [name for name in order if name != "AccumulateGrad"],
        "distances.grad": distances.grad,
    }


def new_weight() -> dict:
    model, (distances, times) = neuron(3.0, 11.0), deliveries(exact=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    nn.functional.mse_loss(model(distances), times).backward()
    optimizer.step()
    return {
        "weight.grad, bias.grad": [model.weight.grad.item(), model.bias.grad.item()],
        "new weight": model.weight.item(),
        "new bias": model.bias.item(),
    }


def signs() -> dict:
    changes = {}
    for start in (7.0, 3.0):  # the best weight is 5.04
        weight, (distances, times) = torch.tensor(start, requires_grad=True), deliveries()
        loss = nn.functional.mse_loss(distances * weight + 1.91, times)
        loss.backward()
        more = nn.functional.mse_loss(distances * (weight + 0.001) + 1.91, times)
        changes[f"weight {start}: gradient, change of the loss"] = [weight.grad.item(), (more - loss).item()]
    return changes


def always_lower() -> dict:
    config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.13, steps=3)
    return {"losses": torch.from_numpy(Run(config).advance().history.losses)}


def changes() -> dict:
    moved = {}
    for lr in (0.01, 0.1, 1.0):
        weight = torch.tensor(3.0, requires_grad=True)
        weight.grad = torch.tensor(15.0)
        torch.optim.SGD([weight], lr=lr).step()
        moved[f"lr {lr}: 3 becomes"] = weight.item()
    return moved


def faster() -> dict:
    steps = {}
    for lr in (0.01, 0.05, 0.1):
        config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=lr, steps=40)
        losses = Run(config).advance().history.losses
        steps[f"lr {lr}: updates until the loss is below 0.03"] = int((losses < 0.03).argmax())
    return steps


def overshoots() -> dict:
    config = Config(dataset="deliveries", model="linear", start=(0.0,), lr=1.0, steps=40)
    losses = torch.from_numpy(Run(config).advance().history.losses)
    return {
        "first losses": losses[:3],
        "updates until it is infinite": int(losses.isinf().int().argmax()),
        "stable up to learning rate": curvature.limits(curvature.starting_curvature(config))["usual"],
    }


def what_sgd_does() -> dict:
    param, learning_rate = nn.Parameter(torch.tensor([3.0])), 0.01
    param.grad = torch.tensor([15.0])
    places = [param.data_ptr()]
    torch.optim.SGD([param], lr=learning_rate).step()
    places.append(param.data_ptr())
    param.data = param.data - learning_rate * param.grad
    places.append(param.data_ptr())
    return {
        "after both": param.item(),
        "SGD writes into the same memory": places[0] == places[1],
        "param.data = … does": places[1] == places[2],
    }


PLAIN = Config(dataset="deliveries", model="linear", start=(0.0,), lr=0.01, steps=60)


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
    "resets_all": Claim(
        "Resets all gradients stored in the model's parameters (weight and bias)",
        "imprecise",
        "It clears those of the parameters that the optimizer was given. model.zero_grad() clears all of "
        "the model's.",
        resets_all,
        gives([None, [1.0]], [None, None]),
        trap("optimizer_elsewhere"),
    ),
    "back_to_zero": Claim(
        "Before zero_grad(): weight.grad = 0.5 … bias.grad = 0.2 … After zero_grad(): weight.grad = 0.0 "
        "bias.grad = 0.0",
        "wrong",
        "Since PyTorch 2.0 it leaves None. With set_to_none=False it leaves zeros, as it did by default "
        "before.",
        back_to_zero,
        gives([None, None], [[[0.0]], [0.0]]),
        trap("read_none"),
    ),
    "micro_batches": Claim(
        "Gradient accumulation: When your batch is too large for GPU memory, you can process mini-batches "
        "and accumulate gradients before updating",
        "imprecise",
        "Where the loss is a mean and the parts are equal, each loss has to be divided by their number, or "
        "the gradient is 4 times as large. Unequal parts need weights: their rows over all rows.",
        micro_batches,
        gives(-85.165, -340.66, -85.165, -61.41667),
        added_up("deliveries_3"),
    ),
    "several_losses": Claim(
        "Multi-loss training: Add gradients from multiple loss functions",
        "holds",
        "6 and 10 add up to 16, the gradient of the sum of the two losses.",
        several_losses,
        gives(16.0, 16.0),
        compared(Config(penalty=0.05), ("loop", "ZFLBWS"), ("loop", "ZFpBS")),
    ),
    "sums": Claim(
        "Iteration 1: gradient = 0.5 … Iteration 2: gradient = 0.5 + 0.3 = 0.8 … "
        "Iteration 3: gradient = 0.8 + 0.4 = 1.2",
        "holds",
        "Rounded to float32, which holds neither 0.8 nor 1.2 exactly.",
        sums,
        gives([0.5, 0.8, 1.2]),
        example("adds_up"),
    ),
    "erratic": Claim(
        "Your model will make increasingly erratic updates and fail to converge.",
        "imprecise",
        "It fails to settle. But here, on all rows of a quadratic, nothing increases: it is momentum 1 to "
        "the last bit, which swings evenly below 4 / curvature. With mini-batches or an MLP the swings can "
        "grow.",
        erratic,
        gives(0, lambda g: 200 < g < 226, lambda g: 200 < g < 226, lambda loss: loss > 200, 0.239512),
        Link("traps", {"view": "momentum", "on": "linear", "lr": "0.01"}),
    ),
    "outputs": Claim(
        "output[0] = 5.0 × 1.0 + 2.0 = 7.0 … 12.0 … 17.0 … output[3] = 5.0 × 4.0 + 2.0 = 22.0",
        "holds",
        "Exactly: these numbers fit into float32.",
        outputs,
        gives([7.0, 12.0, 17.0, 22.0]),
        moment("forward"),
    ),
    "remembers": Claim(
        'PyTorch remembers: "To get `outputs`, I multiplied by `weight`, then added `bias`."',
        "imprecise",
        "nn.Linear is recorded as one operation that does both, on a transposed weight. Written out by "
        "hand, it is two.",
        remembers,
        gives(["TBackward0", "AddmmBackward0"], ["MulBackward0", "AddBackward0"]),
        moment("forward"),
    ),
    "squared_errors": Claim(
        "MSE = (0.0016 + 0.0121 + 0.0529 + 0.0441) / 4 = 0.0277",
        "holds",
        "0.027675, rounded. In float32 the last digits differ, since 6.96 and the like have to be rounded.",
        squared_errors,
        gives([0.0016, 0.0121, 0.0529, 0.0441], 0.027675),
        moment("loss"),
    ),
    "squares": Claim(
        "Error of +2 and -2 both become 4 … Error of 10 → 100, but error of 2 → 4",
        "holds",
        "Squaring removes the sign, and makes large errors count more.",
        squares,
        gives([2.0, -2.0, 10.0], [4.0, 4.0, 100.0]),
        losses("one", loss="mse"),
    ),
    "smooth": Claim(
        "Mathematically convenient: Smooth, differentiable function",
        "holds",
        "Its slope passes through 0 with the error. That of the absolute error jumps from −1 to 1.",
        smooth,
        gives([-0.2, 0.0, 0.2], [-1.0, 0.0, 1.0]),
        losses("one", loss="mse", over="l1"),
    ),
    "complete_path": Claim(
        "This graph is essential for the backward pass … Now PyTorch knows the complete path from inputs to "
        "loss.",
        "imprecise",
        "From the loss to what requires a gradient: weight and bias. The distances are data, where no path "
        "ends. Without a graph, backward raises.",
        complete_path,
        gives(True, False, "element 0 of tensors does not require grad and does not have a grad_fn"),
        trap("no_grad"),
    ),
    "tiny_amount": Claim(
        '"If I increase the weight by a tiny amount, how much does the loss change?" This is the derivative '
        "(gradient) of loss with respect to each parameter.",
        "holds",
        "Per unit of change in the weight, in the limit of tiny amounts.",
        tiny_amount,
        gives(15.0, 15.0),
        moment("backward"),
    ),
    "formulas": Claim(
        "∂loss/∂weight = … (2/n) × Σ(output - times) × distance … "
        "∂loss/∂bias = … (2/n) × Σ(output - times) × 1",
        "holds",
        "At weight 5 and bias 2 the formulas give what backward leaves in .grad.",
        formulas,
        gives(-0.165, -0.165, -0.025, -0.025),
        example("deliveries"),
    ),
    "fifteen": Claim(
        "outputs = [10, 15, 20, 25] … times = [7, 12, 17, 22] … = 0.5 × 30 = 15.0 "
        "This gradient is stored in: weight.grad = 15.0",
        "holds",
        "Exactly. The weight is 5 and the bias 5; what the notes leave out is bias.grad = 6 and the loss, 9.",
        fifteen,
        gives([10.0, 15.0, 20.0, 25.0], [[15.0]], [6.0], 9.0),
        moment("backward"),
    ),
    "in_reverse": Claim(
        "PyTorch traverses the computational graph in reverse: "
        "loss ←── [MSE] ←── outputs ←── [+bias] ←── [×weight] ←── distances",
        "imprecise",
        "In reverse, yes, but it ends at weight and bias: the distances get no gradient. And nn.Linear is "
        "recorded as one operation, Addmm, with a transposed weight.",
        in_reverse,
        gives(["MseLossBackward0", "AddmmBackward0", "TBackward0"], None),
        moment("backward"),
    ),
    "new_weight": Claim(
        "weight = 3.0 … weight.grad = 15.0 … learning_rate = 0.01 … new_weight = 3.0 - (0.01 × 15.0) = 3.0 - "
        "0.15 = 2.85",
        "holds",
        "In float32, 2.8499999. Weight 3 has a gradient of 15 where the bias is 11: not the same model as "
        "above, where the gradient is 15, too.",
        new_weight,
        gives([15.0, 8.0], 2.85, 10.92),
        moment("step"),
    ),
    "signs": Claim(
        'Positive gradient means: "Increasing weight increases loss" … Negative gradient means: "Increasing '
        'weight decreases loss"',
        "holds",
        "Above the best weight and below it.",
        signs,
        gives([29.385, lambda change: change > 0], [-30.615, lambda change: change < 0]),
        Link("watch", {**PLAIN.to_params(), "at": "1.0", "look": "surface"}),
    ),
    "always_lower": Claim(
        "Adjusts the weight and bias to reduce the loss … Subtracting always moves opposite to the gradient, "
        "toward lower loss.",
        "imprecise",
        "Plain SGD always moves opposite to it, but to a lower loss only if the step is short enough: here, "
        "above 2 / curvature, every step lands higher on the other side.",
        always_lower,
        gives([242.4027, 332.4257, 455.8859]),
        moment("dying"),
        also=("losses",),
    ),
    "changes": Claim(
        "lr = 0.01 (small): weight changes by 0.15 … lr = 0.1 (medium): weight changes by 1.5 … lr = 1.0 "
        "(large): weight changes by 15.0",
        "holds",
        "With the gradient 15 of the example.",
        changes,
        gives(2.85, 1.5, -12.0),
        moment("step"),
    ),
    "faster": Claim(
        "lr = 0.01 (small): … slow, stable learning … lr = 0.1 (medium): … faster learning",
        "imprecise",
        "Faster than 0.01, yes. But 0.05 is faster than both: near the limit, the weights overshoot and "
        "swing back.",
        faster,
        gives(37, 5, 15),
        compared(PLAIN, ("lr", "0.05"), ("lr", "0.1")),
    ),
    "overshoots": Claim(
        "lr = 1.0 (large): … might overshoot!",
        "imprecise",
        "On these four deliveries it certainly does: the limit, 2 / curvature, is about an eighth of that.",
        overshoots,
        gives([242.4027, 59747.07, 14728050.0], 15, 0.119756),
        trap("rate_far_too_large"),
    ),
    "what_sgd_does": Claim(
        "Simplified version of what SGD optimizer does: "
        "`param.data = param.data - learning_rate * param.grad`",
        "imprecise",
        "The same numbers. But SGD updates the weights in place, under no_grad; this line allocates new "
        "memory each time, behind autograd's back.",
        what_sgd_does,
        gives(2.7, True, False),
    ),
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
