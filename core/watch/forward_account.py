"""What forward computed, and what autograd recorded of it."""

from core.graph.tensor_state import Held, same
from core.watch.line_effect import (
    FEW,
    Executed,
    Said,
    is_sum,
    listed,
    numbers_of,
    recorded_in_words,
    weight_and_bias,
)
from core.words import factor, in_words, signed


def forward_account(done: Executed) -> Said:
    """The outputs, each of few rows worked out, and the operations that were recorded."""
    outputs, earlier = done.after.tensors.get("outputs"), done.before.tensors.get("outputs")
    if outputs is None:
        return "The model's outputs are not a tensor.", [], None
    few = outputs.values.numel() <= FEW
    values = listed(numbers_of(outputs.values)) if few else in_words(outputs.values)
    formulas = [*_rows_of_line(done, outputs), f"outputs {outputs.shape}: {values}"]
    if earlier is not None and same(earlier.values, outputs.values):
        formulas.append("The same outputs as before, to the last bit.")
    return recorded_in_words(done.details.operations, outputs), formulas, None


def _rows_of_line(done: Executed, outputs: Held) -> list[str]:
    """weight × input + bias = output for each of few rows, if that is what the model computes."""
    line, inputs = weight_and_bias(done.before), done.before.tensors["inputs"]
    if line is None or inputs.shape != outputs.shape or len(inputs.values) > FEW:
        return []
    weight, bias = line
    rows = list(zip(numbers_of(inputs.values), numbers_of(outputs.values), strict=True))
    if not all(is_sum(z, (weight * x, bias)) for x, z in rows):
        return []
    w, b = signed(weight), factor(signed(bias))
    return [f"{w} × {factor(signed(x))} + {b} = {signed(z)}" for x, z in rows]
