"""What a comparison shows: cards, linked curves, fitted pictures, the changed code, all numbers."""

import difflib
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st

from core import charts, export, fit
from core.comparison import Comparison
from core.data import DATASETS
from core.lines import LINES
from core.losses import LOSSES
from core.results import loss_path
from core.verdict import WORDS, number
from pages._ui import width
from pages._ui.training import Trained

COLOURS = ["blue", "orange", "violet", "green", "red", "yellow"]  # as chartCategoricalColors
WORD_COLOURS = {
    "learns": "green",
    "slow": "gray",
    "stuck": "gray",
    "bounces": "orange",
    "oscillates": "orange",
    "diverged": "red",
    "raised": "red",
}
CARDS_PER_ROW = 4
LAST = -1


def dot(index: int) -> str:
    return f":{COLOURS[index]}[●]"


def badge(word: str) -> str:
    return f":{WORD_COLOURS[word]}-badge[{WORDS[word]} {word.capitalize()}]"


def heading(comparison: Comparison) -> None:
    """Title, and the baseline in a few badges."""
    config = comparison.baseline
    st.title("Compare runs")
    st.caption("Same data, same starting weights, same batches. Each run changes one thing of the baseline.")
    facts = [
        DATASETS[config.dataset].title,
        LOSSES[config.loss].title,
        f"learning rate {config.lr:g}",
        "zero_grad each step" if "zero_grad" in config.loop else "no zero_grad",
        f"{config.steps} steps",
    ]
    st.markdown(" ".join(f":gray-badge[{fact}]" for fact in facts))


def take_away(comparison: Comparison, trained: Sequence[Trained]) -> None:
    """The link, and every number."""
    with st.popover("Share", icon=":material/link:"):
        st.caption("This address restores the whole comparison.")
        st.code(_address(comparison), language=None, wrap_lines=True)
    st.download_button(
        "Data",
        data=partial(export.data_file, {t.name: t.result for t in trained}),
        file_name="loop-lab.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Every number of every run, as CSV.",
    )


def _address(comparison: Comparison) -> str:
    query = urlencode(comparison.to_params(), doseq=True)
    base = (st.context.url or "").split("?")[0]
    return f"{base}?{query}" if query else base


def cards(trained: Sequence[Trained]) -> None:
    """One card per run: verdict, last loss, accuracy, a small curve."""
    per_row = len(trained) if len(trained) <= CARDS_PER_ROW else (len(trained) + 1) // 2
    for start in range(0, len(trained), per_row):
        columns = st.columns(per_row)
        for offset, one in enumerate(trained[start : start + per_row]):
            with columns[offset], st.container(border=True, key=f"card_{start + offset}"):
                _card(start + offset, one, len(trained))


def _card(index: int, one: Trained, count: int) -> None:
    path = loss_path(one.result)
    st.markdown(f"{dot(index)} **{one.name}**")
    st.markdown(badge(one.verdict.word))
    last = path["loss"].iloc[LAST] if len(path) else float("nan")
    st.metric(
        "last loss", number(last) if len(path) else "none", help="On the training rows, after the last step."
    )
    st.markdown(_accuracy(one))
    losses = path["loss"].where(np.isfinite(path["loss"]) & (path["loss"] > 0))
    shown = path.assign(loss=losses.clip(upper=charts.axis_top([losses.to_numpy()], log=True)))
    st.vega_lite_chart(
        shown.iloc[charts.thin(shown[["loss"]].to_numpy(), 120)],
        charts.sparkline_spec(index, count),
        width="stretch",
        alt=f"Loss of {one.name} over the steps, on a log scale",
    )


def _accuracy(one: Trained) -> str:
    scores = one.result.evaluations.iloc[LAST] if len(one.result.evaluations) else None
    if scores is None or np.isnan(scores["train_accuracy"]):
        val = np.nan if scores is None else scores["val_loss"]
        return (
            f":gray-badge[validation loss {number(val)}]"
            if np.isfinite(val)
            else ":gray-badge[no validation]"
        )
    text = f"{scores['train_accuracy']:.0%} accuracy"
    if not np.isnan(scores["val_accuracy"]):
        text += f", {scores['val_accuracy']:.0%} validation"
    return f":gray-badge[{text}]"


