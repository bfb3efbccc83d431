"""All runs in one table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core import charts
from core.result import loss_path
from core.words import number
from pages._ui.shared.training import Trained

LAST = -1


def draw(trained: Sequence[Trained]) -> None:
    """A table with all runs."""
    with st.expander("All numbers", icon=":material/table:"):
        st.dataframe(
            frame(trained),
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


def frame(trained: Sequence[Trained]) -> pd.DataFrame:
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
