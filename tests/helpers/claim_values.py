"""Every value of every claim of the notes, from elsewhere: by hand, by closed forms, from known measurements.

Numbers are to four digits, text is part of a message, a function is asked. "Measured" are numbers that were
measured with PyTorch 2.13 outside of this project, each in a fresh interpreter.
"""

import math
from fractions import Fraction

import numpy as np

X = np.array([1.0, 2.0, 3.0, 4.0])
Y = np.array([6.96, 12.11, 16.77, 22.21])
SLOPE, HEIGHT = np.polyfit(X, Y, 1)
LEAST = float(np.mean((SLOPE * X + HEIGHT - Y) ** 2))
LARGEST = float(np.linalg.eigvalsh([[2 * (X**2).mean(), 2 * X.mean()], [2 * X.mean(), 2.0]])[-1])
AT_ZERO = float(2 * (X * -Y).mean())  # gradient of the weight where weight and bias are 0


def mse(weight, bias, targets=Y):
    return float(np.mean((weight * X + bias - targets) ** 2))


def exact(weight, bias):
    return mse(weight, bias, 5 * X + 2)


def log_sum(*logits):
    return math.log(sum(math.exp(z) for z in logits))


def descent(lr, steps, momentum=0.0):
    """Losses and gradients of the weight of plain gradient descent from 0, in double."""
    weights, velocity, losses, grads, used = np.zeros(2), np.zeros(2), [], [], []
    for _ in range(steps):
        errors = weights[0] * X + weights[1] - Y
        losses.append(float(np.mean(errors**2)))
        grad = np.array([2 * np.mean(errors * X), 2 * np.mean(errors)])
        velocity = momentum * velocity + grad
        weights = weights - lr * velocity
        grads.append(float(grad[0]))
        used.append(float(velocity[0]))
    return losses, grads, used


def until(lr, below):
    return next(n for n, loss in enumerate(descent(lr, 60)[0]) if loss < below)


def slope_at(weight, bias=1.91):
    return float(2 * np.mean((weight * X + bias - Y) * X))


BRIDGE = {
    "regression": [SLOPE, HEIGHT, LEAST],
    "logits_expected": [log_sum(2, 1, 0) - 2] * 3,
    # softmax - one-hot is (-1, 1, 0) but for 1e-5; measured 1.414 and 2.3e-5; floor log(1 + 2 / e)
    "softmax_twice": [math.sqrt(2), lambda v: 2.2e-5 < v < 2.5e-5, math.log(1 + 2 / math.e)],
    "reverse_walk": [["loss", "z", "y"]],
    "contributed": [(0.0 - 5) ** 2, 0.0, 0.0],  # relu(1 x 2 - 10) = 0, flat
    "stored_in_grad": [None, [[15.0]], [6.0]],  # 2 mean(3 x), 2 mean(3)
    "piled_up": [[2 * 3.0 * n for n in (1, 2, 3)]],
    "mandatory": [[[AT_ZERO]], [[AT_ZERO]]],
    "vector": ["grad can be implicitly created only for scalar outputs", [2.0, 4.0], "nothing"],
    "squashed": [[1.0, 0.0, 4.0], 5 / 3, ()],
    "huge_graph": [mse(5, 2), 5],  # loss, addmm, transpose, and two that fill .grad
    "item_float": [0.2, 0.2, "float"],
    # Of each loss: hidden units after ReLU, 200 x 8, and 200 outputs, 4 bytes each.
    # Nodes: 6 of each loss, the 4 that fill .grad, 5 additions.
    "item_memory": [0, 0, 5 * (200 * 8 + 200) * 4, 5 * 6 + 4 + 5],
    "no_update": [[[15.0]], 5.0, 5 - 0.01 * 15],
}