@st.fragment
def curves(trained: Sequence[Trained]) -> None:
    """Loss and gradients side by side: hover reads all runs, a click pins, dragging zooms."""
    results = [one.result for one in trained]
    with st.container(border=True):
        loss, quantity, parameter, logs = _curve_controls(trained)
        pixels = width.of_container("curves_width")
        between, pinned = st.session_state.get("between"), _pinned(trained)
        frame, tops = charts.curves_frame(results, quantity, parameter, loss, logs, between, pinned)
        with_val = bool(frame[[f"v{i}" for i in range(len(results))]].notna().any().any())
        titles = (_loss_title(loss, with_val), _gradient_title(quantity, parameter))
        names = tuple(one.name for one in trained)
        span = between or (0.0, float(max(one.config.steps for one in trained)))
        spec = charts.curves_spec(names, titles, logs, tops, span, pixels, with_val)
        st.vega_lite_chart(
            frame,
            spec,
            key="curves",
            on_select=_selected,
            selection_mode=["pin", "zoom"],
            alt="Loss and gradient of each run over the steps; the table below has the numbers.",
        )
        if any(tops):
            st.caption("▲ a run goes beyond the scale here; pointing at it reads its value.")
        if frame[[f"m{i}" for i in range(len(results))]].notna().any().any():
            st.caption("✖ a run diverged (its loss is no longer finite) or raised here.")
        _reading(trained, pinned, quantity, parameter, loss)


LOSS_COLUMNS = {"loss": "each step", "train_loss": "training set", "val_loss": "validation"}


def _curve_controls(trained: Sequence[Trained]) -> tuple[str, str, str, tuple[bool, bool]]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown(
            "Point at a step to read it in both charts; **click to pin it**, drag to zoom.", width="stretch"
        )
        if st.session_state.get("between"):
            st.button("Whole run", icon=":material/zoom_out_map:", on_click=_zoom_out)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        loss = st.segmented_control(
            "Loss",
            list(LOSS_COLUMNS),
            format_func=LOSS_COLUMNS.__getitem__,
            default="loss",
            key="loss_column",
            required=True,
        )
        quantity = st.selectbox(
            "Gradient",
            list(charts.QUANTITIES),
            format_func=charts.QUANTITIES.__getitem__,
            key="quantity",
            width=230,
        )
        names = list(
            dict.fromkeys(n for one in trained for n in one.result.parameters["parameter"].cat.categories)
        )
        parameter = st.selectbox(
            "of",
            [charts.ALL_PARAMETERS, *names],
            format_func=lambda name: name or "all parameters",
            key="parameter",
            width=170,
        )
        scale = st.segmented_control("Scale", ["log", "linear"], default="log", key="scale", required=True)
    return loss, quantity, parameter, (scale == "log", scale == "log")


def _loss_title(column: str, with_val: bool) -> str:
    title = {
        "loss": "Training loss, each step",
        "train_loss": "Training loss, whole set",
        "val_loss": "Validation loss",
    }[column]
    return f"{title} (dots: validation)" if with_val and column != "val_loss" else title


def _gradient_title(quantity: str, parameter: str) -> str:
    return f"{charts.QUANTITIES[quantity]} ({parameter or 'all parameters'})"


def _selected() -> None:
    """Keep a pinned step and a zoomed range; the chart itself forgets them when it is redrawn."""
    selection = st.session_state["curves"]["selection"]
    pins = selection.get("pin") or []
    if pins and "step" in pins[0]:
        st.session_state.pinned = int(pins[0]["step"])
    span = (selection.get("zoom") or {}).get("step")
    if span and span[1] - span[0] >= 2:
        st.session_state.between = (float(span[0]), float(span[1]))


def _zoom_out() -> None:
    st.session_state.between = None


def _pinned(trained: Sequence[Trained]) -> int | None:
    step = st.session_state.get("pinned")
    last = max(one.config.steps for one in trained)
    return None if step is None else min(step, last)


def _reading(trained: Sequence[Trained], step: int | None, quantity: str, parameter: str, loss: str) -> None:
    """All runs at the pinned step, in words."""
    if step is None:
        return
    parts = [f"**Step {step}**"]
    for i, one in enumerate(trained):
        value = charts.value_at(one.result, loss, charts.ALL_PARAMETERS, step)
        gradient = charts.value_at(one.result, quantity, parameter, step)
        short = "ratio" if quantity == "update_ratio" else "gradient"
        parts.append(f"{dot(i)} loss {value}, {short} {gradient}")
    st.markdown(" · ".join(parts))


@st.fragment
def pictures(trained: Sequence[Trained]) -> None:
    """What each model computes, at a step chosen with a slider."""
    with st.container(border=True):
        st.subheader("Fit")
        last = max(one.config.steps for one in trained)
        step = st.slider("At step", 0, last, value=last, key=f"fit_step_{last}")
        per_row = min(len(trained), 3)
        for start in range(0, len(trained), per_row):
            columns = st.columns(per_row)
            for offset, one in enumerate(trained[start : start + per_row]):
                with columns[offset]:
                    _picture(start + offset, one, step)


def _picture(index: int, one: Trained, step: int) -> None:
    steps = one.result.evaluations["step"].to_numpy()
    row = int(np.abs(steps - step).argmin())
    kind, data = fit.kind(one.config), DATASETS[one.config.dataset]
    st.markdown(f"{dot(index)} **{one.name}**, step {steps[row]}")
    problem = fit.fit_problem(one.result, row)
    if problem:
        st.caption(problem)
        return
    frame = fit.picture(one.result, row)
    titles = ("input 1", "input 2") if kind == "surface" else (data.inputs, data.targets)
    st.vega_lite_chart(
        frame,
        charts.fit_spec(kind, *titles),
        width="stretch",
        key=f"fit_{index}",
        alt=f"{FIT_WORDS[kind]}, {one.name}, step {steps[row]}",
    )
    if kind == "confusion":
        st.caption("Counts on validation rows." if frame["held_out"].iloc[0] else "Counts on training rows.")


