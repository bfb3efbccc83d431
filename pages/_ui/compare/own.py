"""A loop of the visitor's own, recorded elsewhere: uploaded, judged, and drawn beside the runs of the page.

What is uploaded stays in this session: nothing of it is executed, stored, or written into the address.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from core import recorder
from core.budget import MAX_RUNS
from core.own.recording import MAX_BYTES
from core.own.run import SHOWN_UPDATES, OwnRun, ledger, of_these
from core.traps.table import TRAPS
from core.verdict import RULES
from core.watch import ledger as bars
from core.watch import ledger_picture
from core.words import counted, number, size_text
from pages._ui.shared import links, own_loop, width
from pages._ui.shared.badges import badge, dot, plain
from pages._ui.shared.remarks import warn
from pages._ui.shared.streamlit_internals import taken
from pages._ui.shared.training import Trained

NAME = "Your own loop"
USE = (
    "from loop_recorder import record\n"
    "\n"
    "recording = record(model, optimizer, loss_fn)  # before your loop\n"
    "...  # your loop, as it is\n"
    'recording.save("run.json")  # after it'
)
MAX_UPLOAD_MB = MAX_BYTES // 2**20


def drawn(trained: Sequence[Trained]) -> list[Trained]:
    """It as one more run of the curves, in a place that no other run has."""
    own, place = own_loop.run(), _place(trained)
    if own is None or place is None:
        return []
    # Names of parameters are choices, which the address has: none of them may come from the file alone.
    names = {name for one in trained for name in one.result.parameters["parameter"].cat.categories}
    return [Trained(NAME, of_these(own, names), own.verdict, place)]  # type: ignore[arg-type]


def _place(trained: Sequence[Trained]) -> int | None:
    taken = {one.place for one in trained}
    return next((place for place in range(MAX_RUNS) if place not in taken), None)


def card(trained: Sequence[Trained]) -> None:
    """What the recording says: its losses, and each line that it names, with the trap that shows it."""
    own, place = own_loop.run(), _place(trained)
    if own is None:
        return
    with st.container(border=True, key="own_card"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            sign = "" if place is None else f"{dot(place)} "
            st.markdown(f"{sign}**{NAME}** {_numbers(own)}", width="stretch")
            if own.verdict is not None:
                word = own.verdict.word
                st.markdown(badge(word), width="content", help=f"**{word.capitalize()}:** {RULES[word]}")
            st.button(
                "Remove your own loop",
                icon=":material/close:",
                key="own_remove",
                type="tertiary",
                on_click=_remove,
            )
        _findings(own)
        for sentence in own.unseen:
            st.caption(plain(sentence))
        if place is None:
            st.caption(f"The curves have room for {MAX_RUNS} runs: remove one to see this one there.")
        elif own.optimizers > 1:
            st.caption(f"In the curves, updates of its {own.optimizers} optimizers take turns.")
        if place is not None and own.cut:
            st.caption(
                f"The curves show its first {own.done:,} of {own.updates:,} updates, as many as a run here "
                "has at most; the words above are about all of them."
            )


def _numbers(own: OwnRun) -> str:
    text = f":small[:gray[{counted(own.updates, 'update')}]]"
    if len(own.whole.losses):
        text += f" · **{number(own.whole.losses[-1])}** :small[:gray[loss]]"
    return text


def _findings(own: OwnRun) -> None:
    verdict = own.verdict
    if verdict is not None and verdict.word != "raised":
        st.caption(plain(verdict.because))
    if not own.findings:
        st.markdown(
            "The recorder saw no line that is missing, doubled or out of place.",
            help="Of what hooks see: the order of the lines, gradients, weights, and what loss_fn was given.",
        )
    for at, one in enumerate(own.findings):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"own_finding_{at}"):
            st.markdown(f"**{plain(one.line)}**: {plain(one.because)}", width="stretch")
            if one.trap:
                st.page_link(
                    "pages/traps.py",
                    label=plain(TRAPS[one.trap].title),
                    icon=":material/bug_report:",
                    query_params={"view": "traps", "trap": one.trap},
                    width="content",
                )


def draw() -> None:
    """Where the recorder comes from and the recording goes to, and the ledger of its .grad."""
    own = own_loop.run()
    # The card above moves it, so that the browser takes it for a new one: open again, with the ledger in it.
    with st.expander(NAME, icon=":material/upload_file:", expanded=own is not None):
        left, right = st.columns(2)
        with left:
            st.markdown("Record a loop where it runs, without changing a line of it:")
            st.code(USE, language="python")
            links.download(
                "loop_recorder.py", "loop_recorder.py", _source, "One file; it needs PyTorch alone."
            )
        with right:
            st.file_uploader(
                "Recording (run.json)",
                type=["json"],
                key=_key(),
                max_upload_size=MAX_UPLOAD_MB,
                on_change=_take,
            )
            st.caption(
                f"JSON of at most {size_text(MAX_BYTES)}. It stays in this session and is not in the link: "
                "who opens the link does not see it."
            )
            problem = st.session_state.get("own_problem")
            if problem:
                warn(problem)
        if own is not None:
            _ledger(own)


def _source() -> str:
    return Path(recorder.__file__).read_text(encoding="utf-8")


def _key() -> str:
    """Of the uploader: a new one once the recording was removed, since nothing else empties it."""
    return f"own_file_{st.session_state.get('own_removed', 0)}"


def _take() -> None:
    """Read what was uploaded; if it cannot be read, what was there stays."""
    file = st.session_state.get(_key())
    st.session_state.own_problem = None
    if file is None:
        return
    try:
        if file.size > MAX_BYTES:
            raise ValueError(
                f"The file must be at most {size_text(MAX_BYTES)}; it has {size_text(file.size)}"
            )
        own_loop.put(taken(file))
    except ValueError as error:
        st.session_state.own_problem = f"{error}."


def _remove() -> None:
    own_loop.drop()
    st.session_state.own_problem = None
    st.session_state.own_removed = st.session_state.get("own_removed", 0) + 1


def _ledger(own: OwnRun) -> None:
    """The norms over all parameters as bars: this batch and the leftover, and what step used."""
    names = list(own.parameters["parameter"].cat.categories)
    every = "all parameters"
    st.markdown("**Ledger of `.grad`**: a bar is this batch's gradient, a hollow bar what was left over.")
    # By number: another file has other names. In the session alone, as all of the file is.
    chosen = st.selectbox(
        "Parameter",
        range(len(names) + 1),
        format_func=lambda at: names[at - 1] if at else every,
        key=f"own_ledger_of_{len(names)}",
        width=260,
    )
    frame = ledger(own, names[chosen - 1] if chosen else "")
    known = frame.loc[frame["fresh"].notna()]
    if not len(known):
        st.caption("No gradient of it was recorded.")
        return
    pixels = width.of_container("own_ledger_width")
    last = int(known["step"].iloc[min(ledger_picture.steps_that_fit(pixels, 1), len(known)) - 1])
    bars_of = bars.joined([known], int(known["step"].iloc[0]), last)
    title = "norm of one parameter" if chosen else every
    spec = ledger_picture.ledger_spec((NAME,), title, pixels, bars.axis_end(bars_of), norms=True)
    st.vega_lite_chart(
        bars_of, spec, key="own_ledger", alt="Norms of .grad over the updates: this batch and leftover"
    )
    st.dataframe(_table(own.steps), hide_index=True)
    if own.cut:
        st.caption(f"Of the first {SHOWN_UPDATES:,} updates.")


def _table(steps: pd.DataFrame) -> pd.DataFrame:
    titles = {"step": "update", "grad_norm": ".grad", "fresh_norm": "fresh", "leftover_norm": "leftover"}
    return steps.rename(columns=titles | {"update_ratio": "update / weight"})
