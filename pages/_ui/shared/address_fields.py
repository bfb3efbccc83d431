"""Choices among a few texts that links give, widgets change, and the address holds.

Numbers are texts too, such as "-0.5": a slider over a list of them returns exactly what a link says.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.words import shown
from pages._ui.shared import remarks, session, widgets

FEW = 12  # options that a sentence lists
BETWEEN, NONE = ".", "none"  # in a link: between several choices, and for none of them


def numbers(values: Iterable[float]) -> list[str]:
    """The texts of numbers."""
    return [f"{value:g}" for value in values]


def one(
    draw: Callable[..., Any],
    label: str,
    field: str,
    options: Sequence[str],
    given: Mapping[str, str],
    default: str | None = None,
    **more: Any,
) -> str:
    """Draw a widget for a field of the address; a value that is not an option gets a sentence."""
    key = f"losses_{field}"
    if given.get(field, "") in options:
        session.choose(key, given[field])
    elif field in given:
        _refuse(field, options, given[field])
    return widgets.kept(draw, label, key, options, default, **more)


def joined(texts: Sequence[str]) -> str:
    """Several choices in one text for the address."""
    return BETWEEN.join(texts) or NONE


def several(
    label: str,
    field: str,
    options: Sequence[str],
    given: Mapping[str, str],
    default: Sequence[str],
    most: int,
    **more: Any,
) -> list[str]:
    """Draw a widget that takes up to `most` options; links hold them as `joined` writes them."""
    key = f"losses_{field}"
    if field in given:
        texts = [text for text in dict.fromkeys(given[field].split(BETWEEN)) if text != NONE]
        chosen = [text for text in texts if text in options][:most]
        if len(chosen) < len(texts):
            _refuse(f"{field} (at most {most})", options, given[field])
        session.choose(key, chosen)
    kept = st.session_state.setdefault("choices", {}).get(key, default)
    chosen = [text for text in kept if text in options]
    if len(chosen) > most:
        remarks.warn(f"{label}: at most {most}; the others are left out.")
        chosen = chosen[:most]
    session.choose(key, chosen)
    more |= {"options": options, "on_change": widgets.keep, "args": (key,)}
    # Not st.multiselect, whose tags are hard to read in the dark.
    return widgets.shown(st.pills, label, key, chosen, selection_mode="multi", wrap=True, **more)


def _refuse(field: str, options: Sequence[str], text: str) -> None:
    listed = ", ".join(options) if len(options) <= FEW else f"{options[0]}, {options[1]}, … {options[-1]}"
    remarks.warn(f"{field} must be one of {listed}; got {shown(text)}. It is ignored.")
