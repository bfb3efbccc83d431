"""Every number that a stop names is what PyTorch gives: here by hand, in a few lines each."""

import math
import re

import pytest
import torch
from torch.nn import functional

from core import data
from core.start.address import address
from core.start.stops import STOPS, Stop

NUMBER = re.compile(r"−?\d+(?:\.\d+)?(?:e[+−]\d+)?")
X = torch.tensor([[1.0], [2.0], [3.0], [4.0]])


def deliveries():
    return [tensor.float() for tensor in data.deliveries()]


def trained(steps, lr, clear, momentum=0.0):
    """Losses, and (fresh, used) gradients of the weight, of the five lines with or without zero_grad."""
    x, y = deliveries()
    weight, bias = (torch.zeros(1, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.SGD([weight, bias], lr=lr, momentum=momentum)
    losses, grads = [], []
    for _ in range(steps):
        before = weight.grad.item() if weight.grad is not None else 0.0
        if clear:
            optimizer.zero_grad()
            before = 0.0
        loss = functional.mse_loss(x * weight + bias, y)
        loss.backward()
        grads.append((weight.grad.item() - before, weight.grad.item()))
        optimizer.step()
        losses.append(loss.item())
    return losses, grads


def curvature():
    """The largest eigenvalue of the Hessian 2/n X'X, in double."""
    x = deliveries()[0].double()
    inputs = torch.cat([x, torch.ones_like(x)], dim=1)
    return torch.linalg.eigvalsh(2 / len(x) * inputs.T @ inputs)[-1].item()


def five_lines():
    weight, bias = (torch.tensor(5.0, requires_grad=True) for _ in range(2))
    loss = functional.mse_loss(X * weight + bias, 5 * X + 2)
    loss.backward()
    return [f"{value.item():.1f}" for value in (weight.grad, bias.grad, loss, weight)]


def skipped():
    losses, _ = trained(60, 0.01, clear=False)
    assert max(losses[40:]) > 200 and min(losses[40:]) < 1  # never settles
    return [f"{losses[0]:.1f}", f"{losses[3]:.3f}", f"{losses[7]:.1f}", "7"]


def inside_grad():
    _, grads = trained(8, 0.01, clear=False)
    fresh, used = grads[5]
    assert fresh > 0 > used  # step moves the weight the other way than this batch asks for
    return ["5", *(f"{value:.1f}".replace("-", "−") for value in (fresh, used - fresh, used))]


def how_large():
    below, above = (trained(400, lr, clear=True)[0] for lr in (0.1, 0.121))
    assert below[-1] < 0.03 and above[-1] > 100 * above[0]
    x = re.search(r"lr~0.01\.\.1\.\.25", STOPS[3].address.fields["x"][0])
    assert x and math.isclose(0.01 * 100 ** (12 / 24), 0.1) and f"{0.01 * 100 ** (13 / 24):.3g}" == "0.121"
    steep = curvature()
    return ["2", f"{steep:.2f}", f"{2 / steep:.4f}", "0.1", "0.121"]


def softmax_twice():
    lengths = []
    for twice in (True, False):
        z = torch.tensor([[-10.0, 10.0, 0.0]], dtype=torch.float64, requires_grad=True)
        right = torch.tensor([0])
        functional.cross_entropy(z.softmax(1) if twice else z, right).backward()
        lengths.append(z.grad.norm().item())
    floor = -math.log(math.e / (math.e + 2))  # probabilities 1, 0, 0 as logits
    return [f"{lengths[0]:.3e}".replace("e-0", "e−"), f"{lengths[1]:.3f}", f"{floor:.4f}"]


def momentum():
    never, once = trained(100, 0.2, clear=False)[0], trained(100, 0.2, clear=True, momentum=1.0)[0]
    assert never == once and max(never) < 1e5
    assert not math.isfinite(trained(100, 0.2, clear=True)[0][-1])
    steep = curvature()
    return ["1", "4", f"{steep:.2f}", f"{4 / steep:.4f}"]


COMPUTED = [five_lines, skipped, inside_grad, how_large, softmax_twice, momentum, list]


@pytest.mark.parametrize("number", range(len(STOPS)))
def test_the_numbers_of_a_sentence_are_what_pytorch_gives(number):
    assert NUMBER.findall(STOPS[number].sentence) == COMPUTED[number]()


def test_there_are_six_to_eight_stops_and_each_asks_something_else():
    assert 6 <= len(STOPS) <= 8
    assert (
        len({stop.question for stop in STOPS}) == len({stop.address.text() for stop in STOPS}) == len(STOPS)
    )


def test_the_order_of_the_answers_does_not_tell_the_right_one():
    assert len({sorted(stop.answers).index(stop.right) for stop in STOPS if stop.answers}) > 1


@pytest.mark.parametrize("more", [
    {"question": "Why?"},
    {"sentence": "So."},
    {"question": "Why?", "sentence": "So.", "answers": ("One",)},
    {"question": "Why?", "sentence": "So.", "answers": ("One", "One")},
])  # fmt: skip
def test_a_stop_that_is_not_whole_cannot_be_made(more):
    with pytest.raises(ValueError, match="must"):
        Stop(address("compare", {}), **more)
