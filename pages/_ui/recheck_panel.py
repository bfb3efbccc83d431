"""Beside the map: how far three of its runs are from what the plain loop makes of them, alone."""

from collections.abc import Mapping

import streamlit as st

from core import Config, recheck
from core.brief import Brief, brief
from core.recheck import Difference
from core.results import result
from core.sweep import Sweep
from pages._ui import plain_runs
from pages._ui.cache import cache


def draw(sweep: Sweep, briefs: Mapping[Config, Brief], device: str) -> None:
    """One sentence, or two; nothing where no run has come to its end."""
    known = recheck.chosen([briefs[config] for config in sweep.configs if config in briefs])
    found = [_difference(one, device) for one in known]
    if found:
        st.caption(recheck.in_words(found, [_label(sweep, one.config) for one in known]))


def _difference(one: Brief, device: str) -> Difference:
    there = cache().get(Difference, one.config, device)
    if there is None:
        run = plain_runs.trained(one.config, device, "Retraining one of the runs alone")
        there = recheck.difference(one, brief(result(run, whole=False)))
        cache().put(one.config, device, there)
    return there


def _label(sweep: Sweep, config: Config) -> str:
    cell = next(cell for cell in sweep.cells if config in cell.configs)
    seed = f", seed {config.seed}" if sweep.seeds > 1 else ""
    return f"{sweep.x.labels[cell.column]}, {sweep.y.labels[cell.row]}{seed}"
