"""Checks three runs of the map against the plain loop, which trains them alone."""

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
    """A run by the plain loop; a type of its own, since the map caches runs that trained together."""

    brief: Brief

    @property
    def nbytes(self) -> int:
        return self.brief.nbytes


def draw(sweep: Sweep, briefs: Mapping[Config, Brief], device: str) -> None:
    """Draw a sentence or two; nothing while no run is finished."""
    known = recheck.chosen([briefs[config] for config in sweep.configs if config in briefs])
    found = [there for one in known if (there := _difference(one, device)) is not None]
    if found:
        st.caption(plain(recheck.in_words(found, [_label(sweep, one.config) for one in found])))


def _difference(one: Brief, device: str) -> Difference | None:
    """Computed at each drawing: in another block, or on a worker, a run may come out with other bits.

    None if the limit on training time came first.
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