PASSES = {
    "linear_layer": [[1.0, 3.0, 5.0], [1.0, 3.0, 5.0], "(3x2 and 4x2)"],  # the first column of W
    "scalar_quantity": [(), (2,), (1 + 4) / 2, (1 + 4) / 2 + 0.1 * (9 + 1)],
    "lower_better": [0.1**2, -math.log(0.9)],
    "learns": [9.0, 9.0, exact(5 - 0.01 * 15, 5 - 0.01 * 6)],
    "direction": [15.0, 9.0, exact(5 + 0.15, 5), exact(5 - 0.15, 5)],
    "one_sweep": [3 * 4 + 4 * 1, True],
    "update_rule": [3 - 0.01 * 15, 3 - 0.01],  # Adam's first step: lr x sign
    "none_or_zero": [0.9, 1.0, 0.9 - 0.1 * 0.9 * 1, 1.0],
    "numpy_like": [[7.0, 2.0, 3.0], [True, False], "cpu"],
    "flag": [True, True, False, "Only Tensors of floating point and complex dtype can require gradients"],
    "parameters_only": [[True, True], False, None],
    "detach_shares": [False, [False, True], [7.0, 2.0], "MulBackward0"],
    "item_printing": ["0.7500", "0.7500", "cannot be converted to Scalar", "int"],
    "zero_in_place": [[[0.0]], True, None],
    "all_tensors": [[True, True, True], 2 * 9 * 2.0, "not a leaf Tensor"],  # d (3a)² / da = 18 a
    "derived": [[True, False, False], "AddBackward0", None],
    "explicit": [False, True, True],
    "five_tensors": [["C", "E"], ["A", "C", "E"], ["A", "B", "D"], ["A"], [2.0]],
    "var_gradient": [[-1.0, 0.0, 1.0], [-2 / 3, 0.0, 2 / 3]],  # 2 (a - mean) over n - 1, over n
    "detach_stops": ["MmBackward0", "element 0 of tensors does not require grad", lambda v: 0 <= v < 1e-4],
    "var_double": [[[2 * (a - 8 / 3) / 2 for a in (1, 3, 4)]], float(Fraction(7, 3))],
}

LOSSES = {
    "single_scalar": [(1 + 4) / 2, [1.0, 4.0]],
    "uses_loss": [3 - 0.1 * 4, 3 - 0.1 * 4, "required positional argument: 'closure'"],
    "ten_classes": ["cross_entropy", lambda v: 0.9 < v < 1, lambda v: 0.85 < v < 1],
    "shapes": [math.log(10), "0D or 1D target tensor expected, multi-target not supported"],
    "class_index": [
        log_sum(2, 1, 0) - 2,
        "expected target dtype to be Long or Byte, but got Int",
        log_sum(2, 1, 0) - 2,
        log_sum(2, 1, 0) - (2 + 1) / 2,
    ],
    "log_softmax_nll": [True, math.log(10)],
    "stability": [1.0, [0.0, -math.inf, -math.inf], [0.0, -200.0, -200.0]],
    "low_probability": [-math.log(p) for p in (0.9, 0.1, 0.001)],
    "mse_average": [36.0, 36 / 4, 4.0],
    "larger_errors": [[1.0, 10.0], [1.0, 100.0], [2.0, 20.0]],
    "l1_average": [1.0 + 1 + 3 + 5, 10 / 4, 4.0],
    "outliers": [
        [22.0, 3.0],
        [float(np.mean((np.array([1, 2, 3, 4, 100]) - guess) ** 2)) for guess in (22, 3)],
        [float(np.mean(np.abs(np.array([1, 2, 3, 4, 100]) - guess))) for guess in (22, 3)],
    ],
    "sigmoid_inside": [
        math.log(1 + math.exp(-2)),
        [math.log(1 + math.exp(-2))],
        [100.0, 200.0],  # BCELoss stops its logarithm at -100
        [0.0, 1.0],
    ],
    "zero_or_one": [
        log_sum(0, 5) - 5 / 2,
        log_sum(0, 5) - 5 * 2,
        "can't be cast to the desired output type Long",
    ],
    "problem_type": [0.0, [[0.0], [0.0]], "Target 1 is out of bounds"],  # a softmax of one is 1
    # Mean 2, variance 1 (of all); then a tenth of mean 2 and of variance 2 (n - 1) in the running averages.
    "training_mode": [True, [-1.0, 1.0], [(v - 0.2) / math.sqrt(1.1) for v in (1, 3)], True],
    "to_device": [["cpu", "meta"], "meta", True],
    "progress": [["0/200", "64/200", "128/200", f"{3 * (200 - 3 * 64)}/200"], [0, 64, 128, 192]],
    "repeats": [lambda v: math.log(10) * 0.5 < v[1] < v[0] < math.log(10) * 1.5, lambda v: 5 < v < 40],
}

