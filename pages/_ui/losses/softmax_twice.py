"""A softmax before cross-entropy: the floor under the loss, and the gradient that fades."""

import math

import streamlit as st

from core.loss_lessons import softmax_twice
from core.words import number
from pages._ui.losses import pair
from pages._ui.shared import address_fields, explain

FIELDS = ("classes", "right", "rival")
CLASSES = ("2", "3", "10")
NAMES = ("logits", "softmax of logits")
TITLES = ("Loss", "Length of the gradient")
LOGITS = address_fields.numbers(
    step / 2 for step in range(-2 * softmax_twice.REACH, 2 * softmax_twice.REACH + 1)
)


def draw(given: dict[str, str]) -> dict[str, str]:
    """Logits to choose, and cross-entropy of them with and without a softmax before it."""
    classes, right, rival = _choose(given)
    count, at = int(classes), (float(right), float(rival))
    _numbers(count, *at)
    floor = softmax_twice.floor(count)
    frame = softmax_twice.sweep(at[1], count, at[0]).assign(floor=floor)
    pair.draw(frame, NAMES, TITLES, "logit of the right class", "softmax_twice", log_gradient=True)
    st.markdown(
        f"The dotted level is the floor: with {count} classes, no logits bring the loss of the softmax below "
        f"ln(1 + {count - 1}/e) = **{number(floor)}**. It is never NaN, and a softmax keeps the order of the "
        "logits, so the accuracy can look good. It is the gradient that suffers: it fades where the model is "
        "confidently wrong."
    )
    _floors()
    st.page_link(
        "pages/traps.py",
        label="Train with both",
        icon=":material/bug_report:",
        query_params={"view": "traps", "trap": f"softmax_twice_{count}"},
    )
    return {"classes": classes, "right": right, "rival": rival}


def _choose(given: dict[str, str]) -> tuple[str, str, str]:
    one, two, three = st.columns([1, 2, 2])
    with one:
        classes = address_fields.one(
            st.segmented_control, "Classes", "classes", CLASSES, given, "3", required=True
        )
    with two:
        right = address_fields.one(
            st.select_slider, "Logit of the right class", "right", LOGITS, given, "-10"
        )
    with three:
        rival = address_fields.one(st.select_slider, "Logit of a wrong class", "rival", LOGITS, given, "10")
    return classes, right, rival


def _numbers(classes: int, right: float, rival: float) -> None:
    """Loss and gradient at the chosen logits, in both ways."""
    z = softmax_twice.logits(right, rival, classes)
    shown = ", ".join(number(value) for value in z[0, :4].tolist()) + ", …" * (classes > 4)
    st.markdown(f"Logits {shown}; the first class is right.", help=explain.words("logits"))
    codes = ("nn.CrossEntropyLoss()(z, y)", "nn.CrossEntropyLoss()(z.softmax(dim=1), y)")
    for column, code, twice in zip(st.columns(2), codes, (False, True), strict=True):
        losses, grads = softmax_twice.of_logits(z, twice)
        with column, st.container(border=True, key=f"ways_{int(twice)}"):
            st.markdown(f"`{code}`")
            left, other = st.columns(2)
            left.metric("Loss", number(losses.item()))
            other.metric("Length of the gradient", number(grads.norm().item()))


def _floors() -> None:
    """The floor of each number of classes, by the module and by its formula."""
    texts = []
    for classes in map(int, CLASSES):
        by_hand = math.log(1 + (classes - 1) / math.e)
        assert math.isclose(by_hand, softmax_twice.floor(classes), rel_tol=1e-12)
        texts.append(f"{softmax_twice.floor(classes):.4f} for {classes} classes")
    st.caption(f"Floors, by the module: {', '.join(texts)}.")
