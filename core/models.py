"""Models by name -> nn.Module, with PyTorch's own starting weights.

`build` draws those weights from a private generator, bit for bit what `nn.Linear` and
`nn.Conv2d` draw from the global one after ``torch.manual_seed(seed)``. They are drawn in
float32 and then converted, so that runs in float32 and float64 start alike.
"""

import inspect
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


class LeNet(nn.Module):
    """LeNet-5's plan (LeCun et al. 1998) for 8 x 8 images given as rows of 64 pixels."""

    def __init__(self, outputs: int = 10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 16, 3, padding=1)
        self.fc1 = nn.Linear(64, 48)
        self.fc2 = nn.Linear(48, 32)
        self.fc3 = nn.Linear(32, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        images = inputs.view(-1, 1, 8, 8)
        maps = nn.functional.max_pool2d(torch.relu(self.conv1(images)), 2)  # (batch, 6, 4, 4)
        maps = nn.functional.max_pool2d(torch.relu(self.conv2(maps)), 2)  # (batch, 16, 2, 2)
        hidden = torch.relu(self.fc2(torch.relu(self.fc1(maps.flatten(1)))))
        return self.fc3(hidden)  # (batch, outputs)


class Dropout(nn.Module):
    """In training mode zeroes each entry with probability p, divides the others by 1 - p (Srivastava 2014).

    As nn.Dropout, but it draws from a generator of its own, which no other run disturbs.
    """

    def __init__(self, p: float = 0.5, generator: torch.Generator | None = None):
        super().__init__()
        self.p, self.generator = p, generator

    def forward(self, values: Tensor) -> Tensor:
        if not self.training:
            return values
        kept = torch.rand(values.shape, generator=self.generator) >= self.p
        return values * kept.to(values) / (1 - self.p)


def linear(features: int, outputs: int, hidden: tuple[int, ...], activation: str) -> nn.Module:
    """One layer: outputs = inputs @ weight.T + bias."""
    return nn.Linear(features, outputs)


def mlp(features: int, outputs: int, hidden: tuple[int, ...], activation: str) -> nn.Module:
    """Linear layers of the hidden sizes with an activation after each, then the output layer."""
    sizes = (features, *hidden)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))


def mlp_norm(features: int, outputs: int, hidden: tuple[int, ...], activation: str) -> nn.Module:
    """The MLP with batch normalization before each activation (Ioffe & Szegedy 2015)."""
    sizes = (features, *hidden)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.BatchNorm1d(after), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))


def mlp_dropout(features: int, outputs: int, hidden: tuple[int, ...], activation: str) -> nn.Module:
    """The MLP with dropout after each activation."""
    sizes = (features, *hidden)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), ACTIVATIONS[activation](), Dropout()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))


def lenet(features: int, outputs: int, hidden: tuple[int, ...], activation: str) -> nn.Module:
    """LeNet; its sizes and activation are fixed."""
    return LeNet(outputs)


@dataclass(frozen=True)
class Model:
    """One row of MODELS: how to make it, and the only data set it is for, if there is one.

    averages: whether forward keeps running averages, which are no weights and so in no snapshot. draws:
    whether forward draws random numbers in training mode.
    """

    title: str
    make: Callable[[int, int, tuple[int, ...], str], nn.Module]
    only_for: str | None = None
    layers: bool = False  # whether hidden sizes and activation apply
    averages: bool = False
    draws: bool = False

    @property
    def two_modes(self) -> bool:
        """Whether model.train() and model.eval() make a difference."""
        return self.averages or self.draws


MODELS = {
    "linear": Model("Linear", linear),
    "mlp": Model("MLP", mlp, layers=True),
    "mlp_norm": Model("MLP, batch norm", mlp_norm, layers=True, averages=True),
    "mlp_dropout": Model("MLP, dropout", mlp_dropout, layers=True, draws=True),
    "lenet": Model("LeNet", lenet, only_for="digits"),
}


def initialize(model: nn.Module, generator: torch.Generator) -> None:
    """Draw weights as `reset_parameters` of nn.Linear and nn.Conv2d do, from `generator`.

    kaiming_uniform_ with a = sqrt(5) for weights, uniform within 1 / sqrt(fan_in) for biases:
    calling the same functions in the same order gives the same bits.
    """
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.reset_parameters()  # ones and zeros: nothing is drawn
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
            if layer.bias is not None:
                bound = 1 / math.sqrt(layer.weight[0].numel())  # fan_in
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


