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
from pages._ui.words import plain


def draw(sweep: Sweep, briefs: Mapping[Config, Brief], device: str) -> None:
    """One sentence, or two; nothing where no run has come to its end."""
    known = recheck.chosen([briefs[config] for config in sweep.configs if config in briefs])
    pairs = [(_difference(one, device), one) for one in known]
    found = [(difference, _label(sweep, one.config)) for difference, one in pairs if difference is not None]
    if found:
        differences, labels = zip(*found, strict=True)
        st.caption(plain(recheck.in_words(differences, labels)))


def _difference(one: Brief, device: str) -> Difference | None:
    """None where the limit of training time came before the end of the run."""
    there = cache().get(Difference, one.config, device)
    if there is None:
        run = plain_runs.trained(one.config, device, "Training one of the runs again, alone")
        if not run.done:
            return None
        there = recheck.difference(one, brief(result(run, whole=False)))
        cache().put(one.config, device, there)
    return there


def _label(sweep: Sweep, config: Config) -> str:
    cell = next(cell for cell in sweep.cells if config in cell.configs)
    seed = f", seed {config.seed}" if sweep.seeds > 1 else ""
    return f"{sweep.x.labels[cell.column]}, {sweep.y.labels[cell.row]}{seed}"
