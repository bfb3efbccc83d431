"""Cross-entropy from logits to the gradient, and the same with probabilities as targets."""

import pandas as pd
import streamlit as st

from core.loss_lessons.cross_entropy import Steps, batch, ways
from core.loss_lessons.pictures import classes_frame, classes_spec
from core.words import number
from pages._ui.shared import address_fields, explain

FIELDS = ("z0", "z1", "z2", "class", "rows", "smoothing")
LOGITS = address_fields.numbers(step / 2 for step in range(-20, 21))
SMOOTHINGS = address_fields.numbers(step / 20 for step in range(11))
STARTS = ("2", "-1", "0.5")


def draw(given: dict[str, str]) -> dict[str, str]:
    """Choose three logits, and see what becomes of them."""
    fields = _choose(given)
    row, chosen = [float(fields[f"z{i}"]) for i in range(3)], int(fields["class"])
    done = batch(row, chosen, int(fields["rows"]))
    _pictures(done)
    _numbers(done)
    fields["smoothing"] = _soft(row, chosen, given)
    return fields


def _choose(given: dict[str, str]) -> dict[str, str]:
    fields = {}
    columns = st.columns([2, 2, 2, 1.6, 1.6])
    for number_, column in enumerate(columns[:3]):
        with column:
            name = f"z{number_}"
            label = f"Logit of class {number_}"
            fields[name] = address_fields.one(st.select_slider, label, name, LOGITS, given, STARTS[number_])
    with columns[3]:
        fields["class"] = address_fields.one(
            st.segmented_control, "Right class", "class", ["0", "1", "2"], given, required=True
        )
    with columns[4]:
        fields["rows"] = address_fields.one(
            st.segmented_control, "Rows in the batch", "rows", ["1", "2", "4"], given, required=True
        )
    return fields


def _pictures(done: Steps) -> None:
    """The first row: logits, softmax, gradient."""
    size, part = 1.2 * max(1.0, float(done.logits[0].abs().max())), 1 / len(done.classes)
    pictures = (
        ("Logits", done.logits[0], -size, size),
        ("Softmax", done.softmax[0], 0.0, 1.0),
        (f"Gradient: {_formula(done)}", done.grad[0], -part, part),
    )
    for place, (column, (title, values, low, high)) in enumerate(zip(st.columns(3), pictures, strict=True)):
        with column:
            st.markdown(f"**{title}**", help=explain.words("logits") if not place else None)
            frame = classes_frame(values.tolist(), int(done.classes[0]))
            said = f"{title} of the classes: {', '.join(map(number, values.tolist()))}"
            st.vega_lite_chart(
                frame, classes_spec(low, high), width="stretch", key=f"classes_{place}", alt=said
            )


def _formula(done: Steps) -> str:
    count = len(done.classes)
    return f"(softmax − one-hot) / {count}" if count > 1 else "softmax − one-hot"


def _numbers(done: Steps) -> None:
    """Each step in numbers, and the gradient twice."""
    terms = [number(-value) for value in done.picked.tolist()]
    st.markdown(
        "The entry of the right class is picked from the log-softmax, "
        f"{number(done.picked[0].item())}, and its sign is flipped: {terms[0]}. {_mean(terms, done.loss)}"
    )
    for row, column in enumerate(st.columns(len(terms))):
        with column:
            st.table(_of_row(done, row), hide_index=True, border="horizontal")
    st.success(
        f"Autograd's gradient is the formula {_formula(done)}: in float64 the two differ by "
        f"{number(done.apart)} at most.",
        icon=":material/check:",
    )


def _mean(terms: list[str], loss: float) -> str:
    if len(terms) == 1:
        return f"With one row, that is the loss: **{number(loss)}**."
    return f"The loss is the mean over the rows: ({' + '.join(terms)}) / {len(terms)} = **{number(loss)}**."


STEPS = {  # of `Steps`: from top to bottom
    "logits": "logit",
    "softmax": "softmax",
    "log_softmax": "log-softmax",
    "one_hot": "one-hot target",
    "formula": "formula",
    "grad": "autograd",
}


def _of_row(done: Steps, row: int) -> pd.DataFrame:
    """The steps of one row of the batch, a column for each class."""
    lines = [[title, *map(number, getattr(done, name)[row].tolist())] for name, title in STEPS.items()]
    return pd.DataFrame(lines, columns=[f"row {row}", *(f"class {i}" for i in range(done.logits.shape[1]))])


def _soft(row: list[float], chosen: int, given: dict[str, str]) -> str:
    """Class numbers against probabilities, and label smoothing."""
    st.header("Class indices or probabilities")
    st.markdown(
        "The target may also be one probability per class, as floats with the shape of the outputs. "
        "One-hot, they mean the same as the class index. Label smoothing takes some of the right class's "
        "share and spreads it over all classes."
    )
    smoothing = address_fields.one(st.select_slider, "Label smoothing", "smoothing", SMOOTHINGS, given, "0.1")
    found = ways(row, chosen, float(smoothing))
    lines = [(f"`{code}`", number(value)) for code, value in (found.plain | found.smoothed).items()]
    st.table(pd.DataFrame(lines, columns=["first row alone", "loss"]), hide_index=True, border="horizontal")
    mixed = ", ".join(map(number, found.mixed))
    st.markdown(
        f"The smoothed targets are {mixed}. No logits bring that loss below their entropy, "
        f"**{number(found.lowest)}**."
    )
    return smoothing
