"""Optimizers: every update rule against its formula by hand, and PyTorch's published baseline.

The formulas are those on the pages of torch.optim, written with NumPy in double; the gradient
of the linear model is written by hand too.
"""

import inspect
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core import Config, Run
from core.build import make_optimizer, optimizer_arguments
from core.config import DEFAULTS, nearest, with_changes
from core.lines import USUAL
from core.optimizers import OPTIMIZERS, MuonAndAdamW, SGDByHand, arguments, expression
from core.result import result

BASELINE = json.loads((Path(__file__).parent / "reference/pytorch_optim_baseline.json").read_text())

X = np.array([[0.5, -1.0], [1.5, 2.0], [-0.7, 0.3], [2.0, 1.0], [0.1, -0.4]])
Y = np.array([[1.0], [-2.0], [0.5], [3.0], [0.2]])
START = np.array([0.4, -0.3, 0.2])  # two weights, one bias
STEPS, LR = 25, 0.05


def gradient(p):
    """Of the mean of (w x + b - y)^2."""
    errors = X @ p[:2, None] + p[2] - Y
    return np.append((2 * errors * X).mean(axis=0), (2 * errors).mean())


def sgd(p, g, s, t, momentum=0.0, decay=0.0, nesterov=False, dampening=0.0):
    g = g + decay * p
    s["velocity"] = g if t == 1 else momentum * s["velocity"] + (1 - dampening) * g
    return p - LR * (g + momentum * s["velocity"] if nesterov else s["velocity"])


def by_hand(p, g, s, t):
    return p - LR * g


def nesterov(p, g, s, t, momentum=0.9, decay=0.0):
    return sgd(p, g, s, t, momentum, decay, nesterov=True)


def adam(p, g, s, t, decay=0.0, betas=(0.9, 0.999), eps=1e-8, amsgrad=False):
    g, (beta1, beta2) = g + decay * p, betas
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = v = beta2 * s.get("v", 0) + (1 - beta2) * g**2
    if amsgrad:
        s["most"] = v = np.maximum(s.get("most", 0), v)
    return p - LR * (s["m"] / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)


def adamw(p, g, s, t, decay=0.0, **more):
    return adam(p * (1 - LR * decay), g, s, t, **more)  # the decay is no part of the gradient


def rmsprop(p, g, s, t, momentum=0.0, decay=0.0, alpha=0.99, eps=1e-8, centered=False):
    g = g + decay * p
    s["v"] = v = alpha * s.get("v", 0) + (1 - alpha) * g**2
    s["mean"] = alpha * s.get("mean", 0) + (1 - alpha) * g
    v = v - s["mean"] ** 2 * centered
    s["buffer"] = momentum * s.get("buffer", 0) + g / (np.sqrt(v) + eps)
    return p - LR * s["buffer"]


def adagrad(p, g, s, t, decay=0.0, eps=1e-10, lr_decay=0.0, initial_accumulator_value=0.0):
    g = g + decay * p
    s["sum"] = s.get("sum", initial_accumulator_value) + g**2
    return p - LR / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s["sum"]) + eps)


def adamax(p, g, s, t, decay=0.0, betas=(0.9, 0.999), eps=1e-8):
    g, (beta1, beta2) = g + decay * p, betas
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["u"] = np.maximum(beta2 * s.get("u", 0), np.abs(g) + eps)
    return p - LR / (1 - beta1**t) * s["m"] / s["u"]


def decayed(p, g, decay, decoupled):
    """Weights and gradient after weight decay, which is of one of them."""
    return (p * (1 - LR * decay), g) if decoupled else (p, g + decay * p)


def nadam(p, g, s, t, decay=0.0, betas=(0.9, 0.999), momentum_decay=0.004, eps=1e-8,
          decoupled_weight_decay=False):  # fmt: skip
    (p, g), (beta1, beta2) = decayed(p, g, decay, decoupled_weight_decay), betas
    mu, ahead = (beta1 * (1 - 0.5 * 0.96 ** (n * momentum_decay)) for n in (t, t + 1))
    s["product"] = s.get("product", 1) * mu
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g**2
    m = ahead * s["m"] / (1 - s["product"] * ahead) + (1 - mu) * g / (1 - s["product"])
    return p - LR * m / (np.sqrt(s["v"] / (1 - beta2**t)) + eps)


