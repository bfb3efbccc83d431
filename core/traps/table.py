"""What learners of PyTorch get wrong, as a table of traps: a new one is a new entry.

`core.traps.trap` says what an entry holds. Whatever `why` and `notice` claim of a run is what PyTorch 2.13
does, and tested; the numbers beside them are read off the runs when they are shown.
"""

from typing import Any

from core.traps.trap import trap

DELIVERIES: dict[str, Any] = {
    "dataset": "deliveries",
    "model": "linear",
    "start": (0.0,),
    "lr": 0.01,
    "steps": 100,
}
MOONS: dict[str, Any] = {"dataset": "moons", "hidden": (16,), "lr": 0.5, "steps": 300}
IRIS: dict[str, Any] = {"dataset": "iris", "model": "linear", "lr": 0.5, "steps": 300}


SWINGS = ("constant", "explodes", "swings", "worse", "same")
SILENT = ("constant", "explodes", "worse", "close", "same")
BELOW = ("raises", "constant", "below", "worse", "same")

SOFTMAX_TWICE = (
    "CrossEntropyLoss takes logits and applies log-softmax itself. A softmax before it leaves only values "
    "from 0 to 1, so even a perfect answer has the loss "
)

TRAPS = {
    "skipped": trap(
        "zero_grad is never called",
        "explodes",
        DELIVERIES,
        "FLBS",
        "backward adds to .grad. With nothing to clear it, every step uses the sum of all gradients "
        "so far, which under plain SGD is momentum 1: the weights overshoot, swing back, and never "
        "settle. For a while the loss can be lower than that of the repaired loop, so a short run "
        "proves nothing.",
        "leftover",
        notice=(
            "The loss falls, climbs back to about its start, and falls again, in slow even waves; from the "
            "second step on `p.grad` is not None just before backward."
        ),
        offers=SWINGS,
        first=True,
    ),
    "cleared_before_step": trap(
        "zero_grad between backward and step",
        "nothing",
        DELIVERIES,
        "FLBZS",
        "backward fills .grad, zero_grad empties it, and step finds nothing to use. Ten of the 120 orders "
        "of the five lines do this in one way or another.",
        "moved",
        notice="The loss is the same number at every step, and every `p.grad` is None when step is called.",
        place="zero_grad",
    ),
    "step_before_backward": trap(
        "step between forward and backward, in an MLP",
        "raises",
        MOONS,
        "FLSZB",
        "forward saved the weights of the second layer for backward, and step writes into them. "
        "Autograd counts the writes to every tensor (_version) and refuses to compute with values "
        "that are no longer those of forward. The first step passes, since .grad is still None and "
        "step changes nothing.",
        notice=(
            'A RuntimeError in backward, "modified by an inplace operation", in the second step and '
            "not in the first."
        ),
        place="step",
    ),
    "stale": trap(
        "step between forward and backward, in a linear model",
        "explodes",
        {**DELIVERIES, "lr": 0.08, "steps": 200},
        "FLSZB",
        "A linear model saves only its inputs, so nothing raises: each step uses the previous step's "
        "gradient. It still trains at small learning rates, but its limit of stability is half the "
        "usual one.",
        "limits",
        notice=(
            "The first two losses are equal, since the first step has no gradient yet. At a learning "
            "rate that ought to be safe, the loss swings higher and higher."
        ),
        place="step",
    ),
    "step_uncalled": trap(
        "optimizer.step without parentheses",
        "nothing",
        DELIVERIES,
        "ZFLB.step_uncalled.",
        "Without parentheses the line names the method but does not call it. Python does not complain.",
        "moved",
        notice=(
            "The loss is the same number at every step although every `p.grad` is filled. Linters "
            "flag the line (Ruff's B018, useless expression)."
        ),
    ),
    "step_first": trap(
        "step right after zero_grad, before backward",
        "nothing",
        DELIVERIES,
        "ZSFLB",
        "The gradient of each step is thrown away at the top of the next one, before step can use it.",
        "moved",
        notice=(
            "The loss is the same number at every step; `p.grad` is filled after backward, but None "
            "when step is called."
        ),
        place="step",
        first=True,
    ),
    "optimizer_elsewhere": trap(
        "The optimizer belongs to another model",
        "nothing",
        DELIVERIES,
        "ZFLBS",
        "An optimizer holds references to the parameters it was made with. These are a copy's. "
        "backward never reaches the copy, so its .grad stays None: step moves nothing at all, and "
        "zero_grad clears nothing. Meanwhile .grad of the model itself grows and grows.",
        "moved",
        "grad_grows",
        notice=(
            "The loss never changes, while the norm of `.grad` grows by the same amount in every "
            "step. No tensor in `optimizer.param_groups` is (`is`, not `==`) a parameter of the "
            "model."
        ),
        before=("optimizer_of_a_copy",),
    ),
    "weight_replaced": trap(
        "A parameter is replaced after the optimizer was made",
        "fine",
        {**DELIVERIES, "steps": 600},
        "ZFLBS",
        "The optimizer still holds the old tensor. The new weight, all zeros, gets gradients that "
        "nobody uses; only the bias learns, and the best a bias alone can do is the mean of the "
        "targets.",
        "weights",
        "variance",
        notice=(
            "The loss levels off at the variance of the targets, the weight keeps its first value, and "
            "`model.weight` is not among the tensors in `optimizer.param_groups`."
        ),
        before=("weight_replaced",),
        offers=SILENT,
    ),
    "read_none": trap(
        "Reading .grad after zero_grad",
        "raises",
        DELIVERIES,
        "Z.read_grad.FLBS",
        "zero_grad sets .grad to None, as it has since PyTorch 2.0; before that it left zeros. Read "
        "gradients between backward and the next zero_grad.",
        notice="An AttributeError in the first step: 'NoneType' object has no attribute 'norm'.",
        repair="ZFLB.read_grad.S",
        place="zero_grad",
    ),
    "zeros_with_momentum": trap(
        "A step on zeros, with momentum",
        "fine",
        {**DELIVERIES, "momentum": 0.9},
        "FLBS0.step_again.",
        "A gradient of zeros is still a gradient; None is not. With set_to_none=False, a step after "
        "zero_grad still moves every weight by its momentum (weight decay and Adam do the same). "
        "With None, the optimizer skips the parameter. The repair keeps the redundant second step, "
        "to show that it now does nothing. Here the loop with the mistake even ends lower: it takes "
        "twice as many steps, half of them on momentum alone.",
        "second_step",
        notice=(
            "Not in the loss curve, which looks healthy. Compare the weights before and after a step "
            "that follows zero_grad directly: they move."
        ),
        repair="FLBSZ.step_again.",
        offers=SILENT,
    ),
    "not_scalar": trap(
        "A loss for each row",
        "raises",
        DELIVERIES,
        "ZF.loss_unreduced.BS",
        "backward starts from a single number. Take the mean (or the sum) of the errors, as loss_fn does.",
        notice=(
            "A RuntimeError in backward: grad can be implicitly created only for scalar outputs. "
            "`loss.shape` is (4, 1), not ()."
        ),
    ),
    "backward_twice": trap(
        "backward twice",
        "raises",
        DELIVERIES,
        "ZFLB.backward_again.S",
        "backward frees the tensors that forward saved; a second call has nothing left to compute "
        "with. Where nothing had to be saved, nothing raises, and the gradient is added twice.",
        "saves_nothing",
        notice="A RuntimeError at the second backward: Trying to backward through the graph a second time.",
        place="backward",
        first=True,
    ),
    "graph_retained": trap(
        "backward twice, with retain_graph=True",
        "explodes",
        {**DELIVERIES, "lr": 0.08},
        "ZFL.backward_retained..backward_again.S",
        "retain_graph=True makes the error of a second backward go away: the graph is kept, and the "
        "second backward adds the same gradient again. Under plain SGD, twice the gradient is twice "
        "the learning rate, which here is over the limit of stability.",
        "grad_ratio",
        "limits",
        notice=(
            "The gradient norm is exactly twice that of one backward, and half the learning rate "
            "brings back the expected losses. Look for a `retain_graph=True` that nobody can explain."
        ),
    ),
    "detached": trap(
        "Outputs are detached",
        "raises",
        DELIVERIES,
        "Z.forward_detached.LBS",
        "detach returns a tensor without history. No path leads from the loss back to the weights.",
        notice=(
            'A RuntimeError in backward, "does not require grad and does not have a grad_fn"; '
            "`outputs.grad_fn` is None."
        ),
    ),
    "no_grad": trap(
        "forward under torch.no_grad()",
        "raises",
        DELIVERIES,
        "Z.forward_no_grad.LBS",
        "Under no_grad nothing is recorded: it is for evaluation, not for training.",
        notice=(
            'A RuntimeError in backward, "does not require grad and does not have a grad_fn"; '
            "`outputs.requires_grad` is False although the parameters' is True."
        ),
    ),
    "argmax": trap(
        "Training on the error rate",
        "raises",
        IRIS,
        "ZF.loss_of_classes.BS",
        "argmax and the comparison have no gradient: a small enough change of the weights changes no "
        "prediction. Cross-entropy is a smooth stand-in for the share of wrong predictions.",
        notice=(
            'A RuntimeError in backward, "does not require grad and does not have a grad_fn". The '
            "loss can only be a multiple of 1/n."
        ),
    ),
    "rewrapped": trap(
        "The loss is put into a new tensor",
        "raises",
        DELIVERIES,
        "ZF.loss_rewrapped.BS",
        "torch.tensor copies the number and forgets where it came from. PyTorch warns, then backward raises.",
        notice=(
            'A UserWarning, "To copy construct from a tensor", then a RuntimeError, "does not require grad"; '
            "`loss.grad_fn` is None."
        ),
    ),
    "asks_for_grad": trap(
        "The loss in a new tensor with requires_grad=True",
        "nothing",
        DELIVERIES,
        "ZF.loss_from_item.BS",
        "requires_grad=True makes the error of backward go away: the new tensor is a leaf of its own, so "
        "backward has somewhere to end, at the loss itself. The weights never get a gradient.",
        "moved",
        "grad_missing",
        notice=(
            "The loss is the same number at every step, nothing raises, and every `p.grad` is None "
            "after backward. `loss.is_leaf` is True."
        ),
    ),
    "broadcast": trap(
        "Targets of shape (n,) against outputs of shape (n, 1)",
        "fine",
        {**DELIVERIES, "lr": 0.1, "steps": 500},
        "ZF.loss_squeezed.BS",
        "Broadcasting pairs every output with every target: n × n errors instead of n. The best "
        "prediction for all targets at once is their mean, so the weight goes to 0 and the loss to "
        "the variance of y. PyTorch warns, once.",
        "variance",
        "weights",
        notice=(
            "A UserWarning about the target size. The loss levels off at the variance of the "
            "targets, and the model predicts their mean for every row."
        ),
        offers=SILENT,
        first=True,
    ),
    "broadcast_by_hand": trap(
        "Targets of shape (n,) in a squared error by hand",
        "fine",
        {**DELIVERIES, "lr": 0.1, "steps": 500},
        "ZF.loss_by_hand_squeezed.BS",
        "Outputs of shape (n, 1) minus targets of shape (n,) are n × n errors: every output with "
        "every target. MSELoss warns about that; a minus sign cannot. The best prediction for all "
        "targets at once is their mean, so the weight goes to 0 and the loss to the variance of y.",
        "variance",
        "weights",
        notice=(
            "`(outputs - targets.squeeze(1)).shape` is (4, 4). The loss levels off at the variance "
            "of the targets, and the model predicts their mean for every row."
        ),
        repair="ZF.loss_by_hand.BS",
        offers=SILENT,
    ),
    "softmax_twice_2": trap(
        "A softmax before cross-entropy, two classes",
        "fine",
        {**MOONS, "loss": "cross_entropy", "steps": 500},
        "Z.forward_softmax.LBS",
        f"{SOFTMAX_TWICE}ln(1 + 1/e) = 0.3133, and the gradient fades where it is needed most. The loss is "
        "never NaN, and the accuracy can look good.",
        "softmax_floor",
        "accuracy",
        notice=(
            "The loss stays above 0.3133 although most predictions are right, and every row of "
            "`outputs` sums to 1."
        ),
        offers=SILENT,
    ),
    "softmax_twice_3": trap(
        "A softmax before cross-entropy, three classes",
        "fine",
        {**IRIS, "steps": 500},
        "Z.forward_softmax.LBS",
        f"{SOFTMAX_TWICE}ln(1 + (C - 1)/e) for C classes: here 0.5514. The gradient fades where it is needed "
        "most.",
        "softmax_floor",
        "accuracy",
        notice=(
            "The loss stays above 0.5514 although nearly all predictions are right, and every row of "
            "`outputs` sums to 1."
        ),
        offers=SILENT,
        first=True,
    ),
    "softmax_twice_10": trap(
        "A softmax before cross-entropy, ten classes",
        "fine",
        {"dataset": "digits", "model": "linear", "lr": 0.5, "steps": 200},
        "Z.forward_softmax.LBS",
        f"{SOFTMAX_TWICE}ln(1 + (C - 1)/e). The more classes, the higher: 1.4612 for ten.",
        "softmax_floor",
        "accuracy",
        notice=(
            "The loss stays above 1.4612 while the accuracy passes 95%, and every row of `outputs` sums to 1."
        ),
        offers=SILENT,
    ),
    "one_output": trap(
        "Cross-entropy of a model with one output",
        "nothing",
        MOONS,
        "ZF.loss_cross_entropy.BS",
        "A softmax over one output is always 1, so its logarithm is 0: with float targets of shape "
        "(n, 1), which count as class probabilities, the loss is 0 from the first step on, and so is "
        "every gradient. Class indices fare no better: 0 gives a loss of 0, and 1 raises an "
        "IndexError. For one output, use BCE with logits.",
        "moved",
        "accuracy",
        notice=(
            "A loss of exactly 0 in the first step, before anything was learned, and an accuracy "
            "that never moves. A perfect loss at once is an alarm."
        ),
    ),
    "targets_float": trap(
        "Class indices as floats",
        "raises",
        IRIS,
        "ZF.loss_targets_float.BS",
        "Cross-entropy takes class indices as int64. Floats of shape (n,) mean nothing to it; floats "
        "with the shape of the outputs are class probabilities.",
        notice="A RuntimeError at the loss: expected target dtype to be Long or Byte, but got Float.",
    ),
    "targets_int": trap(
        "Class indices as int32",
        "raises",
        IRIS,
        "ZF.loss_targets_int.BS",
        "Class indices must be int64 (or uint8). int32 comes from .int(), from arrays that were "
        "stored that way, or from NumPy on Windows before 2.0; .long() converts them.",
        notice=(
            "A RuntimeError at the loss: expected target dtype to be Long or Byte, but got Int. "
            "`targets.dtype` is torch.int32."
        ),
    ),
    "targets_column": trap(
        "Class indices of shape (n, 1)",
        "raises",
        IRIS,
        "ZF.loss_targets_column.BS",
        "One number per row means shape (n,). A column of shape (n, 1) would mean several targets "
        "per row; .squeeze(1) removes the extra dimension.",
        notice=(
            "A RuntimeError at the loss: 0D or 1D target tensor expected, multi-target not "
            "supported. `targets.shape` is (120, 1)."
        ),
    ),
    "targets_one_hot": trap(
        "One-hot targets as integers",
        "raises",
        IRIS,
        "ZF.loss_targets_one_hot.BS",
        "Targets with the shape of the outputs are taken as class probabilities, which have to be floats.",
        notice=(
            "A RuntimeError at the loss: Expected floating point type for target with class "
            "probabilities, got Long."
        ),
    ),
    "targets_from_1": trap(
        "Classes counted from 1",
        "raises",
        IRIS,
        "ZF.loss_targets_from_1.BS",
        "C classes are numbered 0 to C - 1. On a GPU the same mistake ends in a device-side assert, "
        "after which CUDA calls fail until the process is restarted.",
        notice=(
            "An IndexError at the loss: Target 3 is out of bounds, with three classes. With "
            "mini-batches it comes with the first batch that holds a row of the last class, not "
            "before."
        ),
    ),
    "bce_shape": trap(
        "BCE with targets of shape (n,)",
        "raises",
        MOONS,
        "ZF.loss_squeezed.BS",
        "BCEWithLogitsLoss requires targets with exactly the shape of the outputs. MSELoss would "
        "only warn, which is worse.",
        notice=(
            "A ValueError at the loss that names both sizes: Target size (torch.Size([200])) must be "
            "the same as input size (torch.Size([200, 1]))."
        ),
    ),
    "bce_long": trap(
        "BCE with integer targets",
        "raises",
        MOONS,
        "ZF.loss_targets_long.BS",
        "BCE does arithmetic with its targets, so they have to be floats.",
        notice=(
            "A RuntimeError at the loss: result type Float can't be cast to the desired output type Long."
        ),
    ),
    "sigmoid_twice": trap(
        "A sigmoid before BCE with logits",
        "fine",
        MOONS,
        "Z.forward_sigmoid.LBS",
        "BCEWithLogitsLoss applies the sigmoid itself. Applied twice, probabilities lie between 0.5 "
        "and 0.73: even a perfect answer has a high loss.",
        "sigmoid_floor",
        "faded_sigmoid",
        "accuracy",
        notice=(
            "The loss stays above about 0.5 although most predictions are right, and all outputs lie "
            "between 0 and 1: logits would be negative, too."
        ),
        offers=SILENT,
    ),
    "bce_on_logits": trap(
        "BCELoss on logits",
        "raises",
        MOONS,
        "ZF.loss_bce.BS",
        "BCELoss takes probabilities. It raises as soon as an output leaves the range from 0 to 1; "
        "until then it is silently wrong. Use BCEWithLogitsLoss.",
        notice=(
            'A RuntimeError at the loss, "all elements of input should be between 0 and 1": in the first '
            "step, or as soon as an output leaves that range."
        ),
    ),
    "saturated": trap(
        "sigmoid, then BCELoss, on large logits",
        "nothing",
        {**MOONS, "model": "linear", "start": (0.0, 200.0)},
        "ZF.loss_bce_of_sigmoid.BS",
        "In float32 sigmoid(200) is exactly 1. BCELoss clamps the logarithm of 0 at -100, and the "
        "gradient through the sigmoid is exactly 0. BCEWithLogitsLoss computes both together and "
        "keeps the gradient.",
        "moved",
        "first_gradient",
        "saturated_row",
        notice=(
            "The loss stays at 100 times the share of wrong rows, and every gradient is exactly 0: "
            "zeros, not None."
        ),
    ),
    "nll_on_logits": trap(
        "NLLLoss on logits",
        "fine",
        {**IRIS, "lr": 0.1},
        "ZF.loss_nll.BS",
        "NLLLoss expects log-probabilities, which are never above 0. On logits it is linear, with no "
        "lower bound: raising the right logits lowers it forever.",
        "lowest",
        "accuracy",
        notice=(
            "The loss goes below 0 and keeps falling, while the logits grow without bound. For "
            "log-probabilities it could not be negative."
        ),
        offers=BELOW,
    ),
    "targets_cut": trap(
        "Regression targets as integers",
        "fine",
        {**DELIVERIES, "lr": 0.05, "steps": 300},
        "ZF.loss_targets_long.BS",
        "MSELoss takes integer targets and converts them (older versions raised). On whole numbers "
        "that changes no bit. These were truncated to 6, 12, 16, and 22 by .long(), and nothing says "
        "so.",
        "whole_targets",
        "weights",
        notice=(
            "The predictions are too low on average, by just what was cut off: here by 0.51. "
            "`targets.dtype` is torch.int64 in the loss."
        ),
        offers=SILENT,
    ),
    "not_a_leaf": trap(
        "weight = weight - lr * weight.grad",
        "raises",
        DELIVERIES,
        "Z.forward_by_hand.LB.step_rebinds.",
        "The name weight now refers to a new tensor, a result with a history, not a leaf. Its .grad "
        "is None (PyTorch warns), so the second step fails. Change the tensor itself, under no_grad.",
        notice=(
            "A UserWarning about .grad of a tensor that is not a leaf, then a TypeError in the second step: "
            "unsupported operand type(s) for *: 'float' and 'NoneType'."
        ),
        before=("weights_by_hand",),
        repair="Z.forward_by_hand.LB.step_by_hand.",
        right={"before": ("weights_by_hand",)},
    ),
    "in_place_leaf": trap(
        "weight -= lr * weight.grad",
        "raises",
        DELIVERIES,
        "Z.forward_by_hand.LB.step_in_place.",
        "In place is right, but autograd is recording, and refuses to let a leaf become a result. "
        "The update belongs under torch.no_grad(), where optimizers do it, too.",
        notice=(
            "A RuntimeError in the first step: a leaf Variable that requires grad is being used in "
            "an in-place operation."
        ),
        before=("weights_by_hand",),
        repair="Z.forward_by_hand.LB.step_by_hand.",
        right={"before": ("weights_by_hand",)},
    ),
    "layers_in_a_list": trap(
        "Layers in a Python list",
        "raises",
        {**MOONS, "lr": 0.1},
        "ZFLBS",
        "A module finds its parameters through its attributes. It does not look inside a Python "
        "list; it does look inside an nn.ModuleList.",
        notice=(
            "A ValueError: optimizer got an empty parameter list. If other layers are registered, "
            "nothing raises; `print(net)` then lacks the layers in the list, and they never change."
        ),
        before=("layers_in_a_list",),
        right={"before": ("layers_in_a_module_list",)},
    ),
    "rate_too_large": trap(
        "A learning rate just above the limit",
        "explodes",
        {**DELIVERIES, "lr": 0.13, "steps": 600},
        "ZFLBS",
        "On a quadratic each step multiplies the error along the most curved direction by "
        "1 - lr x curvature. Once lr is above 2 / curvature, that factor is below -1: every step overshoots "
        "by more than the one before.",
        "limits",
        notice=(
            "On a log scale the loss climbs along a straight line: here every step multiplies it by "
            "about 1.37. With half the learning rate it falls."
        ),
        right={"lr": 0.1},
    ),
    "rate_far_too_large": trap(
        "A learning rate of 1",
        "explodes",
        {**DELIVERIES, "lr": 1.0},
        "ZFLBS",
        "Far above 2 / curvature every step overshoots by many times the one before. The loss overflows "
        "float32 to inf, then inf - inf is nan. A gradient that is nan makes every weight nan, and nothing "
        "brings it back.",
        "limits",
        notice=(
            "The loss grows some 250-fold per step from the first step on. Counted from 0, it is inf at step "
            "15, and nan at step 33."
        ),
        right={"lr": 0.1},
    ),
    "dead_relu": trap(
        "A dead ReLU layer",
        "fine",
        {"dataset": "deliveries", "hidden": (16,), "lr": 0.003, "steps": 600},
        "ZFLBS",
        "With biases of -10 every hidden unit is below 0 for every row, so its output and its "
        "gradient are exactly 0. Only the last bias learns: the mean of the targets. The loss falls "
        "smoothly to their variance.",
        "dead",
        "variance",
        notice=(
            "The loss levels off at the variance of the targets, every row gets the same prediction, "
            "and the first layer's `.grad` is exactly 0: zeros, not None."
        ),
        before=("dead_relu",),
        offers=SILENT,
    ),
    "batch_of_one": trap(
        "Batch normalization with one row per batch",
        "raises",
        {**MOONS, "model": "mlp_norm", "batch_size": 1, "steps": 50},
        "ZFLBS",
        "A single row has no spread to normalize by. A last batch with one row raises the same "
        "error: DataLoader's drop_last=True leaves it out.",
        notice=(
            "A ValueError in forward: Expected more than 1 value per channel when training. From a "
            "last batch of one row it comes at the end of the first epoch."
        ),
        right={"batch_size": 16, "steps": 100},
    ),
    "no_eval": trap(
        "Predicting in training mode",
        "fine",
        {**MOONS, "model": "mlp_norm", "lr": 0.1, "steps": 100},
        "ZFLBS.look_in_training_mode.",
        "In training mode batch normalization uses the other rows of the batch: the same row gets a "
        "different output in a different batch, and each call changes the running averages that "
        "evaluation uses later. The training loss shows none of it. Call model.eval() first, and "
        "model.train() afterward.",
        "company",
        "averages",
        notice=(
            "Not in the training loss, which is the same to the last bit. Predict one row in two "
            "different batches: the outputs differ, and `model.training` is True."
        ),
        repair="ZFLBS.look_in_eval_mode.",
        offers=SILENT,
        place="forward",
    ),
    "scheduler_first": trap(
        "scheduler.step() before optimizer.step()",
        "fine",
        {**DELIVERIES, "scheduler": "exponential", "gamma": 0.95},
        "ZFLBRS",
        "The schedule advances before its first value is used, so that value is skipped. PyTorch "
        "warns, once.",
        "first_rate",
        notice=(
            "A UserWarning: Detected call of `lr_scheduler.step()` before `optimizer.step()`. The "
            "first update uses a learning rate of 0.0095 instead of 0.01."
        ),
        repair="ZFLBSR",
        offers=SILENT,
        place="step",
    ),
    "micro_batches": trap(
        "Four micro-batches, each with its whole loss",
        "explodes",
        {**DELIVERIES, "lr": 0.05},
        "ZFL.backward_micro.S",
        "Each loss is a mean over its own rows, and the four gradients add up. As the parts are "
        "equal, that is four times the gradient of the whole batch: divide each loss by the number "
        "of micro-batches. Parts of unequal size need weights instead, their rows over all rows.",
        "grad_ratio",
        "limits",
        notice=(
            "The gradient norm is four times that of the same rows in one batch, so a learning rate "
            "that worked there diverges here."
        ),
        repair="ZFL.backward_micro_mean.S",
    ),
    "data_edit": trap(
        "Writing through .data",
        "nothing",
        {**DELIVERIES, "lr": 0.0002},
        "Z.forward_exp_data.LBS",
        "backward of exp computes with the outputs that forward saved. A write through .data changes "
        "them behind autograd's back: the version counter does not move, nothing raises, and the "
        "gradient is wrong.",
        "moved",
        "data_gradient",
        notice=(
            "The loss does not move and the gradient is exactly 0, without a warning. With "
            "`.detach()` in place of `.data`, the same write makes backward raise."
        ),
        repair="Z.forward_exp.LBS",
    ),
    "in_place_edit": trap(
        "Changing outputs in place",
        "raises",
        {**DELIVERIES, "lr": 0.0002},
        "Z.forward_exp_in_place.LBS",
        "backward of exp computes with the outputs that forward saved. mul_ overwrites them, the "
        "version counter shows it, and backward refuses. (A write through .data is not counted, and "
        "is silently wrong.)",
        notice=(
            "A RuntimeError in backward: one of the variables needed for gradient computation has "
            "been modified by an inplace operation. Under `torch.autograd.detect_anomaly()` it also "
            "shows the line in forward."
        ),
        repair="Z.forward_exp.LBS",
    ),
    "loss_not_called": trap(
        "nn.MSELoss(outputs, targets)",
        "raises",
        DELIVERIES,
        "ZF.loss_module.BS",
        "nn.MSELoss is a class, and this line tries to make an instance of it from outputs and targets. "
        "Make one without them, loss_fn = nn.MSELoss(), then call loss_fn(outputs, targets); or call "
        "nn.functional.mse_loss.",
        notice=(
            "A RuntimeError at the loss, in the first step: Boolean value of Tensor with more than "
            "one value is ambiguous."
        ),
    ),
    "clip_after_step": trap(
        "Clipping after step",
        "explodes",
        {**DELIVERIES, "lr": 0.2, "steps": 60},
        "ZFLBSC",
        "step has used the whole gradient by then, and zero_grad throws the clipped one away. Clipped in "
        "time, no update is longer than the learning rate times max_norm, so that even this rate, above "
        "the limit of stability, leads down.",
        "used",
        notice=(
            "The loss becomes inf as if there were no clipping; `p.grad` just before step is longer than "
            "max_norm."
        ),
        repair="ZFLBCS",
        offers=SWINGS,
        place="step",
    ),
    "clip_before_backward": trap(
        "Clipping before backward",
        "explodes",
        {**DELIVERIES, "lr": 0.2, "steps": 60},
        "ZFLCBS",
        "After zero_grad there is nothing to clip: every .grad is None. backward fills them afterward, "
        "and step uses the whole gradient.",
        "used",
        notice=(
            "The loss becomes inf as if there were no clipping; the norm that clip_grad_norm_ returns is 0 "
            "at every step."
        ),
        repair="ZFLBCS",
        offers=SWINGS,
        place="backward",
    ),
    "undivided": trap(
        "Accumulating without dividing the loss",
        "explodes",
        {**MOONS, "batch_size": 20, "accumulate": 8, "lr": 2.0, "steps": 400},
        "zFLBs",
        "Eight gradients add up to eight times their mean: under plain SGD, a learning rate eight times as "
        "large. Divided by k, they are the gradient of one batch of all their rows.",
        "update_gradient",
        notice=(
            "Changing k changes the loss curve as a larger learning rate would; `p.grad` before step is k "
            "times that of one batch."
        ),
        repair="zFLDs",
        offers=SWINGS,
        place="backward",
    ),
    "unequal_divided": trap(
        "Dividing by k where batches differ in size",
        "fine",
        {**DELIVERIES, "batch_size": 3, "accumulate": 2, "seed": 2, "steps": 200},
        "zFLDs",
        "Of four deliveries in batches of three, the last batch is one row. Each mean counts one half, so "
        "this row counts three times as much as the others. Weighted by their rows, the batches add up to "
        "the gradient over all four.",
        "update_gradient",
        notice=(
            "The accumulated gradient is not that of one batch with the same rows; the number of rows "
            "divided by the batch size leaves a remainder."
        ),
        repair="zFLws",
        offers=SILENT,
    ),
    "step_every_batch": trap(
        "Accumulating, but stepping on every batch",
        "fine",
        {**DELIVERIES, "batch_size": 2, "accumulate": 2, "lr": 0.05, "steps": 200},
        "zFLDS",
        "zero_grad waits for k batches and step does not: the second step uses the first gradient once more. "
        "There are k updates where one was meant, none of them with the gradient of all rows.",
        "update_gradient",
        notice=(
            "The weights change at every pass, and the memory saved by small batches bought no larger batch: "
            "count the calls of step."
        ),
        repair="zFLDs",
        offers=SILENT,
        place="step",
    ),
    "clip_before_unscale": trap(
        "Clipping before unscale_",
        "fine",
        {"dataset": "xor", "hidden": (16,), "lr": 1.0, "steps": 400},
        "ZFLaCUAG",
        "The gradients are still multiplied by the scale, 65536, when they are shrunk to max_norm; unscaled "
        "afterward, they are far too short to move the weights.",
        "used",
        notice=(
            "The loss hardly falls at any usual learning rate; the norm of `.grad` at step is about "
            "max_norm divided by the scale."
        ),
        repair="ZFLaUCAG",
        offers=SILENT,
        place="step",
    ),
    "step_without_scaler": trap(
        "optimizer.step() on scaled gradients",
        "explodes",
        MOONS,
        "ZFLaS",
        "backward of the scaled loss leaves gradients multiplied by the scale, 65536. scaler.step divides "
        "them by it before it calls optimizer.step; called directly, that one takes steps 65536 times too "
        "long.",
        "first_move",
        notice="The loss is huge, inf or nan within a few steps; `.grad` has a norm of many thousands.",
        repair="ZFLaAG",
        offers=SWINGS,
        place="step",
    ),
    "scheduler_per_pass": trap(
        "scheduler.step() per pass, though meant per update",
        "fine",
        {**MOONS, "batch_size": 20, "accumulate": 4, "steps": 400, "scheduler": "step"},
        "zFLDsR",
        "The scheduler was made for the number of updates, a quarter of the passes. Stepped at every pass, "
        "it is through after a quarter of the run, and the rest is trained at rates that are far too "
        "small.",
        "rates",
        notice=(
            "A UserWarning: Detected call of `lr_scheduler.step()` before `optimizer.step()`. The printed "
            "learning rate falls k times too fast."
        ),
        repair="zFLDsr",
        offers=SILENT,
        place="step",
    ),
    "train_forgotten": trap(
        "model.train() forgotten after validation",
        "fine",
        {**MOONS, "model": "mlp_dropout"},
        "ZFLBSE",
        "model.eval() lasts until somebody calls model.train(). From the second step on dropout is off: the "
        "model is trained without it. The losses are lower for that, and prove nothing.",
        "mode",
        notice=(
            "The loss drops at once after the first validation and loses its jitter; `model.training` is "
            "False in the loop."
        ),
        repair="TZFLBSE",
        offers=SILENT,
        place="forward",
    ),
    "eval_forgotten": trap(
        "Predicting with dropout switched on",
        "fine",
        {**MOONS, "model": "mlp_dropout"},
        "ZFLBS.look_in_training_mode.",
        "In training mode dropout switches off different units at every call, in predictions too. "
        "model.eval() stops that, and no_grad does not.",
        "asked_again",
        notice="The same row gets another answer each time it is asked; `model.training` is True.",
        repair="ZFLBS.look_in_eval_mode.",
        offers=SILENT,
        place="forward",
    ),
    "rate_by_hand": trap(
        "A learning rate set by hand under a scheduler",
        "fine",
        {**MOONS, "scheduler": "one_cycle", "schedule": ((150, 0.01),)},
        "ZFLBSR",
        "OneCycleLR computes the rate of every step anew, from its own plan. What is written into "
        "param_groups lasts for one step. (Schedulers that multiply, such as StepLR, go on from it.)",
        "after_a_hand",
        notice="The printed learning rate is the new one once, and the scheduler's again right after.",
        repair="ZFLBS",
        right={"scheduler": "none"},
        offers=SILENT,
        place="before",
    ),
}