RECAP = {
    "torch_tensor": ["builtin_function_or_method", "Tensor", True],
    "module_helps": [["weight", "bias"], [5.0, 2.0], ["torch.float64"] * 2],
    "parameter": [True, ["weight"]],
    "function": ["CubeBackward", 8.0, 12.0],
    "every_operation": [None, "MulBackward0", None],
    "flow": [descent(0.01, 4)[0], descent(0.01, 4, momentum=1.0)[0]],
    "ten_outputs": [(1, 10), (6, 1, 3, 3), (48, 64)],
    "target_view": [
        (10, 10),
        1.7213,
        "Using a target size (torch.Size([10, 1]))",
        1.1550,
    ],  # measured
    "close_small": [0.0, 0.01, 100.0],
    "improves": [LEAST, lambda v: 1.5 * LEAST < v < 1],
    "all_parameters": [[[1.0]], None, None],
    "by_hand": [[3 - 0.15, 11 - 0.01 * 8], "'NoneType' object has no attribute 'data'", 0],
    "torch_optim": [lambda names: {"SGD", "Adam", "RMSprop"} <= set(names) and "Optimizer" not in names],
}

STEPS = {
    "resets_all": [[None, [1.0]], [None, None]],
    "back_to_zero": [[None, None], [[[0.0]], [0.0]]],
    # The last: half the gradient of row 0, and half the mean gradient of the others.
    "micro_batches": [AT_ZERO, 4 * AT_ZERO, AT_ZERO, -(X * Y)[0] - float((X * Y)[1:].mean())],
    "several_losses": [2 * 3.0 + 10, 2 * 3.0 + 10],
    "sums": [[0.5, 0.8, 1.2]],
    "erratic": [
        0,
        lambda v: 200 < v <= 225,  # measured: no larger than 225 in 20,000 steps
        lambda v: 200 < v <= 225,
        lambda v: 240 < v < 260,
        4 / LARGEST,
    ],
    "outputs": [[7.0, 12.0, 17.0, 22.0]],
    "remembers": [["TBackward0", "AddmmBackward0"], ["MulBackward0", "AddBackward0"]],
    "squared_errors": [[0.0016, 0.0121, 0.0529, 0.0441], 0.027675],
    "squares": [[2.0, -2.0, 10.0], [4.0, 4.0, 100.0]],
    "smooth": [[-0.2, 0.0, 0.2], [-1.0, 0.0, 1.0]],
    "complete_path": [True, False, "element 0 of tensors does not require grad"],
    "tiny_amount": [15.0, 15 + 7.5e-6],  # 9 + 15 d + 7.5 d²
    "formulas": [
        slope_at(5, 2),
        slope_at(5, 2),
        float(2 * np.mean(5 * X + 2 - Y)),
        float(2 * np.mean(5 * X + 2 - Y)),
    ],
    "fifteen": [[10.0, 15.0, 20.0, 25.0], [[15.0]], [6.0], 9.0],
    "in_reverse": [["MseLossBackward0", "AddmmBackward0", "TBackward0"], None],
    "new_weight": [[15.0, 8.0], 2.85, 11 - 0.08],  # errors 7, 5, 3, 1
    "signs": [
        [slope_at(7), lambda v: 0.9 < v / (0.001 * slope_at(7)) < 1.1],
        [slope_at(3), lambda v: 0.9 < v / (0.001 * slope_at(3)) < 1.1],
    ],
    "always_lower": [descent(0.13, 3)[0]],
    "changes": [3 - 0.15, 3 - 1.5, 3 - 15.0],
    "faster": [
        until(0.01, 0.03),
        until(0.05, 0.03),
        until(0.1, 0.03),
    ],  # measured too: step 38, 6 and 16, from 1
    "overshoots": [descent(1.0, 3)[0], 15, 2 / LARGEST],  # measured: infinite at step 16, from 1
    "what_sgd_does": [3 - 0.3, True, False],
    "total_error": [[mse(0, 0)] * 2],
    "skip_zero_grad": [descent(0.01, 6, momentum=1.0)[1], descent(0.01, 6, momentum=1.0)[2]],
    "skip_forward_or_loss": ["name 'outputs' is not defined", "name 'loss' is not defined"],
    "skip_backward_or_step": [[0.0, None], [0.0, [[AT_ZERO]]]],
    "sequence": ["same", "same", "same", "never trains"],
    "epochs": [90 / (1438 / 32), lambda v: 0.93 < v < 1, lambda v: 0.88 < v < 1],
}

VALUES = {"bridge": BRIDGE, "passes": PASSES, "losses": LOSSES, "recap": RECAP, "steps": STEPS}
