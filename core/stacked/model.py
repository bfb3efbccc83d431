"""Many models of one shape as one: weights with a leading run axis, and layers that work on all.

A layer sees (runs, features, rows): with the features before the rows, small matrices multiply several
times as fast on a CPU. Each run has its own slice of every product, so none can touch another.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from core.models import ACTIVATIONS
from core.torch_internals import tanh_backward

Layer = Callable[[Tensor], Tensor]


def linear(weight: Tensor, bias: Tensor) -> Layer:
    """outputs = weight @ inputs + bias: (runs, in, rows) -> (runs, out, rows)."""
    return lambda inputs: torch.baddbmm(bias, weight, inputs)


# PyTorch's tanh is MKL's, slow on AMD; that of oneDNN, which PyTorch has too, takes a third of the time.
_AMD = torch.cpu.get_capabilities().get("cpu_name", "").startswith("AMD")
SLOW_BY_MKL = (torch.float32,) if _AMD and torch.backends.mkldnn.is_available() else ()
AT_LEAST = 2**15  # numbers: with fewer, MKL's is as quick
AT_ONCE = 2**17  # numbers: oneDNN wants a copy, and a large one would come from fresh memory


class _TanhByOneDNN(torch.autograd.Function):
    """torch.tanh_ of a tensor on the CPU, in another of PyTorch's libraries; the last digit may differ."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor) -> Tensor:
        for part in inputs.view(-1).split(AT_ONCE):
            part.copy_(part.to_mkldnn().tanh_().to_dense())
        ctx.mark_dirty(inputs)
        ctx.save_for_backward(inputs)
        return inputs

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return tanh_backward(grad, *ctx.saved_tensors)


def _tanh_(values: Tensor) -> Tensor:
    if values.dtype in SLOW_BY_MKL and values.device.type == "cpu" and values.numel() >= AT_LEAST:
        return _TanhByOneDNN.apply(values)
    return torch.tanh_(values)


# These act on every number alone, or along dim=1, where the features are here too.
SAME = (*ACTIVATIONS.values(), nn.Sigmoid, nn.Softmax, nn.LogSoftmax)
# Their backward needs what they return, not what they are given: a linear layer's outputs, which its own
# backward does not need, may be overwritten. The same bits, with less memory to go through.
IN_PLACE: dict[type[nn.Module], Layer] = {
    nn.ReLU: torch.relu_,
    nn.Tanh: _tanh_,
    nn.Sigmoid: torch.sigmoid_,
}


def covers(model: nn.Module) -> bool:
    """Whether a model can be stacked: linear layers one after the other, and functions between them."""
    return all(
        isinstance(layer, SAME) or (isinstance(layer, nn.Linear) and layer.bias is not None)
        for layer in layers(model)
    )


def layers(model: nn.Module) -> list[nn.Module]:
    """The layers of a model in their order; a model that is no chain is one layer."""
    if not isinstance(model, nn.Sequential):
        return [model]
    return [inner for layer in model for inner in layers(layer)]


class StackedModel:
    """Many models of one shape, called as one: (runs, features, rows) -> (runs, outputs, rows).

    weights: (runs, entries), a row of all parameters for each run. parameters: the leaves that autograd
    sees, views of `weights`; a bias is (runs, out, 1).
    """

    def __init__(self, models: Sequence[nn.Module], device: torch.device):
        rows = [parameters_to_vector(model.parameters()).detach() for model in models]
        self.weights = torch.stack(rows).to(device)
        self.shapes = {name: tuple(p.shape) for name, p in models[0].named_parameters()}
        sizes = [torch.Size(shape).numel() for shape in self.shapes.values()]
        self.parameters = [
            part.view(len(rows), *(shape if len(shape) > 1 else (*shape, 1))).requires_grad_()
            for part, shape in zip(self.weights.split(sizes, dim=1), self.shapes.values(), strict=True)
        ]
        self._layers = self._stacked(layers(models[0]))

    def _stacked(self, chain: Sequence[nn.Module]) -> list[Layer]:
        leaves, made = iter(self.parameters), list[Layer]()
        for before, layer in zip([None, *chain], chain, strict=False):
            if isinstance(layer, nn.Linear):
                made.append(linear(next(leaves), next(leaves)))
            else:
                made.append(IN_PLACE.get(type(layer), layer) if isinstance(before, nn.Linear) else layer)
        return made

    def __call__(self, inputs: Tensor) -> Tensor:
        for layer in self._layers:
            inputs = layer(inputs)
        return inputs

    def train(self) -> None:
        """No layer here differs between training and eval mode."""

    eval = train

    def take_grads(self, into: Tensor) -> None:
        """Move what backward has left in every .grad to a tensor (runs, entries)."""
        torch.cat([parameter.grad.flatten(1) for parameter in self.parameters], dim=1, out=into)  # type: ignore[union-attr]
        for parameter in self.parameters:
            parameter.grad = None
