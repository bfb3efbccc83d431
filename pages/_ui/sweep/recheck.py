"""Beside the map: how far three of its runs are from what the plain loop makes of them, alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from core import Config
from core.result import result
from core.run_summary import Brief, brief
from core.sweep import recheck
from core.sweep.recheck import Difference
from core.sweep.sweep import Sweep
from pages._ui.shared import slices
from pages._ui.shared.badges import plain
from pages._ui.shared.cache import cache


@dataclass(frozen=True)
class Alone:
    """A run by the plain loop; its own type, since the map shows what came of training together."""

    brief: Brief

    @property
    def nbytes(self) -> int:
        return self.brief.nbytes


def draw(sweep: Sweep, briefs: Mapping[Config, Brief], device: str) -> None:
    """One sentence, or two; nothing where no run has come to its end."""
    known = recheck.chosen([briefs[config] for config in sweep.configs if config in briefs])
    found = [there for one in known if (there := _difference(one, device)) is not None]
    if found:
        st.caption(plain(recheck.in_words(found, [_label(sweep, one.config) for one in found])))


def _difference(one: Brief, device: str) -> Difference | None:
    """Worked out anew at each drawing: in another block, or on a worker, a run may get other bits.

    None if the limit of training time came first.
    """
    there = cache().get(Alone, one.config, device)
    if there is None:
        run = slices.trained(one.config, device, "Retraining one of the runs alone")
        there = Alone(brief(result(run, whole=False)))
        if not there.brief.finished:
            return None
        cache().put(one.config, device, there)
    return recheck.difference(one, there.brief)


def _label(sweep: Sweep, config: Config) -> str:
    cell = next(cell for cell in sweep.cells if config in cell.configs)
    seed = f", seed {config.seed}" if sweep.seeds > 1 else ""
    return f"{sweep.x.labels[cell.column]}, {sweep.y.labels[cell.row]}{seed}"
