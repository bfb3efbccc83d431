"""What do learners of PyTorch get wrong? A table of traps: a new one is a new entry.

`core.traps.trap` says what an entry holds. Whatever is claimed of a run in `why` is what PyTorch 2.13 does,
and tested; the numbers beside it are read off the runs when they are shown.
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
        "backward adds to .grad. With nothing to clear it, every step uses the sum of all gradients so far, "
        "which is momentum 1: the weights overshoot, swing back and never settle. The loss can be lower "
        "than the repaired one's for a while, so a short run tells nothing.",
        "leftover",
        offers=SWINGS,
    ),
    "cleared_before_step": trap(
        "zero_grad between backward and step",
        "nothing",
        DELIVERIES,
        "FLBZS",
        "backward fills .grad, zero_grad empties it, and step finds nothing to use. Ten of the 120 orders "
        "of the five lines do this in one way or another.",
        "moved",
    ),
    "step_before_backward": trap(
        "step between forward and backward, in an MLP",
        "raises",
        MOONS,
        "FLSZB",
        "forward saved the weights of the second layer for backward, and step writes into them. Autograd "
        "counts the writes of every tensor (_version) and refuses to compute with values that are no longer "
        "those of forward. The first step passes, since .grad is still None and step changes nothing.",
    ),
    "stale": trap(
        "step between forward and backward, in a linear model",
        "explodes",
        {**DELIVERIES, "lr": 0.08, "steps": 200},
        "FLSZB",
        "A linear model saves only its inputs, so nothing raises: each step uses the gradient of the step "
        "before. It still trains at small learning rates, but its limit of stability is half of the usual "
        "one.",
        "limits",
    ),
    "step_uncalled": trap(
        "optimizer.step without parentheses",
        "nothing",
        DELIVERIES,
        "ZFLB.step_uncalled.",
        "Without parentheses the line names the method and calls nothing. Python is content with that.",
        "moved",
    ),
    "step_first": trap(
        "step right after zero_grad, before backward",
        "nothing",
        DELIVERIES,
        "ZSFLB",
        "The gradient of each step is thrown away at the top of the next one, before step could use it.",
        "moved",
    ),
    "optimizer_elsewhere": trap(
        "The optimizer belongs to another model",
        "nothing",
        DELIVERIES,
        "ZFLBS",
        "An optimizer holds references to the parameters it was made with. These are a copy's: step moves "
        "that copy, and zero_grad clears the copy's gradients, so .grad of the trained model grows and "
        "grows.",
        "moved",
        "grad_grows",
        before=("optimizer_of_a_copy",),
    ),
    "weight_replaced": trap(
        "A parameter is replaced after the optimizer was made",
        "fine",
        {**DELIVERIES, "steps": 600},
        "ZFLBS",
        "The optimizer still holds the old tensor. The new weight gets gradients that nobody uses; only the "
        "bias learns, and the best that a bias alone can do is the mean of the targets.",
        "weights",
        "variance",
        before=("weight_replaced",),
        offers=SILENT,
    ),
    "read_none": trap(
        "Reading .grad after zero_grad",
        "raises",
        DELIVERIES,
        "Z.read_grad.FLBS",
        "zero_grad sets .grad to None, as it does since PyTorch 2.0; it used to leave zeros. Read gradients "
        "between backward and the next zero_grad.",
        repair="ZFLB.read_grad.S",
    ),
    "zeros_with_momentum": trap(
        "A step on zeros, with momentum",
        "fine",
        {**DELIVERIES, "momentum": 0.9},
        "FLBS0.step_again.",
        "Zeros are a gradient, None is none. With set_to_none=False, a step after zero_grad still moves "
        "every weight by the momentum it has (weight decay and Adam do the same). With None, the optimizer "
        "skips the parameter.",
        "second_step",
        repair="FLBSZ.step_again.",
        offers=SILENT,
    ),
    "not_scalar": trap(
        "A loss for each row",
        "raises",
        DELIVERIES,
        "ZF.loss_unreduced.BS",
        "A gradient belongs to one number. Take the mean (or the sum) of the errors, as loss_fn does.",
    ),
    "backward_twice": trap(
        "backward twice",
        "raises",
        DELIVERIES,
        "ZFLB.backward_again.S",
        "After backward, the tensors that forward saved are freed; a second walk finds nothing to compute "
        "with. Where nothing was saved, nothing raises, and the gradient is there twice.",
        "saves_nothing",
    ),
    "graph_retained": trap(
        "backward twice, with retain_graph=True",
        "explodes",
        {**DELIVERIES, "lr": 0.08},
        "ZFL.backward_retained..backward_again.S",
        "retain_graph=True makes the error of a second backward go away: the graph is kept, and the second "
        "backward adds the same gradient again. Twice the gradient is twice the learning rate, and this one "
        "is then over the limit of stability.",
        "grad_ratio",
        "limits",
    ),
    "detached": trap(
        "Outputs are detached",
        "raises",
        DELIVERIES,
        "Z.forward_detached.LBS",
        "detach returns a tensor without history. From the loss no path leads back to the weights.",
    ),
    "no_grad": trap(
        "forward under torch.no_grad()",
        "raises",
        DELIVERIES,
        "Z.forward_no_grad.LBS",
        "Under no_grad nothing is recorded; it is for evaluating, not for training.",
    ),
    "argmax": trap(
        "Training on the share of wrong answers",
        "raises",
        IRIS,
        "ZF.loss_of_classes.BS",
        "argmax and the comparison have no gradient: a small change of the weights changes no answer. "
        "Cross-entropy is a smooth stand-in for the share of wrong answers.",
    ),
    "rewrapped": trap(
        "The loss is put into a new tensor",
        "raises",
        DELIVERIES,
        "ZF.loss_rewrapped.BS",
        "torch.tensor copies the number and forgets where it came from. PyTorch warns of it, then backward "
        "raises.",
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
    ),
    "broadcast": trap(
        "Targets of shape (n,) against outputs of shape (n, 1)",
        "fine",
        {**DELIVERIES, "lr": 0.1, "steps": 500},
        "ZF.loss_squeezed.BS",
        "Broadcasting pairs every output with every target: n × n errors in place of n. The best answer to "
        "all targets at once is their mean, so the weight goes to 0 and the loss to the variance of y. "
        "PyTorch warns, once.",
        "variance",
        "weights",
        offers=SILENT,
    ),
    "broadcast_by_hand": trap(
        "Targets of shape (n,) in a squared error by hand",
        "fine",
        {**DELIVERIES, "lr": 0.1, "steps": 500},
        "ZF.loss_by_hand_squeezed.BS",
        "Outputs of shape (n, 1) less targets of shape (n,) are n × n errors: every output with every "
        "target. MSELoss warns of that; a minus sign does not know what it is for. The best answer to all "
        "targets at once is their mean, so the weight goes to 0 and the loss to the variance of y.",
        "variance",
        "weights",
        repair="ZF.loss_by_hand.BS",
        offers=SILENT,
    ),
    "softmax_twice_2": trap(
        "A softmax before cross-entropy, two classes",
        "fine",
        {**MOONS, "loss": "cross_entropy", "steps": 500},
        "Z.forward_softmax.LBS",
        f"{SOFTMAX_TWICE}ln(1 + 1/e) = 0.3133, and the gradient fades where it is needed most. It is not "
        "NaN, and the accuracy can look well.",
        "softmax_floor",
        "accuracy",
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
        offers=SILENT,
    ),
    "softmax_twice_10": trap(
        "A softmax before cross-entropy, ten classes",
        "fine",
        {"dataset": "digits", "model": "linear", "lr": 0.5, "steps": 200},
        "Z.forward_softmax.LBS",
        f"{SOFTMAX_TWICE}ln(1 + (C - 1)/e). The more classes, the higher: 1.4612 for ten.",
        "softmax_floor",
        "accuracy",
        offers=SILENT,
    ),
    "one_output": trap(
        "Cross-entropy of a model with one output",
        "nothing",
        MOONS,
        "ZF.loss_cross_entropy.BS",
        "The softmax over one output is 1 whatever the output is, so the loss is 0 from the first step on, "
        "and so is every gradient. A perfect loss at once is an alarm. For one output, take BCE with "
        "logits.",
        "moved",
        "accuracy",
    ),
    "targets_float": trap(
        "Class numbers as floats",
        "raises",
        IRIS,
        "ZF.loss_targets_float.BS",
        "Class numbers are indices, so cross-entropy takes them as int64. Floats of this shape mean nothing "
        "to it; floats of the shape of the outputs are probabilities.",
    ),
    "targets_int": trap(
        "Class numbers as int32",
        "raises",
        IRIS,
        "ZF.loss_targets_int.BS",
        "Class numbers must be int64 (or uint8). NumPy arrays and data frames often bring int32.",
    ),
    "targets_column": trap(
        "Class numbers of shape (n, 1)",
        "raises",
        IRIS,
        "ZF.loss_targets_column.BS",
        "One number per row means shape (n,). A column of shape (n, 1) would be several targets per row.",
    ),
    "targets_one_hot": trap(
        "One-hot targets of integers",
        "raises",
        IRIS,
        "ZF.loss_targets_one_hot.BS",
        "Targets of the shape of the outputs are taken as probabilities of the classes, and those are "
        "floats.",
    ),
    "targets_from_1": trap(
        "Classes counted from 1",
        "raises",
        IRIS,
        "ZF.loss_targets_from_1.BS",
        "C classes are numbered 0 to C - 1. On a GPU the same mistake ends in a device-side assert, and "
        "nothing works until the process is restarted.",
    ),
    "bce_shape": trap(
        "BCE with targets of shape (n,)",
        "raises",
        MOONS,
        "ZF.loss_squeezed.BS",
        "BCEWithLogitsLoss wants targets of just the shape of the outputs. MSELoss only warns here, which "
        "is worse.",
    ),
    "bce_long": trap(
        "BCE with integer targets",
        "raises",
        MOONS,
        "ZF.loss_targets_long.BS",
        "BCE computes with its targets, so they must be floats.",
    ),
    "sigmoid_twice": trap(
        "A sigmoid before BCE with logits",
        "fine",
        MOONS,
        "Z.forward_sigmoid.LBS",
        "BCEWithLogitsLoss applies the sigmoid itself. Applied twice, outputs lie between 0.5 and 0.73: "
        "even a perfect answer has a high loss.",
        "sigmoid_floor",
        "faded_sigmoid",
        "accuracy",
        offers=SILENT,
    ),
    "bce_on_logits": trap(
        "BCELoss on logits",
        "raises",
        MOONS,
        "ZF.loss_bce.BS",
        "BCELoss takes probabilities. It raises as soon as an output leaves the range from 0 to 1; until "
        "then it is wrong in silence. Take BCEWithLogitsLoss.",
    ),
    "saturated": trap(
        "sigmoid, then BCELoss, on large logits",
        "nothing",
        {**MOONS, "model": "linear", "start": (0.0, 200.0)},
        "ZF.loss_bce_of_sigmoid.BS",
        "In float32 sigmoid(200) is exactly 1. BCELoss cuts the logarithm of 0 off at -100, and the "
        "gradient through the sigmoid is exactly 0. BCEWithLogitsLoss computes both together and keeps the "
        "gradient.",
        "moved",
        "first_gradient",
        "saturated_row",
    ),
    "nll_on_logits": trap(
        "NLLLoss on logits",
        "fine",
        {**IRIS, "lr": 0.1},
        "ZF.loss_nll.BS",
        "NLLLoss takes log-probabilities, which are never above 0. On logits it is a straight line that "
        "falls without end: a negative loss is an alarm.",
        "lowest",
        "accuracy",
        offers=BELOW,
    ),
    "targets_cut": trap(
        "Regression targets as integers",
        "fine",
        {**DELIVERIES, "lr": 0.05, "steps": 300},
        "ZF.loss_targets_long.BS",
        "MSELoss takes integer targets and converts them (older versions raised). On whole numbers that "
        "changes no bit. These were cut off to 6, 12, 16 and 22 on the way, and nobody says so.",
        "whole_targets",
        "weights",
        offers=SILENT,
    ),
    "not_a_leaf": trap(
        "weight = weight - lr * weight.grad",
        "raises",
        DELIVERIES,
        "Z.forward_by_hand.LB.step_rebinds.",
        "The name weight now means a new tensor, a result with history: no leaf. Its .grad is None (PyTorch "
        "warns), so the second step fails. Change the tensor itself, under no_grad.",
        before=("weights_by_hand",),
        repair="Z.forward_by_hand.LB.step_by_hand.",
        right={"before": ("weights_by_hand",)},
    ),
    "in_place_leaf": trap(
        "weight -= lr * weight.grad",
        "raises",
        DELIVERIES,
        "Z.forward_by_hand.LB.step_in_place.",
        "In place is right, but autograd is looking: it would have to record the update as part of the "
        "model. The update belongs under torch.no_grad(), as optimizers do it.",
        before=("weights_by_hand",),
        repair="Z.forward_by_hand.LB.step_by_hand.",
        right={"before": ("weights_by_hand",)},
    ),
    "layers_in_a_list": trap(
        "Layers in a Python list",
        "raises",
        {**MOONS, "lr": 0.1},
        "ZFLBS",
        "A module finds its parameters through its attributes. It does not look into a Python list; "
        "nn.ModuleList is a list that it does look into.",
        before=("layers_in_a_list",),
        right={"before": ("layers_in_a_module_list",)},
    ),
    "rate_too_large": trap(
        "A learning rate just above the limit",
        "explodes",
        {**DELIVERIES, "lr": 0.13, "steps": 600},
        "ZFLBS",
        "On a quadratic each step multiplies the error along the steepest direction by 1 - lr x curvature. "
        "Once lr is above 2 / curvature, that factor is below -1: every step overshoots by more than the "
        "one before.",
        "limits",
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
        right={"lr": 0.1},
    ),
    "dead_relu": trap(
        "A dead ReLU layer",
        "fine",
        {"dataset": "deliveries", "hidden": (16,), "lr": 0.003, "steps": 600},
        "ZFLBS",
        "With biases of -10 every hidden unit is below 0 for every row, so its output and its gradient are "
        "exactly 0. Only the last bias learns: the mean of the targets. The loss falls nicely to their "
        "variance.",
        "dead",
        "variance",
        before=("dead_relu",),
        offers=SILENT,
    ),
    "batch_of_one": trap(
        "Batch normalisation with one row per batch",
        "raises",
        {**MOONS, "model": "mlp_norm", "batch_size": 1, "steps": 50},
        "ZFLBS",
        "The mean and spread of one row say nothing. A last batch with one row raises in the same way: "
        "drop_last=True leaves it out.",
        right={"batch_size": 16, "steps": 100},
    ),
    "no_eval": trap(
        "Answers asked for in training mode",
        "fine",
        {**MOONS, "model": "mlp_norm", "lr": 0.1, "steps": 100},
        "ZFLBS.look_in_training_mode.",
        "In training mode batch normalisation uses the other rows of the batch: the same row gets another "
        "answer in other company, and each look changes the running averages that evaluation uses later. "
        "The training loss shows none of it. Call model.eval() first, and model.train() afterwards.",
        "company",
        "averages",
        repair="ZFLBS.look_in_eval_mode.",
        offers=SILENT,
    ),
    "scheduler_first": trap(
        "scheduler.step() before optimizer.step()",
        "fine",
        DELIVERIES,
        "ZFLB.scheduler_step.S",
        "The schedule goes on before its first value was used, so that value is skipped. PyTorch warns, "
        "once.",
        "first_rate",
        before=("scheduler",),
        repair="ZFLBS.scheduler_step.",
        right={"before": ("scheduler",)},
        offers=SILENT,
    ),
    "micro_batches": trap(
        "Four micro-batches, each with its whole loss",
        "explodes",
        {**DELIVERIES, "lr": 0.05},
        "ZFL.backward_micro.S",
        "Each loss is a mean over its own rows, and the four gradients add up: exactly four times the "
        "gradient of the whole batch. Divide each loss by the number of micro-batches.",
        "grad_ratio",
        "limits",
        repair="ZFL.backward_micro_mean.S",
    ),
    "data_edit": trap(
        "Writing through .data",
        "nothing",
        {**DELIVERIES, "lr": 0.0002},
        "Z.forward_exp_data.LBS",
        "backward of exp computes with the outputs that forward saved. A write through .data changes them "
        "behind autograd's back: the version counter stays, nothing raises, and the gradient is wrong.",
        "moved",
        "data_gradient",
        repair="Z.forward_exp.LBS",
    ),
    "in_place_edit": trap(
        "Changing outputs in place",
        "raises",
        {**DELIVERIES, "lr": 0.0002},
        "Z.forward_exp_in_place.LBS",
        "backward of exp computes with the outputs that forward saved. mul_ writes over them, the version "
        "counter shows it, and backward refuses. (A write through .data is not counted, and goes wrong in "
        "silence.)",
        repair="Z.forward_exp.LBS",
    ),
    "loss_not_called": trap(
        "nn.MSELoss(outputs, targets)",
        "raises",
        DELIVERIES,
        "ZF.loss_module.BS",
        "nn.MSELoss is a class. Make the loss once, nn.MSELoss(), and call it with outputs and targets; or "
        "call nn.functional.mse_loss.",
    ),
}