FIT_WORDS = {
    "curve": "Fitted curve over the training points",
    "surface": "Decision surface under the training points",
    "scatter": "Model against truth on the training rows",
    "confusion": "Confusion matrix",
}


@st.fragment
def changed(trained: Sequence[Trained], device: str) -> None:
    """The code of a chosen run with what changed, and its verdict in sentences."""
    with st.container(border=True):
        st.subheader("What changed in the loop")
        names = [one.name for one in trained]
        chosen = st.pills(
            "Run", range(len(names)), format_func=lambda i: f"{dot(i)} {names[i]}", default=min(2, len(names) - 1),
            key=f"code_of_{len(names)}", label_visibility="collapsed", required=True,
        )  # fmt: skip
        one = trained[chosen or 0]
        code, baseline = export.listing(one.config), export.listing(trained[0].config)
        lines = changed_lines(baseline, code)
        left, right = st.columns([3, 2])
        with left, st.container(key="changed_code"):
            highlight(lines)
            st.code("\n".join(code), language="python", line_numbers=True)
            st.caption(f"Changed against the baseline: {_lines_in_words(lines)}.")
        with right:
            st.markdown(badge(one.verdict.word))
            st.markdown(one.verdict.because)
            _message(one)
            st.download_button(
                "Script",
                data=partial(export.script, one.config, device),
                file_name="loop.py",
                mime="text/x-python",
                icon=":material/download:",
                on_click="ignore",
                help="Plain PyTorch that repeats this run and prints the same losses, to the last bit.",
            )
            st.latex(LOSSES[one.config.loss].formula)
            st.caption(f"{LOSSES[one.config.loss].title}: {LOSSES[one.config.loss].when}")


def _message(one: Trained) -> None:
    """PyTorch's own words, as text: they are never interpreted."""
    message = one.result.message
    if message is not None:
        st.code(f"{message.type}: {message.text}", language=None, wrap_lines=True)
        st.caption(f"Raised in step {message.step}, at the line `{LINES[message.line].text}`.")


def changed_lines(before: Sequence[str], after: Sequence[str]) -> list[int]:
    """Numbers, from 1, of the lines in `after` that `before` does not have in that place."""
    blocks = difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes()
    return [line + 1 for tag, _, _, start, end in blocks if tag != "equal" for line in range(start, end)]


def highlight(lines: Sequence[int]) -> None:
    """Colour lines of the code block in container `changed_code`; only numbers go into the style."""
    bands = ", ".join(
        "linear-gradient(var(--st-orange-background-color, #E8590C33), var(--st-orange-background-color, #E8590C33))"
        f" 0 calc({line - 1:d} * 1lh) / 100% 1lh no-repeat"
        for line in lines
    )
    rule = f".st-key-changed_code pre code {{ display: block; background: {bands or 'none'}; }}"
    st.html(f"<style>{rule}</style>")


def _lines_in_words(lines: Sequence[int]) -> str:
    if not lines:
        return "nothing"
    return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}"


def numbers(trained: Sequence[Trained]) -> None:
    """A table with all runs."""
    with st.expander("All numbers", icon=":material/table:"):
        st.dataframe(
            numbers_frame(trained),
            hide_index=True,
            column_config={
                "loss history": st.column_config.LineChartColumn("loss history", width="small"),
                "accuracy": st.column_config.ProgressColumn(
                    "accuracy", min_value=0, max_value=1, format="percent"
                ),
                "validation": st.column_config.ProgressColumn(
                    "validation", min_value=0, max_value=1, format="percent"
                ),
            },
        )


def numbers_frame(trained: Sequence[Trained]) -> pd.DataFrame:
    """One row per run: verdict, losses, accuracies, steps."""
    rows = []
    for one in trained:
        path = loss_path(one.result)
        losses = path["loss"].to_numpy()
        finite = losses[np.isfinite(losses)]
        scores = one.result.evaluations.iloc[LAST] if len(one.result.evaluations) else {}
        rows.append(
            {
                "run": one.name,
                "verdict": one.verdict.word,
                "loss history": finite[charts.thin(finite[:, None], 60)] if len(finite) else [],
                "first": number(losses[0]) if len(losses) else "",
                "best": number(finite.min()) if len(finite) else "",
                "last": number(losses[-1]) if len(losses) else "",
                "accuracy": scores.get("train_accuracy"),
                "validation": scores.get("val_accuracy"),
                "steps": one.result.done,
            }
        )
    return pd.DataFrame(rows)