def radam(p, g, s, t, decay=0.0, betas=(0.9, 0.999), eps=1e-8, decoupled_weight_decay=False):
    (p, g), (beta1, beta2) = decayed(p, g, decay, decoupled_weight_decay), betas
    most = 2 / (1 - beta2) - 1
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g**2
    m, rho = s["m"] / (1 - beta1**t), most - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return p - LR * m
    r = np.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    return p - LR * m * r * np.sqrt(1 - beta2**t) / (np.sqrt(s["v"]) + eps)


def adadelta(p, g, s, t, decay=0.0, rho=0.9, eps=1e-6):
    g = g + decay * p
    s["v"] = rho * s.get("v", 0) + (1 - rho) * g**2
    move = np.sqrt(s.get("u", 0) + eps) / np.sqrt(s["v"] + eps) * g
    s["u"] = rho * s.get("u", 0) + (1 - rho) * move**2
    return p - LR * move


def asgd(p, g, s, t, decay=0.0, lambd=1e-4, alpha=0.75, t0=1e6):
    """Bottou's SGD of Polyak and Juditsky's averages: eta = lr / (1 + lambd lr t)^alpha."""
    eta = LR / (1 + lambd * LR * (t - 1)) ** alpha
    return p * (1 - lambd * eta) - eta * (g + decay * p)


