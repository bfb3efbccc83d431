"""The updates of torch.optim for many models at once, with a learning rate for each run.

Weights and gradients are (runs, entries), rates (runs, 1). Each update does what `_single_tensor_...` of
the class in torch.optim does, operation by operation, which is why it gives the same numbers for the
same gradients (tested); torch.optim itself takes one rate for all entries of a tensor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from core.config import Config
from core.lines import part

BETAS, EPS = (0.9, 0.999), 1e-8  # defaults of torch.optim.Adam and AdamW
RMSPROP_ALPHA, ADAGRAD_EPS = 0.99, 1e-10  # defaults of torch.optim.RMSprop and Adagrad


class Rates:
    """What may differ between runs, each (runs, 1) in the weights' dtype; None where no run has any.

    exact_...: in double, for what torch.optim works out before it rounds to that dtype.
    """

    def __init__(self, configs: Sequence[Config], like: Tensor):
        rows = [(config.lr, config.momentum, config.weight_decay) for config in configs]
        exact = torch.tensor(rows, dtype=torch.float64).to(like.device)
        self.exact_lr, exact_momentum, self.exact_decay = exact.split(1, dim=1)
        self.dtype = like.dtype
        self.momentum = exact_momentum.to(self.dtype) if exact_momentum.any() else None
        self.decay = self.exact_decay.to(self.dtype) if self.exact_decay.any() else None
        self._use(self.exact_lr)

    def set_lr(self, rates: Sequence[float]) -> None:
        """Other learning rates, one for each run."""
        self._use(self.exact_lr.new_tensor(rates).unsqueeze(1))

    def _use(self, exact: Tensor) -> None:
        self.exact_lr = exact
        self.lr = exact.to(self.dtype)
        self.minus_lr = -self.lr


@dataclass
class State:
    """What an update keeps from step to step: steps done, and tensors (runs, entries) by name."""

    steps: int = 0
    kept: dict[str, Tensor] = field(default_factory=dict)

    def zeros(self, name: str, like: Tensor) -> Tensor:
        if name not in self.kept:
            self.kept[name] = torch.zeros_like(like)
        return self.kept[name]


def _decayed(weights: Tensor, grads: Tensor, rates: Rates) -> Tensor:
    """Gradient + weight decay * weight."""
    return grads if rates.decay is None else torch.addcmul(grads, weights, rates.decay)


def _momentum(grads: Tensor, momentum: Tensor, state: State) -> Tensor:
    """The momentum buffer after this step, which begins as the first gradient."""
    if "momentum" not in state.kept:
        state.kept["momentum"] = grads.clone()
        return state.kept["momentum"]
    return state.kept["momentum"].mul_(momentum).add_(grads)


def sgd(weights: Tensor, grads: Tensor, rates: Rates, state: State) -> None:
    grads = _decayed(weights, grads, rates)
    if rates.momentum is not None:
        grads = _momentum(grads, rates.momentum, state)
    weights.addcmul_(grads, rates.minus_lr)


def nesterov(weights: Tensor, grads: Tensor, rates: Rates, state: State) -> None:
    assert rates.momentum is not None  # Config refuses Nesterov without
    grads = _decayed(weights, grads, rates)
    ahead = torch.addcmul(grads, _momentum(grads, rates.momentum, state), rates.momentum)
    weights.addcmul_(ahead, rates.minus_lr)


def sgd_by_hand(weights: Tensor, grads: Tensor, rates: Rates, state: State) -> None:
    weights.sub_(rates.lr * grads)


def adam(weights: Tensor, grads: Tensor, rates: Rates, state: State) -> None:
    _adam(weights, _decayed(weights, grads, rates), rates, state)


def adamw(weights: Tensor, grads: Tensor, rates: Rates, state: State) -> None:
    if rates.decay is not None:
        weights.mul_((1 - rates.exact_lr * rates.exact_decay).to(weights.dtype))
    _adam(weights, grads, rates, state)


def _adam(weights: Tensor, grads: Tensor, rates: Rates, state: State) -> None:
    """The update that Adam and AdamW share (Kingma & Ba 2015, with bias correction)."""
    mean = state.zeros("mean", weights).lerp_(grads, 1 - BETAS[0])
    square = state.zeros("square", weights).mul_(BETAS[1]).addcmul_(grads, grads, value=1 - BETAS[1])
    first, second = (1 - beta**state.steps for beta in BETAS)
    minus_size = (-rates.exact_lr / first).to(weights.dtype)
    weights.addcdiv_(mean * minus_size, (square.sqrt() / second**0.5).add_(EPS))


def rmsprop(weights: Tensor, grads: Tensor, rates: Rates, state: State) -> None:
    grads = _decayed(weights, grads, rates)
    square = state.zeros("square", weights).mul_(RMSPROP_ALPHA)
    size = square.addcmul_(grads, grads, value=1 - RMSPROP_ALPHA).sqrt().add_(EPS)
    if rates.momentum is None:
        weights.addcdiv_(grads * rates.minus_lr, size)
    else:
        moving = state.zeros("momentum", weights).mul_(rates.momentum).addcdiv_(grads, size)
        weights.addcmul_(moving, rates.minus_lr)


def adagrad(weights: Tensor, grads: Tensor, rates: Rates, state: State) -> None:
    grads = _decayed(weights, grads, rates)
    total = state.zeros("total", weights).addcmul_(grads, grads)
    weights.addcdiv_(grads * rates.minus_lr, total.sqrt().add_(ADAGRAD_EPS))


UPDATES: dict[str, Callable[[Tensor, Tensor, Rates, State], None]] = {
    "sgd": sgd,
    "sgd_by_hand": sgd_by_hand,
    "nesterov": nesterov,
    "adam": adam,
    "adamw": adamw,
    "rmsprop": rmsprop,
    "adagrad": adagrad,
}


class StackedOptimizer:
    """zero_grad and step of many runs of one optimizer, on their (runs, entries) of weights.

    grads: what `step` uses, (runs, entries); None after a zero_grad that all runs call. Runs whose loop
    has no zero_grad keep theirs.
    """

    def __init__(self, configs: Sequence[Config], weights: Tensor):
        self.weights, self.state = weights, State()
        self.grads: Tensor | None = None
        self.rates = Rates(configs, weights)
        self._update = UPDATES[configs[0].optimizer]
        calls = [["zero_grad" in map(part, config.loop)] for config in configs]
        self._calls = torch.tensor(calls, device=weights.device)
        self._all_call = bool(self._calls.all())

    def zero_grad(self) -> None:
        if self._all_call:
            self.grads = None
        elif self.grads is not None:  # a mask, never a product: 0 * nan is nan
            self.grads = self.grads.masked_fill(self._calls, 0.0)

    def add_grads(self, fresh: Tensor, used: Tensor) -> None:
        """Take in what backward has computed: .grad = leftover + fresh, written to `used`."""
        if self.grads is not None:
            torch.add(self.grads, fresh, out=used)
        elif used is not fresh:
            used.copy_(fresh)
        self.grads = used

    def step(self) -> None:
        """Move the weights; autograd watches only the leaves that are views of them."""
        if self.grads is None:  # as torch.optim: nothing to do
            return
        self.state.steps += 1
        self._update(self.weights, self.grads, self.rates, self.state)

    def clip_norms(self, limits: Tensor) -> None:
        """nn.utils.clip_grad_norm_ of each run's gradients in place, limits (runs, 1): the same formula."""
        assert self.grads is not None  # the line stands after backward
        norms = torch.linalg.vector_norm(self.grads, dim=1, keepdim=True)
        self.grads.mul_((limits / (norms + 1e-6)).clamp_(max=1.0))

    def clip_values(self, limits: Tensor) -> None:
        """nn.utils.clip_grad_value_ of each run's gradients in place, limits (runs, 1)."""
        assert self.grads is not None
        self.grads.clamp_(-limits, limits)
