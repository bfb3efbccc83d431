"""One term of a loss as text: a function per loss, with places for the numbers.

Each takes an output z (of losses of classes: one row of them), its target y and the arguments of the
loss's module; in the text, {z} and {y} stand for the two numbers.
"""

from collections.abc import Sequence


def squared(z: float, y: float) -> str:
    return "({z} − {y})²"


def absolute(z: float, y: float) -> str:
    return "|{z} − {y}|"


def huber(z: float, y: float) -> str:
    return "½ × ({z} − {y})²" if abs(z - y) < 1 else "(|{z} − {y}| − ½)"


def smooth_l1(z: float, y: float, beta: float) -> str:
    near = abs(z - y) < beta
    return f"({{z}} − {{y}})² / {2 * beta:g}" if near else f"(|{{z}} − {{y}}| − {beta / 2:g})"


def cross_entropy(z: Sequence[float], y: int) -> str:
    return "−log softmax({z})[{y}]"


def smoothed(z: Sequence[float], y: int, label_smoothing: float) -> str:
    one, all_ = f"{1 - label_smoothing:g}", f"{label_smoothing:g}"
    return f"−({one} × log softmax({{z}})[{{y}}] + {all_} × mean log softmax({{z}}))"


def weighted(z: Sequence[float], y: int, weight: Sequence[float]) -> str:
    return f"−{weight[y]:g} × log softmax({{z}})[{{y}}]"


def nll(z: Sequence[float], y: int) -> str:
    return "−({z})[{y}]"


def bce(z: float, y: float) -> str:
    return _two_classes(y, "log σ({z})", "log(1 − σ({z}))")


def bce_of_probability(z: float, y: float) -> str:
    return _two_classes(y, "log {z}", "log(1 − {z})")


def focal(z: float, y: float, gamma: float) -> str:
    ones, zeros = f"(1 − σ({{z}}))^{gamma:g} × log σ({{z}})", f"σ({{z}})^{gamma:g} × log(1 − σ({{z}}))"
    if y in (0.0, 1.0):
        return _two_classes(y, ones, zeros)
    wrong = "({y} × (1 − σ({z})) + (1 − {y}) × σ({z}))"
    return f"{wrong}^{gamma:g} × ({bce(z, y)})"


def _two_classes(y: float, one: str, zero: str) -> str:
    """Minus the logarithm of class 1 for y = 1, of class 0 for y = 0, a mixture in between."""
    usual = {1.0: f"−{one}", 0.0: f"−{zero}"}
    return usual.get(y, f"−({{y}} × {one} + (1 − {{y}}) × {zero})")


def kl_div(z: float, y: float, reduction: str) -> str:
    return "{y} × (log {y} − ({z}))" if y > 0 else "0"