def rprop(p, g, s, t, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
    (smaller, larger), (least, most) = etas, step_sizes
    sign = np.sign(g * s.get("before", 0 * g))
    s["size"] = s.get("size", np.full_like(g, LR))
    s["size"] = np.clip(s["size"] * np.where(sign > 0, larger, np.where(sign < 0, smaller, 1)), least, most)
    s["before"] = np.where(sign < 0, 0, g)
    return p - s["size"] * np.sign(s["before"])


CASES = [
    ("sgd", sgd, {}),
    ("sgd", sgd, {"momentum": 0.9}),
    ("sgd", sgd, {"momentum": 1.0}),
    ("sgd", sgd, {"decay": 0.1}),
    ("sgd", sgd, {"momentum": 0.8, "decay": 0.1}),
    ("sgd_by_hand", by_hand, {}),
    ("nesterov", nesterov, {}),
    ("nesterov", nesterov, {"momentum": 0.6, "decay": 0.1}),
    ("adam", adam, {}),
    ("adam", adam, {"decay": 0.1}),
    ("adamw", adamw, {}),
    ("adamw", adamw, {"decay": 0.01}),  # torch's own default
    ("adamw", adamw, {"decay": 0.3}),
    ("rmsprop", rmsprop, {}),
    ("rmsprop", rmsprop, {"momentum": 0.5, "decay": 0.1}),
    ("adagrad", adagrad, {}),
    ("adagrad", adagrad, {"decay": 0.1}),
    *((name, rule, choices) for name, rule in (("adamax", adamax), ("nadam", nadam), ("radam", radam),
      ("adadelta", adadelta), ("asgd", asgd)) for choices in ({}, {"decay": 0.1})),
    ("rprop", rprop, {}),
]  # fmt: skip
ARGUMENTS = [  # with all arguments of torch.optim that have no field of their own
    ("sgd", sgd, {"momentum": 0.9}, {"dampening": 0.5}),
    ("sgd", sgd, {"momentum": 0.9}, {"nesterov": True}),
    ("adam", adam, {"decay": 0.1}, {"betas": (0.8, 0.9), "eps": 0.01}),
    ("adam", adam, {"decay": 0.1}, {"betas": (0.8, 0.7), "amsgrad": True}),
    ("adam", adamw, {"decay": 0.1}, {"decoupled_weight_decay": True}),
    ("adamw", adamw, {"decay": 0.1}, {"betas": (0.8, 0.7), "eps": 0.01, "amsgrad": True}),
    ("rmsprop", rmsprop, {"momentum": 0.5}, {"alpha": 0.8, "eps": 0.01, "centered": True}),
    ("adagrad", adagrad, {}, {"lr_decay": 0.2, "initial_accumulator_value": 0.5, "eps": 0.01}),
    ("adamax", adamax, {}, {"betas": (0.8, 0.9), "eps": 0.01}),
    ("nadam", nadam, {"decay": 0.1}, {"betas": (0.8, 0.9), "eps": 0.01, "momentum_decay": 0.1}),
    ("nadam", nadam, {"decay": 0.1}, {"decoupled_weight_decay": True}),
    ("radam", radam, {"decay": 0.1}, {"betas": (0.8, 0.9), "eps": 0.01, "decoupled_weight_decay": True}),
    ("adadelta", adadelta, {}, {"rho": 0.7, "eps": 0.01}),
    ("asgd", asgd, {}, {"lambd": 0.1, "alpha": 0.5, "t0": 5.0}),
    ("rprop", rprop, {}, {"etas": (0.3, 1.5), "step_sizes": (0.01, 0.1)}),
]
OF_TENSORS = {"adafactor", "muon", "lbfgs"}  # whose update of one weight depends on others: see below
IN_SINGLE = {"nadam", "asgd"}  # torch.optim keeps the product of mu, and eta, in float32


def digits(name, rtol):
    return {"rtol": 1e-6, "atol": 1e-7} if name in IN_SINGLE else {"rtol": rtol, "atol": rtol / 10}


def test_every_optimizer_has_a_formula():
    assert {name for name, _, _ in CASES} | OF_TENSORS == set(OPTIMIZERS)


def linear():
    model = nn.Linear(2, 1, dtype=torch.float64)
    nn.utils.vector_to_parameters(torch.tensor(START), model.parameters())
    return model


def run(optimizer, momentum=None, decay=0.0, given=(), **choices):
    config = Config(
        optimizer_arguments=tuple(dict(given).items()),
        dataset="diabetes",
        model="linear",
        optimizer=optimizer,
        momentum=momentum,
        weight_decay=decay,
        lr=LR,
        steps=STEPS,
        dtype="float64",
        **choices,
    )
    return Run(config, data=(X, Y), model=linear()).advance()


def path(run):
    """Weights before each step, and at the end, as (steps + 1, 3)."""
    weights = run.history.weights
    rows = np.concatenate([weights["weight"].reshape(-1, 2), weights["bias"]], axis=1)
    end = nn.utils.parameters_to_vector(run.model.parameters()).detach().numpy()
    return np.vstack([rows, end])


@pytest.mark.parametrize(("optimizer", "rule", "choices"), CASES)
def test_an_optimizer_follows_its_formula(optimizer, rule, choices):
    state, expected = {}, [START]
    for t in range(1, STEPS + 1):
        expected.append(rule(expected[-1], gradient(expected[-1]), state, t, **choices))
    np.testing.assert_allclose(path(run(optimizer, **choices)), expected, **digits(optimizer, 1e-12))


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize(("optimizer", "rule", "choices", "given"), ARGUMENTS)
def test_an_argument_of_an_optimizer_has_the_effect_of_its_formula(optimizer, rule, choices, given, maximize):
    state, expected = {}, [START]
    known = {name: value for name, value in given.items() if rule is not adamw or "decoupled" not in name}
    for t in range(1, STEPS + 1):
        g = gradient(expected[-1])
        expected.append(rule(expected[-1], -g if maximize else g, state, t, **choices, **known))
    ours = run(optimizer, given=given | {"maximize": maximize}, **choices)
    if maximize:  # away from the minimum errors of rounding grow as the weights do
        np.testing.assert_allclose(path(ours), expected, rtol=1e-5)
    else:
        np.testing.assert_allclose(path(ours), expected, **digits(optimizer, 1e-11))


def test_every_argument_has_been_held_against_a_formula():
    tried = {(name, argument) for name, _, _, given in ARGUMENTS for argument in (*given, "maximize")}
    offered = {(name, argument) for name, row in OPTIMIZERS.items() for argument in row.offered}
    assert {pair for pair in offered - tried if pair[0] not in OF_TENSORS} == {("nesterov", "maximize"),
        ("nesterov", "dampening")}  # fmt: skip
    assert not {pair[1] for pair in offered} & {"foreach", "fused", "capturable", "differentiable", "params"}


@pytest.mark.parametrize(("optimizer", "given", "said"), [
    ("adam", {"betas": (0.9, 1.5)}, "ValueError: Invalid beta parameter at index 1: 1.5"),
    ("adam", {"betas": 0.9}, "TypeError: "),
    ("adam", {"eps": -1.0}, "ValueError: Invalid epsilon value: -1.0"),
    ("sgd", {"nesterov": True}, "ValueError: Nesterov momentum requires a momentum and zero dampening"),
    ("nesterov", {"dampening": 0.5}, "ValueError: Nesterov momentum requires a momentum and zero dampening"),
    ("rprop", {"etas": (1.5, 1.2)}, "ValueError: Invalid eta values: 1.5, 1.2"),
    ("adafactor", {"d": 0.5}, "ValueError: Clipping threshold d should be >= 1 but is: 0.5"),
])  # fmt: skip
def test_what_an_optimizer_does_not_take_is_refused_in_the_words_of_pytorch(optimizer, given, said):
    pairs = tuple(given.items())
    with pytest.raises(
        ValueError, match=r"^optimizer_arguments must be what PyTorch takes, which says"
    ) as caught:
        Config(optimizer=optimizer, optimizer_arguments=pairs)
    assert said in str(caught.value)
    config, sentences = nearest(DEFAULTS | {"optimizer": optimizer, "optimizer_arguments": pairs, "seed": 3})
    assert config == Config(optimizer=optimizer, seed=3) and said in sentences[0]


def test_arguments_that_another_optimizer_does_not_have_give_way():
    adam = Config(optimizer="adam", optimizer_arguments=(("betas", (0.8, 0.9)), ("amsgrad", True)))
    config, (sentence,) = with_changes(adam, {"optimizer": "adamax"})
    assert config.optimizer_arguments == (("betas", (0.8, 0.9)),)
    assert sentence == (
        "optimizer_arguments must be of betas, eps, maximize for Adamax; got amsgrad; betas_0.8_0.9 is taken"
    )
    assert with_changes(adam, {"optimizer": "sgd_by_hand"})[0].optimizer_arguments == ()


@pytest.mark.parametrize(("optimizer", "rule", "choices"), CASES)
def test_an_optimizer_follows_its_formula_on_accumulated_gradients(optimizer, rule, choices):
    state, expected, accumulated = {}, [START], 0
    for t in range(1, STEPS + 1):
        accumulated = accumulated + gradient(expected[-1])
        expected.append(rule(expected[-1], accumulated, state, t, **choices))
    ours = run(optimizer, loop=USUAL[1:], **choices)  # without zero_grad
    np.testing.assert_allclose(path(ours), expected, **digits(optimizer, 1e-10))


TALL = np.array([[1.0, -0.5, 2.0], [0.3, 1.5, -1.0], [-2.0, 0.4, 0.1], [0.6, -1.2, 0.8], [1.1, 0.2, -0.3]])


def three_outputs(optimizer, given=(), **choices):
    """25 steps of a Linear(2, 3) in double: a weight of (3, 2) and a bias."""
    config = Config(
        dataset="diabetes", model="linear", optimizer=optimizer, lr=LR, steps=25, dtype="float64",
        optimizer_arguments=tuple(dict(given).items()), **choices,
    )  # fmt: skip
    model = nn.Linear(2, 3, dtype=torch.float64)
    start = torch.tensor([0.4, -0.3, 0.2, 0.1, -0.6, 0.5, 0.0, 0.3, -0.2], dtype=torch.float64)
    nn.utils.vector_to_parameters(start, model.parameters())
    return Run(config, data=(X, TALL), model=model).advance()


def follows(run, name, rule, **tolerance):
    """Whether each step's weights and .grad, by a rule, give the weights of the next."""
    weights, grads, state = run.history.weights[name], run.history.grads[name], {}
    for t in range(1, len(weights)):
        found = rule(weights[t - 1], grads[t - 1], state, t)
        np.testing.assert_allclose(weights[t], found, **tolerance)


@pytest.mark.parametrize(("decay", "given"), [
    (0.0, {}), (0.1, {}), (0.1, {"maximize": True}),
    (0.0, {"beta2_decay": -0.5, "eps": (0.01, 2.0), "d": 1.1}),
])  # fmt: skip
def test_adafactor_follows_its_formula(decay, given):
    """Shazeer and Stern 2018, with the means that its page has for their sums."""

    def rule(p, g, s, t):
        kept, (eps, least) = (
            t ** given.get("beta2_decay", -0.8),
            given.get("eps", (np.finfo(float).eps, 1e-3)),
        )
        g = -g if given.get("maximize") else g
        length = max(least, np.sqrt((p**2).mean())) * min(LR, 1 / np.sqrt(t))
        if p.ndim == 2:
            rows, columns = (g**2).mean(1, keepdims=True), (g**2).mean(0, keepdims=True)
            s["r"] = (1 - kept) * s.get("r", 0) + kept * rows
            s["c"] = (1 - kept) * s.get("c", 0) + kept * columns
            v = s["r"] * s["c"] / max(s["r"].mean(), eps)
        else:
            s["v"] = v = (1 - kept) * s.get("v", 0) + kept * g**2
        u = g / np.maximum(np.sqrt(v), eps)
        return p * (1 - LR * decay) - length * u / max(1, np.sqrt((u**2).mean()) / given.get("d", 1))

    run = three_outputs("adafactor", given, weight_decay=decay)
    for name in ("weight", "bias"):
        follows(run, name, rule, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("momentum", "decay", "given"), [
    (0.95, 0.0, {}), (0.5, 0.1, {}), (0.5, 0.0, {"nesterov": False, "adjust_lr_fn": "original"}),
    (0.9, 0.0, {"ns_steps": 2, "ns_coefficients": (1.875, -1.25, 0.375), "eps": 1e-6}),
])  # fmt: skip
def test_muon_follows_its_formula(momentum, decay, given):
    """Jordan et al. 2024: each singular value s of the moving average becomes p(p(p(p(p(s))))).

    torch.optim works that out in bfloat16, which has three digits.
    """

    def rule(p, g, s, t):
        s["b"] = momentum * s.get("b", 0) + g
        ahead = g + momentum * s["b"] if given.get("nesterov", True) else s["b"]
        left, values, right = np.linalg.svd(ahead / np.linalg.norm(ahead), full_matrices=False)
        a, b, c = given.get("ns_coefficients", (3.4445, -4.775, 2.0315))
        for _ in range(given.get("ns_steps", 5)):
            values = a * values + b * values**3 + c * values**5
        size = 0.2 * np.sqrt(max(p.shape))  # as Moonshot's implementation, for AdamW's learning rate
        if given.get("adjust_lr_fn") == "original":
            size = np.sqrt(max(1, p.shape[0] / p.shape[1]))
        return p * (1 - LR * decay) - LR * size * left @ np.diag(values) @ right

    run = three_outputs("muon", given, momentum=momentum, weight_decay=decay)
    follows(run, "weight", rule, rtol=0, atol=LR * 0.08)
    follows(run, "bias", lambda *given: adamw(*given, decay=decay), rtol=1e-12, atol=1e-13)


def lbfgs(p, s, lr, iterations=20, history=100):
    """Nocedal and Wright 2006, algorithm 7.4, with fixed steps and the ends that its page names."""
    g, calls = gradient(p), 1
    if np.abs(g).max() <= 1e-7:
        return p, calls
    for number in range(iterations):
        pairs = s.setdefault("pairs", [])
        if "d" in s:
            y, step = g - s["g"], s["d"] * s["t"]
            if y @ step > 1e-10:
                pairs[:] = [*pairs, (y, step)][-history:]
                s["scale"] = y @ step / (y @ y)
        q, sizes = -g, []
        for y, step in reversed(pairs):
            sizes.append(step @ q / (y @ step))
            q = q - sizes[-1] * y
        d = q * s.get("scale", 1.0)
        for (y, step), size in zip(pairs, reversed(sizes), strict=True):
            d = d + step * (size - y @ d / (y @ step))
        s["t"] = lr if "d" in s else min(1, 1 / np.abs(g).sum()) * lr
        s["d"], s["g"], before = d, g, mse(p)
        if g @ d > -1e-9:
            break
        p = p + s["t"] * d
        if number == iterations - 1:
            break
        g, calls = gradient(p), calls + 1
        small = np.abs(d * s["t"]).max() <= 1e-9 or abs(mse(p) - before) < 1e-9
        if calls >= iterations * 5 // 4 or np.abs(g).max() <= 1e-7 or small:
            break
    return p, calls


def mse(p):
    return ((X @ p[:2, None] + p[2] - Y) ** 2).mean()


@pytest.mark.parametrize("lr", [0.05, 0.5, 1.0])
def test_lbfgs_follows_its_formula_and_counts_what_its_closure_was_asked_for(lr):
    config = Config(dataset="diabetes", model="linear", optimizer="lbfgs", lr=lr, steps=25, dtype="float64")
    ours = Run(config, data=(X, Y), model=linear()).advance()
    state, expected, calls = {}, [START], 0
    for _ in range(25):
        p, more = lbfgs(expected[-1], state, lr)
        expected.append(p)
        calls += more
    np.testing.assert_allclose(path(ours)[:6], expected[:6], rtol=1e-11)
    # Later the pairs are almost parallel: a start that differs by 1e-15 ends up to 4e-6 away.
    np.testing.assert_allclose(path(ours), expected, rtol=1e-4)
    if lr > 0.1:  # there the last bit cannot decide when it stops
        assert result(ours).closure_calls == calls > 25
    assert result(run("sgd")).closure_calls == 0


def test_lbfgs_takes_its_arguments():
    """One iteration a step, three pairs remembered: no rounding has time to grow."""
    given = {"max_iter": 1, "history_size": 3, "tolerance_grad": 1e-7, "tolerance_change": 1e-9}
    ours = run("lbfgs", given=given)
    state, expected = {}, [START]
    for _ in range(25):
        expected.append(lbfgs(expected[-1], state, LR, iterations=1, history=3)[0])
    np.testing.assert_allclose(path(ours), expected, rtol=1e-8)
    assert result(ours).closure_calls == 25


def test_a_line_search_finds_the_minimum_along_each_direction():
    """Of a quadratic in three weights it takes few steps (Nocedal and Wright 2006, section 7.2)."""
    ours = run("lbfgs", given={"line_search_fn": "strong_wolfe", "max_iter": 6, "max_eval": 50})
    rows = np.column_stack([X, np.ones(5)])
    np.testing.assert_allclose(path(ours)[-1], np.linalg.lstsq(rows, Y, rcond=None)[0][:, 0], rtol=1e-4)
    assert result(ours).closure_calls < 25 * 50


def test_lbfgs_without_a_closure_is_refused_and_the_nearest_loop_has_one():
    assert Config(optimizer="lbfgs").loop == (*USUAL[:-1], "step_closure")
    with pytest.raises(ValueError, match="loop must step with a closure for lbfgs; got FLBS"):
        Config(optimizer="lbfgs", loop=USUAL[1:])
    config, sentences = with_changes(Config(loop=USUAL[1:]), {"optimizer": "lbfgs"})
    assert config.loop == ("forward", "loss", "backward", "step_closure") and len(sentences) == 1
    back, sentences = with_changes(Config(optimizer="lbfgs"), {"optimizer": "adam"})
    assert back.loop == USUAL and not sentences


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_learning_rate_begins_where_the_optimizer_is_used(name):
    """The rest of torch.optim at PyTorch's default; those that links without a rate mean, at 0.5."""
    config, row = Config(optimizer=name), OPTIMIZERS[name]
    assert config.to_params() == ({} if name == "sgd" else {"optimizer": name})
    assert config.lr in (0.5, inspect.signature(row.like or row.make).parameters["lr"].default)


@pytest.mark.parametrize("loop", [USUAL, USUAL[1:]], ids=["usual", "skipped"])
def test_sgd_by_hand_is_torch_sgd_to_rounding(loop):
    np.testing.assert_allclose(path(run("sgd_by_hand", loop=loop)), path(run("sgd", loop=loop)), rtol=1e-13)


def test_sgd_by_hand_skips_what_has_no_gradient_and_forgets_it():
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = SGDByHand([used, unused], lr=0.5)
    used.grad = torch.tensor([1.0, -2.0])
    optimizer.step()
    assert used.tolist() == [0.5, 2.0] and unused.tolist() == [1.0, 1.0]
    optimizer.zero_grad()
    assert used.grad is None  # as torch.optim does since PyTorch 2.0


def test_sgd_by_hand_writes_zeros_into_the_gradients_there_are_where_none_is_not_wanted():
    """As torch.optim: the same tensor stays, and what has no .grad gets none."""
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    used.grad = there = torch.tensor([1.0, math.nan])
    SGDByHand([used, unused], lr=0.5).zero_grad(set_to_none=False)
    assert used.grad is there and there.tolist() == [0.0, 0.0]
    assert unused.grad is None


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("decay", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_an_optimizer_gets_every_choice_that_it_uses(name, decay, momentum):
    """Choices at torch's default are left out of the call; they must arrive all the same."""
    if name == "nesterov":
        momentum = momentum or 0.9
    config = Config(optimizer=name, lr=0.3, momentum=momentum, weight_decay=decay)
    optimizer = make_optimizer(config, linear())
    if name == "sgd_by_hand":
        assert optimizer.lr == 0.3
        return
    for group in optimizer.param_groups:
        assert group["lr"] == 0.3 and group.get("weight_decay", decay) == decay
        assert group.get("momentum", momentum) == momentum
        assert group.get("nesterov", False) == (name == "nesterov" or "ns_steps" in group)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_expression_of_an_optimizer_makes_it_again(name):
    config = Config(optimizer=name, momentum=0.4, weight_decay=0.3)
    names = {"torch": torch, "SGDByHand": SGDByHand, "MuonAndAdamW": MuonAndAdamW, "model": linear()}
    built = eval(expression(name, optimizer_arguments(config)), names)
    ours = make_optimizer(config, linear())
    assert type(built) is type(ours) is OPTIMIZERS[name].make
    if name == "sgd_by_hand":
        assert built.lr == ours.lr
    else:
        settings = [
            [{k: v for k, v in group.items() if k != "params"} for group in one.param_groups]
            for one in (built, ours)
        ]
        assert settings[0] == settings[1]


class ThreeTimes(nn.Module):
    """The baseline's loss is the sum of three outputs, all positive: the mean size of 3 times them."""

    def __init__(self):
        super().__init__()
        layers = (nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1), nn.Sigmoid())
        self.net = nn.Sequential(*layers).double()
        start = torch.tensor(np.concatenate(BASELINE["init"]))
        nn.utils.vector_to_parameters(start, self.parameters())

    def forward(self, inputs):
        return 3 * self.net(inputs)


# Snapshots are named by the number of the update after which they were taken, from 0. Most agree to
# rounding; for Adam, made when eps stood elsewhere in its formula, PyTorch's own tolerance is taken.
BASELINE_RUNS = [
    pytest.param(case, step, id=f"{name}-{step}")
    for name, case in BASELINE["cases"].items()
    for step in case["snaps"]
]


@pytest.mark.parametrize(("case", "step"), BASELINE_RUNS)
def test_the_parameters_of_pytorchs_own_baseline_are_reached(case, step):
    given = dict(case["args"])
    optimizer = "nesterov" if given.pop("nesterov", False) else case["opt"].lower()
    config = Config(
        dataset="diabetes",
        loss="l1",
        optimizer=optimizer,
        lr=case["lr"],
        steps=int(step) + 1,
        dtype="float64",
        optimizer_arguments=(("amsgrad", True),) if given.pop("amsgrad", False) else (),
        **given,
    )
    data = (torch.tensor(BASELINE["x"], dtype=torch.float64), torch.zeros(3, 1, dtype=torch.float64))
    trained = Run(config, data=data, model=ThreeTimes()).advance().model
    expected = np.concatenate([np.ravel(part) for part in case["snaps"][step]])
    ours = nn.utils.parameters_to_vector(trained.parameters()).detach().numpy()
    rtol, atol = (1e-12, 1e-12) if case.get("tight") else (1e-3, 5e-4)
    np.testing.assert_allclose(ours, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rate_that_changes_is_used_from_the_next_update_on(name):
    """But for Rprop and ASGD, whose notes say so."""
    weights = [nn.Parameter(torch.tensor([1.0])), nn.Parameter(torch.tensor([[1.0]]))]
    optimizer = OPTIMIZERS[name].make(weights, **arguments(name, 0.1, 0.5, 0.0))

    def moved():
        before = [weight.item() for weight in weights]
        for weight in weights:
            weight.grad = torch.full_like(weight, 2.0)
        optimizer.step(*([lambda: torch.tensor(1.0)] if name == "lbfgs" else []))
        return [weight.item() != old for weight, old in zip(weights, before, strict=True)]

    assert moved() == [True, True]
    exec(OPTIMIZERS[name].set_lr, {"optimizer": optimizer, "lr": 0.0})  # noqa: S102
    later = [moved(), moved()]
    assert later == {"asgd": [[True] * 2, [False] * 2], "rprop": [[True] * 2] * 2}.get(
        name, [[False] * 2] * 2
    )
    said = OPTIMIZERS[name].note
    assert ("no effect" in said, "one step later" in said) == (name == "rprop", name == "asgd")
