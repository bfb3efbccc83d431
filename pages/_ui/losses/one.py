"""One loss: its formula, its curve beside others, what it takes, and what its reductions give."""

import pandas as pd
import streamlit as st

from core.data import FORMS
from core.loss_lessons import curves
from core.loss_lessons.targets import WORDS, answers, example, reductions
from core.losses import LOSSES
from core.words import number
from pages._ui.losses import pair, train
from pages._ui.shared import address_fields, explain
from pages._ui.shared.badges import plain

FIELDS = ("loss", "over", "target", "at")
FIRST = ["mse", "focal"]  # laid over the first loss
MOST = 5  # losses laid over it
TITLES = ("Loss of one prediction", "Gradient")
PREDICTIONS = address_fields.numbers(step / 4 for step in range(-4 * curves.REACH, 4 * curves.REACH + 1))
COLORS = {"taken": "green", "silent": "orange", "warned": "orange", "refused": "red"}


def draw(given: dict[str, str]) -> dict[str, str]:
    """Draw everything about a loss."""
    loss, over = _choose(given)
    row = LOSSES[loss]
    st.markdown(f"$\\displaystyle {row.formula}$")
    st.markdown(row.when)
    target, at = _curves([loss, *over], given)
    _train(loss)
    _takes(loss)
    _reductions(loss)
    return {"loss": loss, "over": address_fields.joined(over), "target": target, "at": at}


def _choose(given: dict[str, str]) -> tuple[str, list[str]]:
    left, right = st.columns([1, 3])
    with left:
        loss = address_fields.one(
            st.selectbox, "Loss", "loss", list(LOSSES), given, "bce", format_func=_title
        )
    others = [name for name in LOSSES if name != loss]
    with right:
        over = address_fields.several("Laid over it", "over", others, given, FIRST, MOST, format_func=_title)
    return loss, over


def _title(loss: str) -> str:
    return LOSSES[loss].title


def _curves(losses: list[str], given: dict[str, str]) -> tuple[str, str]:
    """Target and prediction as sliders, both curves of each loss, and the numbers there."""
    left, right = st.columns(2)
    targets = address_fields.numbers(curves.targets_for(losses))
    with left:
        target = address_fields.one(st.select_slider, "Target", "target", targets, given, "1")
    with right:
        at = address_fields.one(st.select_slider, "Prediction", "at", PREDICTIONS, given, "-2")
    frame = curves.curves(losses, float(target), float(at))
    names = [LOSSES[name].title for name in losses]
    pair.draw(frame, names, TITLES, "prediction", "one_loss", capped=len(losses) > 1)
    read = curves.readings(losses, float(target), float(at))
    rows = [(name, number(value), number(grad)) for name, (value, grad) in zip(names, read, strict=True)]
    st.table(
        pd.DataFrame(rows, columns=[f"target {target}, prediction {at}", "loss", "gradient"]),
        hide_index=True,
        border="horizontal",
    )
    st.caption(_about_prediction(losses), help=explain.words("logits"))
    return target, at


def _about_prediction(losses: list[str]) -> str:
    """What the prediction is, for these losses."""
    said = ["The prediction is the model's output"]
    lasts = [
        f"{type(row.last()).__name__} ({row.title})" for row in map(LOSSES.get, losses) if row and row.last
    ]
    if lasts:
        said.append(f", before its last layer: {', '.join(lasts)}")
    said.append(".")
    if any("zero_one" not in LOSSES[name].takes for name in losses):
        said.append(
            " A loss for classes sees the logits 0 and x; the target is the class, or the probability of "
            "class 1."
        )
    return "".join(said)


def _train(loss: str) -> None:
    outputs, _ = example(loss)
    row = LOSSES[loss]
    last = f"  # the model ends in nn.{type(row.last()).__name__}" if row.last else ""
    st.code(f"loss_fn = {row.expression(outputs.shape[1])}{last}", language=None, wrap_lines=True)
    train.draw("Train with this loss", loss)


def _takes(loss: str) -> None:
    """What PyTorch says to targets of several types and shapes."""
    st.header("Which targets it takes")
    forms = "; or ".join(FORMS[name].about for name in LOSSES[loss].takes)
    outputs, _ = example(loss)
    st.markdown(
        f"From the data sets here this loss gets {forms}. What PyTorch says to targets of several types and "
        f"shapes, for outputs of shape {tuple(outputs.shape)}:"
    )
    rows = [
        (
            f"{one.about}: `{one.targets}`",
            f":{COLORS[one.word]}-badge[{WORDS[one.word]}] {plain(one.says)}",
        )
        for one in answers(loss)
    ]
    st.table(pd.DataFrame(rows, columns=["targets", "PyTorch"]), hide_index=True, border="horizontal")


def _reductions(loss: str) -> None:
    """The same three rows, put together in each way."""
    st.header("Reduction")
    outputs, targets = (_listed(tensor.tolist()) for tensor in example(loss))
    st.code(
        f"outputs = torch.tensor({outputs})\ntargets = torch.tensor({targets})",
        language=None,
        wrap_lines=True,
    )
    done = reductions(loss)
    rows = [(one.reduction, str(one.shape), _listed(one.value)) for one in done]
    st.table(pd.DataFrame(rows, columns=["reduction", "shape", "loss"]), hide_index=True, border="horizontal")
    for one in done:
        if one.warning:
            st.code(f"Warning: {one.warning}", language=None, wrap_lines=True)


def _listed(value: float | int | list) -> str:
    """Numbers with four digits that matter, in the brackets of their rows; a float shows that it is one."""
    if isinstance(value, list):
        return f"[{', '.join(map(_listed, value))}]"
    text = number(value) if isinstance(value, float) else str(value)
    return f"{text}.0" if isinstance(value, float) and text.lstrip("-").isdigit() else text
