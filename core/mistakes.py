"""Lines that go wrong and their repairs: a table of known lines.

Those of MISTAKES stand in the loop: in place of one of the five lines, or between them. Those of
BEFORE run once, between the making of the optimizer and the loop. They see the names model, loss_fn,
optimizer, inputs, targets, outputs, loss, torch, nn and copy, and what lines before them have made.
None may draw from torch's global random state or change a setting of the process.
"""

from core.line import Line

_FORWARD = {
    "forward_detached": Line("outputs = model(inputs).detach()", "outputs cut off from the graph"),
    "forward_no_grad": Line(
        "with torch.no_grad():\n    outputs = model(inputs)", "outputs computed without a graph"
    ),
    "forward_softmax": Line("outputs = model(inputs).softmax(dim=1)", "a softmax after the model"),
    "forward_sigmoid": Line("outputs = model(inputs).sigmoid()", "a sigmoid after the model"),
    "forward_exp": Line("outputs = model(inputs).exp()", "an exponential after the model"),
    "forward_exp_data": Line(
        "outputs = model(inputs).exp()\noutputs.data.zero_()", "outputs overwritten through .data"
    ),
    "forward_exp_in_place": Line(
        "outputs = model(inputs).exp()\noutputs.mul_(0.5)", "outputs changed in place"
    ),
    "forward_by_hand": Line("outputs = inputs * weight + bias", "a linear model, written out"),
}

_LOSS = {
    "loss_squeezed": Line("loss = loss_fn(outputs, targets.squeeze(1))", "targets of shape (n,)"),
    "loss_by_hand": Line("loss = ((outputs - targets) ** 2).mean()", "the squared error, written out"),
    "loss_by_hand_squeezed": Line(
        "loss = ((outputs - targets.squeeze(1)) ** 2).mean()", "written out, targets of shape (n,)"
    ),
    "loss_unreduced": Line("loss = (outputs - targets) ** 2", "one error per row", number=False),
    "loss_of_classes": Line(
        "loss = (outputs.argmax(dim=1) != targets).float().mean()", "the share of wrong predictions"
    ),
    "loss_rewrapped": Line("loss = torch.tensor(loss_fn(outputs, targets))", "the loss in a new tensor"),
    "loss_from_item": Line(
        "loss = torch.tensor(loss_fn(outputs, targets).item(), requires_grad=True)",
        "a new tensor that asks for a gradient",
    ),
    "loss_cross_entropy": Line(
        "loss = nn.functional.cross_entropy(outputs, targets)", "cross-entropy with a single output"
    ),
    "loss_targets_float": Line("loss = loss_fn(outputs, targets.float())", "targets as floats"),
    "loss_targets_int": Line("loss = loss_fn(outputs, targets.int())", "targets as 32-bit integers"),
    "loss_targets_long": Line("loss = loss_fn(outputs, targets.long())", "targets as 64-bit integers"),
    "loss_targets_column": Line("loss = loss_fn(outputs, targets.unsqueeze(1))", "targets as a column"),
    "loss_targets_one_hot": Line(
        "loss = loss_fn(outputs, nn.functional.one_hot(targets))", "targets one-hot, as integers"
    ),
    "loss_targets_from_1": Line("loss = loss_fn(outputs, targets + 1)", "classes counted from 1"),
    "loss_bce": Line(
        "loss = nn.functional.binary_cross_entropy(outputs, targets)", "BCE that takes probabilities"
    ),
    "loss_bce_of_sigmoid": Line(
        "loss = nn.functional.binary_cross_entropy(outputs.sigmoid(), targets)", "sigmoid, then BCE"
    ),
    "loss_nll": Line("loss = nn.functional.nll_loss(outputs, targets)", "NLL that takes log-probabilities"),
    "loss_module": Line("loss = nn.MSELoss(outputs, targets)", "a loss made, not called", number=False),
}

_BACKWARD = {
    "backward_retained": Line("loss.backward(retain_graph=True)", "backward that keeps the graph"),
    "backward_micro": Line(
        "for rows, answers in zip(inputs.chunk(4), targets.chunk(4)):\n"
        "    loss_fn(model(rows), answers).backward()",
        "four micro-batches",
    ),
    "backward_micro_mean": Line(
        "for rows, answers in zip(inputs.chunk(4), targets.chunk(4)):\n"
        "    (loss_fn(model(rows), answers) / 4).backward()",
        "four micro-batches, each a quarter",
    ),
}

_STEP = {
    "step_uncalled": Line("optimizer.step", "step without parentheses"),
    "step_rebinds": Line(
        "weight = weight - lr * weight.grad\nbias = bias - lr * bias.grad",
        "new tensors for the weights",
    ),
    "step_in_place": Line(
        "weight -= lr * weight.grad\nbias -= lr * bias.grad", "weights changed while autograd is recording"
    ),
    "step_by_hand": Line(
        "with torch.no_grad():\n    weight -= lr * weight.grad\n    bias -= lr * bias.grad",
        "the update, written out",
    ),
}

_BETWEEN = {
    "backward_again": Line("loss.backward()", "backward a second time"),
    "step_again": Line("optimizer.step()", "step a second time"),
    "read_grad": Line("size = model.weight.grad.norm()", "the norm of the gradient"),
    "scheduler_step": Line("scheduler.step()", "the schedule of the learning rate"),
    "look_in_training_mode": Line(
        "with torch.no_grad():\n    answers = model(inputs[:8])", "predictions in training mode"
    ),
    "look_in_eval_mode": Line(
        "model.eval()\nwith torch.no_grad():\n    answers = model(inputs[:8])\nmodel.train()",
        "predictions in eval mode",
    ),
}


def _versions(part: str, table: dict[str, Line]) -> dict[str, Line]:
    return {name: Line(line.text, line.about, "", part, line.number) for name, line in table.items()}


MISTAKES = {
    **_versions("forward", _FORWARD),
    **_versions("loss", _LOSS),
    **_versions("backward", _BACKWARD),
    **_versions("step", _STEP),
    **_BETWEEN,
}

BEFORE = {
    "optimizer_of_a_copy": Line(
        "optimizer = torch.optim.SGD(copy.deepcopy(model).parameters(), lr=0.01)",
        "an optimizer for another model",
    ),
    "weight_replaced": Line(
        "model.weight = nn.Parameter(torch.zeros_like(model.weight))", "a weight replaced after the optimizer"
    ),
    "layers_in_a_list": Line(
        "net = nn.Module()\nnet.layers = [*model.children()]\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)",
        "layers in a Python list",
    ),
    "layers_in_a_module_list": Line(
        "net = nn.Module()\nnet.layers = nn.ModuleList(model.children())\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)",
        "layers in an nn.ModuleList",
    ),
    "weights_by_hand": Line("weight, bias, lr = model.weight, model.bias, 0.01", "weights by name"),
    "dead_relu": Line("nn.init.constant_(model[0].bias, -10.0)", "hidden biases of -10"),
    "scheduler": Line(
        "scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)",
        "a learning rate that shrinks",
    ),
}
