"""Lines executed and their accounts, shared by the tests; formulas evaluated as they are written."""

import ast
import math
import re

import numpy as np
import torch
from torch import nn

from core import Config, Run
from core.watch.account import account
from core.watch.tape import Tape


def linear(*start, **choices):
    base = {"dataset": "deliveries", "model": "linear", "start": start, "lr": 0.01, "steps": 5}
    return Config(**(base | choices))


def accounts(run, lines):
    """The accounts of so many lines of a run."""
    tape, found = Tape(run), []
    for _ in range(lines):
        name = run.config.loop[run.next_line]
        tape.line()
        found.append(account(name, tape.looks[-2], tape.looks[-1], run.config, tape.details[-1]))
    return found


def of(line, run, step=0):
    """The account of one line of a run, in its step of this number."""
    place = step * len(run.config.loop) + run.config.loop.index(line)
    return accounts(run, place + 1)[-1]


def rows(one):
    return one.numbers.to_numpy().tolist()


class Squares(nn.Module):
    """Two parameters with the names and shapes of a Linear(1, 1), but another model."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(1, 1)), nn.Parameter(torch.ones(1))

    def forward(self, inputs):
        return inputs**2 @ self.weight + self.bias


def as_python(text):
    signs = {"−": "-", "×": "*", "½": "0.5", "²": "**2", "^": "**"}
    for sign, python in signs.items():
        text = text.replace(sign, python)
    powers = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: f"**{found[0].translate(powers)}", text)
    text = re.sub(r"\|([^|]+)\|", r"abs(\1)", text)
    text = re.sub(r"log softmax\(([^)]*)\)\[(\d+)\]", r"log_softmax(\2, \1)", text)
    text = re.sub(r"mean log softmax\(([^)]*)\)", r"mean_log_softmax(\1)", text)
    text = re.sub(r"(?<![a-z])\(([^()]*,[^()]*)\)\[(\d+)\]", r"picked(\2, \1)", text)
    text = re.sub(r"log (\d[\d.]*(e-\d+)?)", r"log(\1)", text)
    return re.sub(r"log σ\(([^()]*)\)", r"log(sigma(\1))", text).replace("σ", "sigma")


def log_softmax(chosen, *logits):
    return logits[int(chosen)] - math.log(sum(map(math.exp, logits)))


def mean_log_softmax(*logits):
    return sum(log_softmax(c, *logits) for c in range(len(logits))) / len(logits)


NAMES = {
    "abs": abs,
    "log": math.log,
    "sigma": lambda z: 1 / (1 + math.exp(-z)),
    "log_softmax": log_softmax,
    "mean_log_softmax": mean_log_softmax,
    "picked": lambda chosen, *entries: entries[int(chosen)],
}
SIGNS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


def worth(text):
    """The value of a formula as it is written."""
    return _worth(ast.parse(as_python(text), mode="eval").body)


def _worth(node):
    match node:
        case ast.Constant(value):
            return value
        case ast.UnaryOp(ast.USub(), inner):
            return -_worth(inner)
        case ast.BinOp(left, sign, right):
            return SIGNS[type(sign)](_worth(left), _worth(right))
        case ast.Call(ast.Name(name), inner):
            return NAMES[name](*map(_worth, inner))
    raise ValueError(ast.dump(node))


def trained_on(loss, targets, inputs=((0.5, -1.0), (1.5, 2.0), (-0.75, 0.25)), **choices):
    dataset = "deliveries" if loss in ("mse", "l1", "huber", "smooth_l1") else "iris"
    choices = {"dataset": dataset, "loss": loss, "seed": 3, "steps": 2, "dtype": "float64"} | choices
    data = (torch.tensor(np.array(inputs[: len(targets)])), torch.tensor(np.array(targets)))
    return Run(Config(model="linear", **choices), data=data, evaluate=False)
