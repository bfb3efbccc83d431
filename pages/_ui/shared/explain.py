"""A short explanation where a word first appears: the `help=` of whatever says it."""

from core.start.glossary import TERMS


def words(*names: str) -> str:
    """Terms of `core.start.glossary`, as the `help=` of a widget, a caption or a heading."""
    return "  \n".join(f"**{TERMS[name].title}**: {TERMS[name].text}" for name in names)