@dataclass(frozen=True)
class Start:
    """One row of STARTS: the function of nn.init that draws the weights, its arguments; biases become 0."""

    title: str
    draw: str
    about: str
    given: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The call, as Python; the script has it too."""
        keywords = "".join(f", {name}={value!r}" for name, value in self.given.items())
        return f"nn.init.{self.draw}(layer.weight{keywords})"


STARTS = {  # in place of PyTorch's default, which is that of `initialize`
    "xavier": Start(
        "Xavier",
        "xavier_uniform_",
        "Uniform within √(6 / (fan_in + fan_out)), for tanh and sigmoid (Glorot & Bengio 2010, equation 16).",
    ),
    "he": Start(
        "He",
        "kaiming_normal_",
        "Normal with variance 2 / fan_in, for ReLU (He et al. 2015, equation 10).",
        {"nonlinearity": "relu"},
    ),
    "small": Start(
        "Small, std 0.01",
        "normal_",
        "Normal with standard deviation 0.01: too small for deep networks, in which signals and gradients "
        "fade from layer to layer (He et al. 2015, section 2.2).",
        {"std": 0.01},
    ),
    "large": Start(
        "Large, std 1",
        "normal_",
        "Normal with standard deviation 1: too large for deep or wide networks, in which signals grow from "
        "layer to layer by the root of the width, until units saturate or the loss explodes.",
        {"std": 1.0},
    ),
}


def draw(model: nn.Module, start: str, generator: torch.Generator) -> None:
    """Draw the weights of linear and convolutional layers by a row of STARTS; their biases become 0."""
    row = STARTS[start]
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            getattr(nn.init, row.draw)(layer.weight, **row.given, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def draw_lines(start: str) -> list[str]:
    """The same as Python, on a model in float32."""
    return [
        "for layer in model.modules():",
        "    if isinstance(layer, (nn.Linear, nn.Conv2d)):",
        f"        {STARTS[start].text()}",
        "        nn.init.zeros_(layer.bias)",
    ]


def build(
    kind: str,
    features: int,
    outputs: int,
    hidden: tuple[int, ...],
    activation: str,
    generator: torch.Generator,
) -> nn.Module:
    """A model (a key of MODELS) on the CPU in float32, with weights from `generator`."""
    with torch.device("meta"):  # no memory and, above all, no global random numbers
        model = MODELS[kind].make(features, outputs, hidden, activation)
    model = model.to_empty(device="cpu")
    initialize(model, generator)
    return model


def fill(model: nn.Module, values: tuple[float, ...]) -> None:
    """Set every tensor to one number: the same for all, or one for each."""
    for parameter, value in zip(model.parameters(), itertools.cycle(values), strict=False):
        nn.init.constant_(parameter, value)


def set_dropout(model: nn.Module, p: float, generator: torch.Generator) -> None:
    """Give the dropout layers, if there are any, their share and the generator that they draw from."""
    for layer in dropout_layers(model):
        layer.p, layer.generator = p, generator


def dropout_layers(model: nn.Module) -> list[Dropout]:
    return [layer for layer in model.modules() if isinstance(layer, Dropout)]


def ending_in(model: nn.Module, last: nn.Module) -> nn.Module:
    """The model with one layer more at its end."""
    layers = model if isinstance(model, nn.Sequential) else [model]
    return nn.Sequential(*layers, last)


def tensor_count(kind: str, hidden: tuple[int, ...]) -> int:
    """Number of weight and bias tensors; inputs and outputs do not change it."""
    with torch.device("meta"):
        model = MODELS[kind].make(1, 1, hidden, "tanh")
    return sum(1 for _ in model.parameters())


@lru_cache(maxsize=256)  # a sweep asks for every run
def parameter_count(kind: str, features: int, outputs: int, hidden: tuple[int, ...], activation: str) -> int:
    """Number of trainable entries, without allocating any."""
    with torch.device("meta"):
        model = MODELS[kind].make(features, outputs, hidden, activation)
    return sum(p.numel() for p in model.parameters())


class Work(TorchFunctionMode):
    """Counts what a model does to one row, while it is entered.

    calls: of PyTorch's functions that return a tensor. entries: numbers that they return. multiplications:
    within matrix products and convolutions.
    """

    calls = entries = multiplications = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if isinstance(found, Tensor):
            weight = args[1] if len(args) > 1 else None
            self.calls += 1
            self.entries += found.numel()
            if isinstance(weight, nn.Parameter) and weight.ndim > 1:
                self.multiplications += found.numel() * weight[0].numel()
        return found


@lru_cache(maxsize=256)
def forward_work(kind: str, features: int, outputs: int, hidden: tuple[int, ...], activation: str) -> Work:
    """What one pass of one row through a model takes, without computing it."""
    with torch.device("meta"):
        model = MODELS[kind].make(features, outputs, hidden, activation).eval()
        row = torch.empty(1, features)
    with torch.no_grad(), Work() as work:
        model(row)
    return work


def expression(model: nn.Module) -> str:
    """Python that builds this model, read off the model itself."""
    if isinstance(model, nn.Sequential):
        return f"nn.Sequential({', '.join(expression(layer) for layer in model)})"
    if isinstance(model, nn.Linear):
        return f"nn.Linear({model.in_features}, {model.out_features})"
    if isinstance(model, nn.BatchNorm1d):
        return f"nn.BatchNorm1d({model.num_features})"
    if isinstance(model, Dropout):
        return f"Dropout({model.p!r}, draws)"
    if isinstance(model, LeNet):
        return f"LeNet({model.fc3.out_features})"
    if isinstance(model, nn.LogSoftmax):
        return f"nn.LogSoftmax(dim={model.dim})"
    return f"nn.{type(model).__name__}()"  # an activation


def definition(model: nn.Module) -> str:
    """Source of the classes of the model or its parts that are not PyTorch's own."""
    parts = {type(part) for part in model.modules()}
    return "\n\n".join(inspect.getsource(own) for own in (LeNet, Dropout) if own in parts)
