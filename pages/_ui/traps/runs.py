"""Runs of this page, trained in slices and cached as plain data for all visitors."""

from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from core import Config, Run
from core.result import Result, result
from core.traps.diagnosis import shapes
from core.traps.evidence import facts
from core.traps.facts import Fact
from core.traps.model_facts import errors
from core.traps.outcomes import outcome
from core.traps.table import TRAPS
from core.verdict import Verdict, verdict
from pages._ui.shared import slices
from pages._ui.shared.locks import SLOT

STEPS = 60  # of a loop on the map


@dataclass(frozen=True)
class Shown:
    """Both results and verdicts, what came of the mistake (a key of OUTCOMES), facts, and pictures' data."""

    wrong: Result
    right: Result
    verdicts: tuple[Verdict, Verdict]
    outcome: str
    facts: list[Fact]
    errors: pd.DataFrame | None
    shapes: pd.DataFrame


@st.cache_data(max_entries=128, show_spinner="Training both loops")
def shown(name: str, device: str, seed: int | None = None) -> Shown:
    """Train both loops of a trap, with its own seed or another one. Work is bounded by the table of traps."""
    trap = TRAPS[name]
    other = {} if seed is None else {"seed": seed}
    wrong, right = (_trained(replace(config, **other), device) for config in (trap.wrong, trap.right))
    with SLOT:
        found = facts(trap.evidence, wrong, right)
    results = result(wrong), result(right)
    verdicts = verdict(results[0]), verdict(results[1])
    return Shown(*results, verdicts, outcome(*results), found, errors(wrong), shapes(wrong))


def _trained(config: Config, device: str) -> Run:
    run = Run(config, device)
    slices.work(lambda: run.done, lambda seconds: run.advance(budget_s=seconds))
    return run


@st.cache_data(max_entries=64, show_spinner=False)
def trained(config: Config, device: str) -> Result:
    """Train a run to its end."""
    return result(_trained(config, device))


def with_loop(config: Config, loop: tuple[str, ...]) -> Config:
    """The same Config with other lines, for as many steps as a small picture shows."""
    return replace(config, loop=loop, steps=STEPS)
